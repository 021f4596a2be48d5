"""A bucket on loopback for our own files, found as botocore finds any: by the AWS_ variables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from botocore.retries.standard import ExponentialBackoff

from sobank.simulator.partner_s3 import KEY_ID, REGION, S3Partner


@contextmanager
def bucket(folder: Path, monkeypatch: pytest.MonkeyPatch, kind: type[S3Partner] = S3Partner) -> Iterator[S3Partner]:
    """A store that checks keys and bodies, and misbehaves when told to; what is asked again is asked at once."""
    with kind(folder / "store") as store:
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_MAX_ATTEMPTS", "AWS_ENDPOINT_URL_S3"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", str(store.login().password))
        monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
        monkeypatch.setenv("AWS_ENDPOINT_URL", store.endpoint)
        monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda self, context: 0)
        yield store
        store.inbox.empty()


def url_of(store: S3Partner, under: str = "") -> str:
    """Where the bucket is, as our settings say it."""
    return f"s3://{store.inbox.bucket}/{store.inbox.prefix}{under}".rstrip("/")
