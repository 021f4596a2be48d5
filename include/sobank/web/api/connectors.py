"""Connectors of a cabinet, and the catalogue that they are taken from (A1–A3)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends
from pydantic import BaseModel, Field

from sobank.domain.circuit import Circuit
from sobank.domain.roles import Action
from sobank.domain.sink import ConnectionReport
from sobank.services.connect import Cut, add_connector, cut_connector, delete_connector
from sobank.store.registry import Registry
from sobank.web.api.shapes import Body, Reason, Text, router
from sobank.web.connectors import connector_of, on_cabinet, sink_of, tried
from sobank.web.rights import Here, Needs

routes = router("connectors")


class PartnerDocument(BaseModel):
    """A partner of the catalogue: how its files are made and how they reach it."""

    code: str
    label: str
    sink: str
    format: str


class ConnectorDocument(BaseModel):
    """A connector. waiting: its batches that are not final; circuit: why it is left alone, null where it is not."""

    name: str
    partner: str
    connection: str | None
    settings: dict[str, Any]
    waiting: int
    circuit: Circuit | None


class NewConnector(Body):
    """A connector to put on the cabinet. partner: code in the catalogue; connection: id of an Airflow connection."""

    name: Text
    partner: Text
    connection: Text | None = None
    settings: Annotated[dict[Text, Any], Field(default_factory=dict, max_length=20)]


class AddedConnector(BaseModel):
    """What its connection test found; accounts: how many may be associated with it."""

    destination: str
    test: ConnectionReport
    accounts: int


class Tested(BaseModel):
    """What a connection test found. closed: whether that closed its circuit."""

    test: ConnectionReport
    closed: bool


@routes.get("/partners")
def list_partners(here: Annotated[Here, Depends(Needs(Action.SEE))]) -> list[PartnerDocument]:
    """The catalogue, by code."""
    return [
        PartnerDocument(code=code, label=partner.label, sink=partner.sink, format=partner.format)
        for code, partner in sorted(here.house.partners.items())
    ]


@routes.get("/cabinets/{cabinet}/connectors", response_model=list[ConnectorDocument])
def list_connectors(here: Annotated[Here, Depends(Needs(Action.SEE))]) -> object:
    """The connectors of a cabinet, by name."""
    return [{name: getattr(one, name) for name in ConnectorDocument.model_fields} for one in on_cabinet(here)]


@routes.post("/cabinets/{cabinet}/connectors", response_model=AddedConnector, status_code=201)
def add(here: Annotated[Here, Depends(Needs(Action.ADD_CONNECTOR))], wish: NewConnector) -> object:
    """Put a connector on the cabinet, then test its connection, sending nothing; a failed test takes nothing back."""
    house = here.house
    return add_connector(
        Registry(house.database), cabinet=here.at, partner=wish.partner, name=wish.name, partners=house.partners,
        check_encryption=house.encryption.check, connection=wish.connection, settings=wish.settings,
        sink=sink_of(here, wish.name, partner=wish.partner, connection=wish.connection, settings=wish.settings),
        actor=here.visitor.actor, now=here.now,
    )  # fmt: skip


@routes.post("/cabinets/{cabinet}/connectors/{name}/test", response_model=Tested)
def test(here: Annotated[Here, Depends(Needs(Action.ADD_CONNECTOR))], name: str, why: Reason) -> object:
    """Connect and look, send nothing; where it works, the circuit that a fault of configuration opened is closed."""
    found = tried(here, connector_of(here, name), reason=why.reason)
    return {"test": found.report, "closed": found.closed is not None}


@routes.post("/cabinets/{cabinet}/connectors/{name}/remove", status_code=204)
def remove(here: Annotated[Here, Depends(Needs(Action.DELETE_CONNECTOR))], name: str, why: Reason) -> None:
    """Take a connector off the cabinet; refused (409) while accounts or batches hang on it."""
    delete_connector(
        Registry(here.house.database), cabinet=here.at, name=name, actor=here.visitor.actor, now=here.now,
        reason=why.reason,
    )  # fmt: skip


@routes.post("/cabinets/{cabinet}/connectors/{name}/cut")
def cut(here: Annotated[Here, Depends(Needs(Action.CUT_CONNECTOR))], name: str, why: Reason) -> Cut:
    """Dissociate every account of a connector and take it off, in one transaction (couper entièrement)."""
    return cut_connector(
        Registry(here.house.database), cabinet=here.at, name=name, actor=here.visitor.actor, now=here.now,
        reason=why.reason,
    )  # fmt: skip
