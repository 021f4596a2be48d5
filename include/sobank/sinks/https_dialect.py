"""What the dialects of HTTPS partners have in common: what a dialect says, and what an answer means in all of them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, Protocol

from sobank.domain.sink import Outgoing, Presence
from sobank.errors import ConfigFault, Doubtful, Rejected, SinkError, Transient, Unknown
from sobank.sinks.https_exchange import Answer
from sobank.sinks.names import ASK_THE_PARTNER
from sobank.sinks.rate_limit import Limit

#: Stands for a file in requests that ask without meaning any.
NO_FILE: Final = Outgoing(
    object_name="sobank-connection-test", idempotency_key="sobank-connection-test", sha256="", size=0, n_statements=0
)
_REFUSED: Final = frozenset({400, 413, 415, 422})
_SET_UP_WRONG: Final = frozenset({401, 403, 404, 405, 407})
_SECONDS: Final = re.compile(r"[0-9]{1,9}")
#: Seconds: nonsense must not keep a process away from a partner for ever.
_LONGEST_REST: Final = 3600.0
#: "The answer to your request is there": after a POST, that says more of success than of failure (RFC 9110 §15.4.4).
_SEE_ELSEWHERE: Final = frozenset({302, 303})


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """A request with our token that changes nothing. `fine`: the answers after which a delivery may be tried.

    proves_token: whether such an answer shows that the token is accepted.
    """

    method: str
    target: str
    fine: frozenset[int]
    proves_token: bool


class Dialect(Protocol):
    """How one kind of partner is spoken to. Targets are path and query, from `/`.

    recipient: whose books the bytes go into, as far as the request tells; no secret.
    limit: the requests he takes. checks: harmless requests; the first is made before any payload is sent.
    capabilities, degraded: for the report of a connection test.
    """

    recipient: str
    limit: Limit
    checks: tuple[Check, ...]
    capabilities: tuple[str, ...]
    degraded: tuple[str, ...]

    def headers(self) -> Mapping[str, str]:
        """Headers of every request beside the token."""
        ...

    def target(self, outgoing: Outgoing) -> str:
        """Where its bytes are posted."""
        ...

    def post_headers(self, outgoing: Outgoing) -> Mapping[str, str]:
        """Headers that go with its bytes."""
        ...

    def probe_target(self, outgoing: Outgoing) -> str | None:
        """Where the partner tells what he has of it, None where he cannot be asked."""
        ...

    def unproved(self, sent_after: datetime | None, *, now: datetime) -> Presence:
        """What to think of bytes that may have been sent.

        Args:
            sent_after: they were sent then or later; None: the partner was asked and does not have them.
        Returns:
            STAGED where sending them again cannot double them, else UNKNOWABLE.
        """
        ...

    def accepted(self, answer: Answer, outgoing: Outgoing, *, again: bool, now: datetime) -> str:
        """What the partner said to a POST that he took, for the receipt.

        Raises:
            SinkError: he did not surely take it.
        """
        ...


def json_object(answer: Answer) -> dict[str, Any] | None:
    """The body as a JSON object; None where it is none."""
    try:
        tree = json.loads(answer.body or b"")
    except (ValueError, RecursionError):
        return None
    return tree if isinstance(tree, dict) else None


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds that `Retry-After` asks for (RFC 9110 §10.2.3), never below 0; None where it says nothing usable.

    A date is taken relative to the partner's own clock, his `Date` header, and only else to ours.
    """
    text = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    until = _http_date(text)
    if until is None:
        return None
    return max((until - (_http_date(headers.get("date", "")) or now)).total_seconds(), 0.0)


def rest_asked(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds until requests are left again, where `X-Rate-Limit-Remaining` says that none are.

    `X-Rate-Limit-Reset` is a number of seconds, or the moment in seconds since 1970.
    """
    if headers.get("x-rate-limit-remaining", "").strip() != "0":
        return None
    try:
        reset = float(headers.get("x-rate-limit-reset", ""))
    except ValueError:
        return None
    if not math.isfinite(reset):
        return None
    there = _http_date(headers.get("date", "")) or now
    return min(max(reset - there.timestamp() if reset > 1e9 else reset, 0.0), _LONGEST_REST)


def by_status(answer: Answer, subject: str, *, now: datetime, again: bool = False, code: str = "") -> SinkError:
    """What a status that is no success means wherever nothing more precise is known.

    Args:
        again: these bytes may have been sent before, so that a refusal does not prove that they are not there.
        code: the partner's own, from an allow-list, for the message.
    """
    shown = f"the partner answered {answer.status}{f' ({code})' if code else ''}"
    wait = retry_after(answer.headers, now)
    if answer.status == 429:
        return Transient(f"{shown}: too many requests", subject=subject, remedy="it is sent again", retry_after=wait)
    if answer.status in _SEE_ELSEWHERE:
        return Unknown(
            f"{shown}, which does not tell whether he has these bytes; redirects are not followed",
            subject=subject,
            remedy="check token and rights of the connection, and the address in the partner's file; it looks first",
        )
    if answer.status in _SET_UP_WRONG or 300 <= answer.status < 400:
        return ConfigFault(
            f"{shown}; redirects are not followed" if answer.status < 400 else shown,
            subject=subject,
            remedy="check token and rights of the connection, and the address in the partner's file",
        )
    if answer.status == 409 or (answer.status in _REFUSED and again):
        return Doubtful(
            f"{shown}, which does not tell whether he has these bytes",
            subject=subject,
            remedy=ASK_THE_PARTNER,
        )
    if answer.status in _REFUSED:
        return Rejected(shown, subject=subject, remedy="ask the partner what is wrong with the file")
    return Unknown(shown, subject=subject, remedy="run again: it looks first", retry_after=wait)


def too_early(answer: Answer, subject: str, *, now: datetime, again: bool) -> SinkError:
    """What an answer means that came before all bytes had left: it cannot be a success."""
    if answer.status >= 400:
        return by_status(answer, subject, now=now, again=again)
    return Unknown(
        f"the partner answered {answer.status} before all of it had left", subject=subject,
        remedy="run again: it looks first; ask the partner if it stays so",
    )  # fmt: skip


def not_understood(subject: str) -> Unknown:
    """An answer of success that says something else than we can read."""
    return Unknown(
        "the partner's answer is not understood", subject=subject, remedy="check the address in the partner's file"
    )


def _http_date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found if found.tzinfo is not None else None
