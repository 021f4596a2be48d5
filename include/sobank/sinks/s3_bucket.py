"""The few exchanges with a store of objects that `sinks/s3.py` is made of, each one request; and what an error means.

Nothing here decides anything: a request raises what the library raises, and `because` says what that stands for.
"""

from __future__ import annotations

import base64
import hashlib
import ssl
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError

from sobank.errors import ConfigFault, SinkError
from sobank.sinks.s3_client import Access, client_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

_PIECE: Final = 1 << 20
#: A number of seconds that is longer says nothing usable.
_DIGITS: Final = 10
#: Refused for what we are or where we knock: the same for every file, and nothing was done.
_SET_UP_WRONG: Final = frozenset(
    {
        "AccessDenied", "AccountProblem", "AllAccessDisabled", "AuthorizationHeaderMalformed", "EntityTooSmall",
        "ExpiredToken", "InvalidAccessKeyId", "InvalidBucketName", "InvalidSecurity", "InvalidToken",
        "MethodNotAllowed", "NoSuchBucket", "NotImplemented", "NotSignedUp", "PermanentRedirect",
        "RequestTimeTooSkewed", "SignatureDoesNotMatch", "TemporaryRedirect",
    }
)  # fmt: skip
_SET_UP_WRONG_STATUS: Final = frozenset({301, 307, 308, 401, 403, 405, 501})
#: Codes that may be shown. Whatever else a store answers is its own text, of which we know nothing.
_SHOWN: Final = _SET_UP_WRONG | {
    "BadDigest", "ConditionalRequestConflict", "InternalError", "InvalidPart", "NoSuchKey", "NoSuchUpload",
    "OperationAborted", "PreconditionFailed", "RequestTimeout", "ServiceUnavailable", "SlowDown", "TooManyRequests",
}  # fmt: skip
_TLS_REFUSED: Final = frozenset(
    {"WRONG_VERSION_NUMBER", "UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "SSLV3_ALERT_HANDSHAKE_FAILURE"}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """The whole address of an object: endpoint (`https://host[:port]`), region, bucket, key."""

    endpoint: str
    region: str
    bucket: str
    key: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A part of an upload, as the store has it. `checksum`: its SHA-256 in base64, "" where the store keeps none."""

    number: int
    etag: str
    size: int
    checksum: str = ""


class Bucket:
    """One request each; may be asked by several threads. Every method raises what the library raises."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def read(self, at: Place, *, most: int) -> tuple[str, int] | None:
        """SHA-256 (hex) and size of the object; None where there is none. Of one above `most` bytes, only so many."""
        try:
            answer = self._client(at).get_object(Bucket=at.bucket, Key=at.key)
        except ClientError as error:
            if _code(error) == "NoSuchKey":
                return None
            raise
        digest, size = hashlib.sha256(), 0
        with closing(answer["Body"]) as body:
            while size <= most and (piece := body.read(min(_PIECE, most + 1 - size))):
                digest.update(piece)
                size += len(piece)
        return digest.hexdigest(), size

    def create(self, at: Place, *, sha256: str) -> str:
        """The id of a new upload for the object; nothing is listed under its key until it is completed."""
        answer = self._client(at).create_multipart_upload(
            Bucket=at.bucket, Key=at.key, ChecksumAlgorithm="SHA256", Metadata={"sha256": sha256}
        )
        return answer["UploadId"]

    def put_part(self, at: Place, upload: str, number: int, content: bytes) -> Part:
        """Send one part, with both checksums that stores verify: every one knows MD5, not every one the other."""
        answer = self._client(at).upload_part(
            Bucket=at.bucket,
            Key=at.key,
            UploadId=upload,
            PartNumber=number,
            Body=content,
            ContentMD5=_base64(hashlib.md5(content, usedforsecurity=False).digest()),
            ChecksumSHA256=_base64(hashlib.sha256(content).digest()),
        )
        return Part(number=number, etag=answer["ETag"], size=len(content))

    def parts(self, at: Place, upload: str) -> tuple[Part, ...] | None:
        """What the store has of an upload, at most 1,000 parts; None where there is no such upload."""
        try:
            answer = self._client(at).list_parts(Bucket=at.bucket, Key=at.key, UploadId=upload)
        except ClientError as error:
            if _code(error) == "NoSuchUpload":
                return None
            raise
        return tuple(
            Part(number=it["PartNumber"], etag=it["ETag"], size=it["Size"], checksum=it.get("ChecksumSHA256", ""))
            for it in answer.get("Parts", ())
        )

    def complete(self, at: Place, upload: str, parts: tuple[Part, ...]) -> None:
        """Make the object of the parts, in one step, unless there is an object under that key already."""
        self._client(at).complete_multipart_upload(
            Bucket=at.bucket,
            Key=at.key,
            UploadId=upload,
            IfNoneMatch="*",
            MultipartUpload={"Parts": [_named(part) for part in parts]},
        )

    def abort(self, at: Place, upload: str) -> None:
        """Throw an upload away; it need not be there."""
        try:
            self._client(at).abort_multipart_upload(Bucket=at.bucket, Key=at.key, UploadId=upload)
        except ClientError as error:
            if _code(error) != "NoSuchUpload":
                raise

    def uploads(self, at: Place) -> tuple[str, ...]:
        """Ids of the uploads that are open for exactly this key, at most 1,000."""
        answer = self._client(at).list_multipart_uploads(Bucket=at.bucket, Prefix=at.key)
        return tuple(found["UploadId"] for found in answer.get("Uploads", ()) if found["Key"] == at.key)

    def look(self, at: Place) -> None:
        """Ask whether the bucket is there and may be looked into."""
        self._client(at).head_bucket(Bucket=at.bucket)

    def _client(self, at: Place) -> S3Client:
        return client_of(self._access, at.endpoint, at.region)


def because(error: Exception, subject: str, *, otherwise: type[SinkError], unsent: type[SinkError]) -> SinkError:
    """The sink's error that an exception of the library stands for; of its text, only what we know is shown.

    Args:
        otherwise: the error where nothing is certain. unsent: where no connection was made.
    """
    inner = list(_inside(error))
    for found in inner:
        if isinstance(found, SinkError):
            return found
    if any(isinstance(found, ssl.SSLError) and _tls_refused(found) for found in inner):
        return ConfigFault(
            "its TLS certificate or version is not accepted; nothing was sent",
            subject=subject,
            remedy="check endpoint_url and the ca of the connection; never switch the check off",
        )
    if isinstance(error, EndpointConnectionError | ConnectTimeoutError):
        return unsent("no connection could be made", subject=subject, remedy="check that the store is up; run again")
    if not isinstance(error, ClientError):
        return otherwise(
            f"the exchange broke ({type(error).__name__})", subject=subject, remedy="run again: it looks first"
        )
    code, status = _code(error), error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    text = f"{code} ({status})" if code in _SHOWN else f"status {status}"
    if code in _SET_UP_WRONG or status in _SET_UP_WRONG_STATUS or (status == 404 and code == "404"):
        return ConfigFault(
            f"the store refuses: {text}",
            subject=subject,
            remedy="check keys, region, bucket and its rights: GetObject, PutObject, AbortMultipartUpload, ListBucket, "
            "ListMultipartUploadParts, ListBucketMultipartUploads",
        )
    return otherwise(
        f"the store answers {text}", subject=subject, remedy="run again: it looks first", retry_after=_asked(error)
    )


def _named(part: Part) -> CompletedPartTypeDef:
    """A store that keeps a checksum of a part wants it again when the upload is completed."""
    named: CompletedPartTypeDef = {"PartNumber": part.number, "ETag": part.etag}
    return {**named, "ChecksumSHA256": part.checksum} if part.checksum else named


def code_of(error: Exception) -> str:
    """The store's code of an error, "" where it gave none; 409 and 412 by their numbers count as their codes."""
    if not isinstance(error, ClientError):
        return ""
    code = _code(error)
    return {"412": "PreconditionFailed", "409": "ConditionalRequestConflict"}.get(code, code)


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _asked(error: ClientError) -> float | None:
    text = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) < _DIGITS else None


def _tls_refused(error: ssl.SSLError) -> bool:
    return isinstance(error, ssl.SSLCertVerificationError) or error.reason in _TLS_REFUSED


def _inside(error: object, depth: int = 8) -> Iterator[object]:
    """An exception and those wrapped in it: each library on the way has its own pocket for them."""
    yield error
    if depth and isinstance(error, Exception):
        pockets = (getattr(error, "kwargs", {}).get("error"), getattr(error, "reason", None), error.__cause__)
        for inner in (*pockets, error.__context__, *error.args):
            if isinstance(inner, Exception):
                yield from _inside(inner, depth - 1)


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode("ascii")
