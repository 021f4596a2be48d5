"""Two workers on one inbox never take the same file, lose none, and a file that refuses stops no other (S15)."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from sobank.errors import ConfigurationError
from sobank.store.inbox import Claimed, Inbox
from tests.builders import NOW

LATER = NOW + timedelta(days=9000)


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    return Inbox(tmp_path, quiet_seconds=0)


def _names(claims: Iterator[Claimed]) -> list[str]:
    return [claimed.name for claimed in claims]


def test_a_file_that_a_living_worker_is_taking_in_is_left_to_it(inbox: Inbox) -> None:
    for name in ("a.txt", "b.txt"):
        (inbox.folder / name).write_bytes(b"01")
    first_worker = inbox.claim(now=LATER)
    taking = next(first_worker)
    assert _names(inbox.claim(now=LATER)) == ["b.txt"]
    inbox.taken(taking)
    assert _names(first_worker) == []


def test_a_slow_worker_never_takes_away_a_newer_file_of_the_same_name(inbox: Inbox) -> None:
    arrived = inbox.folder / "a.txt"
    arrived.write_bytes(b"first")
    slow = inbox.claim(now=LATER)
    taking = next(slow)
    assert _names(inbox.claim(now=LATER)) == []
    arrived.write_bytes(b"second")
    inbox.taken(taking)
    assert [claimed.path.read_bytes() for claimed in inbox.claim(now=LATER)] == [b"second"]


def test_a_file_finished_by_another_worker_after_it_was_listed_is_passed_over(inbox: Inbox) -> None:
    claimed = inbox.folder / ".claimed"
    claimed.mkdir()
    for name in ("a.txt", "b.txt"):
        (claimed / name).write_bytes(b"01")
    worker = inbox.claim(now=LATER)
    assert next(worker).name == "a.txt"
    (claimed / "b.txt").unlink()
    assert _names(worker) == []


def test_a_file_that_may_not_be_taken_is_named_after_the_others_were(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.txt", "b.txt", "c.txt"):
        (inbox.folder / name).write_bytes(b"01")
    link = os.link

    def refusing(source: Path, target: Path) -> None:
        if source.name == "b.txt":
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
        link(source, target)

    monkeypatch.setattr(os, "link", refusing)
    taken: list[str] = []
    with pytest.raises(ConfigurationError, match=r"b\.txt: Operation not permitted"):
        taken.extend(claimed.name for claimed in inbox.claim(now=LATER))
    worker = inbox.claim(now=LATER)
    assert [next(worker).name, next(worker).name] == ["a.txt", "c.txt"]
    assert (inbox.folder / "b.txt").exists()
