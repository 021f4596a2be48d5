"""Bytes → partner, one module a sink. This is the registry: a new sink is a new module and one line here.

Classes are imported only when asked for, so that a library of one sink is not needed by another.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

from sobank.errors import ConfigurationError

SINKS: Final = {"folder": "sobank.sinks.folder:FolderSink"}


def sink_class(kind: str) -> Any:
    """The class behind a sink kind of the catalogue of partners; each takes its own arguments, made by wiring.

    Raises:
        ConfigurationError: no sink of that kind.
    """
    if kind not in SINKS:
        raise ConfigurationError("there is no such kind of sink", subject=kind, remedy=f"use one of {', '.join(SINKS)}")
    module, name = SINKS[kind].split(":")
    return getattr(import_module(module), name)
