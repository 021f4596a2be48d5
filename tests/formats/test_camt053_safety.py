"""Unsafe or broken CAMT.053 is refused whole, saying what, where and what to do (DESIGN §8)."""

from __future__ import annotations

import io
import time
import zipfile

import pytest

from sobank.errors import InputRefused, UnsafeInput
from sobank.formats.camt053 import Camt053
from sobank.formats.camt053_values import pieces
from sobank.formats.camt053_xml import Bounds
from tests.formats.camt053_documents import PARIS, balance, document, entry, read, statement, zipped

GOOD = document(statement(entry(), closing="1.00"))
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    "prolog",
    [
        "<!DOCTYPE Document>",
        '<!DOCTYPE Document SYSTEM "http://127.0.0.1/x.dtd">',
        '<!DOCTYPE Document [<!ENTITY x SYSTEM "file:///etc/hostname">]>',
        f'<!DOCTYPE Document [<!ENTITY l0 "ha">{LAUGHS}]>',
        '<!DOCTYPE Document [<!ENTITY % p SYSTEM "file:///etc/hostname"> %p;]>',
    ],
)
def test_a_doctype_is_refused_before_anything_is_read(prolog: str) -> None:
    with pytest.raises(UnsafeInput, match="DOCTYPE") as refusal:
        read(document(statement(entry()), prolog=prolog))
    assert refusal.value.remedy


def test_an_entity_that_nothing_declares_is_not_well_formed() -> None:
    with pytest.raises(InputRefused, match="line 1, column"):
        read(GOOD.replace(b"BOOK", b"&book;"))


@pytest.mark.parametrize("at", [1, 60, 400, -30, -1])
def test_a_document_cut_short_is_refused_whole_with_line_and_column(at: int) -> None:
    with pytest.raises(InputRefused, match=r"line \d+, column \d+"):
        read(GOOD[:at])


def test_no_statement_of_a_broken_document_outlives_the_refusal() -> None:
    broken = GOOD.replace(b"</BkToCstmrStmt>", b"</oops>")
    with pytest.raises(InputRefused):
        list(Camt053().read(io.BytesIO(broken), chunk_bytes=1 << 20))


def test_elements_nested_without_end_are_refused() -> None:
    with pytest.raises(UnsafeInput, match="deeper"):
        read(document("<Stmt>" + "<a>" * 100_000))


def test_a_tag_that_never_closes_is_refused_while_it_still_arrives() -> None:
    class Endless(io.RawIOBase):
        given = 0

        def read(self, size: int = -1) -> bytes:
            piece = (b"<Document " if self.given == 0 else b"") + b"a" * size
            self.given += len(piece)
            assert self.given < 64 << 20, "read on and on"
            return piece

    with pytest.raises(UnsafeInput, match="longer than"):
        list(Camt053().read(Endless(), chunk_bytes=1 << 20))


def test_names_that_never_repeat_are_refused() -> None:
    with pytest.raises(UnsafeInput, match="distinct names"):
        read(document("".join(f"<n{n}/>" for n in range(10_000))))


def test_an_entry_of_endless_text_or_elements_is_refused() -> None:
    small = Camt053(Bounds(nodes=1_000, text=10_000))
    with pytest.raises(UnsafeInput, match="more text"):
        read(document(statement(entry(extra="<AddtlNtryInf>" + "x" * 20_000 + "</AddtlNtryInf>"))), small)
    with pytest.raises(UnsafeInput, match="more elements"):
        read(document(statement(entry(extra="<NtryDtls>" + "<TxDtls/>" * 2_000 + "</NtryDtls>"))), small)


