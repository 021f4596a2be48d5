"""What follows from a partner's file: what its Airflow connection must hold, and what it cannot promise."""

from __future__ import annotations

from datetime import date
from typing import Final

from sobank.partners import Partner

#: Field of the Airflow connection → what it holds, by kind of sink. docs/partners.md shows this table; a test compares.
CONNECTION: Final[dict[str, dict[str, str]]] = {
    "folder": {},
    "sftp": {
        "host": "name or address of the server",
        "port": "22 where it is empty",
        "login": "user",
        "password": "password, or none where there is a key",
        "extra.private_key": "private key in OpenSSH or PEM form, instead of a password",
        "extra.private_key_passphrase": "its passphrase, if it has one",
        "extra.host_key": "the server's host key, checked out of band: one line or several",
        "extra.host_ca": "or the public key of the authority that signs host keys",
    },
    "https": {
        "host": "name of the server, https only",
        "port": "443 where it is empty",
        "password": "token, sent as Authorization: Bearer",
        "extra.third_party_secret": "X-Third-Party-Secret, for MyUnisoft",
        "extra.ca": "certificate of a private authority in PEM form; none for a public one",
    },
    "s3": {
        "host": "name of the store, where extra.endpoint_url does not say it",
        "port": "443 where it is empty",
        "login": "id of the access key",
        "password": "secret access key",
        "extra.endpoint_url": "whole address of the store: https://host, with a port if it has one",
        "extra.region_name": "region, us-east-1 where it is empty",
        "extra.ca": "certificate of a private authority in PEM form; none for a public one",
    },
}
#: Setting of a connector → what it is, by kind of sink; they are in the registry, and hold no secret.
SETTINGS: Final[dict[str, dict[str, str]]] = {
    "folder": {"folder": "whole path of a folder that is there; else one of ours is made"},
    "sftp": {"folder": "folder on the server, whole or from the folder of the login; the latter where it is empty"},
    "https": {"society_id": "id of the firm's company, for MyUnisoft"},
    "s3": {"bucket": "name of the bucket", "prefix": "what comes before the name of each file"},
}


def example_name(partner: Partner) -> str:
    """Name that a file of it would have."""
    return partner.name_of(cabinet="CAB001", connector=partner.code, business_date=date(2026, 1, 5), seq=1)


def limits_of(partner: Partner) -> list[str]:
    """What cannot be promised with this partner, or is not known of it; one sentence each."""
    found: list[str] = []
    if partner.sink == "https":
        found += _lost_answers(partner)
    elif partner.idempotency_retention_days is not None:
        found.append(f"a key that is remembered is of no use with {partner.sink}: only https sends one")
    if partner.max_bytes is None and partner.max_statements is None:
        found.append("no limit of one file is known: the statements of a day go as one file")
    if partner.sink == "sftp":
        found.append(
            "whether the server syncs, renames without replacing and tells its space: ask `sobank connectors test`"
        )
    return found


def _lost_answers(partner: Partner) -> list[str]:
    if partner.transport.get("dialect") == "myunisoft":
        return [
            "no memory of keys: after a lost answer the same file is sent again, and IMPORT15 says that it was there"
        ]
    if partner.transport.get("probe"):
        return []
    if days := partner.idempotency_retention_days:
        return [f"the partner cannot be asked: a lost answer that is nearly {days} days old is held for a person"]
    return ["no memory of keys and no probe: a lost answer is held for a person"]
