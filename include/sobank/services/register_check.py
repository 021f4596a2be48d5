"""What a registry file asks for that the registry, as it is, cannot follow: found before anything is written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sobank.services.mandates import Move, move
from sobank.services.registry_file import WantedAccount, WantedCabinet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sobank.store.registry_import import CurrentAccount, CurrentCabinet


def faults_against(wanted: Sequence[WantedCabinet], current: dict[str, CurrentCabinet]) -> list[str]:
    """Every fault with its place, for people."""
    return [fault for cabinet in wanted for fault in _cabinet(cabinet, current[cabinet.code])]


def _cabinet(cabinet: WantedCabinet, there: CurrentCabinet) -> Iterator[str]:
    if there.id is None and "name" not in cabinet.fields:
        yield f"{cabinet.place}.name: is missing, and the cabinet is new"
    for connector in cabinet.connectors:
        _, known = there.connectors.get(connector.name, (None, {}))
        partner = connector.fields.get("partner")
        if not known and partner is None:
            yield f"{connector.place}.partner: is missing, and the connector is new"
        if known and partner not in {None, known["partner"]}:
            yield f"{connector.place}.partner: is {known['partner']} so far; add another connector instead"
    names = there.connectors.keys() | {connector.name for connector in cabinet.connectors}
    for dossier in cabinet.dossiers:
        if dossier.reference not in there.dossiers and "name" not in dossier.fields:
            yield f"{dossier.place}.name: is missing, and the dossier is new"
        for account in dossier.accounts:
            yield from _account(account, there.accounts[account.key], names)


def _account(account: WantedAccount, known: CurrentAccount, connectors: set[str]) -> Iterator[str]:
    name = account.connector[0] if account.connector else None
    if name is not None and name not in connectors:
        there = ", ".join(sorted(connectors)) or "none"
        yield f"{account.place}.connector: {name} is not on the cabinet; those that are: {there}"
    if account.mandate and move(known.step, account.mandate[0]) is Move.FORBIDDEN:
        wish = account.mandate[0] or "null"
        yield f"{account.place}.mandate: a mandate at {known.step} cannot become {wish}"
