"""Put connectors on cabinets and take them off (A2, A3, A13)."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from sobank.domain.roles import Action
from sobank.domain.sink import ConnectionReport, Sink
from sobank.errors import ConfigurationError, ConnectorInUse, RegistryError
from sobank.services.allow import allowed, require_reason
from sobank.services.associate import connector_of, dissociate_accounts
from sobank.services.connection_test import report_of
from sobank.services.connector_reach import ReachedPartner, require_own_reach

if TYPE_CHECKING:
    from sobank.store.registry import CabinetRow, ConnectorRow, Registry, RegistryChange, Usage

#: Refuses (ConfigurationError) a value of the setting `encryption` that no file could be encrypted for.
CheckEncryption = Callable[[object], None]
#: Names of connectors are part of destinations and of file names.
CONNECTOR_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
#: Settings are written by hand: a mapping of lists is deep.
_MOST_DEPTH: Final = 5
_PLAIN: Final = (bool, int, type(None), Mapping, Sequence)
_SECRET_NAME: Final = re.compile(r"pass|secret|token|api.?key|private", re.IGNORECASE)
_SECRET_VALUE: Final = re.compile(r"AGE-SECRET-KEY-|PRIVATE KEY( BLOCK)?-----|://[^/@\s]*:[^/@\s]+@", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Added:
    """A connector just put on a cabinet, what its connection test found, and how many accounts it may be offered."""

    connector_id: int
    destination: str
    test: ConnectionReport
    accounts: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Cut:
    """What cutting did: ids of the accounts dissociated; how many sealed batches are to be withdrawn (D7)."""

    accounts: tuple[int, ...]
    batches_to_withdraw: int


def add_connector(
    registry: Registry,
    *,
    cabinet: str,
    partner: str,
    name: str,
    partners: Mapping[str, ReachedPartner],
    check_encryption: CheckEncryption,
    sink: Callable[[], Sink],
    actor: str,
    now: datetime,
    connection: str | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Added:
    """Put a connector on a cabinet, then test its connection; a failed test is shown and takes nothing back (A2).

    Args:
        partners: the catalogue by code. connection: id of an Airflow connection, None for the folder sink.
        check_encryption: refuses a setting `encryption` that no file could be encrypted for.
        sink: makes the sink to test; called after the change is committed. Nothing is sent.
    Raises:
        NotAllowed: neither administrateur nor superviseur of the cabinet, or no operator where it takes one: for a
        connection that is not of the cabinet, or a folder of this machine.
        RegistryError: closed cabinet, unknown partner, bad or taken name, a secret or a wrong recipient in the
        settings.
    """
    settings = settings or {}
    _check(partner=partner, name=name, partners=partners, settings=settings, check_encryption=check_encryption)
    with registry.change() as change:
        there, profile = allowed(change, cabinet, actor, Action.ADD_CONNECTOR)
        require_own_reach(cabinet, partners[partner], connection=connection, settings=settings, actor=actor)
        if there.closed:
            raise RegistryError("the cabinet is closed", subject=cabinet, remedy="reopen the cabinet first")
        if any(connector.name == name for connector in change.connectors(there.id)):
            raise RegistryError("the cabinet has a connector of that name", subject=name, remedy="choose another name")
        added = change.add_connector(there.id, partner=partner, name=name, connection=connection, settings=settings)
        after = {"partner": partner, "connection": connection, "settings": dict(settings)}
        change.record([_event("connector.add", there, name, None, after)], at=now, actor=actor, role=profile)
        accounts = sum(not account.closed for account in change.accounts(there.id))
    destination = f"connector:{cabinet}/{name}"
    return Added(connector_id=added, destination=destination, test=report_of(sink), accounts=accounts)


def delete_connector(registry: Registry, *, cabinet: str, name: str, actor: str, reason: str, now: datetime) -> None:
    """Take a connector off a cabinet on which nothing hangs any more (A3).

    Raises:
        NotAllowed: neither administrateur nor superviseur. ConnectorNotOnCabinet: it is not there.
        ConnectorInUse: names how many accounts are associated and how many batches are not final.
        RegistryError: no reason is given.
    """
    require_reason(actor, reason, subject=f"connector:{cabinet}/{name}")
    with registry.change() as change:
        there, profile = allowed(change, cabinet, actor, Action.DELETE_CONNECTOR)
        connector = connector_of(change, there, name)
        usage = change.usage(connector.id)
        if usage.accounts or usage.open_batches:
            raise ConnectorInUse(
                f"{usage.accounts} associated account(s) and {usage.open_batches} batch(es) not final hang on it",
                subject=f"connector:{cabinet}/{name}",
                remedy=_way_out(usage),
            )
        _delete(change, there, connector, actor=actor, role=profile, now=now, reason=reason)


def cut_connector(registry: Registry, *, cabinet: str, name: str, actor: str, reason: str, now: datetime) -> Cut:
    """Dissociate every account of a connector and delete it, in one transaction ("couper entièrement", A3).

    Refused while a batch that was attempted is not final: it must be finished as planned (D7). A batch that was sealed
    and never attempted does not hinder: its associations are gone, so the check before its first attempt withdraws it
    and its statements are decided anew.

    Raises:
        NotAllowed: neither administrateur nor superviseur. ConnectorNotOnCabinet: it is not there.
        ConnectorInUse: names how many attempted batches are not final. RegistryError: no reason is given.
    """
    require_reason(actor, reason, subject=f"connector:{cabinet}/{name}")
    with registry.change() as change:
        there, profile = allowed(change, cabinet, actor, Action.CUT_CONNECTOR)
        connector = connector_of(change, there, name)
        usage = change.usage(connector.id)
        if usage.attempted_batches:
            raise ConnectorInUse(
                f"{usage.attempted_batches} attempted batch(es) of it are not final",
                subject=f"connector:{cabinet}/{name}",
                remedy="wait until they are delivered, decide on the held ones (`sobank deliveries list`); cut again",
            )
        accounts = change.accounts_of_connector(there.id, connector.id)
        gone = dissociate_accounts(change, there, accounts, actor=actor, role=profile, now=now, reason=reason)
        _delete(
            change, there, connector, actor=actor, role=profile, now=now, reason=reason, action="connector.cut"
        )  # fmt: skip
        return Cut(accounts=gone, batches_to_withdraw=usage.open_batches)


def unfit_setting(settings: object, place: str = "") -> str | None:
    """Place of the first setting that cannot be kept and shown to everybody who asks, such as `a.b[0]`, or None.

    A text that cannot be printed, a number that is none, and what lies deeper than a person would write: each of them
    would be taken, and then break every list and the audit trail in which it stands.
    """
    for at, depth, one in _each_setting(settings, place):
        if isinstance(one, str):
            unfit = not one.isprintable()
        elif isinstance(one, float):
            unfit = not isfinite(one)
        else:
            unfit = depth > _MOST_DEPTH or not isinstance(one, _PLAIN)
        if unfit:
            return at
    return None


def _each_setting(value: object, place: str, depth: int = 0) -> Iterator[tuple[str, int, object]]:
    """Everything in a setting by its place, keys among them; nothing of what is too deep."""
    yield place, depth, value
    if depth > _MOST_DEPTH:
        return
    if isinstance(value, Mapping):
        for key, below in value.items():
            at = f"{place}.{key}".lstrip(".") if str(key).isprintable() else f"{place}.?".lstrip(".")
            yield at, depth + 1, str(key)
            yield from _each_setting(below, at, depth + 1)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for n, below in enumerate(value):
            yield from _each_setting(below, f"{place}[{n}]", depth + 1)


def secret_among(settings: object, place: str = "") -> str | None:
    """Place of the first secret among the settings of a connector, however deep, such as `a.b[0].password`, or None.

    A secret is known by the name of its key, or by what it is: a private key, a URL with a password.
    """
    if isinstance(settings, str):
        return place if _SECRET_VALUE.search(settings) else None
    below: list[tuple[str, object]] = []
    if isinstance(settings, Mapping):
        below = [(f"{place}.{key}".lstrip("."), value) for key, value in settings.items()]
        if named := next(
            (at for (at, _), key in zip(below, settings, strict=True) if _SECRET_NAME.search(str(key))), ""
        ):
            return named
    elif isinstance(settings, Sequence):
        below = [(f"{place}[{n}]", value) for n, value in enumerate(settings)]
    return next((found for at, value in below if (found := secret_among(value, at))), None)


def wrong_encryption(settings: Mapping[str, Any], check: CheckEncryption) -> ConfigurationError | None:
    """What is wrong with the setting `encryption`; None where it can be followed, or is not there (or null)."""
    try:
        if (encryption := settings.get("encryption")) is not None:
            check(encryption)
    except ConfigurationError as error:
        return error
    return None


def _check(
    *,
    partner: str,
    name: str,
    partners: Container[str],
    settings: Mapping[str, Any],
    check_encryption: CheckEncryption,
) -> None:
    if partner not in partners:
        raise RegistryError("no such partner in the catalogue", subject=partner, remedy="choose one of the catalogue")
    if not CONNECTOR_NAME.fullmatch(name):
        raise RegistryError(
            "a connector's name is 1 to 40 small letters, digits and -", subject=name, remedy="choose another name"
        )
    if (unfit := unfit_setting(settings)) is not None:
        raise RegistryError(
            "is not plain: a setting is a text of one line, a number, or a short list of these",
            subject=f"settings.{unfit}",
            remedy="write it like folder=in",
        )
    if secret := secret_among(settings):
        raise RegistryError(
            "a secret has no place among the settings", subject=secret, remedy="put it in the Airflow connection"
        )
    if wrong := wrong_encryption(settings, check_encryption):
        raise RegistryError(wrong.what, subject=f"settings.{wrong.subject}", remedy=wrong.remedy)


def _way_out(usage: Usage) -> str:
    if usage.accounts:
        return "dissociate the accounts first, or cut the connector entirely"
    return "wait until the batches are delivered, decide on the held ones (`sobank deliveries list`)"


def _delete(
    change: RegistryChange,
    cabinet: CabinetRow,
    connector: ConnectorRow,
    *,
    actor: str,
    role: str,
    now: datetime,
    reason: str,
    action: str = "connector.delete",
) -> None:
    before = {"partner": connector.partner, "connection": connector.connection, "settings": dict(connector.settings)}
    change.delete_connector(connector.id, at=now)
    event = _event(action, cabinet, connector.name, before, None) | {"reason": reason}
    change.record([event], at=now, actor=actor, role=role)


def _event(
    action: str, cabinet: CabinetRow, name: str, before: dict[str, Any] | None, after: dict[str, Any] | None
) -> dict[str, Any]:
    return {
        "action": action,
        "subject": f"connector:{cabinet.code}/{name}",
        "before": before,
        "after": after,
        "cabinet_id": cabinet.id,
        "reason": None,
    }
