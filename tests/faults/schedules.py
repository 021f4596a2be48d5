"""Every order in which the steps of two workers on one batch can fall, each worker a greenlet that is told when to go.

A step is one transaction of the ledger, or one exchange with the partner that changes or tells what the other may see.
All leases are over at every moment, so that any worker may claim at any time: the one that was stopped is stale.
Two prefixes after which the world is the same, and after which both workers have seen the same, have the same future:
only one of them is followed.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote

import greenlet
import sqlalchemy as sa

from sobank.services.push import push_batch
from sobank.services.worker import Pushed
from sobank.sinks.https_exchange import Answer
from sobank.store.ledger import Ledger
from sobank.store.schema import batches
from tests.faults.mutants import Sender
from tests.faults.partners import Partner
from tests.faults.sweeps import HONEST, Outcome
from tests.faults.worlds import World, Worlds

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(?:\+00:00|Z)?|datetime\.datetime\([^)]*\)")
_UPLOAD = re.compile(r"(?<![A-Za-z0-9/])[A-Za-z0-9/]{50,58}(?![A-Za-z0-9/])")
_LEDGER_STEPS = frozenset({"claim", "mark_staged", "renew", "record", "batch"})


class _Pausing:
    """Whatever it stands for, with a pause before each of `steps`, and a memory of what each step answered."""

    def __init__(self, inner: Any, steps: Collection[str], worker: _Stepped) -> None:
        self._inner, self._steps, self._worker = inner, steps, worker

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name not in self._steps:
            return found

        def paused(*arguments: Any, **named: Any) -> Any:
            self._worker.pause()
            if "now" in named:
                named["now"] = self._worker.world.clock()  # the call is made after the pause, not before it
            try:
                answer = found(*arguments, **named)
            except Exception as error:
                self._worker.seen.append((name, type(error).__name__))
                raise
            self._worker.seen.append((name, _told(name, answer)))
            return answer

        return paused


@dataclass
class _Stepped:
    """A worker that goes one step each time it is told to."""

    world: World
    name: str
    sender: Sender
    seen: list[tuple[str, str]] = field(default_factory=list)
    outcome: Pushed | None = None

    def __post_init__(self) -> None:
        self._ending = False
        self._scheduler = greenlet.getcurrent()
        self._greenlet = greenlet.greenlet(self._run)
        self._greenlet.switch()

    @property
    def done(self) -> bool:
        """Whether it has come to its end."""
        return self._greenlet.dead

    def go(self) -> None:
        """One step, up to the pause before the next."""
        self._scheduler = greenlet.getcurrent()
        self.world.clock.pass_leases()
        self._greenlet.switch()

    def pause(self) -> None:
        """Wait to be told."""
        if self._ending:
            raise greenlet.GreenletExit
        self._scheduler.switch()

    def end(self) -> None:
        """Give up where it is, so that it holds nothing that the next pair needs."""
        self._ending = True
        if not self.done:
            self._greenlet.throw(greenlet.GreenletExit)

    def _run(self) -> None:
        ledger: Any = _Pausing(self.sender.ledger(self.world.database), _LEDGER_STEPS, self)
        worker = replace(self.world.worker(self.name), ledger=ledger)
        batch = Ledger(self.world.database).batch(1)
        sink = self.world.sink_of(batch, lambda remote: _Pausing(remote, self.world.partner.telling_exchanges, self))
        self.outcome = push_batch(worker, sink, batch)


@dataclass
class Explored(Outcome):
    """How many different situations there were; `points` are the different ends, at which the judge looked."""

    situations: int = 0


def explore(
    worlds: Worlds,
    partner: Partner,
    *,
    greedy: bool,
    sender: Sender = HONEST,
    stop_when_caught: bool = False,
) -> Explored:
    """Follow every order of steps of two workers; at each end let a third finish, then judge what the partner has."""
    explored, known, prefixes = Explored(), set(), [""]
    while prefixes and not (stop_when_caught and explored.violations):
        path = prefixes.pop()
        world = worlds.new(partner, greedy=greedy)
        world.sink_around = sender.sink
        pair = {name: _Stepped(world, name, sender) for name in "AB"}
        for name in path:
            pair[name].go()
        while True:
            situation = _situation(world, pair)
            if situation in known:
                break
            known.add(situation)
            ready = [name for name in "AB" if not pair[name].done]
            if not ready:
                explored.settle(world, path)  # once for each world, since workers that are done are alike
                break
            prefixes += [path + name for name in ready[1:]]
            pair[ready[0]].go()
            path += ready[0]
        for worker in pair.values():
            worker.end()
    explored.situations = len(known)
    return explored


def _situation(world: World, pair: dict[str, _Stepped]) -> str:
    """What decides the future, with what differs from one path to another by name only named alike.

    Upload ids are numbered as they come; moments do not matter, for nothing here is ever too late.
    """
    with world.database.read() as connection:
        row = connection.execute(sa.select(batches.c.state, batches.c.fence, batches.c.staging)).one()
    workers = ["done" if worker.done else tuple(worker.seen) for worker in pair.values()]
    text = _MOMENT.sub("", unquote(repr((tuple(row), workers, world.partner.state()))))
    for number, upload in enumerate(dict.fromkeys(_UPLOAD.findall(text))):
        text = text.replace(upload, f"upload {number}")
    return text


def _told(name: str, answer: Any) -> str:
    """An answer without what no worker acts on: descriptors and handles, headers."""
    if name == "create" and not isinstance(answer, str):
        return "created"
    return repr((answer.status, answer.body) if isinstance(answer, Answer) else answer)
