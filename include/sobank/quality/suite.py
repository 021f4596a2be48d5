"""Contract → Great Expectations suite → Great Expectations' own counts.

Great Expectations takes seven seconds to import: only the functions here import it, never the module.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sobank.errors import CheckBroken
from sobank.quality.contract import Contract, Rule
from sobank.quality.describe import condition
from sobank.quality.masks import Column

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite
    from great_expectations.core import ExpectationSuiteValidationResult, ExpectationValidationResult

#: They set their own level when imported, and tell of every folder they make.
_CHATTY: Final = ("great_expectations", "great_expectations.data_context.types.base")


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """What Great Expectations says of one rule: rows it looked at, rows it did not expect, and its own verdict."""

    rows: int
    unexpected: int
    success: bool


def expectation_suite(contract: Contract) -> ExpectationSuite:
    """The suite of a contract; each expectation carries the rule's name and severity as `meta`, its words for pages."""
    from great_expectations import ExpectationSuite
    from great_expectations.expectations.registry import get_expectation_impl

    expectations = [
        get_expectation_impl(rule.expectation)(
            **rule.kwargs,
            meta={"rule": rule.name, "severity": rule.severity.value},
            description=f"{rule.name} ({rule.severity.value}) — {rule.french} {rule.english} [{condition(rule)}]",
        )
        for rule in contract.rules
    ]
    return ExpectationSuite(name=f"{contract.name} {contract.version}", expectations=expectations)


def evaluate(contract: Contract, columns: Mapping[str, Column]) -> ExpectationSuiteValidationResult:
    """Let Great Expectations look at every row of the columns that the rules name.

    Raises:
        CheckBroken: Great Expectations itself failed; a metric that raised is found later, by `counts`.
    """
    import great_expectations as gx
    import pandas as pd

    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    from great_expectations.data_context.types.base import ProgressBarsConfig

    looked_at = sorted({value for rule in contract.rules for key, value in rule.kwargs.items() if "column" in key})
    frame = pd.DataFrame({name: columns[name] for name in looked_at if name in columns}, copy=False)
    try:
        # A context of its own each time: nothing on disk, and nothing left for the next task of this process.
        context = gx.get_context(mode="ephemeral")
        context.enable_analytics(enable=False)
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        asset = context.data_sources.add_pandas("run").add_dataframe_asset(contract.name)
        definition = asset.add_batch_definition_whole_dataframe("all rows")
        batch = definition.get_batch({"dataframe": frame})
        # COMPLETE would list every failing value: half a minute a million rows. Masks name the rows.
        return batch.validate(expectation_suite(contract), result_format="SUMMARY")
    except Exception as error:
        raise _broken(contract.file_name, f"{type(error).__name__}: {_first_line(str(error))}") from error


def counts(contract: Contract, result: ExpectationSuiteValidationResult) -> dict[str, Counted]:
    """Great Expectations' counts by rule name.

    Raises:
        CheckBroken: a metric raised, a rule has no result, or a result contradicts itself (DESIGN §5). Never a verdict.
    """
    found: dict[str, Counted] = {}
    for one in result.results:
        name = (one.expectation_config.meta or {}).get("rule", "?") if one.expectation_config else "?"
        found[name] = _counted(f"{contract.file_name}: rule {name}", one)
    for rule in contract.rules:
        if rule.name not in found:
            raise _broken(_where(contract, rule), "Great Expectations gave no result")
    return found


def _counted(where: str, one: ExpectationValidationResult) -> Counted:
    if message := _exception(one.exception_info):
        raise _broken(where, message)
    rows, unexpected = one.result.get("element_count"), one.result.get("unexpected_count")
    if rows is None or unexpected is None or bool(one.success) != (unexpected == 0):
        raise _broken(where, "the result of Great Expectations has no counts, or contradicts them")
    return Counted(rows=int(rows), unexpected=int(unexpected), success=bool(one.success))


def _exception(tree: Mapping[str, Any] | None) -> str:
    """The message of what raised, if anything: one description, or one for each metric."""
    if not tree:
        return ""
    for node in (tree, *tree.values()):
        if isinstance(node, Mapping) and node.get("raised_exception"):
            return _first_line(str(node.get("exception_message"))) or "a metric raised"
    return ""


def _first_line(text: str) -> str:
    return text.strip().split("\n", 1)[0][:300]


def _where(contract: Contract, rule: Rule) -> str:
    return f"{contract.file_name}: rule {rule.name}"


def _broken(where: str, what: str) -> CheckBroken:
    return CheckBroken(
        f"the check could not be run: {what}",
        subject=where,
        remedy="nothing was judged and nothing set aside; correct the check or the extract and run the day again",
    )
