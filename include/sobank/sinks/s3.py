"""Bytes into a store of objects (S3), by an upload in parts that is completed under a name nobody has (DESIGN §6).

Stage = an upload of this attempt, its parts listed and compared: nothing is under the key before it is completed.
Publish = complete it with `If-None-Match: *`, which a store refuses where there is an object; then read it back.

A staging name is a whole address with the upload's id, a fingerprint of its parts, and when it was staged: what was
staged is looked for, and completed, where it was staged. Uploads that died workers left are thrown away only after a
publish: before it, a worker that was stopped for a while could throw away the one upload that the ledger records.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import BinaryIO, Final, Self

from sobank.domain.sink import ConnectionReport, Outgoing, Presence, Reach, Receipt
from sobank.errors import SinkError, Transient, Unknown
from sobank.sinks.names import IN_PLACE, TAKEN, allowed, not_published, not_sealed, other_bytes, staged_gone
from sobank.sinks.s3_address import PART_BYTES, Staged, access_of, part_bytes_of, place_of, read_staging, url_of
from sobank.sinks.s3_bucket import Bucket, Part, Place, because, code_of

#: One answer lists no more.
_MOST_PARTS: Final = 1000
#: A rule of the bucket may throw open uploads away, after one day at the soonest: then "gone" no longer tells why.
_SURE_FOR: Final = timedelta(hours=20)


class S3Sink:
    """Puts objects beside one another under `at.key`, a prefix that is empty or ends with `/`.

    Args:
        part_bytes: size of the parts, but the last; stores want 5 MiB at least.
    """

    kind: Final = "s3"
    holds_staged: Final = True

    def __init__(self, at: Place, *, remote: Bucket, part_bytes: int = PART_BYTES) -> None:
        self._at = at
        self._bucket = remote
        self._part_bytes = part_bytes

    @classmethod
    def of(cls, reach: Reach) -> Self:
        """See Sink."""
        return cls(place_of(reach), remote=Bucket(access_of(reach)), part_bytes=part_bytes_of(reach))

    def probe(self, outgoing: Outgoing, *, staging: str | None, now: datetime) -> Presence:
        """The upload is looked at before the object: what is completed in between is then still found (see Sink).

        Both gone means that the partner took it, as long as no rule of the bucket can have thrown the upload away.
        """
        final = allowed(outgoing.object_name)
        try:
            staged = read_staging(staging, final) if staging else None
        except Unknown:  # of a sink of another kind, which this connector was before
            return Presence.UNKNOWABLE
        at = self._under(final, staged)
        with _errors(final, otherwise=Unknown):
            parts = self._bucket.parts(at, staged.upload) if staged else None
            found = self._bucket.read(at, most=outgoing.size)
        if found is not None:
            return Presence.PUBLISHED if found == (outgoing.sha256, outgoing.size) else Presence.OTHER_BYTES
        if staged is None:
            return Presence.ABSENT
        if parts is None:
            return Presence.ABSENT if now - staged.since < _SURE_FOR else Presence.UNKNOWABLE
        return Presence.STAGED if _fingerprint(parts) == staged.parts else Presence.OTHER_BYTES

    def stage(self, outgoing: Outgoing, payload: BinaryIO, *, attempt: int, now: datetime) -> str:  # noqa: ARG002
        """See Sink; whatever fails here was not received: an upload that is not recorded is never completed.

        That we may look at the key is asked first: where we may not, an arrival could never be proved.
        """
        final = allowed(outgoing.object_name)
        at = self._under(final, None)
        with _errors(final, otherwise=Transient):
            self._bucket.read(at, most=0)
            upload = self._bucket.create(at, sha256=outgoing.sha256)
            try:
                sent = self._send(at, upload, outgoing, payload)
                kept = self._kept(at, upload, sent)
            except Exception:
                with suppress(Exception):
                    self._bucket.abort(at, upload)
                raise
        return str(Staged(at=at, upload=upload, parts=_fingerprint(kept), since=now))

    def publish(self, outgoing: Outgoing, *, staging: str, again: bool, now: datetime) -> Receipt:
        """See Sink. A store that takes the same upload twice changes nothing by it, and is not asked to."""
        final = allowed(outgoing.object_name)
        staged = read_staging(staging, final)
        at = staged.at
        before: type[SinkError] = Unknown if again else Transient
        with _errors(final, otherwise=before):
            parts = self._bucket.parts(at, staged.upload)
        if parts is None:
            raise staged_gone(final, never_published=not again and self._read_back(at, outgoing, final) is None)
        if _fingerprint(parts) != staged.parts:
            raise Unknown("the upload is not what was staged", subject=final, remedy="run again: it looks first")
        answer = ""
        try:
            self._bucket.complete(at, staged.upload, parts)
        except Exception as error:  # noqa: BLE001  not chained: its text may hold anything
            if code_of(error) != "PreconditionFailed":
                raise because(error, final, otherwise=Unknown, unsent=before) from None
            answer = IN_PLACE
        found = self._read_back(at, outgoing, final)
        if found not in {None, (outgoing.sha256, outgoing.size)}:
            raise other_bytes(final) if answer else not_published(final)
        if found is None and (answer or self._is_open(staged, final)):
            what = "an object of that name was there and went away" if answer else "the store said that it completed it"
            raise Unknown(f"{what}; it is not there", subject=final, remedy="run again: it looks first")
        self._sweep(at)
        return _evidence(at, outgoing, now, answer if found else TAKEN)

    def receipt(self, outgoing: Outgoing, *, staging: str | None, now: datetime) -> Receipt:
        """See Sink."""
        final = allowed(outgoing.object_name)
        at = self._under(final, read_staging(staging, final) if staging else None)
        self._sweep(at)
        return _evidence(at, outgoing, now, IN_PLACE)

    def discard(self, outgoing: Outgoing, *, staging: str) -> None:
        """See Sink."""
        final = allowed(outgoing.object_name)
        staged = read_staging(staging, final)
        with _errors(final, otherwise=Unknown):
            self._bucket.abort(staged.at, staged.upload)

    def test(self) -> ConnectionReport:
        """See Sink. What only writing could tell is named as not known."""
        at = replace(self._at, key=self._at.key + "sobank-test-absent")
        with _errors(self._at.bucket, otherwise=Unknown):
            self._bucket.look(at)
            self._bucket.read(at, most=0)
            self._bucket.uploads(at)
        return ConnectionReport(
            reachable=True,
            capabilities=(f"bucket in region {at.region}", "reads objects", "lists uploads"),
            degraded=("whether it may write, and honours If-None-Match, only the first delivery can show",),
        )

    def _under(self, final: str, staged: Staged | None) -> Place:
        return staged.at if staged else replace(self._at, key=self._at.key + final)

    def _send(self, at: Place, upload: str, outgoing: Outgoing, payload: BinaryIO) -> tuple[Part, ...]:
        """Send the parts; the last is sent only once all that was read is what was sealed."""
        piece_size = max(self._part_bytes, -(-outgoing.size // _MOST_PARTS))
        digest, size, number = hashlib.sha256(), 0, 0
        sent: list[Part] = []
        piece = payload.read(piece_size)
        while True:
            following = payload.read(piece_size) if piece else b""
            digest.update(piece)
            size, number = size + len(piece), number + 1
            if not following and (digest.hexdigest(), size) != (outgoing.sha256, outgoing.size):
                raise not_sealed(outgoing.object_name)
            sent.append(self._bucket.put_part(at, upload, number, piece))
            if not following:
                return tuple(sent)
            piece = following

    def _kept(self, at: Place, upload: str, sent: tuple[Part, ...]) -> tuple[Part, ...]:
        kept = self._bucket.parts(at, upload)
        if kept is None or _shape(kept) != _shape(sent):
            raise Transient(
                "the store does not have the parts that were sent", subject=at.key, remedy="run again: it starts afresh"
            )
        return kept

    def _read_back(self, at: Place, outgoing: Outgoing, final: str) -> tuple[str, int] | None:
        """After completing nothing proves any more that it did not arrive."""
        try:
            return self._bucket.read(at, most=outgoing.size)
        except Exception as error:  # noqa: BLE001  as above
            raise Unknown(
                f"completed, but it could not be read back ({type(error).__name__})",
                subject=final,
                remedy="run again: it looks first",
            ) from None

    def _is_open(self, staged: Staged, final: str) -> bool:
        with _errors(final, otherwise=Unknown):
            return self._bucket.parts(staged.at, staged.upload) is not None

    def _sweep(self, at: Place) -> None:
        """The batch is at the partner's: whatever else is open for its key, nobody may publish any more."""
        with suppress(Exception):
            for upload in self._bucket.uploads(at):
                self._bucket.abort(at, upload)


@contextmanager
def _errors(subject: str, *, otherwise: type[SinkError]) -> Iterator[None]:
    try:
        yield
    except SinkError:
        raise
    except Exception as error:  # noqa: BLE001  as above
        raise because(error, subject, otherwise=otherwise, unsent=otherwise) from None


def _shape(parts: tuple[Part, ...]) -> list[tuple[int, str, int]]:
    return [(part.number, part.etag.strip('"'), part.size) for part in parts]


def _fingerprint(parts: tuple[Part, ...]) -> str:
    return hashlib.sha256(repr(_shape(parts)).encode()).hexdigest()[:16]


def _evidence(at: Place, outgoing: Outgoing, now: datetime, answer: str) -> Receipt:
    return Receipt(remote_name=url_of(at), sha256=outgoing.sha256, size=outgoing.size, at=now, answer=answer)
