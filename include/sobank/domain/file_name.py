"""The name of a bank's file as it is kept and shown: printable, and without the account number that a bank put into it.

A name is the sender's to choose: bytes that are no text, control characters that would forge a line of a log, an IBAN
(O3). Whatever shows a file shows this; what the sender wrote is on the file alone.
"""

from __future__ import annotations

import os
import re
from typing import Final

from sobank.domain.iban import masked

#: So bank's own names, as far as they are made of figures that are no account's (D2).
_OWN: Final = re.compile(r"SOBANK_\d{6}_\d{16}-")
#: A day, and perhaps the time of it, down to microseconds.
_MOMENT: Final = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])([0-2]\d|3[01])(T?[0-2]\d[0-5]\d([0-5]\d\d{0,6})?)?Z?")
_IBAN: Final = re.compile(r"[A-Za-z]{2}\d{2}(?:[ _-]?[0-9A-Za-z]{4}){3,7}(?:[ _-]?[0-9A-Za-z]{1,3})?")
_RUN: Final = re.compile(r"[0-9A-Za-z]{11,}")
#: Figures in an account number of eleven characters; it may have letters beside them.
_FIGURES: Final = 6


def file_name(given: str) -> str:
    """`given` as it may be stored, logged and shown; the same for what has been through it before.

    Args:
        given: a name of the file system; bytes that are no UTF-8 come as `os.fsdecode` gives them.
    """
    text = os.fsencode(given).decode("utf-8", "backslashreplace")
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    own = _OWN.match(text)
    head = own[0] if own else ""
    return head + _RUN.sub(_hidden, _IBAN.sub(_hidden, text[len(head) :]))


def _hidden(found: re.Match[str]) -> str:
    if _MOMENT.fullmatch(found[0]) or sum(c.isdigit() for c in found[0]) < _FIGURES:
        return found[0]
    return masked("".join(c for c in found[0] if c.isalnum()))
