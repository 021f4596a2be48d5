"""Break a delivery at every step it has, let a few further runs follow, and count what the partner has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from sobank.services.push import push_all
from sobank.simulator.script import Fault, Script
from tests.faults.mutants import Sender
from tests.faults.partners import Partner, judge
from tests.faults.steps import Killed, SteppedSpool, Steps, stepped_database
from tests.faults.worlds import World, Worlds

#: In at most so many further runs everything must be in its place.
FURTHER_RUNS = 3
HONEST = Sender()
#: Faults that only a time-out ends, and one for them that nothing else is likely to meet (seconds).
_SLOW, _SOON = frozenset({Fault.BLACK_HOLE, Fault.DRIP}), 1


@dataclass
class Outcome:
    """What became of one kind of fault: in how many places it was tried, and what the partner had in the end.

    held: how often a person had to say whether the partner has it. runs: the most further runs that it took.
    """

    points: int = 0
    missing: int = 0
    doubled: int = 0
    held: int = 0
    runs: int = 0
    violations: list[str] = field(default_factory=list)

    def settle(self, world: World, where: str) -> None:
        """Count one place: let the further runs happen, then look at what the partner has."""
        self.points += 1
        try:
            self.runs = max(self.runs, world.settle(FURTHER_RUNS))
        except AssertionError as stuck:
            self.violations.append(f"{where}: {stuck}")
        found = judge(world.partner, world.expected)
        self.missing += len(found.missing)
        self.doubled += len(found.doubled)
        self.held += world.held
        if world.held and not world.partner.may_hold:
            self.violations.append(f"{where}: a person had to decide, though the partner can be asked")
        self.violations += [f"{where}: {one}" for one in found.violations]


def broken_run(world: World, sender: Sender, steps: Steps, *, attempts: int = 1) -> None:
    """One push in which a step breaks. Errors that end the whole run are those of a task that fails."""

    def around(remote: object) -> object:
        return world.partner.stepped(sender.remote(remote), steps)

    worker = world.worker("breaks", database=world.breaking, attempts=attempts)
    worker = replace(worker, spool=SteppedSpool(world.spool.url, steps))
    batches = worker.ledger.open_batches()
    with stepped_database(world.breaking, steps):
        try:
            push_all(worker, lambda batch: world.sink_of(batch, around), batches)
        except (Killed, Exception):
            if not steps.fired:
                raise


def sweep(
    worlds: Worlds,
    partner: Partner,
    error: Callable[[], BaseException],
    *,
    greedy: bool = False,
    sender: Sender = HONEST,
    attempts: int = 1,
    died_before: str | None = None,
    stop_when_caught: bool = False,
    first: int = 1,
) -> Outcome:
    """Break at each step in turn, from number `first`, until a run breaks no more.

    Args:
        died_before: a worker died at this point before the run that is broken, so that it starts in doubt.
    """
    outcome = Outcome()
    while not (stop_when_caught and (outcome.missing or outcome.doubled)):
        world = worlds.new(partner, greedy=greedy)
        world.ledger_class, world.sink_around = sender.ledger, sender.sink
        if died_before:
            earlier = Steps(died_before, Killed)
            broken_run(world, sender, earlier, attempts=attempts)
            assert earlier.fired, f"a push has no step {died_before}"
            world.clock.pass_leases()
        steps = Steps(first + outcome.points, error)
        broken_run(world, sender, steps, attempts=attempts)
        if not steps.fired:
            break
        outcome.settle(world, f"step {steps.count}, {steps.at}")
    return outcome


@contextmanager
def _patience(partner: Partner, seconds: int) -> Iterator[None]:
    usual, partner.patience = partner.patience, seconds
    try:
        yield
    finally:
        partner.patience = usual


def scripted(
    worlds: Worlds,
    partner: Partner,
    fault: Fault,
    *,
    greedy: bool = False,
    sender: Sender = HONEST,
    stop_when_caught: bool = False,
) -> Outcome:
    """The partner's server misbehaves at each operation it knows, once and twice in a row."""
    with _patience(partner, _SOON if fault in _SLOW else partner.patience):
        return _scripted(worlds, partner, fault, greedy, sender, stop_when_caught)


def _scripted(
    worlds: Worlds, partner: Partner, fault: Fault, greedy: bool, sender: Sender, stop_when_caught: bool
) -> Outcome:
    outcome = Outcome()
    assert partner.script is not None
    for operation in sorted(partner.operations):
        for times in (1,) if fault in _SLOW else (1, 2):
            world = worlds.new(partner, greedy=greedy)
            world.ledger_class, world.sink_around = sender.ledger, sender.sink
            partner.cut()
            partner.script.add(operation, fault, times=times)
            world.push("first")
            if (left := _left(partner.script, operation)) == times:
                break  # a delivery never asks for it
            for again in range(2 * left):
                if not _left(partner.script, operation):
                    break
                world.run(f"disturbed again {again}")
            partner.script.clear()
            outcome.settle(world, f"{fault} at {operation}, {times} ×")
            if stop_when_caught and outcome.violations:
                return outcome
    return outcome


def _left(script: Script, operation: str) -> int:
    """How many lines were not played; they are put back."""
    left = 0
    while (fault := script.take(operation)) is not None:
        left += 1
        lines = fault
    for _ in range(left):
        script.add(operation, lines)
    return left
