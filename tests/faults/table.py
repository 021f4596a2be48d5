"""docs/faults.md: what the suite measured, as a page."""

from __future__ import annotations

from pathlib import Path

from tests.faults.sweeps import FURTHER_RUNS, Outcome

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"

_INTRO = f"""\
# What goes wrong, and what the partner has in the end

Written by the suite in `tests/faults`, which fails when this page does not say what it measured. To write it anew:

```
.venv/bin/pytest tests/faults --write-faults
```

Each row is one kind of fault against one kind of partner: a real server on loopback, or a folder. The fault is made at
every place where it can happen, one place at a time, each in a fresh world with one sealed batch of two statements.
Then undisturbed runs follow, two hours apart (longer than every lease, and than the longest pause of a circuit), until
nothing is open; more than {FURTHER_RUNS} of them fail the suite. The judge reads what the partner ever received, never
our ledger: each statement must be there once.

- **places**: in how many places the fault was made. A step is one SQL statement, one commit, one payload opened, or one
  exchange with the partner; each exchange has a place before it and one after. A server's own faults are tried at every
  operation that a delivery asks of it, once and twice in a row. Of two workers it is the number of different ends.
- **missing**, **doubled**: statements that the partner has not, or has more than once.
- **held**: how often nothing but a person could tell whether the bytes arrived. Such a batch waits (`sobank deliveries
  list` shows it); it is neither sent again nor taken for delivered. Here a person looks into the partner's inbox and
  says what is true: *confirm* if he has it, *release* if he has not.
- **runs**: the most further runs until everything was in its place; 0 means that the disturbed run itself got there.

*Files taken at once*: the partner removes each file the moment it has its final name, so that nothing is left to look
at. *The worker dies*: a worker ends within the process of the tests; *kill −9*: a real process, really killed.

What no sender can prevent: a partner who knows neither keys nor content again, and to whom the network brings one
request twice, has it twice. `sobank connectors test` says of such a partner that he is degraded. The suite asserts that
this is so, and has no row for it.

"""


class Table:
    """Rows by partner and fault, each made by one test."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], Outcome] = {}

    def add(self, partner: str, fault: str, outcome: Outcome) -> None:
        """Add a row; and fail if something in it is wrong."""
        assert (partner, fault) not in self.rows, f"two tests make the row {partner}, {fault}"
        self.rows[partner, fault] = outcome
        assert not outcome.violations, "\n".join(outcome.violations)

    def lines(self) -> list[str]:
        """The rows as lines of the page."""
        return [
            f"| {partner} | {fault} | {o.points} | {o.missing} | {o.doubled} | {o.held} | {o.runs} |"
            for (partner, fault), o in sorted(self.rows.items())
        ]

    def page(self) -> str:
        """The whole page."""
        head = ["| partner | fault | places | missing | doubled | held | runs |", "|---|---|---|---|---|---|---|"]
        return _INTRO + "\n".join([*head, *self.lines(), ""])
