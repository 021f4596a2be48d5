"""Bytes to a partner's HTTPS API (DESIGN §6): one POST, that may be repeated only where it cannot double anything.

Nothing is staged at the partner's. The staging name holds the whole address and the moment after which the bytes may
have been sent; recorded in the ledger before the POST, it says "from now on he may have them". Before anything is
recorded the partner is asked something harmless with our token: a wrong token or certificate shows before the payload
leaves. What an answer means is the business of the dialect, one module each, registered in `DIALECTS`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from typing import BinaryIO, Final, Self
from urllib.parse import urlsplit

import httpx

from sobank.domain.sink import ConnectionReport, Outgoing, Presence, Reach, Receipt
from sobank.errors import ConfigFault, ConfigurationError, Doubtful, Rejected, SinkError, Transient, Unknown
from sobank.sinks import https_options as options
from sobank.sinks import transport
from sobank.sinks.https_dialect import Check, Dialect, by_status, json_object, not_understood, rest_asked, too_early
from sobank.sinks.https_exchange import Answer, Exchange, failed
from sobank.sinks.names import ASK_THE_PARTNER, IN_PLACE, allowed, not_sealed
from sobank.sinks.per_process import PerProcess
from sobank.sinks.rate_limit import RateLimit

DIALECTS: Final = {
    "generic": "sobank.sinks.https_generic:GenericDialect",
    "myunisoft": "sobank.sinks.https_myunisoft:MyUnisoftDialect",
}
_PIECE: Final = 64 << 10
_SENT_AFTER: Final = "#sent-after="
_FOR: Final = "#for="
_limits: PerProcess[RateLimit] = PerProcess(most=1024)


class HttpsSink:
    """Posts files to `origin` (`https://host[:port]`).

    Args:
        token: of the `Authorization` header. payload: opens sealed bytes by SHA-256. limit: shared by all who use the
            token. remote: the round trips.
    """

    kind: Final = "https"
    holds_staged: Final = False

    def __init__(
        self,
        origin: str,
        *,
        dialect: Dialect,
        token: str,
        payload: Callable[[str], BinaryIO],
        limit: RateLimit,
        remote: Exchange,
    ) -> None:
        self._origin = origin
        self._dialect = dialect
        self._headers = {"User-Agent": "sobank", "Authorization": f"Bearer {token}", **dialect.headers()}
        self._payload = payload
        self._limit = limit
        self._exchange = remote

    @classmethod
    def of(cls, reach: Reach, *, remote: Exchange | None = None) -> Self:
        """See Sink."""
        origin, name = options.origin_of(reach), str(reach.transport.get("dialect") or "generic")
        if name not in DIALECTS:
            raise ConfigurationError(
                f"transport.dialect is not one of {', '.join(DIALECTS)}",
                subject=reach.destination,
                remedy="correct it in the partner's file",
            )
        module, found = DIALECTS[name].split(":")
        dialect: Dialect = getattr(import_module(module), found).of(reach)
        token = options.secret(reach, options.login_of(reach).password, "password (the token)")
        whose = (origin, hashlib.sha256(token.encode()).digest(), dialect.limit)
        made = Exchange(
            urlsplit(origin).netloc,
            timeout=transport.seconds(reach, "timeout_seconds", 30.0),
            ca=options.authority(reach),
            private=reach.private,
        )
        return cls(
            origin,
            dialect=dialect,
            token=token,
            payload=reach.payload,
            limit=_limits.get(whose, lambda: RateLimit(dialect.limit)),
            remote=remote or made,
        )

    def probe(self, outgoing: Outgoing, *, staging: str | None, now: datetime) -> Presence:
        """Ask the partner, where he can be asked; where not, his memory of the key or the content decides (see Sink).

        UNKNOWABLE also if the connector has another host or recipient by now: our token is for this one only.
        """
        subject = allowed(outgoing.object_name)
        try:
            sent = _Sent.read(staging, subject) if staging is not None else None
        except ConfigFault:  # of a sink of another kind, which this connector was before
            return Presence.UNKNOWABLE
        if sent is not None and not self._meant(sent):
            return Presence.UNKNOWABLE
        asked = self._dialect.probe_target(outgoing)
        if asked is not None:
            return self._asked((sent.origin if sent else self._origin) + asked, outgoing, sent, now)
        if sent is None:
            return Presence.ABSENT
        found = self._dialect.unproved(sent.after, now=now)
        if found is Presence.STAGED:
            self._require(self._dialect.checks[0], sent.origin, subject, now)
        return found

    def stage(self, outgoing: Outgoing, payload: BinaryIO, *, attempt: int, now: datetime) -> str:  # noqa: ARG002
        """The payload is read through and compared, the partner is asked whether he lets us in; nothing is sent.

        Raises:
            Transient: he cannot be reached. ConfigFault: he does not let us in; or name or payload is wrong.
        """
        name = allowed(outgoing.object_name)
        found, size = hashlib.sha256(), 0
        while piece := payload.read(_PIECE):
            found.update(piece)
            size += len(piece)
        if (found.hexdigest(), size) != (outgoing.sha256, outgoing.size):
            raise not_sealed(name)
        try:
            self._require(self._dialect.checks[0], self._origin, name, now)
        except Unknown as error:
            raise Transient(
                f"{error.what}; nothing was sent",
                subject=name,
                remedy="it is sent again",
                retry_after=error.retry_after,
            ) from None
        whose = f"{self._origin}{self._dialect.target(outgoing)}{_FOR}{self._dialect.recipient}"
        return f"{whose}{_SENT_AFTER}{now.astimezone(UTC).isoformat()}"

    def publish(self, outgoing: Outgoing, *, staging: str, again: bool, now: datetime) -> Receipt:
        """One POST to the address in `staging` (see Sink)."""
        name = allowed(outgoing.object_name)
        sent = _Sent.read(staging, name)
        if not self._meant(sent):
            raise Doubtful(
                "it may have been sent to another host or recipient than the connector names now",
                subject=name,
                remedy=ASK_THE_PARTNER,
            )
        headers = {**self._headers, **self._dialect.post_headers(outgoing)}
        with self._payload(outgoing.sha256) as payload:
            answer = self._answer(
                lambda: self._exchange.post(sent.url, headers, _pieces(payload, outgoing), size=outgoing.size),
                name,
                now,
            )
        if not answer.whole:
            raise too_early(answer, name, now=now, again=again)
        said = self._dialect.accepted(answer, outgoing, again=again, now=now)
        return _evidence(sent.url, outgoing, now, said)

    def receipt(self, outgoing: Outgoing, *, staging: str | None, now: datetime) -> Receipt:
        """See Sink."""
        name = allowed(outgoing.object_name)
        url = _Sent.read(staging, name).url if staging else self._origin + self._dialect.target(outgoing)
        return _evidence(url, outgoing, now, IN_PLACE)

    def discard(self, outgoing: Outgoing, *, staging: str) -> None:  # noqa: ARG002
        """Nothing lies at the partner's."""
        allowed(outgoing.object_name)

    def test(self) -> ConnectionReport:
        """See Sink. Every harmless request of the dialect is made once."""
        able: list[str] = []
        now, unable, tls = datetime.now(UTC), list(self._dialect.degraded), ""
        for check in self._dialect.checks:
            tls = self._require(check, self._origin, urlsplit(self._origin).netloc, now).tls
        (able if tls else unable).append(tls or "no TLS: whoever is in between can read everything")
        if any(check.proves_token for check in self._dialect.checks):
            able.append("token accepted")
        else:
            unable.append("whether the token is accepted shows with the first file")
        limit = self._dialect.limit
        rate = f"{limit.requests} requests in {limit.per_seconds:g} s, " if limit.requests else ""
        able.append(f"{rate}{limit.at_once} at once")
        return ConnectionReport(
            reachable=True, capabilities=(*able, *self._dialect.capabilities), degraded=tuple(unable)
        )

    def _asked(self, url: str, outgoing: Outgoing, sent: _Sent | None, now: datetime) -> Presence:
        subject = outgoing.object_name
        answer = self._answer(lambda: self._exchange.get(url, self._headers), subject, now)
        if answer.status == 404:
            return self._dialect.unproved(None, now=now) if sent else Presence.ABSENT
        if answer.status != 200:
            raise _not_of_bytes(answer, by_status(answer, subject, now=now))
        tree = json_object(answer) or {}
        if not isinstance(tree.get("sha256"), str):
            raise not_understood(subject)
        same = tree["sha256"].lower() == outgoing.sha256 and tree.get("size", outgoing.size) == outgoing.size
        return Presence.PUBLISHED if same else Presence.OTHER_BYTES

    def _meant(self, sent: _Sent) -> bool:
        """Whether what may have been sent was meant for the host and recipient of today."""
        return sent.is_at(self._origin) and sent.recipient in {"", self._dialect.recipient}

    def _require(self, check: Check, origin: str, subject: str, now: datetime) -> Answer:
        """Make a harmless request; whoever is not let in learns it here."""
        ask = {"get": self._exchange.get, "options": self._exchange.options}[check.method]
        answer = self._answer(lambda: ask(origin + check.target, self._headers), subject, now)
        if answer.status not in check.fine:
            raise _not_of_bytes(answer, by_status(answer, subject, now=now))
        return answer

    def _answer(self, exchange: Callable[[], Answer], subject: str, now: datetime) -> Answer:
        with self._limit.turn(subject):
            try:
                answer = exchange()
            except (httpx.HTTPError, OSError) as error:
                raise failed(error, subject) from None
        if (rest := rest_asked(answer.headers, now)) is not None:
            self._limit.pause(rest)
        return answer


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sent:
    """What a staging name says: where to, for whom ("" if it does not say), and since when it may have been sent."""

    url: str
    origin: str
    host: str
    after: datetime
    recipient: str

    @classmethod
    def read(cls, staging: str, subject: str) -> Self:
        place, _, moment = staging.partition(_SENT_AFTER)
        url, _, recipient = place.partition(_FOR)
        try:
            found, after = urlsplit(url), datetime.fromisoformat(moment)
        except ValueError:
            raise _unreadable(subject) from None
        if found.scheme not in {"https", "http"} or not found.hostname or after.tzinfo is None:
            raise _unreadable(subject)
        return cls(
            url=url, origin=f"{found.scheme}://{found.netloc}", host=found.hostname, after=after, recipient=recipient
        )

    def is_at(self, origin: str) -> bool:
        """Whether a token for `origin` may be shown there: the same host, as well protected."""
        here = urlsplit(origin)
        return self.host == here.hostname and (self.origin.startswith("https:") or here.scheme == "http")


