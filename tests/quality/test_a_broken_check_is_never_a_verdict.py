"""A check that cannot be run raises CheckBroken: nothing is judged, so nothing can be set aside (DESIGN §5)."""

from __future__ import annotations

import dataclasses

import numpy as np
import pyarrow as pa
import pytest

from sobank.errors import CheckBroken
from sobank.quality import masks
from sobank.quality.contract import Contract
from sobank.quality.judge import judge
from tests.quality.worlds import contracts, sound, with_value


def _with_kwargs(name: str, rule: str, **kwargs: object) -> dict[str, Contract]:
    """The contracts with one rule saying something that a valid file cannot say."""
    contract = contracts()[name]
    rules = tuple(
        dataclasses.replace(r, kwargs={**r.kwargs, **kwargs}) if r.name == rule else r for r in contract.rules
    )
    return {**contracts(), name: dataclasses.replace(contract, rules=rules)}


def test_a_rule_on_a_column_that_is_not_there_fails_the_run():
    with pytest.raises(CheckBroken, match=r"statements\.v1\.yaml: rule unbalanced.*\n?.*") as caught:
        judge(sound(3), _with_kwargs("statements", "unbalanced", column="balance_of_nothing"))
    assert "balance_of_nothing" in str(caught.value)


def test_a_metric_that_raises_fails_the_run_even_where_rows_would_fail_too():
    frames = with_value(sound(3), "statements", "closing", 0, 1)
    with pytest.raises(CheckBroken, match="rule unbalanced"):
        judge(frames, _with_kwargs("statements", "unbalanced", min_value=5))


def test_masks_and_great_expectations_that_disagree_fail_the_run(monkeypatch):
    check = masks.CHECKS["expect_column_pair_values_to_be_equal"]
    blind = dataclasses.replace(check, mask=lambda columns, _: np.zeros(len(columns["n_entries"]), np.bool_))
    monkeypatch.setitem(masks.CHECKS, "expect_column_pair_values_to_be_equal", blind)
    with pytest.raises(CheckBroken, match="entries_missing") as caught:
        judge(with_value(sound(3), "statements", "n_entries", 1, 9), contracts())
    assert "0 of 3 rows" in caught.value.what
    assert "1 of 3" in caught.value.what


@pytest.mark.parametrize("frame", ["statements", "entries", "outgoing_cfonb120", "global_file"])
def test_a_frame_that_misses_a_column_fails_the_run_and_names_it(frame):
    frames = sound(3)
    column = frames[frame].column_names[-1]
    frames[frame] = frames[frame].drop_columns([column])
    with pytest.raises(CheckBroken, match=f"frame {frame}: column {column} is missing"):
        judge(frames, contracts())


@pytest.mark.parametrize(
    "column", [pa.array(["FR7630006000011234567890189"] * 3), pa.array([1.5, 2.0, 3.0]), pa.array([None] * 3)]
)
def test_text_and_floats_never_reach_a_check(column):
    frames = sound(3)
    place = frames["statements"].schema.get_field_index("closing")
    frames["statements"] = frames["statements"].set_column(place, "closing", column)
    with pytest.raises(CheckBroken, match="whole numbers only") as caught:
        judge(frames, contracts())
    assert "FR76" not in str(caught.value)


def test_a_null_where_none_may_be_fails_the_run():
    frames = sound(3)
    values = pa.chunked_array([pa.array([2, None, 2], pa.int8())])
    place = frames["statements"].schema.get_field_index("decimals")
    frames["statements"] = frames["statements"].set_column(place, "decimals", values)
    with pytest.raises(CheckBroken, match="decimals holds 1 nulls"):
        judge(frames, contracts())


def test_an_entry_of_no_statement_fails_the_run():
    with pytest.raises(CheckBroken, match="an entry belongs to no statement"):
        judge(with_value(sound(3), "entries", "statement_id", 0, 1), contracts())


def test_a_statement_that_is_there_twice_fails_the_run():
    frames = sound(3)
    frames["statements"] = pa.concat_tables([frames["statements"], frames["statements"].slice(0, 1)])
    with pytest.raises(CheckBroken, match="a statement is there twice"):
        judge(frames, contracts())


@pytest.mark.parametrize("alone", ["statements", "entries"])
def test_statements_are_never_judged_without_their_entries(alone):
    with pytest.raises(CheckBroken, match="give both frames"):
        judge({alone: sound(3)[alone]}, contracts())


def test_a_frame_without_a_contract_fails_the_run():
    known = {name: contract for name, contract in contracts().items() if name != "entries"}
    with pytest.raises(CheckBroken, match="no active data contract"):
        judge(sound(3), known)
    with pytest.raises(CheckBroken, match="no data contract for a frame"):
        judge({**sound(3), "invoices": sound(3)["entries"]}, {**contracts(), "invoices": contracts()["entries"]})
