"""`sobank registry import`: what a file makes of the registry (A9, A13)."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from sobank.domain.iban import bban, iban
from sobank.errors import RegistryError
from sobank.formats import age_file
from sobank.services.register import register
from sobank.services.register_work import ImportReport
from sobank.store import schema as t
from sobank.store.database import Database
from sobank.store.iban_check import checked_iban
from sobank.store.registry_file import read_registry_file
from sobank.store.registry_import import RegistryImporter
from tests.services.registry_world import events, in_force

NOW = datetime(2026, 1, 12, 9, 0, tzinfo=UTC)
PARTNERS = {"fizen", "fulll"}
FIRST, SECOND, LETTERS = (iban(bban("30004", "00001", n)) for n in ("00000000001", "00000000002", "0000000A0B3"))
MONACO = iban(bban("11222", "00001", "01234567890"), "MC")

FILE = f"""
cabinets:
  - code: CAB001
    name: Cabinet Exemple
    siret: "73282932000074"
    members: [{{user: anne, profile: administrateur}}, {{user: cleo, profile: collaborateur}}]
    connectors: [{{name: fizen, partner: fizen, connection: null, settings: {{folder: /in, keep: 3}}}}]
    dossiers:
      - reference: D001
        name: Boulangerie du Port
        accounts:
          - {{iban: {FIRST}, currency: EUR, mandate: approved, mandate_since: 2026-01-05, connector: fizen}}
          - {{iban: {MONACO}, mandate: null, connector: null}}
      - reference: D002
        name: Garage de l'Étoile
        accounts: [{{iban: {LETTERS}, currency: EUR, mandate: draft, closed: true}}]
