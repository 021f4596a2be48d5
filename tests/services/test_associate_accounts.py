"""Associating accounts with connectors (A4–A7, A13)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa

from sobank.errors import ConnectorNotOnCabinet, NotAllowed, NotFound, RegistryError
from sobank.services.associate import AssociationReport, Selection, associate, dissociate
from sobank.store import schema as t
from sobank.store.database import Database
from sobank.store.registry import Registry
from tests.services.registry_world import NOW, build, events, in_force


@pytest.fixture
def registry(database: Database) -> Registry:
    build(database)
    return Registry(database)


def one(account: int, cabinet: str = "CAB001") -> Selection:
    return Selection(cabinet=cabinet, accounts=(account,))


@pytest.mark.parametrize("user", ["anne", "sam", "cleo"])
def test_every_profile_of_the_cabinet_may_associate_an_account(
    registry: Registry, database: Database, user: str
) -> None:
    report = associate(registry, one(1), "fizen", actor=user, now=NOW)
    assert (report.changed, report.applied) == ((1,), True)
    assert in_force(database) == {1: "fizen"}


@pytest.mark.parametrize("user", ["zoe", "nobody"])
def test_a_person_who_is_no_member_may_not_associate_and_changes_nothing(
    registry: Registry, database: Database, user: str
) -> None:
    with pytest.raises(NotAllowed, match="no member"):
        associate(registry, one(1), "fizen", actor=user, now=NOW)
    assert in_force(database) == {}


def test_a_cabinet_that_does_not_exist_is_refused_in_the_words_used_for_one_of_others(registry: Registry) -> None:
    with pytest.raises(NotAllowed) as absent:
        associate(registry, one(1, "CAB999"), "fizen", actor="zoe", now=NOW)
    with pytest.raises(NotAllowed) as foreign:
        associate(registry, one(1, "CAB001"), "fizen", actor="zoe", now=NOW)
    assert str(absent.value).replace("CAB999", "CAB001") == str(foreign.value)


def test_a_connector_that_is_not_on_the_cabinet_is_refused_and_those_that_are_get_named(registry: Registry) -> None:
    with pytest.raises(ConnectorNotOnCabinet, match="fizen, fulll"):
        associate(registry, one(1), "inqom", actor="anne", now=NOW)


def test_an_account_has_one_connector_and_its_history_stays(registry: Registry, database: Database) -> None:
    later = NOW + timedelta(days=1)
    associate(registry, one(1), "fizen", actor="anne", now=NOW)
    associate(registry, one(1), "fulll", actor="cleo", now=later)
    assert in_force(database) == {1: "fulll"}
    with database.read() as connection:
        rows = connection.execute(sa.select(t.associations).order_by(t.associations.c.id)).all()
    assert [(r.since, r.until, r.decided_by) for r in rows] == [(NOW, later, "anne"), (later, None, "cleo")]


def test_a_clock_that_runs_behind_does_not_stop_a_change(registry: Registry, database: Database) -> None:
    associate(registry, one(1), "fizen", actor="anne", now=NOW)
    associate(registry, one(1), "fulll", actor="anne", now=NOW - timedelta(seconds=5))
    assert in_force(database) == {1: "fulll"}


def test_associating_as_it_already_is_changes_nothing_and_leaves_no_event(
    registry: Registry, database: Database
) -> None:
    associate(registry, one(1), "fizen", actor="anne", now=NOW)
    report = associate(registry, one(1), "fizen", actor="cleo", now=NOW)
    assert (report.changed, report.already) == ((), (1,))
    assert len(events(database)) == 1


def test_aucun_connecteur_dissociates_at_any_time(registry: Registry, database: Database) -> None:
    associate(registry, one(1), "fizen", actor="anne", now=NOW)
    report = dissociate(registry, Selection(cabinet="CAB001", accounts=(1, 2)), actor="cleo", now=NOW)
    assert (report.changed, report.already) == ((1,), (2,))
    assert in_force(database) == {}


def test_all_accounts_of_a_dossier_are_associated_at_once(registry: Registry, database: Database) -> None:
    report = associate(registry, Selection(cabinet="CAB001", dossier="D001"), "fizen", actor="cleo", now=NOW)
    assert report.changed == (1, 2)
    assert in_force(database) == {1: "fizen", 2: "fizen"}


def test_a_dossier_that_is_not_there_is_said_so(registry: Registry) -> None:
    with pytest.raises(NotFound, match="D777"):
        associate(registry, Selection(cabinet="CAB001", dossier="D777"), "fizen", actor="anne", now=NOW)


def test_tout_associer_takes_every_open_account_of_the_cabinet_and_of_no_other(
    registry: Registry, database: Database
) -> None:
    with database.write() as connection:
        connection.execute(sa.update(t.accounts).where(t.accounts.c.id == 2).values(closed_at=NOW))
    report = associate(registry, Selection(cabinet="CAB001"), "fizen", actor="cleo", now=NOW)
    assert report.changed == (1, 3)
    assert in_force(database) == {1: "fizen", 3: "fizen"}


def test_one_account_that_cannot_be_changed_leaves_the_whole_selection_as_it_was(
    registry: Registry, database: Database
) -> None:
    with database.write() as connection:
        connection.execute(sa.update(t.accounts).where(t.accounts.c.id == 2).values(closed_at=NOW))
    report = associate(registry, Selection(cabinet="CAB001", accounts=(1, 2, 4)), "fizen", actor="anne", now=NOW)
    assert not report.applied
    assert {(r.account, r.reason) for r in report.refused} == {
        (2, "the account is closed"),
        (4, "is not an account of the cabinet"),
    }
    assert report.changed == ()
    assert in_force(database) == {}
    assert events(database) == []


def test_an_account_of_another_cabinet_cannot_be_dissociated_either(registry: Registry, database: Database) -> None:
    associate(registry, one(4, "CAB002"), "inqom", actor="zoe", now=NOW)
    report = dissociate(registry, Selection(cabinet="CAB001", accounts=(1, 4)), actor="anne", now=NOW)
    assert [r.account for r in report.refused] == [4]
    assert in_force(database) == {4: "inqom"}


def test_a_closed_cabinet_associates_nothing_but_may_still_dissociate(registry: Registry, database: Database) -> None:
    associate(registry, one(1), "fizen", actor="anne", now=NOW)
    with database.write() as connection:
        connection.execute(sa.update(t.cabinets).values(closed_at=NOW))
    with pytest.raises(RegistryError, match="closed"):
        associate(registry, one(2), "fizen", actor="anne", now=NOW)
    assert dissociate(registry, one(1), actor="anne", now=NOW).changed == (1,)


def test_every_change_leaves_an_event_with_who_role_before_after_and_a_masked_iban(
    registry: Registry, database: Database
) -> None:
    associate(registry, one(1), "fizen", actor="cleo", now=NOW)
    dissociate(registry, one(1), actor="anne", now=NOW)
    first, second = events(database)
    assert (first.actor, first.role, first.action, first.at) == ("cleo", "collaborateur", "account.associate", NOW)
    assert (first.before, first.after) == ({"connector": None}, {"connector": "fizen"})
    assert (second.actor, second.role, second.action) == ("anne", "administrateur", "account.dissociate")
    assert (second.before, second.after) == ({"connector": "fizen"}, {"connector": None})
    assert "****" in first.subject
    assert "30004" not in first.subject


def test_an_association_may_be_made_before_any_mandate(registry: Registry, database: Database) -> None:
    with database.read() as connection:
        assert connection.execute(sa.select(t.mandates)).all() == []
    assert associate(registry, one(1), "fizen", actor="cleo", now=NOW).changed == (1,)


def test_persons_who_change_the_same_accounts_at_once_leave_each_with_one_connector(
    registry: Registry, database: Database
) -> None:
    def turn(number: int) -> AssociationReport:
        wished = ("fizen", "fulll")[number % 2]
        return associate(
            registry, Selection(cabinet="CAB001"), wished, actor="cleo", now=NOW + timedelta(seconds=number)
        )

    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(turn, range(12)))
    assert all(report.applied for report in reports)
    assert sorted(in_force(database)) == [1, 2, 3]
    assert len(set(in_force(database).values())) == 1
    assert len(events(database)) == sum(len(report.changed) for report in reports)
