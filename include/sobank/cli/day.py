"""`deliver`, `prove`, `backfill`, `data-docs`: the daily run by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from sobank import jobs
from sobank.cli import show
from sobank.cli.show import AsJson, Day, a_day, as_json, out, progress, table
from sobank.domain.day import BANK_ZONE, run_key
from sobank.domain.proof import Proof
from sobank.errors import ConfigurationError, DeliveryIncomplete, ProofFailed

_JOBS_OF_A_SHARD: Final = 3


def add_to(app: typer.Typer) -> None:
    """Add these commands to the root."""
    app.command()(deliver)
    app.command()(prove)
    app.command()(backfill)
    app.command("data-docs")(data_docs)


def deliver(
    day: Day,
    json: AsJson = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Extract and validate only: say what would go where.")
    ] = False,
) -> None:
    """Deliver every undecided statement up to a business day, then prove all their days. Running it again is safe."""
    wanted = a_day(day)
    run = run_key(f"cli-{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
    with progress() as bar:
        task = bar.add_task("shards", total=None)

        def step(name: str) -> None:
            bar.update(task, description=name, advance=1)

        refs = jobs.shards(wanted, run, withdraw=not dry_run)
        bar.update(task, total=_JOBS_OF_A_SHARD * len(refs) + 4)
        refs = jobs.prepare_all(refs, step)
        if dry_run:
            _show_plan(refs, json=json)
            return
        step("decide")
        ref = jobs.decide(refs)
        step("push")
        noted: list[list[str]] = []
        pushed, errors = jobs.send_all(wanted, noted.append)
        failed = [f"{error.subject}: {error.what}" for error in errors]
        step("prove")
        proofs = jobs.proofs_up_to(wanted, noted)
    if json:
        told = [proof.as_json() for proof in proofs]
        as_json({"run": ref, "pushed": pushed, "failed": failed, "proof": told[-1], "proofs": told})
    else:
        _show_run(ref)
        _show_proofs(proofs)
        _show_absences(wanted)
    if failed:
        raise DeliveryIncomplete("\n".join(failed), remedy="mend the cause and run this command again")
    jobs.require_holding(proofs)


def prove(day: Day, json: AsJson = False) -> None:
    """Prove one business day from the ledger, the entry rows and the sealed bytes. Exit code 9 if it does not hold."""
    proof = jobs.proof_of(a_day(day))
    if json:
        as_json(proof.as_json())
    else:
        show.proof(proof)
        _show_absences(proof.day)
    if not proof.holds:
        raise typer.Exit(ProofFailed.exit_code)


def backfill(
    first: Annotated[str, typer.Option("--from", help="First business day, YYYY-MM-DD.")],
    last: Annotated[str, typer.Option("--to", help="Last business day, included.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say which days would run.")] = False,
    reprocess: Annotated[
        str, typer.Option(help="Days that have a run already: none leaves them, failed or completed runs them again.")
    ] = "none",
    json: AsJson = False,
) -> None:
    """Have Airflow run whole missed days. Running a delivered day again changes nothing."""
    from sobank.services.backfill import backfill as start
    from sobank.wiring import House

    today = datetime.now(UTC).astimezone(BANK_ZONE).date()
    scheduler = House.from_environment().scheduler()
    report = start(scheduler, first=a_day(first), last=a_day(last), today=today, dry_run=dry_run, reprocess=reprocess)
    if json:
        as_json({"backfill": report.backfill, "runs": list(report.runs), "left": list(report.left), "dry_run": dry_run})
        return
    rows = [(d, "would run" if dry_run else "started") for d in report.runs] + [
        (d, "left as it is") for d in report.left
    ]
    table(f"Backfill {report.backfill or '(dry run)'}", ("day", "what"), sorted(rows))


def data_docs(
    day: Day,
    to: Annotated[Path, typer.Option(help="Folder for the pages; confidential: amounts of real accounts.")],
    run: Annotated[str | None, typer.Option(help="Key of the run; the newest of the day if not given.")] = None,
) -> None:
    """Write the Great Expectations Data Docs of a run, IBANs and labels absent."""
    from sobank.quality import contract
    from sobank.quality.data_docs import write_data_docs
    from sobank.store.extract import frames, read_shards
    from sobank.wiring import House

    house, wanted = House.from_environment(), a_day(day)
    key = run or house.newest_run(wanted)
    if not key:
        raise ConfigurationError(
            "no run of that day has validated anything", subject=day, remedy="deliver the day first"
        )
    shards = read_shards(house.run_files(wanted, key))
    found = frames(*(house.run_files(wanted, shard.key(key)) for shard in shards))
    index = write_data_docs(found, contract.load_all(house.contracts), to, run=key)
    out.print(f"Open {index}", highlight=False)


def _show_plan(refs: list[jobs.Ref], *, json: bool) -> None:
    columns = ["destination", "kind", "n_statements", "n_entries", "credit", "debit"]
    ref, lots = jobs.plan_of(refs, columns)
    if json:
        as_json({"run": ref, "lots": lots, "dry_run": True})
        return
    rows = [list(lot.values()) for lot in lots]
    table(f"Would leave for {ref['day']} (nothing was decided)", columns, rows, numbers=columns[2:])


def _show_run(ref: dict[str, Any]) -> None:
    parts = ("statements", "entries", "decided", "batches", "quarantined", "waiting", "unvalidated")
    out.print(f"Run of {ref['day']}: " + ", ".join(f"{ref[name]} {name}" for name in parts), highlight=False)
    if ref.get("unsealed"):
        out.print(
            f"{ref['unsealed']} statements stay undecided: their files could not be sealed, the log says why",
            highlight=False,
        )


def _show_proofs(proofs: Sequence[Proof]) -> None:
    """Show the proof of each earlier day that does not hold, and that of the run's own day; then how many there are."""
    *earlier, own = proofs
    for proof in (*(proof for proof in earlier if not proof.holds), own):
        show.proof(proof)
    if earlier:
        broken = sum(not proof.holds for proof in proofs)
        held = f"{broken} {'does' if broken == 1 else 'do'} not hold" if broken else "all hold"
        out.print(f"{len(proofs)} days put to the proof, {proofs[0].day} to {own.day}: {held}", highlight=False)


def _show_absences(day: Any) -> None:
    from sobank.store.residual import absences
    from sobank.wiring import House

    found = absences(House.from_environment().database, day)
    table(
        "Cabinets without a global file", ("cabinet", "why"), [(a.cabinet, a.reason.replace("_", " ")) for a in found]
    )
