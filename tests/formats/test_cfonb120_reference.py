"""The fast reader against a slow and plain one, on files made to be difficult."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.formats.cfonb120_lines import balance, complement, movement, statement
from tests.formats.cfonb120_reference import fast, read

ACCOUNTS = ("00012345678", "0001234567A", "00099999999")
AMOUNTS = (0, 1, -1, 1234, -99_999, "0000000000000}", "          1234A", "00000000000000", " " * 14, "00000000012 4A")
DAYS = ("050126", "290224", "290225", "000000", "      ", "310126", "3201AB")

balances = st.builds(
    balance,
    st.sampled_from(["01", "01", "07", "07", "07"]),
    st.sampled_from(DAYS[:2] * 4 + DAYS),
    st.sampled_from((1234, 0) * 5 + tuple(str(a).rjust(14) if isinstance(a, str) else a for a in AMOUNTS)),
    account=st.sampled_from(ACCOUNTS[:1] * 6 + ACCOUNTS),
    bank=st.sampled_from(["30004", "30004", "30005", "3000é"]),
    currency=st.sampled_from(["EUR", "EUR", "EUR", "   ", "USD"]),
    decimals=st.sampled_from(["2", "2", "2", " ", "3", "0", "5"]),
)
movements = st.builds(
    movement,
    st.sampled_from((1234, -1234) * 5 + tuple(a[:14] if isinstance(a, str) else a for a in AMOUNTS)),
    st.sampled_from(
        ["VIREMENT", "  CAFÉ DU PORT", "A" * 31, "\x85\xa0", "N\0L", "", "04300041234567890EUR2 00012345678"[:31]]
    ),
    code=st.sampled_from(["04", "04", "04", "04", "03", "02"]),
    day=st.sampled_from(DAYS[:2] * 4 + DAYS),
    value=st.sampled_from(DAYS[:2] * 4 + DAYS),
    account=st.sampled_from(ACCOUNTS[:1] * 6 + ACCOUNTS),
    branch=st.sampled_from(["00828", "00828", "00829"]),
    currency=st.sampled_from(["EUR", "EUR", "EUR", "   ", "USD"]),
    decimals=st.sampled_from(["2", "2", "2", " ", "3", "0", "X"]),
    reference=st.sampled_from(["", "REF", "R" * 16]),
)
complements = st.builds(
    complement,
    st.sampled_from(["", "TEXTE", "É" * 70, "à\x85b", "  x"]),
    st.sampled_from(["LIB", "   ", "N Y", "2'C", "RCN"]),
    old=st.booleans(),
    account=st.sampled_from(ACCOUNTS[:1] * 6 + ACCOUNTS),
)
whole = st.lists(st.integers(-(10**13), 10**13), max_size=4).map(lambda amounts: b"".join(statement(*amounts)))
records = st.one_of(
    whole,
    balances,
    movements,
    movements,
    complements,
    st.sampled_from([b"", b" " * 7, b"\0" * 3, b"04", b"99 inconnu"]),
)
endings = st.sampled_from([b"\n", b"\r\n", b"\r", b"\n", b"\r\n", b"", b" \n", b"x\n", b"\0\n"])
spoil = st.sampled_from(["as it is"] * 6 + ["trimmed", "one short", "utf-8", "cut"])


def _spoiled(record: bytes, how: str) -> bytes:
    match how:
        case "trimmed":
            return record.rstrip(b" ")
        case "one short":
            return record[:-1]
        case "utf-8":
            return record.decode("latin-1").rstrip(" ").encode()
        case "cut":
            return record[:77]
        case _:
            return record


@st.composite
def files(draw: st.DrawFn) -> bytes:
    parts = draw(st.lists(st.tuples(records, spoil, endings), max_size=12))
    raw = b"".join(_spoiled(record, how) + ending for record, how, ending in parts)
    same = draw(st.sampled_from([None, None, b"\n", b"\r\n", b"\r", b""]))
    if same is not None:
        raw = same.join(_spoiled(record, how) for record, how, _ in parts)
    return (
        draw(st.sampled_from([b"", b"", b"\xef\xbb\xbf"]))
        + raw
        + draw(st.sampled_from([b"", b"", b"\x1a", b"\0\0", b" "]))
    )


@settings(max_examples=120, deadline=None, derandomize=True)
@given(files())
def test_the_fast_reader_reads_what_a_record_by_record_reader_reads(raw: bytes) -> None:
    assert fast(raw) == read(raw)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(files(), st.sampled_from([1, 7, 64, 121, 256, 1000, 4096]))
def test_the_size_of_the_chunks_changes_nothing(raw: bytes, chunk_bytes: int) -> None:
    assert fast(raw, chunk_bytes) == fast(raw)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(st.lists(files(), min_size=4, max_size=9), st.sampled_from([256, 5000]))
def test_long_streams_without_terminators_read_the_same_in_any_chunks(parts: list[bytes], chunk_bytes: int) -> None:
    raw = b"".join(parts).replace(b"\n", b"").replace(b"\r", b"") * 5
    assert fast(raw, chunk_bytes) == read(raw)


@settings(max_examples=120, deadline=None, derandomize=True)
@given(st.binary(max_size=2000), st.sampled_from([256, 1 << 20]))
def test_any_bytes_give_statements_and_refusals_and_every_record_is_accounted_for(raw: bytes, chunk_bytes: int) -> None:
    assert fast(raw, chunk_bytes) == read(raw)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(files(), st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 255)), max_size=6))
def test_a_file_with_damaged_bytes_still_accounts_for_every_record(raw: bytes, damage: list[tuple[int, int]]) -> None:
    spoiled = bytearray(raw)
    for place, byte in damage:
        if place < len(spoiled):
            spoiled[place] = byte
    assert fast(bytes(spoiled), 256) == read(bytes(spoiled))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(files(), st.integers(2, 6))
def test_a_statement_over_the_bound_is_cut_there_whatever_the_chunks(raw: bytes, bound: int) -> None:
    expected = read(raw, bound)
    assert fast(raw, max_records=bound) == expected
    assert fast(raw, 100, max_records=bound) == expected