def _unreadable(subject: str) -> ConfigFault:
    return ConfigFault(
        "what the ledger says of where it was sent cannot be read",
        subject=subject,
        remedy=f"the connector is of another kind now; {ASK_THE_PARTNER}",
    )


def _pieces(payload: BinaryIO, outgoing: Outgoing) -> Iterator[bytes]:
    """The sealed bytes; the last piece leaves only when all of them are what they should be.

    Without it the body is shorter than announced, which no server takes for whole.
    """
    found, size, kept = hashlib.sha256(), 0, b""
    while size <= outgoing.size and (piece := payload.read(_PIECE)):
        found.update(piece)
        size += len(piece)
        if kept and size <= outgoing.size:
            yield kept
        kept = piece
    if (found.hexdigest(), size) != (outgoing.sha256, outgoing.size):
        raise Unknown(
            "the sealed bytes changed while they were sent", subject=outgoing.object_name, remedy="check the spool"
        )
    yield kept


def _not_of_bytes(answer: Answer, error: SinkError) -> SinkError:
    """A request that brought no bytes cannot have them refused, or taken: what looks so is a fault of the set-up."""
    wrong = isinstance(error, Rejected) or 300 <= answer.status < 400
    return ConfigFault(error.what, subject=error.subject, remedy=error.remedy) if wrong else error


def _evidence(url: str, outgoing: Outgoing, now: datetime, answer: str) -> Receipt:
    named = url if outgoing.object_name in url else f"{url} ({outgoing.object_name})"
    return Receipt(remote_name=named, sha256=outgoing.sha256, size=outgoing.size, at=now, answer=answer)
