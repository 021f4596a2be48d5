"""Real servers on loopback for the tests: started in a process group of their own, ended by that group."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg


def free_port() -> int:
    """A TCP port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(true: Callable[[], bool], *, what: str, seconds: float = 30) -> None:
    """Look again and again until `true()`; after `seconds`, fail by the name of what did not come about."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not so after {seconds:.0f} s")
        time.sleep(0.05)


def end_group(process: subprocess.Popen[bytes], *, seconds: float = 20, first: signal.Signals = signal.SIGTERM) -> None:
    """Ask the whole process group to end, then insist."""
    for sign in (first, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
        except ProcessLookupError:
            break
        try:
            process.wait(seconds)
            break
        except subprocess.TimeoutExpired:
            continue
    process.wait(seconds)


def _postgres_programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda p: int(p.parts[-3]))
    if found:
        return found[-1].parent
    if on_path := shutil.which("postgres"):
        return Path(on_path).resolve().parent
    raise AssertionError("PostgreSQL is not installed: `make servers` installs it")


def _as_ordinary_user() -> list[str]:
    """PostgreSQL refuses to run as root; there it runs as the user that its package made."""
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []


@contextmanager
def postgres(**settings: str | int) -> Iterator[str]:
    """A PostgreSQL of its own, empty; yields the SQLAlchemy URL of its maintenance database.

    Args:
        settings: of the server, beside or instead of those that make tests fast.
    """
    programs, port = _postgres_programs(), free_port()
    folder = Path(tempfile.mkdtemp(prefix="sobank-pg-"))
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    folder.chmod(0o700)
    run = _as_ordinary_user()
    subprocess.run(
        [*run, programs / "initdb", "-D", folder / "d", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync"],
        check=True, capture_output=True, cwd=folder,
    )  # fmt: skip
    options = {
        "listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": folder,
        "fsync": "off", "full_page_writes": "off", "max_connections": 120, "shared_buffers": "256MB",
    } | settings  # fmt: skip
    arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [*run, programs / "postgres", "-D", folder / "d", *arguments],
            stdout=log, stderr=log, start_new_session=True, cwd=folder,
        )  # fmt: skip
    try:

        def answers() -> bool:
            assert server.poll() is None, (folder / "log").read_text()[-2000:]
            try:
                psycopg.connect(host="127.0.0.1", port=port, user="postgres", dbname="postgres").close()
            except psycopg.OperationalError:
                return False
            return True

        wait_until(answers, what="PostgreSQL answers")
        yield f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres"
    finally:
        end_group(server, first=signal.SIGQUIT)  # "immediate": nobody looks at its data again
        shutil.rmtree(folder, ignore_errors=True)


def control_postgres(url: str, *command: str) -> None:
    """`pg_ctl` on the server of a URL: `"restart", "-m", "immediate", "-w"` is a crash and a start."""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        folder = Path(connection.execute("SHOW data_directory").fetchone()[0])
    run = [*_as_ordinary_user(), _postgres_programs() / "pg_ctl", "-D", folder]
    subprocess.run([*run, *command, "-l", folder / "restarts.log"], check=True, capture_output=True, cwd=folder)
