"""What the codes in a table mean: every code that is shown is explained below the table, once."""

from __future__ import annotations

from collections.abc import Iterable

from sobank.cli.show import out


def explain(codes: Iterable[str]) -> None:
    """Print a line for each distinct code, in order of name; one that nothing explains is left out."""
    from sobank.meanings import english
    from sobank.wiring import House

    known = english(House.from_environment().contracts)
    for code in sorted(set(codes) & set(known)):
        out.print(f"  {code}: {known[code]}", highlight=False)
