"""The seven steps of an import, parents before children: each settles one kind of thing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from sobank.domain.registry import MandateStep
from sobank.services.mandates import Move, move
from sobank.services.register_work import Item, Work, account_subject
from sobank.services.registry_file import WantedAccount, WantedCabinet

if TYPE_CHECKING:
    from sobank.store.registry_import import CurrentAccount, CurrentCabinet

Wanted = Sequence[WantedCabinet]
Current = dict[str, "CurrentCabinet"]
#: A thing that is not in the registry yet: no id, no fields.
_NEW: Final[tuple[None, dict[str, Any]]] = (None, {})


def cabinets(work: Work, wanted: Wanted, current: Current) -> None:
    """Cabinets: their identity, closed."""
    items = [
        Item(
            subject=f"cabinet:{cabinet.code}",
            cabinet_id=None,
            fixed={"code": cabinet.code},
            wanted=cabinet.fields,
            id=current[cabinet.code].id,
            current=current[cabinet.code].fields,
        )
        for cabinet in wanted
    ]
    work.settle("cabinets", items)
    for cabinet, item in zip(wanted, items, strict=True):
        current[cabinet.code].id = item.id


def members(work: Work, wanted: Wanted, current: Current) -> None:
    """Members of each cabinet, with their profile."""
    items = []
    for cabinet in wanted:
        there = current[cabinet.code]
        for user, profile in cabinet.members.items():
            key, known = {"user": user, "cabinet_id": there.id}, there.members.get(user)
            items.append(
                Item(
                    subject=f"member:{cabinet.code}/{user}",
                    cabinet_id=there.id,
                    fixed=key,
                    wanted={"profile": str(profile)},
                    id=key if known else None,
                    current={"profile": known} if known else {},
                )
            )
    work.settle("members", items)


def connectors(work: Work, wanted: Wanted, current: Current) -> None:
    """Connectors of each cabinet: connection, settings."""
    items = []
    for cabinet in wanted:
        there = current[cabinet.code]
        for connector in cabinet.connectors:
            id_, known = there.connectors.get(connector.name, _NEW)
            items.append(
                Item(
                    subject=f"connector:{cabinet.code}/{connector.name}",
                    cabinet_id=there.id,
                    fixed={"cabinet_id": there.id, "name": connector.name, "connection": None, "settings": {}},
                    wanted=connector.fields,
                    id=id_,
                    current=known,
                )
            )
    work.settle("connectors", items)
    for item in items:
        code, name = item.subject.removeprefix("connector:").split("/", 1)
        current[code].connectors[name] = (item.id, item.wanted)


def dossiers(work: Work, wanted: Wanted, current: Current) -> None:
    """Dossiers of each cabinet: name, siret."""
    items = []
    for cabinet in wanted:
        there = current[cabinet.code]
        for dossier in cabinet.dossiers:
            id_, known = there.dossiers.get(dossier.reference, _NEW)
            items.append(
                Item(
                    subject=f"dossier:{cabinet.code}/{dossier.reference}",
                    cabinet_id=there.id,
                    fixed={"cabinet_id": there.id, "reference": dossier.reference, "siret": None},
                    wanted=dossier.fields,
                    id=id_,
                    current=known,
                )
            )
    work.settle("dossiers", items)
    for item in items:
        code, reference = item.subject.removeprefix("dossier:").split("/", 1)
        current[code].dossiers[reference] = (item.id, item.wanted)


def accounts(work: Work, wanted: Wanted, current: Current) -> None:
    """Accounts: their dossier, closed; afterwards every wanted account has its entry in `current`."""
    items = []
    for cabinet in wanted:
        there = current[cabinet.code]
        for dossier in cabinet.dossiers:
            dossier_id = there.dossiers[dossier.reference][0]
            for account in dossier.accounts:
                known = there.accounts[account.key]
                bban, currency = account.key
                items.append(
                    Item(
                        subject="",
                        cabinet_id=there.id,
                        fixed={"cabinet_id": there.id, "bban": bban, "currency": currency, "closed": False},
                        wanted={"dossier_id": dossier_id} | account.fields,
                        id=known.id,
                        current=known.fields,
                    )
                )
    work.settle("accounts", items)
    for (_, _, known), item in zip(_accounts(wanted, current), items, strict=True):
        known.id = item.id


def mandates(work: Work, wanted: Wanted, current: Current) -> None:
    """Start or move mandates; a new mandate after an ended one becomes the current one."""
    started, stepped, replaced, seen = [], [], [], 0
    for account, there, known in _accounts(wanted, current):
        if not account.mandate:
            continue
        seen += 1
        step, moved = account.mandate[0], move(known.step, account.mandate[0])
        corrected = moved is Move.NONE and account.since is not None and account.since != known.since
        if step is None or (moved is Move.NONE and not corrected):
            continue
        fields = {"step": str(step), "step_since": account.since or work.now}
        if moved is Move.NEW:
            started.append({"account_id": known.id, "current": True} | fields)
            replaced += [(known.mandate_id, {"current": False})] if known.mandate_id else []
        else:
            stepped.append((known.mandate_id, fields))
        _mandate_event(work, account, there, known, step)
    work.change.update("mandates", replaced + stepped, at=work.now)
    work.change.insert("mandates", started, at=work.now)
    work.count("mandates", created=len(started), updated=len(stepped), seen=seen)


def _mandate_event(
    work: Work, account: WantedAccount, there: CurrentCabinet, known: CurrentAccount, step: MandateStep
) -> None:
    before = {"step": known.step, "since": known.since} if known.step else None
    after = {"step": step, "since": account.since or work.now}
    work.event("mandate.step", account_subject(known.id, account.fields["iban"]), there.id, before, after)


def associations(work: Work, wanted: Wanted, current: Current) -> None:
    """Associate and dissociate: the association in force is closed and another one opened."""
    leaving: list[int] = []
    joining: dict[int, list[int]] = {}
    created = updated = seen = 0
    for account, there, known in _accounts(wanted, current):
        if not account.connector:
            continue
        seen += 1
        name = account.connector[0]
        connector_id = there.connectors[name][0] if name else None
        if connector_id == known.connector_id:
            continue
        if connector_id is not None:
            joining.setdefault(connector_id, []).append(known.id)
        if known.connector_id is None:
            created += 1
        else:
            updated += 1
            leaving.append(known.id)
        names = {id_: name for name, (id_, _) in there.connectors.items()}
        action = "account.associate" if name else "account.dissociate"
        before = {"connector": names[known.connector_id] if known.connector_id else None}
        subject = account_subject(known.id, account.fields["iban"])
        work.event(action, subject, there.id, before, {"connector": name})
    work.change.dissociate(leaving, at=work.now)
    for connector_id, ids in joining.items():
        work.change.associate(ids, connector_id, at=work.now, actor=work.actor)
    work.count("associations", created=created, updated=updated, seen=seen)


def _accounts(wanted: Wanted, current: Current) -> Iterator[tuple[WantedAccount, CurrentCabinet, CurrentAccount]]:
    for cabinet in wanted:
        there = current[cabinet.code]
        for dossier in cabinet.dossiers:
            for account in dossier.accounts:
                yield account, there, there.accounts[account.key]


STEPS: Final = (cabinets, members, connectors, dossiers, accounts, mandates, associations)
