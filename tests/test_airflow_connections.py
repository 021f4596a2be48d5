"""Airflow's connections, where the pages live: in the process of Airflow's API server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet

#: What Airflow's own server imports first, then its database, and what the pages do in a thread of it.
_IN_THE_API_SERVER = """
import json, sys
from airflow.api_fastapi.main import app
from airflow.models import Connection
from airflow.utils import db
from airflow.utils.session import create_session
from sobank.airflow_connections import login_of
from sobank.errors import ConfigurationError

db.initdb()
found = []
for password in ("fi/rst:@", "second"):
    with create_session() as session:
        session.query(Connection).filter_by(conn_id="kept").delete()
        session.add(Connection(
            conn_id="kept", conn_type="sftp", host="sftp.example", port=22, login="cabinet", password=password,
            extra=json.dumps({"host_key": "ssh-ed25519 AAAA"}),
        ))
    login = login_of("kept")
    found.append([login.host, login.port, login.user, login.password, dict(login.extra)])
found.append(login_of("given").host)
try:
    login_of("nowhere")
except ConfigurationError as error:
    found.append(error.subject)
print("FOUND", json.dumps(found))
"""


def test_the_pages_find_a_connection_of_airflows_own_database_as_it_is_now_and_one_of_a_variable(
    tmp_path: Path,
) -> None:
    given = {"conn_type": "sftp", "host": "given.example"}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")} | {
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{tmp_path / 'airflow.db'}",
        "AIRFLOW__CORE__FERNET_KEY": Fernet.generate_key().decode(),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW_CONN_GIVEN": json.dumps(given),
    }
    done = subprocess.run(
        [sys.executable, "-c", _IN_THE_API_SERVER], capture_output=True, text=True, check=False, env=environment
    )
    said = [line.removeprefix("FOUND ") for line in done.stdout.splitlines() if line.startswith("FOUND ")]
    assert said, done.stderr[-2000:]
    found: list[Any] = json.loads(said[0])
    extra = {"host_key": "ssh-ed25519 AAAA"}
    assert found == [
        ["sftp.example", 22, "cabinet", "fi/rst:@", extra],
        ["sftp.example", 22, "cabinet", "second", extra],
        "given.example",
        "connection nowhere",
    ]
