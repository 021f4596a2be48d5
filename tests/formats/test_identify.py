"""Which format a file is in: exactly one, or a refusal that says what to do."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sobank.errors import AmbiguousFormat, UnknownFormat
from sobank.formats.catalogue import EXPORTS, FORMATS, HEAD_BYTES, identify
from sobank.formats.parsed import Parsed
from tests.formats.camt053_documents import document, entry, statement, zipped
from tests.formats.export_statements import FULL


@dataclass(frozen=True)
class Claiming:
    """A format that claims whatever begins with its mark."""

    name: str
    mark: bytes

    def claims(self, head: bytes) -> bool:
        assert len(head) <= HEAD_BYTES
        return head.startswith(self.mark)

    def read(self, stream: BinaryIO, *, chunk_bytes: int) -> Iterator[Parsed]:
        raise NotImplementedError


def exported(name: str) -> bytes:
    out = io.BytesIO()
    EXPORTS[name]([FULL], out)
    return out.getvalue()


CAMT = document(statement(entry()))


@pytest.mark.parametrize(
    "content",
    [
        CAMT,
        b"\xef\xbb\xbf" + CAMT,
        b"<?xml version='1.0'?>\n<!-- comment -->\n" + CAMT,
        ("<?xml version='1.0' encoding='UTF-16'?>" + CAMT.decode()).encode("utf-16"),
        document(version="13"),
        zipped({"a.xml": CAMT}),
        zipped({"days/": b"", "days/a.xml": CAMT}),
        zipped({"a.xml": CAMT}, 0),
    ],
)
def test_camt_is_known_by_its_namespace_plain_or_zipped(content: bytes) -> None:
    assert identify(content, "file").name == "camt053"


def test_what_we_write_is_known_for_what_it_is() -> None:
    assert identify(exported("cfonb120"), "file").name == "cfonb120"
    assert identify(exported("camt053"), "file").name == "camt053"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html></html>",
        b"%PDF-1.7",
        exported("csv"),
        exported("ofx"),
        exported("parquet"),
        zipped({"[Content_Types].xml": b"<Types/>"}),
        zipped({"a.txt": b"hello"}),
        CAMT.replace(b"camt.053", b"camt.054"),
    ],
)
def test_a_file_in_no_format_is_refused_with_the_formats_that_are_read(content: bytes) -> None:
    with pytest.raises(UnknownFormat) as refusal:
        identify(content, "bank.dat")
    assert refusal.value.subject == "bank.dat"
    assert all(each.name in refusal.value.remedy for each in FORMATS)


def test_a_stream_without_terminators_whose_beginning_is_damaged_is_known_by_the_records_that_follow() -> None:
    stream = exported("cfonb120").replace(b"\r\n", b"")
    assert identify(stream[3:], "file").name == "cfonb120"
    assert identify(b"RELEVES DU JOUR " + stream, "file").name == "cfonb120"


def test_a_file_that_two_formats_claim_is_refused_naming_both() -> None:
    stubs = [Claiming("first", b"A"), Claiming("other", b"B"), Claiming("second", b"AB")]
    with pytest.raises(AmbiguousFormat, match="first and second") as refusal:
        identify(b"ABC", "bank.dat", stubs)
    assert refusal.value.subject == "bank.dat"
    assert refusal.value.remedy
    assert identify(b"AC", "bank.dat", stubs).name == "first"


def test_only_the_head_of_a_file_is_looked_at() -> None:
    with pytest.raises(UnknownFormat):
        identify(b"<!--" + b" " * HEAD_BYTES + b"-->" + CAMT, "late.xml")
    assert identify(b"A" * (HEAD_BYTES * 2), "long", [Claiming("first", b"A")]).name == "first"


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.binary(max_size=120).map(lambda tail: b"PK\x03\x04" + tail)))
def test_no_beginning_makes_a_format_fail(head: bytes) -> None:
    for each in FORMATS:
        assert each.claims(head) in (True, False)
