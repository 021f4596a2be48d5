"""The limit: the same rows out of PostgreSQL by binary COPY, and as many bytes into as many files, each synced."""

from __future__ import annotations

import os
from pathlib import Path

from benchmarks.child import Child

#: What the daily path reads: the facts that decide and judge a statement, its records, the figures of its entries.
STATEMENTS = """
    SELECT s.id, s.business_date, s.due_date, s.opening_date, s.closing_date, s.currency, s.n_entries, s.n_records,
           s.credit, s.debit, s.opening, s.closing, s.decimals, s.content_sha256, a.iban, c.code, m.id, m.step,
           x.id, k.name, k.partner, s.records
      FROM undecided u
      JOIN statements s ON s.id = u.statement_id
      JOIN accounts a ON a.id = s.account_id
      JOIN cabinets c ON c.id = a.cabinet_id
      JOIN mandates m ON m.account_id = a.id AND m.current
      LEFT JOIN associations x ON x.account_id = a.id AND x."until" IS NULL
      LEFT JOIN connectors k ON k.id = x.connector_id
"""
ENTRIES = """
    SELECT e.statement_id, e.seq, e.amount, e.booking_date, e.value_date, length(e.label), length(e.details)
      FROM entries e JOIN undecided u ON u.statement_id = e.statement_id
"""


def main() -> None:
    """Read and write; nothing is computed."""
    child = Child()
    with child.step("imports"):
        import psycopg

    asked = child.asked
    counts = []
    with child.step("read"), psycopg.connect(asked["database"]) as connection, connection.cursor() as cursor:
        for sql in (STATEMENTS, ENTRIES):
            with cursor.copy(f"COPY ({sql}) TO STDOUT (FORMAT binary)") as copy:  # type: ignore[arg-type]
                for _ in copy:
                    pass
            counts.append(cursor.rowcount)
    with child.step("write"):
        write(Path(asked["folder"]), asked["sizes"])
    child.did(
        statements=counts[0],
        entries=counts[1],
        files=len(asked["sizes"]),
        written="bytes of the same number",
        durable="fsync",
        checked="nothing",
        recorded="nothing",
    )


def write(folder: Path, sizes: list[int]) -> None:
    """A file of each size, on disk when this returns."""
    content = memoryview(os.urandom(max(sizes)))
    for number, size in enumerate(sizes):
        with (folder / f"{number:06d}.bin").open("wb") as out:
            out.write(content[:size])
            out.flush()
            os.fsync(out.fileno())
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(handle)
    os.close(handle)


if __name__ == "__main__":
    main()
