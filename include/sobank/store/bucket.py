"""A prefix of a bucket in a store that speaks S3: whole objects in, whole objects out, errors of our tree.

Credentials, region and address are botocore's own: the usual AWS_* variables, profiles and roles. Every body is
signed with its SHA-256, so that a store which answers "kept" has checked the bytes. What passes (5xx, throttling, no
connection, time-outs) is asked again by botocore with growing pauses; what is left of it is `StoreAway`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from io import SEEK_END
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.loaders import create_loader
from botocore.session import get_session

from sobank.errors import ConfigurationError, SobankError, StoreAway

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

#: An object of more bytes goes in parts of so many, one in memory at a time; 10,000 parts are the most of a store.
PART_BYTES: Final = 16 << 20
_PIECE: Final = 1 << 20
_ATTEMPTS: Final = 5
#: How often a body that broke off on its way here is fetched anew.
_FETCHES: Final = 3
_SECONDS_TO_CONNECT, _SECONDS_TO_ANSWER = 5, 60
#: More than the threads that write objects side by side.
_CONNECTIONS: Final = 16
#: What the library knows of S3: read from its files once a process, not once a client (an eighth of the time).
_models: Final = create_loader()

_VARIABLES: Final = "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_DEFAULT_REGION, AWS_ENDPOINT_URL"

_THERE: Final = frozenset({"PreconditionFailed", "412", "NoSuchUpload"})
#: The store knows no conditions, or two wrote the name at once: the bytes of a name are the same, whoever comes last.
_UNCONDITIONAL: Final = frozenset({"NotImplemented", "501", "ConditionalRequestConflict", "409"})
_SET_UP_WRONG: Final = frozenset(
    {"ExpiredToken", "InvalidToken", "InvalidBucketName", "AuthorizationHeaderMalformed", "InvalidAccessKeyId"}
)


class Bucket:
    """Objects `<prefix>/<key>` of a bucket. Only the first request makes a client.

    Every method raises `StoreAway` where the store does not answer, and `ConfigurationError` where the bucket is not
    there or does not let us in.
    """

    def __init__(self, name: str, prefix: str) -> None:
        self.url = f"s3://{name}/{prefix}".rstrip("/")
        self._name = name
        self._prefix = f"{prefix}/" if prefix else ""

    def put(self, key: str, source: BinaryIO, *, once: bool = False) -> None:
        """Keep all bytes of a seekable stream under `key`; readers see the whole object or what was there before.

        once: an object that is there already stays (`If-None-Match: *`, where the store offers it); for names that say
        what the bytes are.
        """
        size = source.seek(0, SEEK_END)
        source.seek(0)
        send = self._put_parts if size > PART_BYTES else self._put_whole
        with self._told():
            written = send(key, source, once=once)
        if written and size <= PART_BYTES:
            return
        if (found := self.size(key)) == size:
            return
        if once and not written:  # something else lies under this name: only we know the bytes that belong there
            self.put(key, source)
            return
        raise StoreAway(
            f"has {found} bytes where {size} were sent", subject=f"{self.url}/{key}", remedy="run the task again"
        )

    def size(self, key: str) -> int | None:
        """Bytes of an object; None where there is none."""
        with self._told():
            try:
                return self._client.head_object(Bucket=self._name, Key=self._prefix + key)["ContentLength"]
            except ClientError as error:
                if _status(error) != 404:
                    raise
        self.require()  # the answer to HEAD does not say whether it is the object or the whole bucket that is missing
        return None

    def fetch(self, key: str, into: BinaryIO) -> None:
        """Write all bytes of an object into a file, and go back to its start.

        Raises:
            FileNotFoundError: there is no such object.
        """
        with self._told():
            for left in reversed(range(_FETCHES)):
                into.seek(0)
                into.truncate()
                try:
                    answer = self._client.get_object(Bucket=self._name, Key=self._prefix + key)
                except self._client.exceptions.NoSuchKey:
                    raise FileNotFoundError(f"{self.url}/{key}") from None
                try:
                    for piece in answer["Body"].iter_chunks(_PIECE):
                        into.write(piece)
                    break
                except BotoCoreError:
                    if not left:
                        raise
        into.seek(0)

    def newest(self, folder: str, name: str) -> str | None:
        """Of the objects `<folder>/<one more folder>/<name>`, the folder in between of the one written last."""
        start, end = f"{self._prefix}{folder}/", f"/{name}"
        found: list[tuple[Any, str]] = []
        with self._told():
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self._name, Prefix=start):
                for each in page.get("Contents", []):
                    between = each["Key"].removeprefix(start).removesuffix(end)
                    if each["Key"].endswith(end) and "/" not in between:
                        found.append((each["LastModified"], between))
        return max(found)[1] if found else None

    def names(self, folder: str) -> list[str]:
        """Names directly in a folder, "" for the prefix itself, in order; that of a folder has a `/` behind it."""
        start = f"{self._prefix}{folder}/" if folder else self._prefix
        found: list[str] = []
        with self._told():
            pages = self._client.get_paginator("list_objects_v2").paginate
            for page in pages(Bucket=self._name, Prefix=start, Delimiter="/"):
                found += [each["Key"] for each in page.get("Contents", [])]
                found += [each["Prefix"] for each in page.get("CommonPrefixes", [])]
        return sorted(key.removeprefix(start) for key in found)

    def require(self) -> None:
        """Ask whether the bucket is there and lets us in."""
        with self._told():
            self._client.head_bucket(Bucket=self._name)

    def _put_whole(self, key: str, source: BinaryIO, *, once: bool) -> bool:
        at: dict[str, Any] = {"Bucket": self._name, "Key": self._prefix + key, "Body": source.read()}
        return self._unless_there(lambda condition: self._client.put_object(**at, **condition), once=once)

    def _put_parts(self, key: str, source: BinaryIO, *, once: bool) -> bool:
        at: dict[str, Any] = {"Bucket": self._name, "Key": self._prefix + key}
        at["UploadId"] = self._client.create_multipart_upload(**at)["UploadId"]
        parts: list[CompletedPartTypeDef] = []
        written = False
        try:
            while piece := source.read(PART_BYTES):
                number = len(parts) + 1
                answer = self._client.upload_part(**at, PartNumber=number, Body=piece)
                parts.append({"ETag": answer["ETag"], "PartNumber": number})
            written = self._unless_there(
                lambda condition: self._client.complete_multipart_upload(
                    **at, **condition, MultipartUpload={"Parts": parts}
                ),
                once=once,
            )
        finally:
            if not written:
                with suppress(Exception):  # litter at the worst, which the bucket's own rules clear
                    self._client.abort_multipart_upload(**at)
        return written

    def _unless_there(self, ask: Callable[[dict[str, Any]], object], *, once: bool) -> bool:
        """Write, and say whether it was us; an answer that was lost makes our own object look like another's."""
        try:
            ask({"IfNoneMatch": "*"} if once else {})
        except ClientError as error:
            if _code(error) in _THERE:
                return False
            if not once or _code(error) not in _UNCONDITIONAL:
                raise
            ask({})
        return True

    @cached_property
    def _client(self) -> S3Client:
        config = Config(
            connect_timeout=_SECONDS_TO_CONNECT,
            read_timeout=_SECONDS_TO_ANSWER,
            max_pool_connections=_CONNECTIONS,
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
            s3={"payload_signing_enabled": True},
            # Checksums of AWS's own that other stores may not know; the signature holds the SHA-256 of every body.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        try:
            session = get_session()
            session.register_component("data_loader", _models)
            made: S3Client = cast("Any", session).create_client("s3", config=config)
        except ValueError as error:  # AWS_ENDPOINT_URL is no address
            raise self._failed(type(error).__name__) from None
        return made

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Errors of the library as errors of ours. Their text is left out: it may hold keys."""
        try:
            yield
        except ClientError as error:
            raise self._answered(error) from None
        except BotoCoreError as error:
            raise self._failed(type(error).__name__) from None

    def _answered(self, error: ClientError) -> SobankError:
        code, status = _code(error), _status(error)
        if code == "NoSuchBucket" or status == 404:
            return ConfigurationError("the bucket is not there", subject=self.url, remedy="make it, or correct the URL")
        if status in {301, 307, 308, 401, 403} or code in _SET_UP_WRONG:
            return ConfigurationError(
                f"the store does not let us in ({code})",
                subject=self.url,
                remedy=f"check {_VARIABLES} and the clock; the keys must be allowed s3:ListBucket, s3:GetObject and "
                "s3:PutObject",
            )
        return self._away(f"{status} {code}")

    def _failed(self, name: str) -> SobankError:
        if name in _NOT_ASKED:
            return ConfigurationError(
                f"the store cannot be asked ({name})",
                subject=self.url,
                remedy=f"set {_VARIABLES}",
            )
        return self._away(name)

    def _away(self, said: str) -> StoreAway:
        return StoreAway(
            f"the store of objects does not answer as it should ({said})",
            subject=self.url,
            remedy="nothing is lost; run the task again when it answers",
        )


_NOT_ASKED: Final = frozenset(
    {
        "NoCredentialsError", "PartialCredentialsError", "ProfileNotFound", "ConfigParseError", "ConfigNotFound",
        "NoRegionError", "InvalidRegionError", "ParamValidationError", "ValueError", "UnknownEndpointError",
        "EndpointProviderError", "EndpointResolutionError", "InvalidS3AddressingStyleError",
    }
)  # fmt: skip


def _code(error: ClientError) -> str:
    answer: Mapping[str, Any] = error.response
    code = str(answer.get("Error", {}).get("Code", ""))
    return code if code.isalnum() and len(code) < 60 else "?"


def _status(error: ClientError) -> int:
    answer: Mapping[str, Any] = error.response
    return int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
