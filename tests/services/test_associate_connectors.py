"""Adding, deleting and cutting connectors (A2, A3, A13)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from sobank.domain.roles import Operator
from sobank.domain.sink import ConnectionReport
from sobank.errors import ConfigFault, ConnectorInUse, ConnectorNotOnCabinet, NotAllowed, RegistryError
from sobank.formats import age_file
from sobank.partners import catalogue
from sobank.services.associate import Selection, associate, dissociate
from sobank.services.connect import Added, add_connector, cut_connector, delete_connector
from sobank.store.database import Database
from sobank.store.registry import Registry
from tests.services.registry_world import NOW, add_batch, build, events, in_force

PARTNERS = catalogue()
GOOD = ConnectionReport(reachable=True, capabilities=("fsync",))


@pytest.fixture
def registry(database: Database) -> Registry:
    build(database)
    return Registry(database)


@dataclass(frozen=True)
class Looks:
    """A sink of which a test finds `found`, or fails with it."""

    found: ConnectionReport | Exception = GOOD

    def test(self) -> ConnectionReport:
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


def add(
    registry: Registry,
    *,
    actor: str = "anne",
    found: ConnectionReport | Exception = GOOD,
    **given: Any,
) -> Added:
    values: dict[str, Any] = {
        "cabinet": "CAB001",
        "partner": "fizen",
        "name": "fizen-2",
        "partners": PARTNERS,
        "check_encryption": age_file.check,
    } | given
    return add_connector(registry, **values, sink=lambda: Looks(found), actor=actor, now=NOW)  # type: ignore[arg-type,return-value]


def delete(registry: Registry, actor: str = "anne", name: str = "fizen") -> None:
    delete_connector(registry, cabinet="CAB001", name=name, actor=actor, reason="left", now=NOW)


@pytest.mark.parametrize("user", ["anne", "sam"])
def test_a_lead_adds_a_connector_sees_its_test_and_is_offered_the_accounts(
    registry: Registry, database: Database, user: str
) -> None:
    added = add(registry, actor=user, connection="sobank_cab001_fizen", settings={"folder": "in"})
    assert added.destination == "connector:CAB001/fizen-2"
    assert added.test == GOOD
    assert added.accounts == 3
    (event,) = events(database)
    assert (event.actor, event.action, event.subject) == (user, "connector.add", "connector:CAB001/fizen-2")
    assert (event.before, event.after["settings"]) == (None, {"folder": "in"})


@pytest.mark.parametrize(
    ("connection", "settings"),
    [
        ("fizen_sftp", {}),
        ("sobank_fizen", {}),
        ("sobank_cab0011_fizen", {}),
        ("sobank_cab002_fizen", {}),
        ("SOBANK_CAB001_FIZEN", {}),
        ("sobank_cab001_/../sobank_cab002_fizen", {}),
        ("sobank_cab001_x\n", {}),
        ("sobank_cab001_", {}),
        (None, {"folder": "/srv/global/CAB002"}),
    ],
)
def test_only_an_operator_names_what_may_be_of_another_cabinet_or_of_the_machine(
    registry: Registry, database: Database, connection: str | None, settings: dict[str, str]
) -> None:
    given = {"connection": connection, "settings": settings}
    with pytest.raises(NotAllowed, match="only an operator"):
        add(registry, actor="anne", **given)
    assert events(database) == []
    add(registry, actor=Operator("support"), **given)
    assert events(database)[-1].role == "operator"


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ({"a": float("nan")}, "settings.a"),
        ({"a": [1, float("inf")]}, "settings.a[1]"),
        ({"a": "\ud800"}, "settings.a"),
        ({"a": {"b": "x\x00"}}, "settings.a.b"),
        ({"a": "two\nlines"}, "settings.a"),
        ({"\x1b[2J": "x"}, "settings.?"),
        ({"a": [[[[[[1]]]]]]}, "settings.a[0][0][0][0][0]"),
        ({"a": object()}, "settings.a"),
    ],
)
def test_a_setting_that_would_break_the_lists_and_the_trail_in_which_it_stands_is_refused(
    registry: Registry, database: Database, settings: dict[str, Any], place: str
) -> None:
    with pytest.raises(RegistryError, match="not plain") as refused:
        add(registry, settings=settings)
    assert refused.value.subject == place
    assert events(database) == []


def test_a_member_chooses_no_folder_of_the_machine_by_a_partner_of_that_kind(registry: Registry) -> None:
    partners = {"fizen": replace(PARTNERS["fizen"], sink="folder")}
    given = {"connection": "sobank_cab001_fizen", "settings": {"folder": "/srv"}, "partners": partners}
    with pytest.raises(NotAllowed, match="folder of this machine"):
        add(registry, **given)


@pytest.mark.parametrize("user", ["cleo", "zoe"])
def test_nobody_else_adds_deletes_or_cuts_a_connector(registry: Registry, database: Database, user: str) -> None:
    for change in (
        lambda: add(registry, actor=user),
        lambda: delete(registry, user),
        lambda: cut_connector(registry, cabinet="CAB001", name="fizen", actor=user, reason="left", now=NOW),
    ):
        with pytest.raises(NotAllowed):
            change()
    assert events(database) == []


def test_a_cabinet_may_have_two_connectors_of_one_partner(registry: Registry, database: Database) -> None:
    add(registry, name="fizen-2")
    add(registry, name="fizen-3")
    associate(registry, Selection(cabinet="CAB001", accounts=(1,)), "fizen-3", actor="cleo", now=NOW)
    assert in_force(database) == {1: "fizen-3"}


def test_a_failed_connection_test_is_shown_and_takes_nothing_back(registry: Registry, database: Database) -> None:
    added = add(registry, found=ConfigFault("host key is another", subject="fizen", remedy="check the connection"))
    assert not added.test.reachable
    assert "host key" in added.test.degraded[0]
    associate(registry, Selection(cabinet="CAB001", accounts=(1,)), "fizen-2", actor="cleo", now=NOW)
    assert in_force(database) == {1: "fizen-2"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"partner": "cegid"}, "catalogue"),
        ({"name": "../fizen"}, "small letters"),
        ({"name": "fizen"}, "of that name"),
        ({"settings": {"api_key": "x"}}, "Airflow connection"),
    ],
)
def test_a_connector_that_cannot_be_is_refused_with_what_to_do(
    registry: Registry, given: dict[str, Any], said: str
) -> None:
    with pytest.raises(RegistryError, match=said):
        add(registry, **given)


def test_an_unused_connector_is_deleted_and_its_name_is_free_again(registry: Registry, database: Database) -> None:
    delete(registry)
    with pytest.raises(ConnectorNotOnCabinet):
        delete(registry)
    add(registry, name="fizen")
    assert [e.action for e in events(database)] == ["connector.delete", "connector.add"]


def test_deleting_is_refused_while_accounts_hang_on_it_and_names_their_count(
    registry: Registry, database: Database
) -> None:
    associate(registry, Selection(cabinet="CAB001", dossier="D001"), "fizen", actor="cleo", now=NOW)
    with pytest.raises(ConnectorInUse, match=r"2 associated account"):
        delete(registry)
    assert in_force(database) == {1: "fizen", 2: "fizen"}


@pytest.mark.parametrize(("state", "fence"), [("sealed", 0), ("sending", 1), ("uncertain", 1), ("held", 1)])
def test_deleting_is_refused_while_a_batch_is_not_final_and_names_the_count(
    registry: Registry, database: Database, state: str, fence: int
) -> None:
    add_batch(database, connector_id=1, state=state, fence=fence)
    add_batch(database, connector_id=1, state="delivered", fence=1, seq=2)
    with pytest.raises(ConnectorInUse, match=r"1 batch"):
        delete(registry)


def test_deleting_looks_at_the_batches_of_that_connector_alone(registry: Registry, database: Database) -> None:
    add_batch(database, connector_id=2, state="sealed", fence=0)
    add_batch(database, connector_id=1, state="delivered", fence=1, seq=2)
    delete(registry)
    assert events(database)[-1].action == "connector.delete"


def test_cutting_entirely_dissociates_and_deletes_in_one_go(registry: Registry, database: Database) -> None:
    associate(registry, Selection(cabinet="CAB001"), "fizen", actor="cleo", now=NOW)
    associate(registry, Selection(cabinet="CAB001", accounts=(3,)), "fulll", actor="cleo", now=NOW)
    add_batch(database, connector_id=1, state="sealed", fence=0)
    cut = cut_connector(registry, cabinet="CAB001", name="fizen", actor="sam", reason="left", now=NOW)
    assert (cut.accounts, cut.batches_to_withdraw) == ((1, 2), 1)
    assert in_force(database) == {3: "fulll"}
    assert [e.action for e in events(database)][-3:] == ["account.dissociate", "account.dissociate", "connector.cut"]
    with pytest.raises(ConnectorNotOnCabinet):
        associate(registry, Selection(cabinet="CAB001", accounts=(1,)), "fizen", actor="cleo", now=NOW)


def test_cutting_is_refused_whole_while_an_attempted_batch_is_not_final(registry: Registry, database: Database) -> None:
    associate(registry, Selection(cabinet="CAB001"), "fizen", actor="cleo", now=NOW)
    add_batch(database, connector_id=1, state="sealed", fence=1)
    with pytest.raises(ConnectorInUse, match="1 attempted batch"):
        cut_connector(registry, cabinet="CAB001", name="fizen", actor="anne", reason="left", now=NOW)
    assert in_force(database) == {1: "fizen", 2: "fizen", 3: "fizen"}


def test_associations_of_the_past_do_not_hold_a_connector_back(registry: Registry, database: Database) -> None:
    one = Selection(cabinet="CAB001", accounts=(1,))
    associate(registry, one, "fizen", actor="cleo", now=NOW)
    dissociate(registry, one, actor="cleo", now=NOW)
    delete(registry)
    assert events(database)[-1].action == "connector.delete"


@pytest.mark.parametrize("encryption", [{"age": ["age1nobody"]}, {"age": []}, {"openpgp": ["x"]}, "age1nobody"])
def test_a_connector_whose_files_nobody_could_read_is_not_added(
    registry: Registry, database: Database, encryption: object
) -> None:
    with pytest.raises(RegistryError, match=r"settings\.encryption"):
        add(registry, settings={"encryption": encryption})
    assert events(database) == []
