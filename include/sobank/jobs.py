"""One function per Airflow task; the command line calls the same functions.

Importing this module is cheap: a DAG file does it again and again. What a job needs is imported when it runs. Days go
in as `YYYY-MM-DD` text or dates; what comes out is small JSON: references to files and counts, never rows, labels or
full IBANs (O3).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sobank.domain import day as days
from sobank.errors import ConfigurationError, DeliveryIncomplete, ProofFailed

if TYPE_CHECKING:
    from sobank.domain.proof import Proof
    from sobank.services.ingest import FileOutcome
    from sobank.services.worker import PushReport
    from sobank.wiring import House

log = logging.getLogger(__name__)
Ref = dict[str, Any]
Now = Callable[[], datetime]


def _now() -> datetime:
    return datetime.now(UTC)


def _house() -> House:
    from sobank.wiring import House

    return House.ready()


def _day(day: str | date) -> date:
    try:
        return day if isinstance(day, date) else date.fromisoformat(day)
    except ValueError:
        raise ConfigurationError("is not a day", subject=str(day), remedy="write it YYYY-MM-DD") from None


def business_day(param: str | None, data_interval_start: datetime | None, run_type: str) -> str:
    """The business day of a run as `YYYY-MM-DD`; see `domain.day.resolve_day`.

    Raises:
        ConfigurationError: the run has no day, or two.
    """
    try:
        return days.resolve_day(param, data_interval_start, run_type).isoformat()
    except ValueError as error:
        raise ConfigurationError(str(error)) from None


def run_key(run_id: str) -> str:
    """A file-name-safe key of a run."""
    return days.run_key(run_id)


def ready_at(day: str | date) -> datetime:
    """The moment (UTC) from which the run of `day` may start: the configured hour in Paris, the morning after."""
    import os

    from sobank.domain.day import BANK_ZONE
    from sobank.wiring import settings_from

    hour = settings_from(os.environ).ready_at
    return datetime.combine(_day(day) + timedelta(days=1), hour, tzinfo=BANK_ZONE).astimezone(UTC)


def ingest(report: Callable[[FileOutcome], None] | None = None, *, now: Now = _now) -> Ref:
    """Take in every file of the inbox that is whole; files that cannot be taken are set aside and counted."""
    from sobank.services.ingest import ingest_inbox

    house = _house()
    house.settings.inbox.mkdir(parents=True, exist_ok=True, mode=0o750)
    counts = no_files()
    for outcome in ingest_inbox(house.inbox, house.ingest_parts(), now=now()):
        count_file(counts, outcome)
        if outcome.refused:
            log.warning("%s", outcome.refused)
        if report:
            report(outcome)
    return counts | {"left_alone": len(house.inbox.left_alone(now=now()))}


def no_files() -> dict[str, int]:
    """The counts of an ingest before its first file."""
    return dict.fromkeys(("files", "already", "refused", "statements", "entries", "duplicates", "quarantined"), 0)


def count_file(counts: dict[str, int], outcome: FileOutcome) -> None:
    """Add one file to the counts of an ingest."""
    counts["files"] += 1
    counts["refused"] += outcome.refused is not None
    if outcome.kept:
        counts["already"] += outcome.kept.already
        counts["statements"] += outcome.kept.statements
        counts["entries"] += outcome.kept.entries
        counts["duplicates"] += outcome.kept.duplicates
        counts["quarantined"] += outcome.kept.set_aside


def extract(day: str | date, run: str, *, withdraw: bool = True, now: Now = _now) -> Ref:
    """Write the statements of approved mandates and their entries, up to `day`, into the run's folder.

    First, batches that were never attempted and whose association or mandate was withdrawn since are cancelled, so
    that this run decides their statements anew (D7); a dry run leaves that (`withdraw`).
    """
    from sobank.store.extract import extract as extract_rows

    house = _house()
    files = house.run_files(_day(day), run)
    cancelled = 0
    if withdraw:
        cancelled = house.ledger.cancel_withdrawn(until=files.day, worker=house.worker(now).name, now=now())
    return {"day": files.day.isoformat(), "run": run, "withdrawn": cancelled} | extract_rows(house.database, files)


def partition(ref: Ref) -> Ref:
    """Cut the extract into one lot a destination, business date and due date."""
    from sobank.store.extract import partition as cut

    house = _house()
    return ref | cut(house.run_files(_day(ref["day"]), ref["run"]), house.line_ends())


def validate(ref: Ref) -> Ref:
    """Hold every statement, entry and file to be to its data contract with Great Expectations.

    Raises:
        CheckBroken: a check could not be run; nothing is set aside.
    """
    from sobank.quality import contract
    from sobank.quality.judge import judge
    from sobank.services.validate import validate as validate_run
    from sobank.store.extract import frames

    house = _house()
    files, contracts = house.run_files(_day(ref["day"]), ref["run"]), contract.load_all(house.contracts)
    summary = validate_run(files, frames(files), lambda found: judge(found, contracts))
    for rule in summary["rules"]:
        if rule["failed"]:
            log.warning("rule %s (%s): %d of %d rows", rule["rule"], rule["severity"], rule["failed"], rule["rows"])
    return ref | {name: count for name, count in summary.items() if name != "rules"}


def decide(ref: Ref, *, now: Now = _now) -> Ref:
    """Decide every validated statement once and seal its batch, in one transaction (D1)."""
    from sobank.formats.cfonb120_write import write
    from sobank.services.decide import decide as decide_all
    from sobank.store.decision import deciding

    house = _house()
    day = _day(ref["day"])
    files = house.run_files(day, ref["run"])
    with deciding(house.database, day=day, now=now()) as decision:
        left = decide_all(
            decision,
            validated=files.read("partitioned")["statement_id"].combine_chunks(),
            failures=files.read("errors").select(["statement_id", "rule"]),
            envelopes=house.envelopes(),
            write=write,
            spool=house.spool,
            encryption=house.encryption,
        )
    for error in left:
        log.error("%s", error)
    return ref | decision.counts


def partners_to_push(day: str | date) -> list[str]:
    """Codes of the partners that have batches under way, up to `day`."""
    batches = _house().ledger.open_batches(kind="connector", until=_day(day))
    return sorted({batch.partner for batch in batches if batch.partner})


def push(partner: str, day: str | date, *, now: Now = _now) -> Ref:
    """Push every batch of a partner that is under way, up to `day`, in order of date for each destination (D5).

    Raises:
        DeliveryIncomplete: something did not arrive; other destinations did. Running again is safe.
    """
    from sobank.services.push import push_all

    house = _house()
    batches = house.ledger.open_batches(kind="connector", partner=partner, until=_day(day))
    return _pushed(push_all(house.worker(now), house.sink_of, batches), partner)


def global_file_shards(day: str | date) -> list[int]:
    """Shards of cabinets that have global files to write, up to `day`; one today, whatever the volume."""
    return [0] if _house().ledger.open_batches(kind="global", until=_day(day)) else []


def write_global_files(shard: int, day: str | date, *, now: Now = _now) -> Ref:
    """Write the global file of every cabinet of a shard; the protocol is that of a partner's folder (O1).

    Raises:
        DeliveryIncomplete: a file could not be written; others were.
    """
    from sobank.services.push import push_all

    house = _house()
    batches = house.ledger.open_batches(kind="global", until=_day(day))
    return {"shard": shard} | _pushed(push_all(house.worker(now), house.sink_of, batches), "global files")


def _pushed(report: PushReport, what: str) -> Ref:
    counts = {
        "delivered": report.delivered,
        "pending": report.pending,
        "cancelled": report.cancelled,
        "held": report.held,
        "rejected": report.rejected,
    }
    if report.errors:
        lines = "\n".join(f"  {name}: {why}" for name, why in sorted(report.errors.items()))
        raise DeliveryIncomplete(
            f"batches that arrived: {report.delivered}; destinations left behind: {len(report.errors)}\n{lines}",
            subject=what,
            remedy="mend the cause, then clear this task or run `sobank deliver` again; nothing is sent twice",
        )
    return counts


def prove(day: str | date) -> Ref:
    """Prove the day, and every earlier day that is not settled (D10).

    Raises:
        ProofFailed: one of them does not hold.
    """
    proofs = proofs_up_to(day)
    require_holding(proofs)
    return {"days": [proof.day.isoformat() for proof in proofs], "proof": proofs[-1].as_json()}


def proofs_up_to(day: str | date) -> list[Proof]:
    """The proof of every earlier day that is not settled, in order, and last that of `day`."""
    house, wanted = _house(), _day(day)
    return [proof_of(one, house) for one in sorted({wanted, *_open_days(house, wanted)})]


def require_holding(proofs: list[Proof]) -> None:
    """Refuse to call a run done whose proofs do not all hold (D8).

    Raises:
        ProofFailed: one of them does not hold.
    """
    if broken := [proof for proof in proofs if not proof.holds]:
        raise ProofFailed(
            "\n".join(_sentence(proof) for proof in broken),
            subject=f"run of {proofs[-1].day}",
            remedy=f"`sobank prove --day {broken[0].day}` shows where; docs/runbooks/deliver_statements.md what to do",
        )


def proof_of(day: str | date, house: House | None = None) -> Proof:
    """The proof of one business day, whether it holds or not."""
    from sobank.services.prove import prove as prove_day
    from sobank.store.proof import ProofRows

    house = house or _house()
    return prove_day(_day(day), rows=ProofRows(house.database), spool=house.spool, read=house.read_sealed)


def _open_days(house: House, up_to: date) -> list[date]:
    from sobank.store.proof import ProofRows

    return ProofRows(house.database).open_days(up_to)


def _sentence(proof: Proof) -> str:
    parts = {
        "missing": proof.missing,
        "doubled": proof.doubled,
        "pending": proof.pending,
        "unaccounted": proof.received.statements - proof.accounted_for,
    }
    said = [f"{count} {name}" for name, count in parts.items() if count] + list(proof.faults)
    return f"{proof.day} does not hold: {'; '.join(said)} (of {proof.received.statements} statements)"
