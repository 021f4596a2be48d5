"""What each record is and says: kind, statement it belongs to by position, date, amount, and why it is refused (S1–S6).

Works on a block of whole statements; every array has one element a record.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from sobank.formats.cfonb120_codes import REFUSAL_BIT, WARNING_BIT
from sobank.formats.cfonb120_columns import NO_DAY, SPACE, Amounts, Days
from sobank.formats.cfonb120_framing import Frames
from sobank.formats.cfonb120_layout import MOVEMENT, column
from sobank.formats.cfonb120_stream import DRIFTED, REFUSED, TOO_LONG, WAS_SHORT, WAS_UTF8
from sobank.formats.cfonb120_words import Flags, Ints, Rows, word

#: Kinds of records; a 03 is a movement when it reads as one.
UNKNOWN, OPENING, ODD_MOVEMENT, MOVED, COMPLETING, CLOSING = 0, 1, 3, 4, 5, 7
#: By the first two characters, the first one the lower byte.
_KIND: Final = np.zeros(1 << 16, np.uint8)
for _kind in (OPENING, ODD_MOVEMENT, MOVED, COMPLETING, CLOSING):
    _KIND[int.from_bytes(b"0%d" % _kind, "little")] = _kind
_DATE, _VALUE_DATE, _AMOUNT, _DECIMALS = (
    column(MOVEMENT, name) for name in ("date", "value_date", "amount", "decimals")
)

Masks = npt.NDArray[np.uint32]


@dataclass(frozen=True, kw_only=True, slots=True)
class Records:
    """A block of records, read. `statement`: 0-based in the block, −1 outside; `refusal`: one bit, 0 where parsed.

    `moves`: where a readable movement stands.
    """

    frames: Frames
    kind: npt.NDArray[np.uint8]
    statement: Ints
    opener: Ints
    refusal: Masks
    warning: Masks
    amount: Ints
    day: npt.NDArray[np.int32]
    value_day: npt.NDArray[np.int32]
    decimals: npt.NDArray[np.int8]
    moves: Flags

    @property
    def rows(self) -> Rows:
        """The characters."""
        return self.frames.rows


def kinds(frames: Frames) -> npt.NDArray[np.uint8]:
    """The kind of each record by its first two characters; what framing refused is unknown."""
    kind = _KIND[word(frames.rows, 0, 2).view(np.int64)]
    if frames.mark.any():
        kind[(frames.mark & REFUSED) != 0] = UNKNOWN
    return kind


def last_where(condition: Flags) -> Ints:
    """For each element the index of the last true one up to it, or −1."""
    return np.maximum.accumulate(np.where(condition, np.arange(len(condition)), -1))


def read_records(frames: Frames, max_records: int) -> Records:
    """Read a block that begins outside any statement or at a 01, and ends with whole statements.

    Args:
        max_records: a statement is cut after that many; its other records are outside.
    """
    rows, kind = frames.rows, kinds(frames)
    index = np.arange(len(rows))
    opener, closer = last_where(kind == OPENING), last_where(kind == CLOSING)
    closed_before = np.concatenate([np.full(1, -1, np.int64), closer[:-1]]) if len(rows) else closer
    inside = (opener > closed_before) & (index - opener < max_records)
    statement = np.where(inside, np.cumsum(kind == OPENING) - 1, -1)

    refusal, warning = _by_position(frames, kind, inside)
    records = Records(
        frames=frames,
        kind=kind,
        statement=statement,
        opener=opener,
        refusal=refusal,
        warning=warning,
        amount=np.zeros(len(rows), np.int64),
        day=np.full(len(rows), NO_DAY, np.int32),
        value_day=np.full(len(rows), NO_DAY, np.int32),
        decimals=np.full(len(rows), -1, np.int8),
        moves=inside & ((kind == MOVED) | (kind == ODD_MOVEMENT)),
    )
    _read_values(records, np.flatnonzero(inside & (kind != UNKNOWN) & (kind != COMPLETING)))
    _refuse_orphans(records, inside)
    records.moves[refusal != 0] = False
    return records


def _read_values(records: Records, valued: Ints) -> None:
    """Fill in dates, amounts and decimals of the 01, 03, 04 and 07 at `valued`, and refuse what cannot be read."""
    rows, kind = records.rows.take(valued, axis=0), records.kind[valued]
    dates, amounts, decimals = _DATE.read(rows), _AMOUNT.read(rows), _DECIMALS.read(rows)
    records.day[valued], records.amount[valued], records.decimals[valued] = dates.day, amounts.value, decimals
    records.refusal[valued] = _unreadable(dates, amounts, decimals)
    records.warning[valued[amounts.padded]] |= WARNING_BIT["amount_padded"]

    moving = np.flatnonzero((kind == MOVED) | (kind == ODD_MOVEMENT))
    at, odd = valued[moving], kind[moving] == ODD_MOVEMENT
    values = _VALUE_DATE.read(rows)
    records.value_day[at] = values.day[moving]
    unread = (~values.good & ~values.empty)[moving]
    misread = odd & (unread | (records.refusal[at] != 0))
    records.refusal[at[misread]] = REFUSAL_BIT["unknown_record"]
    taken = records.refusal[at] == 0
    records.warning[at[unread & taken]] |= WARNING_BIT["bad_value_date"]
    records.warning[at[odd & taken]] |= WARNING_BIT["movement_03"]


def _by_position(frames: Frames, kind: npt.NDArray[np.uint8], inside: Flags) -> tuple[Masks, Masks]:
    """Refusals and warnings that need no look inside the record."""
    refusal, warning = np.zeros(len(kind), np.uint32), np.zeros(len(kind), np.uint32)
    refusal[~inside] = REFUSAL_BIT["outside_statement"]
    refusal[(kind == UNKNOWN) | (~inside & (kind == ODD_MOVEMENT))] = REFUSAL_BIT["unknown_record"]
    if frames.mark.any():
        refusal[(frames.mark & DRIFTED) != 0] = REFUSAL_BIT["drift"]
        refusal[(frames.mark & TOO_LONG) != 0] = REFUSAL_BIT["too_long"]
        warning[(frames.mark & WAS_UTF8) != 0] |= WARNING_BIT["utf8"]
        warning[(frames.mark & WAS_SHORT) != 0] |= WARNING_BIT["drift"]
    if frames.rows.min(initial=SPACE) == 0:
        warning[(frames.rows == 0).any(axis=1)] |= WARNING_BIT["control_characters"]
    return refusal, warning


def _unreadable(dates: Days, amounts: Amounts, decimals: npt.NDArray[np.int8]) -> Masks:
    """Why a 01, 04 or 07 cannot be read: its amount, else its decimals, else its date.

    In this order, so that `bad_date` says that the amount is good.
    """
    masks = np.zeros(len(decimals), np.uint32)
    masks[~dates.good] = REFUSAL_BIT["bad_date"]
    masks[decimals == -2] = REFUSAL_BIT["bad_decimals"]
    masks[~amounts.good] = REFUSAL_BIT["bad_amount"]
    return masks


def _refuse_orphans(records: Records, inside: Flags) -> None:
    """Refuse the 05 whose movement is not there, or was refused."""
    kind, refusal = records.kind, records.refusal
    completing = np.flatnonzero(inside & (kind == COMPLETING))
    owner = last_where(records.moves)[completing]
    orphan = (owner < records.opener[completing]) | (refusal[np.maximum(owner, 0)] != 0)
    refusal[completing[orphan]] = REFUSAL_BIT["complement_without_movement"]
