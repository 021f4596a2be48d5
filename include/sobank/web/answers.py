"""What a visitor is told when something cannot be done: a page in his language, or problem details (RFC 9457)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from sobank import errors
from sobank.web.language import Language
from sobank.web.rendering import rendered
from sobank.web.visitor import ForeignOrigin, NotSignedIn

_API: Final = "/api/"


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """How a kind of error is told: its status, and the French words of its page. code: for programs."""

    status: int
    code: str
    title: str
    remedy: str = ""


_STRANGER: Final = Told(
    status=401, code="not_signed_in", title="Vous n'êtes pas connecté",
    remedy="Connectez-vous à Airflow, puis rechargez la page.",
)  # fmt: skip
_FOREIGN: Final = Told(
    status=403, code="foreign_origin", title="Demande refusée : elle ne vient pas de nos pages",
    remedy="Recommencez depuis la page elle-même.",
)  # fmt: skip
_MISSING: Final = Told(
    status=404, code="not_found", title="Introuvable", remedy="Cherchez dans la liste : l'adresse a pu changer."
)
_UNREADABLE: Final = Told(
    status=422, code="not_readable", title="La demande ne peut pas être lue", remedy="Corrigez les champs indiqués."
)
_OURS: Final = Told(
    status=500,
    code="error",
    title="Une erreur est survenue",
    remedy="Réessayez ; si elle persiste, écrivez au support.",
)
#: By class, the nearest first in the order in which an error was derived.
_TOLD: Final[dict[type[BaseException], Told]] = {
    errors.NotAllowed: Told(
        status=403, code="not_allowed", title="Votre profil ne permet pas cette action",
        remedy="Demandez à un administrateur ou à un superviseur du cabinet.",
    ),
    errors.NotFound: _MISSING,
    errors.ConnectorInUse: Told(
        status=409, code="connector_in_use", title="Ce connecteur est encore utilisé",
        remedy="Dissociez ses comptes et attendez la fin de ses envois, ou coupez-le entièrement.",
    ),
    errors.ConnectorNotOnCabinet: Told(
        status=409, code="connector_not_on_cabinet", title="Ce connecteur n'est pas (ou plus) sur le cabinet",
        remedy="Ajoutez-le d'abord au cabinet.",
    ),
    errors.InvalidIban: Told(
        status=422, code="invalid_iban", title="Cet IBAN n'est pas valide",
        remedy="Recopiez-le depuis le RIB du client.",
    ),
    errors.RegistryError: Told(
        status=409, code="refused", title="Cette modification est refusée", remedy="Voyez le détail ci-dessous."
    ),
    errors.LedgerError: Told(
        status=409, code="ledger_refuses", title="L'état de l'envoi ne le permet pas",
        remedy="Rechargez la page : il a pu changer entre-temps.",
    ),
    errors.SchedulerError: Told(
        status=502, code="scheduler", title="Airflow refuse, ou ne répond pas", remedy="Voyez le détail ci-dessous."
    ),
    errors.SinkError: Told(
        status=502, code="partner", title="Le partenaire refuse, ou ne répond pas", remedy="Testez sa connexion."
    ),
    errors.ConfigurationError: Told(
        status=422, code="configuration", title="Un réglage empêche de répondre", remedy="Voyez le détail ci-dessous."
    ),
    errors.DatabaseAway: Told(
        status=503, code="database_away", title="La base de données ne répond pas", remedy="Réessayez dans une minute."
    ),
    errors.StoreAway: Told(
        status=503, code="store_away", title="Le stockage des fichiers ne répond pas",
        remedy="Réessayez dans une minute.",
    ),
    errors.SobankError: _OURS,
    NotSignedIn: _STRANGER,
    ForeignOrigin: _FOREIGN,
    sa.exc.DataError: _UNREADABLE,
    UnicodeError: _UNREADABLE,
    RequestValidationError: _UNREADABLE,
}  # fmt: skip


def answer(request: Request, error: BaseException) -> Response:
    """The answer to a request that ended with `error`: problem details under `/api/`, a page elsewhere.

    Of an error that is not ours nothing is repeated: its text may hold anything.
    """
    told = _told(error)
    detail, subject, remedy = "", "", ""
    if isinstance(error, errors.SobankError):
        detail, subject, remedy = error.what, error.subject, error.remedy
    elif isinstance(error, RequestValidationError):
        detail = "; ".join(f"{'.'.join(str(at) for at in each['loc'])}: {each['msg']}" for each in error.errors()[:10])
    if _API in request.scope["path"]:  # request.url cannot be read where Host is no host
        problem = {"type": "about:blank", "status": told.status, "code": told.code, "title": detail or told.code}
        problem |= {name: text for name, text in (("subject", subject), ("remedy", remedy)) if text}
        return JSONResponse(problem, told.status, media_type="application/problem+json")
    language = Language.of(request.headers.get("accept-language", ""))
    page = rendered(request, language, "error.html", told=told, detail=detail, subject=subject)
    return Response(page, told.status, media_type="text/html")


def _told(error: BaseException) -> Told:
    if isinstance(error, HTTPException):
        if error.status_code == _MISSING.status:
            return _MISSING
        return Told(
            status=error.status_code, code=f"http_{error.status_code}", title="Cette demande n'est pas possible ici"
        )
    return next((_TOLD[kind] for kind in type(error).__mro__ if kind in _TOLD), _OURS)
