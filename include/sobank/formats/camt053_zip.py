"""A zip of CAMT.053 documents, opened member by member without writing anything to disk (DESIGN §8)."""

from __future__ import annotations

import errno
import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final, TypeVar

from sobank.errors import InputRefused, UnsafeInput
from sobank.formats.camt053_xml import NAMESPACE, Bounds

T = TypeVar("T")

SIGNATURE: Final = b"PK\x03\x04"
_PIECE: Final = 1 << 16
_ENCRYPTED: Final = 0x1
_READABLE: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
#: What zipfile raises on bytes that are no sound zip; found by feeding it arbitrary ones.
_UNSOUND: Final = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OverflowError,
    LookupError,
)


def looks_like_camt(head: bytes) -> bool:
    """Whether a zip that begins with `head` holds CAMT.053: judged on its first member. Never raises."""
    if len(head) < 30 or not head.startswith(SIGNATURE):
        return False
    flags, method = struct.unpack_from("<HH", head, 6)
    name_size, extra_size = struct.unpack_from("<HH", head, 26)
    name = head[30 : 30 + name_size].lower()
    if flags & _ENCRYPTED or not name.endswith(b".xml"):
        return name.endswith((b".xml", b".zip", b"/"))
    body = head[30 + name_size + extra_size :]
    if method == zipfile.ZIP_DEFLATED:
        try:
            body = zlib.decompressobj(-zlib.MAX_WBITS).decompress(body, 4096)
        except zlib.error:
            return False
    return NAMESPACE.encode() in body.replace(b"\0", b"")


def members(stream: BinaryIO, bounds: Bounds) -> Iterator[tuple[str, Iterator[bytes] | None]]:
    """Yield (which member, its bytes as they are unpacked), in the order of the zip's directory.

    Folders are passed over; a file that is not named .xml comes as None, to be counted as refused.

    Args:
        stream: seekable, from its beginning.
    Raises:
        UnsafeInput: encrypted, nested, absolute or climbing names, too many members, too large, too tightly packed.
        InputRefused: not a sound zip.
    """
    size = stream.seek(0, io.SEEK_END)
    archive = _sound(lambda: zipfile.ZipFile(stream))
    infos = [info for info in archive.infolist() if not info.is_dir()]
    if len(infos) > bounds.members:
        raise _unsafe(f"the zip holds more than {bounds.members} files")
    for number, info in enumerate(infos, start=1):
        _check(info, number)
    budget = _Budget(bounds, size)
    for number, info in enumerate(infos, start=1):
        is_xml = info.filename.lower().endswith(".xml")
        yield f"member {number} of the zip", _unpacked(archive, info, budget, number) if is_xml else None


def _check(info: zipfile.ZipInfo, number: int) -> None:
    name = info.filename.replace("\\", "/")
    if info.flag_bits & _ENCRYPTED:
        raise _unsafe("the zip is encrypted", number)
    if name.startswith("/") or name[1:2] == ":" or ".." in name.split("/"):
        raise _unsafe("a file in the zip has an absolute or climbing name", number)
    if name.lower().endswith(".zip"):
        raise _unsafe("a zip lies within the zip", number)
    if info.compress_type not in _READABLE:
        raise _unsafe("the zip is packed in a way that is not read", number)


class _Budget:
    """What the whole zip may still unpack to, counted as it is unpacked: what its headers declare is not believed."""

    def __init__(self, bounds: Bounds, packed: int) -> None:
        self._bounds = bounds
        self._by_ratio = max(bounds.grace, packed * bounds.ratio)
        self._unpacked = 0

    def spend(self, size: int, number: int) -> None:
        self._unpacked += size
        if self._unpacked > self._by_ratio:
            raise _unsafe(f"the zip unpacks to more than {self._bounds.ratio} times its size", number)
        if self._unpacked > self._bounds.total:
            raise _unsafe(f"the zip unpacks to more than {self._bounds.total} bytes", number)


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo, budget: _Budget, number: int) -> Iterator[bytes]:
    source = _sound(lambda: archive.open(info))
    while piece := _sound(lambda: source.read(_PIECE)):
        budget.spend(len(piece), number)
        yield piece


def _sound(step: Callable[[], T]) -> T:
    try:
        return step()
    except _UNSOUND as error:
        raise _broken() from error
    except OSError as error:
        if error.errno != errno.EINVAL:  # a disk that fails says nothing about the file
            raise
        raise _broken() from error


def _broken() -> InputRefused:
    return InputRefused(
        "the zip is damaged or cut short",
        remedy="nothing of the file was kept; ask the bank to send it again, whole",
    )


def _unsafe(what: str, number: int | None = None) -> UnsafeInput:
    return UnsafeInput(
        what,
        subject=f"member {number} of the zip" if number else "",
        remedy="nothing of the file was kept; ask the bank for a zip of plain CAMT.053 files, one level deep",
    )
