"""`make env`: every secret by chance, in a file that only its owner reads, and never over one that is in use."""

from __future__ import annotations

import argparse
import base64
import itertools
import re
import stat
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from deploy import first_user, make_env
from tests.deploy.compose import filled


def test_no_two_secrets_are_alike_and_a_second_installation_shares_none_with_the_first() -> None:
    first, second = make_env.environment(), make_env.environment()
    secrets = [first[name] for name in make_env.SECRETS] + [second[name] for name in make_env.SECRETS]
    assert len(set(secrets)) == 2 * len(make_env.SECRETS)
    assert min(map(len, secrets)) >= 20


def test_no_secret_begins_with_what_a_program_takes_for_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    read_as_a_dash, as_a_letter = b"\xfb", b"\x00"
    assert base64.urlsafe_b64encode(read_as_a_dash).startswith(b"-")
    first = itertools.cycle((read_as_a_dash, as_a_letter))
    monkeypatch.setattr(make_env.secrets, "token_bytes", lambda n: next(first) * n)
    made = make_env.environment()
    assert [name for name in make_env.SECRETS if made[name].startswith("-")] == []


def test_every_secret_may_stand_in_a_url_and_encrypts_where_it_must() -> None:
    made = make_env.environment()
    assert all(re.fullmatch(r"[\w-]+=?", made[name]) for name in make_env.SECRETS)
    Fernet(made["AIRFLOW_FERNET_KEY"])
    assert len(made["AIRFLOW_JWT_SECRET"].encode()) >= 64, "HS512 wants a key as long as its digest"


def test_only_its_owner_reads_the_file_and_it_fills_every_variable_of_the_compose_file(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    assert make_env.main(["--file", str(path), "--public-url", "https://sobank.cabinet.example"]) == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    values = dict(line.split("=", 1) for line in path.read_text().splitlines())
    services = filled(values)["services"]
    assert services["api-server"]["environment"]["AIRFLOW__API__BASE_URL"] == "https://sobank.cabinet.example"
    assert services["api-server"]["ports"] == ["127.0.0.1:8080:8080"]


def test_a_file_that_is_there_is_kept_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / ".env"
    path.write_text("REDIS_PASSWORD=in-use\n")
    assert make_env.main(["--file", str(path)]) == 2
    assert path.read_text() == "REDIS_PASSWORD=in-use\n"
    assert "keep it" in capsys.readouterr().err


def test_no_secret_is_shown_while_the_file_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_env.main(["--file", str(tmp_path / ".env")])
    shown = capsys.readouterr()
    values = [line.split("=", 1)[1] for line in (tmp_path / ".env").read_text().splitlines()]
    assert not any(value in shown.out + shown.err for value in values)


def test_git_and_the_image_never_see_the_file() -> None:
    repository = Path(make_env.__file__).parents[1]
    assert ".env" in (repository / ".gitignore").read_text().splitlines()
    ignored = (repository / ".dockerignore").read_text().splitlines()
    allowed = [line.removeprefix("!") for line in ignored if line.startswith("!")]
    assert "*" in ignored
    assert ".env" not in allowed


def test_a_password_that_begins_with_a_dash_is_no_option(monkeypatch: pytest.MonkeyPatch) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("words", nargs="*")
    for name in ("action", "username", "role", "firstname", "lastname", "email", "password"):
        parser.add_argument(f"--{name}", nargs="+" if name == "action" else None)
    parser.add_argument("--resource", nargs="+")
    asked: list[argparse.Namespace] = []
    parser.set_defaults(func=asked.append)
    monkeypatch.setattr(first_user, "get_parser", lambda: parser)
    monkeypatch.setenv("SOBANK_ADMIN_PASSWORD", "-starts-so")
    first_user.main()
    assert asked[-1].password == "-starts-so"  # noqa: S105  it is none
