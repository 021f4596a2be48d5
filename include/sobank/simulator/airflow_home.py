"""An Airflow of our own in one folder: SQLite, loopback, generated keys and password (`make demo`, `make up`, tests).

Nothing in it is a default that somebody could know, nothing listens beyond this machine, and everything it starts is
stopped with it: each component leads a session of its own, and whoever is left of that session is ended.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import psutil  # type: ignore[import-untyped]

from sobank.errors import ConfigurationError, SchedulerError
from sobank.scheduler import AirflowApi

USER: Final = "admin"
REPOSITORY: Final = Path(__file__).resolve().parents[3]

#: No triggerer: nothing is deferred. No log server: the API server reads the logs of its own machine from disk.
_COMPONENTS: Final = {
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "api-server": ("api-server",),
}
_READY_SECONDS: Final = 120
_STOP_SECONDS: Final = 20
_TAIL_LINES: Final = 25

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class AirflowHome:
    """A prepared folder. `environment` is what every process of this Airflow, and ours beside it, must see."""

    folder: Path
    url: str
    password: str
    environment: Mapping[str, str]

    def log(self, name: str) -> Path:
        """Where a component or a command writes what it has to say."""
        return self.folder / "logs" / f"{name}.log"

    def api(self) -> AirflowApi:
        """A client of this Airflow, as its only user."""
        return AirflowApi(url=self.url, user=USER, password=self.password)


def prepare(
    folder: Path, *, scheduled: bool, port: int | None = None, extra: Mapping[str, str] | None = None
) -> AirflowHome:
    """Make the folder of an Airflow, or take up the one made before with its keys and password.

    Args:
        folder: created with mode 0700 where it is missing; keys, password, database and logs go there.
        scheduled: whether runs start by the clock; without it only what is asked for runs.
        port: of the API server; a free one where it is None.
        extra: environment of our own settings (`SOBANK_…`), or anything that goes over what is set here.
    """
    if not (REPOSITORY / "dags").is_dir():
        raise ConfigurationError(
            "there is no folder dags beside include", subject=str(REPOSITORY), remedy="run it from a checkout"
        )
    folder = folder.resolve()
    for path in (folder, folder / "logs"):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    keys = _kept_secrets(folder / "keys.json")
    _write_private(folder / "passwords.json", json.dumps({USER: keys["password"]}) + "\n")
    url = f"http://127.0.0.1:{port or _free_port()}"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "SOBANK_"))}
    environment = inherited | _airflow_settings(folder, url, keys, scheduled=scheduled) | dict(extra or {})
    return AirflowHome(folder=folder, url=url, password=keys["password"], environment=environment)


@contextmanager
def running(home: AirflowHome, *, say: Say) -> Iterator[AirflowApi]:
    """Airflow, ready to work; stopped with all its processes when the block ends, however it ends.

    Raises:
        SchedulerError: another Airflow runs in the folder, or a component ends or is not healthy in time; the message
            holds the end of its log.
    """
    with _only_one(home.folder) as lock:
        say("preparing Airflow's own database")
        run_airflow(home, "db", "migrate")
        components: dict[str, subprocess.Popen[bytes]] = {}
        try:
            for name, command in _COMPONENTS.items():
                components[name] = _start(home, name, command, lock)
            api = home.api()
            _wait_until_healthy(home, components, api, say)
            yield api
        finally:
            say("stopping Airflow")
            _stop(list(components.values()))


def run_airflow(home: AirflowHome, *command: str) -> None:
    """Run one `airflow` command to its end, its output kept in the log of its name.

    Raises:
        SchedulerError: it fails; the message holds the end of its output.
    """
    log = home.log(command[0])
    with log.open("ab") as output:
        argv = [sys.executable, "-m", "airflow", *command]
        ended = subprocess.run(argv, env=home.environment, stdout=output, stderr=output, cwd=home.folder)
    if ended.returncode:
        raise SchedulerError(
            f"it ended with {ended.returncode}:\n{_tail(log)}",
            subject=f"airflow {' '.join(command)}",
            remedy=f"read {log}",
        )


def _airflow_settings(folder: Path, url: str, keys: Mapping[str, str], *, scheduled: bool) -> dict[str, str]:
    python_path = [str(REPOSITORY / "include"), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        "AIRFLOW_HOME": str(folder),
        "PYTHONPATH": os.pathsep.join(python_path),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": str(max(2, os.cpu_count() or 2)),
        "AIRFLOW__CORE__DEFAULT_TIMEZONE": "Europe/Paris",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__FERNET_KEY": keys["fernet"],
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(folder / "passwords.json"),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder / 'airflow.db'}",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(folder / "logs"),
        "AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": str(folder / "logs" / "dag_processor"),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": url.rpartition(":")[2],
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__SECRET_KEY": keys["secret"],
        "AIRFLOW__API_AUTH__JWT_SECRET": keys["jwt"],
        "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": str(scheduled),
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "GX_ANALYTICS_ENABLED": "False",
        "DO_NOT_TRACK": "1",
        "NO_COLOR": "1",
    }


def _kept_secrets(path: Path) -> dict[str, str]:
    if not path.exists():
        made = {
            "password": secrets.token_urlsafe(18),
            "fernet": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "secret": secrets.token_urlsafe(32),
            "jwt": secrets.token_urlsafe(48),
        }
        _write_private(path, json.dumps(made))
    kept: dict[str, str] = json.loads(path.read_text())
    return kept


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


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
        return subprocess.Popen(
            [sys.executable, "-m", "airflow", *command],
            env=home.environment,
            cwd=home.folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=(lock.fileno(),),
        )


def _wait_until_healthy(
    home: AirflowHome, components: Mapping[str, subprocess.Popen[bytes]], api: AirflowApi, say: Say
) -> None:
    started = time.monotonic()
    told: frozenset[str] | None = None
    while missing := api.unhealthy():
        for name, component in components.items():
            if component.poll() is not None:
                raise _not_ready(home, [name], f"it ended with {component.returncode}")
        if time.monotonic() - started > _READY_SECONDS:
            raise _not_ready(
                home, [name for name in components if name in missing], f"not healthy in {_READY_SECONDS} s"
            )
        if missing != told:
            say(f"waiting for Airflow: {', '.join(sorted(missing))}")
            told = missing
        time.sleep(0.3)
    say(f"Airflow is ready after {time.monotonic() - started:.0f} s")


def _not_ready(home: AirflowHome, names: list[str], what: str) -> SchedulerError:
    ends = "\n".join(f"— {name} —\n{_tail(home.log(name))}" for name in names)
    return SchedulerError(
        f"{what}\n{ends}", subject=f"Airflow's {', '.join(names)}", remedy=f"read {home.folder / 'logs'}"
    )


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
    for component in components:
        for pid in _session(component.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        component.wait()


def _session(leader: int) -> list[int]:
    found = []
    for pid in psutil.pids():
        with suppress(ProcessLookupError, PermissionError):
            if os.getsid(pid) == leader:
                found.append(pid)
    return found
