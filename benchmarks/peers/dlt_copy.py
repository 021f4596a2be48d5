"""dlt, the usual mover of rows: the columns that our daily path reads, from PostgreSQL into Parquet files."""

from __future__ import annotations

import os
from pathlib import Path

from benchmarks.child import Child

COLUMNS = {
    "statements": [
        "id", "account_id", "business_date", "due_date", "opening_date", "closing_date", "currency", "n_entries",
        "n_records", "credit", "debit", "opening", "closing", "decimals", "content_sha256", "records",
    ],
    "entries": ["statement_id", "seq", "amount", "booking_date", "value_date", "label", "details"],
}  # fmt: skip


def main() -> None:
    """Copy; nothing is joined, judged or decided."""
    child = Child()
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    os.environ["DLT_DATA_DIR"] = child.asked["home"]
    with child.step("imports"):
        import dlt
        import pyarrow.parquet as pq
        from dlt.sources.sql_database import sql_table

    asked = child.asked
    pipeline = dlt.pipeline(
        "bench",
        pipelines_dir=str(Path(asked["home"]) / "pipelines"),
        destination=dlt.destinations.filesystem(Path(asked["folder"]).as_uri()),
        dataset_name="day",
    )
    tables = [
        sql_table(
            credentials=asked["database"],
            table=table,
            backend="connectorx",
            backend_kwargs={"conn": asked["plain_database"], "return_type": "arrow"},
            included_columns=columns,
        )
        for table, columns in COLUMNS.items()
    ]
    with child.step("extract"):
        pipeline.extract(tables, loader_file_format="parquet")
    with child.step("normalize"):
        pipeline.normalize()
    with child.step("load"):
        pipeline.load()
    counts = {
        table: sum(pq.read_metadata(path).num_rows for path in Path(asked["folder"]).rglob(f"day/{table}/*.parquet"))
        for table in COLUMNS
    }
    child.did(
        statements=counts["statements"],
        entries=counts["entries"],
        files=len(COLUMNS),
        written="Parquet, a file a table",
        durable="no fsync",
        checked="nothing",
        recorded="nothing",
    )


if __name__ == "__main__":
    main()
