"""`sobank simulate partners` as a person uses it: a process that listens, another that delivers, then a polite end."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psutil
import pytest
from typer.testing import CliRunner, Result

from sobank.cli import app
from sobank.errors import ConfigurationError, DeliveryIncomplete
from sobank.simulator.arrivals import Judgement, arrivals, judge
from sobank.simulator.bank import read_expected
from sobank.simulator.demo_show import connectors_of
from tests.servers import end_group, wait_until

DAY = date(2026, 3, 2)
SOBANK = (sys.executable, "-c", "from sobank.cli import main; main()")
EVERYBODY = ["fizen", "fulll", "inqom", "myunisoft", "portail", "entrepot"]


@dataclass(kw_only=True)
class Listening:
    """`sobank simulate partners` in a process of its own."""

    process: subprocess.Popen[bytes]
    folder: Path
    log: Path

    @property
    def said(self) -> str:
        """All that it printed."""
        return self.log.read_text()

    def connections(self) -> dict[str, Any]:
        """The Airflow connections that it wrote."""
        found: dict[str, Any] = json.loads((self.folder / "connections.json").read_text())
        return found

    def secrets(self) -> set[str]:
        """Everything in the connections that nobody may see."""
        found = {one["password"] for one in self.connections().values()}
        extras = [one.get("extra", {}) for one in self.connections().values()]
        return found | {extra["third_party_secret"] for extra in extras if "third_party_secret" in extra}

    def inboxes(self) -> dict[str, Path]:
        """The folder of each partner."""
        return {path.parent.name: path.parent for path in self.folder.glob("*/inbox")}


@contextmanager
def listening(folder: Path, *options: object) -> Iterator[Listening]:
    log = folder.with_suffix(".log")
    with log.open("wb") as output:
        argv = [*SOBANK, "simulate", "partners", str(folder), *map(str, options)]
        process = subprocess.Popen(argv, stdout=output, stderr=output, start_new_session=True)
    there = Listening(process=process, folder=folder, log=log)
    try:

        def ready() -> bool:
            assert process.poll() is None, there.said
            return "Ready" in there.said

        wait_until(ready, what="the partners listen")
        yield there
    finally:
        end_group(process)


@dataclass(kw_only=True)
class Sender:
    """A house with one simulated day in it, on the settings that the partners' process told to use."""

    home: Path
    world: Path
    environment: dict[str, str]

    def sobank(self, *arguments: object) -> Result:
        """One command, in this process."""
        return CliRunner(env=self.environment).invoke(app, [str(part) for part in arguments])

    def sobank_elsewhere(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """One command, in a process of its own."""
        argv = [*SOBANK, *map(str, arguments)]
        return subprocess.run(argv, env=self.environment, capture_output=True, text=True, check=False)

    def judged(self, there: Listening) -> Judgement:
        """What lies in the inboxes, against what the world says."""
        found = arrivals(self.home, connectors_of(self.world / "registry.yaml"), there.inboxes())
        return judge(read_expected(self.world / "expected.jsonl"), found)


def sender(there: Listening, folder: Path) -> Sender:
    """Set up from what was printed: the two lines to type are typed into a shell."""
    world, home = folder / "world", folder / "house"
    lines = [line.strip() for line in there.said.splitlines() if line.startswith(("  export ", "  set -a"))]
    shell = "; ".join([*lines, f"export SOBANK_HOME={home}", "env -0"])
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SOBANK_", "AIRFLOW"))}
    typed = subprocess.run(["bash", "-euc", shell], env=clean, capture_output=True, check=True).stdout.decode()
    environment = dict(variable.partition("=")[::2] for variable in typed.split("\0") if variable)
    ours = Sender(home=home, world=world, environment=environment)
    connectors = there.folder / "connectors.json"
    for command in (
        ("simulate", "bank", world, "--from", DAY, "--days", 1, "--seed", 611, "--cabinets", 3, "--accounts", 30,
         "--entries", 3, "--connectors", connectors),
        ("init",),
        ("registry", "import", world / "registry.yaml"),
        ("ingest", world / "inbox"),
    ):  # fmt: skip
        done = ours.sobank(*command)
        assert done.exit_code == 0, done.output
    return ours


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(scope="module")
def scripted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listening]:
    """Every partner; two of them misbehave once, one takes every file away at once."""
    folder = tmp_path_factory.mktemp("partners")
    lost, after = folder / "lost.jsonl", folder / "after.jsonl"
    lost.write_text('{"on": "rename", "do": "lose_answer"}\n')
    after.write_text('{"on": "post", "do": "500_after"}\n')
    options = ("--script", f"fizen={lost}", "--script", f"myunisoft={after}", "--greedy", "entrepot")
    with listening(folder / "there", *options) as there:
        yield there


