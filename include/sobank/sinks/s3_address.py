"""Addresses of objects: that of a connector, and that in a staging name, which outlives the connector's settings."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

from sobank.domain.sink import Login, Reach
from sobank.errors import ConfigurationError, Unknown
from sobank.sinks.s3_bucket import Place
from sobank.sinks.s3_client import Access
from sobank.sinks.transport import count

#: Parts of an upload, but the last: what is sent unless told, and the least that stores take.
PART_BYTES: Final = 8 << 20
_LEAST_PART: Final = 5 << 20
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._=-]*(/[A-Za-z0-9_-][A-Za-z0-9._=-]*)*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Staged:
    """What a staging name says."""

    at: Place
    upload: str
    parts: str
    since: datetime

    def __str__(self) -> str:
        query = {"upload": self.upload, "region": self.at.region, "parts": self.parts, "since": self.since.isoformat()}
        return f"{url_of(self.at)}?{urlencode(query)}"


def place_of(reach: Reach) -> Place:
    """Where a connector's objects go; the key is the prefix before their names.

    Raises:
        ConfigurationError: no bucket, or an endpoint that is no https address (http where private ones are allowed).
    """
    login = _login_of(reach)
    bucket, prefix = reach.settings.get("bucket"), str(reach.settings.get("prefix") or "").strip("/")
    if not isinstance(bucket, str) or not _BUCKET.fullmatch(bucket):
        raise _wrong(reach, "its settings name no bucket, or not a possible one", "give `bucket` in its settings")
    if prefix and not _PREFIX.fullmatch(prefix):
        raise _wrong(reach, "its prefix has characters that are not allowed", "use letters, digits, - _ . = and /")
    port = f":{login.port}" if login.port else ""
    endpoint = str(login.extra.get("endpoint_url") or "") or login.host + port
    endpoint = (endpoint if "://" in endpoint else f"https://{endpoint}").rstrip("/")
    try:
        url = urlsplit(endpoint)
        whole = bool(url.hostname) and url.port != 0 and url.username is None and not (url.path or url.query)
    except ValueError:
        whole = False
    if not whole or url.scheme not in ({"https", "http"} if reach.private else {"https"}):
        raise _wrong(
            reach, "its endpoint is no https address", "give endpoint_url as https://host[:port] in the connection"
        )
    region = str(login.extra.get("region_name") or "us-east-1")
    return Place(endpoint=endpoint, region=region, bucket=bucket, key=f"{prefix}/" if prefix else "")


def access_of(reach: Reach) -> Access:
    """The keys and time-outs of a connector.

    Raises:
        ConfigurationError: its connection has no keys, or a number of its partner's file is none.
    """
    login = _login_of(reach)
    if not login.user or not login.password:
        raise _wrong(reach, "its connection has no keys", "give the access key as login, the secret key as password")
    ca = login.extra.get("ca")
    if ca is not None and not _certificate(ca):
        raise _wrong(reach, "its ca is no PEM of a certificate", "give the PEM of the authority in the connection")
    return Access(
        key_id=login.user,
        secret=login.password,
        timeout=count(reach, "timeout_seconds", 30),
        at_once=count(reach, "at_once", 16),
        ca=None if ca is None else str(ca),
        private=reach.private,
    )


def _certificate(ca: object) -> bool:
    try:
        return "BEGIN CERTIFICATE" in str(ca) and bool(ssl.create_default_context(cadata=str(ca)))
    except (ssl.SSLError, ValueError):
        return False


def part_bytes_of(reach: Reach) -> int:
    """Size of the parts of an upload.

    Raises:
        ConfigurationError: less than stores take; what was staged in such parts could never be published.
    """
    size = count(reach, "part_bytes", PART_BYTES)
    if size < _LEAST_PART:
        raise _wrong(reach, f"transport.part_bytes is below {_LEAST_PART}", "correct the partner's file")
    return size


def _login_of(reach: Reach) -> Login:
    if reach.login is None:
        raise _wrong(reach, "it names no Airflow connection", "name the connection that holds its keys")
    return reach.login


def _wrong(reach: Reach, what: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(what, subject=reach.destination, remedy=remedy)


def url_of(at: Place) -> str:
    """The address as people write it."""
    return f"{at.endpoint}/{at.bucket}/{quote(at.key)}"


def read_staging(staging: str, final: str) -> Staged:
    """What a staging name says: `str` of a `Staged`, kept in the delivery ledger.

    Raises:
        Unknown: it is none, or another object's.
    """
    try:
        url = urlsplit(staging)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        bucket, _, key = unquote(url.path).removeprefix("/").partition("/")
        at = Place(endpoint=f"{url.scheme}://{url.netloc}", region=query["region"], bucket=bucket, key=key)
        since = datetime.fromisoformat(query["since"])
        staged = Staged(at=at, upload=query["upload"], parts=query["parts"], since=since)
    except (ValueError, KeyError):
        staged = None
    if staged is None or staged.at.key.rpartition("/")[2] != final:
        raise Unknown("its staging name cannot be read", subject=final, remedy="look for its upload in the store")
    return staged
