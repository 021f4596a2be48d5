"""Accounts, dossiers, associations and mandates (A4–A9)."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final, Literal

from fastapi import Depends
from fastapi.responses import Response
from pydantic import Field

from sobank.domain.registry import MandateStep
from sobank.domain.roles import Action
from sobank.errors import NotFound
from sobank.services.add_account import AddedAccount, add_account
from sobank.services.associate import AssociationReport, Selection, associate, dissociate
from sobank.services.preview import Preview, preview
from sobank.services.step_mandate import Stepped, step_mandate
from sobank.store.account_list import NO_CONNECTOR, AccountFilter, AccountRow, account_page
from sobank.store.iban_check import checked_iban
from sobank.store.registry import Registry
from sobank.store.registry_edit import RegistryEditor
from sobank.web.account_copy import copied
from sobank.web.api.shapes import Body, Key, Listing, PageNumber, PageSize, Text, Words, router
from sobank.web.path_account import account_of
from sobank.web.rights import Here, Needs

routes = router("accounts")
_MOST: Final = 10_000


class Chosen(Body):
    """Accounts of the cabinet: `accounts` (ids), those of a `dossier` (reference), or `every` open one (A6)."""

    accounts: Annotated[list[Key], Field(max_length=_MOST)] | None = None
    dossier: Text | None = None
    every: bool = False

    def selection(self, cabinet: str) -> Selection:
        """As the services take it.

        Raises:
            NotFound: nothing is chosen.
        """
        if self.accounts is None and self.dossier is None and not self.every:
            raise NotFound("no account is chosen", subject=cabinet, remedy="give accounts, a dossier, or every: true")
        return Selection(
            cabinet=cabinet, accounts=None if self.accounts is None else tuple(self.accounts), dossier=self.dossier
        )


class AssociationWish(Chosen):
    """The connector that the chosen accounts are to have, by its name; null is none (Aucun connecteur)."""

    connector: Text | None
    dry_run: bool = False


class NewAccount(Body):
    """An account to register in a dossier (reference)."""

    iban: Text
    dossier: Text
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = "EUR"


class StepWish(Body):
    """A step of a mandate, and the Paris day on which it was taken; why, which a step that ends it needs."""

    step: MandateStep
    on: date
    reason: Text | None = None


class CopyWish(Body):
    """Business days, both included (null: all), and the format of the copy."""

    form: Literal["cfonb120", "csv", "csv-excel", "ofx", "camt053", "parquet"] = "cfonb120"
    first: date | None = None
    last: date | None = None


class Associated(Body):
    """What became of a wish; `preview` alone on a dry run."""

    report: AssociationReport | None = None
    preview: Preview | None = None


@routes.get("/accounts", response_model=Listing[AccountRow])
def list_accounts(
    here: Annotated[Here, Depends(Needs(Action.SEE))],
    search: Words = "",
    of_cabinet: Text | None = None,
    of_dossier: Text | None = None,
    mandate: Text | None = None,
    connector: Words | None = None,
    page: PageNumber = 1,
    size: PageSize = 50,
    after: Key | None = None,
) -> object:
    """Accounts by cabinet, dossier and IBAN (A9).

    `search`: part of an IBAN, a company's name or a siret. `mandate`: a step, or `none`. `connector`: a name, or
    `none`. `after`: that of the page before, which goes on beyond 10,000 accounts.
    """
    wanted = AccountFilter(
        user=here.visitor.user, search=search, cabinet=of_cabinet, dossier=of_dossier, mandate=mandate,
        connector=NO_CONNECTOR if connector == "none" else connector,
    )  # fmt: skip
    return Listing.of(account_page(here.house.database, wanted, page=page, size=size, after=after))


@routes.get("/accounts/{account}", response_model=AccountRow)
def show(here: Annotated[Here, Depends(Needs(Action.SEE))], account: int) -> object:
    """One account."""
    return account_of(here, account)


@routes.post("/cabinets/{cabinet}/accounts", response_model=AddedAccount, status_code=201)
def add(here: Annotated[Here, Depends(Needs(Action.ADD_ACCOUNT))], wish: NewAccount) -> object:
    """Register an account after checking its number, and start its mandate as draft (Ajouter un IBAN)."""
    return add_account(
        RegistryEditor(here.house.database), cabinet=here.at, dossier=wish.dossier, iban=wish.iban,
        currency=wish.currency, check_iban=checked_iban, actor=here.visitor.actor, now=here.now,
    )  # fmt: skip


@routes.post("/cabinets/{cabinet}/associate", response_model=Associated)
def associate_chosen(here: Annotated[Here, Depends(Needs(Action.ASSOCIATE))], wish: AssociationWish) -> object:
    """Associate accounts with a connector of the cabinet, or with none: all of them, or none if one is refused (A6)."""
    selection, actor = wish.selection(here.at), here.visitor.actor
    if wish.dry_run:
        editor = RegistryEditor(here.house.database)
        return {"preview": preview(editor, selection, wish.connector, actor=actor)}
    registry = Registry(here.house.database)
    if wish.connector is None:
        return {"report": dissociate(registry, selection, actor=actor, now=here.now)}
    return {"report": associate(registry, selection, wish.connector, actor=actor, now=here.now)}


@routes.post("/accounts/{account}/mandate", response_model=Stepped)
def step(here: Annotated[Here, Depends(Needs(Action.SET_MANDATE))], account: int, wish: StepWish) -> object:
    """Take the next step of an account's mandate; the same step again corrects its day."""
    row = account_of(here, account)
    return step_mandate(
        RegistryEditor(here.house.database), iban=row.iban, step=wish.step, on=wish.on, cabinet=row.cabinet,
        currency=row.currency, actor=here.visitor.actor, now=here.now, reason=wish.reason,
    )  # fmt: skip


@routes.post("/accounts/{account}/copy", response_class=Response)
def copy(here: Annotated[Here, Depends(Needs(Action.DOWNLOAD))], account: int, wish: CopyWish) -> Response:
    """A file of the account's statements, associated or not; noted, and no delivery changes (A11)."""
    found = copied(here, account_of(here, account), wish.form, first=wish.first, last=wish.last)
    if found is None:
        raise NotFound("no statement in these days", subject=str(account), remedy="give other days, or none")
    return found
