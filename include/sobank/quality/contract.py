"""Read data contracts: Open Data Contract Standard v3.1.0 YAML, strictly.

https://bitol-io.github.io/open-data-contract-standard/v3.1.0/ — only what we carry out is accepted: a key, a type or
an expectation that would be ignored is refused, so that what a contract says is what is checked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import yaml

from sobank.errors import ContractInvalid
from sobank.quality.masks import CHECKS, Check

API_VERSION: Final = "v3.1.0"
_DIMENSIONS: Final = frozenset(
    {"accuracy", "completeness", "conformity", "consistency", "coverage", "timeliness", "uniqueness"}
)
_FILE_NAME: Final = re.compile(r"(?P<name>[a-z][a-z0-9_]*)\.v(?P<major>[1-9][0-9]*)\.yaml")
_RULE_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")

_TOP: Final = ("apiVersion", "kind", "id", "name", "version", "status", "domain", "description", "schema")
_DESCRIPTION: Final = ("purpose", "usage", "limitations")
_TABLE: Final = ("name", "physicalName", "logicalType", "physicalType", "description", "properties", "quality")
_PROPERTY: Final = ("name", "logicalType", "physicalType", "required", "description", "customProperties")
_PROPERTY_OPTIONAL: Final = ("transformDescription",)
_RULE: Final = ("name", "type", "engine", "severity", "dimension", "description", "implementation")


class Severity(StrEnum):
    """An `error` sets the statement aside under the rule's name; a `warning` is reported and delivered."""

    ERROR = "error"
    WARNING = "warning"


class Origin(StrEnum):
    """Where a column lives: in the database only, in the frame that is handed over, or computed from that frame."""

    STORED = "stored"
    GIVEN = "given"
    DERIVED = "derived"


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A column of the data. `derivation` says how its numbers come about; empty for stored ones."""

    name: str
    origin: Origin
    logical_type: str
    physical_type: str
    required: bool
    description: str
    derivation: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One check. `expectation` and `kwargs` are Great Expectations' own; `name` is the reason of a quarantine."""

    name: str
    severity: Severity
    dimension: str
    english: str
    french: str
    expectation: str
    kwargs: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Contract:
    """One contract file: the columns of a table or file, and the rules its rows are held to."""

    id: str
    name: str
    version: str
    file_name: str
    status: str
    purpose: str
    usage: str
    limitations: str
    description: str
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...]


def load_all(folder: Path) -> dict[str, Contract]:
    """The contracts in force in `folder`, by name: of each name the highest version whose status is `active`.

    Raises:
        ContractInvalid: a file says something that cannot be carried out, or the folder holds no active contract.
    """
    found: dict[str, Contract] = {}
    for path in sorted(folder.glob("*.yaml")):
        contract = load(path)
        if contract.status == "active" and _major(contract) > _major(found.get(contract.name)):
            found[contract.name] = contract
    if not found:
        raise ContractInvalid("no active data contract", subject=str(folder), remedy="give the folder data_contracts/")
    return found


def _major(contract: Contract | None) -> int:
    return int(contract.version.split(".")[0]) if contract else 0


def load(path: Path) -> Contract:
    """Read and validate one contract file, named `<name>.v<major>.yaml`.

    Raises:
        ContractInvalid: names the file and, where there is one, the property or the rule.
    """
    where = path.name
    try:
        tree = yaml.load(path.read_text(encoding="utf-8"), Loader=_StrictLoader)  # noqa: S506 — a SafeLoader
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise _invalid("not readable as YAML: " + " ".join(str(error).split()), where) from None
    top = _mapping(tree, where, needed=_TOP)
    match = _FILE_NAME.fullmatch(where)
    if not match:
        raise _invalid("a contract file is named <name>.v<major>.yaml", where)
    expected = {"apiVersion": API_VERSION, "kind": "DataContract", "name": match["name"]}
    for key, value in expected.items():
        if top[key] != value:
            raise _invalid(f"{key} must be {value}", where)
    if not re.fullmatch(rf"{match['major']}\.[0-9]+\.[0-9]+", _text(top, "version", where)):
        raise _invalid(f"version must be {match['major']}.x.y, as the file's name says", where)
    if top["status"] not in ("draft", "active", "deprecated", "retired"):
        raise _invalid("status must be draft, active, deprecated or retired", where)
    return _contract(top, where)


def _contract(top: Mapping[str, Any], where: str) -> Contract:
    if not isinstance(top["schema"], list) or len(top["schema"]) != 1:
        raise _invalid("schema must hold exactly one object", where)
    table = _mapping(top["schema"][0], f"{where}: schema", needed=_TABLE)
    about = _mapping(top["description"], f"{where}: description", needed=_DESCRIPTION)
    columns = tuple(_column(node, where) for node in _list(table, "properties", where))
    _refuse_twice([column.name for column in columns], "property", where)
    numeric = {column.name for column in columns if column.origin is not Origin.STORED}
    rules = tuple(_rule(node, numeric, where) for node in _list(table, "quality", where))
    _refuse_twice([rule.name for rule in rules], "rule", where)
    return Contract(
        id=_text(top, "id", where),
        name=top["name"],
        version=top["version"],
        file_name=where,
        status=top["status"],
        purpose=_text(about, "purpose", where),
        usage=_text(about, "usage", where),
        limitations=_text(about, "limitations", where),
        description=_text(table, "description", where),
        columns=columns,
        rules=rules,
    )


