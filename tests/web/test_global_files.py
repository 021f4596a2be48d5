"""*Relevés*: the global file of each day with its manifest and its bytes, or why there is none (A10, O1)."""

from __future__ import annotations

import html
import json
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from sobank.store import schema
from tests.builders import NOW, file_of, named, statement
from tests.web.site import COLLABORATEUR, DAY, HERE, OPERATOR, STRANGER, SUPERVISEUR, THERE, Site

FILE = f"fichier-global_{HERE}_{DAY}_01.cfonb.txt"
LATER = DAY + timedelta(days=1)


def said(site: Site, path: str, user: str = SUPERVISEUR, **query: Any) -> str:
    """What a page says, its markup and spaces taken out."""
    shown = site.as_(user).get(path, params=query)
    assert shown.status_code == 200
    return " ".join(html.unescape(re.sub("<[^>]*>", " ", shown.text)).split())


def day_of(site: Site, day: date, cabinet: str = HERE, user: str = SUPERVISEUR) -> str:
    """What the page of a cabinet and day says."""
    return said(site, f"/cabinets/{cabinet}/global-files/{day}", user)


def batch_of(site: Site, kind: str, cabinet: str = HERE) -> int:
    """A batch of a kind, of a cabinet."""
    b, c = schema.batches.c, schema.cabinets.c
    query = (
        sa.select(b.id).join(schema.cabinets, c.id == b.cabinet_id).where(b.kind == kind, c.code == cabinet).limit(1)
    )
    with site.house.database.read() as connection:
        return int(connection.execute(query).scalar_one())


def change(site: Site, table: sa.Table, **values: Any) -> None:
    """Change every row of a table."""
    with site.house.database.write() as connection:
        connection.execute(sa.update(table).values(**values))


def downloads(site: Site) -> list[Any]:
    """Audit events of files that were taken."""
    c = schema.audit_events.c
    with site.house.database.read() as connection:
        return list(connection.execute(sa.select(schema.audit_events).where(c.action == "batch.download")))


def test_a_day_shows_its_global_file_and_its_manifest(delivered: Site) -> None:
    with delivered.house.database.read() as connection:
        query = sa.select(schema.batches).where(schema.batches.c.object_name == FILE)
        batch = connection.execute(query).one()
    shown = day_of(delivered, DAY)
    for part in (FILE, batch.payload_sha256.hex(), "Débits −20,00 €", "Crédits 123,45 €", "Écritures 2", "488 octets"):
        assert part in shown
    assert "Aux partenaires 2 En attente de mandat 1 En attente de la prochaine tournée 0 En quarantaine 2" in shown
    assert f"02/03/2026 {FILE} 1 −20,00 € 123,45 € Télécharger" in said(delivered, "/statements")


def test_what_is_taken_are_the_bytes_in_the_folder_of_the_cabinet_and_it_is_noted(delivered: Site) -> None:
    taken = delivered.as_(COLLABORATEUR).post(f"/global-files/{batch_of(delivered, 'global')}/download")
    written: Path = delivered.house.settings.global_files / HERE / FILE
    assert taken.status_code == 200
    assert taken.content == written.read_bytes()
    assert taken.headers["content-disposition"] == f'attachment; filename="{FILE}"'
    assert [(e.actor, e.role, e.after["statements"]) for e in downloads(delivered)] == [
        (COLLABORATEUR, "collaborateur", 1)
    ]


def test_the_manifest_is_the_one_that_lies_beside_the_file(delivered: Site) -> None:
    taken = delivered.as_(COLLABORATEUR).post(f"/global-files/{batch_of(delivered, 'global')}/manifest")
    written: Path = delivered.house.settings.global_files / HERE / f"{FILE}.manifest.json"
    assert taken.content == written.read_bytes()
    assert json.loads(taken.content)["file"] == FILE


def test_a_file_that_is_not_written_is_shown_with_its_state_and_cannot_be_taken(delivered: Site) -> None:
    batch = batch_of(delivered, "global")
    with delivered.house.database.write() as connection:
        connection.execute(sa.update(schema.batches).where(schema.batches.c.id == batch).values(state="held"))
    assert "Le fichier n'est pas encore écrit (retenu)" in day_of(delivered, DAY)
    assert "Télécharger" not in day_of(delivered, DAY)
    assert delivered.as_(SUPERVISEUR).post(f"/global-files/{batch}/download").status_code == 409
    assert not downloads(delivered)


@pytest.mark.parametrize("part", ["download", "manifest"])
def test_a_file_for_a_partner_is_no_global_file(delivered: Site, part: str) -> None:
    batch = batch_of(delivered, "connector")
    assert delivered.as_(SUPERVISEUR).post(f"/global-files/{batch}/{part}").status_code == 404
    assert not downloads(delivered)


def test_a_file_of_another_cabinet_is_not_there(delivered: Site) -> None:
    batch = batch_of(delivered, "global", THERE)
    assert delivered.as_(SUPERVISEUR).post(f"/global-files/{batch}/download").status_code == 404
    assert delivered.as_(SUPERVISEUR).get(f"/cabinets/{THERE}/global-files/{DAY}").status_code == 404
    assert THERE not in said(delivered, "/statements") + said(delivered, "/statements", cabinet=THERE)


