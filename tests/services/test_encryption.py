"""A connector may ask for its files encrypted: what is sealed is encrypted, and the day is still proved to the cent."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyrage
import pytest
import sqlalchemy as sa

from sobank import jobs
from sobank.domain.delivery import Batch
from sobank.domain.proof import Proof
from sobank.errors import RegistryError
from sobank.services.prove import prove
from sobank.store import schema
from sobank.store.proof import ProofRows
from tests.builders import NOW, Cabinet, TestHouse, file_of, statement
from tests.conftest import FreshUrl

DAY = date(2026, 3, 3)
IDENTITY = pyrage.x25519.Identity.generate()
AGE = {"encryption": {"age": [str(IDENTITY.to_public())]}}
ACCOUNTS: dict[int, tuple[str | None, str | None]] = {
    1: ("approved", "fizen"), 2: ("approved", "fizen"), 3: ("approved", "inqom"), 4: ("approved", None),
}  # fmt: skip


def taken_in(house: TestHouse, settings: dict[str, Any]) -> TestHouse:
    """Two statements for a connector with these settings, one for another, one for the global file."""
    house.register(Cabinet("CAB1", ("fizen", "inqom"), ACCOUNTS, settings={"fizen": settings}))
    house.take_in(file_of(*(statement(n, DAY, 100 * n, -30) for n in range(1, 5))))
    return house


def proof(house: TestHouse, day: date = DAY) -> Proof:
    return prove(day, rows=ProofRows(house.database), spool=house.spool, read=house.read_sealed)


def sealed(house: TestHouse, destination: str) -> Any:
    with house.database.read() as connection:
        return connection.execute(sa.select(schema.batches).where(schema.batches.c.destination == destination)).one()


def test_what_the_partner_gets_is_the_file_of_any_day_once_he_decrypts_it(
    house: TestHouse, tmp_path: Path, fresh_sqlite_url: FreshUrl
) -> None:
    (tmp_path / "clear").mkdir()
    clear = taken_in(TestHouse(tmp_path / "clear", fresh_sqlite_url()), {})
    clear.run(DAY)
    taken_in(house, AGE).run(DAY)
    had, got = clear.delivered(), house.delivered()
    encrypted = {path for path in got if path.endswith(".age")}
    assert {path.removesuffix(".age") for path in encrypted} == {path for path in had if "/fizen/" in path}
    (path,) = encrypted
    assert had[path.removesuffix(".age")] not in got[path]
    assert pyrage.decrypt(got[path], [IDENTITY]) == had[path.removesuffix(".age")]
    assert {name: had[name] for name in had if "/fizen/" not in name} == {
        name: got[name] for name in got if name not in encrypted
    }, "the files of others, and global files, leave as ever"


def test_the_encrypted_bytes_are_what_is_sealed_and_the_plain_ones_are_kept_beside_them(house: TestHouse) -> None:
    taken_in(house, AGE).decide(DAY)
    row = sealed(house, "connector:CAB1/fizen")
    payload = house.spool.read(row.payload_sha256.hex())
    assert row.payload_size == len(payload)
    assert row.object_name.endswith(".age")
    assert pyrage.decrypt(payload, [IDENTITY]) == house.spool.read(row.plain_sha256.hex())
    assert sealed(house, "connector:CAB1/inqom").plain_sha256 is None
    assert sealed(house, "global:CAB1").plain_sha256 is None


def test_the_plain_file_and_its_name_are_the_same_whenever_they_are_made(
    tmp_path: Path, fresh_sqlite_url: FreshUrl
) -> None:
    """The encrypted bytes are not: age gives each file a key of its own (D2, D9)."""
    found = []
    for number in range(2):
        (tmp_path / str(number)).mkdir()
        house = taken_in(TestHouse(tmp_path / str(number), fresh_sqlite_url()), AGE)
        house.decide(DAY, now=NOW + timedelta(days=number))
        row = sealed(house, "connector:CAB1/fizen")
        found.append((row.object_name, row.plain_sha256, row.seq))
    assert found[0] == found[1]


def test_a_day_with_encrypted_files_is_proved_to_the_cent(house: TestHouse) -> None:
    taken_in(house, AGE).run(DAY)
    assert proof(house).holds


@pytest.mark.parametrize("column", ["payload_sha256", "plain_sha256"])
@pytest.mark.parametrize("harm", ["changed", "gone"])
def test_a_sealed_or_a_plain_file_that_changed_or_is_gone_makes_the_proof_fail(
    sqlite_house: TestHouse, column: str, harm: str
) -> None:
    taken_in(sqlite_house, AGE).run(DAY)
    digest = sealed(sqlite_house, "connector:CAB1/fizen")._mapping[column].hex()
    path = sqlite_house.settings.home / "spool" / digest[:2] / digest
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1] + b"?")
    found = proof(sqlite_house)
    assert (found.holds, found.missing) == (False, 2)
    assert any("connector:CAB1/fizen" in fault for fault in found.faults)


def test_a_plain_file_noted_as_encrypted_makes_the_proof_fail(sqlite_house: TestHouse) -> None:
    house = taken_in(sqlite_house, {})
    house.run(DAY)
    c = schema.batches.c
    with house.database.write() as connection:
        of_fizen = c.destination == "connector:CAB1/fizen"
        connection.execute(sa.update(schema.batches).where(of_fizen).values(plain_sha256=c.payload_sha256))
    assert any("noted as encrypted" in fault for fault in proof(house).faults)


def break_setting(house: TestHouse, settings: dict[str, Any]) -> None:
    """As somebody writing into the database could; registering refuses it."""
    c = schema.connectors.c
    with house.database.write() as connection:
        connection.execute(sa.update(schema.connectors).where(c.name == "fizen").values(settings=settings))


@pytest.mark.parametrize("encryption", [{}, [], "", False, {"age": []}, {"age": ["age1nobody"]}, {"openpgp": ["x"]}])
def test_a_connector_whose_encryption_is_broken_sends_nothing_in_clear_and_stops_nobody(
    sqlite_house: TestHouse, encryption: object
) -> None:
    house = taken_in(sqlite_house, AGE)
    break_setting(house, {"encryption": encryption})
    counts = house.run(DAY)
    assert (counts["unsealed"], counts["decided"]) == (2, 2)
    assert house.statuses() == {1: "pending", 2: "pending", 3: "decided", 4: "decided"}
    assert not [path for path in house.delivered() if "/fizen/" in path]
    found = proof(house)
    assert (found.holds, found.undecided, found.faults) == (False, 2, ())
    break_setting(house, AGE)
    house.run(DAY)
    assert [batch[2] for batch in house.batches() if batch[0] == "connector:CAB1/fizen"] == [1], "no number is missing"
    assert proof(house).holds


def test_the_run_says_which_connector_cannot_encrypt_and_what_to_do(
    sqlite_house: TestHouse, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    house = taken_in(sqlite_house, AGE)
    break_setting(house, {"encryption": {"age": ["age1nobody-knows-this-key"]}})
    monkeypatch.setattr("sobank.jobs.start.house", lambda: house)
    ref = jobs.decide([jobs.validate(jobs.partition(jobs.extract(ref))) for ref in jobs.shards(DAY, "run-1")])
    assert ref["unsealed"] == 2
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    told = record.getMessage()
    assert told.startswith("connector:CAB1/fizen: its files cannot be encrypted")
    assert "settings.encryption.age[0]" in told
    assert "→ give the partner's public keys" in told
    assert "knows-this-key" not in told


def test_null_asks_for_no_encryption(sqlite_house: TestHouse) -> None:
    house = taken_in(sqlite_house, {"encryption": None})
    house.run(DAY)
    assert not [path for path in house.delivered() if path.endswith(".age")]
    assert proof(house).holds


def test_the_limit_of_a_partner_is_kept_by_the_encrypted_files(
    sqlite_house: TestHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    most, house = 6_000, sqlite_house
    house.partners["fizen"] = replace(house.partners["fizen"], max_bytes=most)
    house.register(
        Cabinet("CAB1", accounts=dict.fromkeys(range(1, 31), ("approved", "fizen")), settings={"fizen": AGE})
    )
    house.take_in(file_of(*(statement(n, DAY, 100 * n, -30) for n in range(1, 31))))
    house.run(DAY)
    sizes = [len(content) for path, content in house.delivered().items() if path.endswith(".age")]
    assert len(sizes) > 1
    assert max(sizes) <= most
    assert proof(house).holds


def test_a_batch_withdrawn_before_it_left_is_encrypted_anew_and_delivered_once(sqlite_house: TestHouse) -> None:
    house = taken_in(sqlite_house, AGE)
    house.decide(DAY)
    house.register(
        Cabinet("CAB1", ("fizen", "inqom"), ACCOUNTS | {1: ("approved", "inqom")}), now=NOW + timedelta(hours=1)
    )
    house.run(DAY)
    assert proof(house).holds
    assert len([path for path in house.delivered() if path.endswith(".age")]) == 1


def test_what_was_sealed_before_the_setting_came_leaves_as_it_was_sealed(sqlite_house: TestHouse) -> None:
    house = taken_in(sqlite_house, {})
    house.decide(DAY)
    break_setting(house, AGE)
    house.push(DAY)
    assert proof(house).holds
    batches: list[Batch] = house.ledger.open_batches()
    assert batches == []
    assert not [path for path in house.delivered() if path.endswith(".age")]


def test_a_wrong_recipient_in_a_registry_file_is_a_fault_with_its_place(sqlite_house: TestHouse) -> None:
    with pytest.raises(RegistryError, match=r"connectors\[0\]\.settings\.encryption\.age\[0\]: is no whole public key"):
        taken_in(sqlite_house, {"encryption": {"age": ["age1nobody"]}})
    assert sqlite_house.statuses() == {}
