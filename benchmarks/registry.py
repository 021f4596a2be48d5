"""The registry at a million accounts: what the pages ask of it, each answer timed and compared with the right one.

ACCOUNTS: how many there are (1,000,000 times SIZE). QUESTIONS: how many of each kind (100).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from tests.servers import postgres

from benchmarks import day, registry_world
from benchmarks.daily import SERVER, create, named
from benchmarks.frame import Benchmark, Contender, Work, WrongOutput
from benchmarks.registry_answers import Answers
from benchmarks.registry_world import BIG, MANY, RARE, SMALL, World
from sobank.store import migrate
from sobank.store.database import Database
from sobank.store.listing import WALKED

ACCOUNTS: Final = 1_000_000
#: What a page may take at the 95th percentile, on two cores.
AT_MOST_SECONDS: Final = 0.2
_SIZE: Final = 50

Asks = dict[str, Any]
Maker = Callable[[np.random.Generator, World], Asks]


@contextmanager
def benchmarks(size: float, folder: Path) -> Iterator[Sequence[Benchmark]]:
    """A registry in a PostgreSQL that runs on the same cores as who asks it."""
    accounts = int(os.environ.get("ACCOUNTS") or ACCOUNTS * size)
    each = int(os.environ.get("QUESTIONS") or 100)
    made = registry_world.world(accounts)
    with postgres(**SERVER) as server:
        url = named(server, create(server, "registry"))
        database = Database(url)
        migrate.upgrade(database)
        registry_world.load(database, made)
        database.close()
        yield [benchmark(made, questions(made, each), url, folder / "answers.json")]


def benchmark(made: World, asked: Sequence[Mapping[str, Any]], url: str, answers: Path) -> Benchmark:
    """The questions, in their order, to a database that holds a world."""
    right = Answers(made)

    def verify(_work: Work) -> None:
        given = json.loads(answers.read_text())
        if len(given) != len(asked):
            raise WrongOutput(f"{len(asked)} questions, {len(given)} answers")
        for question, answer in zip(asked, given, strict=True):
            if answer != (expected := right.to(question["asks"])):
                raise WrongOutput(f"{question}: answered {str(answer)[:300]}, right is {str(expected)[:300]}")

    return Benchmark(
        name="registry",
        title=f"The registry on PostgreSQL: {made.accounts:,} accounts, {made.cabinets:,} cabinets",
        unit="questions",
        contenders=[
            Contender(
                name="ours",
                label="ours",
                module="benchmarks.ours.registry",
                asked={
                    "database": url,
                    "questions": list(asked),
                    "answers": str(answers),
                    "now": day.NOW.isoformat(),
                },
                verify=verify,
            )
        ],
        lap_at_most=AT_MOST_SECONDS,
    )


def questions(made: World, each: int) -> list[dict[str, Any]]:
    """So many of every kind, mixed: none profits from its like just before it."""
    rng = np.random.default_rng(20261123)
    found = [{"kind": kind, "asks": maker(rng, made)} for kind, maker in KINDS.items() for _ in range(each)]
    return [found[place] for place in rng.permutation(len(found))]


def _accounts(**fixed: Any) -> Maker:
    """A page of the list of accounts; a callable among `fixed` is asked anew for each question."""

    def maker(rng: np.random.Generator, made: World) -> Asks:
        drawn = {key: value(rng, made) if callable(value) else value for key, value in fixed.items()}
        return {"what": "accounts", "user": None} | drawn

    return maker


def _first_pages(rng: np.random.Generator, _made: World) -> int:
    return int(rng.integers(1, 4))


def _last_pages(rng: np.random.Generator, _made: World) -> int:
    return WALKED // _SIZE - int(rng.integers(0, 10))


def _any_account(rng: np.random.Generator, made: World) -> int:
    return int(rng.integers(1, made.accounts + 1))


def _account_of(user: str) -> Callable[[np.random.Generator, World], int]:
    def drawn(rng: np.random.Generator, made: World) -> int:
        theirs = np.flatnonzero(np.isin(made.cabinet, made.members()[user]))
        return int(rng.choice(theirs)) + 1

    return drawn


def _any_code(rng: np.random.Generator, made: World) -> str:
    return made.code(int(rng.integers(0, made.cabinets)))


def _part_of_iban(rng: np.random.Generator, made: World) -> str:
    return str(made.iban[_any_account(rng, made) - 1])[14:25]


def _few_digits(rng: np.random.Generator, _made: World) -> str:
    return f"{rng.integers(0, 10_000):04d}"


def _part_of_siret(rng: np.random.Generator, made: World) -> str:
    siret = made.siret[int(rng.integers(0, len(made.siret)))]
    return f"{siret[:3]} {siret[3:6]} {siret[6:9]}"


def _company(rng: np.random.Generator, made: World) -> str:
    return made.company[int(rng.integers(0, len(made.company)))].upper()


def _nowhere(rng: np.random.Generator, _made: World) -> str:
    return f"introuvable {rng.integers(0, 1000)}"


def _diagnosis(user: str | None) -> Maker:
    def maker(rng: np.random.Generator, made: World) -> Asks:
        account = _any_account(rng, made) if user is None else _account_of(user)(rng, made)
        return {"what": "diagnosis", "user": user, "iban": str(made.iban[account - 1])}

    return maker


def _old_diagnosis(rng: np.random.Generator, made: World) -> Asks:
    return {"what": "diagnosis", "user": BIG, "iban": str(made.iban[int(rng.integers(0, registry_world.OLD))])}


def _sheet(rng: np.random.Generator, made: World) -> Asks:
    return {"what": "sheet", "user": BIG, "account_id": _account_of(BIG)(rng, made)}


def _dossiers(**fixed: Any) -> Maker:
    def maker(rng: np.random.Generator, made: World) -> Asks:
        return _accounts(**fixed)(rng, made) | {"what": "dossiers"}

    return maker


def _cabinets(rng: np.random.Generator, _made: World) -> Asks:
    return {"what": "cabinets", "user": None, "page": _first_pages(rng, _made)}


KINDS: Final[dict[str, Maker]] = {
    "list, operator, first pages": _accounts(page=_first_pages),
    "list, operator, last pages by number": _accounts(page=_last_pages),
    "list, operator, going on from any account": _accounts(after=_any_account),
    "list, operator, one cabinet": _accounts(cabinet=_any_code, page=1),
    "list, member of the largest, first pages": _accounts(user=BIG, page=_first_pages),
    "list, member of the largest, last pages": _accounts(user=BIG, page=_last_pages),
    "list, member of the largest, going on": _accounts(user=BIG, after=_account_of(BIG)),
    "list, member of a small one": _accounts(user=SMALL, page=1),
    "list, member of one in ten, first pages": _accounts(user=MANY, page=_first_pages),
    "list, member of one in ten, last pages": _accounts(user=MANY, page=_last_pages),
    "list, member of one in ten, going on": _accounts(user=MANY, after=_account_of(MANY)),
    "filter, operator, frequent step": _accounts(mandate="approved", page=_first_pages),
    "filter, operator, rare step": _accounts(mandate="rejected", page=_first_pages),
    "filter, operator, 5 % of steps, last pages": _accounts(mandate="draft", page=_last_pages),
    "filter, operator, 2 % of steps, last pages": _accounts(mandate="bank_processing", page=_last_pages),
    "filter, operator, a connector": _accounts(connector="fulll-2", page=_first_pages),
    "filter, operator, no connector": _accounts(connector="", page=_last_pages),
    "filter, operator, no mandate": _accounts(mandate="none", page=1),
    "filter, largest, step and connector": _accounts(user=BIG, mandate="revoked", connector="fizen-1", page=1),
    "filter, largest, no connector": _accounts(user=BIG, connector="", page=_last_pages),
    "search, operator, account number": _accounts(search=_part_of_iban),
    "search, operator, four digits": _accounts(search=_few_digits),
    "search, operator, a bank's code": _accounts(search="FR76", page=_first_pages),
    "search, operator, frequent word": _accounts(search="societe", page=_first_pages),
    "search, operator, rare word": _accounts(search=RARE.lower()),
    "search, operator, company": _accounts(search=_company),
    "search, operator, siret": _accounts(search=_part_of_siret),
    "search, operator, no match": _accounts(search=_nowhere),
    "search, operator, two letters nowhere": _accounts(search="zq"),
    "search, largest, account number": _accounts(user=BIG, search=_part_of_iban),
    "search, largest, four digits": _accounts(user=BIG, search=_few_digits),
    "search, largest, frequent word and step": _accounts(user=BIG, search="epicerie", mandate="draft"),
    "search, largest, no match": _accounts(user=BIG, search=_nowhere),
    "search, one in ten, company": _accounts(user=MANY, search=_company),
    "search, one in ten, frequent word": _accounts(user=MANY, search="pharmacie", page=_last_pages),
    "dossiers, operator, last pages": _dossiers(page=_last_pages),
    "dossiers, operator, company": _dossiers(search=_company),
    "dossiers, operator, frequent word": _dossiers(search="cafe"),
    "dossiers, member of the largest": _dossiers(user=BIG, page=_last_pages),
    "cabinets, operator": _cabinets,
    "account's sheet, member of the largest": _sheet,
    "diagnosis, operator": _diagnosis(None),
    "diagnosis, member of the largest": _diagnosis(BIG),
    "diagnosis, two years of statements": _old_diagnosis,
}
