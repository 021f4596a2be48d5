"""Read a registry file (YAML) as plain mappings, lists and values; what they mean is `services.registry_file`.

Built from the parser's events: the loaders of PyYAML take ten times as long on a large registry, accept a key twice,
and turn `no`, `001` or a siret into something else. Here a value is null, true, false, a whole number written without
leading zeros, or text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from sobank.errors import RegistryError

MAX_BYTES: Final = 256 << 20
_MAX_DEPTH: Final = 24
_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,17}")
_NAMED: Final[dict[str, bool | None]] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "false": False, "False": False,
}  # fmt: skip


def read_registry_file(path: Path) -> Any:
    """The tree of one YAML document.

    Raises:
        RegistryError: missing or unreadable file, not YAML (with line and column), a key twice, an alias, a tag.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise _refused(path, f"is larger than {MAX_BYTES >> 20} MiB", "split it by cabinets")
        text = path.read_text("utf-8")
    except OSError as error:
        raise _refused(path, f"cannot be read ({error.strerror})", "check the path and its rights") from None
    except UnicodeDecodeError as error:
        raise _refused(path, f"is not UTF-8 at byte {error.start}", "save it as UTF-8") from None
    try:
        events = yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        return _document(path, events)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or "a character that YAML does not allow"
        raise _refused(path, f"is not YAML, {where}{problem}", "correct that line") from None


def _refused(path: Path, what: str, remedy: str) -> RegistryError:
    return RegistryError(what, subject=str(path), remedy=remedy)


def _document(path: Path, events: Iterator[Any]) -> Any:
    tree: Any = None
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent) and tree is not None:
            raise _refused(path, "holds two documents", "keep one, remove the line ---")
        if isinstance(event, yaml.NodeEvent):
            tree = _Builder(path, events).node(event, 0)
    return tree


class _Builder:
    def __init__(self, path: Path, events: Iterator[Any]) -> None:
        self._path = path
        self._events = events

    def node(self, event: Any, depth: int) -> Any:
        if isinstance(event, yaml.ScalarEvent) and event.tag is None:
            return _value(event.value) if event.implicit[0] else event.value
        if isinstance(event, yaml.AliasEvent) or event.tag is not None:
            raise self._at(event, "has an alias or a tag", "write the values out")
        if depth == _MAX_DEPTH:
            raise self._at(event, f"is nested deeper than {_MAX_DEPTH} levels", "correct the indentation")
        return self._mapping(depth) if isinstance(event, yaml.MappingStartEvent) else self._sequence(depth)

    def _mapping(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for event in self._events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            if not isinstance(event, yaml.ScalarEvent):
                raise self._at(event, "has a key that is not text", "correct the key")
            if event.value in found:
                raise self._at(event, f"has the key {event.value} twice", "keep one of them")
            found[event.value] = self.node(next(self._events), depth + 1)
        return found

    def _sequence(self, depth: int) -> list[Any]:
        found: list[Any] = []
        for event in self._events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            found.append(self.node(event, depth + 1))
        return found

    def _at(self, event: Any, what: str, remedy: str) -> RegistryError:
        return _refused(self._path, f"line {event.start_mark.line + 1} {what}", remedy)


def _value(text: str) -> Any:
    if text in _NAMED:
        return _NAMED[text]
    return int(text) if _WHOLE.fullmatch(text) else text
