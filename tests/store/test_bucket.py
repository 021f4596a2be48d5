"""A bucket that does not do what it is asked: asked again, then an error that says so; never taken for kept."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import IncompleteReadError
from botocore.response import StreamingBody

from sobank.errors import ConfigurationError, StoreAway
from sobank.simulator.partner_s3 import S3Partner, _error
from sobank.simulator.script import Fault
from sobank.store import bucket as s3
from sobank.store.objects import ObjectStore
from sobank.store.place import place_of
from tests.object_stores import bucket, url_of

DATA = b"0123456789" * 12
SHA = hashlib.sha256(DATA).hexdigest()


class Unconditional(S3Partner):
    """A store that knows no conditions."""

    def _refusal(self, asked: Any) -> Any:
        if "HTTP_IF_NONE_MATCH" in asked.environ:
            return _error("501 Not Implemented", "NotImplemented")
        return super()._refusal(asked)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Partner]:
    with bucket(tmp_path, monkeypatch) as made:
        yield made


@pytest.fixture
def objects(store: S3Partner) -> ObjectStore:
    return ObjectStore(url_of(store))


def keep_many(objects: ObjectStore, number: int) -> None:
    with objects.keeping() as keep:
        for each in range(number):
            keep([str(each).encode()])


def test_a_store_without_conditions_keeps_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "PART_BYTES", 5 << 20)
    with bucket(tmp_path, monkeypatch, Unconditional) as store:
        objects = ObjectStore(url_of(store))
        for data in (DATA, DATA, bytes(6 << 20)):
            assert objects.read(objects.put(data)) == data


@pytest.mark.parametrize(
    "fault", [Fault.LOSE_ANSWER, Fault.LOSE_REQUEST, Fault.ERROR_AFTER_COMMIT, Fault.TOO_MANY_SECONDS]
)
def test_what_passes_is_asked_again(store: S3Partner, objects: ObjectStore, fault: Fault) -> None:
    store.script.add("part", fault, times=2)
    store.script.add("get", fault, times=2)
    assert objects.read(objects.put(DATA)) == DATA
    assert store.script.take("get") is None


def test_a_body_that_breaks_off_is_fetched_anew(objects: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    objects.put(DATA)
    whole, broken = StreamingBody.iter_chunks, []

    def breaks(self: StreamingBody, size: int) -> Iterator[bytes]:
        if len(broken) < 2:
            broken.append(size)
            yield DATA[:50]
            raise IncompleteReadError(actual_bytes=50, expected_bytes=len(DATA))
        yield from whole(self, size)

    monkeypatch.setattr(StreamingBody, "iter_chunks", breaks)
    assert objects.read(SHA) == DATA
    broken[:] = []
    monkeypatch.setattr(s3, "_FETCHES", 2)
    with pytest.raises(StoreAway, match="IncompleteReadError"):
        objects.read(SHA)


def test_a_store_that_refuses_for_long_is_an_error_and_never_a_success(store: S3Partner, objects: ObjectStore) -> None:
    for operation in ("part", "get", "head"):
        store.script.add(operation, Fault.ERROR_BEFORE_COMMIT, times=50)
    with pytest.raises(StoreAway, match=r"500 InternalError.*\n.*run the task again"):
        objects.put(DATA)
    with pytest.raises(StoreAway):
        keep_many(objects, 3)
    with pytest.raises(StoreAway):
        objects.open(SHA)
    with pytest.raises(StoreAway):
        assert SHA not in objects
    assert store.inbox.final() == {}


def test_of_many_objects_one_that_failed_fails_the_block(store: S3Partner, objects: ObjectStore) -> None:
    store.script.add("part", Fault.PERMISSION_DENIED)
    with pytest.raises(ConfigurationError, match="AccessDenied"):
        keep_many(objects, 50)


def test_an_upload_that_fails_leaves_nothing_open(
    store: S3Partner, objects: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "PART_BYTES", 5 << 20)
    store.script.add("complete", Fault.ERROR_BEFORE_COMMIT, times=50)
    with pytest.raises(StoreAway):
        objects.put(bytes(6 << 20))
    assert (store.inbox.final(), store.inbox.open_uploads()) == ({}, [])


def test_an_upload_whose_answer_is_lost_has_arrived(
    store: S3Partner, objects: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "PART_BYTES", 5 << 20)
    store.script.add("complete", Fault.LOSE_ANSWER)
    assert objects.read(objects.put(bytes(6 << 20))) == bytes(6 << 20)


def test_nobody_at_the_address_is_a_store_that_is_away(objects: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(StoreAway, match="EndpointConnectionError"):
        objects.put(DATA)


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("AWS_ACCESS_KEY_ID", "SOMEBODYELSE", "InvalidAccessKeyId"),
        ("AWS_SECRET_ACCESS_KEY", "another", "SignatureDoesNotMatch"),
        ("AWS_ENDPOINT_URL", "no address", "ValueError"),
        ("AWS_PROFILE", "nobody", "ProfileNotFound"),
    ],
)
def test_what_is_set_up_wrong_is_said_without_a_secret(
    store: S3Partner, objects: ObjectStore, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv(variable, value)
    for ask in (lambda: objects.put(DATA), lambda: objects.open(SHA), place_of(objects.url).require):  # type: ignore[union-attr]
        with pytest.raises(ConfigurationError, match="AWS_ACCESS_KEY_ID") as caught:
            ask()
        text = str(caught.value) + repr(caught.value.__cause__)
        assert [secret for secret in (str(store.login().password), value) if secret in text] == []
        assert said in text or "403" in text  # of HEAD a store says the status alone


def test_a_bucket_that_is_not_there_is_named(store: S3Partner) -> None:
    objects = ObjectStore("s3://no-such-bucket/spool")
    for ask in (lambda: objects.put(DATA), lambda: objects.open(SHA), lambda: SHA in objects):
        with pytest.raises(ConfigurationError, match="no-such-bucket/spool: the bucket is not there"):
            ask()


@pytest.mark.parametrize(
    "url",
    [
        "", "spool", "ftp://h/p", "file://host/p", "file:///", "file:///a?b", "s3:///p", "s3://", "s3://Bucket", "s3://b",
        "s3://k:secret@bucket/p", "s3://bucket:9000/p", "s3://bucket/../p", "s3://bucket//p", "s3://bucket/p?q",
        "s3://bucket/p#f", "s3://bucket/é", "https://k:secret@bucket/p", "file://[",
    ],
)  # fmt: skip
def test_an_address_that_is_none_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ConfigurationError, match="s3://bucket/prefix") as caught:
        place_of(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["s3://bucket", "s3://bucket/", "s3://my.bucket-1/a/b=c/d_e.f"])
def test_an_address_of_a_bucket_may_have_a_prefix(url: str) -> None:
    assert str(getattr(place_of(url), "url")) == url.rstrip("/")  # noqa: B009


def test_without_its_library_folders_are_as_good_and_a_bucket_names_what_is_missing(tmp_path: Path) -> None:
    code = f"""if True:
        import sys
        sys.modules["botocore"] = None
        from sobank.errors import ConfigurationError
        from sobank.store.objects import ObjectStore
        from sobank.store import runfiles
        assert ObjectStore({tmp_path.as_uri()!r}).put(b"x") in ObjectStore({tmp_path.as_uri()!r})
        assert not any(name.startswith("botocore.") for name in sys.modules)
        try:
            ObjectStore("s3://bucket/spool")
        except ConfigurationError as error:
            print(error)
    """
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert "botocore" in said
    assert "is not installed" in said
    assert "requirements-s3.txt" in said
