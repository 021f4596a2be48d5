"""Contracts → docs/data.md: which rule looks at which rows, and how every number it looks at came about.

`python -m sobank.quality.describe data_contracts docs/data.md` writes the page; a test fails when it is stale.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from sobank.quality.contract import Column, Contract, Origin, Rule, load_all
from sobank.quality.frames import FRAMES

_HEAD: Final = """\
# The data, and what it is held to

Made from `data_contracts/*.yaml` by `python -m sobank.quality.describe data_contracts docs/data.md`: change those
files, not this page.

Every run judges every row of the frames below, before any statement is given a destination. Great Expectations counts
the rows that fail; masks made from the same rule name them; a difference between the two fails the run. A rule of
severity `error` puts the statement in quarantine under the rule's name; a `warning` is reported and the statement is
delivered. What an entry or an outgoing file breaks is held against its whole statement, or against each statement in
it. A check that cannot be run fails the run and sets nothing aside.

Frames hold whole numbers only: amounts in minor units, days counted from 1970-01-01, texts by their length. No IBAN
and no label is in them. *Given* columns come from the extract, where a null stands as 0 once nulls have been counted;
*derived* columns are computed from given ones; *stored* columns are in the database only and no rule looks at them.
"""


def page(contracts: Mapping[str, Contract]) -> str:
    """The whole page, in Markdown."""
    ordered = [contracts[name] for name in FRAMES if name in contracts]
    return "\n".join([_HEAD, *(_section(contract) for contract in ordered)])


def write(contracts_folder: Path, target: Path) -> bool:
    """Write the page of the contracts in a folder; whether that changed it.

    Raises:
        ContractInvalid: a contract is wrong; the page stays as it was.
    """
    text = page(load_all(contracts_folder))
    changed = not target.exists() or target.read_text(encoding="utf-8") != text
    if changed:
        target.write_text(text, encoding="utf-8")
    return changed


def _section(contract: Contract) -> str:
    lines = [
        f"## {contract.name}",
        "",
        f"`data_contracts/{contract.file_name}`, `{contract.id}`, version {contract.version}. {contract.purpose}",
        f"{contract.usage} {contract.limitations} {contract.description}",
        "",
        "| rule | severity | holds when | tenu quand | looks at every row for |",
        "|---|---|---|---|---|",
        *(_rule_row(rule) for rule in contract.rules),
        "",
        "| column | origin | type | null | is | comes from |",
        "|---|---|---|---|---|---|",
        *(_column_row(column) for column in contract.columns),
        "",
    ]
    return "\n".join(lines)


def _rule_row(rule: Rule) -> str:
    return _row(f"`{rule.name}`", rule.severity.value, rule.english, rule.french, f"`{condition(rule)}`")


def _column_row(column: Column) -> str:
    comes_from = column.derivation if column.origin is not Origin.STORED else "as stored"
    null = "no" if column.required else "yes"
    return _row(f"`{column.name}`", column.origin.value, column.physical_type, null, column.description, comes_from)


def condition(rule: Rule) -> str:
    """What a row must satisfy, as a formula over column names."""
    kwargs = rule.kwargs
    match rule.expectation:
        case "expect_column_values_to_be_between":
            low, high, name = kwargs.get("min_value"), kwargs.get("max_value"), kwargs["column"]
            if low == high:
                return f"{name} = {low}"
            return " ≤ ".join(str(part) for part in (low, name, high) if part is not None)
        case "expect_column_values_to_be_in_set":
            return f"{kwargs['column']} in {', '.join(map(str, kwargs['value_set']))}"
        case "expect_column_pair_values_to_be_equal":
            return f"{kwargs['column_A']} = {kwargs['column_B']}"
        case _:
            return f"{kwargs['column_A']} {'≥' if kwargs.get('or_equal') else '>'} {kwargs['column_B']}"


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    write(Path(sys.argv[1]), Path(sys.argv[2]))
