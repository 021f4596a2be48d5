"""The generic dialect of HTTPS partners: a POST with an idempotency key and a digest, and perhaps an address to ask.

An answer counts as arrival in two cases only. It echoes `sha256` or `size` and whatever it echoes is ours; or it is
empty, or a JSON object that echoes neither: such a partner offers no evidence, his status is all there is, and the
receipt says "no echo". Anything else under a status of success, a page of HTML or an object that tells of an error, is
not understood.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, Self
from urllib.parse import quote

from sobank.domain.sink import Outgoing, Presence, Reach
from sobank.errors import ConfigurationError, Doubtful, SinkError, Unknown
from sobank.sinks import https_options as options
from sobank.sinks.https_dialect import NO_FILE, Check, by_status, json_object, not_understood
from sobank.sinks.https_exchange import Answer
from sobank.sinks.names import ASK_THE_PARTNER, other_bytes
from sobank.sinks.rate_limit import Limit

_LIMIT: Final = Limit(requests=None, per_seconds=10.0, at_once=10)
#: Statuses under which a partner may say that he has it.
_TAKEN: Final = frozenset({200, 201, 202, 204})
#: How he says that a key came with other bytes, that a name is used, that the first request is still under way.
_REUSED: Final = frozenset({"idempotency_key_reused", "idempotency_key_reuse", "idempotency_key_mismatch"})
_NAME_TAKEN: Final = frozenset({"name_taken", "already_exists"})
_UNDER_WAY: Final = frozenset({"in_progress", "request_in_progress"})
#: Of the time that a partner remembers a key, the last tenth is not relied on: clocks differ, and a day may be short.
_UNSAFE_PART: Final = 10


class GenericDialect:
    """See `Dialect`.

    Args:
        path, probe: templates of `{key}` and `{name}`. remembers: how long a key is remembered.
    """

    def __init__(self, *, path: str, probe: str | None, remembers: timedelta | None, limit: Limit = _LIMIT) -> None:
        self.recipient = "generic"
        self._path = path
        self._probe = probe
        self._remembers = remembers
        self.limit = limit
        there = frozenset({200, 204, 405, 501})
        checks = [Check(method="options", target=self.target(NO_FILE), fine=there, proves_token=False)]
        if asked := self.probe_target(NO_FILE):
            checks.insert(0, Check(method="get", target=asked, fine=frozenset({200, 404}), proves_token=True))
        self.checks = tuple(checks)
        able: list[str] = []
        unable: list[str] = []
        (able if probe else unable).append("can be asked what arrived" if probe else "cannot be asked what arrived")
        if remembers is not None:
            able.append(f"remembers a key for {remembers.days} days")
        else:
            unable.append("remembers no key: after a lost answer a person may have to decide")
        self.capabilities, self.degraded = tuple(able), tuple(unable)

    @classmethod
    def of(cls, reach: Reach) -> Self:
        """From transport `path`, `probe` and the partner's retention of keys."""
        path = options.path_template(reach, "path", frozenset({"name", "key"}))
        if path is None:
            raise ConfigurationError(
                "transport.path is missing", subject=reach.destination, remedy="give it in the partner's file"
            )
        probe = options.path_template(reach, "probe", frozenset({"name", "key"}))
        if probe is not None and "{" not in probe:
            raise ConfigurationError(
                "transport.probe asks for no file",
                subject=reach.destination,
                remedy="use {key} or {name} in it, in the partner's file",
            )
        days = reach.remembers_days
        return cls(
            path=path,
            probe=probe,
            remembers=timedelta(days=days) if days is not None else None,
            limit=options.limit_of(reach, _LIMIT),
        )

    def headers(self) -> Mapping[str, str]:
        """See Dialect."""
        return {"Accept": "application/json"}

    def target(self, outgoing: Outgoing) -> str:
        """See Dialect."""
        return _filled(self._path, outgoing)

    def post_headers(self, outgoing: Outgoing) -> Mapping[str, str]:
        """The digest is that of RFC 9530; the name is a header too where the path does not hold it."""
        digest = base64.b64encode(bytes.fromhex(outgoing.sha256)).decode()
        named = {} if "{name}" in self._path else {"X-File-Name": outgoing.object_name}
        return {
            "Content-Type": "application/octet-stream",
            "Content-Digest": f"sha-256=:{digest}:",
            "Idempotency-Key": outgoing.idempotency_key,
            **named,
        }

    def probe_target(self, outgoing: Outgoing) -> str | None:
        """See Dialect."""
        return _filled(self._probe, outgoing) if self._probe else None

    def unproved(self, sent_after: datetime | None, *, now: datetime) -> Presence:
        """A partner who remembers keys takes the same one twice as one; without that nothing may be sent again.

        That he does not have it *now* is no proof where he remembers nothing: a request may still be under way, or a
        worker that was stopped may send it yet.
        """
        if self._remembers is None:
            return Presence.UNKNOWABLE
        if sent_after is None or now < sent_after + self._remembers - self._remembers / _UNSAFE_PART:
            return Presence.STAGED
        return Presence.UNKNOWABLE

    def accepted(self, answer: Answer, outgoing: Outgoing, *, again: bool, now: datetime) -> str:
        """See Dialect and the module."""
        tree = json_object(answer)
        if answer.status not in _TAKEN:
            raise self._refusal(answer, _code(tree or {}), outgoing.object_name, again=again, now=now)
        if (answer.body != b"" and tree is None) or (tree and _denies(tree)):
            raise not_understood(outgoing.object_name)
        echo = {key: _small(value) for key in ("sha256", "size") if (value := (tree or {}).get(key)) is not None}
        if not echo:
            return f"{answer.status}, no echo"
        wanted = {"sha256": outgoing.sha256, "size": outgoing.size}
        if any(value != wanted[key] for key, value in echo.items()):
            raise Unknown(
                "the partner says that he has other bytes",
                subject=outgoing.object_name,
                remedy="run again: it looks first; ask the partner if it stays so",
            )
        return f"{answer.status}, echoed"

    def _refusal(self, answer: Answer, code: str, subject: str, *, again: bool, now: datetime) -> SinkError:
        if answer.status == 409 and code in _NAME_TAKEN:
            return other_bytes(subject)
        if answer.status in {409, 422} and code in _REUSED:
            return Doubtful(
                "the partner has other bytes under the same idempotency key",
                subject=subject,
                remedy=ASK_THE_PARTNER,
            )
        if answer.status == 409 and code in _UNDER_WAY:
            return Unknown(
                "the partner is still busy with an earlier request for it", subject=subject, remedy="run again"
            )
        return by_status(answer, subject, now=now, again=again)


def _filled(template: str, outgoing: Outgoing) -> str:
    return template.replace("{name}", quote(outgoing.object_name, safe="")).replace(
        "{key}", quote(outgoing.idempotency_key, safe="")
    )


def _denies(tree: Mapping[str, object]) -> bool:
    """Whether an object under a status of success says that it was none."""
    return any(tree.get(key) for key in ("error", "errors")) or any(tree.get(key) is False for key in ("success", "ok"))


def _small(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _code(tree: Mapping[str, object]) -> str:
    """The partner's code of an error, to be compared and never shown: `error`, `error.code` or `code`."""
    error = tree.get("error")
    found = error.get("code") if isinstance(error, dict) else error or tree.get("code")
    return found if isinstance(found, str) else ""
