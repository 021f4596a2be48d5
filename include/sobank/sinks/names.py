"""Names of files at a partner's, and what every sink says of them."""

from __future__ import annotations

import re
from typing import Final

from sobank.errors import ConfigFault, Doubtful, NameTaken, SinkError, Unknown

TAKEN: Final = "taken by the partner before it could be read back"
#: What a receipt says of bytes that somebody had published before.
IN_PLACE: Final = "found in place"
#: What to do where only a person can tell whether the bytes arrived.
ASK_THE_PARTNER: Final = (
    "ask the partner; then release the batch if he does not have it, confirm it if he has exactly this, else reject it"
)
_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]|\.(?!\.)){0,199}")


def allowed(name: str) -> str:
    """The name, if it may be used: letters, digits, `_`, `-`, single dots; never a path (DESIGN §8).

    Raises:
        ConfigFault: it may not.
    """
    if not _NAME.fullmatch(name):
        raise ConfigFault(
            "the file name has characters that are not allowed, or is too long",
            subject=repr(name[:60]),
            remedy="use letters, digits, '_', '-' and single dots in the partner's name template",
        )
    return name


def staging_name(name: str, attempt: int) -> str:
    """The dot-file of one attempt, beside the final name."""
    return f".{name}.{attempt}.part"


def other_bytes(name: str) -> NameTaken:
    """Other bytes lie under a final name: a person must look."""
    return NameTaken(
        "other bytes are there under the same name; they were not replaced",
        subject=name,
        remedy="compare both files; have his moved away and release the batch, or reject it",
    )


def not_sealed(name: str) -> ConfigFault:
    """What the spool gave is not what the batch says: nothing of it may leave."""
    return ConfigFault(
        "the bytes are not those that were sealed", subject=name, remedy="check the spool; nothing was published"
    )


def not_published(name: str) -> Unknown:
    """What lies under a final name is not what was moved there."""
    return Unknown(
        "the bytes read back are not those published", subject=name, remedy="ask the partner what changed them"
    )


def staged_gone(name: str, *, never_published: bool) -> SinkError:
    """What was staged is not there to be published.

    Args:
        never_published: whoever recorded it tries for the first time. Then nobody else can have published it: it was
            taken or removed under its staging name, and must not be thought to have been taken under its own.
    """
    if never_published:
        return Doubtful(
            "what was staged went away before it was published",
            subject=name,
            remedy=f"look what removes staged files there; {ASK_THE_PARTNER}",
        )
    return Unknown("what was staged is gone", subject=name, remedy="run again: it looks first")