def _column(node: Any, where: str) -> Column:
    name = node.get("name", "?") if isinstance(node, dict) else "?"
    here = f"{where}: property {name}"
    tree = _mapping(node, here, needed=_PROPERTY, optional=_PROPERTY_OPTIONAL)
    match tree["customProperties"]:
        case [{"property": "column", "value": str(value)}] if value in set(Origin):
            origin = Origin(value)
        case _:
            raise _invalid("customProperties must be one property `column`: stored, given or derived", here)
    numeric = origin is not Origin.STORED
    if numeric != ("transformDescription" in tree):
        raise _invalid("transformDescription belongs to given and derived columns, and each has one", here)
    if numeric and tree["logicalType"] != "integer":
        raise _invalid("a given or derived column is an integer: frames hold numbers only", here)
    if not isinstance(tree["required"], bool):
        raise _invalid("required must be true or false", here)
    return Column(
        name=_text(tree, "name", here),
        origin=origin,
        logical_type=_text(tree, "logicalType", here),
        physical_type=_text(tree, "physicalType", here),
        required=tree["required"],
        description=_text(tree, "description", here),
        derivation=_text(tree, "transformDescription", here) if numeric else "",
    )


def _rule(node: Any, numeric: set[str], where: str) -> Rule:
    name = node.get("name", "?") if isinstance(node, dict) else "?"
    here = f"{where}: rule {name}"
    tree = _mapping(node, here, needed=_RULE)
    if not isinstance(name, str) or not _RULE_NAME.fullmatch(name):
        raise _invalid("a rule is named in lower case letters, digits and _", here)
    if (tree["type"], tree["engine"]) != ("custom", "greatExpectations"):
        raise _invalid("only type custom with engine greatExpectations is carried out", here)
    if tree["severity"] not in set(Severity):
        raise _invalid("severity must be error or warning", here)
    if tree["dimension"] not in _DIMENSIONS:
        raise _invalid(f"dimension must be one of {', '.join(sorted(_DIMENSIONS))}", here)
    english, slash, french = _text(tree, "description", here).partition(" / ")
    if not slash:
        raise _invalid("description must be `English / français`", here)
    action = _mapping(tree["implementation"], here, needed=("type", "kwargs"))
    if not isinstance(action["type"], str) or action["type"] not in CHECKS:
        raise _invalid(f"unknown expectation; known: {', '.join(sorted(CHECKS))}", here)
    return Rule(
        name=name,
        severity=Severity(tree["severity"]),
        dimension=tree["dimension"],
        english=english.strip(),
        french=french.strip(),
        expectation=action["type"],
        kwargs=_kwargs(action["kwargs"], CHECKS[action["type"]], numeric, here),
    )


def _kwargs(node: Any, check: Check, numeric: set[str], here: str) -> Mapping[str, Any]:
    optional = (*check.integers, *check.integer_lists, *check.flags)
    kwargs = _mapping(node, here, needed=check.columns, optional=optional)
    for key, value in kwargs.items():
        if key in check.columns and (not isinstance(value, str) or value not in numeric):
            raise _invalid(f"{key}: {value} is not a given or derived column", here)
        if key in check.integers and not _is_integer(value):
            raise _invalid(f"{key} must be a whole number", here)
        if key in check.integer_lists and not (isinstance(value, list) and value and all(map(_is_integer, value))):
            raise _invalid(f"{key} must be a list of whole numbers", here)
        if key in check.flags and not isinstance(value, bool):
            raise _invalid(f"{key} must be true or false", here)
    if check.needs_one_of and not set(check.needs_one_of) & set(kwargs):
        raise _invalid(f"give {' or '.join(check.needs_one_of)}", here)
    if kwargs.get("min_value", 0) > kwargs.get("max_value", kwargs.get("min_value", 0)):
        raise _invalid("min_value is above max_value: no row could pass", here)
    return kwargs


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63


def _mapping(node: Any, here: str, *, needed: tuple[str, ...], optional: tuple[str, ...] = ()) -> dict[str, Any]:
    if not isinstance(node, dict):
        raise _invalid("a mapping is expected here", here)
    if unknown := [str(key) for key in node if key not in (*needed, *optional)]:
        raise _invalid(f"unknown key {', '.join(unknown)}", here)
    if missing := [key for key in needed if key not in node]:
        raise _invalid(f"missing key {', '.join(missing)}", here)
    return node


def _list(node: Mapping[str, Any], key: str, here: str) -> list[Any]:
    if not isinstance(node[key], list) or not node[key]:
        raise _invalid(f"{key} must be a list with something in it", here)
    return list(node[key])


def _text(node: Mapping[str, Any], key: str, here: str) -> str:
    if not isinstance(node[key], str) or not node[key].strip():
        raise _invalid(f"{key} must be text", here)
    return " ".join(node[key].split())


def _refuse_twice(names: list[str], kind: str, where: str) -> None:
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise _invalid(f"{kind} {', '.join(twice)} is there twice", where)


def _invalid(what: str, where: str) -> ContractInvalid:
    return ContractInvalid(what, subject=where, remedy="correct the data contract; nothing was judged")


_Loader: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _StrictLoader(_Loader):  # type: ignore[misc]  # which of the two is known when it runs
    """A key written twice is an error: YAML would silently keep the last one. libyaml takes a tenth of the time."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        if twice := sorted({str(key) for key in keys if keys.count(key) > 1}):
            raise yaml.constructor.ConstructorError(None, None, f"key {', '.join(twice)} twice", node.start_mark)
        found: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        return found
