"""How a simulated partner misbehaves: a script of faults, each for the next times that an operation is asked for."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Self

from sobank.errors import ConfigurationError


class Fault(StrEnum):
    """What a partner can do wrong. Not every kind of server can do every one; a server says which it can."""

    LOSE_ANSWER = "lose_answer"
    LOSE_REQUEST = "lose_request"
    RESET_MID_BODY = "reset_mid_body"
    DRIP = "drip"
    BLACK_HOLE = "black_hole"
    TOO_MANY_SECONDS = "429_seconds"
    TOO_MANY_DATE = "429_date"
    ERROR_BEFORE_COMMIT = "500_before"
    ERROR_AFTER_COMMIT = "500_after"
    REPLAY = "replay"
    REDIRECT = "redirect"
    WRONG_ECHO = "wrong_echo"
    FORGET_KEYS = "forget_keys"
    DISK_FULL = "disk_full"
    PERMISSION_DENIED = "permission_denied"
    TRUNCATE = "truncate"


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """`do` that fault the next `times` times that the operation `on` is asked for."""

    on: str
    do: Fault
    times: int = 1


class Script:
    """Lines not yet played, taken one at a time by the server's own threads."""

    def __init__(self, lines: Iterable[Line] = ()) -> None:
        self._lines = list(lines)
        self._lock = threading.Lock()

    @classmethod
    def read(cls, path: Path, *, operations: frozenset[str], faults: frozenset[Fault]) -> Self:
        """A script from JSON lines such as `{"on": "publish", "do": "lose_answer", "times": 2}`.

        Raises:
            ConfigurationError: a line is no JSON object, or names an operation or fault that the server does not have.
        """
        lines = []
        for number, text in enumerate(path.read_text("utf-8").splitlines(), 1):
            try:
                line = Line(**json.loads(text))
                line = replace(line, do=Fault(line.do))
            except (ValueError, TypeError) as error:
                raise _wrong(path, number, str(error)) from None
            if line.on not in operations or line.do not in faults:
                raise _wrong(
                    path,
                    number,
                    f"`on` is one of {', '.join(sorted(operations))}; `do` is one of {', '.join(sorted(faults))}",
                )
            lines.append(line)
        return cls(lines)

    def add(self, on: str, do: Fault, *, times: int = 1) -> None:
        """Add a line at the end."""
        with self._lock:
            self._lines.append(Line(on=on, do=do, times=times))

    def clear(self) -> None:
        """From now on, behave."""
        with self._lock:
            self._lines.clear()

    def take(self, operation: str) -> Fault | None:
        """The fault to play for this operation now, if there is one; it is used up once."""
        with self._lock:
            for place, line in enumerate(self._lines):
                if line.on == operation:
                    self._lines[place : place + 1] = [replace(line, times=line.times - 1)] if line.times > 1 else []
                    return line.do
        return None


def _wrong(path: Path, number: int, what: str) -> ConfigurationError:
    return ConfigurationError(what, subject=f"{path}, line {number}", remedy="correct the line")
