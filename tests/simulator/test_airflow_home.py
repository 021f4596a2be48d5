"""The folder of our own Airflow: nothing in it can be guessed, nothing listens beyond this machine (DESIGN §5, §8)."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from sobank.errors import ConfigurationError, SchedulerError
from sobank.simulator import airflow_processes
from sobank.simulator.airflow_home import AirflowHome, prepare
from sobank.simulator.airflow_processes import running
from sobank.web.navigation import external_views


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_keys_and_password_are_made_for_each_folder_and_only_its_owner_reads_them(tmp_path: Path) -> None:
    one, other = prepare(tmp_path / "one", scheduled=False), prepare(tmp_path / "other", scheduled=False)
    kept = [json.loads((home.folder / "keys.json").read_text()) for home in (one, other)]
    assert not set(kept[0].values()) & set(kept[1].values())
    assert len(one.password) >= 20
    assert json.loads((one.folder / "passwords.json").read_text()) == {"admin": one.password}
    assert {mode(one.folder / name) for name in ("keys.json", "passwords.json")} == {0o600}
    assert mode(one.folder) == 0o700


def test_a_folder_taken_up_again_keeps_its_password(tmp_path: Path) -> None:
    assert prepare(tmp_path, scheduled=False).password == prepare(tmp_path, scheduled=True).password


def test_a_readable_key_file_is_closed_again(tmp_path: Path) -> None:
    prepare(tmp_path, scheduled=False)
    (tmp_path / "passwords.json").chmod(0o644)
    prepare(tmp_path, scheduled=False)
    assert mode(tmp_path / "passwords.json") == 0o600


def test_the_address_of_the_pages_is_one_that_the_plugin_gives_them(tmp_path: Path) -> None:
    home = prepare(tmp_path, scheduled=False)
    routes = {f"{home.url}/plugin/{view['url_route']}" for view in external_views() if view["destination"] == "nav"}
    assert home.pages in routes


def test_airflow_listens_on_loopback_and_knows_one_address(tmp_path: Path) -> None:
    home = prepare(tmp_path, scheduled=False)
    settings = home.environment
    port = home.url.rpartition(":")[2]
    assert home.url == f"http://127.0.0.1:{port}"
    assert settings["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert settings["AIRFLOW__API__PORT"] == port
    assert settings["AIRFLOW__API__BASE_URL"] == home.url
    assert settings["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == f"{home.url}/execution/"
    assert settings["AIRFLOW__CORE__DEFAULT_TIMEZONE"] == "Europe/Paris"


def test_a_port_that_is_taken_is_told_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"port {port}"):
            prepare(tmp_path, scheduled=False, port=port)


def test_settings_of_another_airflow_or_another_sobank_do_not_leak_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "postgresql://somewhere/else")
    monkeypatch.setenv("AIRFLOW_CONN_PARTNER", "sftp://real-partner")
    monkeypatch.setenv("SOBANK_DATABASE_URL", "postgresql://real/ledger")
    settings = prepare(tmp_path, scheduled=False, extra={"SOBANK_HOME": "/own"}).environment
    assert settings["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == f"sqlite:///{tmp_path}/airflow.db"
    assert "AIRFLOW_CONN_PARTNER" not in settings
    assert {name: value for name, value in settings.items() if name.startswith("SOBANK_")} == {"SOBANK_HOME": "/own"}


def test_its_processes_find_one_another_where_the_machine_has_a_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.invalid:3128")
    monkeypatch.setenv("no_proxy", "intranet.invalid")
    home = prepare(tmp_path, scheduled=False)
    with socket.create_server(("127.0.0.1", int(home.url.rpartition(":")[2]))) as listening:
        ask = "import sys, httpx; httpx.get(sys.argv[1], timeout=10)"
        listening.settimeout(30)
        asking = subprocess.Popen([sys.executable, "-c", ask, home.url], env=dict(home.environment))
        connection, _ = listening.accept()
        with connection:
            asked = connection.recv(1000)
            connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        assert asking.wait(30) == 0
    assert asked.startswith(b"GET / ")
    assert home.environment["no_proxy"].startswith("intranet.invalid,")


@pytest.fixture
def without_airflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AirflowHome:
    """A prepared folder, with the database's migration taken as done."""
    monkeypatch.setattr(airflow_processes, "run_airflow", lambda *_: None)
    return prepare(tmp_path, scheduled=False)


def test_a_component_that_ends_by_itself_is_told_with_the_end_of_its_log(
    without_airflow: AirflowHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = without_airflow.folder / "airflow.py"
    script.write_text("import sys; print('the port is taken'); sys.exit(3)")
    monkeypatch.setattr(airflow_processes, "_AIRFLOW", (sys.executable, str(script)))
    with (
        pytest.raises(SchedulerError, match=r"ended with 3[\s\S]*the port is taken"),
        running(without_airflow, say=print),
    ):
        pass


def test_whatever_was_started_is_gone_after_an_error_even_tasks_in_process_groups_of_their_own(
    without_airflow: AirflowHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = without_airflow.folder / "airflow.py"
    script.write_text(STUBBORN)
    monkeypatch.setattr(airflow_processes, "_AIRFLOW", (sys.executable, str(script)))
    monkeypatch.setattr(airflow_processes, "_STOP_SECONDS", 1)
    monkeypatch.setattr(airflow_processes, "_wait_until_healthy", lambda *_: None)
    components: dict[str, subprocess.Popen[bytes]] = {}
    with suppress(Broken), running(without_airflow, say=print) as airflow:
        components |= airflow.components
        until = time.monotonic() + 20
        while len(members(components)) < 6:
            assert time.monotonic() < until
            time.sleep(0.05)
        raise Broken
    assert len(components) == 3
    assert members(components) == []


def test_a_second_airflow_in_the_same_folder_is_refused(
    without_airflow: AirflowHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(airflow_processes, "_COMPONENTS", {})
    monkeypatch.setattr(airflow_processes, "_wait_until_healthy", lambda *_: None)
    with (
        running(without_airflow, say=print),
        pytest.raises(SchedulerError, match="running in this folder already"),
        running(without_airflow, say=print),
    ):
        pass


class Broken(Exception):
    """Something went wrong while Airflow was running."""


#: Ignores a polite end, and has a child in a process group of its own that does as well.
STUBBORN = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setpgid(0, 0)
time.sleep(600)
"""


def members(components: dict[str, subprocess.Popen[bytes]]) -> list[int]:
    leaders = {component.pid for component in components.values()}
    found = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) in leaders and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except (ProcessLookupError, psutil.NoSuchProcess):
            continue
    return found
