"""The trace: what may have left and what came in, written beside the spool, where no restore of the database reaches.

One small object a transaction, `<lineage>/<day>/<time>-<kind>-<token>.json`. A lineage is the life of the database
between two restores. The database commits the token of a departure, or the SHA-256 of a file, before the object is
written; so an object that it does not know was written after the backup from which it was restored (ADR 0022).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import sqlalchemy as sa

from sobank.domain.trace import Departure, End, Ending, Intake, Record, SealedBatch
from sobank.errors import ConfigurationError, LedgerError
from sobank.store.place import place_of
from sobank.store.registry import in_parts
from sobank.store.schema import bank_files, departures, lineage
from sobank.store.trace_place import records_at

if TYPE_CHECKING:
    from sobank.store.database import Database
    from sobank.store.trace_place import Place

_CLOSED: Final = "closed"
_DEPARTURE, _ENDING, _INTAKE = "departure", "ending", "intake"
#: What we write; whatever else lies there is not ours: a note, a marker of a folder in a bucket.
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d/")
_RECORD: Final = re.compile(rf"\d{{12}}-(?:({_DEPARTURE}|{_ENDING})-(.+)|({_INTAKE})-([0-9a-f]{{64}}))\.json")
#: Days with departures that are compared at the start of a push. No token is written twice, so a database that knows
#: one of a day was not restored to before it; the second covers midnight, and clocks that differ.
_LOOKED_AT: Final = 2
_AT_ONCE: Final = 16
_NAMES: Final = {
    kind: tuple(field.name for field in fields(kind)) for kind in (Record, Intake, Departure, Ending, SealedBatch)
}


class Trace:
    """The trace of one database, at `file:///folder` or `s3://bucket/prefix`.

    Every method raises StoreAway where the place does not answer, and ConfigurationError where the URL names none.
    """

    def __init__(self, url: str, database: Database) -> None:
        self.url = url
        self._database = database

    @cached_property
    def lineage(self) -> int:
        """The lineage of the database when this process first asked."""
        with self._database.read() as connection:
            return int(connection.execute(sa.select(lineage.c.number)).scalar_one())

    def write(self, record: Record, *, token: str, now: datetime) -> None:
        """Keep a record; on disk when this returns.

        Raises:
            LedgerError: this lineage is over. The database was restored and reconciled since, without this record or
                with it: whoever wrote it must not go on.
        """
        folder = f"{_folder(self.lineage)}/{now.astimezone(UTC):%Y-%m-%d/%H%M%S%f}"
        self._place.write(f"{folder}-{_kind(record)}-{token}.json", _encoded(record))
        if self._place.has(f"{_folder(self.lineage)}/{_CLOSED}"):
            raise LedgerError(
                "this process belongs to a database that was restored and reconciled since",
                subject=self.url,
                remedy="stop it; what it had under way is taken up by others",
            )

    def require_level(self) -> None:
        """Let nothing leave, and take nothing in, with a database that knows less than its trace.

        Raises:
            ConfigurationError: the database is older than what was sent or taken in.
        """
        if not self.is_level():
            raise ConfigurationError(
                "the database is older than what was sent: it was restored from a backup, or begun anew",
                subject=self.url,
                remedy="stop every worker, then run `sobank reconcile` (docs/operations.md); nothing is sent before, "
                "and files stay in the inbox",
            )

    def is_level(self, *, whole: bool = False) -> bool:
        """Whether the database knows all that the last days of its trace tell; `whole`: all its days.

        Days are looked at back to the second that holds a departure: what only ends or came in may be of before a
        backup. Days that are not yet here, of a clock that once ran ahead, are looked at and not counted.

        Raises:
            ConfigurationError: there is no trace, and the database has let something leave.
        """
        mine, lineages = _folder(self.lineage), self._lineages()
        if not lineages:
            self._require_new()
        if any(number > self.lineage for number in lineages):
            return False
        names = self._place.names(mine)
        if _CLOSED in names:
            return False
        today, counted = f"{datetime.now(UTC):%Y-%m-%d}", 0
        for day in reversed(_days(names)):
            told = self._told(f"{mine}/{day}")
            if self._lacks(told):
                return False
            counted += bool(told[_DEPARTURE]) and day <= today
            if counted == _LOOKED_AT and not whole:
                break
        return True

    def lost(self) -> list[Record]:
        """All records from the day before the first that the database does not know; none if it is level.

        In the order of lineages, then of what was written; but files after all else, in that of their numbers.
        """
        found: list[str] = []
        for number in self._lineages():
            if number < self.lineage:
                continue
            days = [f"{_folder(number)}/{day}" for day in _days(self._place.names(_folder(number)))]
            if not found:
                first = next((place for place, day in enumerate(days) if self._lacks(self._told(day))), len(days) + 1)
                days = days[max(first - 1, 0) :]
            found += [f"{day}/{name}" for day in days for name in self._place.names(day) if _RECORD.fullmatch(name)]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            records = pool.map(lambda key: _decoded(self._place.read(key)), found)
            return [record for _, record in sorted(zip(found, records, strict=True), key=_place_in_lineage)]

    def close(self) -> int:
        """End every lineage from that of the database on; whoever still writes there learns it. The next number."""
        numbers = sorted({self.lineage, *(number for number in self._lineages() if number > self.lineage)})
        for number in numbers:
            self._place.write(f"{_folder(number)}/{_CLOSED}", b"{}")
        return numbers[-1] + 1

    def follow(self) -> None:
        """Go on in the lineage that the database is in now."""
        self.__dict__.pop("lineage", None)

    def unknown_files(self, intakes: Iterable[Intake]) -> list[Intake]:
        """Those whose bytes the database does not have, once each, in the order in which they were taken in."""
        wanted = {intake.sha256: intake for intake in reversed(list(intakes))}
        known = self._known(bank_files.c.sha256, [bytes.fromhex(sha256) for sha256 in wanted])
        return [intake for sha256, intake in reversed(wanted.items()) if bytes.fromhex(sha256) not in known]

    def _require_new(self) -> None:
        with self._database.read() as connection:
            if connection.execute(sa.select(departures.c.token).limit(1)).first() is None:
                return
        raise ConfigurationError(
            "there is no trace here, though this database has let files leave",
            subject=self.url,
            remedy="mount its folder, or correct SOBANK_TRACE_URL; nothing is sent or taken in before. Where one is "
            f"begun anew on purpose, make the folder {_folder(self.lineage)} there (docs/operations.md)",
        )

    def _lineages(self) -> list[int]:
        return sorted(int(name[:-1]) for name in self._place.names("") if name.endswith("/") and name[:-1].isdigit())

    def _told(self, day: str) -> dict[str, set[str]]:
        """Tokens of a day by what they are of."""
        told: dict[str, set[str]] = {_DEPARTURE: set(), _INTAKE: set(), _ENDING: set()}
        for name in self._place.names(day):
            if found := _RECORD.fullmatch(name):
                kind, token = (each for each in found.groups() if each)
                told[kind].add(token)
        return told

    def _lacks(self, told: dict[str, set[str]]) -> bool:
        """Whether the database lacks something that must be in it before it is told."""
        left, came = list(told[_DEPARTURE]), [bytes.fromhex(token) for token in told[_INTAKE]]
        return len(self._known(departures.c.token, left)) < len(left) or len(
            self._known(bank_files.c.sha256, came)
        ) < len(came)

    def _known(self, column: sa.Column[Any], values: Sequence[Any]) -> set[Any]:
        if not values:
            return set()
        with self._database.read() as connection:
            return {
                value
                for part in in_parts(sorted(set(values)))
                for value in connection.execute(sa.select(column).where(column.in_(part))).scalars()
            }

    @cached_property
    def _place(self) -> Place:
        return records_at(self.url)


def beside(spool_url: str) -> str:
    """The URL of a trace that nobody has said: `trace` beside the spool, which all workers see.

    Raises:
        ConfigurationError: that of the spool names no folder and no bucket.
    """
    place_of(spool_url)
    parts = urlsplit(spool_url)
    return parts._replace(path=str(PurePosixPath(parts.path or "/spool").parent / "trace")).geturl()


def _folder(number: int) -> str:
    return f"{number:06d}"


def _days(names: Iterable[str]) -> list[str]:
    return sorted(name[:-1] for name in names if _DAY.fullmatch(name))


def _place_in_lineage(told: tuple[str, Record]) -> tuple[str, bool, int]:
    """Files of one ingest may bear one moment, so that their keys tell nothing of their order."""
    key, record = told
    return key.split("/")[0], bool(record.intakes), max((intake.number for intake in record.intakes), default=0)


def _kind(record: Record) -> str:
    """What the name says: whether the database must know the token, for what of it."""
    return _DEPARTURE if record.departures else _ENDING if record.endings else _INTAKE


def _encoded(record: Record) -> bytes:
    return json.dumps(record, default=_plain, separators=(",", ":")).encode()


def _plain(value: Any) -> object:
    """Not `asdict`, which copies all that is below as well: half of the time of a record."""
    if isinstance(value, date):
        return value.isoformat()
    return {name: getattr(value, name) for name in _NAMES[type(value)]}


def _decoded(content: bytes) -> Record:
    found = json.loads(content)
    return Record(
        intakes=tuple(Intake(**row) for row in found["intakes"]),
        departures=tuple(Departure(**row | {"batch": _batch(row["batch"])}) for row in found["departures"]),
        endings=tuple(Ending(**row | {"end": End(row["end"])}) for row in found["endings"]),
    )


def _batch(row: dict[str, Any]) -> SealedBatch:
    days = {name: date.fromisoformat(row[name]) for name in ("business_date", "first_date", "last_date", "run_day")}
    return SealedBatch(**row | days | {"sealed_at": datetime.fromisoformat(row["sealed_at"])})
