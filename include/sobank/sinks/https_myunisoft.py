"""MyUnisoft's dialect, after the public guide of its API for partners.

`POST /api/v1/releve_bancaire?filename=NAME.dat`, the CFONB bytes as the body, a bearer token, the third-party secret
and the id of the society. There is no idempotency key: a statement that it imported before is recognised by content
(`IMPORT15`), so the same bytes may be sent again at any time. Whether a token is good is asked at `/api/v1/key/info`,
which names what a token may do and changes nothing; it says nothing of the society.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final, Self

from sobank.domain.sink import Outgoing, Presence, Reach
from sobank.errors import ConfigFault, ConfigurationError, Doubtful, Rejected, Unknown
from sobank.sinks import https_options as options
from sobank.sinks.https_dialect import Check, by_status, json_object, not_understood, retry_after
from sobank.sinks.https_exchange import Answer
from sobank.sinks.names import ASK_THE_PARTNER
from sobank.sinks.rate_limit import Limit

_LIMIT: Final = Limit(requests=20, per_seconds=10.0, at_once=10)
_PATH: Final = "/api/v1/releve_bancaire?filename={name}"
_TOKEN_PATH: Final = "/api/v1/key/info"  # noqa: S105  a path, not a token
_CODE: Final = re.compile(r"[A-Z]{2,12}[0-9]{1,4}")
_ALREADY: Final = "IMPORT15"
_ELSEWHERE: Final = "RIB16"
_NO_SOCIETY: Final = "GBL10"


class MyUnisoftDialect:
    """See `Dialect`. `secret`: the third-party secret. `society`: id of the society that the token is for."""

    capabilities = ("recognises statements that it imported before",)
    degraded = ("cannot be asked what arrived", "whether the society is right shows with the first file")

    def __init__(self, *, secret: str, society: str, path: str = _PATH, limit: Limit = _LIMIT) -> None:
        self.recipient = f"myunisoft society {society}"
        self._secret = secret
        self._society = society
        self._path = path
        self.limit = limit
        self.checks = (Check(method="get", target=_TOKEN_PATH, fine=frozenset({200}), proves_token=True),)

    @classmethod
    def of(cls, reach: Reach) -> Self:
        """From extra.third_party_secret and settings.society_id."""
        society = str(reach.settings.get("society_id") or "")
        if not re.fullmatch(r"[0-9]{1,18}", society):
            raise ConfigurationError(
                "its settings give no society_id, which is a number",
                subject=reach.destination,
                remedy="give the id of the society in MyUnisoft in the settings of the connector",
            )
        path = options.path_template(reach, "path", frozenset({"name"}))
        if reach.transport.get("probe") is not None:
            raise ConfigurationError(
                "transport.probe is given, but MyUnisoft cannot be asked",
                subject=reach.destination,
                remedy="remove it from the partner's file",
            )
        return cls(
            secret=options.secret(
                reach, options.login_of(reach).extra.get("third_party_secret"), "extra.third_party_secret"
            ),
            society=society,
            path=path or _PATH,
            limit=options.limit_of(reach, _LIMIT),
        )

    def headers(self) -> Mapping[str, str]:
        """See Dialect."""
        return {"X-Third-Party-Secret": self._secret, "society-id": self._society, "Accept": "application/json"}

    def target(self, outgoing: Outgoing) -> str:
        """See Dialect."""
        return self._path.replace("{name}", outgoing.object_name)

    def post_headers(self, outgoing: Outgoing) -> Mapping[str, str]:  # noqa: ARG002
        """See Dialect."""
        return {"Content-Type": "application/octet-stream"}

    def probe_target(self, outgoing: Outgoing) -> str | None:  # noqa: ARG002
        """It cannot be asked."""
        return None

    def unproved(self, sent_after: datetime | None, *, now: datetime) -> Presence:  # noqa: ARG002
        """Content is recognised for ever: sending it again doubles nothing."""
        return Presence.STAGED

    def accepted(self, answer: Answer, outgoing: Outgoing, *, again: bool, now: datetime) -> str:
        """See Dialect. `IMPORT15` is an arrival if these bytes were sent before, else nobody knows what it means."""
        tree, subject = json_object(answer), outgoing.object_name
        code = _code(tree or {})
        if code == _ALREADY and again:
            return f"{answer.status} {_ALREADY}: imported by an earlier attempt"
        if code == _ALREADY:
            raise Doubtful(
                f"the partner answered {answer.status} ({_ALREADY}): it found no statement, or had imported it before",
                subject=subject,
                remedy=ASK_THE_PARTNER,
            )
        if answer.status == 200 and tree is not None and "error" not in tree:
            rows = tree.get("rows_number")
            return f"200, {rows} rows" if isinstance(rows, int) else "200"
        if answer.status == 200:
            raise not_understood(subject)
        if answer.status == 403 and code == _ELSEWHERE and not again:
            raise Rejected(
                f"the partner answered 403 ({_ELSEWHERE}): the account is collected elsewhere",
                subject=subject,
                remedy="end the other collection in MyUnisoft, or choose another connector for the account",
            )
        if answer.status == 403 and code == _ELSEWHERE:
            raise Doubtful(
                f"the partner answered 403 ({_ELSEWHERE}) to bytes that may have been sent before",
                subject=subject,
                remedy=ASK_THE_PARTNER,
            )
        if code == _NO_SOCIETY:
            raise ConfigFault(
                f"the partner answered {answer.status} ({_NO_SOCIETY}): the society is not known",
                subject=subject,
                remedy="correct society_id in the settings of the connector",
            )
        if answer.status == 503:
            raise Unknown(
                "the partner is under maintenance (503)",
                subject=subject,
                remedy="it is tried again",
                retry_after=retry_after(answer.headers, now),
            )
        raise by_status(answer, subject, now=now, again=again, code=code)


def _code(tree: Mapping[str, object]) -> str:
    """`error.code`, if it looks like one of theirs: nothing else of an answer may be shown."""
    error = tree.get("error")
    found = error.get("code") if isinstance(error, dict) else None
    return found if isinstance(found, str) and _CODE.fullmatch(found) else ""
