"""A small world in which every action can be taken once, made once and copied for each cell of the matrix."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from sobank.domain.delivery import BatchState
from sobank.services.register import register
from sobank.store import schema
from sobank.store.iban_check import checked_iban
from sobank.store.registry_import import RegistryImporter
from tests.builders import NOW, TestHouse, file_of, iban_of, statement

#: The cabinet that is acted on; OTHER is an administrateur of another one, NOBODY a member of none.
HERE, THERE = "CAB001", "CAB002"
ADMINISTRATEUR, SUPERVISEUR, COLLABORATEUR, OTHER, NOBODY, OPERATOR = "adm", "sup", "collab", "other", "nobody", "op"
USERS: Final = (ADMINISTRATEUR, SUPERVISEUR, COLLABORATEUR, OTHER, NOBODY, OPERATOR)
#: A member of HERE who can be taken off it.
GUEST: Final = "guest"
#: Accounts by n: the first four are HELD's and SEALED's, then without connector, as draft, and on the connector to cut.
FREE, DRAFT, CUT, THEIRS, UNREGISTERED = 5, 6, 7, 11, 20
DAY, NEXT_DAY = date(2026, 3, 3), date(2026, 3, 4)
_SENT: Final = ("fizen", "inqom", "fulll", "myunisoft")
_DATABASE: Final = "sobank.db"


@dataclass(frozen=True)
class World:
    """The house, and what can be decided on in it: held batches, one that is sealed, statements set aside."""

    house: TestHouse
    held: tuple[int, ...]
    sealed: int
    set_aside: tuple[int, ...]

    def fingerprint(self) -> str:
        """A hash of every row of every table, and of every file that a partner or a cabinet has."""
        found = hashlib.sha256()
        with self.house.database.read() as connection:
            for line in connection.connection.driver_connection.iterdump():  # type: ignore[union-attr]
                found.update(line.encode())
        for name, content in self.house.delivered().items():
            found.update(name.encode() + content)
        return found.hexdigest()

    def roles(self) -> set[tuple[str, str | None]]:
        """Who has left events, and in which role."""
        with self.house.database.read() as connection:
            return {(e.actor, e.role) for e in connection.execute(sa.select(schema.audit_events)) if e.role != "import"}


def make(folder: Path, empty: str) -> World:
    """The world, in an empty folder; `empty`: URL of an empty migrated SQLite database, which is copied."""
    shutil.copy(Path(sa.make_url(empty).database or ""), folder / _DATABASE)
    with _house(folder) as house:
        register(
            RegistryImporter(house.database), {"cabinets": _cabinets()}, source="test", partners=house.partners,
            check_iban=checked_iban, check_encryption=house.encryption.check, now=NOW,
        )  # fmt: skip
        told = [statement(n, DAY, 5) for n in (1, 2, 3)]
        told += [statement(FREE, day, 5, closing=7) for day in (DAY, NEXT_DAY)]
        house.take_in(file_of(*told), name="first.txt")
        house.decide(DAY)
        for batch in house.ledger.open_batches():
            if batch.partner is not None:
                _in_its_way(house, batch.partner, batch.outgoing.object_name)
        house.push()
        house.take_in(file_of(statement(4, DAY, 5)), name="second.txt")
        house.decide(DAY)
        return _seen(house)


@contextmanager
def copied(template: World, folder: Path) -> Iterator[World]:
    """The same world in another folder, for one cell to change."""
    shutil.copytree(template.house.settings.home, folder, dirs_exist_ok=True)
    with _house(folder) as house:
        yield World(house=house, held=template.held, sealed=template.sealed, set_aside=template.set_aside)


@contextmanager
def _house(folder: Path) -> Iterator[TestHouse]:
    house = TestHouse(folder, f"sqlite:///{folder / _DATABASE}")
    yield house
    house.database.close()


def _seen(house: TestHouse) -> World:
    b, s = schema.batches.c, schema.statements.c
    with house.database.read() as connection:
        states = {row.id: row.state for row in connection.execute(sa.select(b.id, b.state).order_by(b.id))}
        aside = connection.scalars(sa.select(s.id).where(s.status == "quarantined").order_by(s.id)).all()
    held = tuple(id_ for id_, state in states.items() if state == BatchState.HELD)
    (sealed,) = (id_ for id_, state in states.items() if state == BatchState.SEALED)
    assert (len(held), len(aside)) == (3, 2), (states, aside)
    return World(house=house, held=held, sealed=sealed, set_aside=tuple(aside))


def _in_its_way(house: TestHouse, partner: str, name: str) -> None:
    """Other bytes under the name of a batch: a person must look, so it will be held."""
    folder = house.settings.home / "partners" / partner / HERE
    folder.mkdir(parents=True)
    (folder / name).write_bytes(b"foreign")


def _cabinets() -> list[dict[str, Any]]:
    def accounts(*of: tuple[int, str, str | None]) -> list[dict[str, Any]]:
        return [
            {"iban": iban_of(n), "currency": "EUR", "mandate": mandate, "connector": connector}
            for n, mandate, connector in of
        ]

    sent = [(n, "approved", connector) for n, connector in enumerate(_SENT, start=1)]
    here = accounts(*sent, (FREE, "approved", None), (DRAFT, "draft", None), (CUT, "approved", "fizen-cut"))
    members = {ADMINISTRATEUR: "administrateur", SUPERVISEUR: "superviseur", COLLABORATEUR: "collaborateur"}
    return [
        {
            "code": HERE,
            "name": "Cabinet Un",
            "members": [{"user": u, "profile": p} for u, p in (members | {GUEST: "collaborateur"}).items()],
            "connectors": [
                {"name": name, "partner": name.partition("-")[0]} for name in (*_SENT, "fizen-cut", "fizen-free")
            ],
            "dossiers": [{"reference": "D1", "name": "Boulangerie", "accounts": here}],
        },
        {
            "code": THERE,
            "name": "Cabinet Deux",
            "members": [{"user": OTHER, "profile": "administrateur"}],
            "connectors": [{"name": "fizen", "partner": "fizen"}],
            "dossiers": [{"reference": "D1", "name": "Garage", "accounts": accounts((THEIRS, "approved", "fizen"))}],
        },
    ]