def test_where_every_account_is_associated_there_is_no_file_and_the_page_says_so(site: Site) -> None:
    preview = {"connector": "fizen", "scope": "cabinet"}
    page = site.as_(SUPERVISEUR).post(f"/cabinets/{HERE}/associate/preview", data=preview).text
    expected = re.search(r'name="expected" value="(\d+)"', page)
    assert expected
    done = site.as_(SUPERVISEUR).post(f"/cabinets/{HERE}/associate", data=preview | {"expected": expected[1]})
    assert done.status_code == 303
    site.deliver()
    reason = "Les 6 comptes du cabinet sont tous associés à un connecteur : rien ne va au fichier global."
    assert f"Tout est associé {reason}" in day_of(site, DAY)
    assert f"Tout est associé {reason} 6 relevés reçus : 3 aux partenaires" in said(site, "/statements")


def test_a_day_without_statement_says_so(delivered: Site) -> None:
    assert "Aucun relevé n'est arrivé pour ce jour." in day_of(delivered, LATER)


def test_what_no_run_took_yet_and_what_waits_for_a_mandate_say_so_with_their_number(delivered: Site) -> None:
    told = [statement(n, LATER, 5, opening=110_345) for n in (2, 3)]
    delivered.house.take_in(file_of(*told), name=named(LATER, 2))
    shown = said(delivered, "/statements")
    assert "Pas encore traité 1 relevé attend la prochaine tournée. 2 relevés reçus : 1 attend son mandat 1 à" in shown
    delivered.house.run(LATER)
    assert FILE.replace(f"{DAY}", f"{LATER}") in said(delivered, "/statements")
    draft = LATER + timedelta(days=1)
    delivered.house.take_in(file_of(statement(3, draft, 5, opening=110_350)), name=named(draft, 3))
    delivered.house.run(draft)
    assert "Mandat attendu 1 relevé attend que son mandat soit approuvé." in day_of(delivered, draft)


def test_what_is_set_aside_says_so_with_its_number(delivered: Site) -> None:
    told = [statement(n, LATER, 5, opening=1, closing=1) for n in (2, 6)]
    delivered.house.take_in(file_of(*told), name=named(LATER, 2))
    delivered.house.run(LATER, judged=True)
    assert "Mis de côté 2 relevés sont en quarantaine ou rejetés." in day_of(delivered, LATER)


def test_what_went_to_partners_alone_says_so(delivered: Site) -> None:
    told = [statement(n, LATER, 5, opening=110_345) for n in (1, 4)]
    delivered.house.take_in(file_of(*told), name=named(LATER, 2))
    delivered.house.run(LATER)
    assert "Aux partenaires Les 2 relevés du jour sont allés aux partenaires." in day_of(delivered, LATER)


def test_a_cabinet_without_open_account_says_so(site: Site) -> None:
    change(site, schema.accounts, closed_at=NOW)
    assert "Le cabinet n'a aucun compte ouvert." in day_of(site, DAY)


def test_an_operator_sees_every_cabinet_of_a_day_and_can_choose_one(delivered: Site) -> None:
    every, one = said(delivered, "/statements", OPERATOR), said(delivered, "/statements", OPERATOR, cabinet=THERE)
    assert every.index(f"fichier-global_{HERE}") < every.index(f"fichier-global_{THERE}")
    assert f"fichier-global_{HERE}" not in one
    assert f"fichier-global_{THERE}" in one


def test_days_go_back_thirty_at_a_time_and_no_working_day_is_left_out(site: Site) -> None:
    first = date(2026, 1, 1)
    days = [first + timedelta(days=n) for n in range(50)]
    sent = [day for day in days if day.weekday() < 5 and day != days[20]]
    site.house.take_in(file_of(*(statement(2, day) for day in sent)), name=named(days[-1]))
    newest = site.as_(SUPERVISEUR).get("/statements").text
    assert newest.count('<th scope="row"') == 30
    older = re.search(r'href="(\?until=[^"]+)"', newest)
    assert older
    rest = site.as_(SUPERVISEUR).get(f"/statements{html.unescape(older[1])}").text
    shown = re.findall(r"global-files/(\d{4}-\d\d-\d\d)", newest + rest)
    assert shown == [f"{day}" for day in reversed(days) if day.weekday() < 5]
    assert "Jours plus anciens" not in rest


@pytest.mark.parametrize("day", [date.min, date.max])
def test_the_first_and_the_last_day_there_is_have_a_page(site: Site, day: date) -> None:
    assert "Aucun relevé n'est arrivé pour ce jour." in day_of(site, day)
    assert "Aucun relevé n'est encore arrivé" in said(site, "/statements", until="0001-01-01")


def test_who_is_a_member_of_nothing_sees_no_day(delivered: Site) -> None:
    assert "Aucun relevé n'est encore arrivé" in said(delivered, "/statements", "nobody")
    assert HERE not in said(delivered, "/statements", STRANGER)
