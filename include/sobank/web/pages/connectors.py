"""*Connecteurs* of a cabinet: how each is reached, adding one, testing one (A1, A2). Removal is `connectors_off`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import Field

from sobank.domain.roles import Action
from sobank.errors import ConfigurationError, NotAllowed, NotFound
from sobank.partners import Partner
from sobank.partners.explain import SETTINGS
from sobank.services.connect import CONNECTOR_NAME, add_connector, secret_among, unfit_setting, wrong_encryption
from sobank.services.connector_reach import own_prefix, require_own_reach, settings_of
from sobank.store.cabinet_list import ListedCabinet, cabinet_seen
from sobank.store.connector_list import ListedConnector
from sobank.store.registry import Registry
from sobank.web.connector_words import FIELDS, SINKS, shown
from sobank.web.connectors import connector_of, on_cabinet, sink_of, tried
from sobank.web.fields import Blank, Fields
from sobank.web.rendering import page
from sobank.web.rights import Here, Needs
from sobank.wiring import House

router = APIRouter()
#: Twenty SSH keys of the longest kind, and settings that a person would write.
_KEYS, _LINES = 90_000, 10_000
#: What the audit trail keeps as the reason why a circuit was closed.
_WORKED: Final = "Test de connexion réussi"


class Typed(Fields):
    """A connector to be. folder, society_id, bucket, prefix: settings that kinds of sinks know; further: KEY=VALUE
    lines; recipients: public keys, one a line."""

    partner: str = ""
    name: str = ""
    connection: Blank[str] = None
    folder: Blank[str] = None
    society_id: Blank[str] = None
    bucket: Blank[str] = None
    prefix: Blank[str] = None
    recipients: Annotated[str, Field(max_length=_KEYS)] = ""
    further: Annotated[str, Field(max_length=_LINES)] = ""

    def settings(self, sink: str) -> dict[str, Any]:
        """The settings that are typed, for a kind of sink.

        Raises:
            ConfigurationError: a further line is not KEY=VALUE.
        """
        found = settings_of(lines(self.further), subject="settings")
        found |= {name: value for name in SETTINGS[sink] if (value := getattr(self, name)) is not None}
        return found | ({"encryption": {"age": lines(self.recipients)}} if self.recipients else {})


class Wanted(Fields):
    """The partner to add; none yet shows the catalogue."""

    partner: Blank[str] = None


@router.get("/cabinets/{cabinet}/connectors")
def connectors(request: Request, here: Annotated[Here, Depends(Needs(Action.SEE))]) -> HTMLResponse:
    """The connectors that are on the cabinet, with what waits for each."""
    return page(
        request, here, "connectors.html", cabinet=cabinet_of(here), found=on_cabinet(here), labels=_labels(here),
        sinks=SINKS, fields=FIELDS, sink_of=partial(_sink_of, here.house),
    )  # fmt: skip


@router.get("/cabinets/{cabinet}/connectors/new")
def new(
    request: Request, wanted: Annotated[Wanted, Query()], here: Annotated[Here, Depends(Needs(Action.ADD_CONNECTOR))]
) -> HTMLResponse:
    """The catalogue; then, for one partner, the form."""
    if wanted.partner is None:
        return page(
            request, here, "connector_catalogue.html", cabinet=cabinet_of(here), sinks=SINKS,
            partners=here.house.partners.values(), example_of=partial(_example, here),
        )  # fmt: skip
    partner = _partner(here, wanted.partner)
    taken = {connector.name for connector in on_cabinet(here)}
    names = [partner.code, *(f"{partner.code[:37]}-{n}" for n in range(2, 100))]
    typed = Typed(
        partner=partner.code, name=next((name for name in names if name not in taken), ""),
        connection=None if partner.sink == "folder" else f"{own_prefix(here.at)}{partner.code}",
    )  # fmt: skip
    return _form(request, here, partner, typed, [])


@router.post("/cabinets/{cabinet}/connectors")
def add(
    request: Request, typed: Annotated[Typed, Form()], here: Annotated[Here, Depends(Needs(Action.ADD_CONNECTOR))]
) -> HTMLResponse:
    """Put it on the cabinet, test its connection, and offer the accounts (A2)."""
    partner = _partner(here, typed.partner)
    try:
        settings = typed.settings(partner.sink)
    except ConfigurationError:
        wrong = here.language.say("Chaque ligne des autres réglages s'écrit CLÉ=VALEUR.")
        return _form(request, here, partner, typed, [wrong])
    if faults := _faults(here, partner, typed, settings):
        return _form(request, here, partner, typed, faults)
    added = add_connector(
        Registry(here.house.database), cabinet=here.at, partner=partner.code, name=typed.name,
        partners=here.house.partners, check_encryption=here.house.encryption.check,
        sink=sink_of(here, typed.name, partner=partner.code, connection=typed.connection, settings=settings),
        actor=here.visitor.actor, now=here.now, connection=typed.connection, settings=settings,
    )  # fmt: skip
    return page(
        request, here, "connector_tested.html", cabinet=cabinet_of(here), connector=connector_of(here, typed.name),
        labels=_labels(here), test=shown(added.test, here.language), added=True, closed=None,
    )  # fmt: skip


@router.post("/cabinets/{cabinet}/connectors/{connector}/test")
def test(connector: str, request: Request, here: Annotated[Here, Depends(Needs(Action.ADD_CONNECTOR))]) -> HTMLResponse:
    """Connect and look, send nothing; where it works, a circuit that stood for a fault is closed."""
    found = connector_of(here, connector)
    tested = tried(here, found, reason=_WORKED)
    return page(
        request, here, "connector_tested.html", cabinet=cabinet_of(here), connector=found, labels=_labels(here),
        test=shown(tested.report, here.language), added=False, closed=tested.closed,
    )  # fmt: skip


def lines(text: str) -> list[str]:
    """The lines of a field that are not empty."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def cabinet_of(here: Here) -> ListedCabinet:
    """The cabinet of the path."""
    found = cabinet_seen(here.house.database, here.at, user=here.visitor.user)
    if found is None:
        raise NotFound("no such cabinet", subject=here.at, remedy="look for it in the list")
    return found


