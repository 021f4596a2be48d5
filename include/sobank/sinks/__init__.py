"""Bytes → partner, one module a sink. This is the registry: a new sink is a new module and one line here.

Classes are imported only when asked for, so that a library of one sink is not needed by another.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from sobank.errors import ConfigurationError

if TYPE_CHECKING:
    from sobank.domain.sink import Sink

SINKS: Final = {
    "folder": "sobank.sinks.folder:FolderSink",
    "https": "sobank.sinks.https:HttpsSink",
    "s3": "sobank.sinks.s3:S3Sink",
    "sftp": "sobank.sinks.sftp:SftpSink",
}
#: Libraries that are not installed unless asked for, by sink, and the extra that brings them.
_EXTRAS: Final = {"s3": "s3"}


def sink_class(kind: str) -> type[Sink]:
    """The class behind a sink kind of the catalogue of partners; `of` makes a sink for a connector.

    Raises:
        ConfigurationError: no sink of that kind, or its library is not installed.
    """
    if kind not in SINKS:
        raise ConfigurationError("there is no such kind of sink", subject=kind, remedy=f"use one of {', '.join(SINKS)}")
    module, name = SINKS[kind].split(":")
    try:
        found: type[Sink] = getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        if kind not in _EXTRAS or (error.name or "").startswith("sobank"):
            raise
        raise ConfigurationError(
            f"the library {error.name} is not installed",
            subject=f"sink {kind}",
            remedy=f"install the extra: pip install -r requirements-{_EXTRAS[kind]}.txt",
        ) from None
    return found
