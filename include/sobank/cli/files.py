"""`init`, `inspect`, `ingest`: bank files as they come in."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from sobank import jobs
from sobank.cli.legend import explain
from sobank.cli.show import AsJson, as_json, json_line, out, problems, progress, table
from sobank.domain.iban import masked
from sobank.domain.money import decimal_text
from sobank.errors import ConfigurationError, InputRefused
from sobank.services.ingest import FileOutcome, ingest_file

Paths = Annotated[list[Path], typer.Argument(help="Files, or folders of files.", exists=True, readable=True)]


def add_to(app: typer.Typer) -> None:
    """Add these commands to the root."""
    app.command()(init)
    app.command()(inspect)
    app.command()(ingest)


def init() -> None:
    """Make the folders, ask for the buckets, bring the database to the newest schema; safe to run again."""
    from sobank.store import migrate
    from sobank.wiring import House

    house = House.from_environment()
    for folder in (house.settings.home, house.settings.inbox):
        folder.mkdir(parents=True, exist_ok=True, mode=0o750)
    house.require_storage()
    migrate.upgrade(house.database)
    where = house.database.url.render_as_string(hide_password=True)
    out.print(f"Ready: home {house.settings.home}, inbox {house.settings.inbox}, database {where}", highlight=False)


def inspect(paths: Paths, json: AsJson = False) -> None:
    """Read files and say what is in them; store nothing. With --json, one document a line, one line a file."""
    from sobank.formats.catalogue import HEAD_BYTES, identify
    from sobank.formats.inspection import inspected

    refused = 0
    for path in _files(paths):
        with path.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
            stream.seek(0)
            try:
                form = identify(stream.read(HEAD_BYTES), path.name)
                stream.seek(0)
                found: dict[str, Any] = {"file": path.name, "sha256": sha256, "format": form.name}
                found |= inspected(form.read(stream, chunk_bytes=1 << 20))
            except InputRefused as error:
                refused += 1
                found = {"file": path.name, "sha256": sha256, "format": None, "error": str(error.of(path.name))}
        json_line(found) if json else _show_file(found)
    if refused:
        raise InputRefused(f"{refused} of the files cannot be read", remedy="each says why above")


def ingest(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files or folders; without any, the inbox.", exists=True)
    ] = None,
    json: AsJson = False,
) -> None:
    """Take bank files in. Paths given are read and left where they are; without paths the inbox is emptied."""
    outcomes: list[FileOutcome] = []
    with progress() as bar:
        files = _files(paths) if paths else []
        task = bar.add_task("ingest", total=len(files) or None)

        def taken(outcome: FileOutcome) -> None:
            outcomes.append(outcome)
            bar.advance(task)

        counts = _ingest_paths(files, taken) if paths else jobs.ingest(taken)
    if json:
        as_json(counts | {"outcomes": [_line(outcome) for outcome in outcomes]})
    else:
        _show_ingest(counts, [_line(outcome) for outcome in outcomes])
    if counts["refused"]:
        raise InputRefused(f"{counts['refused']} of {counts['files']} files were refused", remedy="each says why above")


def _show_ingest(counts: dict[str, Any], lines: list[dict[str, Any]]) -> None:
    """The files that a person should look at, then the sums of all."""
    keys = ("name", "statements", "duplicates", "quarantined", "refused_records", "outcome")
    odd = [line for line in lines if line["quarantined"] or line["refused_records"] or line["format"] == ""]
    if odd:
        names = ("file", "statements", "duplicates", "set aside", "refused records", "outcome")
        table("To look at", names, [[line[key] for key in keys] for line in odd], numbers=names[1:5])
    out.print(", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items()), highlight=False)


def _ingest_paths(files: list[Path], report: Callable[[FileOutcome], None]) -> dict[str, Any]:
    from sobank.wiring import House

    house = House.ready()
    parts = house.ingest_parts()
    counts = jobs.no_files()
    for path in files:
        with path.open("rb") as stream:
            outcome = ingest_file(path.name, stream, parts, now=datetime.now(UTC))
        jobs.count_file(counts, outcome)
        if outcome.refused:
            problems.print(str(outcome.refused), highlight=False)
        report(outcome)
    return counts


def _files(paths: list[Path]) -> list[Path]:
    found = [f for p in paths for f in (sorted(q for q in p.rglob("*") if q.is_file()) if p.is_dir() else [p])]
    found = [path for path in found if not path.name.startswith(".")]
    if not found:
        raise ConfigurationError("no file in there", subject=", ".join(str(p) for p in paths), remedy="check the path")
    return found


def _line(outcome: FileOutcome) -> dict[str, Any]:
    kept = outcome.kept
    line: dict[str, Any] = {"name": outcome.name, "sha256": outcome.sha256, "format": outcome.format}
    if kept is None:
        counts = dict.fromkeys(("statements", "entries", "duplicates", "quarantined", "refused_records"), 0)
        return (
            line
            | counts
            | {"warnings": {}, "reasons": {}, "outcome": f"refused: {outcome.refused.what if outcome.refused else ''}"}
        )
    return line | {
        "statements": kept.statements,
        "entries": kept.entries,
        "duplicates": kept.duplicates,
        "quarantined": kept.set_aside,
        "refused_records": kept.records.refused,
        "records": {name: getattr(kept.records, name) for name in ("total", "parsed", "blank", "refused")},
        "warnings": dict(kept.warnings),
        "reasons": dict(kept.quarantined),
        "outcome": "already taken in" if kept.already else "taken in",
    }


def _show_file(found: dict[str, Any]) -> None:
    if "error" in found:
        problems.print(found["error"], highlight=False)
        return
    records = found["records"]
    out.print(
        f"{found['file']}: {found['format']}, {records['total']} records = {records['parsed']} parsed"
        f" + {records['blank']} blank + {records['refused']} refused",
        highlight=False,
    )
    columns = ("account", "cur", "from", "to", "opening", "entries", "sum", "closing", "remarks")
    rows = [
        (
            masked(s["iban"] or s["account"]),
            s["currency"],
            s["opening_date"],
            s["closing_date"],
            None if s["opening"] is None else decimal_text(s["opening"], s["decimals"]),
            s["entries"],
            decimal_text(s["sum"], s["decimals"]),
            None if s["closing"] is None else decimal_text(s["closing"], s["decimals"]),
            " ".join(
                [
                    *s["errors"],
                    *s["warnings"],
                    *([f"repeats #{s['duplicate_of']}"] if s["duplicate_of"] is not None else []),
                ]
            ),
        )
        for s in found["statements"]
    ]
    table("Statements", columns, rows, numbers=("opening", "entries", "sum", "closing"))
    if found["refused"]:
        table(
            "Refused records",
            ("record", "offset", "reason"),
            [(r["record"], r["offset"], r["reason"]) for r in found["refused"]],
            numbers=("record", "offset"),
        )
    remarks = [code for s in found["statements"] for code in (*s["errors"], *s["warnings"])]
    explain([*remarks, *(r["reason"] for r in found["refused"])])
