"""The `SOBANK_…` variables as settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import time
from pathlib import Path

from sobank.errors import ConfigurationError
from sobank.settings import Settings

_PREFIX = "SOBANK_"
#: Nothing read at a time would take a file for empty, and a lease over at once would protect nobody.
_LEAST, _MOST = {"quiet_seconds": 0}, 2**31 - 1
_YES, _NO = {"1", "true", "yes"}, {"0", "false", "no", ""}


def settings_from(environment: Mapping[str, str]) -> Settings:
    """Settings from `SOBANK_…` variables; what is not set has a place under SOBANK_HOME (default `~/sobank`).

    Raises:
        ConfigurationError: a value cannot be read; names the variable.
    """
    home = Path(environment.get("SOBANK_HOME") or Path.home() / "sobank").absolute()
    values: dict[str, object] = {
        "home": home,
        "database_url": environment.get("SOBANK_DATABASE_URL") or f"sqlite:///{home / 'sobank.db'}",
        "runs_url": environment.get("SOBANK_RUNS_URL") or (home / "runs").as_uri(),
        "spool_url": environment.get("SOBANK_SPOOL_URL") or (home / "spool").as_uri(),
        "archive_url": environment.get("SOBANK_ARCHIVE_URL") or (home / "archive").as_uri(),
        "trace_url": environment.get("SOBANK_TRACE_URL") or "",
        "inbox": Path(environment.get("SOBANK_INBOX") or home / "inbox"),
    }
    readers: dict[str, Callable[[str], object]] = {
        "int": int,
        "time": time.fromisoformat,
        "bool": _yes_or_no,
        "Path | None": _folder,
        "tuple[str, ...]": _names,
    }
    for field in fields(Settings):
        name = _PREFIX + field.name.upper()
        if field.name in values or name not in environment:
            continue
        try:
            values[field.name] = value = readers[str(field.type)](environment[name])
        except ValueError:
            raise ConfigurationError(
                f"cannot be read as {field.type}", subject=name, remedy="correct the variable or remove it"
            ) from None
        if str(field.type) == "int" and isinstance(value, int) and not _LEAST.get(field.name, 1) <= value <= _MOST:
            raise ConfigurationError(
                f"is not between {_LEAST.get(field.name, 1)} and {_MOST}",
                subject=name,
                remedy="correct the variable or remove it",
            )
    return Settings(**values)  # type: ignore[arg-type]  # each field is read by its own type above


def _yes_or_no(text: str) -> bool:
    if text.lower() not in _YES | _NO:
        raise ValueError(text)
    return text.lower() in _YES


def _folder(text: str) -> Path | None:
    return Path(text).absolute() if text else None


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for part in text.split(",") if (name := part.strip()))
