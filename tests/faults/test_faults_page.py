"""docs/faults.md says what this run measured. This module runs last."""

from __future__ import annotations

import pytest

from tests.faults.table import PAGE, Table


def test_the_page_of_faults_says_what_was_measured(
    request: pytest.FixtureRequest, table: Table, whole_run: bool
) -> None:
    if request.config.getoption("--write-faults", default=False):
        assert whole_run, "only a run of all of tests/faults measures the whole page"
        PAGE.write_text(table.page(), "utf-8")
    written = PAGE.read_text("utf-8")
    if whole_run:
        assert written == table.page(), "run `pytest tests/faults --write-faults`"
    else:
        assert set(table.lines()) <= set(written.splitlines()), "run `pytest tests/faults --write-faults`"