def test_a_day_sent_by_another_process_lies_in_the_inboxes_once(scripted: Listening, tmp_path: Path) -> None:
    ours = sender(scripted, tmp_path)
    done = ours.sobank_elsewhere("deliver", "--day", DAY)
    assert done.returncode == 0, done.stderr
    verdict = ours.judged(scripted)
    assert verdict.right, verdict
    served = {partner for _, partner, _ in connectors_of(ours.world / "registry.yaml")}
    assert served == set(EVERYBODY)
    filled = {code for code, folder in scripted.inboxes().items() if list(folder.glob("inbox/*"))}
    assert filled == served - {"entrepot"}
    assert list((scripted.folder / "entrepot" / "taken").iterdir())
    tries = json.loads(ours.sobank("deliveries", "list", "--all", "--size", "200", "--json").stdout)["batches"]
    assert {row["partner"] for row in tries if row["attempts"] > 1} == {"fizen", "myunisoft"}
    assert not [secret for secret in scripted.secrets() if secret in done.stdout + done.stderr]


def test_what_it_prints_holds_no_secret_and_only_its_owner_reads_the_connections(scripted: Listening) -> None:
    assert len(scripted.secrets()) == 7
    assert not [secret for secret in scripted.secrets() if secret in scripted.said]
    files = ("connections.json", "connections.env", "connectors.json")
    assert {mode(scripted.folder / name) for name in files} == {0o600}
    assert mode(scripted.folder) == 0o700
    plain = (scripted.folder / "connectors.json").read_text()
    assert not [secret for secret in scripted.secrets() if secret in plain]


def test_airflow_takes_the_connections_as_they_are_written(scripted: Listening) -> None:
    from airflow.sdk import Connection

    for name, one in scripted.connections().items():
        found = Connection.from_json(json.dumps(one), conn_id=name)
        assert (found.host or "", found.port, found.password) == (one.get("host", ""), one.get("port"), one["password"])
        assert found.extra_dejson == one.get("extra", {})


@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_ends_when_it_is_told_to_and_leaves_nobody_listening(tmp_path: Path, asked: signal.Signals) -> None:
    with listening(tmp_path / "there", "--only", "fizen", "--only", "portail") as there:
        children = psutil.Process(there.process.pid).children(recursive=True)
        ports = [one["port"] for one in there.connections().values()]
        there.process.send_signal(asked)
        assert there.process.wait(15) == 0
        assert there.said.endswith("stopped\n")
        assert [child for child in children if child.is_running()] == []
        for port in ports:
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port), timeout=5).close()


def test_a_second_start_has_the_same_addresses_keys_and_inboxes(tmp_path: Path) -> None:
    with listening(tmp_path / "there") as first:
        before = {path.name: path.read_bytes() for path in first.folder.glob("conn*")}
        assert len(before) == 3
        for code in EVERYBODY:
            (first.folder / code / "inbox" / f"kept-{code}.txt").write_bytes(b"kept")
    with listening(tmp_path / "there") as second:
        assert {path.name: path.read_bytes() for path in second.folder.glob("conn*")} == before
        assert {path.parent.parent.name for path in second.folder.glob("*/inbox/kept-*")} == set(EVERYBODY)


