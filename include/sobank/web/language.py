"""French, or English where the browser asks for it. The French text is the key; `english/*.yaml` holds the other.

A text that has no English is shown in French: a test names it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final, Self

import yaml

from sobank.errors import ConfigurationError

#: Where French has a space that does not break: before a colon, and a narrow one before high signs and inside « ».
_BEFORE_COLON: Final = re.compile(r" (?=:(?:\s|$))")
_NARROW: Final = re.compile(r" (?=[;!?%»])|(?<=«) ")


@dataclass(frozen=True, slots=True)
class Language:
    """One of the two, by its code: `fr` or `en`."""

    code: str

    @classmethod
    def of(cls, accepted: str) -> Self:
        """The one that a browser likes better, of its header `Accept-Language`; French if it likes neither."""
        likes: list[tuple[float, int, str]] = []
        for place, part in enumerate(accepted[:200].split(",")):
            name, _, weight = part.strip().partition(";q=")
            code = name[:2].lower()
            if code in {"fr", "en"}:
                try:
                    likes.append((-float(weight or 1), place, code))
                except ValueError:
                    continue
        return cls(min(likes)[2] if likes else "fr")

    def say(self, french: str, **values: Any) -> str:
        """The text in this language, its `{names}` filled in."""
        text = spaced(french) if self.code == "fr" else english().get(french, french)
        return text.format(**values) if values else text

    def count(self, one: str, many: str, n: int, **values: Any) -> str:
        """`one` or `many` with `{n}`: French has one for 0 and 1, English for 1 alone."""
        single = n in {0, 1} if self.code == "fr" else n == 1
        return self.say(
            one if single else many, n=f"{n:,}".replace(",", "\u202f" if self.code == "fr" else ","), **values
        )


def spaced(french: str) -> str:
    """A French text with its spaces before `: ; ! ? %` and inside « » made such that no line ends there."""
    return _NARROW.sub("\u202f", _BEFORE_COLON.sub("\u00a0", french))


@cache
def english() -> dict[str, str]:
    """Every English text by its French one.

    Raises:
        ConfigurationError: two files give one text two translations.
    """
    found: dict[str, str] = {}
    for path in sorted(files("sobank.web").joinpath("english").iterdir(), key=lambda path: path.name):
        if not path.name.endswith(".yaml"):
            continue
        for french, text in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).items():
            if found.setdefault(french, text) != text:
                raise ConfigurationError("has two translations", subject=f"{path.name}: {french}", remedy="keep one")
    return found
