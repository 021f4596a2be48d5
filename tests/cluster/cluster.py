"""The whole installation of docker-compose.yaml on this machine: each container a session of processes with a folder.

PostgreSQL and Redis are those of the system's packages, the object store is moto's server. Machines share what the file
lets them share, and nothing else: the databases, the broker, the object store, and the mounted volumes.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from deploy.make_env import environment as made_up

from sobank.scheduler import AirflowApi
from sobank.simulator.partner_s3 import KEY_ID, REGION
from tests.cluster.compose import Service, in_order, read_compose
from tests.cluster.machines import Machine, Places
from tests.cluster.objects import ObjectServer
from tests.servers import control_postgres, free_port, postgres, wait_until

REPOSITORY: Final = Path(__file__).parents[2]
COMPOSE: Final = REPOSITORY / "docker-compose.yaml"
_POSTGRES, _OBJECTS, _WORKER = "postgres", "objects", "worker"
#: Ports that services listen on in their containers; here each has a free one.
_PORTS: Final = (("redis", 6379), ("api-server", 8080))
_READY_SECONDS: Final = 300


@dataclass(kw_only=True)
class Cluster:
    """The running installation. `machines` by name: the service's, and `worker-1`, `worker-2`, … of those it has many.

    variables: what `.env` would hold. server: URL of the maintenance database. more: goes over the file's environment.
    """

    folder: Path
    services: Mapping[str, Service]
    variables: Mapping[str, str]
    places: Places
    more: Mapping[str, str]
    objects: ObjectServer
    server: str
    machines: dict[str, Machine] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        """The folder that is shared: inbox, global files, folders of partners."""
        return self.places.paths["/srv/sobank"]

    @property
    def database(self) -> str:
        """URL of So bank's database, as a superuser of the server."""
        return sa.make_url(self.server).set(database="sobank").render_as_string(hide_password=False)

    def api(self) -> AirflowApi:
        """Airflow's API, as the first user."""
        return AirflowApi(url=self.variables["SOBANK_PUBLIC_URL"], user="admin", password=self._password)

    def workers(self) -> list[Machine]:
        """Those that run tasks."""
        return [machine for machine in self.machines.values() if machine.service.name == _WORKER]

    def machine(self, service: str, *, name: str = "", more: Mapping[str, str] | None = None) -> Machine:
        """A machine of a service, not started."""
        name, one = name or service, self.services[service]
        over = {**self.more, **(more or {})} if one.ours else {}
        folder = self.folder / "machines" / name
        return Machine(
            name=name, service=one, folder=folder, checkout=REPOSITORY, places=self.places, more=over
        )  # fmt: skip

    def add(self, service: str, *, name: str = "", more: Mapping[str, str] | None = None) -> Machine:
        """A further machine of a service, started."""
        machine = self.machine(service, name=name, more=more)
        self.machines[machine.name] = machine
        machine.start()
        return machine

    def wait_healthy(self, name: str) -> None:
        """Until the health check of a machine, as the file has it, is content."""
        machine = self.machines[name]
        wait_until(machine.healthy, what=f"{name} is healthy (see {machine.log})", seconds=_READY_SECONDS)

    def revive(self) -> None:
        """What an engine does all the time: start again what has died."""
        for machine in self.machines.values():
            if not machine.alive:
                machine.start()

    def restart_postgres(self) -> None:
        """At once, as after a crash; whoever is connected is cut off."""
        control_postgres(self.server, "restart", "-m", "immediate", "-w")

    def sobank(self, *command: str) -> str:
        """Run our command line as a container of the installation would; what it prints."""
        machine = self.machine("init", name="command")
        own = {"SOBANK_AIRFLOW_USER": "admin", "SOBANK_AIRFLOW_PASSWORD": self._password}
        argv = ["python", "-c", "from sobank.cli import main; main()", *command]
        ended = subprocess.run(argv, env=machine.environment | own, cwd=REPOSITORY, capture_output=True, text=True)
        assert ended.returncode == 0, f"sobank {' '.join(command)}:\n{ended.stdout}{ended.stderr}"
        return ended.stdout

    @property
    def _password(self) -> str:
        return self.variables["SOBANK_ADMIN_PASSWORD"]


@contextmanager
def cluster(folder: Path, *, workers: int = 2, more: Mapping[str, str] | None = None) -> Iterator[Cluster]:
    """The installation, ready to work; no process of it is left afterwards.

    Args:
        more: environment that goes over that of the file in every container of our image.
    """
    ports = {place: free_port() for place in _PORTS}
    with ExitStack() as stack:
        objects = stack.enter_context(ObjectServer(folder / "objects"))
        variables = made_up(public_url=f"http://127.0.0.1:{ports['api-server', 8080]}")
        variables |= {"OBJECTS_ACCESS_KEY": KEY_ID, "OBJECTS_SECRET_KEY": str(objects.login().password)}
        services = read_compose(COMPOSE, variables)
        server = stack.enter_context(postgres(**_settings(services[_POSTGRES])))
        ports |= {(_OBJECTS, 8333): objects.port, (_POSTGRES, 5432): sa.make_url(server).port or 0}
        made = Cluster(
            folder=folder, services=services, variables=variables, objects=objects, server=server,
            more={"AWS_DEFAULT_REGION": REGION, **(more or {})},
            places=Places(paths=_paths(services, folder), ports=ports),
        )  # fmt: skip
        # A server that was restarted is nobody's child any more.
        stack.callback(control_postgres, server, "stop", "-m", "immediate", "-w")
        stack.callback(lambda: [machine.stop() for machine in reversed(made.machines.values())])
        _make_databases(made)
        _start(made, workers)
        yield made


def _start(made: Cluster, workers: int) -> None:
    """Every service when what it waits for is so, as an engine does."""
    once = {name for one in made.services.values() for name, how in one.after.items() if "completed" in how}
    for service in in_order(made.services):
        for other, condition in service.after.items():
            if condition == "service_healthy" and other in made.machines:
                made.wait_healthy(other)
        if service.name in once:
            made.machine(service.name).finish()
        elif service.name == _WORKER:
            for number in range(1, workers + 1):
                made.add(_WORKER, name=f"{_WORKER}-{number}")
        elif service.name not in (_POSTGRES, _OBJECTS):
            made.add(service.name)


def _paths(services: Mapping[str, Service], folder: Path) -> dict[str, Path]:
    """Of the checkout that the image holds, and of the volumes of our containers."""
    paths = {"/opt/sobank": REPOSITORY}
    for service in (one for one in services.values() if one.ours):
        for volume, path in service.shared.items():
            paths[path] = folder / "volumes" / volume
            paths[path].mkdir(parents=True, exist_ok=True)
    return paths


def _make_databases(made: Cluster) -> None:
    """What PostgreSQL's image does at its first start."""
    service = made.services[_POSTGRES]
    scripts = next(REPOSITORY / source for source, path in service.shared.items() if path.endswith("initdb.d"))
    url = made.server.replace("+psycopg", "")
    for script in sorted(scripts.glob("*.sql")):
        command = ["psql", "--no-psqlrc", "--quiet", url, "--file", str(script)]
        subprocess.run(command, env=made.machine(_POSTGRES).environment, check=True, capture_output=True)


def _settings(service: Service) -> dict[str, str]:
    """`-c name=value` of a PostgreSQL server's command."""
    pairs = [
        after.partition("=") for word, after in zip(service.command, service.command[1:], strict=False) if word == "-c"
    ]
    return {name: value for name, _, value in pairs}
