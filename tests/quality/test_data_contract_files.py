"""Contract files are the one source: strictly read, true to frames and store, and described in docs/data.md."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
import yaml

from sobank.errors import ContractInvalid
from sobank.quality import describe
from sobank.quality.contract import Origin, Severity, load, load_all
from sobank.quality.frames import FRAMES, narrow
from sobank.store import schema
from tests.quality.worlds import FOLDER, ROOT, contracts, sound

NAMES = sorted(FRAMES)


def test_there_is_one_active_contract_for_each_frame():
    assert sorted(contracts()) == NAMES
    assert all(contract.file_name == f"{name}.v1.yaml" for name, contract in contracts().items())


@pytest.mark.parametrize("name", NAMES)
def test_given_columns_are_those_of_the_frame_with_their_types_and_nulls(name):
    given = [column for column in contracts()[name].columns if column.origin is Origin.GIVEN]
    described = pa.schema([pa.field(c.name, getattr(pa, c.physical_type)(), nullable=not c.required) for c in given])
    assert described == FRAMES[name]


@pytest.mark.parametrize("name", NAMES)
def test_derived_columns_are_those_that_are_really_computed(name):
    derived = {column.name for column in contracts()[name].columns if column.origin is Origin.DERIVED}
    assert derived == set(narrow(sound(4))[name]) - set(FRAMES[name].names)


@pytest.mark.parametrize("name", ["statements", "entries"])
def test_stored_columns_are_columns_of_the_store(name):
    stored = {column.name for column in contracts()[name].columns if column.origin is Origin.STORED}
    assert stored
    assert stored <= set(getattr(schema, name).columns.keys())


def test_rule_names_tell_statements_entries_and_files_apart():
    named = [rule.name for name in ("statements", "entries", "outgoing_cfonb120") for rule in contracts()[name].rules]
    assert len(named) == len(set(named))


def test_an_unbalanced_statement_is_an_error_and_a_gap_is_a_warning():
    severity = {rule.name: rule.severity for rule in contracts()["statements"].rules}
    assert severity["unbalanced"] is Severity.ERROR
    assert severity["gap"] is Severity.WARNING


def test_the_page_that_describes_the_data_is_not_stale():
    page = (ROOT / "docs/data.md").read_text(encoding="utf-8")
    assert page == describe.page(contracts()), "run: python -m sobank.quality.describe data_contracts docs/data.md"


def test_the_page_names_every_rule_and_every_column():
    page = describe.page(contracts())
    for contract in contracts().values():
        for named in (*contract.rules, *contract.columns):
            assert f"`{named.name}`" in page


def test_the_page_is_written_once_and_then_left_alone(tmp_path):
    assert describe.write(FOLDER, tmp_path / "data.md")
    assert not describe.write(FOLDER, tmp_path / "data.md")


def _tree(name: str = "entries") -> dict:
    return yaml.safe_load((FOLDER / f"{name}.v1.yaml").read_text(encoding="utf-8"))


def _write(folder: Path, tree: object, name: str = "entries.v1.yaml") -> Path:
    path = folder / name
    path.write_text(tree if isinstance(tree, str) else yaml.safe_dump(tree, allow_unicode=True), encoding="utf-8")
    return path


RULE, COLUMN = "entries.v1.yaml: rule label_missing", "entries.v1.yaml: property label"


@pytest.mark.parametrize(
    ("change", "said", "where"),
    [
        (lambda rule: rule.update(mostly=0.9), "unknown key mostly", RULE),
        (lambda rule: rule.pop("severity"), "missing key severity", RULE),
        (lambda rule: rule.update(severity="critical"), "severity must be", RULE),
        (lambda rule: rule.update(engine="soda"), "greatExpectations", RULE),
        (lambda rule: rule.update(type="sql"), "type custom", RULE),
        (lambda rule: rule.update(dimension="beauty"), "dimension must be", RULE),
        (lambda rule: rule.update(description="English only"), "English / français", RULE),
        (lambda rule: rule.update(name="Label Missing"), "lower case", "entries.v1.yaml: rule Label Missing"),
        (lambda rule: rule.update(name="details_long"), "details_long is there twice", "entries.v1.yaml"),
        (
            lambda rule: rule["implementation"].update(type="expect_table_row_count_to_equal"),
            "unknown expectation",
            RULE,
        ),
        (lambda rule: rule["implementation"]["kwargs"].update(mostly=0.9), "unknown key mostly", RULE),
        (lambda rule: rule["implementation"]["kwargs"].update(column="label"), "label is not a given", RULE),
        (lambda rule: rule["implementation"]["kwargs"].update(column="colour"), "colour is not a given", RULE),
        (lambda rule: rule["implementation"]["kwargs"].update(min_value=0.5), "whole number", RULE),
        (lambda rule: rule["implementation"]["kwargs"].update(max_value=0), "no row could pass", RULE),
        (lambda rule: rule["implementation"]["kwargs"].pop("min_value"), "give min_value or max_value", RULE),
    ],
)
def test_a_rule_that_cannot_be_carried_out_is_refused_by_file_and_name(tmp_path, change, said, where):
    tree = _tree()
    change(next(rule for rule in tree["schema"][0]["quality"] if rule["name"] == "label_missing"))
    with pytest.raises(ContractInvalid, match=said) as caught:
        load(_write(tmp_path, tree))
    assert caught.value.subject == where


@pytest.mark.parametrize(
    ("change", "said", "where"),
    [
        (lambda tree: tree.update(owner="nobody"), "unknown key owner", "entries.v1.yaml"),
        (lambda tree: tree.pop("id"), "missing key id", "entries.v1.yaml"),
        (lambda tree: tree.update(apiVersion="v2.2.2"), "apiVersion must be v3.1.0", "entries.v1.yaml"),
        (lambda tree: tree.update(kind="Contract"), "kind must be DataContract", "entries.v1.yaml"),
        (lambda tree: tree.update(name="statements"), "name must be entries", "entries.v1.yaml"),
        (lambda tree: tree.update(version="2.0.0"), "version must be 1", "entries.v1.yaml"),
        (lambda tree: tree.update(status="nice"), "status must be", "entries.v1.yaml"),
        (lambda tree: tree["schema"].append({}), "exactly one object", "entries.v1.yaml"),
        (lambda tree: tree["schema"][0]["properties"][0].update(size=3), "unknown key size", COLUMN),
        (
            lambda tree: tree["schema"][0]["properties"][0].update(customProperties=[]),
            "stored, given or derived",
            COLUMN,
        ),
    ],
)
def test_a_contract_that_says_what_is_not_carried_out_is_refused(tmp_path, change, said, where):
    tree = _tree()
    change(tree)
    with pytest.raises(ContractInvalid, match=said) as caught:
        load(_write(tmp_path, tree))
    assert caught.value.subject == where


@pytest.mark.parametrize(
    "text", ["", "- a\n- b\n", "a: [1\n", "kind: DataContract\nkind: DataContract\n", "? [a, b]\n: c\n"]
)
def test_a_file_that_is_not_a_contract_is_refused(tmp_path, text):
    with pytest.raises(ContractInvalid) as caught:
        load(_write(tmp_path, text))
    assert caught.value.subject == "entries.v1.yaml"


def test_a_file_is_named_after_its_contract_and_version(tmp_path):
    with pytest.raises(ContractInvalid, match=r"<name>\.v<major>\.yaml"):
        load(_write(tmp_path, _tree(), "entries.yaml"))


def test_the_highest_active_version_is_in_force(tmp_path):
    for major, status in ((1, "active"), (2, "active"), (10, "draft")):
        _write(tmp_path, {**_tree(), "version": f"{major}.0.0", "status": status}, f"entries.v{major}.yaml")
    assert load_all(tmp_path)["entries"].version == "2.0.0"


def test_a_folder_without_contracts_is_refused(tmp_path):
    with pytest.raises(ContractInvalid, match="no active data contract"):
        load_all(tmp_path)


def test_great_expectations_is_not_imported_before_something_is_judged():
    code = (
        "import json, sys\n"
        "from pathlib import Path\n"
        "from sobank.quality import contract, data_docs, describe, frames, judge, masks, suite\n"
        f"contract.load_all(Path({str(FOLDER)!r}))\n"
        "print(json.dumps(['great_expectations' in sys.modules, 'pandas' in sys.modules]))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "include")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert json.loads(done.stdout) == [False, False]
