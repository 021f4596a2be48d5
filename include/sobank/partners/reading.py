"""A partner's file against the schema: every problem, each with its line, its key and what would be right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Final

import yaml

from sobank.partners.naming import fault_of
from sobank.partners.schema import KEYS, TRANSPORT, Key

#: Far more than a partner's file needs, and little enough to be read by a careless parser.
MAX_BYTES: Final = 64 << 10
_SECRETS: Final = ("pass", "secret", "token", "private", "login", "user", "host")


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One thing that is wrong in a partner's file. `line` counts from 1, None where no line can be named."""

    line: int | None
    key: str
    what: str
    remedy: str

    def __str__(self) -> str:
        place = ", ".join(text for text in (f"line {self.line}" if self.line else "", self.key) if text)
        return f"{place}: {self.what}; {self.remedy}" if place else f"{self.what}; {self.remedy}"


@dataclass(kw_only=True, slots=True)
class Reading:
    """The values of a file as far as they are right, the lines of its keys, and what is wrong.

    Keys below another are written with a dot: `limits.max_bytes`.
    """

    values: dict[str, Any] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def wrong(self, key: str, what: str, remedy: str) -> None:
        """Note a problem at the line of a key, or of the key above it."""
        line = self.lines.get(key) or self.lines.get(key.rpartition(".")[0])
        self.problems.append(Problem(line=line, key=key, what=what, remedy=remedy))


def read(content: bytes) -> Reading:
    """Read a file's content; its values are worth something only where there is no problem."""
    reading = Reading()
    if len(content) > MAX_BYTES:
        reading.wrong("", f"has more than {MAX_BYTES} bytes", "keep one partner in it")
        return reading
    loader = None
    try:
        loader = yaml.SafeLoader(content)
        root = loader.get_single_node()
        _read_mapping(reading, loader, root, "", KEYS)
    except (yaml.YAMLError, UnicodeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        said = getattr(error, "problem", None) or (
            "nested too deep" if isinstance(error, RecursionError) else "not UTF-8 text"
        )
        line = mark.line + 1 if mark else None
        reading.problems.append(
            Problem(line=line, key="", what=f"is not readable YAML ({said})", remedy="correct that line, or the quotes")
        )
    finally:
        if loader is not None:
            loader.dispose()
    _check_together(reading)
    reading.problems.sort(key=lambda problem: problem.line or 0)
    return reading


def _read_mapping(reading: Reading, loader: yaml.SafeLoader, node: Any, prefix: str, keys: tuple[Key, ...]) -> None:
    if not isinstance(node, yaml.MappingNode):
        reading.wrong(prefix.rstrip("."), "is not a mapping of keys to values", "write `key: value`, one on each line")
        return
    known = {key.name: key for key in keys}
    found: dict[str, Any] = {}
    meant: set[str] = set()
    for name, at, value in _pairs(node):
        place = prefix + name
        if place in reading.lines:
            reading.problems.append(
                Problem(
                    line=at, key=place, what="is there twice", remedy=f"keep it here or on line {reading.lines[place]}"
                )
            )
            continue
        reading.lines[place] = at
        if name in known:
            found[name] = value
        else:
            close = get_close_matches(name, set(known) - set(found), n=1)
            meant.update(close)
            reading.wrong(place, *_unknown(name, known, prefix, reading.values.get("sink"), close))
    for key in keys:
        if key.name in found:
            _read_value(reading, loader, found[key.name], prefix + key.name, key)
        elif key.required and key.name not in meant:
            reading.wrong(prefix + key.name, "is missing", f"add `{key.name}: {key.right}`")


def _pairs(node: yaml.MappingNode) -> Iterator[tuple[str, int, Any]]:
    for key, value in node.value:
        name = key.value if isinstance(key, yaml.ScalarNode) else "(a key that is no text)"
        yield name[:60], key.start_mark.line + 1, value


def _unknown(name: str, known: dict[str, Key], prefix: str, sink: str | None, close: list[str]) -> tuple[str, str]:
    owners = [kind for kind, keys in TRANSPORT.items() if name in {key.name for key in keys}]
    if prefix == "transport." and owners:
        return f"is a key of {' and '.join(owners)}, and the sink is {sink}", "remove it"
    if not prefix and owners:
        return "is an unknown key here", "write it under transport:"
    if any(word in name.lower() for word in _SECRETS):
        return "has no place in a partner's file", "addresses, users and secrets are in the Airflow connection"
    if close:
        return "is an unknown key", f"did you mean {close[0]}?"
    return "is an unknown key", f"the keys here are {', '.join(known)}" if known else "remove it"


def _read_value(reading: Reading, loader: yaml.SafeLoader, node: Any, place: str, key: Key) -> None:
    if place == "transport":
        _read_transport(reading, loader, node)
        return
    if key.below:
        _read_mapping(reading, loader, node, place + ".", key.below)
        return
    try:
        value = loader.construct_object(node, deep=True) if isinstance(node, yaml.ScalarNode) else ...
    except (ValueError, yaml.YAMLError):
        value = ...
    if value is ... or not key.accepts(value):
        written = node.value[:40] if isinstance(node, yaml.ScalarNode) else "a list or a mapping"
        close = get_close_matches(str(written).upper(), [c.upper() for c in key.choices], n=1)
        meant = [choice for choice in key.choices if choice.upper() in close]
        right = f"did you mean {meant[0]}?" if meant else f"write `{key.name}: {key.right}`, for example"
        reading.wrong(place, f"takes {key.takes}; here is {written!r}", right)
        return
    if place == "object_name" and (fault := fault_of(value)):
        reading.wrong(place, fault, f"write `{key.name}: {key.right}`, for example")
        return
    reading.values[place] = value


def _read_transport(reading: Reading, loader: yaml.SafeLoader, node: Any) -> None:
    """`transport` is read last: its keys depend on the sink. Empty is the same as absent."""
    sink = reading.values.get("sink")
    if sink is None or (isinstance(node, yaml.ScalarNode) and node.tag.endswith(":null")):
        return
    _read_mapping(reading, loader, node, "transport.", TRANSPORT[sink])


def _check_together(reading: Reading) -> None:
    """What one key asks of another, where each by itself is right."""
    given = {name.partition(".")[2]: value for name, value in reading.values.items() if name.startswith("transport.")}
    if ("requests" in given) != ("per_seconds" in given):
        there = "requests" if "requests" in given else "per_seconds"
        reading.wrong(f"transport.{there}", "is one half of a rate limit", "give requests and per_seconds, or neither")
    if given.get("dialect") == "myunisoft" and given.get("probe") is not None:
        reading.wrong("transport.probe", "is a key of the generic dialect: MyUnisoft cannot be asked", "remove it")
    missing = reading.values.get("sink") == "https" and "transport.path" not in reading.lines
    if missing and given.get("dialect", "generic") == "generic" and not reading.problems:
        reading.wrong("transport.path", "is missing: where files are posted", 'add `path: "/statements/{name}"`')
