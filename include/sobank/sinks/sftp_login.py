"""An Airflow connection and a partner's `transport` as the address of an SFTP server (DESIGN §8).

Who the server is must be known beforehand: `extra.host_key` (lines `type base64`, or the base64 alone) or
`extra.host_ca`. Nothing is learnt from the server, and no file of a user is read.
"""

from __future__ import annotations

import base64
import binascii
import struct
from typing import Final

import asyncssh

from sobank.domain.sink import Login, Reach
from sobank.errors import ConfigurationError
from sobank.sinks.sftp_connections import Address, private_key
from sobank.sinks.transport import count, seconds

_PORT: Final = 22
_AT_ONCE: Final = 16
_TIMEOUT_SECONDS: Final = 30.0
#: Switches of Airflow's own SSH hooks that would have the server believed, whoever he is.
_BELIEVING: Final = ("no_host_key_check", "allow_host_key_change")


def address_of(reach: Reach) -> Address:
    """Where and how a connector is reached.

    Raises:
        ConfigurationError: the login lacks something, or a key in it cannot be read; no key is part of the message.
    """
    login = reach.login
    if login is None or not login.host:
        raise _wrong(reach, "it has no Airflow connection that names a host", "name one in the connector")
    if not login.user:
        raise _wrong(reach, "its Airflow connection names no user", "give the login that the partner gave you")
    for switch in _BELIEVING:
        if str(login.extra.get(switch, "")).lower() not in {"", "0", "false", "no", "none"}:
            raise _wrong(reach, f"{switch} would believe any server", f"remove {switch}; pin extra.host_key")
    key, passphrase = _text(login, "private_key"), _text(login, "private_key_passphrase")
    if not key and not login.password:
        raise _wrong(
            reach, "its Airflow connection holds neither a password nor a private key", "give one; key_file is not read"
        )
    if key:
        try:
            private_key(key, passphrase)
        except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, ValueError):
            raise _wrong(
                reach,
                "its private key cannot be read",
                "check extra.private_key and its passphrase; of an OpenSSH key only the library bcrypt opens one, "
                "PKCS#8 needs none",
            ) from None
    keys, cas = _pins(reach, login, "host_key"), _pins(reach, login, "host_ca")
    if not keys and not cas:
        raise _wrong(
            reach, "no host key is pinned, and none is ever learnt", "give extra.host_key, as the partner told you it"
        )
    return Address(
        host=login.host,
        port=login.port or _PORT,
        user=login.user,
        host_keys=keys,
        host_cas=cas,
        at_once=count(reach, "at_once", _AT_ONCE),
        timeout=seconds(reach, "timeout_seconds", _TIMEOUT_SECONDS),
        password=login.password,
        private_key=key,
        passphrase=passphrase,
    )


def _pins(reach: Reach, login: Login, name: str) -> tuple[str, ...]:
    lines = [line for line in (_text(login, name) or "").splitlines() if line.strip()]
    try:
        return tuple(_pin(line.split()) for line in lines)
    except (ValueError, asyncssh.KeyImportError, binascii.Error, struct.error):
        raise _wrong(
            reach, f"extra.{name} cannot be read", "give lines such as `ssh-ed25519 AAAA…`, as in a known_hosts file"
        ) from None


def _pin(words: list[str]) -> str:
    """The base64 of a public key starts with the name of its type, so that it may stand alone."""
    encoded = next(word for word in [*words, ""] if word.startswith("AAAA") or not word)
    blob = base64.b64decode(encoded, validate=True)
    kind = blob[4 : 4 + struct.unpack(">I", blob[:4])[0]].decode("ascii")
    line = f"{kind} {encoded}"
    asyncssh.import_public_key(line)
    return line


def _text(login: Login, name: str) -> str | None:
    value = login.extra.get(name)
    return str(value) if value else None


def _wrong(reach: Reach, what: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(what, subject=reach.destination, remedy=f"{remedy} (Airflow, Admin → Connections)")
