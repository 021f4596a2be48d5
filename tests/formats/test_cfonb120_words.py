"""Eight characters as one number say what the characters one by one say: figures, lengths, days, amounts."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from sobank.domain.money import SIGN_CHARACTERS
from sobank.formats.cfonb120_columns import NO_DAY, read_amounts, read_days, read_text
from sobank.formats.cfonb120_words import figures, inked, wide, word, words

EVERY_BYTE = np.arange(256, dtype=np.uint8)


def cells(*texts: bytes) -> np.ndarray:
    return np.frombuffer(b"".join(texts), np.uint8).reshape(len(texts), -1)


@pytest.mark.parametrize("place", range(8))
def test_eight_characters_are_figures_if_and_only_if_each_is_one(place: int) -> None:
    rows = np.tile(cells(b"90817263"), (256, 1))
    rows[:, place] = EVERY_BYTE
    number, good = figures(word(rows, 0, 8))
    assert np.flatnonzero(good).tolist() == list(b"0123456789")
    assert number[good].tolist() == [int(bytes(row)) for row in rows[good]]


@pytest.mark.parametrize("size", [1, 2, 5, 7, 8, 9, 16, 31])
def test_a_text_is_as_long_as_its_last_character_that_is_not_blank(size: int) -> None:
    rng = np.random.default_rng(size)
    rows = rng.choice(np.frombuffer(b"  \0A\x1f\x21\x7f\x80\xa0\xff", np.uint8), (4000, size + 3))
    rows[np.arange(size + 3) >= rng.integers(0, size + 4, 4000)[:, None]] = 0x20
    texts = words(rows, 2, size)
    plain = [bytes(row[2 : 2 + size]).rstrip(b" ") for row in rows]
    assert inked(texts, size).tolist() == [len(text) for text in plain]
    assert (wide(texts) if wide(texts) is not None else np.zeros(4000)).tolist() == [
        sum(character >= 0x80 for character in text) for text in plain
    ]
    assert read_text(rows, 2, size).to_pylist() == [text.decode("latin-1") for text in plain]


def test_a_text_of_nothing_but_eszett_is_not_rounded_to_one_more() -> None:
    texts = [(b"\xdf" * length).ljust(8) for length in range(9)]
    assert inked(words(cells(*texts), 0, 8), 8).tolist() == list(range(9))


def test_a_day_is_read_where_the_calendar_has_it_and_nowhere_else() -> None:
    texts = [f"{number:06d}" for number in range(0, 1_000_000, 7)] + ["290224", "290223", "311269", "010170", "31126?"]
    found = read_days(cells(*[text.encode() for text in texts]), 0, 6).day.tolist()
    for text, day in zip(texts, found, strict=True):
        try:
            year = int(text[4:])
            wanted = (date(year + (2000 if year < 70 else 1900), int(text[2:4]), int(text[:2])) - date(1970, 1, 1)).days
        except ValueError:
            wanted = NO_DAY
        assert day == wanted


@pytest.mark.parametrize("place", range(14))
def test_an_amount_is_thirteen_figures_and_a_sign_whatever_the_byte(place: int) -> None:
    rows = np.tile(cells(b"....1234567890123R.."), (256, 1))
    rows[:, 4 + place] = EVERY_BYTE
    amounts = read_amounts(rows, 4, 14)
    for row, good, value in zip(rows, amounts.good.tolist(), amounts.value.tolist(), strict=True):
        text = bytes(row[4:18]).decode("latin-1")
        figures_ = text[:13].lstrip(" ")
        whole = text[13] in SIGN_CHARACTERS and figures_.isascii() and figures_.isdigit()
        assert good == whole
        digit, sign = SIGN_CHARACTERS.get(text[13], (0, 0))
        assert value == (sign * (int(figures_) * 10 + digit) if whole else 0)
