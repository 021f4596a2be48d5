"""CFONB 120 read one record at a time, slowly and plainly: what the fast reader must agree with."""

from __future__ import annotations

import hashlib
import io
from datetime import date

from sobank.domain.iban import bban as bban_of
from sobank.domain.iban import iban as iban_of
from sobank.domain.money import SIGN_CHARACTERS
from sobank.formats.cfonb120 import Cfonb120
from sobank.formats.cfonb120_codes import ERRORS, WARNINGS
from tests.formats.cfonb120_reference_lines import records_of


def fast(raw: bytes, chunk_bytes: int = 1 << 20, **options) -> dict:
    """What the fast reader gives, chunks put together."""
    counts, tables = (
        {"total": 0, "parsed": 0, "blank": 0, "refused": 0},
        {"statements": [], "entries": [], "refusals": []},
    )
    for chunk in Cfonb120(**options).read(io.BytesIO(raw), chunk_bytes=chunk_bytes):
        assert chunk.counts.total == chunk.counts.parsed + chunk.counts.blank + chunk.counts.refused
        assert chunk.counts.refused == len(chunk.refusals)
        for name in counts:
            counts[name] += getattr(chunk.counts, name)
        for name, rows in tables.items():
            table = getattr(chunk, name)
            table.validate(full=True)
            rows.extend(table.to_pylist())
    return {"counts": counts, **tables}


# --- values ---------------------------------------------------------------------------------------------------------


def text_of(cells: bytes) -> str:
    return cells.replace(b"\0", b" ").rstrip(b" ").decode("latin-1")


def day_of(cells: bytes) -> date | None:
    if not cells.isdigit():
        return None
    year = int(cells[4:])
    try:
        return date(year + (2000 if year < 70 else 1900), int(cells[2:4]), int(cells[:2]))
    except ValueError:
        return None


def amount_of(cells: bytes) -> tuple[int | None, bool]:
    digits = cells[:13].lstrip(b" ")
    if (digits and not digits.isdigit()) or chr(cells[13]) not in SIGN_CHARACTERS:
        return None, False
    last, sign = SIGN_CHARACTERS[chr(cells[13])]
    return sign * int(digits.decode() + str(last)), len(digits) < 13


def decimals_of(cell: bytes) -> int | str | None:
    if cell == b" ":
        return None
    return int(cell) if cell in b"0123" and cell else "bad"


# --- statements -----------------------------------------------------------------------------------------------------


class Open:
    """The statement in progress."""

    def __init__(self, record: dict, position: int) -> None:
        self.position, self.first = position, record
        self.kept: list[dict] = []
        self.valued: list[tuple[dict, int | None]] = []  # records whose currency, decimals and amount count
        self.moves: list[dict] = []
        self.errors: set[str] = set()
        self.warnings: set[str] = set()
        self.opening = self.closing = self.opening_date = self.closing_date = None
        self.refused = self.closed = False
        self.owner: dict | None = None
        self.taken = 0


def read(raw: bytes, max_records: int = 1 << 19) -> dict:
    """Counts, statements, entries and refusals of a file."""
    records = records_of(raw)
    counts = {"total": len(records), "parsed": 0, "blank": 0, "refused": 0}
    refusals, done, statement = [], [], None
    opened = 0
    for record in records:
        if record["mark"] == "blank":
            counts["blank"] += 1
            continue
        code = record["text"][:2] if record["mark"] not in ("drift", "too_long") else b"??"
        if code == b"01":
            if statement:
                statement.errors.add("too_large" if statement.taken >= max_records else "unclosed")
                done.append(statement)
            statement = Open(record, opened)
            opened += 1
        if statement and statement.taken >= max_records:
            statement.errors.add("too_large")
            done.append(statement)
            statement = None
        reason = one(record, code, statement)
        if statement:
            statement.taken += 1
        if reason:
            counts["refused"] += 1
            refusals.append({"record": record["number"], "offset": record["offset"], "reason": reason})
            if statement:
                statement.errors.add(reason)
                statement.refused = True
        else:
            counts["parsed"] += 1
        if code == b"07" and statement:
            statement.closed = True
            done.append(statement)
            statement = None
    if statement:
        statement.errors.add("too_large" if statement.taken >= max_records else "unclosed")
        done.append(statement)
    return {"counts": counts, **finished(done), "refusals": refusals}


