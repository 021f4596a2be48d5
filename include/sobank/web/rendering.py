"""Templates of the pages: one environment, its words and its filters. Everything is escaped; nothing runs inline."""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from sobank.domain.day import BANK_ZONE
from sobank.domain.iban import masked
from sobank.domain.registry import ENDED_STEPS, MandateStep
from sobank.web.language import Language
from sobank.web.navigation import NAVIGATION
from sobank.web.rights import Here
from sobank.web.words import STATES, note_of, step_name

_PATH: Final = [step for step in MandateStep if step not in ENDED_STEPS]
_NARROW, _NO_BREAK = "\u202f", "\u00a0"


def page(request: Request, here: Here, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """A page for who is there; the template sees `here`, the language, and what else is given."""
    return HTMLResponse(rendered(request, here.language, template, here=here, **context), status)


def rendered(request: Request, language: Language, template: str, **context: Any) -> str:
    """A template as text. `base` is where the pages are mounted, `note` what the page before has done."""
    given = {"request": request, "base": request.scope.get("root_path", ""), "language": language, "here": None}
    given |= {"navigation": NAVIGATION, "note": note_of(request, language)}
    return environment().get_template(template).render(given | context)


def redirect(request: Request, path: str, *, note: str = "", **values: object) -> RedirectResponse:
    """Go and see (303), after a change. note: a key of `words.NOTES`; `n` among the values is its number."""
    query = urlencode({"note": note, **{name: str(value) for name, value in values.items()}} if note else values)
    return RedirectResponse(f"{request.scope.get('root_path', '')}{path}{'?' if query else ''}{query}", 303)


def cents(amount: int | None, currency: str = "EUR", decimals: int = 2) -> str:
    """An amount of minor units as France writes it: `1 234,50 €`."""
    if amount is None:
        return ""
    whole, rest = divmod(abs(amount), 10**decimals)
    text = f"{whole:,}".replace(",", _NARROW) + (f",{rest:0{decimals}d}" if decimals else "")
    return f"{'−' if amount < 0 else ''}{text}{_NO_BREAK}{'€' if currency == 'EUR' else currency}"


def number(n: int) -> str:
    """`1 234`."""
    return f"{n:,}".replace(",", _NARROW)


def day(at: date | None) -> str:
    """`05/01/2026`, as France writes it."""
    return f"{at:%d/%m/%Y}" if at else ""


def moment(at: datetime | None) -> str:
    """`05/01/2026 14:03` in Paris."""
    return f"{at.astimezone(BANK_ZONE):%d/%m/%Y %H:%M}" if at else ""


def groups(iban: str) -> str:
    """An IBAN in fours, which do not break."""
    return _NO_BREAK.join(iban[at : at + 4] for at in range(0, len(iban), 4))


def steps_done(step: MandateStep | None) -> int:
    """How many of the five dots of a mandate are full; 0 where it ended or was never started."""
    return _PATH.index(step) + 1 if step in _PATH else 0


@pass_context
def _said(context: Context, french: str, **values: Any) -> str:
    language: Language = context["language"]
    return language.say(french, **values)


@pass_context
def _counted(context: Context, one: str, many: str, n: int, **values: Any) -> str:
    language: Language = context["language"]
    return language.count(one, many, n, **values)


@pass_context
def _query(context: Context, **changes: object) -> str:
    """The query of this address with changes: `?page=2`, the filters kept; None takes a parameter out."""
    request: Request = context["request"]
    kept = {name: value for name, value in request.query_params.items() if name != "note"}
    kept |= {name: str(value) for name, value in changes.items()}
    return "?" + urlencode({name: value for name, value in kept.items() if value not in {"", "None"}})


@cache
def environment() -> Environment:
    """The one environment; kept."""
    made = Environment(
        loader=PackageLoader("sobank.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    made.globals |= {"_": _said, "count": _counted, "query": _query, "step_name": step_name, "states": STATES}
    made.filters |= {
        "cents": cents, "number": number, "day": day, "moment": moment, "groups": groups, "masked": masked,
        "steps_done": steps_done,
    }  # fmt: skip
    return made
