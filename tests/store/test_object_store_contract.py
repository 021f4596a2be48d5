"""The promises of every store of objects, one test each: in a folder, and in a bucket."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sobank.errors import LedgerError
from sobank.store import bucket as s3
from sobank.store.objects import ObjectStore
from tests.object_stores import bucket, url_of

DATA = b"0123456789" * 12
SHA = hashlib.sha256(DATA).hexdigest()


class Place:
    """Where a store keeps its objects, looked at and meddled with past it."""

    def __init__(self, url: str, objects: Callable[[], dict[str, bytes]], put: Callable[[str, bytes], None]) -> None:
        self.store = ObjectStore(url)
        self.objects = objects
        self.put_by_hand = put


@pytest.fixture(params=["file", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    if request.param == "file":
        root = tmp_path / "a folder"
        yield Place(
            root.as_uri(),
            lambda: {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()},
            lambda name, data: (root / name).write_bytes(data) and None,
        )
        return
    with bucket(tmp_path, monkeypatch) as store:
        yield Place(url_of(store), store.inbox.final, store.inbox.put)


def test_what_is_kept_has_its_hash_for_name_and_comes_back(place: Place) -> None:
    assert place.store.put(DATA) == SHA
    assert place.objects() == {f"{SHA[:2]}/{SHA}": DATA}
    assert place.store.read(SHA) == DATA
    assert SHA in place.store


def test_a_stream_and_its_bytes_are_one_object(place: Place) -> None:
    assert place.store.put(io.BytesIO(DATA)) == place.store.put(DATA) == SHA
    assert place.objects() == {f"{SHA[:2]}/{SHA}": DATA}


def test_nothing_is_an_object_too(place: Place) -> None:
    empty = place.store.put(b"")
    assert (empty in place.store, place.store.read(empty)) == (True, b"")


def test_what_was_never_kept_is_not_there_and_said_so(place: Place) -> None:
    assert SHA not in place.store
    with pytest.raises(LedgerError, match=rf"{SHA[:12]}: .*not in the store\n.*nothing was sent"):
        place.store.open(SHA)


def test_an_open_object_is_read_in_pieces_and_again_from_anywhere(place: Place) -> None:
    place.store.put(DATA)
    with place.store.open(SHA) as stream:
        assert (stream.read(7), stream.seek(0, 2), stream.seek(3), stream.read()) == (DATA[:7], len(DATA), 3, DATA[3:])


def test_bytes_that_changed_are_not_taken_for_those_that_were_kept(place: Place) -> None:
    place.store.put(DATA)
    place.put_by_hand(f"{SHA[:2]}/{SHA}", DATA[:-1] + b"x")
    with pytest.raises(LedgerError, match="not those that were kept"):
        place.store.read(SHA)


def test_putting_an_object_again_heals_one_that_was_cut_short(place: Place) -> None:
    place.store.put(DATA)
    place.put_by_hand(f"{SHA[:2]}/{SHA}", DATA[:-1])
    place.store.put(DATA)
    assert place.store.read(SHA) == DATA


def test_many_objects_are_all_there_when_their_block_ends(place: Place) -> None:
    pieces = [str(n).encode() for n in range(60)]
    with place.store.keeping() as keep:
        names = [keep([piece[:3], memoryview(piece)[3:]]) for piece in [*pieces, *pieces[:5]]]
    assert place.objects() == {f"{name[:2]}/{name}": data for name, data in zip(names, pieces, strict=False)}


def test_what_is_kept_at_once_is_there_at_once_and_its_pieces_are_asked_for_once(place: Place) -> None:
    with place.store.keeping() as keep:
        assert keep(iter([DATA[:3], DATA[3:]]), at_once=True) == SHA
        assert place.objects() == {f"{SHA[:2]}/{SHA}": DATA}


def test_an_object_of_several_parts_arrives_whole_and_is_kept_once(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "PART_BYTES", 5 << 20)
    data = bytes(range(256)) * (11 << 12)
    assert place.store.put(io.BytesIO(data)) == place.store.put(data)
    (sha,) = {name.rpartition("/")[2] for name in place.objects()}
    assert place.store.read(sha) == data


def test_two_who_keep_the_same_bytes_at_once_both_have_kept_them(place: Place) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(place.store.put, [DATA] * 16)) == {SHA}
    assert place.objects() == {f"{SHA[:2]}/{SHA}": DATA}


def test_of_what_is_kept_in_a_folder_nobody_else_may_read_a_folder_or_a_file(tmp_path: Path) -> None:
    root = tmp_path / "above" / "spool"
    with ObjectStore(root.as_uri()).keeping() as keep:
        keep([DATA])
    modes = {path.relative_to(root).as_posix(): path.stat().st_mode & 0o777 for path in (root, *root.rglob("*"))}
    assert modes == {".": 0o750, SHA[:2]: 0o750, f"{SHA[:2]}/{SHA}": 0o640}
