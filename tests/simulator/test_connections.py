"""How the simulated partners are reached, as files: what a registry says of it, and what holds secrets."""

from __future__ import annotations

import json
import stat
import subprocess
from datetime import date
from pathlib import Path

import pytest

from sobank.domain.sink import Login
from sobank.errors import ConfigurationError
from sobank.simulator.bank import simulate
from sobank.simulator.connections import Address, Reached, environment, read_connectors, write_connections
from sobank.store.registry_file import read_registry_file

MONDAY = date(2026, 1, 5)
SECRET = 'it\'s "secret" $HOME `id`'  # noqa: S105  what a shell would stumble over
FIZEN = Address(
    partner="fizen",
    reached=Reached(connection="fizen_sftp", settings={"folder": "/in"}),
    conn_type="sftp",
    login=Login(host="127.0.0.1", port=22, user="sobank", password=SECRET, extra={"host_key": "ssh-ed25519 AAAA\nx"}),
)


def test_a_shell_that_takes_in_the_environment_has_the_connections_to_the_last_character(tmp_path: Path) -> None:
    write_connections(tmp_path, [FIZEN])
    shell = f"set -a; . {tmp_path}/connections.env; printenv AIRFLOW_CONN_FIZEN_SFTP"
    said = subprocess.run(["bash", "-euc", shell], capture_output=True, text=True, check=True).stdout
    assert json.loads(said) == FIZEN.connection == json.loads(environment([FIZEN])["AIRFLOW_CONN_FIZEN_SFTP"])
    assert json.loads((tmp_path / "connections.json").read_text()) == {"fizen_sftp": FIZEN.connection}


def test_files_with_secrets_are_closed_even_where_an_open_one_lay(tmp_path: Path) -> None:
    for name in ("connections.json", "connections.env"):
        (tmp_path / name).write_text("open")
        (tmp_path / name).chmod(0o644)
    write_connections(tmp_path, [FIZEN])
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
    assert len(list(tmp_path.iterdir())) == 3


def test_a_registry_names_the_connections_that_were_written_and_nothing_else_of_it_changes(tmp_path: Path) -> None:
    write_connections(tmp_path, [FIZEN])
    reached = read_connectors(tmp_path / "connectors.json")
    assert reached == {"fizen": FIZEN.reached}
    plain = simulate(tmp_path / "plain", seed=3, first_day=MONDAY, days=1, accounts=20)
    named = simulate(tmp_path / "named", seed=3, first_day=MONDAY, days=1, accounts=20, reached=reached)
    before, after = (read_registry_file(world.registry) for world in (plain, named))
    connectors = [one for cabinet in after["cabinets"] for one in cabinet["connectors"]]
    for one in connectors:
        how = (one.pop("connection"), one.pop("settings"))
        assert how == (("fizen_sftp", {"folder": "/in"}) if one["partner"] == "fizen" else (None, {}))
    assert {one["partner"] for one in connectors} > {"fizen"}
    for one in [one for cabinet in before["cabinets"] for one in cabinet["connectors"]]:
        assert (one.pop("connection"), one.pop("settings")) == (None, {})
    assert after == before
    assert plain.expected.read_bytes() == named.expected.read_bytes()


@pytest.mark.parametrize("content", [None, "no JSON", "[]", '{"fizen": 1}', '{"fizen": {"connection": "x"}}'])
def test_a_file_that_does_not_say_how_partners_are_reached_is_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "connectors.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigurationError, match="does not say how partners are reached"):
        read_connectors(path)
