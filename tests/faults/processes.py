"""Pushing processes of their own, killed or stopped at a step by a real signal.

They are forked by a server process that has imported all it needs and has no threads, so that one costs no more than a
fork.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sobank.store.database import Database
from sobank.store.objects import ObjectStore
from tests.faults.partners import Address
from tests.faults.steps import Steps, outside_transactions
from tests.faults.sweeps import HONEST, Outcome, broken_run
from tests.faults.worlds import Clock, World

#: Exit code of a process that came to its end without the signal: there is no such step.
_NO_SUCH_STEP = 7
_SECONDS = 30.0
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, kw_only=True)
class Job:
    """One push, and the signal that the process sends itself at step number `step`. `where`: see Steps.

    at_once: how many destinations it pushes side by side.
    """

    database: str
    spool: str
    address: Address
    at: datetime
    step: int
    sign: signal.Signals
    where: Callable[[str], bool] = bool
    at_once: int = 1


def push(job: Job) -> None:
    """In the process: push everything open."""
    database = Database(job.database)
    # Sent to the thread that asks: to the process, it would reach another thread first, and this one would go on a bit.
    steps = Steps(job.step, lambda: signal.pthread_kill(threading.get_ident(), job.sign), where=job.where)
    world = World(
        database=database,
        breaking=database,
        spool=ObjectStore(job.spool),
        partner=job.address,
        clock=Clock(job.at),
        at_once=job.at_once,
    )  # type: ignore[arg-type]  # an address is all of a partner that a pushing process sees
    broken_run(world, HONEST, steps)
    os._exit(0 if steps.fired else _NO_SUCH_STEP)


class Processes:
    """Starts pushing processes for a world."""

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(
            [__name__, "sobank.sinks.sftp", "sobank.sinks.https", "sobank.sinks.s3", "boto3"]
        )
        paths = [str(_ROOT / "include"), str(_ROOT), os.environ.get("PYTHONPATH", "")]
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))  # of the server process, which imports

    def killed(self, world: World, outcome: Outcome, *, step: int, taken_after: bool) -> bool:
        """Kill one at a step with SIGKILL, then let others finish; False if there is no such step.

        Args:
            taken_after: the partner takes files between the death and the next run.
        """
        process = self._start(world, step=step, sign=signal.SIGKILL)
        process.join(_SECONDS)
        if process.exitcode == _NO_SUCH_STEP:
            return False
        assert process.exitcode == -signal.SIGKILL
        if taken_after:
            world.partner.take()
        outcome.settle(world, f"killed at step {step}")
        return True

    def stopped(self, world: World, outcome: Outcome, *, step: int) -> bool:
        """Stop one at a step past its lease; another takes over; then it goes on. False if there is no such step."""
        process = self._start(world, step=step, sign=signal.SIGSTOP, where=outside_transactions)
        while process.is_alive() and not _is_stopped(process.pid):
            process.join(0.002)
        if process.is_alive():
            world.clock.pass_pauses()
            world.partner.look()
            world.push("takes over")
            os.kill(process.pid, signal.SIGCONT)
            process.join(_SECONDS)
            world.partner.look()
        if process.exitcode == _NO_SUCH_STEP:
            return False
        assert process.exitcode == 0
        outcome.settle(world, f"stopped at step {step}")
        return True

    def _start(self, world: World, *, step: int, sign: signal.Signals, where: Callable[[str], bool] = bool):
        job = Job(
            database=world.database.url.render_as_string(hide_password=False), spool=world.spool.url,
            address=world.partner.address, at=world.clock(), step=step, sign=sign, where=where, at_once=world.at_once,
        )  # fmt: skip
        process = self._context.Process(target=push, args=(job,))
        process.start()
        return process


def _is_stopped(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("ascii")
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] == "T"
