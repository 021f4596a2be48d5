"""PostgreSQL's own COPY of rows that an ingest stored, into the same tables with the same indexes and keys."""

from __future__ import annotations

from pathlib import Path

from benchmarks.child import Child

TABLES = ("bank_files", "bank_file_names", "statements", "undecided", "entries")
_PIECE = 1 << 20


def main() -> None:
    """One transaction, all tables, from binary files."""
    child = Child()
    with child.step("imports"):
        import psycopg

    counts = {}
    with child.step("copy"), psycopg.connect(child.asked["database"]) as connection, connection.cursor() as cursor:
        for table in TABLES:
            path = Path(child.asked["folder"]) / table
            with path.open("rb") as rows, cursor.copy(f"COPY {table} FROM STDIN (FORMAT binary)") as copy:  # type: ignore[arg-type]
                while piece := rows.read(_PIECE):
                    copy.write(piece)
            counts[table] = cursor.rowcount
    child.did(statements=counts["statements"], entries=counts["entries"], did="rows stored as they were given")


if __name__ == "__main__":
    main()
