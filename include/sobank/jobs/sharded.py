"""A day up to its decision: prepared shard by shard, then decided at once."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, Final

from sobank.domain.shards import Shard, shards_for
from sobank.errors import DeliveryIncomplete
from sobank.jobs import start
from sobank.jobs.start import Now, Ref, as_day, utc_now

if TYPE_CHECKING:
    import pyarrow as pa

    from sobank.store.runfiles import RunFiles
    from sobank.wiring import House

log = logging.getLogger(__name__)
#: What is counted by shard and summed for the run.
_COUNTED: Final = (
    "statements",
    "entries",
    "partitions",
    "lots",
    "statements_with_errors",
    "statements_with_warnings",
    "files_with_errors",
)


def shards(day: str | date, run: str, *, withdraw: bool = True, now: Now = utc_now) -> list[Ref]:
    """References to the shards in which this run prepares the day; one where it is small, never none.

    First, batches that were never attempted and whose association or mandate was withdrawn since are cancelled, so
    that this run decides their statements anew (D7); a dry run leaves that (`withdraw`).
    """
    from sobank.store.extract import to_leave_by_cabinet, write_shards

    house, wanted = start.house(), as_day(day)
    cancelled = 0
    if withdraw:
        cancelled = house.ledger.cancel_withdrawn(until=wanted, worker=house.worker(now).name, now=now())
    cut = shards_for(
        to_leave_by_cabinet(house.database, wanted),
        size=house.settings.shard_statements,
        most=house.settings.shards_most,
    )
    write_shards(house.run_files(wanted, run), cut)
    same = {"day": wanted.isoformat(), "run": run, "withdrawn": cancelled, "lineage": house.trace.lineage}
    return [same | shard.said() for shard in cut]


def extract(ref: Ref) -> Ref:
    """Write the statements of approved mandates and their entries, up to the day, of one shard into the run's files."""
    from sobank.store.extract import extract as extract_rows

    house = start.house()
    return ref | extract_rows(house.database, _files(house, ref), Shard.told(ref))


def partition(ref: Ref) -> Ref:
    """Cut the extract of a shard into one lot a destination, business date and due date."""
    from sobank.store.extract import partition as cut

    house = start.house()
    return ref | cut(_files(house, ref), house.line_ends())


def validate(ref: Ref) -> Ref:
    """Hold every statement, entry and file to be of a shard to its data contract with Great Expectations.

    Raises:
        CheckBroken: a check could not be run; nothing is set aside.
    """
    from sobank.quality import contract
    from sobank.quality.judge import judge
    from sobank.services.validate import validate as validate_run
    from sobank.store.extract import frames

    house = start.house()
    files, contracts = _files(house, ref), contract.load_all(house.contracts)
    summary = validate_run(files, frames(files), lambda found: judge(found, contracts))
    for rule in summary["rules"]:
        if rule["failed"]:
            log.warning("rule %s (%s): %d of %d rows", rule["rule"], rule["severity"], rule["failed"], rule["rows"])
    return ref | {name: count for name, count in summary.items() if name != "rules"}


def decide(refs: Iterable[Ref] | Ref, *, now: Now = utc_now) -> Ref:
    """Decide every validated statement once and seal its batch, in one transaction (D1).

    Args:
        refs: what `validate` gave for every shard of one run, in any order. Airflow hands that of a single shard over
            as itself, without a list around it.
    Raises:
        DeliveryIncomplete: a shard is missing: a run decides what it has prepared whole, or nothing. Or the database
            was restored since: its statements have other numbers, and the verdicts would be of others.
        ConfigurationError: the database was restored, and is not reconciled.
    """
    from sobank.formats.cfonb120_write import Lines
    from sobank.services.decide import decide as decide_all
    from sobank.store.decision import deciding

    house = start.house()
    house.trace.require_level()
    ref, files = _together(house, [refs] if isinstance(refs, dict) else list(refs))
    validated, failures = _verdicts(files)
    with deciding(house.database, day=as_day(ref["day"]), now=now()) as decision:
        left = decide_all(
            decision,
            validated=validated,
            failures=failures,
            envelopes=house.envelopes(),
            write=Lines,
            spool=house.spool,
            encryption=house.encryption,
        )
    for error in left:
        log.error("%s", error)
    return ref | decision.counts


def plan_of(refs: Iterable[Ref], columns: list[str]) -> tuple[Ref, list[Ref]]:
    """What a run has prepared and not decided: its reference, and of each lot these columns, in order of destination.

    Raises:
        DeliveryIncomplete: a shard is missing.
    """
    import pyarrow as pa

    ref, files = _together(start.house(), list(refs))
    lots = pa.concat_tables([part.read("lots") for part in files])
    order = [(name, "ascending") for name in ("destination", "business_day", "due_day")]
    return ref, lots.sort_by(order).select(columns).to_pylist()


def _files(house: House, ref: Ref) -> RunFiles:
    return house.run_files(as_day(ref["day"]), Shard.told(ref).key(ref["run"]))


def _together(house: House, refs: list[Ref]) -> tuple[Ref, list[RunFiles]]:
    """One reference for the run, its counts summed, and the files of its shards, in the order of the cut.

    Of a run that is cleared and cut into fewer shards Airflow still gives what the former ones said: it is left out.
    """
    from sobank.store.extract import read_shards

    runs = {(ref["day"], ref["run"]) for ref in refs}
    cut = [shard for day, run in runs for shard in read_shards(house.run_files(as_day(day), run))]
    given = sorted((ref for ref in refs if Shard.told(ref) in cut), key=lambda ref: ref["shard"])
    if len(runs) != 1 or [Shard.told(ref) for ref in given] != cut:
        raise DeliveryIncomplete(
            f"{len(given)} verdicts for {len(cut)} shards of one run: nothing was decided",
            subject=", ".join(sorted({run for _, run in runs})) or "no run",
            remedy="clear the run from its task `shards`",
        )
    if {ref.get("lineage") for ref in given} != {house.trace.lineage}:
        raise DeliveryIncomplete(
            "the database was restored since this was prepared: nothing was decided",
            subject=given[0]["run"],
            remedy="clear the run from its task `shards`",
        )
    summed = {name: sum(ref[name] for ref in given) for name in _COUNTED if name in given[0]}
    same = {name: given[0][name] for name in ("day", "run", "of", "withdrawn", "lineage")}
    return same | summed, [_files(house, ref) for ref in given]


def _verdicts(files: list[RunFiles]) -> tuple[pa.Array, pa.Table]:
    """Ids that were validated and what failed, in the same order however the run was cut (D9)."""
    import pyarrow as pa

    ids = [part.read("partitioned")["statement_id"].combine_chunks() for part in files]
    failures = pa.concat_tables([part.read("errors").select(["statement_id", "rule"]) for part in files])
    return pa.concat_arrays(ids), failures.sort_by([("statement_id", "ascending"), ("rule", "ascending")])
