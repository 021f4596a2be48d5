"""What a registry file asks for: every key checked, every fault named by its place, all at once (A9).

Places read like `cabinets[0].dossiers[1].accounts[0].iban`. A key that is absent means "leave it as it is".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any, Final

from sobank.domain.day import BANK_ZONE
from sobank.domain.registry import MandateStep, Profile
from sobank.errors import InvalidIban
from sobank.services.connect import (
    CONNECTOR_NAME,
    CheckEncryption,
    secret_among,
    unfit_setting,
    wrong_encryption,
)
from sobank.services.identity import CABINET_CODE
from sobank.services.registry_file_keys import flag_at, identity_at, keys_of, list_at, note_twice, text_at

_IDENTITY: Final = {"name", "siret", "address", "production_software"}
_OF_CABINET: Final = _IDENTITY | {"code", "closed", "members", "connectors", "dossiers"}
_CURRENCY: Final = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckedIban:
    """A valid account number: IBAN without spaces, 23-character BBAN, name of the bank where it is known."""

    iban: str
    bban: str
    bank_name: str | None


CheckIban = Callable[[str], CheckedIban]


@dataclass(frozen=True, kw_only=True, slots=True)
class WantedAccount:
    """`fields` holds the columns that are asked for. `mandate` and `connector` are 1-tuples, empty where absent."""

    place: str
    key: tuple[str, str]
    fields: dict[str, Any]
    mandate: tuple[MandateStep | None, ...] = ()
    since: datetime | None = None
    connector: tuple[str | None, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class WantedDossier:
    """One client company, with its accounts."""

    place: str
    reference: str
    fields: dict[str, Any]
    accounts: tuple[WantedAccount, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class WantedConnector:
    """One connector of a cabinet."""

    place: str
    name: str
    fields: dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class WantedCabinet:
    """One cabinet with all that the file says of it; `members`: profile by user name."""

    place: str
    code: str
    fields: dict[str, Any]
    members: dict[str, Profile]
    connectors: tuple[WantedConnector, ...]
    dossiers: tuple[WantedDossier, ...]


@dataclass(kw_only=True, slots=True)
class Reading:
    """One reading of a tree: what stays the same all along, and the faults found so far."""

    partners: Container[str]
    check_iban: CheckIban
    check_encryption: CheckEncryption
    faults: list[str] = field(default_factory=list)

    def fault(self, place: str, what: str) -> None:
        """Note a fault at a place."""
        self.faults.append(f"{place}: {what}")


def read_wanted(tree: object, reading: Reading) -> tuple[WantedCabinet, ...]:
    """The cabinets of a tree; worth something only if `reading.faults` is still empty afterwards."""
    keys = keys_of(tree, "the file", reading, {"cabinets"})
    if "cabinets" not in keys:
        reading.fault("cabinets", "is missing: the file starts with the key cabinets, a list")
    cabinets = [
        _cabinet(item, f"cabinets[{i}]", reading) for i, item in enumerate(list_at(keys, "cabinets", "", reading))
    ]
    note_twice(reading, "cabinet", [(c.place, c.code) for c in cabinets])
    return tuple(cabinets)


def _cabinet(tree: object, place: str, reading: Reading) -> WantedCabinet:
    keys = keys_of(tree, place, reading, _OF_CABINET)
    fields = identity_at(keys, place, reading) | flag_at(keys, place, reading)
    members = [
        _member(m, f"{place}.members[{i}]", reading) for i, m in enumerate(list_at(keys, "members", place, reading))
    ]
    connectors = [
        _connector(c, f"{place}.connectors[{i}]", reading)
        for i, c in enumerate(list_at(keys, "connectors", place, reading))
    ]
    dossiers = [
        _dossier(d, f"{place}.dossiers[{i}]", reading) for i, d in enumerate(list_at(keys, "dossiers", place, reading))
    ]
    note_twice(reading, "member", [(where, user) for where, user, _ in members])
    note_twice(reading, "connector", [(c.place, c.name) for c in connectors])
    note_twice(reading, "dossier", [(d.place, d.reference) for d in dossiers])
    accounts = [account for dossier in dossiers for account in dossier.accounts]
    note_twice(reading, "account and currency", [(f"{a.place}.iban", a.key) for a in accounts if a.key[0]])
    return WantedCabinet(
        place=place,
        code=text_at(keys, "code", place, reading, CABINET_CODE, "capital letters, digits and -"),
        fields=fields,
        members={user: profile for _, user, profile in members},
        connectors=tuple(connectors),
        dossiers=tuple(dossiers),
    )


def _member(tree: object, place: str, reading: Reading) -> tuple[str, str, Profile]:
    keys = keys_of(tree, place, reading, {"user", "profile"})
    user = text_at(keys, "user", place, reading)
    profile = text_at(keys, "profile", place, reading)
    if profile and profile not in set(Profile):
        reading.fault(f"{place}.profile", f"is none of {', '.join(Profile)}")
    return place, user, Profile(profile) if profile in set(Profile) else Profile.COLLABORATEUR


def _connector(tree: object, place: str, reading: Reading) -> WantedConnector:
    keys = keys_of(tree, place, reading, {"name", "partner", "connection", "settings"})
    fields: dict[str, Any] = {}
    if "partner" in keys:
        fields["partner"] = text_at(keys, "partner", place, reading)
        if fields["partner"] and fields["partner"] not in reading.partners:
            reading.fault(f"{place}.partner", "is not in the catalogue of partners")
    if "connection" in keys:
        fields["connection"] = None if keys["connection"] is None else text_at(keys, "connection", place, reading)
    if "settings" in keys:
        settings = keys["settings"] if keys["settings"] is not None else {}
        if not isinstance(settings, dict):
            reading.fault(f"{place}.settings", "is not a mapping of keys to values")
        elif (unfit := unfit_setting(settings)) is not None:
            reading.fault(f"{place}.settings.{unfit}", "is no text of one line, no number and no short list of these")
        elif secret := secret_among(settings):
            reading.fault(f"{place}.settings.{secret}", "is a secret: put it in the Airflow connection")
        elif wrong := wrong_encryption(settings, reading.check_encryption):
            reading.fault(f"{place}.settings.{wrong.subject}", f"{wrong.what}; {wrong.remedy}")
        elif (folder := settings.get("folder")) and not (str(folder).startswith("/") and str(folder).isprintable()):
            reading.fault(f"{place}.settings.folder", "is not a whole path, from /")
        fields["settings"] = settings
    name = text_at(keys, "name", place, reading, CONNECTOR_NAME, "1 to 40 small letters, digits and -")
    return WantedConnector(place=place, name=name, fields=fields)


def _dossier(tree: object, place: str, reading: Reading) -> WantedDossier:
    keys = keys_of(tree, place, reading, {"reference", "name", "siret", "accounts"})
    accounts = enumerate(list_at(keys, "accounts", place, reading))
    return WantedDossier(
        place=place,
        reference=text_at(keys, "reference", place, reading),
        fields=identity_at(keys, place, reading),
        accounts=tuple(_account(item, f"{place}.accounts[{i}]", reading) for i, item in accounts),
    )


def _account(tree: object, place: str, reading: Reading) -> WantedAccount:
    known = {"iban", "currency", "mandate", "mandate_since", "connector", "closed"}
    keys = keys_of(tree, place, reading, known)
    fields: dict[str, Any] = flag_at(keys, place, reading)
    bban = ""
    if text := text_at(keys, "iban", place, reading):
        try:
            found = reading.check_iban(text)
            bban, fields = found.bban, fields | {"iban": found.iban, "bank_name": found.bank_name}
        except InvalidIban as error:
            reading.fault(f"{place}.iban", f"{error.subject} {error.what}")
    currency = "EUR"
    if "currency" in keys:
        currency = text_at(keys, "currency", place, reading, _CURRENCY, "three capital letters (ISO 4217)")
    connector: tuple[str | None, ...] = ()
    if "connector" in keys:
        connector = (None,) if keys["connector"] is None else (text_at(keys, "connector", place, reading),)
    mandate, since = _mandate(keys, place, reading)
    return WantedAccount(
        place=place, key=(bban, currency), fields=fields, mandate=mandate, since=since, connector=connector
    )


def _mandate(
    keys: dict[str, Any], place: str, reading: Reading
) -> tuple[tuple[MandateStep | None, ...], datetime | None]:
    mandate: tuple[MandateStep | None, ...] = ()
    if "mandate" in keys:
        text = keys["mandate"]
        if text is not None and text not in list(MandateStep):
            reading.fault(f"{place}.mandate", f"is none of {', '.join(MandateStep)}, null")
        else:
            mandate = (None if text is None else MandateStep(text),)
    if keys.get("mandate_since") is None:
        return mandate, None
    if keys.get("mandate") is None:
        reading.fault(f"{place}.mandate_since", "has no mandate beside it")
    try:
        day = date.fromisoformat(keys["mandate_since"])
        return mandate, datetime.combine(day, time(), BANK_ZONE).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        reading.fault(f"{place}.mandate_since", "is not a day like 2026-01-05")
        return mandate, None
