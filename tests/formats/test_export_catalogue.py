"""Every format on demand keeps the same promises."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace

import pytest

from sobank.domain.iban import bban, iban
from sobank.domain.statement import Statement
from sobank.formats.account_copy import write_copy
from sobank.formats.catalogue import EXPORTS
from sobank.formats.cfonb120 import Cfonb120
from sobank.formats.cfonb120_objects import statements_of
from sobank.formats.cfonb120_write import render
from tests.formats.export_statements import EMPTY, FULL


def written(name: str, *statements: Statement) -> bytes:
    out = io.BytesIO()
    EXPORTS[name](iter(statements), out)
    return out.getvalue()


def test_the_formats_on_demand_are_these() -> None:
    assert set(EXPORTS) == {"cfonb120", "csv", "csv-excel", "ofx", "camt053", "parquet"}


@pytest.mark.parametrize("name", EXPORTS)
def test_the_same_statements_give_the_same_bytes(name: str) -> None:
    assert written(name, FULL, EMPTY) == written(name, FULL, EMPTY)


@pytest.mark.parametrize("name", EXPORTS)
def test_statements_may_come_one_at_a_time(name: str) -> None:
    def arriving() -> Iterator[Statement]:
        yield FULL
        yield EMPTY

    out = io.BytesIO()
    EXPORTS[name](arriving(), out)
    assert out.getvalue() == written(name, FULL, EMPTY)


@pytest.mark.parametrize("name", EXPORTS)
def test_the_stream_is_left_open_for_its_owner(name: str) -> None:
    out = io.BytesIO()
    EXPORTS[name]([FULL], out)
    assert not out.closed


def test_cfonb_on_demand_reads_back_as_it_was() -> None:
    content = written("cfonb120", FULL, EMPTY)
    assert {len(line) for line in content.split(b"\r\n")[:-1]} == {120}
    assert list(statements_of(Cfonb120().read(io.BytesIO(content), chunk_bytes=1 << 16))) == [FULL, EMPTY]


@pytest.mark.parametrize("name", EXPORTS)
def test_a_copy_of_no_statement_is_nothing_in_every_format(name: str) -> None:
    out = io.BytesIO()
    assert write_copy(iter(()), name, out) == 0
    assert out.getvalue() == b""


@pytest.mark.parametrize("name", EXPORTS)
def test_a_copy_holds_what_a_person_released_in_every_format(name: str) -> None:
    unbalanced = replace(FULL, closing=FULL.closing + 1)
    out = io.BytesIO()
    assert write_copy([render(FULL), render(unbalanced)], name, out) == 2
    assert out.getvalue() == written(name, FULL, unbalanced)


@pytest.mark.parametrize("name", ["csv", "camt053"])
def test_a_copy_bears_the_iban_of_its_account_that_of_monaco_too(name: str) -> None:
    number = bban(FULL.bank, FULL.branch, FULL.account)
    for country, other in (("MC", "FR"), ("FR", "MC")):
        out = io.BytesIO()
        write_copy([render(FULL)], name, out, country=country)
        assert iban(number, country).encode() in out.getvalue()
        assert iban(number, other).encode() not in out.getvalue()
