"""A client of a store of objects, closed off from the machine it runs on.

No credentials, profile, proxy or setting of the environment; no request of its own accord (retries, redirects to other
regions); no wait without end; no address without TLS or inside our own network, unless it is allowed to.
"""

from __future__ import annotations

import atexit
import os
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any, Final

import botocore.session
from botocore.config import Config

from sobank.sinks.per_process import PerProcess
from sobank.sinks.s3_network import bound, must_end_in

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

#: Time-outs that one exchange may take in all: an answer may be slow, a dripping one ends before a lease does.
_LONGEST: Final = 8
_clients: PerProcess[S3Client] = PerProcess(most=32)
_sessions: PerProcess[botocore.session.Session] = PerProcess(most=1)
_ca_files: PerProcess[str] = PerProcess(most=32)


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """Who asks, and how: credentials, seconds until an answer is given up, and the only authority that is trusted.

    ca: PEM, None for the public authorities. private: whether an address on this machine or its network is allowed.
    """

    key_id: str
    secret: str = field(repr=False)
    timeout: float = 30.0
    at_once: int = 16
    ca: str | None = None
    private: bool = False


def client_of(access: Access, endpoint: str, region: str) -> S3Client:
    """A client with its pool of connections, for one exchange of this thread, whose time begins now."""
    must_end_in(_LONGEST * access.timeout)
    return _clients.get((access, endpoint, region), lambda: _client(access, endpoint, region))


def _client(access: Access, endpoint: str, region: str) -> S3Client:
    client: Any = _sessions.get("", _session).create_client(
        "s3",
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id=access.key_id,
        aws_secret_access_key=access.secret,
        verify=True if access.ca is None else _ca_files.get(access.ca, lambda: _ca_file(str(access.ca))),
        config=Config(
            connect_timeout=access.timeout,
            read_timeout=access.timeout,
            max_pool_connections=access.at_once,
            retries={"total_max_attempts": 1},
            proxies={},
            s3={"addressing_style": "path", "payload_signing_enabled": True},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )
    client.meta.events.register("before-call.s3", _stay_in_the_region)
    bound(client, private=access.private)
    made: S3Client = client
    return made


def _session() -> botocore.session.Session:
    """A session that reads neither environment nor files of settings."""
    names = botocore.session.Session.SESSION_VARIABLES
    deaf: dict[str, Any] = {name: (None, None, *rest) for name, (_, _, *rest) in names.items()}
    for name in ("config_file", "credentials_file"):
        deaf[name] = (None, None, os.devnull, None)
    return botocore.session.Session(session_vars=deaf)


def _ca_file(pem: str) -> str:
    """The library takes authorities from a file only; closed to others, and gone with the process that made it."""
    process = os.getpid()
    with NamedTemporaryFile("w", encoding="ascii", prefix="sobank-ca-", suffix=".pem", delete=False) as file:
        file.write(pem)

    def remove() -> None:
        if os.getpid() == process:
            Path(file.name).unlink(missing_ok=True)

    atexit.register(remove)
    return file.name


def _stay_in_the_region(context: dict[str, Any], **_: object) -> None:
    """Told that it was led elsewhere already, the library does not ask again in a region that an answer names."""
    context.setdefault("s3_redirect", {})["redirected"] = True