def one(record: dict, code: bytes, statement: Open | None) -> str | None:
    """Take one record into the statement; the reason where it is refused."""
    text = record["text"]
    if statement:
        if record["mark"] != "too_long":
            statement.kept.append(record)
        if record["mark"] in ("utf8", "short"):
            statement.warnings.add({"utf8": "utf8", "short": "drift"}[record["mark"]])
        if b"\0" in text[:120]:
            statement.warnings.add("control_characters")
    if record["mark"] in ("drift", "too_long"):
        return record["mark"]
    if code not in (b"01", b"03", b"04", b"05", b"07"):
        return "unknown_record"
    if not statement:
        return "unknown_record" if code == b"03" else "outside_statement"
    own = statement.first["text"]
    day, (amount, padded), decimals = day_of(text[34:40]), amount_of(text[90:104]), decimals_of(text[19:20])
    value_day, value_empty = day_of(text[42:48]), text[42:48] in (b" " * 6, b"0" * 6)
    reason = None
    if code != b"05":
        if amount is None:
            reason = "bad_amount"
        elif decimals == "bad":
            reason = "bad_decimals"
        elif day is None:
            reason = "bad_date"
        if code == b"03" and (reason or (value_day is None and not value_empty)):
            reason = "unknown_record"
        if padded:
            statement.warnings.add("amount_padded")
    if code in (b"04", b"05", b"07") or (code == b"03" and not reason):
        if text[21:32] != own[21:32]:
            statement.errors.add("account_differs")
        if text[2:7] != own[2:7] or text[11:16] != own[11:16]:
            statement.warnings.add("bank_differs")
    if code in (b"01", b"07"):
        statement.valued.append(record)
        known = (record, amount) if reason in (None, "bad_date") else None
        if code == b"01":
            statement.opening, statement.opening_date = known, None if reason else day
        else:
            statement.closing, statement.closing_date = known, None if reason else day
    elif code == b"05":
        if statement.owner is None:
            return "complement_without_movement"
        old = text[40:45].strip(b" ")
        line = b"   " + text[40:118] if old else text[45:118]
        shown = line.replace(b"\0", b" ").decode("latin-1")
        statement.owner["details"].append(shown[:3] + shown[3:].rstrip(" "))
    else:
        statement.owner = None
        if not reason:
            statement.valued.append(record)
            statement.owner = {"record": record, "amount": amount, "day": day, "value": value_day, "details": []}
            statement.moves.append(statement.owner)
            if code == b"03":
                statement.warnings.add("movement_03")
            elif value_day is None and not value_empty:
                statement.warnings.add("bad_value_date")
    return reason


def finished(done: list[Open]) -> dict:
    statements, entries = [], []
    by_content: dict[bytes, tuple[int, bytes]] = {}
    ordinals: dict[str, int] = {}
    for statement in done:
        row = row_of(statement)
        entries.extend(entry_of(statement, seq, move, row) for seq, move in enumerate(statement.moves))
        name = "\x1f".join(
            "" if row[k] is None else str(row[k])
            for k in ("bank", "branch", "account", "currency", "opening_date", "closing_date", "opening", "closing")
        )
        content = row["content_sha256"]
        if content in by_content:
            row["duplicate_of"], row["identity"] = by_content[content]
        else:
            ordinal = ordinals.get(name, 0)
            ordinals[name] = ordinal + 1
            row["identity"] = hashlib.sha256(f"{name}\x1f{ordinal}".encode()).digest()
            by_content[content] = (row["position"], row["identity"])
        statements.append(row)
    return {"statements": statements, "entries": entries}