"""


def tree(tmp_path: Path, text: str = FILE) -> Any:
    path = tmp_path / "registry.yaml"
    path.write_text(text, "utf-8")
    return read_registry_file(path)


def bring(database: Database, wanted: Any, *, now: datetime = NOW) -> ImportReport:
    return register(
        RegistryImporter(database), wanted, source="registry.yaml", partners=PARTNERS, check_iban=checked_iban,
        check_encryption=age_file.check, now=now,
    )  # fmt: skip


def rows(database: Database, table: sa.Table) -> list[Any]:
    with database.read() as connection:
        return list(connection.execute(sa.select(table).order_by(*table.primary_key)))


def everything(database: Database) -> dict[str, list[Any]]:
    names = (
        "cabinets",
        "memberships",
        "connectors",
        "dossiers",
        "accounts",
        "mandates",
        "associations",
        "audit_events",
    )
    return {name: rows(database, t.metadata.tables[name]) for name in names}


def account(tree_: Any, dossier: int = 0, number: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = tree_["cabinets"][0]["dossiers"][dossier]["accounts"][number]
    return found


def test_a_first_import_creates_what_the_file_names(database: Database, tmp_path: Path) -> None:
    report = bring(database, tree(tmp_path))
    assert report.created == {
        "cabinets": 1, "members": 2, "connectors": 1, "dossiers": 2, "accounts": 3, "mandates": 2, "associations": 1,
    }  # fmt: skip
    assert (report.changes, sum(report.updated.values()), report.warnings) == (12, 0, ())
    first, monaco, letters = rows(database, t.accounts)
    assert (first.iban, first.bban, first.currency, first.bank_name) == (FIRST, FIRST[4:], "EUR", "BNP PARIBAS")
    assert (monaco.bban, letters.closed_at) == (MONACO[4:], NOW)
    approved, draft = rows(database, t.mandates)
    assert (approved.step, approved.step_since) == ("approved", datetime(2026, 1, 4, 23, tzinfo=UTC))
    assert (draft.step, draft.step_since) == ("draft", NOW)
    assert in_force(database) == {1: "fizen"}
    assert rows(database, t.connectors)[0].settings == {"folder": "/in", "keep": 3}


def test_a_second_import_changes_nothing_and_leaves_no_event(database: Database, tmp_path: Path) -> None:
    bring(database, tree(tmp_path))
    before = everything(database)
    report = bring(database, tree(tmp_path), now=NOW + timedelta(days=1))
    assert (report.changes, sum(report.unchanged.values())) == (0, 14)
    assert everything(database) == before


def test_what_the_file_does_not_name_is_left_alone(database: Database, tmp_path: Path) -> None:
    bring(database, tree(tmp_path))
    before = everything(database)
    part = f"cabinets: [{{code: CAB001, dossiers: [{{reference: D001, accounts: [{{iban: {FIRST}}}]}}]}}]"
    assert bring(database, tree(tmp_path, part)).changes == 0
    assert everything(database) == before


def test_what_differs_is_updated_with_before_and_after(database: Database, tmp_path: Path) -> None:
    wanted = tree(tmp_path)
    bring(database, wanted)
    seen = len(events(database))
    cabinet = wanted["cabinets"][0]
    cabinet["name"] = "Cabinet Renommé"
    cabinet["members"][1]["profile"] = "superviseur"
    cabinet["dossiers"][1]["accounts"] = []
    cabinet["dossiers"][0]["accounts"].append({"iban": LETTERS, "closed": False})
    report = bring(database, wanted)
    assert {k: n for k, n in report.updated.items() if n} == {"cabinets": 1, "members": 1, "accounts": 1}
    changes = {e.action: (e.before, e.after) for e in events(database)[seen:]}
    assert changes["cabinet.change"] == ({"name": "Cabinet Exemple"}, {"name": "Cabinet Renommé"})
    assert changes["member.change"] == ({"profile": "collaborateur"}, {"profile": "superviseur"})
    assert changes["account.change"] == ({"dossier_id": 2, "closed": True}, {"dossier_id": 1, "closed": False})
    moved = rows(database, t.accounts)[2]
    assert (moved.dossier_id, moved.closed_at) == (1, None)


def test_events_name_the_run_and_never_a_whole_iban(database: Database, tmp_path: Path) -> None:
    bring(database, tree(tmp_path))
    found = events(database)
    assert {(e.actor, e.role, e.at) for e in found} == {("system", "import", NOW)}
    assert len(found) == 12
    text = repr([tuple(e) for e in found])
    assert not [number for number in (FIRST, MONACO, LETTERS) if number in text or number[4:] in text]


def test_connector_null_dissociates_and_an_absent_key_does_not(database: Database, tmp_path: Path) -> None:
    wanted = tree(tmp_path)
    bring(database, wanted)
    del account(wanted)["connector"]
    bring(database, wanted)
    assert in_force(database) == {1: "fizen"}
    account(wanted)["connector"] = None
    report = bring(database, wanted)
    assert (report.updated["associations"], in_force(database)) == (1, {})
    assert rows(database, t.associations)[0].until == NOW


@pytest.mark.parametrize(
    ("was", "becomes"),
    [("draft", "approved"), ("signed", "rejected"), ("approved", "revoked"), ("bank_processing", "expired")],
)
def test_a_mandate_may_jump_steps_forward(database: Database, tmp_path: Path, was: str, becomes: str) -> None:
    wanted = tree(tmp_path)
    account(wanted)["mandate"] = was
    bring(database, wanted)
    account(wanted)["mandate"] = becomes
    report = bring(database, wanted)
    assert (report.updated["mandates"], rows(database, t.mandates)[0].step) == (1, becomes)


@pytest.mark.parametrize(
    ("was", "becomes"), [("approved", "draft"), ("approved", "rejected"), ("approved", None), ("revoked", "expired")]
)
def test_a_mandate_never_goes_back(database: Database, tmp_path: Path, was: str, becomes: str | None) -> None:
    wanted = tree(tmp_path)
    account(wanted)["mandate"] = was
    bring(database, wanted)
    account(wanted).update(mandate=becomes, mandate_since=None)
    before = everything(database)
    with pytest.raises(RegistryError, match=r"accounts\[0\]\.mandate: a mandate at"):
        bring(database, wanted)
    assert everything(database) == before


def test_a_new_mandate_after_an_ended_one_becomes_the_current_one(database: Database, tmp_path: Path) -> None:
    wanted = tree(tmp_path)
    account(wanted)["mandate"] = "revoked"
    bring(database, wanted)
    account(wanted).update(mandate="signed", mandate_since="2026-02-01")
    bring(database, wanted)
    old, _, new = rows(database, t.mandates)
    assert (old.step, old.current) == ("revoked", False)
    assert (new.step, new.current, new.account_id) == ("signed", True, old.account_id)
    assert bring(database, wanted).changes == 0


def test_one_iban_on_two_cabinets_is_taken_with_a_warning(database: Database, tmp_path: Path) -> None:
    bring(database, tree(tmp_path))
    dossier = f"{{reference: X, name: X, accounts: [{{iban: {FIRST}}}]}}"
    other = f"cabinets: [{{code: CAB002, name: Deux, dossiers: [{dossier}]}}]"
    report = bring(database, tree(tmp_path, other))
    (warning,) = report.warnings
    assert warning.startswith("cabinets[0].dossiers[0].accounts[0].iban: FR76 **** …".replace("FR76 ", ""))
    assert "CAB001, CAB002" in warning
    assert FIRST[4:] not in warning


@pytest.mark.parametrize("other", ["closed: true", "currency: USD"])
def test_an_account_that_another_cabinet_has_closed_or_holds_in_another_currency_warns_of_nothing(
    database: Database, tmp_path: Path, other: str
) -> None:
    bring(database, tree(tmp_path))
    dossier = f"{{reference: X, name: X, accounts: [{{iban: {FIRST}, {other}}}]}}"
    report = bring(database, tree(tmp_path, f"cabinets: [{{code: CAB002, name: Deux, dossiers: [{dossier}]}}]"))
    assert report.warnings == ()


def test_every_fault_is_named_by_its_place_and_nothing_is_imported(database: Database, tmp_path: Path) -> None:
    wanted = tree(tmp_path)
    cabinet = wanted["cabinets"][0]
    cabinet["colour"] = "blue"
    cabinet["members"][0]["profile"] = "chef"
    cabinet["connectors"][0] = {"name": "Fizen!", "partner": "cegid", "settings": {"password": "x"}}
    account(wanted)["iban"] = FIRST[:-1] + ("8" if FIRST[-1] != "8" else "9")
    account(wanted)["mandate_since"] = "hier"
    account(wanted, 0, 1)["iban"] = "DE89370400440532013000"
    account(wanted, 1)["mandate"] = "accepted"
    with pytest.raises(RegistryError) as refused:
        bring(database, wanted)
    message = str(refused.value)
    for place in (
        "cabinets[0].colour: is an unknown key",
        "cabinets[0].members[0].profile: is none of",
        "cabinets[0].connectors[0].name: must be",
        "cabinets[0].connectors[0].partner: is not in the catalogue",
        "cabinets[0].connectors[0].settings.password: is a secret",
        "cabinets[0].dossiers[0].accounts[0].iban: FR",
        "cabinets[0].dossiers[0].accounts[0].mandate_since: is not a day",
        "cabinets[0].dossiers[0].accounts[1].iban: DE89 **** … 3000 is an account of DE",
        "cabinets[0].dossiers[1].accounts[0].mandate: is none of",
    ):
        assert place in message
    assert "9 fault(s)" in message
    assert not any(everything(database).values())


@pytest.mark.parametrize(
    ("key", "value"), [("mandate", ["approved"]), ("mandate_since", "0001-01-01"), ("mandate_since", ["2026-01-05"])]
)
def test_a_value_of_the_wrong_shape_is_a_fault_with_its_place(
    database: Database, tmp_path: Path, key: str, value: object
) -> None:
    wanted = tree(tmp_path)
    account(wanted)[key] = value
    with pytest.raises(RegistryError, match=rf"accounts\[0\]\.{key}: is "):
        bring(database, wanted)


def test_a_folder_that_depends_on_where_a_process_was_started_is_a_fault(database: Database, tmp_path: Path) -> None:
    wanted = tree(tmp_path)
    wanted["cabinets"][0]["connectors"][0]["settings"] = {"folder": "drop/fizen"}
    with pytest.raises(RegistryError, match=r"connectors\[0\]\.settings\.folder: is not a whole path"):
        bring(database, wanted)


def test_things_named_twice_are_faults(database: Database, tmp_path: Path) -> None:
    wanted = tree(tmp_path)
    cabinet = wanted["cabinets"][0]
    cabinet["dossiers"][1]["accounts"].append(copy.deepcopy(account(wanted)))
    cabinet["members"].append({"user": "anne", "profile": "superviseur"})
    wanted["cabinets"].append(copy.deepcopy(cabinet))
    with pytest.raises(RegistryError) as refused:
        bring(database, wanted)
    message = str(refused.value)
    assert "dossiers[1].accounts[1].iban: is the same account and currency as cabinets[0].dossiers[0].acc" in message
    assert "cabinets[0].members[2]: is the same member as cabinets[0].members[0]" in message
    assert "cabinets[1]: is the same cabinet as cabinets[0]" in message


def test_what_is_new_needs_its_name_and_partner_and_its_connector_on_the_cabinet(
    database: Database, tmp_path: Path
) -> None:
    text = f"""
