"""Who a statement is: IBAN from its RIB zones (S13), identity and content digests (S10)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sobank.formats.cfonb120_columns import Flags, Ints, Rows, arrow_strings

_RIB_DIGIT: Final = np.full(256, -1, np.int64)
_ISO_VALUE: Final = np.zeros(256, np.int64)
for _place, _character in enumerate("0123456789"):
    _RIB_DIGIT[ord(_character)] = _ISO_VALUE[ord(_character)] = _place
for _place, _character in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZ"):
    _RIB_DIGIT[ord(_character)] = int("12345678912345678923456789"[_place])
    _ISO_VALUE[ord(_character)] = _place + 10
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
    remainder = np.zeros(len(bban), np.int64)
    for character in np.concatenate([bban, country], axis=1).T:
        value = _ISO_VALUE[character]
        remainder = (remainder * np.where(value > 9, 100, 10) + value) % 97
    iban = np.concatenate([country[:, :2], _two_digits(98 - remainder), bban], axis=1)
    return _fixed(bban, absent), _fixed(iban, absent)


def _two_digits(number: Ints) -> Rows:
    return np.stack([number // 10 + 48, number % 10 + 48], axis=1).astype(np.uint8)


def _fixed(cells: Rows, absent: Flags) -> pa.Array:
    sizes = np.where(absent, 0, cells.shape[1]).astype(np.int32)
    return arrow_strings(sizes, cells[~absent].reshape(-1), absent)


def identity_texts(columns: Sequence[pa.Array]) -> list[str]:
    """What names each statement, but for its ordinal: the texts of the columns joined by U+001F.

    Args:
        columns: bank, branch, account, currency, opening and closing date (ISO), opening and closing (plain integers
            of minor units); an absent value is an empty text.
    """
    texts = [column.cast(pa.string()) for column in columns]
    joined = pc.binary_join_element_wise(*texts, "\x1f", null_handling="replace", null_replacement="")
    names: list[str] = joined.to_pylist()
    return names


@dataclass(slots=True)
class Seen:
    """The statements of one file so far: what makes a duplicate of one, an ordinal of another (S10)."""

    position: int = 0
    first: dict[bytes, tuple[int, bytes]] = field(default_factory=dict)
    ordinals: dict[str, int] = field(default_factory=dict)

    def meet(self, content: bytes, name: str) -> tuple[bytes, int | None]:
        """Identity of the next statement, and the position of the earlier one it repeats.

        Identity: sha256 of `name` (`identity_texts`), U+001F and the ordinal: 0 for the first content of that name in
        the file, 1 for the next other content… A repeated content keeps the identity it had.

        Args:
            content: sha256 of its canonical records.
        """
        position, self.position = self.position, self.position + 1
        before = self.first.get(content)
        if before is not None:
            return before[1], before[0]
        ordinal = self.ordinals.get(name, 0)
        self.ordinals[name] = ordinal + 1
        identity = hashlib.sha256(f"{name}\x1f{ordinal}".encode()).digest()
        self.first[content] = (position, identity)
        return identity, None


def content_digests(rows: Rows, bounds: npt.NDArray[np.int64]) -> list[bytes]:
    """sha256 of rows `bounds[i]` to `bounds[i + 1]`, for each statement i."""
    view = memoryview(np.ascontiguousarray(rows).reshape(-1).data)
    places = (bounds * rows.shape[1]).tolist()
    return [hashlib.sha256(view[a:b]).digest() for a, b in pairwise(places)]
