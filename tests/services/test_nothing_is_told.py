"""IBANs are masked and labels absent in logs, in what tasks hand to Airflow, in audit events and in errors (O3)."""

from __future__ import annotations

import json
import logging
from datetime import date

import pytest
import sqlalchemy as sa

from sobank import jobs
from sobank.errors import SobankError
from sobank.store import schema
from tests.builders import BANK, BRANCH, Cabinet, TestHouse, account_number, file_of, iban_of, statement

DAY = date(2026, 3, 3)
LABEL = "VIR CONFIDENTIEL DUPONT"


def test_a_whole_run_tells_no_iban_and_no_label_outside_the_files_it_delivers(
    sqlite_house: TestHouse, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    house = sqlite_house
    monkeypatch.setenv("SOBANK_HOME", str(house.settings.home))
    monkeypatch.setenv("SOBANK_DATABASE_URL", house.settings.database_url)
    monkeypatch.setenv("SOBANK_QUIET_SECONDS", "0")
    house.register(Cabinet("CAB1", accounts={n: ("approved", "fizen" if n < 3 else None) for n in range(1, 5)}))
    house.settings.inbox.mkdir()
    sent = [statement(n, DAY, 5 * n, label=LABEL) for n in range(1, 6)] + [statement(4, DAY, 5, closing=9, label=LABEL)]
    (house.settings.inbox / "a.txt").write_bytes(file_of(*sent))
    (house.settings.inbox / "b.txt").write_bytes(iban_of(1).encode() + LABEL.encode())
    (house.settings.home / "partners").mkdir()
    (house.settings.home / "partners" / "fizen").write_text("in the way")
    caplog.set_level(logging.DEBUG)
    told: list[object] = [jobs.ingest()]
    refs = [jobs.validate(jobs.partition(jobs.extract(ref))) for ref in jobs.shards(DAY, "run")]
    told += [refs, jobs.decide(refs)]
    for failing in (lambda: jobs.push("fizen", DAY), lambda: jobs.prove(DAY)):
        with pytest.raises(SobankError) as caught:
            failing()
        told.append(str(caught.value))
    told.append([jobs.write_global_files(ref) for ref in jobs.global_file_shards(DAY)])
    told.append([(path.name, path.read_text()) for path in house.settings.inbox.rglob("*.reason.txt")])
    told.append([path.read_text() for path in (house.settings.home / "runs").rglob("*.json")])
    with house.database.read() as connection:
        told.append([dict(row) for row in connection.execute(sa.select(schema.audit_events)).mappings()])
    everything = json.dumps(told, default=str) + caplog.text
    secrets = [LABEL, *(iban_of(n) for n in range(1, 6)), *(BANK + BRANCH + account_number(n) for n in range(1, 6))]
    assert [secret for secret in secrets if secret in everything] == []
    assert len(everything) > 1000
