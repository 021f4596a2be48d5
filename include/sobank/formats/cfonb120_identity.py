"""Who a statement is: IBAN from its RIB zones (S13), identity and content digests (S10)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sobank.formats.cfonb120_columns import NO_DAY, arrow_numbers, arrow_strings, first_of
from sobank.formats.cfonb120_words import Flags, Ints, Rows, inked, words

_RIB_DIGIT: Final = np.full(256, -1, np.int64)
_ISO_VALUE: Final = np.zeros(256, np.int64)
for _place, _character in enumerate("0123456789"):
    _RIB_DIGIT[ord(_character)] = _ISO_VALUE[ord(_character)] = _place
for _place, _character in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZ"):
    _RIB_DIGIT[ord(_character)] = int("12345678912345678923456789"[_place])
    _ISO_VALUE[ord(_character)] = _place + 10
_NINE: Final = ord("9")
_REMAINDER_OF_FR00: Final = 152700 % 97
_UPPER: Final = np.array([ord(chr(c).upper()) if c < 0x80 else c for c in range(256)], np.uint8)


def account_numbers(bank: Rows, branch: Rows, account: Rows) -> tuple[pa.Array, pa.Array]:
    """BBAN (23 characters) and French IBAN of each row, as `domain.iban` makes them; null where not alphanumeric.

    Args:
        bank: n × 5 characters. branch: n × 5. account: n × 11. Small letters count as capitals.
    """
    cells = _UPPER[np.concatenate([bank, branch, account], axis=1)]
    rib = _RIB_DIGIT[cells]
    absent: Flags = (rib < 0).any(axis=1)
    numbers = [
        rib[:, a:b] @ (10 ** np.arange(b - a - 1, -1, -1, dtype=np.int64)) for a, b in ((0, 5), (5, 10), (10, 21))
    ]
    key = 97 - (89 * numbers[0] + 15 * numbers[1] + 3 * numbers[2]) % 97
    bban = np.concatenate([cells, _two_digits(key)], axis=1)
    country = np.broadcast_to(np.frombuffer(b"FR00", np.uint8), (len(bban), 4))
    # The key makes a number of figures a multiple of 97: what is left is that of FR00. Letters count otherwise there.
    remainder = np.full(len(bban), _REMAINDER_OF_FR00)
    lettered = np.flatnonzero((cells > _NINE).any(axis=1))
    remainder[lettered] = _remainders(np.concatenate([bban, country], axis=1)[lettered])
    iban = np.concatenate([country[:, :2], _two_digits(98 - remainder), bban], axis=1)
    return _fixed(bban, absent), _fixed(iban, absent)


def _remainders(cells: Rows) -> Ints:
    """Of each row as ISO 7064 reads it, a letter as two figures, what division by 97 leaves."""
    remainder = np.zeros(len(cells), np.int64)
    for character in cells.T:
        value = _ISO_VALUE[character]
        remainder = (remainder * np.where(value > 9, 100, 10) + value) % 97
    return remainder


def _two_digits(number: Ints) -> Rows:
    return np.stack([number // 10 + 48, number % 10 + 48], axis=1).astype(np.uint8)


def _fixed(cells: Rows, absent: Flags) -> pa.Array:
    sizes = np.where(absent, 0, cells.shape[1])
    return arrow_strings(sizes, cells[~absent].reshape(-1), absent)


def identity_texts(
    texts: Sequence[Rows], days: Sequence[npt.NDArray[np.int32]], amounts: Sequence[tuple[Ints, Flags]]
) -> list[bytes]:
    """What names each statement, but for its ordinal: its values, each followed by U+001F, in UTF-8.

    Args:
        texts: bank, branch, account, currency: their characters, blanks at the right. days: opening and closing date
            (written ISO). amounts: opening and closing, in minor units, and where they are known (written plainly).
            What is absent is an empty text.
    """
    pieces = [*map(_text, texts), *map(_iso, days), *(_plain(*one) for one in amounts)]
    size = len(pieces[0].characters)
    end = _Piece(np.full((size, 1), 0x1F, np.uint8), np.ones((size, 1), bool))
    pieces = [one for piece in pieces for one in (piece, end)]
    kept = np.concatenate([piece.kept for piece in pieces], axis=1)
    characters = np.concatenate([piece.characters for piece in pieces], axis=1)
    bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.count_nonzero(kept, axis=1))]).tolist()
    joined = characters[kept].tobytes()
    if joined.isascii():
        return [joined[a:b] for a, b in pairwise(bounds)]
    return [joined[a:b].decode("latin-1").encode() for a, b in pairwise(bounds)]


class _Piece(NamedTuple):
    """Characters of each statement, of which those `kept` count."""

    characters: Rows
    kept: Flags


def _text(cells: Rows) -> _Piece:
    length = inked(words(np.ascontiguousarray(cells), 0, cells.shape[1]), cells.shape[1])
    return _Piece(cells, first_of(cells.shape[1])[length])


def _iso(days: npt.NDArray[np.int32]) -> _Piece:
    distinct, which = np.unique(days, return_inverse=True)
    known = distinct != NO_DAY
    written = np.where(known, distinct, 0).astype("M8[D]").astype("S10").view(np.uint8).reshape(-1, 10)
    which = which.reshape(-1)
    return _Piece(written[which], np.broadcast_to(known[which][:, None], (len(which), 10)))


def _plain(values: Ints, good: Flags) -> _Piece:
    """Whole numbers as they are written plainly: no zeros before them, a minus where it must be."""
    left = np.where(good, np.abs(values), 0)
    width = len(str(left.max(initial=0)))
    characters = np.full((len(values), width + 1), ord("-"), np.uint8)
    for place in range(width, 0, -1):
        rest = left // 10
        characters[:, place] = left - rest * 10 + 48
        left = rest
    length = np.ones(len(values), np.int64)
    for place in range(1, width):
        length += np.abs(values) >= 10**place
    kept = np.arange(width, -1, -1) < length[:, None]
    kept[:, 0] = values < 0
    kept[~good] = False
    return _Piece(characters, kept)


@dataclass(slots=True)
class Seen:
    """The statements of one file so far: what makes a duplicate of one, an ordinal of another (S10).

    Identities by position; by content, the position of the first statement that had it; by name, how many contents.
    """

    identities: list[bytes] = field(default_factory=list)
    first: dict[bytes, int] = field(default_factory=dict)
    contents: dict[bytes, int] = field(default_factory=dict)

    @property
    def position(self) -> int:
        """Of the next statement."""
        return len(self.identities)

    def meet(self, contents: Sequence[bytes], names: Sequence[bytes]) -> tuple[list[bytes], dict[int, int]]:
        """Identities of the next statements, and for those that repeat an earlier one its position.

        Identity: sha256 of the name and the ordinal: 0 for the first content of that name in the file, 1 for the next
        other content… A repeated content keeps the identity it had. One step a statement: its digest is one too.

        Args:
            contents: sha256 of the canonical records of each. names: `identity_texts`.
        """
        first, counted, identities, sha256 = self.first, self.contents, self.identities, hashlib.sha256
        begin = len(identities)
        twins: dict[int, int] = {}
        for position, (content, name) in enumerate(zip(contents, names, strict=True), begin):
            earlier = first.setdefault(content, position)
            if earlier != position:
                twins[position - begin] = earlier
                identities.append(identities[earlier])
                continue
            ordinal = counted.get(name, 0)
            counted[name] = ordinal + 1
            identities.append(sha256(b"%b%d" % (name, ordinal)).digest())
        return identities[begin:], twins


def told_apart(rows: Rows, bounds: Ints, names: Sequence[bytes], seen: Seen) -> dict[str, pa.Array]:
    """Digest of the content, identity and earlier twin of each statement (S10).

    Args:
        rows: canonical records; those of statement i are `bounds[i]` to `bounds[i + 1]`. names: `identity_texts`.
    """
    view, sha256 = memoryview(rows.reshape(-1).data), hashlib.sha256
    contents = [sha256(view[a:b]).digest() for a, b in pairwise((bounds * rows.shape[1]).tolist())]
    identities, twins = seen.meet(contents, names)
    twin, alone = np.zeros(len(names), np.int32), np.ones(len(names), bool)
    twin[list(twins)], alone[list(twins)] = list(twins.values()), False
    return {
        "content_sha256": _digests(contents),
        "identity": _digests(identities),
        "duplicate_of": arrow_numbers(twin, pa.int32(), alone),
    }


def _digests(values: list[bytes]) -> pa.Array:
    return pa.Array.from_buffers(pa.binary(32), len(values), [None, pa.py_buffer(b"".join(values))])
