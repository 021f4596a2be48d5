"""Write the file .env that docker-compose.yaml reads: every secret by chance, no two alike (`make env`).

Every value is of letters, digits, `-`, `_` and `=` at most, so that it may stand in a URL and needs no quotes.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

#: Under which people open Airflow on this machine; behind a proxy it is the proxy's address.
PUBLIC_URL: Final = "http://localhost:8080"
_OWNER_ONLY: Final = 0o600


def _drawn(n_bytes: int) -> str:
    """Letters of a URL, with no dash at the beginning, which programs take for that of an option."""
    while (made := secrets.token_urlsafe(n_bytes)).startswith("-"):
        pass
    return made


def _password() -> str:
    return _drawn(24)


def _signing_key() -> str:
    return _drawn(64)


def _fernet_key() -> str:
    # Fernet reads 32 bytes with their padding, which what is drawn leaves out.
    return _drawn(32) + "="


#: What is made by chance, and how.
SECRETS: Final[Mapping[str, Callable[[], str]]] = {
    "POSTGRES_PASSWORD": _password,
    "AIRFLOW_DB_PASSWORD": _password,
    "SOBANK_DB_PASSWORD": _password,
    "REDIS_PASSWORD": _password,
    "OBJECTS_ACCESS_KEY": lambda: secrets.token_hex(10),
    "OBJECTS_SECRET_KEY": lambda: secrets.token_hex(20),
    "AIRFLOW_FERNET_KEY": _fernet_key,
    "AIRFLOW_SECRET_KEY": _signing_key,
    "AIRFLOW_JWT_SECRET": _signing_key,
    "SOBANK_ADMIN_PASSWORD": _password,
}
#: Every variable of the file.
VARIABLES: Final = (*SECRETS, "SOBANK_PUBLIC_URL")


def environment(*, public_url: str = PUBLIC_URL) -> dict[str, str]:
    """A value for every variable; the secrets are new at each call."""
    return {name: make() for name, make in SECRETS.items()} | {"SOBANK_PUBLIC_URL": public_url}


def write(path: Path, values: Mapping[str, str]) -> None:
    """Write a file that only its owner reads.

    Raises:
        FileExistsError: there is one; its secrets are in use, and another file would lock everybody out.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _OWNER_ONLY)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("".join(f"{name}={value}\n" for name, value in values.items()))


def main(arguments: list[str] | None = None) -> int:
    """Write the file; 0, or 2 with a message where it is there already."""
    parser = argparse.ArgumentParser(prog="make env", description=__doc__)
    parser.add_argument("--file", type=Path, default=Path(".env"), help="where to write (default: %(default)s)")
    parser.add_argument("--public-url", default=PUBLIC_URL, help="address of Airflow for people (default: %(default)s)")
    asked = parser.parse_args(arguments)
    try:
        write(asked.file, environment(public_url=asked.public_url))
    except FileExistsError:
        sys.stderr.write(f"{asked.file} is there already, and its secrets may be in use: keep it, or move it away\n")
        return 2
    sys.stdout.write(f"{asked.file}: {len(VARIABLES)} variables; keep a copy, elsewhere than the backups\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
