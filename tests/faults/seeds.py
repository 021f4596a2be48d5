"""Sealed batches to push: statements are 120 bytes each, all different; a payload is a concatenation of them."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa

from sobank.store import schema
from sobank.store.database import Database
from sobank.store.objects import ObjectStore

START = datetime(2026, 3, 3, 12, tzinfo=UTC)
DAY = date(2026, 3, 2)
PARTNER = "connector:CAB001/fizen"
OTHER_PARTNER = "connector:CAB001/fulll"
GLOBAL = "global:CAB001"
RECORD = 120
_CONNECTORS = {PARTNER: 1, OTHER_PARTNER: 2, GLOBAL: None}


def statement_bytes(number: int) -> bytes:
    """The canonical record of statement `number`."""
    return f"STATEMENT {number:06d}".encode().ljust(RECORD)


def seed_registry(database: Database) -> None:
    """One cabinet with two connectors, and the one bank file that all statements come from."""
    with database.write() as c:
        c.execute(sa.insert(schema.cabinets).values(id=1, code="CAB001", name="Cabinet Exemple"))
        c.execute(sa.insert(schema.dossiers).values(id=1, cabinet_id=1, reference="D001", name="Boulangerie du Port"))
        for name, key in (("fizen", 1), ("fulll", 2)):
            c.execute(sa.insert(schema.connectors).values(id=key, cabinet_id=1, partner=name, name=name, settings={}))
        c.execute(
            sa.insert(schema.bank_files).values(
                id=1, sha256=bytes(32), name="f", format="cfonb120", size=0, ingested_at=START, records_total=0,
                records_parsed=0, records_blank=0, records_refused=0, statements=0, duplicates=0,
            )
        )  # fmt: skip


def seed_batch(
    database: Database,
    spool: ObjectStore,
    batch_id: int,
    *,
    destination: str = PARTNER,
    day: date = DAY,
    seq: int = 1,
    size: int = 2,
) -> list[int]:
    """A sealed batch of `size` statements, each of an account of its own with an approved mandate; their ids."""
    ids = [batch_id * 1000 + n for n in range(size)]
    records = [statement_bytes(number) for number in ids]
    digest = spool.put(b"".join(records))
    connector = _CONNECTORS[destination]
    day_0 = START - timedelta(days=90)
    with database.write() as c:
        for number, record in zip(ids, records, strict=True):
            bban = f"{number:023d}"
            c.execute(
                sa.insert(schema.accounts).values(
                    id=number, cabinet_id=1, dossier_id=1, iban=f"FR76{bban}", bban=bban, currency="EUR"
                )
            )
            c.execute(
                sa.insert(schema.mandates).values(
                    id=number, account_id=number, step="approved", step_since=day_0, current=True
                )
            )
            if connector:
                c.execute(
                    sa.insert(schema.associations).values(
                        id=number, account_id=number, connector_id=connector, since=day_0, decided_by="anne"
                    )
                )
            c.execute(sa.insert(schema.statements).values(**_statement(number, record, bban, day)))
        c.execute(
            sa.insert(schema.batches).values(
                id=batch_id, destination=destination, kind=destination.partition(":")[0], cabinet_id=1,
                connector_id=connector, business_date=day, seq=seq, state="sealed",
                object_name=object_name(batch_id), idempotency_key=f"key-{batch_id}",
                payload_sha256=bytes.fromhex(digest), payload_size=RECORD * size, n_statements=size, n_entries=0,
                n_records=size, credit=0, debit=0, first_date=day, last_date=day, run_day=day, sealed_at=START,
            )
        )  # fmt: skip
        for number in ids:
            c.execute(
                sa.insert(schema.allocations).values(
                    statement_id=number, batch_id=batch_id, mandate_id=number,
                    association_id=number if connector else None, decided_at=START,
                )
            )  # fmt: skip
    return ids


def object_name(batch_id: int) -> str:
    """The final name of a batch."""
    return f"SOBANK_{batch_id:03d}.cfonb.txt"


def _statement(number: int, record: bytes, bban: str, day: date) -> dict[str, object]:
    digest = hashlib.sha256(record).digest()
    return {
        "id": number, "status": "accepted", "bank_file_id": 1, "position": number, "identity": digest,
        "content_sha256": digest, "account_id": number, "bban": bban, "bank": bban[:5], "branch": bban[5:10],
        "account": bban[10:21], "currency": "EUR", "decimals": 2, "business_date": day, "due_date": day,
        "n_entries": 0, "credit": 0, "debit": 0, "n_records": 1, "records": record, "warnings": "", "errors": "",
    }  # fmt: skip
