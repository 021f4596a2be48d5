"""What `make bench` may say: only what was verified, and no ratio without what differs between its two sides."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

import pytest
from benchmarks.__main__ import main
from benchmarks.frame import (
    Benchmark,
    Comparison,
    Contender,
    Measured,
    Opens,
    Run,
    Work,
    WrongOutput,
    measure,
    ratio,
)
from benchmarks.report import sentence

WORK = {"files": 10, "durable": "fsync"}


@pytest.fixture
def world(tmp_path: Path) -> Callable[..., Mapping[str, Opens]]:
    """Makes a benchmark of two contenders, `a` and `b`; each keyword changes what that one is asked."""

    def made(**asked: Mapping[str, object]) -> Mapping[str, Opens]:
        @contextmanager
        def opened(_size: float, folder: Path) -> Iterator[Sequence[Benchmark]]:
            yield [_benchmark(folder, asked)]

        return {"pretended": opened}

    return made


def _benchmark(folder: Path, asked: Mapping[str, Mapping[str, object]]) -> Benchmark:
    output = folder / "output"

    def verify(_work: Work) -> None:
        if output.read_bytes() != b"right":
            raise WrongOutput("other bytes")

    contenders = [
        Contender(
            name=name,
            label=f"the {name}",
            module="tests.benchmarks.pretend",
            asked={"output": str(output), "content": "right", "work": WORK} | asked.get(name, {}),
            verify=verify,
        )
        for name in ("a", "b")
    ]
    comparisons = [
        Comparison(of="a", to="b", measure="rate", at_least=1e9),
        Comparison(of="b", to="a", at_most=1e9),
        Comparison(of="a", to="b", measure="cpu", more=True, at_most=0.1),
    ]
    return Benchmark(name="pretended", title="A < B", unit="files", contenders=contenders, comparisons=comparisons)


def _main(known: Mapping[str, Opens], results: Path, **environment: str) -> int:
    return main({"RESULTS": str(results), "ROUNDS": "1"} | environment, known)


def test_contenders_take_turns_and_the_results_hold_every_round(
    world: Callable[..., Mapping[str, Opens]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _main(world(), tmp_path, ROUNDS="2", SIZE="0.5") == 0
    said = [line for line in capsys.readouterr().err.splitlines() if "round" in line]
    assert [line.partition(": ")[2].split(":")[0] for line in said] == ["the a", "the b"] * 2
    found = json.loads((tmp_path / "results-size-0.5.json").read_text())
    assert set(found["machine"]) == {"processor", "cores", "memory_gb", "kernel", "file_system"}  # and no host name
    assert found["versions"]["ours"]["numpy"]
    (benchmark,) = found["benchmarks"]
    assert (benchmark["size"], benchmark["rounds"]) == (0.5, 2)
    assert [len(contender["wall_s"]["rounds"]) for contender in benchmark["contenders"]] == [2, 2]
    assert [one["reached"] for one in benchmark["ratios"]][:2] == [False, True]


def test_a_ratio_of_runs_that_did_different_work_says_what_differs(
    world: Callable[..., Mapping[str, Opens]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _main(world(b={"work": {"files": 9, "checked": "read back"}}), tmp_path) == 0
    table = capsys.readouterr().out
    differs = "not the same work: files: 10 / 9; durable: fsync / not said; checked: not said / read back"
    ratios = [place for place, line in enumerate(table.splitlines()) if " × " in line]
    assert len(ratios) == 2
    assert differs in table.splitlines()[ratios[0] + 1]
    assert "files: 9 / 10" in table.splitlines()[ratios[1] + 1]
    assert json.loads((tmp_path / "results.json").read_text())["benchmarks"][0]["ratios"][0]["differences"]
    drawn = (tmp_path / "results.svg").read_text()
    assert ">fsync<" in drawn
    assert "scaled from a run of 9 files; read back" in drawn


def test_a_ratio_of_the_same_work_stands_alone(
    world: Callable[..., Mapping[str, Opens]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _main(world(), tmp_path) == 0
    assert "not the same work" not in capsys.readouterr().out


@pytest.mark.parametrize("asked", [{"content": "wrong"}, {"work": {}}, {"fail": "broken"}])
def test_what_is_not_verified_is_not_counted(
    world: Callable[..., Mapping[str, Opens]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    asked: Mapping[str, object],
) -> None:
    assert _main(world(b=asked), tmp_path) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert not list(tmp_path.iterdir())
    if "fail" in asked:
        assert "RuntimeError: broken" in said.err


def test_cpu_of_children_and_the_peak_of_each_process_are_counted(
    world: Callable[..., Mapping[str, Opens]], tmp_path: Path
) -> None:
    mine = b"x" * (200 << 20)
    assert _main(world(a={"megabytes": 80, "burn": True}), tmp_path) == 0
    del mine
    a, b = json.loads((tmp_path / "results.json").read_text())["benchmarks"][0]["contenders"]
    assert a["peak_mb"]["median"] > 80
    assert b["peak_mb"]["median"] < 80
    assert a["cpu_s"]["median"] > 0.3
    assert list(a["steps"]) == ["hold", "burn"]
    assert a["steps"]["hold"]["peak_mb_up_to"] > 80


def test_what_a_step_costs_beside_its_time_stands_in_table_and_results(
    world: Callable[..., Mapping[str, Opens]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    costs = {"cpu_s": 1.25, "server_cpu_s": 7.5, "wal_bytes": 4096}
    assert _main(world(a={"costs": costs}), tmp_path, ROUNDS="2") == 0
    steps = [line.split() for line in capsys.readouterr().out.splitlines() if line.strip().startswith("hold")]
    assert ["1.25" in step and "7.50" in step for step in steps] == [True, False]
    a, b = json.loads((tmp_path / "results.json").read_text())["benchmarks"][0]["contenders"]
    assert (a["costs"], b["costs"]) == ({"hold": costs}, {})


def test_a_difference_is_told_in_seconds_and_held_against_its_aim(
    world: Callable[..., Mapping[str, Opens]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _main(world(a={"burn": True}), tmp_path) == 0
    more = [line for line in capsys.readouterr().out.splitlines() if " more than " in line]
    assert len(more) == 1
    assert "aim at most 0.1: NOT REACHED" in more[0]
    found = json.loads((tmp_path / "results.json").read_text())["benchmarks"][0]["ratios"][-1]
    assert found["more"]
    assert found["median"] > 0.1


def test_of_a_part_its_own_time_is_compared_and_what_was_done_by_then() -> None:
    done = {"files": 10, "durable": "fsync, read back"}
    steps = {"read": 2.0, "seal": 3.0, "leave": 4.0}
    measured = Measured(
        benchmark=Benchmark(name="parts", title="Parts", unit="files", contenders=()),
        runs={"a": [_run(wall=10, steps=steps, work=done)], "b": [_run(wall=2, steps={"read": 1.0}, work=WORK)]},
    )
    whole = ratio(measured, Comparison(of="a", to="b"))
    sealed = ratio(measured, Comparison(of="a", to="b", up_to="seal", had_done={"durable": "fsync"}))
    read = ratio(measured, Comparison(of="a", to="b", measure="rate", step="read"))
    assert (whole.median, sealed.median, read.median) == (5, 3, 0.5)
    assert whole.differences == ("durable: fsync, read back / fsync",)
    assert sealed.differences == ()


def test_a_part_is_named_where_its_ratio_stands(world: Callable[..., Mapping[str, Opens]], tmp_path: Path) -> None:
    with world(a={"burn": True})["pretended"](1, tmp_path) as (benchmark,):
        runs = measure(benchmark, rounds=1, python=lambda _peer: Path(sys.executable), say=lambda _line: None)
    (said,) = sentence(runs, Comparison(of="a", to="b", up_to="hold"))
    assert said.startswith("  time: the a, up to the end of hold = ")
    (said,) = sentence(runs, Comparison(of="a", to="b", measure="rate", step="hold"))
    assert said.startswith("  rate of step hold: the a = ")


def _run(*, wall: float, steps: Mapping[str, float], work: Work) -> Run:
    return Run(wall=wall, cpu=0, peak_mb=0, work=work, steps=steps, peaks={}, laps={}, costs={})


def test_the_plot_names_each_contender_and_knows_dark_pages(
    world: Callable[..., Mapping[str, Opens]], tmp_path: Path
) -> None:
    assert _main(world(), tmp_path) == 0
    text = (tmp_path / "results.svg").read_text()
    drawn = ElementTree.fromstring(text)  # noqa: S314  we wrote it
    texts = [element.text for element in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert {"the a", "the b"} <= set(texts)
    assert "prefers-color-scheme: dark" in text


def test_what_is_measured_alone_takes_its_own_place_among_what_was_measured_before(
    world: Callable[..., Mapping[str, Opens]], tmp_path: Path
) -> None:
    assert _main(world(), tmp_path) == 0
    path = tmp_path / "results.json"
    whole = json.loads(path.read_text())
    (first,) = whole["benchmarks"]
    path.write_text(json.dumps({**whole, "benchmarks": [first, {**first, "name": "another", "title": "Another"}]}))
    assert _main(world(), tmp_path, ROUNDS="2") == 0
    measured = json.loads(path.read_text())["benchmarks"]
    assert [(one["name"], one["rounds"]) for one in measured] == [(first["name"], 2), ("another", 1)]
    assert "Another" in (tmp_path / "results.svg").read_text()
    path.write_text(json.dumps({**whole, "machine": {"cores": 64}}))
    assert _main(world(), tmp_path) == 0
    assert json.loads(path.read_text())["machine"] == whole["machine"]
    assert len(json.loads(path.read_text())["benchmarks"]) == 1


def test_an_unknown_benchmark_is_named(
    world: Callable[..., Mapping[str, Opens]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _main(world(), tmp_path, ONLY="nothing") == 2
    assert "nothing" in capsys.readouterr().err
