"""One container of the compose file as processes of this machine: its command, its environment, folders of its own.

Each leads a session, so that whoever is left of it can be found: tasks lead process groups of their own in it.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil

from tests.cluster.compose import Service
from tests.servers import end_group, free_port

#: Given by the machine and not by the file: where programs are, and how text is read.
_OF_THE_MACHINE: Final = ("PATH", "LANG", "LC_ALL")
_HEALTH_SECONDS: Final = 60
_TAIL: Final = 2500


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """Where things of containers are here. paths: by path there. ports: here, by service and port there."""

    paths: Mapping[str, Path]
    ports: Mapping[tuple[str, int], int]

    def here(self, text: str, service: Service, own: Mapping[str, Path]) -> str:
        """The text with addresses and paths of this machine.

        Args:
            service: in whose container it stands; there its own port is one of loopback.
            own: paths that no other machine has.
        """
        found = {there: str(path) for there, path in {**self.paths, **own}.items()}
        for (host, port), here in self.ports.items():
            found[f"{host}:{port}"] = f"127.0.0.1:{here}"
            if host == service.name:
                found |= {f"127.0.0.1:{port}": f"127.0.0.1:{here}", f"--port {port}": f"--port {here} --bind 127.0.0.1"}
                found["redis-cli"] = f"redis-cli -p {here}"  # it knocks at everybody's port unless told otherwise
        longest = "|".join(re.escape(there) for there in sorted(found, key=len, reverse=True))
        # One pass: what has been put in place is not looked at again.
        return re.sub(rf"(?<![\w.-])({longest})(?![\w.-])", lambda match: found[match[0]], text)


@dataclass(kw_only=True, slots=True)
class Machine:
    """A container that runs natively: `start` and `stop` as an engine would, `kill` as a power cut would.

    more: environment that goes over that of the file.
    """

    name: str
    service: Service
    folder: Path
    checkout: Path
    places: Places
    more: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    sessions: set[int] = field(default_factory=set)

    @property
    def own(self) -> dict[str, Path]:
        """By path in the container: what no other machine sees."""
        return {path: self.folder / path.strip("/").replace("/", "-") for path in self.service.private}

    @property
    def log(self) -> Path:
        """What it prints."""
        return self.folder / "log"

    @property
    def environment(self) -> dict[str, str]:
        """That of the file, and nothing of whoever runs the tests."""
        machine = {name: os.environ[name] for name in _OF_THE_MACHINE if name in os.environ}
        machine["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), machine.get("PATH", os.defpath)])
        given = {name: self._here(value) for name, value in self.service.environment.items()}
        host = {"HOSTNAME": self.name, "HOME": str(self.folder / "home")}
        # A container has every port of its own; here a second worker would find the first one's taken.
        host |= {f"AIRFLOW__LOGGING__{name}_LOG_SERVER_PORT": str(free_port()) for name in ("WORKER", "TRIGGER")}
        return machine | given | host | dict(self.more)

    @property
    def command(self) -> list[str]:
        """That of the file; on loopback, and on the port that is the service's here."""
        words = [self._here(word) for word in self.service.command]
        at_port = {"0.0.0.0": "127.0.0.1"}  # noqa: S104  what it listens on in its container
        at_port |= {
            str(port): str(here) for (name, port), here in self.places.ports.items() if name == self.service.name
        }
        return [at_port.get(word, word) for word in words]

    @property
    def alive(self) -> bool:
        """Whether its first process runs."""
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Begin, in what it left of its folders when it ended."""
        for path in (self.folder / "home", *self.own.values()):
            path.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, env=self.environment, cwd=self._workdir, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self.sessions.add(self.process.pid)

    def finish(self, seconds: float = 600) -> None:
        """Run to its end, which must be a good one."""
        self.start()
        assert self.process is not None
        assert self.process.wait(seconds) == 0, f"{self.name} ended badly:\n{self.tail()}"

    def healthy(self) -> bool:
        """What its health check in the file says now."""
        assert self.alive, f"{self.name} has ended:\n{self.tail()}"
        check = [self._here(word) for word in self.service.health]
        try:
            answer = subprocess.run(
                check, env=self.environment, cwd=self._workdir, capture_output=True, timeout=_HEALTH_SECONDS
            )
        except subprocess.TimeoutExpired:
            return False
        return answer.returncode == 0

    def stop(self) -> None:
        """As an engine stops a container: asked first; at last nothing of it is left."""
        if self.process is not None:
            end_group(self.process)
        self.kill()

    def kill(self) -> None:
        """All of it at once, tasks too."""
        while left := self.processes():
            for process in left:
                with suppress(psutil.Error):
                    process.send_signal(signal.SIGKILL)
            psutil.wait_procs(left, timeout=0.2)
        if self.process is not None:
            self.process.wait()

    def processes(self) -> list[psutil.Process]:
        """Those of it that live."""
        found = []
        for process in psutil.process_iter():
            with suppress(ProcessLookupError, psutil.Error):
                if os.getsid(process.pid) in self.sessions and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def tail(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-_TAIL:] if self.log.exists() else "(no log)"

    @property
    def _workdir(self) -> Path:
        return self.checkout if self.service.ours else self.folder / "home"

    def _here(self, text: str) -> str:
        return self.places.here(text, self.service, self.own)
