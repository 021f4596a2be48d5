"""Judge the frames of a run: Great Expectations counts what fails, the masks name it, and both must agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sobank.errors import CheckBroken
from sobank.quality import masks, suite
from sobank.quality.contract import Contract, Rule, Severity
from sobank.quality.frames import ENTRIES, STATEMENTS, Columns, narrow
from sobank.quality.masks import Mask

#: One row a statement and rule it breaks, each pair once, ordered by statement then rule.
FAILURES: Final = pa.schema(
    [
        pa.field("statement_id", pa.int64(), nullable=False),
        pa.field("rule", pa.string(), nullable=False),
        pa.field("severity", pa.string(), nullable=False),
    ]
)

#: One row an outgoing file and rule it breaks.
FILE_FAILURES: Final = pa.schema(
    [
        pa.field("contract", pa.string(), nullable=False),
        pa.field("partition", pa.int32(), nullable=False),
        pa.field("business_day", pa.int32(), nullable=False),
        pa.field("due_day", pa.int32(), nullable=False),
        pa.field("rule", pa.string(), nullable=False),
        pa.field("severity", pa.string(), nullable=False),
    ]
)

_FILE_KEY: Final = ("partition", "business_day", "due_day")


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleOutcome:
    """What one rule found: rows seen and failed (as masks and Great Expectations both say), statements concerned."""

    contract: str
    version: str
    rule: str
    severity: str
    expectation: str
    rows: int
    failed: int
    statements: int
    gx_success: bool
    gx_unexpected: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """Which statements fail which rules (`failures`), which files (`files`), and every rule's outcome (`rules`)."""

    failures: pa.Table
    files: pa.Table
    rules: tuple[RuleOutcome, ...]

    @property
    def errors(self) -> pa.Table:
        """The failures that set a statement aside."""
        return self.failures.filter(pc.field("severity") == Severity.ERROR.value)

    @property
    def warnings(self) -> pa.Table:
        """The failures that are reported while the statement is delivered."""
        return self.failures.filter(pc.field("severity") == Severity.WARNING.value)

    def summary(self) -> dict[str, Any]:
        """Small and JSON-able, without a statement in it: for XCom, the log and the proof."""
        return {
            "statements_with_errors": len(pc.unique(self.errors["statement_id"])),
            "statements_with_warnings": len(pc.unique(self.warnings["statement_id"])),
            "files_with_errors": self.files.filter(pc.field("severity") == Severity.ERROR.value)
            .select(["contract", *_FILE_KEY])
            .group_by(["contract", *_FILE_KEY])
            .aggregate([])
            .num_rows,
            "rules": [asdict(outcome) for outcome in self.rules],
        }


def judge(frames: Mapping[str, pa.Table], contracts: Mapping[str, Contract]) -> Verdict:
    """Hold every row of every frame to its data contract.

    Args:
        frames: by contract name, in the schemas of `frames.FRAMES`; `statements` and `entries` together, the outgoing
            ones with them or alone. What an outgoing file breaks is held against the statements in it, where known.
        contracts: as `contract.load_all` gives them; one for each frame.
    Raises:
        CheckBroken: a check could not be run, or the masks and Great Expectations disagree. No verdict then.
    """
    if not any(table.num_rows for table in frames.values()):
        # Nothing to judge is no reason to wait seven seconds for Great Expectations.
        return Verdict(failures=_no_failures(), files=FILE_FAILURES.empty_table(), rules=())
    if missing := sorted(set(frames) - set(contracts)):
        raise CheckBroken("no active data contract", subject=", ".join(missing), remedy="complete data_contracts/")
    columns = narrow(frames)
    statements = columns.get(STATEMENTS)
    failures, files, outcomes = [_no_failures()], [FILE_FAILURES.empty_table()], []
    for name in columns:
        contract = contracts[name]
        counted = suite.counts(contract, suite.evaluate(contract, columns[name]))
        for rule in contract.rules:
            failing = _agreed(contract, rule, columns[name], counted[rule.name])
            ids = _statements_failing(name, columns[name], failing, statements)
            failures.append(_failures(ids, rule))
            if name not in (STATEMENTS, ENTRIES):
                files.append(_file_failures(contract, rule, columns[name], failing))
            outcomes.append(_outcome(contract, rule, counted[rule.name], len(ids)))
    every = pa.concat_tables(failures).group_by(FAILURES.names).aggregate([])
    return Verdict(
        failures=every.sort_by([("statement_id", "ascending"), ("rule", "ascending")]).cast(FAILURES),
        files=pa.concat_tables(files),
        rules=tuple(outcomes),
    )


def _agreed(contract: Contract, rule: Rule, columns: Columns, counted: suite.Counted) -> Mask:
    failing = masks.failing_rows(rule.expectation, rule.kwargs, columns)
    rows, failed = len(failing), int(np.count_nonzero(failing))
    if (rows, failed) != (counted.rows, counted.unexpected):
        raise CheckBroken(
            f"our mask fails {failed} of {rows} rows, Great Expectations {counted.unexpected} of {counted.rows}",
            subject=f"{contract.file_name}: rule {rule.name}",
            remedy="nothing was judged and nothing set aside; report this as a defect of the checks",
        )
    return failing


def _statements_failing(name: str, columns: Columns, failing: Mask, statements: Columns | None) -> masks.Column:
    """Ids of the statements that failing rows stand for, each once: their own, their entries' or their file's."""
    if name in (STATEMENTS, ENTRIES):
        return np.unique(columns["statement_id"][failing])
    if statements is None or not failing.any():
        return np.zeros(0, dtype=np.int64)
    broken = {tuple(key) for key in np.stack([columns[part][failing] for part in _FILE_KEY], axis=1).tolist()}
    keys = np.stack([statements[part] for part in _FILE_KEY], axis=1)
    held, place = np.unique(keys, axis=0, return_inverse=True)
    inside = np.array([tuple(key) in broken for key in held.tolist()], dtype=np.bool_)
    return np.sort(statements["statement_id"][inside[place.reshape(-1)]]) if len(held) else np.zeros(0, dtype=np.int64)


def _failures(ids: masks.Column, rule: Rule) -> pa.Table:
    size = len(ids)
    return pa.table(
        [pa.array(ids), pa.repeat(rule.name, size), pa.repeat(rule.severity.value, size)],
        schema=FAILURES,
    )


def _no_failures() -> pa.Table:
    return FAILURES.empty_table()


def _file_failures(contract: Contract, rule: Rule, columns: Columns, failing: Mask) -> pa.Table:
    size = int(np.count_nonzero(failing))
    keys = [pa.array(columns[part][failing]).cast(pa.int32()) for part in _FILE_KEY]
    return pa.table(
        [pa.repeat(contract.name, size), *keys, pa.repeat(rule.name, size), pa.repeat(rule.severity.value, size)],
        schema=FILE_FAILURES,
    )


def _outcome(contract: Contract, rule: Rule, counted: suite.Counted, statements: int) -> RuleOutcome:
    return RuleOutcome(
        contract=contract.name,
        version=contract.version,
        rule=rule.name,
        severity=rule.severity.value,
        expectation=rule.expectation,
        rows=counted.rows,
        failed=counted.unexpected,
        statements=statements,
        gx_success=counted.success,
        gx_unexpected=counted.unexpected,
    )
