"""An Airflow of our own in one folder: SQLite, loopback, generated keys and password (`make demo`, `make up`, tests).

Nothing in it is a default that somebody could know, and nothing listens beyond this machine.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import socket
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sobank.errors import ConfigurationError
from sobank.scheduler import AirflowApi
from sobank.simulator.private_file import write_private

USER: Final = "admin"
REPOSITORY: Final = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, kw_only=True, slots=True)
class AirflowHome:
    """A prepared folder. `environment` is what every process of this Airflow, and ours beside it, must see.

    passwords: by name of user; USER, an admin, is always among them.
    """

    folder: Path
    url: str
    passwords: Mapping[str, str]
    environment: Mapping[str, str]

    @property
    def password(self) -> str:
        """That of USER."""
        return self.passwords[USER]

    @property
    def pages(self) -> str:
        """Address of our pages within this Airflow, for who is signed in."""
        return f"{self.url}/plugin/sobank-dashboard"

    @property
    def access(self) -> dict[str, str]:
        """What `sobank backfill` must see beside it; kept from Airflow's own processes, which have no use for it."""
        return {
            "SOBANK_AIRFLOW_URL": self.url,
            "SOBANK_AIRFLOW_USER": USER,
            "SOBANK_AIRFLOW_PASSWORD": self.password,
        }

    def log(self, name: str) -> Path:
        """Where a component or a command writes what it has to say."""
        return self.folder / "logs" / f"{name}.log"

    def api(self) -> AirflowApi:
        """A client of this Airflow, as USER."""
        return AirflowApi(url=self.url, user=USER, password=self.password)


def prepare(
    folder: Path,
    *,
    scheduled: bool,
    port: int = 0,
    extra: Mapping[str, str] | None = None,
    members: Collection[str] = (),
) -> AirflowHome:
    """Make the folder of an Airflow, or take up the one made before with its keys and password.

    Args:
        folder: created with mode 0700 where it is missing; keys, password, database and logs go there.
        scheduled: whether runs start by the clock; without it only what is asked for runs.
        port: of the API server; 0 takes a free one.
        extra: environment of our own settings (`SOBANK_…`), or anything that goes over what is set here.
        members: further users, who in Airflow may look and nothing else: what they are to cabinets is in our registry.
    Raises:
        ConfigurationError: the port is taken, or there are no DAG files to run.
    """
    if not (REPOSITORY / "dags").is_dir():
        raise ConfigurationError(
            "there is no folder dags beside include", subject=str(REPOSITORY), remedy="run it from a checkout"
        )
    folder = folder.resolve()
    for path in (folder, folder / "logs"):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    keys = _kept_secrets(folder / "keys.json")
    passwords = _kept_passwords(folder / "passwords.json", {USER: keys["password"]}, members)
    url = f"http://127.0.0.1:{_free_port(port)}"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "SOBANK_"))}
    environment = inherited | _airflow_settings(folder, url, keys, scheduled=scheduled)
    users = ",".join([f"{USER}:admin", *(f"{member}:viewer" for member in members)])
    environment |= {"AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": users} | dict(extra or {})
    return AirflowHome(folder=folder, url=url, passwords=passwords, environment=environment)


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
        # As in docker-compose.yaml: with 5 s, the first task of a machine that starts everything at once gives up.
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "30",
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
        # Its processes ask one another over loopback, which no proxy of the machine may be asked for.
        **dict.fromkeys(("NO_PROXY", "no_proxy"), _without_proxy()),
        "GX_ANALYTICS_ENABLED": "False",
        "DO_NOT_TRACK": "1",
        "NO_COLOR": "1",
    }


def _without_proxy() -> str:
    told = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    return ",".join(filter(None, [told, "127.0.0.1"]))


def _kept_secrets(path: Path) -> dict[str, str]:
    if not path.exists():
        made = {
            "password": secrets.token_urlsafe(18),
            "fernet": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "secret": secrets.token_urlsafe(32),
            "jwt": secrets.token_urlsafe(48),
        }
        write_private(path, json.dumps(made))
    kept: dict[str, str] = json.loads(path.read_text())
    return kept


def _kept_passwords(path: Path, fixed: Mapping[str, str], members: Collection[str]) -> dict[str, str]:
    kept: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    passwords = {member: kept.get(member) or secrets.token_urlsafe(18) for member in members} | dict(fixed)
    write_private(path, json.dumps(passwords) + "\n")
    return passwords


def _free_port(wanted: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError as error:
            raise ConfigurationError(
                f"cannot be listened on ({error.strerror})",
                subject=f"port {wanted}",
                remedy="stop what listens there, or choose another with --port (0 takes a free one)",
            ) from None
        port: int = probe.getsockname()[1]
        return port