def row_of(statement: Open) -> dict:
    own = statement.first["text"]
    texts = [r["text"] for r in statement.valued]
    currencies = [t[16:19] for t in texts if t[16:19] != b"   "]
    decimals = [decimals_of(t[19:20]) for t in texts]
    written = [d for d in decimals if isinstance(d, int)]
    currency = currencies[0] if currencies else b"EUR"
    usual = written[0] if written else 2
    largest = max(written, default=2)
    if any(t[16:19] == b"   " for t in texts):
        statement.warnings.add("currency_assumed")
    if None in decimals:
        statement.warnings.add("decimals_assumed")
    if len(set(written)) > 1:
        statement.warnings.add("mixed_decimals")
    compared = texts + [r["text"] for r in statement.kept if r["mark"] != "drift" and r["text"][:2] in (b"04", b"05")]
    if any(t[16:19] not in (currency, b"   ") for t in compared):
        statement.errors.add("currency_differs")

    def scaled(record: dict, amount: int) -> int:
        own_decimals = decimals_of(record["text"][19:20])
        return amount * 10 ** (largest - (usual if own_decimals is None else own_decimals))

    for move in statement.moves:
        move["amount"] = scaled(move["record"], move["amount"])
    opening = scaled(*statement.opening) if statement.opening else None
    closing = scaled(*statement.closing) if statement.closing else None
    credit = sum(m["amount"] for m in statement.moves if m["amount"] > 0)
    debit = sum(m["amount"] for m in statement.moves if m["amount"] < 0)
    balanced = opening is not None and closing is not None and opening + credit + debit == closing
    if statement.closed and not statement.refused and not balanced:
        statement.errors.add("unbalanced")
    if statement.opening_date and statement.closing_date and statement.closing_date < statement.opening_date:
        statement.errors.add("dates_reversed")
    canonical = b"".join(r["text"] for r in statement.kept)
    bank, branch, account = (c.decode("latin-1") for c in (own[2:7], own[11:16], own[21:32]))
    try:
        bban = bban_of(*("".join(c.upper() if c.isascii() else c for c in p) for p in (bank, branch, account)))
    except ValueError:
        bban = None
    return {
        "position": statement.position,
        "bank": text_of(own[2:7]),
        "branch": text_of(own[11:16]),
        "account": text_of(own[21:32]),
        "bban": bban,
        "iban": bban and iban_of(bban),
        "currency": text_of(currency),
        "decimals": largest,
        "opening_date": statement.opening_date,
        "closing_date": statement.closing_date,
        "opening": opening,
        "closing": closing,
        "n_entries": len(statement.moves),
        "credit": credit,
        "debit": debit,
        "balanced": balanced,
        "first_record": statement.first["number"],
        "n_records": len(statement.kept),
        "records": canonical,
        "content_sha256": hashlib.sha256(canonical).digest(),
        "identity": b"",
        "duplicate_of": None,
        "warnings": " ".join(code for code in WARNINGS if code in statement.warnings),
        "errors": " ".join(code for code in ERRORS if code in statement.errors),
    }


def entry_of(statement: Open, seq: int, move: dict, row: dict) -> dict:
    text = move["record"]["text"]
    return {
        "position": row["position"],
        "seq": seq,
        "amount": move["amount"],
        "booking_date": move["day"],
        "value_date": move["value"],
        "label": text_of(text[48:79]),
        "interbank_code": text_of(text[32:34]),
        "bank_code": text_of(text[7:11]),
        "reject_code": text_of(text[40:42]),
        "entry_number": text_of(text[81:88]),
        "exempt": text_of(text[88:89]),
        "unavailable": text_of(text[89:90]),
        "reference": text_of(text[104:120]),
        "details": "\n".join(move["details"]),
    }
