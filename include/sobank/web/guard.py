"""Before everything else: nobody unknown comes in, and nothing is changed from another site (DESIGN §5, §8).

It stands outside the router, so that a route, a static file or an error cannot be reached around it.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qsl, urlencode

from fastapi import HTTPException, Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sobank.domain.iban import masked
from sobank.web.answers import answer
from sobank.web.visitor import ForeignOrigin, Identify, NotSignedIn

_DIGIT: Final = re.compile("[0-9]")
#: Characters of the account in an IBAN, digits at most banks; dates and numbers of rows have fewer.
_A_NUMBER: Final = 11
_STRETCH: Final = re.compile(f"(?=([0-9A-Za-z]{{{_A_NUMBER}}}))")
#: As many of them are digits at the least where letters are among them, as at La Banque Postale.
_LEAST_DIGITS: Final = 6
_SPACE: Final = re.compile(r"\s")
#: What our pages put into an address by themselves: codes and names, some of which look like such a number.
OUR_CODES: Final = frozenset({"cabinet", "connector", "offer", "dossier", "partner", "user", "actor"})
_READING: Final = frozenset({"GET", "HEAD"})
#: Ten thousand ids, or twenty SSH keys of the longest kind, are a third of it.
_LARGEST_BODY: Final = 1 << 20
#: Scripts, styles and pictures of ours alone, in a frame of our own site alone.
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Guard:
    """The ASGI app inside, for signed-in visitors; `scope["state"]["visitor"]` says who."""

    def __init__(self, app: ASGIApp, *, identify: Identify) -> None:
        self._app = app
        self._identify = identify

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401 to strangers, 403 to changes from elsewhere, and put our headers on every answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._answer(scope, receive, send_guarded)
        finally:
            # Airflow logs the query of a request when it is over, and people search by IBAN (O3).
            scope["query_string"] = _masked_query(scope["query_string"])

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        try:
            scope.setdefault("state", {})["visitor"] = await self._identify(request)
        except NotSignedIn as error:
            await answer(request, error)(scope, receive, send)
            return
        if request.method in _READING or _is_ours(request):
            await self._app(scope, _bounded(receive), send)
        else:
            await answer(request, ForeignOrigin())(scope, receive, send)


def _masked_query(query: bytes) -> bytes:
    """The query of an address without the account numbers in it: what looks like one keeps the last four."""
    fields = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    shown = [(name, masked(value) if _holds_a_number(name, value) else value) for name, value in fields]
    return query if shown == fields else urlencode(shown).encode("latin-1")


def _holds_a_number(name: str, value: str) -> bool:
    """Whether the value of a field may hold an account number. `static/sobank.js` has the same rule."""
    if len(_DIGIT.findall(value)) >= _A_NUMBER:
        return True
    stretches = () if name in OUR_CODES else _STRETCH.findall(_SPACE.sub("", value))
    return any(len(_DIGIT.findall(stretch)) >= _LEAST_DIGITS for stretch in stretches)


def _is_ours(request: Request) -> bool:
    """Whether the page that asks was served by this server: its Origin is the host that it asks.

    Where we know that we are asked by https, a page that came without it may be anybody's on the way. A proxy that ends
    TLS may not say so: then both are ours.
    """
    host, origins = request.headers.get("host"), request.headers.getlist("origin")
    ours = {f"{scheme}://{host}" for scheme in ("https", request.scope["scheme"])}
    return bool(host) and len(origins) == 1 and origins[0] in ours


def _bounded(receive: Receive) -> Receive:
    """The same request; one that goes on longer than any form of ours is not kept in memory or on disk."""
    left = _LARGEST_BODY

    async def receive_bounded() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise HTTPException(413)
        return message

    return receive_bounded