def test_a_changed_host_key_is_found_out_before_anything_is_sent(tmp_path: Path) -> None:
    options = ("--only", "fizen", "--new-host-key", "fizen")
    with listening(tmp_path / "there", "--only", "fizen") as there:
        pinned = there.connections()
    with listening(tmp_path / "there", *options) as there:
        assert there.connections() == pinned
        ours = sender(there, tmp_path)
        done = ours.sobank("deliver", "--day", DAY)
        assert isinstance(done.exception, DeliveryIncomplete)
        assert "host key" in str(done.exception)
        assert ours.judged(there).missing
        assert list((there.folder / "fizen" / "inbox").iterdir()) == []


def test_ports_begin_where_they_are_asked_to_and_one_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        done = CliRunner().invoke(
            app, ["simulate", "partners", str(tmp_path / "p"), "--only", "fizen", "--port", str(taken)]
        )
    assert isinstance(done.exception, ConfigurationError)
    assert f"port {taken} of fizen" in str(done.exception)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--only", "nobody"], "choose among fizen, fulll"),
        (["--greedy", "nobody"], "no such simulated partner"),
        (["--script", "fizen"], "is not CODE=FILE"),
        (["--script", "nobody=x.jsonl"], "no such simulated partner"),
        (["--only", "fizen", "--script", "fizen=there.jsonl"], "line 1: `on` is one of"),
        (["--only", "portail", "--new-host-key", "portail"], "has no host key"),
        (["--only", "fizen", "--new-host-key", "inqom"], "is not among those that listen"),
        (["--only", "fizen", "--script", "inqom=there.jsonl"], "is not among those that listen"),
        (["--only", "fizen", "--script", "fizen=gone.jsonl"], "gone.jsonl"),
    ],
)
def test_what_cannot_be_played_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("there.jsonl").write_text('{"on": "post", "do": "lose_answer"}\n')
    done = CliRunner().invoke(app, ["simulate", "partners", "p", *options])
    assert isinstance(done.exception, ConfigurationError), done.output
    assert said in str(done.exception)


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    done = CliRunner().invoke(app, ["simulate", "partners", str(tmp_path)])
    assert isinstance(done.exception, ConfigurationError)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_without_moto_the_store_is_left_out_and_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sobank.simulator import serve_partners

    monkeypatch.setitem(sys.modules, "moto", None)
    monkeypatch.setattr(serve_partners, "wait_for_end", lambda: None)
    done = CliRunner().invoke(app, ["simulate", "partners", str(tmp_path / "p")])
    assert done.exit_code == 0, done.output
    assert "left out: it needs moto" in done.output
    assert sorted(json.loads((tmp_path / "p" / "connectors.json").read_text())) == sorted(set(EVERYBODY) - {"entrepot"})
    asked = CliRunner().invoke(app, ["simulate", "partners", str(tmp_path / "p"), "--only", "entrepot"])
    assert "moto is not installed" in str(asked.exception)


def test_the_faults_that_are_listed_are_those_that_a_script_may_name(tmp_path: Path) -> None:
    from sobank.simulator.serve_partners import served

    listed = json.loads(CliRunner().invoke(app, ["simulate", "faults", "--json"]).stdout)
    assert list(listed) == EVERYBODY
    scripts = {}
    for code, one in listed.items():
        scripts[code] = tmp_path / f"{code}.jsonl"
        lines = [json.dumps({"on": on, "do": do}) for on in one["on"] for do in one["do"]]
        scripts[code].write_text("\n".join(lines))
    with served(tmp_path / "p", scripts=scripts) as there:
        for one in there:
            wanted = [(on, do) for on in listed[one.seat.code]["on"] for do in listed[one.seat.code]["do"]]
            assert [(on, one.server.script.take(on)) for on, _ in wanted] == wanted
