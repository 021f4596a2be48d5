"""What a cabinet or a dossier may be called, and what else is told of it: each text checked in one place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from sobank.domain.siret import is_siret
from sobank.errors import RegistryError

#: A cabinet's client number is part of file names.
CABINET_CODE: Final = re.compile(r"[A-Z0-9][A-Z0-9-]{0,39}")
MAX_TEXT: Final = 200
_MAX_ADDRESS: Final = 500
_MAX_SOFTWARE: Final = 20


def checked_text(text: str, what: str, *, subject: str = "") -> str:
    """One line of text without spaces around it; `what` it is, for the message.

    Raises:
        RegistryError: it is empty, too long, or holds what cannot be printed.
    """
    found = text.strip()
    if not 0 < len(found) <= MAX_TEXT or not found.isprintable():
        raise RegistryError(
            f"{what} is 1 to {MAX_TEXT} printable characters", subject=subject, remedy="correct it and try again"
        )
    return found


def checked_siret(text: str, *, subject: str = "") -> str | None:
    """A siret without its spaces; None where the text is empty.

    Raises:
        RegistryError: it has not 14 digits, or its key is wrong.
    """
    found = "".join(text.split())
    if found and not is_siret(found):
        raise RegistryError(
            "a siret is 14 digits, the last of which is a key; this one is wrong",
            subject=subject,
            remedy="check it against an extract of the company's registration",
        )
    return found or None


def checked_address(text: str, *, subject: str = "") -> str | None:
    """An address of one or more lines; None where the text is empty.

    Raises:
        RegistryError: it is too long, or holds what cannot be printed.
    """
    lines = [line.strip() for line in text.strip().splitlines()]
    found = "\n".join(lines)
    if len(found) > _MAX_ADDRESS or not all(line.isprintable() for line in lines):
        raise RegistryError(
            f"an address is at most {_MAX_ADDRESS} printable characters",
            subject=subject,
            remedy="shorten or correct it",
        )
    return found or None


def checked_software(names: Sequence[str], *, subject: str = "") -> list[str] | None:
    """Names of production software (logiciels de production), each once; None where there is none.

    Raises:
        RegistryError: there are too many, or one is no name.
    """
    found = list(dict.fromkeys(checked_text(name, "the name of a software", subject=subject) for name in names))
    if len(found) > _MAX_SOFTWARE:
        raise RegistryError(
            f"a cabinet names at most {_MAX_SOFTWARE} production softwares", subject=subject, remedy="name those in use"
        )
    return found or None
