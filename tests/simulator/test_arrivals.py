"""The judge of the demo and of the end-to-end tests: it must see every way in which a delivery can be wrong."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from sobank.simulator.arrivals import arrivals, judge

CONNECTORS = [("CAB001", "fulll", "fulll"), ("CAB001", "fulll", "fulll-2")]
FULLL, SECOND, GLOBAL = "connector:CAB001/fulll", "connector:CAB001/fulll-2", "global:CAB001"


def statement(number: int) -> list[bytes]:
    return [f"{code}{number:06d}".encode().ljust(120) for code in ("01", "04", "05", "04", "07")]


def sha256(number: int) -> str:
    return hashlib.sha256(b"".join(statement(number))).hexdigest()


def expected(**destinations: str) -> list[dict[str, Any]]:
    return [{"sha256": sha256(int(key[1:])), "destination": place} for key, place in destinations.items()]


def put(home: Path, place: str, name: str, *numbers: int, end: bytes = b"\r\n") -> Path:
    path = home / place / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(record + end for number in numbers for record in statement(number)))
    return path


@pytest.fixture
def delivered(tmp_path: Path) -> Path:
    put(tmp_path, "partners/fulll/CAB001", "SOBANK_CAB001_fulll_20260105_001.cfonb.txt", 1, 2, end=b"\n")
    put(tmp_path, "partners/fulll/CAB001", "SOBANK_CAB001_fulll-2_20260105_001.cfonb.txt", 3)
    put(tmp_path, "global/CAB001", "CAB001_20260105_001.cfonb.txt", 4)
    (tmp_path / "global/CAB001/CAB001_20260105_001.cfonb.txt.json").write_text("{}")
    return tmp_path


RIGHT = expected(s1=FULLL, s2=FULLL, s3=SECOND, s4=GLOBAL, s5="waiting", s6="quarantine:unbalanced")


def test_what_lies_where_it_has_to_is_right(delivered: Path) -> None:
    found = arrivals(delivered, CONNECTORS)
    assert [(a.destination, len(a.statements), a.entries) for a in found] == [
        (FULLL, 2, 4),
        (SECOND, 1, 2),
        (GLOBAL, 1, 2),
    ]
    verdict = judge(RIGHT, found)
    assert verdict.right
    assert verdict.expected == 4


def test_a_statement_that_did_not_arrive_is_missing(delivered: Path) -> None:
    verdict = judge([*RIGHT, *expected(s7=GLOBAL)], arrivals(delivered, CONNECTORS))
    assert (verdict.right, verdict.missing) == (False, (sha256(7),))


def test_a_statement_that_lies_twice_is_doubled_in_one_file_or_in_two(delivered: Path) -> None:
    put(delivered, "global/CAB001", "CAB001_20260106_001.cfonb.txt", 4)
    put(delivered, "partners/fulll/CAB001", "SOBANK_CAB001_fulll-2_20260105_001.cfonb.txt", 3, 3)
    verdict = judge(RIGHT, arrivals(delivered, CONNECTORS))
    assert (verdict.right, verdict.doubled) == (False, tuple(sorted((sha256(3), sha256(4)))))


def test_a_statement_at_another_connector_is_misplaced(delivered: Path) -> None:
    verdict = judge(expected(s1=FULLL, s2=FULLL, s3=FULLL, s4=GLOBAL), arrivals(delivered, CONNECTORS))
    assert (verdict.right, verdict.misplaced) == (False, (sha256(3),))


@pytest.mark.parametrize("place", ["waiting", "quarantine:unbalanced"])
def test_a_statement_that_had_to_stay_is_unexpected_where_it_arrived(delivered: Path, place: str) -> None:
    verdict = judge(expected(s1=FULLL, s2=FULLL, s3=SECOND, s4=place), arrivals(delivered, CONNECTORS))
    assert (verdict.right, verdict.unexpected) == (False, (sha256(4),))


def test_a_statement_with_one_altered_byte_is_both_missing_and_unexpected(delivered: Path) -> None:
    path = delivered / "global/CAB001/CAB001_20260105_001.cfonb.txt"
    path.write_bytes(path.read_bytes().replace(b"07000004", b"07000005"))
    verdict = judge(RIGHT, arrivals(delivered, CONNECTORS))
    assert verdict.missing == (sha256(4),)
    assert len(verdict.unexpected) == 1


@pytest.mark.parametrize(
    "content", [b"01".ljust(119) + b"\r\n", b"01".ljust(120), b"04".ljust(120) + b"\n", b"x\n", b"\n"]
)
def test_a_file_that_is_not_whole_records_is_refused_not_counted(delivered: Path, content: bytes) -> None:
    (delivered / "global/CAB001/CAB001_20260107_001.cfonb.txt").write_bytes(content)
    with pytest.raises(ValueError, match="CAB001_20260107_001"):
        arrivals(delivered, CONNECTORS)


@pytest.fixture
def server(tmp_path: Path) -> Path:
    """The folder of a partner's server: one file lies there, one was taken out."""
    put(tmp_path, "server/inbox", "SOBANK_CAB001_fulll_20260105_001.cfonb.txt", 1)
    put(tmp_path, "server/taken", "SOBANK_CAB001_fulll-2_20260105_001.cfonb.txt", 2)
    return tmp_path / "server"


IN_INBOX = expected(s1=FULLL, s2=SECOND)


def test_what_a_server_received_counts_whether_it_was_taken_out_or_not(server: Path, tmp_path: Path) -> None:
    found = arrivals(tmp_path / "home", CONNECTORS, {"fulll": server})
    assert [(a.destination, a.path.parent.name) for a in found] == [(FULLL, "inbox"), (SECOND, "taken")]
    assert judge(IN_INBOX, found).right


def test_what_came_again_after_it_was_taken_out_is_doubled(server: Path, tmp_path: Path) -> None:
    put(tmp_path, "server/inbox", "SOBANK_CAB001_fulll-2_20260105_001.cfonb.txt", 2)
    put(tmp_path, "server/taken", "SOBANK_CAB001_fulll-2_20260105_001.cfonb.txt~2", 2)
    verdict = judge(IN_INBOX, arrivals(tmp_path / "home", CONNECTORS, {"fulll": server}))
    assert (verdict.right, verdict.doubled) == (False, (sha256(2),))


@pytest.mark.parametrize(
    "name", ["SOBANK_CAB002_fulll_20260105_001.cfonb.txt", "SOBANK_CAB001_inqom_20260105_001.cfonb.txt", "other.txt"]
)
def test_a_file_that_is_for_nobody_of_this_partner_is_seen(server: Path, tmp_path: Path, name: str) -> None:
    put(tmp_path, "server/inbox", name, 3)
    found = arrivals(tmp_path / "home", CONNECTORS, {"fulll": server})
    assert "nobody at fulll" in {arrival.destination for arrival in found}
    assert judge(IN_INBOX, found).unexpected == (sha256(3),)
    assert judge([*IN_INBOX, *expected(s3=GLOBAL)], found).misplaced == (sha256(3),)
