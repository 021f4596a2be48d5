"""*Collaborateurs*: who is a member, what each profile may do, and who may change it (A2, A13)."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from sobank.domain.registry import Profile
from sobank.domain.roles import RIGHTS
from sobank.store.memberships import roles_of
from sobank.store.schema import audit_events
from sobank.web.pages.members import ACTIONS
from tests.web.site import ADMINISTRATEUR, COLLABORATEUR, HERE, OPERATOR, STRANGER, SUPERVISEUR, THERE, Site
from tests.web.test_connectors import text_of

LIST = f"/cabinets/{HERE}/members"


def events(site: Site) -> list[tuple[str, str, str | None]]:
    c = audit_events.c
    with site.house.database.read() as connection:
        rows = connection.execute(sa.select(c.action, c.subject, c.reason).where(c.action.like("member.%")))
        return [tuple(row) for row in rows]


def profile_of(site: Site, user: str) -> Profile | None:
    return roles_of(site.house.database, user).get(HERE)


@pytest.mark.parametrize("user", [ADMINISTRATEUR, OPERATOR])
def test_an_administrateur_adds_a_member_changes_him_and_takes_him_off(site: Site, user: str) -> None:
    lead, name = site.as_(user), 'zoé/"<b>" & co'
    added = lead.post(LIST, data={"user": name, "profile": "superviseur"})
    assert "Le profil est enregistré." in text_of(lead.get(added.headers["location"]))
    assert profile_of(site, name) is Profile.SUPERVISEUR
    lead.post(LIST, data={"user": name, "profile": "collaborateur"})
    assert profile_of(site, name) is Profile.COLLABORATEUR
    again = lead.post(LIST, data={"user": name, "profile": "collaborateur"})
    assert "Rien n'a changé" in text_of(lead.get(again.headers["location"]))
    shown = lead.get(LIST)
    assert "<b>" not in shown.text
    link = next(part.split('"')[0] for part in shown.text.split('href="') if "remove?user=zo" in part)
    assert f"Retirer {name}" in text_of(lead.get(link))
    assert lead.post(f"{LIST}/remove", data={"user": name}).status_code == 422
    assert profile_of(site, name) is Profile.COLLABORATEUR
    gone = lead.post(f"{LIST}/remove", data={"user": name, "reason": "a quitté le cabinet"})
    assert "Le collaborateur est retiré." in text_of(lead.get(gone.headers["location"]))
    assert profile_of(site, name) is None
    assert events(site)[-1] == ("member.remove", f"member:{HERE}/{name}", "a quitté le cabinet")


@pytest.mark.parametrize("user", [SUPERVISEUR, COLLABORATEUR])
def test_others_see_the_members_and_are_offered_no_change(site: Site, user: str) -> None:
    shown = site.as_(user).get(LIST)
    assert all(name in shown.text for name in (ADMINISTRATEUR, SUPERVISEUR, COLLABORATEUR))
    assert STRANGER not in shown.text
    assert "<form" not in shown.text
    assert "/remove" not in shown.text
    before = site.fingerprint()
    for path in (LIST, f"{LIST}/remove"):
        given = {"user": user, "profile": "administrateur", "reason": "x"}
        assert site.as_(user).post(path, data=given).status_code == 403
    assert site.fingerprint() == before


def test_the_only_administrateur_stays_and_the_page_says_what_to_do_first(site: Site) -> None:
    lead, before = site.as_(ADMINISTRATEUR), site.fingerprint()
    changed = lead.post(LIST, data={"user": ADMINISTRATEUR, "profile": "collaborateur"})
    left = lead.post(f"{LIST}/remove", data={"user": ADMINISTRATEUR, "reason": "x"})
    for answer in (changed, left):
        assert answer.status_code == 409
        assert "est le seul administrateur du cabinet" in text_of(answer)
    assert site.fingerprint() == before


def test_who_takes_himself_off_is_warned_and_sees_the_cabinet_no_more(site: Site) -> None:
    lead = site.as_(ADMINISTRATEUR)
    lead.post(LIST, data={"user": SUPERVISEUR, "profile": "administrateur"})
    assert "vous ne verrez plus ce cabinet" in text_of(lead.get(f"{LIST}/remove?user={ADMINISTRATEUR}"))
    left = lead.post(f"{LIST}/remove", data={"user": ADMINISTRATEUR, "reason": "départ"})
    assert left.headers["location"].startswith("/cabinets?")
    assert lead.get(left.headers["location"]).status_code == 200
    assert lead.get(LIST).status_code == 404


@pytest.mark.parametrize("user", ["", " ", "x" * 201, "a\x00b"])
def test_a_name_that_is_none_is_told(site: Site, user: str) -> None:
    before = site.fingerprint()
    answer = site.as_(ADMINISTRATEUR).post(LIST, data={"user": user, "profile": "collaborateur"})
    assert (answer.status_code, "Donnez l'identifiant" in text_of(answer)) == (422, True)
    assert site.fingerprint() == before


def test_somebody_who_is_no_member_cannot_be_taken_off(site: Site) -> None:
    lead = site.as_(ADMINISTRATEUR)
    assert lead.get(f"{LIST}/remove?user={STRANGER}").status_code == 404
    assert lead.post(f"{LIST}/remove", data={"user": STRANGER, "reason": "x"}).status_code == 404
    assert roles_of(site.house.database, STRANGER) == {THERE: Profile.ADMINISTRATEUR}


def test_what_a_profile_may_do_is_told_for_every_right_that_a_member_can_have(site: Site) -> None:
    assert set(ACTIONS) == {action for action, profiles in RIGHTS.items() if profiles}
    rows = site.as_(COLLABORATEUR).get(LIST).text.split("<tr>")
    for action, words in ACTIONS.items():
        (row,) = [row for row in rows if f">{words.replace(chr(39), '&#39;')}<" in row]
        assert row.count(">oui<") == len(RIGHTS[action])
