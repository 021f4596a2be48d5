"""A file encrypted with age, for the recipients that a connector's settings name (`encryption: {age: [recipient, …]}`).

A recipient is a public key: `age1…` (X25519), or an SSH key (`ssh-ed25519 …`, `ssh-rsa …`) as it stands in a `.pub`
file. Whoever holds one of the private keys reads the file, with `age --decrypt` or any other program that knows age.
"""

from __future__ import annotations

from typing import Any, Final

import pyrage  # type: ignore[import-untyped]

from sobank.errors import ConfigurationError

SUFFIX: Final = ".age"
#: A settings value with more of them, or longer ones, is a mistake: the header of every file holds all of them.
_MOST, _LONGEST = 20, 4096
_SHOWN: Final = 12
#: Version line, MAC, nonce, and the line of noise that a writer may add to keep readers tolerant.
_HEADER: Final = 1024
_CHUNK, _TAG = 1 << 16, 16


def recipients_of(encryption: object) -> list[Any]:
    """The recipients of a connector's setting `encryption`.

    Raises:
        ConfigurationError: it names none, or something that is no public key. The message names the place (`subject`)
        and never shows more than the first characters of a key.
    """
    keys = encryption.get("age") if isinstance(encryption, dict) and encryption.keys() == {"age"} else None
    if not isinstance(keys, list) or not 0 < len(keys) <= _MOST:
        raise _wrong("encryption", f"is not {{age: [recipient, …]}} with 1 to {_MOST} recipients")
    return [_recipient(key, f"encryption.age[{place}]") for place, key in enumerate(keys)]


def check(encryption: object) -> None:
    """Refuse a setting that `encrypt` could not follow.

    Raises:
        ConfigurationError: as `recipients_of`.
    """
    recipients_of(encryption)


def encrypt(payload: bytes, encryption: object) -> bytes:
    """The encrypted file, binary; other bytes each time, by design of age: each file has a key of its own.

    Raises:
        ConfigurationError: as `recipients_of`, or a key cannot be encrypted to.
    """
    try:
        sealed: bytes = pyrage.encrypt(payload, recipients_of(encryption))
    except pyrage.EncryptError:
        raise _wrong("encryption", "names a key that cannot be encrypted to") from None
    return sealed


def room(most: int, encryption: object) -> int:
    """How many plain bytes certainly fit into `most` encrypted ones; `most` for a setting that names no recipient."""
    try:
        recipients_of(encryption)
    except ConfigurationError:
        return most
    keys: list[str] = encryption["age"]  # type: ignore[index]  # a setting that names recipients has them
    header = _HEADER + sum(2 * len(key) + 200 for key in keys)
    return max(0, most - header - _TAG * (most // _CHUNK + 1))


def _recipient(key: object, place: str) -> Any:
    if isinstance(key, str) and key.upper().startswith("AGE-SECRET-KEY-"):
        raise _wrong(place, "is a secret key; whoever reads it here can read the files")
    kind = pyrage.x25519 if isinstance(key, str) and key.startswith("age1") else pyrage.ssh
    if not isinstance(key, str) or not key.startswith(("age1", "ssh-ed25519 ", "ssh-rsa ")) or len(key) > _LONGEST:
        raise _wrong(place, "is no public key that age knows")
    try:
        return kind.Recipient.from_str(key.strip())
    except pyrage.RecipientError:
        raise _wrong(place, f"is no whole public key: {key[:_SHOWN]}…") from None


def _wrong(place: str, what: str) -> ConfigurationError:
    return ConfigurationError(
        what, subject=place, remedy="give the partner's public keys: age1…, ssh-ed25519 … or ssh-rsa …"
    )