cabinets:
  - code: CAB009
    connectors: [{{name: fizen}}]
    dossiers: [{{reference: D1, accounts: [{{iban: {SECOND}, connector: fulll}}]}}]
"""
    with pytest.raises(RegistryError) as refused:
        bring(database, tree(tmp_path, text))
    message = str(refused.value)
    assert "cabinets[0].name: is missing" in message
    assert "cabinets[0].connectors[0].partner: is missing" in message
    assert "dossiers[0].name: is missing" in message
    assert "accounts[0].connector: fulll is not on the cabinet; those that are: fizen" in message


def test_a_connector_never_becomes_one_of_another_partner(database: Database, tmp_path: Path) -> None:
    wanted = tree(tmp_path)
    bring(database, wanted)
    wanted["cabinets"][0]["connectors"][0]["partner"] = "fulll"
    with pytest.raises(RegistryError, match="is fizen so far"):
        bring(database, wanted)


def test_a_connector_already_on_the_cabinet_need_not_be_named_again(database: Database, tmp_path: Path) -> None:
    wanted = tree(tmp_path)
    bring(database, wanted)
    del wanted["cabinets"][0]["connectors"]
    account(wanted, 0, 1)["connector"] = "fizen"
    assert bring(database, wanted).created["associations"] == 1


def test_the_identity_of_a_cabinet_is_taken_changed_and_taken_away(database: Database, tmp_path: Path) -> None:
    wanted = tree(tmp_path)
    told = {
        "address": "1 rue du Port\n29200 Brest",
        "production_software": ["Quadra", "Ibiza"],
        "siret": 73282932000074,
    }
    wanted["cabinets"][0].update(told)
    bring(database, wanted)
    (cabinet,) = rows(database, t.cabinets)
    assert (cabinet.siret, cabinet.address) == ("73282932000074", told["address"])
    assert cabinet.production_software == ["Quadra", "Ibiza"]
    assert bring(database, wanted).changes == 0
    wanted["cabinets"][0].update(production_software=["Quadra"], address=None)
    seen = len(events(database))
    bring(database, wanted)
    (event,) = events(database)[seen:]
    assert event.after == {"production_software": ["Quadra"], "address": None}
    assert rows(database, t.cabinets)[0].address is None


@pytest.mark.parametrize(
    ("key", "value", "fault"),
    [
        ("siret", "73282932000075", "siret: a siret is 14 digits"),
        ("siret", True, "siret: is a text, or null"),
        ("address", ["1 rue du Port"], "address: is a text, or null"),
        ("production_software", "Quadra", "production_software: is a list of texts, or null"),
        ("production_software", [["Quadra"]], "production_software: is a list of texts, or null"),
        ("production_software", [""], "production_software: the name of a software is 1 to 200"),
    ],
)
def test_an_identity_that_cannot_be_is_named_by_its_place(
    database: Database, tmp_path: Path, key: str, value: Any, fault: str
) -> None:
    wanted = tree(tmp_path)
    wanted["cabinets"][0][key] = value
    with pytest.raises(RegistryError, match=rf"cabinets\[0\]\.{fault}"):
        bring(database, wanted)
    assert events(database) == []
