"""`deliveries list|show|retry|release|confirm|reject`: batches under way, and those that wait for a person."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sobank.cli.batch_words import circuit_document, circuit_words, first_line, next_step, print_circuits
from sobank.cli.decisions import decide_each
from sobank.cli.show import (
    LARGEST_ID,
    AsJson,
    By,
    PageNumber,
    PageSize,
    SeenBy,
    Why,
    a_day,
    as_json,
    moment,
    out,
    page_document,
    page_title,
    table,
)
from sobank.domain.day import overdue_before
from sobank.domain.delivery import Batch, BatchState
from sobank.domain.roles import scope_of
from sobank.errors import ConfigurationError, DeliveryIncomplete

if TYPE_CHECKING:
    from sobank.domain.circuit import Circuit
    from sobank.store.ledger_rows import Listed
    from sobank.store.listing import Page
    from sobank.wiring import House

app = typer.Typer(help="Batches of the delivery ledger.", no_args_is_help=True)
Id = Annotated[int, typer.Argument(min=1, max=LARGEST_ID, help="Id of a batch, as `list` shows it.")]
Ids = Annotated[list[int], typer.Argument(min=1, max=LARGEST_ID, help="Ids of batches, as `list` shows them.")]
_STATES = ", ".join(BatchState)


def _house() -> House:
    from sobank.wiring import House

    return House.ready()


def _circuits(house: House) -> dict[int | None, Circuit]:
    from sobank.store.circuits import Circuits

    return {circuit.connector_id: circuit for circuit in Circuits(house.database).all()}


@app.command("list")
def list_(
    state: Annotated[str | None, typer.Option(help=f"Only these states, with commas between: {_STATES}.")] = None,
    destination: Annotated[
        str | None, typer.Option(help="connector:CAB001/fizen, CAB001/fizen, global:CAB001.")
    ] = None,
    day: Annotated[str | None, typer.Option(help="Only this business day, YYYY-MM-DD.")] = None,
    first: Annotated[str | None, typer.Option("--from", help="First business day.")] = None,
    until: Annotated[str | None, typer.Option(help="Last business day, included.")] = None,
    run_day: Annotated[str | None, typer.Option("--run", help="Only what the run of this business day sealed.")] = None,
    cabinet: Annotated[str | None, typer.Option(help="Only of this cabinet (code).")] = None,
    overdue: Annotated[bool, typer.Option(help="Only what waits for a person, or is dated before yesterday.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Also what is final: delivered, rejected, cancelled.")] = False,
    by: SeenBy = None,
    page: PageNumber = 1,
    size: PageSize = 50,
    json: AsJson = False,
) -> None:
    """List batches that are not final, or those that are asked for, with how their last attempt ended."""
    from sobank.store.batch_list import BatchFilter, batch_page

    wanted = BatchFilter(
        user=scope_of(by),
        states=_states(state, every=every),
        cabinet=cabinet,
        destination=_destination(destination),
        first=_day(day or first),
        last=_day(day or until),
        run_day=_day(run_day),
        overdue=overdue_before(datetime.now(UTC)) if overdue else None,
    )
    house = _house()
    found = batch_page(house.database, wanted, page=page, size=size)
    circuits = _circuits(house)
    if json:
        rows = [_row(listed) | {"circuit": circuit_document(circuits.get(_of(listed)))} for listed in found.rows]
        as_json(page_document("batches", found, rows))
    else:
        _print_list(found, circuits)


@app.command()
def show(batch: Id, by: SeenBy = None, json: AsJson = False) -> None:
    """Show one batch, whatever its state: every attempt, receipt, circuit, what people decided, and what to do now."""
    from sobank.store.batch_list import batch_sheet

    house = _house()
    sheet = batch_sheet(house.database, batch, user=scope_of(by))
    found, standing, attempts = sheet.batch, sheet.standing, sheet.attempts
    circuit = _circuits(house).get(found.connector_id)
    advice = next_step(found, lease_until=standing.lease_until, circuit=circuit, now=datetime.now(UTC))
    facts: dict[str, Any] = _facts(found) | {
        "encrypted": standing.encrypted,
        "sealed_at": standing.sealed_at,
        "lease_until": standing.lease_until,
        "reason": standing.reason,
        "receipt": standing.receipt,
    }
    if json:
        rows = [
            {"attempt": a.fence, "worker": a.worker, "started_at": _utc(a.started_at), "ended_at": _utc(a.ended_at),
             "outcome": a.outcome, "message": a.message}
            for a in attempts
        ]  # fmt: skip
        plain = {name: _utc(value) if isinstance(value, datetime) else value for name, value in facts.items()}
        events = [
            {"at": _utc(e.at), "actor": e.actor, "role": e.role, "action": e.action, "reason": e.reason}
            for e in sheet.events
        ]
        said = {"attempts": rows, "events": events, "circuit": circuit_document(circuit), "next": advice}
        as_json(plain | said)
        return
    units = {name: f"{facts[name]} (minor units)" for name in ("credit", "debit")}
    for name, value in (facts | units | {"circuit": circuit_words(circuit)}).items():
        if value is not None and value != "":
            out.print(f"{name:>16} {_words(value)}", highlight=False)
    table(
        "Attempts",
        ("#", "worker", "began", "ended", "outcome", "said"),
        [
            (a.fence, a.worker, moment(a.started_at), moment(a.ended_at), a.outcome or "under way", a.message)
            for a in attempts
        ],
        numbers=("#",),
    )
    if sheet.events:
        told = [(moment(e.at), e.actor, e.role, e.action, e.reason) for e in sheet.events]
        table("Decisions", ("when", "who", "role", "what", "why"), told)
    out.print(f"What to do: {advice}", highlight=False)


@app.command()
def retry(batch: Id, by: By, why: Why, json: AsJson = False) -> None:
    """Send a batch now, after the earlier ones of its destination; closes its circuit. Exit code 10 if not arrived."""
    from sobank.services.held import ask_again
    from sobank.services.push import push_all
    from sobank.store.circuits import Circuits

    house = _house()
    ask_again(house.ledger, Circuits(house.database), batch, actor=by, reason=why, now=datetime.now(UTC))
    wanted = house.ledger.batch(batch)
    place = (wanted.business_date, wanted.seq)
    line = [
        one
        for one in house.ledger.open_batches(destination=wanted.destination)
        if (one.business_date, one.seq) <= place
    ]
    report = push_all(house.worker(lambda: datetime.now(UTC)), house.sink_of, line)
    now = [house.ledger.batch(one.id) for one in line]
    if json:
        as_json({"batches": [_facts(one) for one in now], "error": report.errors.get(wanted.destination)})
    else:
        for one in now:
            out.print(
                f"batch {one.id} ({one.business_date}, {one.outgoing.object_name}): {one.state.value}",
                highlight=False,
            )
    if house.ledger.batch(batch).state is not BatchState.DELIVERED:
        raise DeliveryIncomplete(
            report.errors.get(wanted.destination) or "it did not arrive",
            subject=f"batch {batch}",
            remedy=f"`sobank deliveries show {batch}` says what to do",
        )


@app.command()
def release(batches: Ids, by: By, why: Why, json: AsJson = False) -> None:
    """Let held batches be sent: you have seen that the partner does not have them."""
    from sobank.services.held import release_held

    said = "is sealed again; the next run sends it, `deliveries retry` sends it now"
    decide_each(_house(), release_held, batches, by=by, why=why, said=said, json=json)


@app.command()
def confirm(batches: Ids, by: By, why: Why, json: AsJson = False) -> None:
    """Hold that held batches arrived: you have seen that the partner has exactly them. They are never sent again."""
    from sobank.services.held import confirm_held

    decide_each(_house(), confirm_held, batches, by=by, why=why, said="is delivered on your word", json=json)


@app.command()
def reject(batches: Ids, by: By, why: Why, json: AsJson = False) -> None:
    """Give held batches up: their statements go to quarantine, and what was staged of them is removed."""
    from sobank.services.held import reject_held

    said = "is rejected; its statements are in quarantine"
    decide_each(_house(), reject_held, batches, by=by, why=why, said=said, json=json)


def _states(text: str | None, *, every: bool) -> tuple[BatchState, ...] | None:
    if text is None:
        return tuple(BatchState) if every else None
    wanted = [name.strip() for name in text.split(",") if name.strip()]
    if unknown := [name for name in wanted if name not in set(BatchState)]:
        raise ConfigurationError(
            "is no state of a batch", subject=", ".join(unknown), remedy=f"the states are {_STATES}"
        )
    return tuple(BatchState(name) for name in wanted)


def _day(text: str | None) -> date | None:
    return a_day(text) if text else None


def _destination(text: str | None) -> str | None:
    return f"connector:{text}" if text and "/" in text and not text.startswith("connector:") else text


def _of(listed: Listed) -> int | None:
    return listed.batch.connector_id


def _print_list(found: Page[Listed], circuits: dict[int | None, Circuit]) -> None:
    columns = ("id", "destination", "date", "seq", "state", "statements")
    rows = [
        (
            one.batch.id, one.batch.destination, one.batch.business_date, one.batch.seq, one.batch.state.value,
            one.batch.outgoing.n_statements,
        )
        for one in found.rows
    ]  # fmt: skip
    table(page_title("Batches", found), columns, rows, numbers=("id", "seq", "statements"))
    for one in found.rows:
        if one.attempts and one.batch.state is not BatchState.DELIVERED:
            said = first_line(one.last_message or one.reason, file=one.batch.outgoing.object_name)
            last = f"{one.batch.id}: try {one.attempts}, {moment(one.last_at)}"
            out.print(f"  {last}: {said}" if said else f"  {last}", highlight=False)
    print_circuits({one.batch.destination: circuits[_of(one)] for one in found.rows if _of(one) in circuits})
    if found.rows:
        out.print("`sobank deliveries show ID` says what to do about one of them.", highlight=False)


def _row(listed: Listed) -> dict[str, Any]:
    return _facts(listed.batch) | {
        "attempts": listed.attempts,
        "last_at": _utc(listed.last_at),
        "last_outcome": listed.last_outcome,
        "last_message": listed.last_message,
        "reason": listed.reason,
    }


def _utc(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _words(value: object) -> str:
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, dict):
        return " · ".join(f"{name} {_receipt_word(name, text)}" for name, text in value.items() if text)
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)


def _receipt_word(name: str, text: object) -> str:
    return moment(datetime.fromisoformat(str(text))) if name == "at" else str(text)


def _facts(batch: Batch) -> dict[str, Any]:
    return {
        "id": batch.id,
        "destination": batch.destination,
        "partner": batch.partner,
        "business_date": batch.business_date,
        "seq": batch.seq,
        "state": batch.state.value,
        "statements": batch.outgoing.n_statements,
        "file": batch.outgoing.object_name,
        "entries": batch.n_entries,
        "credit": batch.credit,
        "debit": batch.debit,
        "size": batch.outgoing.size,
        "sha256": batch.outgoing.sha256,
        "idempotency_key": batch.outgoing.idempotency_key,
        "connection": batch.connection,
        "staging": batch.staging,
    }
