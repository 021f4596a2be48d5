"""What a simulated partner has in his bucket, looked at past the requests that put it there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sobank.simulator.partner_inbox import PartnerInbox


class BucketInbox(PartnerInbox):
    """The objects of a bucket, read from the store itself; names are keys without the prefix that the partner gave."""

    def __init__(self, folder: Path, *, bucket: str, prefix: str, region: str, greedy: bool = False) -> None:
        super().__init__(folder, greedy=greedy)
        self.bucket, self.prefix = bucket, prefix
        self._store = backend()
        self._store.create_bucket(bucket, region)

    def take(self) -> None:
        """Move every object out of the bucket."""
        with self._lock:
            for name, content in self.final().items():
                self._free(name.replace("/", "_")).write_bytes(content)
                self._store.delete_object(self.bucket, self.prefix + name)

    def final(self) -> dict[str, bytes]:
        """Every object: name and bytes."""
        keys = self._store.buckets[self.bucket].keys
        found = {str(name): keys[name] for name in sorted(keys)}
        return {name.removeprefix(self.prefix): bytes(key.value) for name, key in found.items()}

    def put(self, name: str, content: bytes) -> None:
        """The partner puts an object there himself."""
        self._store.put_object(self.bucket, self.prefix + name, content)

    def open_uploads(self) -> list[str]:
        """Names of the objects for which an upload is open."""
        uploads = self._store.buckets[self.bucket].multiparts.values()
        return sorted(str(upload.key_name).removeprefix(self.prefix) for upload in uploads)

    def empty(self) -> None:
        """Forget everything, open uploads too."""
        super().empty()
        for name in self.final():
            self._store.delete_object(self.bucket, self.prefix + name)
        self._store.buckets[self.bucket].multiparts.clear()


def backend() -> Any:
    """The state of moto, one for the whole process."""
    from moto.backends import get_backend
    from moto.core.models import DEFAULT_ACCOUNT_ID

    return get_backend("s3")[DEFAULT_ACCOUNT_ID]["aws"]
