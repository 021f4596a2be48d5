"""What is killed, and how: `kill -9` of all of a worker, of its process group, or of a task's supervisor alone."""

from __future__ import annotations

import os
import signal
from enum import StrEnum

from tests.cluster.stage import Running


class Kill(StrEnum):
    """MACHINE: a power cut, the task dies too. GROUP: Celery and all its processes; the task leads a group of its own
    and lives on. SUPERVISOR: only who watches over the task, which lives on beside its retry."""

    MACHINE = "machine"
    GROUP = "group"
    SUPERVISOR = "supervisor"


def kill(how: Kill, victim: Running) -> None:
    """Kill; whoever watches the machines starts a worker that died again."""
    worker = victim.worker
    if how is Kill.SUPERVISOR:
        victim.supervisor.send_signal(signal.SIGKILL)
    elif how is Kill.MACHINE:
        worker.kill()
    else:
        assert worker.process is not None
        os.killpg(worker.process.pid, signal.SIGKILL)
        worker.process.wait()
