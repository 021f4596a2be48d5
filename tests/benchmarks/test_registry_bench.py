"""The registry's questions are answered right or not counted; what is right is found without a database."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from benchmarks.frame import Benchmark, Run, WrongOutput, laps
from benchmarks.ours.registry import answerer
from benchmarks.registry import KINDS, benchmark, questions
from benchmarks.registry_answers import Answers

from benchmarks import day, registry_answers, registry_world
from sobank.store import account_search, listing
from sobank.store.database import Database

ACCOUNTS = 4_000


@pytest.fixture(scope="module")
def made() -> registry_world.World:
    return registry_world.world(ACCOUNTS)


@pytest.fixture(scope="module")
def url(fresh_postgres_url: Callable[[], str], made: registry_world.World) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry_world, "OLD_DAYS", 3)
        found = fresh_postgres_url()
        database = Database(found)
        registry_world.load(database, made)
        database.close()
        yield found


def test_the_world_is_the_same_every_time_and_has_the_shares_that_it_promises(made: registry_world.World) -> None:
    again = registry_world.world(ACCOUNTS)
    assert made.iban.equals(again.iban)
    assert made.company == again.company
    assert len(set(made.iban.to_pylist())) == made.accounts == ACCOUNTS
    assert (made.cabinet == 0).mean() == pytest.approx(0.05, abs=0.01)
    assert ACCOUNTS / len(made.company) == pytest.approx(4, abs=0.3)


def test_every_kind_of_question_is_answered_right(url: str, made: registry_world.World) -> None:
    answer, right = answerer(url, day.NOW), Answers(made)
    asked = questions(made, 2)
    assert {question["kind"] for question in asked} == set(KINDS)
    for question in asked:
        given = json.loads(json.dumps(answer(dict(question["asks"]))))
        assert given == right.to(question["asks"]), question


def test_the_walks_through_long_lists_are_answered_right_too(
    url: str, made: registry_world.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (listing, account_search, registry_answers):
        monkeypatch.setattr(module, "COUNTED", 1_100)  # a quarter of them
    answer, right = answerer(url, day.NOW), Answers(made)
    longer = 0
    for question in questions(made, 2):
        given = json.loads(json.dumps(answer(dict(question["asks"]))))
        assert given == right.to(question["asks"]), question
        longer += given[-1] is True
    assert longer > 10


@pytest.fixture
def measured(tmp_path: Path, made: registry_world.World) -> tuple[Benchmark, Path, list[Any]]:
    """A benchmark of a few questions, the file of its answers, and the right ones."""
    asked, path = questions(made, 1)[:5], tmp_path / "answers.json"
    return benchmark(made, asked, "unused", path), path, [Answers(made).to(question["asks"]) for question in asked]


@pytest.mark.parametrize("wrong", [lambda right: right[:-1], lambda right: [*right[:-1], [[0], 1, False]]])
def test_a_wrong_or_missing_answer_counts_for_nothing(
    measured: tuple[Benchmark, Path, list[Any]], wrong: Callable[[list[Any]], list[Any]]
) -> None:
    bench, path, right = measured
    path.write_text(json.dumps(right))
    bench.contenders[0].verify({})
    path.write_text(json.dumps(wrong(right)))
    with pytest.raises(WrongOutput):
        bench.contenders[0].verify({})


def test_the_95th_percentile_is_a_time_that_was_measured_and_95_of_100_are_no_longer() -> None:
    times = [float(n) for n in range(100, 0, -1)]
    run = Run(wall=1, cpu=1, peak_mb=1, work={}, steps={}, peaks={}, costs={}, laps={"list": times})
    assert list(laps([run])) == [("list", 100, 50.5, 95.0, 100.0)]
    short = Run(wall=1, cpu=1, peak_mb=1, work={}, steps={}, peaks={}, costs={}, laps={"list": [3.0, 1.0]})
    assert list(laps([short])) == [("list", 2, 2.0, 3.0, 3.0)]
