"""A file that a command writes: whole under its name, or not there at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkstemp
from typing import BinaryIO, Final

from sobank.errors import ConfigurationError

_MODE: Final = 0o640


@contextmanager
def new_file(to: Path) -> Iterator[BinaryIO]:
    """A file to fill, which is `to` once the block has ended without an error; until then it has a name of its own.

    Raises:
        ConfigurationError: something is there already, or nothing can be written there.
    """
    if os.path.lexists(to):
        raise _taken(to)
    try:
        handle, name = mkstemp(dir=to.parent, prefix=".writing-")
        aside = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
            aside.chmod(_MODE)
            _rename(aside, to)
        finally:
            aside.unlink(missing_ok=True)
    except FileExistsError:
        raise _taken(to) from None
    except OSError as error:
        raise ConfigurationError(
            f"cannot be written: {error.strerror}", subject=str(to), remedy="choose another place"
        ) from None


def _taken(to: Path) -> ConfigurationError:
    return ConfigurationError("is there already", subject=str(to), remedy="choose another name")


def _rename(aside: Path, to: Path) -> None:
    """Give the file its name unless another has it by now, which a plain rename would replace."""
    try:
        to.hardlink_to(aside)
    except FileExistsError:
        raise
    except OSError:
        # No hard links there, as on a USB stick. Looking first leaves a moment in which somebody may take the name.
        if os.path.lexists(to):
            raise FileExistsError from None
        aside.rename(to)
