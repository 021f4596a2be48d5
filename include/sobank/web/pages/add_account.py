"""*Ajouter un IBAN*: its number checked, its bank named, its mandate started as draft (A9)."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, Response

from sobank.domain.iban import iban as with_check_digits
from sobank.domain.iban import rib_key
from sobank.domain.roles import Action
from sobank.errors import InvalidIban, NotFound, RegistryError
from sobank.services.add_account import AddedAccount, add_account
from sobank.store.cabinet_list import cabinet_seen
from sobank.store.choices import connectors_to_choose
from sobank.store.dossier_list import dossiers_seen
from sobank.store.iban_check import COUNTRIES, checked_iban
from sobank.store.listing import MAX_PAGE
from sobank.store.registry_edit import AccountOfIban, RegistryEditor
from sobank.web.fields import Blank, Fields
from sobank.web.language import Language
from sobank.web.path_account import account_of
from sobank.web.rendering import page, redirect
from sobank.web.rights import Here, Needs

router = APIRouter()
_LENGTH: Final = 27
_CURRENCY_LENGTH: Final = 3


class Typed(Fields):
    """A new account as it is typed; dossier: a reference."""

    dossier: Blank[str] = None
    iban: Blank[str] = None
    currency: Blank[str] = None


@router.get("/cabinets/{cabinet}/accounts/new")
def new_account(
    request: Request, typed: Annotated[Typed, Query()], here: Annotated[Here, Depends(Needs(Action.ADD_ACCOUNT))]
) -> HTMLResponse:
    """The form; a dossier of the address stands in it already."""
    return _form(request, here, Typed(dossier=typed.dossier))


@router.post("/cabinets/{cabinet}/accounts")
def add(
    request: Request, typed: Annotated[Typed, Form()], here: Annotated[Here, Depends(Needs(Action.ADD_ACCOUNT))]
) -> Response:
    """Register the account, or show the form again with what is wrong."""
    currency, problems = (typed.currency or "EUR").upper(), _missing(here.language, typed)
    if problems:
        return _form(request, here, typed, problems, status=422)
    try:
        added = _added(here, typed, currency)
    except InvalidIban:
        return _form(request, here, typed, {"iban": iban_fault(here.language, typed.iban or "")}, status=422)
    except NotFound:
        wrong = here.language.say("Le cabinet n'a pas de dossier de cette référence.")
        return _form(request, here, typed, {"dossier": wrong}, status=422)
    except RegistryError as error:
        if type(error) is not RegistryError:
            raise
        return _refused(request, here, typed, currency)
    return redirect(request, f"/accounts/{added.id}/added")


@router.get("/accounts/{account}/added")
def added(request: Request, account: int, here: Annotated[Here, Depends(Needs(Action.SEE))]) -> HTMLResponse:
    """What a new account is, whether another cabinet has it too, and what comes next."""
    row = account_of(here, account)
    with RegistryEditor(here.house.database).look() as registry:
        claims = registry.claims(row.iban[4:], row.currency)
    connectors = connectors_to_choose(here.house.database, [here.at], user=here.visitor.user)[here.at]
    return page(request, here, "account_added.html", row=row, claims=claims, connectors=connectors)


def iban_fault(language: Language, text: str) -> str:
    """What is wrong with an account number, for who typed it: the first thing that a person can look at."""
    say, iban = language.say, "".join(text.split()).upper()
    if not (iban.isascii() and iban.isalnum()):
        return say("Un IBAN n'a que des chiffres et des lettres.")
    if iban[:2] not in COUNTRIES:
        return say("Seuls les comptes de France (FR) et de Monaco (MC) sont collectés.")
    if len(iban) != _LENGTH:
        return say("Un IBAN français a 27 caractères ; celui-ci en a {n}.", n=len(iban))
    bank, branch, account, key = iban[4:9], iban[9:14], iban[14:25], iban[25:]
    if rib_key(bank, branch, account) != key:
        return say("La clé RIB (les deux derniers chiffres) ne correspond pas au compte : un caractère est faux.")
    if with_check_digits(iban[4:], iban[:2]) != iban:
        return say("Les deux chiffres de contrôle (après {country}) ne correspondent pas.", country=iban[:2])
    return say("La structure de cet IBAN n'est pas celle d'un compte français : recopiez-le depuis le RIB.")


def _added(here: Here, typed: Typed, currency: str) -> AddedAccount:
    return add_account(
        RegistryEditor(here.house.database), cabinet=here.at, dossier=typed.dossier or "", iban=typed.iban or "",
        currency=currency, check_iban=checked_iban, actor=here.visitor.actor, now=here.now,
    )  # fmt: skip


def _missing(language: Language, typed: Typed) -> dict[str, str]:
    found = {}
    if not typed.iban:
        found["iban"] = language.say("Recopiez l'IBAN depuis le RIB du client.")
    if not typed.dossier:
        found["dossier"] = language.say("Dites à quel dossier appartient ce compte.")
    currency = typed.currency or "EUR"
    if len(currency) != _CURRENCY_LENGTH or not (currency.isascii() and currency.isalpha()):
        found["currency"] = language.say("Une devise a trois lettres : EUR pour l'euro.")
    return found


def _refused(request: Request, here: Here, typed: Typed, currency: str) -> HTMLResponse:
    """The cabinet has the account already, or is closed."""
    with RegistryEditor(here.house.database).look() as registry:
        number = checked_iban(typed.iban or "").bban
        there = registry.accounts_of_iban(number, user=None, cabinet=here.at, currency=currency)
    wrong = (
        here.language.say("Le cabinet a déjà ce compte, au dossier {dossier}.", dossier=there[0].dossier)
        if there
        else here.language.say("Le cabinet est clos : plus aucun compte ne peut y être ajouté.")
    )
    return _form(request, here, typed, {"iban": wrong}, there=there[0] if there else None, status=409)


def _form(
    request: Request,
    here: Here,
    typed: Typed,
    problems: dict[str, str] | None = None,
    *,
    there: AccountOfIban | None = None,
    status: int = 200,
) -> HTMLResponse:
    """The form with what was typed. Dossiers are chosen from a list where it is short enough to look through."""
    database, user = here.house.database, here.visitor.user
    dossiers = dossiers_seen(database, user=user, cabinet=here.at, size=MAX_PAGE)
    return page(
        request, here, "account_new.html", status=status, typed=typed, there=there,
        problems={"iban": "", "dossier": "", "currency": ""} | (problems or {}),
        dossiers=dossiers.rows if dossiers.pages == 1 else (), none=dossiers.total == 0,
        cabinet=cabinet_seen(database, here.at, user=user),
    )  # fmt: skip
