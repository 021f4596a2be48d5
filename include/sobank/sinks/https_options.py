"""The login, settings and transport of an HTTPS partner, read with messages that say what to correct."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from sobank.domain.sink import Login, Reach
from sobank.errors import ConfigurationError
from sobank.sinks import transport
from sobank.sinks.rate_limit import Limit

_HOST: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|[0-9A-Fa-f:]{2,39}")
_HEADER: Final = re.compile(r"[\x21-\x7e]{1,8192}")
_PORTS: Final = {"https": 443, "http": 80}


def login_of(reach: Reach) -> Login:
    """The login; an HTTPS partner cannot be reached without one."""
    if reach.login is None:
        raise ConfigurationError(
            "it names no Airflow connection", subject=reach.destination, remedy="name one on the connector"
        )
    return reach.login


def secret(reach: Reach, value: object, name: str) -> str:
    """A secret that goes into a header; its characters are checked, and never shown."""
    if not isinstance(value, str) or not _HEADER.fullmatch(value):
        raise ConfigurationError(
            f"the Airflow connection has no usable {name}",
            subject=reach.destination,
            remedy=f"give {name} in the connection, without spaces or line ends",
        )
    return value


def origin_of(reach: Reach) -> str:
    """`https://host[:port]` from the host of the connection, which may be bare or have its scheme."""
    login = login_of(reach)
    host = login.host.rstrip("/")
    try:
        found = urlsplit(host if "://" in host else f"https://{host}")
        port = found.port
    except ValueError:
        raise _wrong(reach, "its host is no address") from None
    if found.scheme not in _PORTS or (found.scheme == "http" and not reach.private):
        raise _wrong(reach, "its host is not an https address")
    if found.username or found.password or found.path or found.query or found.fragment:
        raise _wrong(reach, "its host holds more than a host and a port")
    if port is not None and login.port is not None and port != login.port:
        raise _wrong(reach, "it names two different ports")
    if not _HOST.fullmatch(found.hostname or ""):
        raise _wrong(reach, "its host is no host name")
    name = f"[{found.hostname}]" if ":" in (found.hostname or "") else found.hostname
    port = port or login.port
    return f"{found.scheme}://{name}" + (f":{port}" if port not in {None, _PORTS[found.scheme]} else "")


def authority(reach: Reach) -> str | None:
    """`extra.ca`: PEM of a private authority."""
    found = login_of(reach).extra.get("ca")
    if found is not None and (not isinstance(found, str) or "BEGIN CERTIFICATE" not in found):
        raise _wrong(reach, "its extra.ca is no PEM of a certificate")
    return found


def path_template(reach: Reach, key: str, fields: frozenset[str]) -> str | None:
    """A path of the transport with `{field}`s; None where it is not given."""
    found = reach.transport.get(key)
    if found is None:
        return None
    used = set(re.findall(r"\{([^{}]*)\}", str(found)))
    plain = re.sub(r"\{[^{}]*\}", "", str(found))
    if not isinstance(found, str) or not re.fullmatch(r"/[A-Za-z0-9/._~?&=%+-]*", plain) or used - fields:
        raise ConfigurationError(
            f"transport.{key} is no path of a URL with {', '.join(sorted(fields))} in braces at most",
            subject=reach.destination,
            remedy="correct it in the partner's file",
        )
    return found


def limit_of(reach: Reach, default: Limit) -> Limit:
    """`requests` in `per_seconds`, `at_once`; what is not given is the default of the dialect."""
    return Limit(
        requests=transport.count(reach, "requests", default.requests),
        per_seconds=transport.seconds(reach, "per_seconds", default.per_seconds),
        at_once=transport.count(reach, "at_once", default.at_once) or default.at_once,
    )


def _wrong(reach: Reach, what: str) -> ConfigurationError:
    return ConfigurationError(
        f"the Airflow connection cannot be used: {what}",
        subject=reach.destination,
        remedy="correct it in Airflow: the host as `host` or `https://host`, the port beside it",
    )
