"""The suite catches every sender that is wrong, on the kinds of partner on which it does harm.

A partner who knows keys, or content, again makes good what a sender does wrong with names, probes and the ledger.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.faults import mutants
from tests.faults.mutants import Sender
from tests.faults.partners import Partner, PartnerFolder
from tests.faults.seeds import object_name
from tests.faults.steps import Killed
from tests.faults.sweeps import sweep
from tests.faults.worlds import Worlds

#: Claim and look at the spool come first: nothing is at the partner's before.
FIRST = 10


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """A wrong sender, what brings it to light (None: no answer), and on whom it does harm."""

    sender: Sender
    error: Callable[[], BaseException] | None = Killed
    on: tuple[str, ...] = ("folder", "sftp", "s3")


MUTANTS = {
    "re-sends under a new name": Mutant(
        sender=Sender(ledger=mutants.SkipsTheProbe, sink=mutants.NewNameEachAttempt),
        on=("folder", "sftp", "s3", "https_asked"),
    ),
    "re-sends under a new key": Mutant(
        sender=Sender(ledger=mutants.SkipsTheProbe, sink=mutants.NewKeyEachAttempt), on=("https", "https_keys")
    ),
    "counts no answer as delivered": Mutant(
        sender=Sender(ledger=mutants.CountsNoAnswerAsDelivered),
        error=None,
        on=("folder", "sftp", "openssh", "s3", "https", "https_neither", "myunisoft"),
    ),
    "counts no answer as not received": Mutant(
        sender=Sender(ledger=mutants.CountsNoAnswerAsNotReceived),
        error=None,
        on=("folder", "sftp", "s3", "https_neither"),
    ),
    "puts if absent and never probes": Mutant(
        sender=Sender(ledger=mutants.SkipsTheProbe), on=("folder", "sftp", "openssh", "s3", "https_asked")
    ),
    "publishes before recording staged": Mutant(
        sender=Sender(ledger=mutants.PublishesBeforeRecordingStaged), on=("folder", "sftp", "openssh", "s3")
    ),
    "counts the unclassified as a success": Mutant(
        sender=Sender(sink=mutants.CountsTheUnclassifiedAsSuccess),
        error=lambda: RuntimeError("?"),
        on=("folder", "sftp", "s3", "https", "myunisoft"),
    ),
}


@pytest.mark.parametrize(
    ("mutant", "partner"),
    [(name, kind) for name, mutant in MUTANTS.items() for kind in mutant.on],
    indirect=["partner"],
)
def test_the_sweep_catches_a_sender_that(worlds: Worlds, partner: Partner, mutant: str) -> None:
    wrong = MUTANTS[mutant]
    swept = sweep(
        worlds, partner, wrong.error or partner.no_answer,
        greedy=True, sender=wrong.sender, stop_when_caught=True, first=FIRST,
    )  # fmt: skip
    assert swept.missing or swept.doubled, f"a sender that {mutant} went through unnoticed"


def test_a_statement_that_the_partner_keeps_is_doubled_by_a_new_name_as_well(
    worlds: Worlds, folder: PartnerFolder
) -> None:
    sender = MUTANTS["re-sends under a new name"].sender
    assert sweep(worlds, folder, Killed, sender=sender, stop_when_caught=True, first=FIRST).doubled


def test_the_sweep_catches_a_folder_that_is_published_into_by_link_and_unlink(
    worlds: Worlds, folder: PartnerFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "stepped", mutants.LinksThenUnlinks)
    assert sweep(worlds, folder, Killed, greedy=True, stop_when_caught=True, first=FIRST).doubled


class Clobbers:
    """A remote that makes room for the final name before it publishes."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def move(self, root: int, old: str, new: str) -> None:
        """Of a folder."""
        os.replace(old, new, src_dir_fd=root, dst_dir_fd=root)

    def rename(self, old: str, new: str) -> None:
        """Of an SFTP server."""
        self._inner.remove(new)
        self._inner.rename(old, new)

    def complete(self, at: Any, upload: str, parts: Any) -> None:
        """Of a store of objects."""
        self._inner._client(at).delete_object(Bucket=at.bucket, Key=at.key)
        self._inner.complete(at, upload, parts)


@pytest.mark.parametrize("partner", ["folder", "sftp", "openssh", "s3"], indirect=True)
def test_a_rename_that_clobbers_is_caught_by_what_it_replaced(worlds: Worlds, partner: Partner) -> None:
    """tests/faults/test_partner_faults.py asserts the same of the real thing, the other way round."""
    world = worlds.new(partner, greedy=False)
    partner.put_by_hand(object_name(1), b"other bytes")
    real = partner.sink
    world.sink_around = lambda _sink: real(payload=world.spool.open, around=Clobbers)
    world.push()
    assert (object_name(1), b"other bytes") not in partner.received()
