"""Bytes → records of CFONB 120, slowly and plainly: the first half of the reference reader."""

from __future__ import annotations

import re

from sobank.domain.money import SIGN_CHARACTERS

HEADER = re.compile(rb"0[13457][0-9A-Za-z]{5}.{4}[0-9A-Za-z]{5}(?:[A-Za-z]{3}| {3})[0-9 ].[0-9A-Za-z]{11}", re.DOTALL)
PADDING = b" \0\x1a"
LONGEST_LINE = 4096


def lines_of(raw: bytes) -> list[tuple[int, bytes, bool]]:
    """Offset, bytes and whether it was terminated, of each line."""
    out, at = [], 3 if raw.startswith(b"\xef\xbb\xbf") else 0
    start = at
    while at < len(raw):
        if raw[at : at + 1] in (b"\n", b"\r"):
            out.append((start, raw[start:at], True))
            at += 2 if raw[at : at + 2] == b"\r\n" else 1
            start = at
        else:
            at += 1
    if start < len(raw):
        out.append((start, raw[start:], False))
    return out


def from_utf8(line: bytes) -> bytes | None:
    try:
        record = line.decode("utf-8").encode("latin-1").rstrip(PADDING)
    except UnicodeError:
        return None
    return record.ljust(120) if len(record) <= 120 and not line.isascii() else None


def pieces_of(line: bytes) -> list[tuple[int, bytes, str]]:
    """Offset, bytes and mark of the pieces of a long line."""
    heads = {at for at in range(len(line)) if HEADER.match(line, at)}
    out, at = [], 0
    while at < len(line):
        if at in heads:
            inner = [q for q in range(at + 40, at + 120) if q in heads]
            own = [q for q in inner if line[q + 21 : q + 32] == line[at + 21 : at + 32]]
            if own:
                stop, mark = own[0], "short"
            elif at + 120 >= len(line):
                stop, mark = len(line), ""
            elif inner and at + 120 not in heads:
                stop, mark = inner[0], "short"
            else:
                stop, mark = at + 120, ""
        else:
            later = [q for q in range(at + 1, at + 120) if q in heads]
            stop, mark = min([*later, at + 120, len(line)]), "drift"
        out.append((at, line[at:stop], mark))
        at = stop
    return out


def records_of(raw: bytes) -> list[dict]:
    """Every record: number, offset, 120 characters, mark; blank ones too."""
    found: list[tuple[int, bytes, str]] = []
    for offset, line, terminated in lines_of(raw):
        if not terminated and len(line) <= LONGEST_LINE:
            line = line.rstrip(b"\0\x1a")
            if not line:
                continue
        if len(line) <= 120:
            found.append((offset, line, ""))
        elif not line[120:].strip(PADDING):
            found.append((offset, line[:120], ""))
        elif len(line) <= LONGEST_LINE and from_utf8(line):
            found.append((offset, from_utf8(line), "utf8"))
        else:
            pieces = pieces_of(line)
            if not terminated and len(line) > LONGEST_LINE:
                at, last, mark = pieces.pop()
                if last.rstrip(b"\0\x1a"):
                    pieces.append((at, last.rstrip(b"\0\x1a"), mark))
            if len(line) <= LONGEST_LINE and sum(mark != "drift" for _, _, mark in pieces) < 2:
                found.append((offset, line, "too_long"))
            else:
                found.extend((offset + at, text, mark) for at, text, mark in pieces)
    out = []
    for number, (offset, text, mark) in enumerate(found, 1):
        if not text.strip(PADDING):
            mark = "blank"
        text = text.ljust(120) if mark != "too_long" else text
        if mark == "" and text[:2] in (b"01", b"03", b"04", b"07") and chr(text[103]) not in SIGN_CHARACTERS:
            better = from_utf8(text.rstrip(b" "))
            if better and chr(better[103]) in SIGN_CHARACTERS:
                text, mark = better, "utf8"
        out.append({"number": number, "offset": offset, "text": text, "mark": mark})
    return out
