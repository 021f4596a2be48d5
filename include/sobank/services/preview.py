"""Which accounts a person means, and what would change if they were associated or dissociated (A4–A6, A10)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sobank.domain.iban import masked
from sobank.domain.roles import Action
from sobank.errors import NotFound, RegistryError
from sobank.services.allow import allowed
from sobank.services.associate import Refusal, Selection, connector_of, refusals, selected_accounts, strangers

if TYPE_CHECKING:
    from sobank.services.registry_file import CheckedIban
    from sobank.store.registry_edit import RegistryEditor


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """What a change would do, in numbers of accounts; it concerns statements that are not decided yet.

    leaving: by what they leave, the name of a connector or "" for the global file. already: as wished now.
    waiting: of those that would change, how many have no approved mandate: their statements wait for it (A7).
    closed: of a dossier or cabinet, left alone. refused: with one of these nothing would change.
    global_file: whether the cabinet would still have accounts without a connector (A10); had_global_file: has it now.
    """

    connector: str | None
    leaving: dict[str, int]
    already: int
    waiting: int
    closed: int
    refused: tuple[Refusal, ...]
    global_file: bool
    had_global_file: bool

    @property
    def changing(self) -> int:
        """How many accounts would change."""
        return sum(self.leaving.values())


def choose_accounts(
    editor: RegistryEditor,
    *,
    cabinet: str,
    ibans: Sequence[str],
    check_iban: Callable[[str], CheckedIban],
    actor: str,
) -> Selection:
    """The accounts of these IBANs on a cabinet, in each of their currencies.

    Raises:
        NotAllowed: the actor is no member. InvalidIban: one is none. NotFound: the cabinet has not registered one.
    """
    with editor.look() as change:
        there, _ = allowed(change, cabinet, actor, Action.ASSOCIATE)
        numbers = [check_iban(iban).bban for iban in ibans]
        found = change.ids_of(there.id, numbers)
    if unknown := [number for number in numbers if number not in found]:
        raise NotFound(
            f"{len(unknown)} IBAN(s) that the cabinet has not registered: "
            + ", ".join(masked(number) for number in unknown[:10]),
            subject=cabinet,
            remedy="add them first, or check them; nothing was changed",
        )
    return Selection(cabinet=cabinet, accounts=tuple(id_ for number in found for id_ in found[number]))


def preview(editor: RegistryEditor, selection: Selection, connector: str | None, *, actor: str) -> Preview:
    """What associating the selection with a connector of its cabinet would do; None: what dissociating it would do.

    Raises:
        NotAllowed, NotFound, ConnectorNotOnCabinet, RegistryError: as the change itself would.
    """
    with editor.look() as change:
        action = Action.DISSOCIATE if connector is None else Action.ASSOCIATE
        cabinet, _ = allowed(change, selection.cabinet, actor, action)
        if connector is not None:
            if cabinet.closed:
                raise RegistryError("the cabinet is closed", subject=cabinet.code, remedy="reopen the cabinet first")
            connector_of(change, cabinet, connector)
        found = selected_accounts(change, cabinet, selection)
        refused = strangers(selection, found) if connector is None else refusals(selection, found)
        meant = found if connector is None else [account for account in found if not account.closed]
        changing = [account for account in meant if account.connector != connector]
        ids = {account.id for account in changing}
        open_ = [account for account in change.accounts(cabinet.id) if not account.closed]
        after = {account.id: connector if account.id in ids else account.connector for account in open_}
        return Preview(
            connector=connector,
            leaving=dict(Counter(account.connector or "" for account in changing)),
            already=len(meant) - len(changing),
            waiting=change.not_approved(sorted(ids)),
            closed=len(found) - len(meant),
            refused=refused,
            global_file=None in after.values(),
            had_global_file=any(account.connector is None for account in open_),
        )