def _form(request: Request, here: Here, partner: Partner, typed: Typed, faults: list[str]) -> HTMLResponse:
    """The form, as it was typed, with what is wrong with it."""
    fields = {name: (*FIELDS[name], getattr(typed, name) or "") for name in SETTINGS[partner.sink]}
    if partner.sink == "folder" and not here.visitor.operator:
        fields = {}
    return page(
        request, here, "connector_new.html", status=422 if faults else 200, cabinet=cabinet_of(here), partner=partner,
        typed=typed, faults=faults, fields=fields, sinks=SINKS, prefix=own_prefix(here.at),
        example=_example(here, partner),
    )  # fmt: skip


def _faults(here: Here, partner: Partner, typed: Typed, settings: Mapping[str, Any]) -> list[str]:
    """What the service would refuse, in words of the form."""
    language, found = here.language, []
    if not CONNECTOR_NAME.fullmatch(typed.name):
        found.append(language.say("Le nom est fait de 1 à 40 lettres minuscules, chiffres et tirets."))
    if any(connector.name == typed.name for connector in on_cabinet(here)):
        found.append(language.say("Le cabinet a déjà un connecteur de ce nom : choisissez-en un autre."))
    try:
        require_own_reach(
            here.at, partner, connection=typed.connection, settings=settings, actor=here.visitor.actor
        )  # fmt: skip
    except NotAllowed as error:
        if error.subject == "settings.folder":
            found.append(language.say("Sans connexion, le dossier est choisi par So bank : laissez-le vide."))
        else:
            found.append(
                language.say(
                    "La connexion doit être une connexion du cabinet : son identifiant commence par {prefix}."
                    " Demandez-la à un administrateur d'Airflow.",
                    prefix=own_prefix(here.at),
                )
            )
    if (unfit := unfit_setting(settings)) is not None:
        return [
            *found,
            language.say("Le réglage « {key} » n'est ni un texte d'une ligne, ni un nombre, ni une liste.", key=unfit),
        ]
    if secret := secret_among(settings):
        found.append(
            language.say(
                "« {key} » semble être un secret : sa place est dans la connexion Airflow, pas ici.", key=secret
            )
        )
    if wrong_encryption(settings, here.house.encryption.check):
        found.append(
            language.say(
                "Une clé de chiffrement n'est pas une clé publique : age1…, ssh-ed25519 … ou ssh-rsa …, une par ligne."
            )
        )
    return found


def _partner(here: Here, code: str) -> Partner:
    if code not in here.house.partners:
        raise NotFound("no such partner in the catalogue", subject=code[:40], remedy="choose one of the catalogue")
    return here.house.partners[code]


def _example(here: Here, partner: Partner) -> str:
    """Name that a file of today would have."""
    return partner.name_of(cabinet=here.at, connector=partner.code, business_date=here.now.date(), seq=1)


def _labels(here: Here) -> dict[str, str]:
    return {code: partner.label for code, partner in here.house.partners.items()}


def _sink_of(house: House, connector: ListedConnector) -> str:
    """Kind of sink; a connector without an Airflow connection puts files into a folder."""
    partner = house.partners.get(connector.partner)
    return partner.sink if partner and connector.connection else "folder"
