"""The processes of an Airflow of our own: started together, watched, and stopped with everything they started.

Each component leads a session of its own: Ctrl-C reaches us alone, and whoever is left of a session can be found.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO, Final

import psutil  # type: ignore[import-untyped]

from sobank.errors import SchedulerError, SobankError
from sobank.scheduler import AirflowApi
from sobank.simulator.airflow_home import AirflowHome

#: No triggerer: nothing is deferred. No log server: the API server reads the logs of its own machine from disk.
_COMPONENTS: Final = {
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "api-server": ("api-server",),
}
_AIRFLOW: Final = (sys.executable, "-m", "airflow")
_READY_SECONDS: Final = 120
_STOP_SECONDS: Final = 20
_TAIL_LINES: Final = 25

Say = Callable[[str], None]
Components = dict[str, subprocess.Popen[bytes]]


@dataclass(frozen=True, kw_only=True, slots=True)
class RunningAirflow:
    """An Airflow that is ready to work."""

    home: AirflowHome
    api: AirflowApi
    components: Components

    def check(self) -> None:
        """Raise SchedulerError, with the end of its log, if a component has ended by itself."""
        for name, component in self.components.items():
            if component.poll() is not None:
                raise _broken(self.home, [name], f"it ended with {component.returncode}")

    def wait(self, condition: Callable[[], bool], what: str, *, seconds: float) -> None:
        """Wait until `condition` holds; SchedulerError, naming `what`, if it does not in time or a component ends."""
        until = time.monotonic() + seconds
        while not condition():
            self.check()
            if time.monotonic() > until:
                raise _broken(self.home, ["scheduler"], f"no {what} within {seconds:.0f} s")
            time.sleep(0.3)


@contextmanager
def running(home: AirflowHome, *, say: Say) -> Iterator[RunningAirflow]:
    """Airflow, ready to work; stopped with all its processes when the block ends, however it ends.

    Raises:
        SchedulerError: another Airflow runs in the folder, or a component ends or is not healthy in time; the message
            holds the end of its log.
    """
    with _only_one(home.folder) as lock:
        say("preparing Airflow's own database")
        run_airflow(home, "db", "migrate")
        components: Components = {}
        try:
            for name, command in _COMPONENTS.items():
                components[name] = _start(home, name, command, lock)
            airflow = RunningAirflow(home=home, api=home.api(), components=components)
            _wait_until_healthy(airflow, say)
            yield airflow
        finally:
            say("stopping Airflow")
            with _uninterrupted():
                _stop(list(components.values()))


def run_airflow(home: AirflowHome, *command: str) -> None:
    """Run one `airflow` command to its end, its output kept in the log of its name.

    Raises:
        SchedulerError: it fails; the message holds the end of its output.
    """
    log = home.log(command[0])
    with log.open("ab") as output:
        argv = [*_AIRFLOW, *command]
        ended = subprocess.run(argv, env=home.environment, stdout=output, stderr=output, cwd=home.folder)  # noqa: S603
    if ended.returncode:
        raise SchedulerError(
            f"it ended with {ended.returncode}:\n{_tail(log)}",
            subject=f"airflow {' '.join(command)}",
            remedy=f"read {log}",
        )


def run_sobank(home: AirflowHome, *command: str, expect: Collection[int] = (0,)) -> str:
    """Run our command line beside this Airflow, on the same settings; what it prints.

    Args:
        expect: exit codes that are answers, not failures.
    Raises:
        SobankError: it ends otherwise; the message is what it said.
    """
    argv = [sys.executable, "-c", "from sobank.cli import main; main()", *command]
    ended = subprocess.run(argv, env={**home.environment, **home.access}, capture_output=True, text=True)  # noqa: S603
    if ended.returncode not in expect:
        said = f"{ended.stdout}{ended.stderr}".strip()
        raise SobankError(f"it ended with {ended.returncode}:\n{said}", subject=f"sobank {' '.join(command)}")
    return ended.stdout


@contextmanager
def _only_one(folder: Path) -> Iterator[IO[bytes]]:
    # The components inherit the descriptor, so the lock lasts until the last of them is gone, even if we are killed.
    with (folder / "lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SchedulerError(
                "an Airflow is running in this folder already",
                subject=str(folder),
                remedy="stop it (Ctrl-C where it was started), or choose another folder",
            ) from None
        yield lock


def _start(home: AirflowHome, name: str, command: tuple[str, ...], lock: IO[bytes]) -> subprocess.Popen[bytes]:
    with home.log(name).open("ab") as output:
        return subprocess.Popen(  # noqa: S603
            [*_AIRFLOW, *command],
            env=home.environment,
            cwd=home.folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=(lock.fileno(),),
        )


def _wait_until_healthy(airflow: RunningAirflow, say: Say) -> None:
    started, told = time.monotonic(), frozenset[str]()
    while missing := airflow.api.unhealthy():
        airflow.check()
        if time.monotonic() - started > _READY_SECONDS:
            late = [name for name in airflow.components if name in missing]
            raise _broken(airflow.home, late, f"not healthy within {_READY_SECONDS} s")
        if missing != told:
            say(f"waiting for Airflow: {', '.join(sorted(missing))}")
            told = missing
        time.sleep(0.3)
    say(f"Airflow is ready after {time.monotonic() - started:.0f} s")


def _broken(home: AirflowHome, names: list[str], what: str) -> SchedulerError:
    ends = "\n".join(f"— end of {home.log(name)} —\n{_tail(home.log(name))}" for name in names)
    return SchedulerError(f"{what}\n{ends}", subject=f"Airflow's {', '.join(names)}", remedy=f"read {home.folder}/logs")


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-_TAIL_LINES:]) if log.exists() else "(no log)"


def _stop(components: list[subprocess.Popen[bytes]]) -> None:
    for component in components:
        with suppress(ProcessLookupError):
            os.killpg(component.pid, signal.SIGTERM)
    until = time.monotonic() + _STOP_SECONDS
    for component in components:
        with suppress(subprocess.TimeoutExpired):
            component.wait(max(0.1, until - time.monotonic()))
    # Tasks lead process groups of their own but stay in the session of the component that forked them.
    leaders = {component.pid for component in components}
    while left := _alive(leaders):
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
    for component in components:
        component.wait()


def _alive(sessions: set[int]) -> list[int]:
    found = []
    for process in psutil.process_iter():
        with suppress(ProcessLookupError, PermissionError, psutil.Error):
            if os.getsid(process.pid) in sessions and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
    return found


@contextmanager
def _uninterrupted() -> Iterator[None]:
    # A second, impatient Ctrl-C must not leave half of the processes behind.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def end_on_signals() -> None:
    """Make a polite end (SIGTERM, a closed terminal) unwind like Ctrl-C, so that nothing started is left running."""

    def unwind(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, unwind)
