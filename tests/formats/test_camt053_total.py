"""The CAMT.053 reader is total: any bytes give statements and refusals, or a refusal of the file; nothing else (S1)."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from sobank.errors import InputRefused
from sobank.formats.camt053 import Camt053
from sobank.formats.camt053_codes import REFUSALS
from tests.formats.camt053_documents import Reading, document, entry, read, statement, zipped
from tests.formats.test_camt053_golden import GOLDEN, VERSIONS

DOCUMENTS = [(GOLDEN / f"version-{version}.xml").read_bytes() for version in VERSIONS]
ZIP = zipped({"1.xml": DOCUMENTS[0], "2.xml": DOCUMENTS[3]})


def judged(content: bytes) -> Reading | None:
    try:
        found = read(content)
    except InputRefused:
        return None
    counts = found.counts
    assert counts.total == counts.parsed + counts.blank + counts.refused
    assert counts.refused == len(found.refused)
    assert set(found.reasons) <= set(REFUSALS)
    assert counts.parsed == sum(row["n_records"] for row in found.statements)
    return found


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.binary(max_size=400), st.binary(max_size=200).map(lambda tail: b"PK\x03\x04" + tail)))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    judged(content)
    Camt053().claims(content)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([*DOCUMENTS, ZIP]),
    st.lists(st.tuples(st.integers(0, 1 << 16), st.binary(max_size=6)), min_size=1, max_size=4),
)
def test_a_real_file_with_bytes_written_over_is_read_or_refused(
    content: bytes, wounds: list[tuple[int, bytes]]
) -> None:
    hurt = bytearray(content)
    for place, wound in wounds:
        at = place % len(hurt)
        hurt[at : at + len(wound)] = wound
    judged(bytes(hurt))
    Camt053().claims(bytes(hurt))


WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="<&]>"), max_size=90)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(WORDS, WORDS, WORDS, WORDS, WORDS), max_size=3), WORDS, WORDS)
def test_any_words_in_any_place_are_taken_or_refused_where_they_stand(
    entries: list[tuple[str, str, str, str, str]], closing: str, iban: str
) -> None:
    parts = [
        entry(amount)
        .replace("<BookgDt>", f"<NtryRef>{words}</NtryRef><BookgDt>")
        .replace(
            "</Ntry>",
            f"<BkTxCd><Prtry><Cd>{code}</Cd></Prtry></BkTxCd><NtryDtls><TxDtls><Refs><EndToEndId>{name}</EndToEndId>"
            f"<ChqNb>{code}</ChqNb></Refs><RmtInf><Ustrd>{words}</Ustrd></RmtInf></TxDtls></NtryDtls>"
            f"<AddtlNtryInf>{label}</AddtlNtryInf></Ntry>",
        )
        for amount, words, code, name, label in entries
    ]
    content = document(statement(*parts, closing="0"), statement(closing=closing), statement(iban=iban))
    found = judged(content)
    assert found is not None
    first = content.index(b"</Stmt>")
    assert found.statements[0]["n_entries"] + sum(r["offset"] < first for r in found.refused) == len(entries)


@settings(max_examples=100, deadline=None)
@given(WORDS)
def test_every_word_of_a_label_is_kept_in_its_order(label: str) -> None:
    found = read(document(statement(entry("0.00", extra=f"<AddtlNtryInf>{label}</AddtlNtryInf>"))))
    only = found.entries[0]
    said = [only["label"], *(line[3:] for line in only["details"].split("\n") if line)]
    shown = "".join("".join(said).split())
    assert all(len(part) <= width for part, width in zip(said, (31, 70, 70, 70), strict=False))
    if label.isascii():
        assert shown == "".join(label.split())
