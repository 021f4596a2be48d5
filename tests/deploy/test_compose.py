"""docker-compose.yaml against what Airflow, our command line and our own time-outs really are."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from airflow.cli.cli_parser import get_parser
from airflow.configuration import conf
from click.testing import CliRunner
from deploy.make_env import environment
from typer.main import get_command

from sobank.cli import app
from sobank.wiring import settings_from
from tests.deploy.compose import REPOSITORY, filled

SERVICES: dict[str, Any] = filled(environment())["services"]
AIRFLOW = {name: one for name, one in SERVICES.items() if one["image"].startswith("sobank:")}


def programs() -> Iterator[tuple[str, list[str]]]:
    """(service, words) of every command and health check of ours, shells taken off, as Compose would run them."""
    for name, one in AIRFLOW.items():
        for words in (one["command"], one["healthcheck"].get("test", ["CMD"])[1:]):
            bare = [word.replace("$$", "$") for word in words]
            yield name, shlex.split(bare[2].removeprefix("exec ")) if bare[:2] == ["sh", "-c"] else bare


@pytest.mark.parametrize(("name", "words"), [p for p in programs() if p[1][:1] == ["airflow"]])
def test_airflow_knows_every_command_of_the_file(name: str, words: list[str]) -> None:
    get_parser().parse_args(words[1:])


@pytest.mark.parametrize(("name", "words"), [p for p in programs() if p[1][:1] == ["sobank"]])
def test_our_command_line_knows_every_command_of_the_file(name: str, words: list[str]) -> None:
    asked = CliRunner().invoke(get_command(app), [*words[1:], "--help"])
    assert asked.exit_code == 0, asked.output


def test_every_component_is_asked_for_its_own_heartbeat() -> None:
    jobs = {name: words[words.index("--job-type") + 1] for name, words in programs() if "--job-type" in words}
    assert jobs == {"scheduler": "SchedulerJob", "dag-processor": "DagProcessorJob", "triggerer": "TriggererJob"}
    assert all("--local" in words for _, words in programs() if "--job-type" in words)


def test_airflow_knows_every_setting_of_the_file() -> None:
    names = [name for name in SERVICES["worker"]["environment"] if name.startswith("AIRFLOW__")]
    known = {
        (s.lower(), o.lower()) for s, options in conf.configuration_description.items() for o in options["options"]
    }
    unknown = [name for name in names if tuple(name.lower().removeprefix("airflow__").split("__", 1)) not in known]
    assert unknown == []


def test_our_settings_can_be_read_and_put_on_the_shared_folder_only_what_must_be() -> None:
    settings = settings_from(SERVICES["worker"]["environment"])
    assert str(settings.inbox).startswith("/srv/sobank/")
    assert str(settings.global_files).startswith("/srv/sobank/")
    assert settings.spool_url == "s3://sobank/spool"
    assert not settings.private_partners


def test_every_process_of_airflow_sees_the_same_settings() -> None:
    seen = {name: dict(one["environment"]) for name, one in AIRFLOW.items() if name != "partners"}
    seen["init"].pop("SOBANK_ADMIN_PASSWORD")
    assert all(one == seen["worker"] for one in seen.values())


def test_the_broker_gives_no_message_out_again_while_its_task_may_still_run() -> None:
    files = [path.read_text("utf-8") for path in sorted((REPOSITORY / "dags").glob("*.py"))]
    bounds = [re.findall(r'"execution_timeout": timedelta\(hours=(\d+)\)', text) for text in files]
    assert all(bounds), "every DAG bounds its tasks"
    told = SERVICES["worker"]["environment"]["AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT"]
    assert int(told) > max(3600 * int(hours) for one in bounds for hours in one)


def test_a_dead_worker_is_found_within_its_lease_and_the_retry_comes_when_that_is_over() -> None:
    told = SERVICES["worker"]["environment"]
    lease = settings_from(told).lease_seconds
    assert int(told["AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT"]) < lease
    assert int(told["AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY"]) >= lease


def test_the_two_roles_of_the_database_share_no_password_and_no_database() -> None:
    told = SERVICES["worker"]["environment"]
    airflow, ours = told["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"], told["SOBANK_DATABASE_URL"]
    assert re.fullmatch(r"postgresql\+psycopg://airflow:\S+@postgres:5432/airflow", airflow)
    assert re.fullmatch(r"postgresql\+psycopg://sobank:\S+@postgres:5432/sobank", ours)
    assert airflow.split(":")[2] != ours.split(":")[2]


def test_the_image_is_made_of_hashed_wheels_and_runs_as_nobody_of_importance() -> None:
    text = (REPOSITORY / "Dockerfile").read_text("utf-8")
    assert "--require-hashes" in text
    assert "--only-binary :all:" in text
    assert re.findall(r"^USER (.+)$", text, flags=re.MULTILINE) == ["50000:0"]
    assert not re.search(r"apt-get|build-essential|gcc|ADD |curl|wget", text)
    allowed = {
        line[1:] for line in (REPOSITORY / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")
    }
    copied = {word for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE) for word in line.split()[:-1]}
    assert copied == allowed
    assert all((REPOSITORY / path).exists() for path in copied)


def test_kubernetes_is_told_the_same_settings_as_compose() -> None:
    values = yaml.safe_load((REPOSITORY / "deploy" / "kubernetes" / "values.yaml").read_text("utf-8"))
    told = SERVICES["worker"]["environment"]
    theirs = {one["name"]: one["value"] for one in values["env"]}
    same = {name: value for name, value in theirs.items() if name in told}
    assert len(same) >= 20
    # Addresses are each installation's own.
    assert {name for name, value in same.items() if value != told[name]} == {
        "AIRFLOW__API__BASE_URL",
        "AWS_DEFAULT_REGION",
    }
    with (REPOSITORY / "pyproject.toml").open("rb") as file:
        assert values["images"]["airflow"]["tag"] == tomllib.load(file)["project"]["version"]
