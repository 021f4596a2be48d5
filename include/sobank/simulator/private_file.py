"""Files that only their owner reads: keys, passwords, and connections with them."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

_OWNER_ONLY: Final = 0o600


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads, at no moment half of it or open to others."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _OWNER_ONLY)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    aside.replace(path)


def kept_secret(path: Path) -> str:
    """The secret in that file; made by chance where the file is missing, and kept for the next time."""
    if not path.exists():
        write_private(path, secrets.token_urlsafe(24))
    return path.read_text("utf-8")
