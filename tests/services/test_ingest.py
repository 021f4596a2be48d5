"""Bank files come in once, whole, and one bad thing never stops the rest (S7–S15)."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from sobank.domain.iban import masked
from sobank.domain.roles import Operator
from sobank.errors import ConfigurationError, UnknownFormat
from sobank.formats.cfonb120_write import render, write
from sobank.formats.parsed import Format
from sobank.services.decide_quarantine import release_statements
from sobank.services.ingest import ingest_inbox, received_on
from sobank.store import schema
from sobank.store.inbox import Inbox
from sobank.store.quarantine import Quarantine
from tests.builders import NOW, Cabinet, TestHouse, file_of, iban_of, named, statement
from tests.formats.camt053_documents import document

DAY = date(2026, 3, 3)


def _registered(house: TestHouse) -> TestHouse:
    house.register(Cabinet("CAB1", accounts={1: ("approved", "fizen"), 2: ("approved", None)}))
    return house


def _count(house: TestHouse, table: sa.Table) -> int:
    with house.database.read() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def test_statements_entries_and_every_record_are_kept(house: TestHouse) -> None:
    kept = _registered(house).take_in(file_of(statement(1, DAY, 100, -30), statement(2, DAY))).kept
    assert kept is not None
    assert (kept.statements, kept.entries, kept.duplicates) == (2, 2, 0)
    assert (kept.records.total, kept.records.parsed) == (6, 6)
    with house.database.read() as connection:
        row = connection.execute(sa.select(schema.bank_files)).mappings().one()
        amounts = connection.execute(sa.select(schema.entries.c.amount).order_by(schema.entries.c.seq)).scalars().all()
    assert (row["records_total"], row["records_parsed"], row["statements"]) == (6, 6, 2)
    assert amounts == [100, -30]


def test_what_belongs_to_one_cabinet_lies_together_and_each_entry_still_with_its_statement(house: TestHouse) -> None:
    of = {1: "CAB1", 2: "CAB2", 3: "CAB1", 4: "CAB2", 5: "CAB1", 6: None}
    for code in ("CAB1", "CAB2"):
        house.register(Cabinet(code, accounts={n: ("approved", None) for n, cabinet in of.items() if cabinet == code}))
    house.take_in(file_of(statement(3, DAY, 33)), "before.txt")
    again = [statement(6, DAY, 60, 61), statement(2, DAY, 20), statement(1, DAY, 10, 11), statement(4, DAY, 40)]
    kept = house.take_in(file_of(*again, statement(3, DAY, 33), again[1], statement(5, DAY, 50, 51, 52))).kept
    assert kept is not None
    assert (kept.statements, kept.duplicates, kept.set_aside) == (5, 2, 1)
    s, e, d = schema.statements.c, schema.entries.c, schema.duplicates.c
    with house.database.read() as connection:
        order = connection.execute(sa.select(s.account, s.position).order_by(s.id)).all()
        amounts = connection.execute(
            sa.select(s.account, e.amount).where(e.statement_id == s.id).order_by(s.id, e.seq)
        ).all()
        twice = connection.execute(
            sa.select(d.position, s.account).where(d.statement_id == s.id).order_by(d.position)
        ).all()
    # In a cabinet the order is that of the file; what belongs to none comes last.
    assert [int(account) for account, _ in order] == [3, 1, 5, 2, 4, 6]
    assert [position for _, position in order] == [0, 2, 6, 1, 3, 0]
    assert {n: [a for account, a in amounts if int(account) == n] for n in of} == {
        1: [10, 11], 2: [20], 3: [33], 4: [40], 5: [50, 51, 52], 6: [60, 61],
    }  # fmt: skip
    assert [(position, int(account)) for position, account in twice] == [(4, 3), (5, 2)]


def test_the_same_bytes_under_two_names_are_one_file(house: TestHouse) -> None:
    data = file_of(statement(1, DAY, 5))
    _registered(house).take_in(data, "a.txt")
    again = house.take_in(data, "b.txt").kept
    assert again is not None
    assert again.already
    assert (_count(house, schema.bank_files), _count(house, schema.bank_file_names)) == (1, 2)
    assert _count(house, schema.statements) == 1


def test_the_same_statement_again_in_one_file_or_another_is_counted_and_kept_once(house: TestHouse) -> None:
    one, other = statement(1, DAY, 5), statement(2, DAY, 7)
    first = _registered(house).take_in(file_of(one, one, one)).kept
    second = house.take_in(file_of(one, other, one, other)).kept
    assert first is not None
    assert second is not None
    assert (first.statements, first.duplicates) == (1, 2)
    assert (second.statements, second.duplicates) == (1, 3)
    assert (_count(house, schema.statements), _count(house, schema.duplicates)) == (2, 5)


def test_the_same_statement_in_other_line_ends_and_trims_is_a_duplicate(house: TestHouse) -> None:
    data = file_of(statement(1, DAY, 5))
    trimmed = b"\r\n".join(line.rstrip() for line in data.split(b"\n"))
    _registered(house).take_in(data)
    kept = house.take_in(trimmed).kept
    assert kept is not None
    assert (kept.statements, kept.duplicates) == (0, 1)


def test_identical_movements_stay_as_many_as_they_are(house: TestHouse) -> None:
    kept = _registered(house).take_in(file_of(statement(1, DAY, 5, 5, 5))).kept
    assert kept is not None
    assert kept.entries == 3


def test_one_bad_statement_is_set_aside_whole_and_the_others_go_on(house: TestHouse) -> None:
    broken = statement(1, DAY, 5, closing=999)
    kept = _registered(house).take_in(file_of(broken, statement(2, DAY, 7))).kept
    assert kept is not None
    assert dict(kept.quarantined) == {"unbalanced": 1}
    assert house.statuses() == {1: "quarantined", 2: "pending"}
    assert house.reasons() == [(1, "unbalanced")]


def test_a_statement_set_aside_for_two_reasons_is_counted_once(house: TestHouse) -> None:
    kept = _registered(house).take_in(file_of(statement(9, DAY, 5, closing=999))).kept
    assert kept is not None
    assert (kept.set_aside, dict(kept.quarantined)) == (1, {"unbalanced": 1, "unknown_account": 1})


def test_a_refusal_found_deep_in_a_file_names_the_file(house: TestHouse) -> None:
    data = document().replace(b"</Document>", b"")
    outcome = _registered(house).take_in(data, "banque.xml")
    assert str(outcome.refused).startswith("banque.xml: the XML is not well-formed")


def test_an_unknown_account_is_set_aside_and_the_rest_goes_on(house: TestHouse) -> None:
    _registered(house).take_in(file_of(statement(9, DAY, 5), statement(2, DAY, 7)))
    assert house.reasons() == [(9, "unknown_account")]
    assert house.statuses()[2] == "pending"


def test_an_account_in_another_currency_is_another_account(house: TestHouse) -> None:
    _registered(house).take_in(file_of(statement(1, DAY, 5, currency="USD")))
    assert house.reasons() == [(1, "unknown_account")]


def test_a_statement_of_a_monaco_account_finds_its_account(house: TestHouse) -> None:
    _registered(house)
    with house.database.write() as connection:
        connection.execute(sa.text("UPDATE accounts SET iban = 'MC' || substr(iban, 3)"))
    house.take_in(file_of(statement(1, DAY, 5)))
    assert house.statuses() == {1: "pending"}


@pytest.mark.parametrize(("closed", "owner"), [((), "CAB1"), (("CAB1",), "CAB2"), (("CAB1", "CAB2"), "CAB1")])
def test_an_iban_in_two_cabinets_is_the_open_account_or_else_the_first(
    house: TestHouse, closed: tuple[str, ...], owner: str
) -> None:
    house.register(*(Cabinet(code, accounts={1: ("approved", None)}) for code in ("CAB1", "CAB2")))
    c, a = schema.cabinets.c, schema.accounts.c
    with house.database.write() as connection:
        theirs = a.cabinet_id.in_(sa.select(c.id).where(c.code.in_(closed)))
        connection.execute(schema.accounts.update().where(theirs).values(closed_at=NOW))
    house.take_in(file_of(statement(1, DAY, 5), statement(1, DAY + timedelta(days=1), 6, opening=5)))
    with house.database.read() as connection:
        query = sa.select(c.code).join(schema.accounts, a.cabinet_id == c.id).join(schema.statements)
        assert connection.scalars(query).all() == [owner, owner]


def test_a_statement_goes_to_the_open_cabinet_that_has_taken_its_account_over(house: TestHouse) -> None:
    old = Cabinet("CAB0", accounts={1: ("approved", "fizen")}, closed=True)
    house.register(old, Cabinet("CAB1", accounts={1: ("approved", "fizen")}))
    house.take_in(file_of(statement(1, DAY, 5)))
    house.run(DAY)
    assert house.reasons() == []
    (name,) = house.delivered()
    assert "CAB1" in name


def test_the_same_identity_with_other_content_is_a_conflict_and_never_both_leave(house: TestHouse) -> None:
    _registered(house).take_in(file_of(statement(1, DAY, 5, label="FIRST")))
    house.take_in(file_of(statement(1, DAY, 5, label="OTHER")))
    assert house.reasons() == [(1, "conflict")]
    house.run(DAY)
    (sent,) = house.delivered().values()
    assert b"FIRST" in sent
    assert b"OTHER" not in sent


@pytest.mark.parametrize("moved", [(5,), (5, -5)])
def test_a_correction_in_one_file_with_what_it_corrects_is_a_conflict_and_never_both_leave(
    house: TestHouse, moved: tuple[int, ...]
) -> None:
    first, other = statement(1, DAY, *moved, label="FIRST"), statement(1, DAY, *moved, label="OTHER")
    _registered(house).take_in(file_of(first))
    house.run(DAY)
    kept = house.take_in(file_of(first, other)).kept
    assert kept is not None
    assert (kept.statements, kept.duplicates, dict(kept.quarantined)) == (1, 1, {"conflict": 1})
    (refused,) = release_statements(
        Quarantine(house.database), [2], actor=Operator("op"), reason="seen", now=NOW
    ).refused
    assert "(statement 1) is on its way" in refused.reason
    house.run(DAY)
    (sent,) = house.delivered().values()
    assert b"OTHER" not in sent


@pytest.mark.parametrize(("ahead", "reasons"), [(180, []), (181, [(1, "date_to_come")])])
def test_a_date_that_no_run_would_reach_for_half_a_year_is_set_aside(
    house: TestHouse, ahead: int, reasons: list[tuple[int, str]]
) -> None:
    _registered(house).take_in(file_of(statement(1, DAY + timedelta(days=ahead), 5)), named(DAY))
    assert house.reasons() == reasons


def test_two_statements_of_one_day_alike_in_their_balances_are_both_kept(house: TestHouse) -> None:
    kept = _registered(house).take_in(file_of(statement(1, DAY, 5, -5), statement(1, DAY, 9, -9))).kept
    assert kept is not None
    assert kept.statements == 2
    assert house.reasons() == []


def test_refused_records_are_kept_with_their_place_and_reason(house: TestHouse) -> None:
    data = file_of(statement(1, DAY, 5)) + b"99 what is this\n"
    _registered(house).take_in(data)
    with house.database.read() as connection:
        rows = connection.execute(sa.select(schema.refusals)).all()
    assert [(r.record, r.offset, r.reason) for r in rows] == [(4, 363, "unknown_record")]


def test_chunks_smaller_than_a_statement_keep_the_same_rows(house: TestHouse, tmp_path: Path) -> None:
    data = file_of(*(statement(1, DAY + timedelta(days=n), *range(1, 9), opening=n) for n in range(20)))
    _registered(house)
    parts = house.ingest_parts()
    small = type(parts)(**{name: getattr(parts, name) for name in parts.__slots__} | {"chunk_bytes": 500})
    path = tmp_path / "bank.txt"
    path.write_bytes(data + data)
    from sobank.services.ingest import ingest_file

    with path.open("rb") as stream:
        kept = ingest_file("bank.txt", stream, small, now=NOW).kept
    assert kept is not None
    assert (kept.statements, kept.duplicates, kept.entries) == (20, 20, 160)


def test_a_file_of_no_known_format_is_refused_with_what_to_do_and_archived(house: TestHouse) -> None:
    outcome = _registered(house).take_in(b"hello", "note.txt")
    assert isinstance(outcome.refused, UnknownFormat)
    assert "note.txt" in str(outcome.refused)
    assert outcome.sha256 in house.archive
    assert _count(house, schema.bank_files) == 0


def test_a_failure_in_the_middle_of_a_file_leaves_nothing_of_it(
    house: TestHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sobank.store import incoming

    _registered(house)
    monkeypatch.setattr(incoming, "_keep_entries", _raise)
    with pytest.raises(OSError, match="disk gone"):
        house.take_in(file_of(statement(1, DAY, 5)))
    monkeypatch.undo()
    assert (_count(house, schema.statements), _count(house, schema.bank_files)) == (0, 0)
    kept = house.take_in(file_of(statement(1, DAY, 5))).kept
    assert kept is not None
    assert kept.statements == 1


def _raise(*_: object) -> None:
    raise OSError("disk gone")


def test_files_that_bring_the_same_statement_at_the_same_moment_keep_it_once(house: TestHouse) -> None:
    _registered(house)
    files = [file_of(statement(1, DAY, 5), statement(2, DAY, n)) for n in range(6)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(house.take_in, files))
    with house.database.read() as connection:
        per_account = dict(
            connection.execute(
                sa.select(schema.statements.c.account, sa.func.count()).group_by(schema.statements.c.account)
            ).all()
        )
    assert per_account == {"00000000001": 1, "00000000002": 6}


@pytest.mark.parametrize(
    ("name", "day"),
    [
        (named(date(2026, 3, 4)), date(2026, 3, 4)),
        ("SOBANK_100001_0000000000000001-2026-02-30T08-00-00-000.cfonb.txt", None),
        ("releve-2026-03-04.txt", None),
    ],
)
def test_the_day_of_reception_is_read_from_so_banks_own_names_only(name: str, day: date | None) -> None:
    assert received_on(name) == day


def test_the_inbox_is_emptied_refused_files_set_aside_and_unfinished_ones_left_alone(house: TestHouse) -> None:
    _registered(house)
    folder = house.settings.inbox
    folder.mkdir()
    for name, data in (("a.txt", file_of(statement(1, DAY, 5))), ("b.bin", b"?"), ("c.txt.part", b"01")):
        (folder / name).write_bytes(data)
    fresh = folder / "d.txt"
    fresh.write_bytes(file_of(statement(2, DAY, 5)))
    for old in ("a.txt", "b.bin", "c.txt.part"):
        os.utime(folder / old, (NOW.timestamp() - 100,) * 2)
    os.utime(fresh, (NOW.timestamp() - 1,) * 2)
    inbox = Inbox(folder, quiet_seconds=30)
    outcomes = list(ingest_inbox(inbox, house.ingest_parts(), now=NOW))
    assert [(o.name, bool(o.refused)) for o in outcomes] == [("a.txt", False), ("b.bin", True)]
    assert inbox.left_alone(now=NOW) == ["c.txt.part", "d.txt"]
    assert (folder / "refused" / "b.bin").read_bytes() == b"?"
    assert "no format" in (folder / "refused" / "b.bin.reason.txt").read_text()


def test_a_file_left_claimed_by_a_worker_that_died_is_taken_in_by_the_next(house: TestHouse) -> None:
    _registered(house)
    folder = house.settings.inbox
    folder.mkdir()
    (folder / "a.txt").write_bytes(file_of(statement(1, DAY, 5)))
    inbox = Inbox(folder, quiet_seconds=0)
    next(inbox.claim(now=NOW + timedelta(days=9000)))
    assert not (folder / "a.txt").exists()
    (outcome,) = ingest_inbox(inbox, house.ingest_parts(), now=NOW)
    assert outcome.kept is not None
    assert list((folder / ".claimed").iterdir()) == []


LATIN_1 = os.fsdecode("a-relevé.txt".encode("latin-1"))


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        (LATIN_1, file_of(statement(1, DAY, 5)), r"a-relev\xe9.txt"),
        (LATIN_1, b"?", r"a-relev\xe9.txt"),
        ("a" * 251 + ".txt", b"?", "a" * 251 + ".txt"),
        ("a\x1b[31m\nWARNING forged", b"?", r"a\x1b[31m\nWARNING forged"),
        (f"{iban_of(1)}.txt", b"?", f"{masked(iban_of(1))}.txt"),
    ],
)
def test_whatever_a_file_is_called_it_is_taken_in_or_set_aside_and_stops_no_other(
    house: TestHouse, name: str, data: bytes, told: str
) -> None:
    _registered(house)
    folder = house.settings.inbox
    folder.mkdir()
    (folder / name).write_bytes(data)
    (folder / "z.txt").write_bytes(file_of(statement(2, DAY, 5)))
    inbox = Inbox(folder, quiet_seconds=0)
    odd, good = ingest_inbox(inbox, house.ingest_parts(), now=NOW + timedelta(days=9000))
    assert (good.name, good.refused) == ("z.txt", None)
    assert odd.name == told
    assert [path.name for path in folder.iterdir() if path.is_file()] == []
    if odd.refused:
        reason, kept = sorted((folder / "refused").iterdir(), key=lambda path: not path.name.endswith(".reason.txt"))
        assert kept.read_bytes() == data
        assert reason.read_text().startswith(f"{told}: its beginning is in no format")
        assert name == kept.name


def test_every_refused_file_is_kept_though_banks_use_one_name_every_day(house: TestHouse) -> None:
    folder = house.settings.inbox
    folder.mkdir()
    inbox = Inbox(folder, quiet_seconds=0)
    for data in (b"first", b"second", b"first"):
        (folder / "a.txt").write_bytes(data)
        list(ingest_inbox(inbox, house.ingest_parts(), now=NOW + timedelta(days=9000)))
    kept = {path.name: path.read_bytes() for path in (folder / "refused").iterdir() if "reason" not in path.name}
    assert kept == {"a.txt": b"first", "a.txt.2": b"second"}
    assert (folder / "refused" / "a.txt.2.reason.txt").exists()


def test_a_file_that_meets_a_fault_of_ours_stops_no_other_and_is_told_last(
    house: TestHouse,
) -> None:
    _registered(house)
    folder = house.settings.inbox
    folder.mkdir()
    (folder / "a.txt").write_bytes(b"whatever")
    (folder / "z.txt").write_bytes(file_of(statement(2, DAY, 5)))
    parts = house.ingest_parts()

    def at_fault(head: bytes, name: str) -> Format:
        return parts.identify(head, name) if name == "z.txt" else {}[name]

    taken = ingest_inbox(
        Inbox(folder, quiet_seconds=0), replace(parts, identify=at_fault), now=NOW + timedelta(days=9000)
    )
    assert next(taken).name == "z.txt"
    with pytest.raises(KeyError) as raised:
        next(taken)
    assert raised.value.__notes__ == ["while taking in a.txt, which stays in the inbox"]
    assert [path.name for path in (folder / ".claimed").iterdir()] == ["a.txt"]


def test_a_second_file_of_the_same_name_waits_until_the_first_is_taken_in(tmp_path: Path) -> None:
    inbox, later = Inbox(tmp_path, quiet_seconds=0), NOW + timedelta(days=9000)
    (tmp_path / "a.txt").write_bytes(b"first")
    first = next(inbox.claim(now=later))
    (tmp_path / "a.txt").write_bytes(b"second")
    assert [c.path.read_bytes() for c in inbox.claim(now=later)] == [b"first"]
    inbox.taken(first)
    assert [c.path.read_bytes() for c in inbox.claim(now=later)] == [b"second"]


def test_an_inbox_that_is_not_there_is_said_so_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="SOBANK_INBOX"):
        list(Inbox(tmp_path / "none", quiet_seconds=0).claim(now=NOW))


def test_what_is_stored_are_the_banks_own_records(house: TestHouse) -> None:
    one = statement(1, DAY, 5, label="PRLV É 85\x85 NEL")
    _registered(house).take_in(write(render(one), b"\r\n"))
    with house.database.read() as connection:
        assert connection.execute(sa.select(schema.statements.c.records)).scalar_one() == render(one)
