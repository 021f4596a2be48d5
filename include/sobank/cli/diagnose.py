"""`diagnose`: why did the statements of an account not arrive? A checklist in French, as support reads it (A12)."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from sobank.cli.show import AsJson, SeenBy, as_json, out
from sobank.domain.diagnosis import Diagnosis, Verdict
from sobank.domain.diagnosis_words import TITLES
from sobank.domain.roles import scope_of

_MARKS = {Verdict.OK: "✔", Verdict.ATTENTION: "!", Verdict.BLOCKING: "✘"}


def add_to(app: typer.Typer) -> None:
    """Add this command to the root."""
    app.command()(diagnose)


def diagnose(
    iban: Annotated[str, typer.Argument(help="IBAN of the account, spaces allowed.")],
    currency: Annotated[str | None, typer.Option(help="Only the account in this currency, such as EUR.")] = None,
    by: SeenBy = None,
    json: AsJson = False,
) -> None:
    """Say why an account's statements did not arrive: checks in the order of support, evidence, and what to do."""
    from sobank.meanings import french
    from sobank.services.diagnose import diagnose as ask
    from sobank.store.diagnosis import DiagnosisReader
    from sobank.store.iban_check import checked_iban
    from sobank.wiring import House

    house = House.ready()
    found = ask(
        DiagnosisReader(house.database),
        iban,
        currency=currency,
        user=scope_of(by),
        check_iban=checked_iban,
        meanings=french(house.contracts),
        now=datetime.now(UTC),
    )
    if json:
        as_json([asdict(one) for one in found])
        return
    for one in found:
        _print(iban, one)


def _print(asked: str, found: Diagnosis) -> None:
    where = f", cabinet {found.cabinet}, dossier {found.dossier}" if found.cabinet else ""
    out.print(f"Diagnostic de {asked}{where}", style="bold", highlight=False)
    for check in found.checks:
        out.print(
            f" {_MARKS[check.verdict]} {TITLES[check.step]} : {check.evidence}",
            highlight=False, soft_wrap=True,
        )  # fmt: skip
        if check.remedy:
            out.print(f"     → {check.remedy}", highlight=False, soft_wrap=True)
    out.print("Conclusion", style="bold")
    out.print(f" {found.conclusion}", highlight=False, soft_wrap=True)
    out.print("Texte pour le support", style="bold")
    out.print(found.for_support, highlight=False, soft_wrap=True)
