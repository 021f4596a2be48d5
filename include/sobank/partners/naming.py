"""Name templates of partners' files: no two batches may ever have one name, and no name may be a path (D9, §8)."""

from __future__ import annotations

import re
from datetime import date
from string import Formatter
from typing import Final

#: What may be written after the colon of each field.
_FORMS: Final = {
    "cabinet": re.compile(r""),
    "connector": re.compile(r""),
    "business_date": re.compile(r"|(?:%[Ymd]|[A-Za-z0-9_-])*"),
    "seq": re.compile(r"|0?[1-9]?d|0?[1-9]"),
}
#: Codes of cabinets and names of connectors never hold these, so that a name is cut in one way only.
_SEPARATORS: Final = frozenset("_.")
_ALLOWED: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]|\.(?!\.))*")
_LONGEST_CODE: Final = 40
#: Sinks take names of 200 characters; the suffix of an encrypted file and that of a marker must fit behind.
_LONGEST_NAME: Final = 180
_DAYS: Final = (date(2026, 1, 5), date(2026, 1, 6), date(2026, 2, 5), date(2027, 1, 5))


def fault_of(template: str) -> str | None:
    """What is wrong with a name template, or None."""
    try:
        parts = [(literal, field, form) for literal, field, form, _ in Formatter().parse(template)]
    except ValueError as error:
        return f"is not a template: {error}"
    fields = [field for _, field, _ in parts if field is not None]
    if foreign := next((field for field in fields if field not in _FORMS), None):
        return f"is not a template of cabinet, connector, business_date and seq: {{{foreign[:40]}}} is none of them"
    if missing := [f"{{{known}}}" for known in _FORMS if known not in fields]:
        named = " ".join(missing)
        return f"gives two batches the same name: {named} is missing"
    if len(fields) > len(_FORMS):
        return "has a field twice"
    for place, (literal, named_field, form) in enumerate(parts):
        if named_field is None:
            continue
        if place and not _SEPARATORS & set(literal):
            return f"gives two batches the same name: no _ or . stands before {{{named_field}}}"
        if not _FORMS[named_field].fullmatch(form or ""):
            return f"has a form of {{{named_field}}} that is not taken: {form!r}"
    return _fault_of_names(template)


def _fault_of_names(template: str) -> str | None:
    def name(day: date, *, letters: int, seq: int = 1) -> str:
        return template.format(cabinet="C" * letters, connector="c" * letters, business_date=day, seq=seq)

    try:
        names = {name(day, letters=1) for day in _DAYS}
        longest = name(_DAYS[0], letters=_LONGEST_CODE, seq=99_999)
    except (ValueError, KeyError, IndexError, AttributeError, TypeError):
        return "is not a template of cabinet, connector, business_date and seq"
    if len(names) < len(_DAYS):
        return "gives two batches the same name: the date needs its year, month and day, as {business_date:%Y%m%d}"
    if not _ALLOWED.fullmatch(name(_DAYS[0], letters=1)):
        return (
            "has other characters than letters, digits, _, - and single dots, or does not begin with a letter or digit"
        )
    if len(longest) > _LONGEST_NAME:
        return f"is longer than {_LONGEST_NAME} characters with codes of {_LONGEST_CODE} characters"
    return None
