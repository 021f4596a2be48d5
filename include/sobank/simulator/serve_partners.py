"""`sobank simulate partners`: the simulated partners listen until they are told to stop."""

from __future__ import annotations

import signal
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sobank.errors import ConfigurationError
from sobank.simulator.connections import write_connections
from sobank.simulator.partners import Simulated, seat_of, serving, write_partner_files
from sobank.simulator.script import Script

_ENDS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def served(
    folder: Path,
    *,
    only: Collection[str] = (),
    greedy: Collection[str] = (),
    scripts: Mapping[str, Path] | None = None,
    new_host_key: Collection[str] = (),
    port: int = 0,
) -> Iterator[list[Simulated]]:
    """The partners of `serving`, their scripts read, and how they are reached written into `folder`.

    Args:
        scripts: a file of JSON lines by partner code (see `Script.read`). The rest is as for `serving`.
    Raises:
        ConfigurationError: as `serving`; the folder holds something else; a script is wrong.
    """
    scripts = scripts or {}
    for code in (*scripts, *new_host_key, *greedy):
        seat_of(code)
        if only and code not in only:
            raise ConfigurationError(
                "is not among those that listen", subject=code, remedy=f"name him with --only {code}"
            )
    for path in scripts.values():
        if not path.is_file():
            raise ConfigurationError("there is no such file", subject=str(path), remedy="give a script, as JSON lines")
    _take(folder)
    with serving(folder, only=only, greedy=greedy, new_host_key=new_host_key, port=port) as there:
        for one in there:
            if script := scripts.get(one.seat.code):
                one.server.script = Script.read(script, operations=one.server.operations, faults=one.server.faults)
        write_connections(folder, [one.address for one in there])
        write_partner_files(folder, there)
        yield there


@contextmanager
def told_to_end() -> Iterator[None]:
    """Inside the block Ctrl-C and polite ends are kept for `wait_for_end`: a start or a stop is never cut in two."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def wait_for_end() -> None:
    """Return when Ctrl-C, SIGTERM or a closed terminal asks for the end."""
    signal.sigwait(_ENDS)


def _take(folder: Path) -> None:
    mark = folder / _MARK
    if folder.exists() and any(folder.iterdir()) and not mark.exists():
        raise ConfigurationError(
            "holds something else than simulated partners", subject=str(folder), remedy="give an empty folder"
        )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    mark.touch()


_MARK: Final = ".simulated-partners"
