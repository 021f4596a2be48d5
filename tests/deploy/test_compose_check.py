"""`make compose-check`: the file as it is passes, and each weakening of it is named."""

from __future__ import annotations

import re

import pytest
from deploy.compose_check import faults

from tests.deploy.compose import TEXT

VERSION = "0.1.0"

#: What somebody might write, in place of what, and what is said of it.
WEAKENED = {
    "a password with a default": (
        "${REDIS_PASSWORD:?password of Redis}", "${REDIS_PASSWORD:-airflow}", "REDIS_PASSWORD: is not required"),
    "a password that need not be given": (
        "${REDIS_PASSWORD:?password of Redis}", "${REDIS_PASSWORD}", "REDIS_PASSWORD: is not required"),
    "a password written down": (
        "POSTGRES_PASSWORD: ${POSTGRES_PASSWORD:?password of PostgreSQL's superuser}", "POSTGRES_PASSWORD: postgres",
        "postgres: POSTGRES_PASSWORD is written here"),
    "a password in a url": (
        "redis://:${REDIS_PASSWORD:?password of Redis}@", "redis://:redis@", "AIRFLOW__CELERY__BROKER_URL holds a"),
    "a password among arguments": (
        "command: [sh, deploy/init.sh]", 'command: [sh, "${REDIS_PASSWORD:?password of Redis}"]', "init: its command"),
    "a variable that nobody writes": (
        "${SOBANK_DB_PASSWORD:?", "${SOBANK_DATABASE_PASSWORD:?", "SOBANK_DATABASE_PASSWORD: `make env` does not"),
    "a variable that nobody reads": (
        "${AIRFLOW_FERNET_KEY:?encrypts connections in the database; keep a copy elsewhere}", '""',
        "AIRFLOW_FERNET_KEY: nothing uses it"),
    "the web for everybody": (
        '"127.0.0.1:${SOBANK_WEB_PORT:-8080}:8080"', '"${SOBANK_WEB_PORT:-8080}:8080"', "api-server: publishes"),
    "a database for everybody": (
        "    shm_size: 256m", '    ports: ["127.0.0.1:5432:5432"]\n    shm_size: 256m', "postgres: publishes"),
    "an image of any day": ("valkey/valkey:8.1.9-alpine", "valkey/valkey:latest", "redis: the image"),
    "an image without tag": ("postgres:16.10-bookworm", "postgres", "postgres: the image"),
    "an image of another version": ("image: sobank:0.1.0\n  build", "image: sobank:0.0.9\n  build", "not of version"),
    "root's rights": ("cap_drop: [ALL]", "cap_drop: []", "worker: keeps rights"),
    "new rights": ('["no-new-privileges:true"]', "[]", "worker: keeps rights"),
    "a writable image": ("read_only: true", "read_only: false", "worker: its own file system is writable"),
    "the whole machine": ("user: postgres", "privileged: true", "postgres: has the rights of the machine"),
    "no bound on memory": ("mem_limit: 512m\n    cpus: 0.5", "cpus: 0.5", "redis: has no mem_limit"),
    "no restart": ("  restart: unless-stopped\n", "", "worker: has no restart"),
    "a first step without end": ('restart: "no"', "restart: always", "init: runs once"),
    "no health": (
        "[CMD, airflow, jobs, check, --job-type, TriggererJob, --local]", "[NONE]", "triggerer: has no check"),
    "a health of a shell": (
        "[CMD, airflow, jobs, check, --job-type, TriggererJob, --local]", "airflow jobs check", "triggerer: has no"),
    "a command of a shell": ("command: [airflow, triggerer]", "command: airflow triggerer", "its command is no list"),
    "no waiting for health": ("objects: {condition: service_healthy}", "objects: {condition: service_started}", "only"),
    "no waiting for the first step": (
        "init: {condition: service_completed_successfully}", "init: {condition: service_healthy}", "never is"),
    "waiting for nobody": ("objects: {condition: service_healthy}", "minio: {condition: service_healthy}", "not here"),
    "a name of its own": ("  worker:\n", "  worker:\n    container_name: worker\n", "worker: has a name of its own"),
    "a mount that is not there": ("./deploy/postgres:", "./deploy/postgresql:", "postgres: mounts"),
    "a mount that may be written": ("initdb.d:ro", "initdb.d", "postgres: may write"),
    "the engine itself": ("    - /scratch\n", "    - /var/run/docker.sock:/var/run/docker.sock\n", "the engine itself"),
    "a number for a text": ('VISIBILITY_TIMEOUT: "7200"', "VISIBILITY_TIMEOUT: 7200", "is no text"),
}  # fmt: skip


def test_the_file_of_this_checkout_has_no_fault() -> None:
    assert faults(TEXT, version=VERSION) == []


@pytest.mark.parametrize("weakening", WEAKENED)
def test_a_weakened_file_is_refused_for_what_is_weak_in_it(weakening: str) -> None:
    before, after, said = WEAKENED[weakening]
    assert before in TEXT, "the file says it otherwise now: follow it here"
    found = faults(TEXT.replace(before, after), version=VERSION)
    assert any(said in what for what in found), found


def test_what_is_wrong_is_said_by_service_and_without_any_value() -> None:
    found = faults(re.sub(r"POSTGRES_PASSWORD: \S.*", "POSTGRES_PASSWORD: hunter2", TEXT), version=VERSION)
    assert found
    assert not any("hunter2" in what for what in found)