def test_a_word_as_long_as_an_entry_may_be_is_cut_in_time_that_grows_with_it() -> None:
    began = time.process_time()
    cut = pieces("A" * (8 << 20))
    assert len(cut) == -(-(8 << 20) // 70)
    assert time.process_time() - began < 10


def test_a_document_over_the_bound_of_its_size_is_refused() -> None:
    with pytest.raises(UnsafeInput, match="more than 1000 bytes"):
        read(document(*[statement(entry())] * 10), Camt053(Bounds(total=1_000)))


def test_a_statement_of_too_many_records_is_refused_and_the_next_one_is_read() -> None:
    found = read(document(statement(*[entry()] * 200), statement()), Camt053(Bounds(records=100)))
    assert found.reasons == ["too_large"]
    assert found.counts.parsed == 2


def test_balances_without_end_are_not_held() -> None:
    found = read(document(statement(balance("CLBD", "0") * 1_000), statement()))
    assert found.reasons == ["ambiguous_balance"]


def test_a_file_of_refusals_without_end_is_refused_whole() -> None:
    with pytest.raises(UnsafeInput, match="more than 100 statements"):
        read(document(statement(*[entry("x")] * 200)), Camt053(Bounds(refusals=100)))


@pytest.mark.parametrize("version", ["01", "03", "13"])
def test_a_version_that_is_not_read_is_named_with_those_that_are(version: str) -> None:
    with pytest.raises(InputRefused, match=f"001.{version}") as refusal:
        read(document(version=version))
    assert "02, 04, 06, 08" in refusal.value.remedy


@pytest.mark.parametrize("content", [b"<a/>", b"<Document/>", GOOD.replace(b"camt.053", b"camt.054"), b"", b"PK"])
def test_another_document_is_refused(content: bytes) -> None:
    with pytest.raises(InputRefused):
        read(content)


@pytest.mark.parametrize("encoding", ["shift_jis", "utf-7", "no-such-thing"])
def test_an_encoding_that_cannot_be_read_is_refused(encoding: str) -> None:
    with pytest.raises(InputRefused):
        read(f"<?xml version='1.0' encoding='{encoding}'?>".encode() + GOOD)


def test_messages_name_no_account() -> None:
    content = GOOD.replace(b"</Ntry>", b"</Ntr>")
    with pytest.raises(InputRefused) as refusal:
        read(zipped({f"{PARIS}.xml": content}))
    assert PARIS not in str(refusal.value)
    assert "member 1" in str(refusal.value)


def test_the_statements_of_a_zip_are_one_file() -> None:
    again = document(statement(entry(), closing="1.00"), statement())
    found = read(zipped({"days/": b"", "days/1.xml": GOOD, "days/2.XML": again}))
    assert [(row["position"], row["first_record"], row["duplicate_of"]) for row in found.statements] == [
        (0, 1, None),
        (1, 4, 0),
        (2, 7, None),
    ]


def test_a_zip_that_comes_through_a_pipe_is_read_too() -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *_: int) -> int:
            raise OSError("a pipe cannot seek")

    found = list(Camt053().read(Pipe(zipped({"a.xml": GOOD})), chunk_bytes=1 << 20))
    assert sum(part.counts.parsed for part in found) == 3


def test_a_file_of_a_zip_that_is_no_camt_is_counted_and_the_others_are_read() -> None:
    found = read(zipped({"README.txt": b"bonjour", "other.xml": b"<other/>", "a.xml": GOOD}))
    assert found.reasons == ["not_camt053", "not_camt053"]
    assert found.counts.parsed == 3


def encrypted() -> bytes:
    content = bytearray(zipped({"a.xml": GOOD}))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


@pytest.mark.parametrize(
    ("why", "content"),
    [
        ("encrypted", encrypted()),
        ("within the zip", zipped({"a.zip": zipped({"a.xml": GOOD})})),
        ("absolute or climbing", zipped({"/etc/a.xml": GOOD})),
        ("absolute or climbing", zipped({"../a.xml": GOOD})),
        ("absolute or climbing", zipped({"..\\a.xml": GOOD})),
        ("absolute or climbing", zipped({"C:/a.xml": GOOD})),
        ("packed in a way", zipped({"a.xml": GOOD}, zipfile.ZIP_LZMA)),
        ("more than 1000 files", zipped({f"{n}.xml": b"" for n in range(1_001)})),
        ("200 times its size", zipped({"a.xml": GOOD.replace(b"BOOK", b" " * (40 << 20))})),
    ],
)
def test_an_unsafe_zip_is_refused_whole(why: str, content: bytes) -> None:
    with pytest.raises(UnsafeInput, match=why):
        read(content)


def test_a_zip_that_lies_about_its_sizes_is_measured_as_it_unpacks() -> None:
    content = bytearray(zipped({"a.xml": GOOD.replace(b"BOOK", b" " * (20 << 20))}))
    directory = content.index(b"PK\x01\x02")
    content[directory + 24 : directory + 28] = (100).to_bytes(4, "little")
    with pytest.raises(InputRefused):
        read(bytes(content))


@pytest.mark.parametrize("at", [4, 30, 100, -40, -1])
def test_a_damaged_zip_is_refused(at: int) -> None:
    with pytest.raises(InputRefused):
        read(zipped({"a.xml": GOOD})[:at])
