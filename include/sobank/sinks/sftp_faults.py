"""What the errors of SSH and SFTP mean for a delivery (DESIGN §6): the closed set, in words of our own.

A server's text is never repeated: it may hold anything. Codes, kinds of errors and errno texts are.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from typing import Final

import asyncssh

from sobank.errors import ConfigFault, SinkError, Transient, Unknown
from sobank.sinks.sftp_connections import NotConnected

NO_FILE: Final = (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath)
_FULL: Final = (asyncssh.SFTPNoSpaceOnFilesystem, asyncssh.SFTPQuotaExceeded)
#: Answers that would be the same for every file: what was refused, and what to do.
_SET_UP_WRONG: Final[dict[type[BaseException], tuple[str, str]]] = {
    asyncssh.PermissionDenied: ("the server refuses the login", "check user, password and key with the partner"),
    asyncssh.HostKeyNotVerifiable: (
        "the server's host key is not the pinned one",
        "ask the partner over another channel whether it changed; then pin the new one",
    ),
    asyncssh.KeyExchangeFailed: (
        "no algorithm in common with the server, or none for the pinned host key",
        "ask the partner which host keys and algorithms the server has",
    ),
    asyncssh.ProtocolNotSupported: ("the server speaks no SSH 2", "check host and port"),
    asyncssh.IllegalUserName: ("the user name cannot be used", "check the login of the connection"),
    asyncssh.ServiceNotAvailable: ("the server offers no login by SSH", "check host and port"),
    asyncssh.ChannelOpenError: ("the server offers no SFTP", "ask the partner to allow SFTP for this user"),
    asyncssh.SFTPPermissionDenied: ("the server denies it", "ask the partner for the right to write and read there"),
    asyncssh.SFTPWriteProtect: ("the server is read-only", "ask the partner for the right to write there"),
    asyncssh.SFTPNoSuchFile: ("there is no such folder", "correct the folder in the settings of the connector"),
    asyncssh.SFTPNoSuchPath: ("there is no such folder", "correct the folder in the settings of the connector"),
    asyncssh.SFTPNotADirectory: ("there is no such folder", "correct the folder in the settings of the connector"),
    asyncssh.SFTPOpUnsupported: ("the server cannot do what is needed", "use another sink for this partner"),
}


@contextmanager
def understood(
    subject: str,
    *,
    server: str,
    lost: type[SinkError],
    unreached: type[SinkError] | None = None,
    moved: bool = False,
) -> Iterator[None]:
    """Whatever SSH or the system raises inside leaves as the sink's error that it stands for.

    Args:
        server: what an error is about that came before there was a connection.
        lost: where the answer did not come, or proves nothing.
        unreached: where no connection came about, so that nothing was sent; `lost` if not given.
        moved: whether a final name may be there by now: then no fault of the set-up proves that nothing was sent.
    """
    try:
        yield
    except NotConnected as error:
        raise because(error.__cause__ or error, server, unreached or lost, moved=moved) from None
    except (asyncssh.Error, OSError, EOFError, ValueError, CancelledError) as error:
        raise because(error, subject, lost, moved=moved) from None


def because(error: BaseException, subject: str, otherwise: type[SinkError], *, moved: bool = False) -> SinkError:
    """The sink's error that an error of SSH or of the system stands for; `otherwise` where it is not certain."""
    for kind, (what, remedy) in _SET_UP_WRONG.items():
        if isinstance(error, kind):
            return (otherwise if moved else ConfigFault)(what, subject=subject, remedy=remedy)
    if isinstance(error, _FULL):
        kind_of_full = Transient if otherwise is Transient else Unknown
        return kind_of_full("the partner's disk is full", subject=subject, remedy="ask for room; it is sent again")
    if isinstance(error, TimeoutError):
        return otherwise("no answer in time", subject=subject, remedy="run again: it looks first")
    if isinstance(error, asyncssh.SFTPError):
        text = f"the server answered with an error ({_kind(error)})"
    elif isinstance(error, OSError) and error.errno:
        text = f"the connection failed ({os.strerror(error.errno) if error.errno > 0 else 'no such host'})"
    else:
        text = f"the connection failed ({_kind(error)})"
    return otherwise(text, subject=subject, remedy="check the network and the server; run again: it looks first")


def _kind(error: BaseException) -> str:
    return type(error).__name__
