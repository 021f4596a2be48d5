"""Where files lie by URL: a folder (`file:///…`) or a prefix of a bucket (`s3://bucket/prefix`)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from sobank.errors import ConfigurationError

if TYPE_CHECKING:
    from sobank.store.bucket import Bucket

_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX: Final = re.compile(r"[A-Za-z0-9_=-][A-Za-z0-9._=-]*(/[A-Za-z0-9_=-][A-Za-z0-9._=-]*)*")


def place_of(url: str) -> Path | Bucket:
    """The folder or the bucket that a URL names; nothing is asked of it yet.

    Raises:
        ConfigurationError: another scheme, an address that is not one of a folder or of a bucket, or no botocore.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    path = parts.path.removeprefix("/").removesuffix("/")
    if parts.scheme == "file" and not parts.netloc and not parts.query and not parts.fragment and path:
        return Path(unquote(parts.path))
    whole = url == f"s3://{parts.netloc}{parts.path}"
    if whole and _BUCKET.fullmatch(parts.netloc) and (not path or _PREFIX.fullmatch(path)):
        return _bucket(parts.netloc, path)
    # Not the address itself: somebody may have written a password into it.
    raise ConfigurationError(
        f"cannot keep files at this {parts.scheme or 'missing'}:// address",
        subject="storage",
        remedy="give file:///folder or s3://bucket/prefix; keys of a store go into AWS_ACCESS_KEY_ID and "
        "AWS_SECRET_ACCESS_KEY, its address into AWS_ENDPOINT_URL",
    )


def _bucket(name: str, prefix: str) -> Bucket:
    try:
        from sobank.store.bucket import Bucket  # brings botocore, which only those who keep files in a bucket have
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"the library {error.name} is not installed",
            subject=f"s3://{name}",
            remedy="install the extra `s3`: pip install -r requirements-s3.txt",
        ) from None
    return Bucket(name, prefix)
