"""The catalogue of partners: one YAML file each, beside this module (A1). Adding a partner is adding one file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import yaml

from sobank.errors import ConfigurationError

FOLDER: Final = Path(__file__).parent
SINK_KINDS: Final = ("folder", "sftp", "https", "s3")
TERMINATORS: Final = {"CRLF": b"\r\n", "LF": b"\n"}
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")
_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Partner:
    """One accounting software and its dialect.

    sink: how it really takes files; a connector without connection is served by the folder sink instead.
    terminator: bytes after each record. max_bytes, max_statements: limits of one file, None where none is known.
    idempotency_retention_days: how long the partner remembers an idempotency key, None where it knows no such key.
    accepts_corrections: whether a statement delivered earlier may be sent again with other content.
    transport: how its sink is to behave, by the keys that the kind of sink knows.
    """

    code: str
    label: str
    sink: str
    format: str
    object_name: str
    terminator: bytes
    encoding: str
    max_bytes: int | None
    max_statements: int | None
    idempotency_retention_days: int | None
    accepts_corrections: bool
    transport: Mapping[str, object]

    def name_of(self, *, cabinet: str, connector: str, business_date: date, seq: int) -> str:
        """Name of a file; cabinet code, connector name, day and number give the same name whenever asked (D9)."""
        return self.object_name.format(cabinet=cabinet, connector=connector, business_date=business_date, seq=seq)


def catalogue(folder: Path = FOLDER) -> dict[str, Partner]:
    """Every partner by its code.

    Raises:
        ConfigurationError: a file has an unknown, missing or wrong key; names the file, the key and the remedy.
    """
    partners = [read_partner(path) for path in sorted(folder.glob("*.yaml"))]
    return {partner.code: partner for partner in partners}


def read_partner(path: Path) -> Partner:
    """One partner from its file.

    Raises:
        ConfigurationError: as `catalogue`.
    """
    try:
        tree = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        raise ConfigurationError(
            f"is not readable YAML ({' '.join(str(error).split())})", subject=path.name, remedy="correct the file"
        ) from None
    keys = _Keys(path.name, "", tree, (*_TEXTS, *_OTHERS))
    limits = _Keys(path.name, "limits.", keys.values["limits"], ("max_bytes", "max_statements"))
    partner = Partner(
        **{key: keys.text(key) for key in _TEXTS if key != "terminator"},
        terminator=TERMINATORS[keys.one_of("terminator", tuple(TERMINATORS))],
        max_bytes=limits.count("max_bytes"),
        max_statements=limits.count("max_statements"),
        idempotency_retention_days=keys.count("idempotency_retention_days"),
        accepts_corrections=keys.flag("accepts_corrections"),
        transport=keys.values["transport"] or {},
    )
    _check(partner, keys)
    if partner.code != path.stem:
        raise keys.wrong("code", f"is not the name of the file, {path.stem}")
    return partner


_TEXTS = ("code", "label", "sink", "format", "object_name", "terminator", "encoding")
_OTHERS = ("limits", "idempotency_retention_days", "accepts_corrections", "transport")


def _check(partner: Partner, keys: _Keys) -> None:
    if not _CODE.fullmatch(partner.code):
        raise keys.wrong("code", "has other characters than small letters, digits and -")
    keys.one_of("sink", SINK_KINDS)
    keys.one_of("format", ("cfonb120",))
    keys.one_of("encoding", ("ISO-8859-1",))
    facts: dict[str, Any] = {"cabinet": "C", "connector": "c", "business_date": date(2026, 1, 5), "seq": 1}
    try:
        name = partner.name_of(**facts)
        others = {
            partner.name_of(**{**facts, **{key: value}})
            for key, value in (("cabinet", "D"), ("connector", "d"), ("business_date", date(2026, 1, 6)), ("seq", 2))
        }
    except (KeyError, IndexError, ValueError, AttributeError) as error:
        raise keys.wrong(
            "object_name", f"is not a template of cabinet, connector, business_date and seq ({error})"
        ) from None
    if name in others or len(others) != len(facts):
        raise keys.wrong(
            "object_name", "gives two batches the same name: use all of {cabinet} {connector} {business_date} {seq}"
        )
    if not _NAME.fullmatch(name):
        raise keys.wrong("object_name", "has other characters than letters, digits, dot, _ and -")


class _Keys:
    """The keys of one mapping, read with messages that say file, key and what to do."""

    def __init__(self, file: str, prefix: str, tree: object, wanted: tuple[str, ...]) -> None:
        self.file, self.prefix = file, prefix
        if not isinstance(tree, dict):
            raise self.wrong("", "is not a mapping of keys to values")
        self.values: dict[str, Any] = tree
        for key in self.values:
            if key not in wanted:
                raise self.wrong(str(key), f"is an unknown key; the keys are {', '.join(wanted)}")
        for key in wanted:
            if key not in self.values:
                raise self.wrong(key, "is missing")

    def wrong(self, key: str, what: str) -> ConfigurationError:
        place = (self.prefix + key).rstrip(".") or "the whole file"
        return ConfigurationError(
            what, subject=f"partner file {self.file}, {place}", remedy=f"correct {place} in {self.file}"
        )

    def text(self, key: str) -> str:
        value = self.values[key]
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(key, "is not text")
        return value

    def one_of(self, key: str, allowed: tuple[str, ...]) -> str:
        if (value := self.text(key)) not in allowed:
            raise self.wrong(key, f"is not one of {', '.join(allowed)}")
        return value

    def count(self, key: str) -> int | None:
        value = self.values[key]
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
            raise self.wrong(key, "is neither null nor a whole number above 0")
        return value

    def flag(self, key: str) -> bool:
        value = self.values[key]
        if not isinstance(value, bool):
            raise self.wrong(key, "is neither true nor false")
        return value
