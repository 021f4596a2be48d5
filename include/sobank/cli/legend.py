"""What the codes in a table mean: every code that is shown is explained below the table, once."""

from __future__ import annotations

from collections.abc import Iterable

from sobank.cli.show import out
from sobank.domain.routing import MEANINGS


def explain(codes: Iterable[str]) -> None:
    """Print a line for each distinct code, in order of name; one that nothing explains is left out."""
    known = _meanings()
    for code in sorted(set(codes) & set(known)):
        out.print(f"  {code}: {known[code]}", markup=False, highlight=False)


def _meanings() -> dict[str, str]:
    from sobank.formats import camt053_codes, cfonb120_codes
    from sobank.formats.inspection import GAP
    from sobank.quality.contract import load_all
    from sobank.wiring import House

    of_formats = (
        camt053_codes.REFUSALS, cfonb120_codes.WARNINGS, cfonb120_codes.ERRORS, cfonb120_codes.REFUSALS
    )  # fmt: skip
    found = {rule.name: rule.english for c in load_all(House.from_environment().contracts).values() for rule in c.rules}
    found |= {code: said.en for table in of_formats for code, said in table.items()}
    found |= {str(reason): said for reason, said in MEANINGS.items()}
    return found | {GAP: "Its opening balance is not the closing balance before it on this account (S9)."}
