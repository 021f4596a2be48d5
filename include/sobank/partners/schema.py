"""Which keys a partner's file has, and what each one takes (A1). docs/partners.md shows this table; a test compares."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

TERMINATORS: Final = {"CRLF": b"\r\n", "LF": b"\n"}
_CODE: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_MARKER: Final = re.compile(r"\.[A-Za-z0-9]{1,10}")
_STAGING: Final = re.compile(r"\.?[A-Za-z0-9_-](?:[A-Za-z0-9_-]|\.(?!\.)){0,63}")
_PATH: Final = re.compile(r"/[A-Za-z0-9/._~?&=%+-]*")
_FIELD: Final = re.compile(r"\{([^{}]*)\}")
#: The least part of a multipart upload that S3 takes, and the most.
_PART_BYTES: Final = (5 << 20, 5 << 30)


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """One key of a partner's file.

    takes: what may be written, in words. accepts: whether a value may be. right: one that may. choices: all that may,
    where they are few. below: the keys of the mapping that it takes.
    """

    name: str
    takes: str
    right: str
    accepts: Callable[[Any], bool] = lambda _: True
    required: bool = True
    choices: tuple[str, ...] = ()
    below: tuple[Key, ...] = ()


def _text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value.strip()) <= 80 and value.isprintable()


def _whole(least: int, most: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _or_null(accepts: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or accepts(value)


def _like(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _path(*fields: str) -> Callable[[Any], bool]:
    """A path on a server, from /, with any of these fields in braces and no other."""

    def accepts(value: Any) -> bool:
        if not isinstance(value, str) or not set(_FIELD.findall(value)) <= set(fields):
            return False
        plain = _FIELD.sub("", value)
        return _PATH.fullmatch(plain) is not None and ".." not in plain and not plain.startswith("//")

    return accepts


def _one_of(name: str, *choices: str, required: bool = True) -> Key:
    return Key(
        name=name,
        takes=" or ".join([", ".join(choices[:-1]), choices[-1]]) if len(choices) > 1 else choices[0],
        right=choices[0],
        accepts=lambda value: isinstance(value, str) and value in choices,
        required=required,
        choices=choices,
    )


def _limit(name: str, unit: str, right: str, most: int = 2**53) -> Key:
    takes = f"null (not known) or a whole number of {unit}, from 1"
    return Key(name=name, takes=takes, right=right, accepts=_or_null(_whole(1, most)))


def _at_once(what: str) -> Key:
    return Key(
        name="at_once", takes=f"a whole number of {what}, 1 to 1000", right="16", accepts=_whole(1, 1000),
        required=False,
    )  # fmt: skip


_TIMEOUT: Final = Key(
    name="timeout_seconds",
    takes="a whole number of seconds, 1 to 600",
    right="30",
    accepts=_whole(1, 600),
    required=False,
)

_SFTP: Final = (
    Key(
        name="marker", takes="null (none) or a suffix: a dot and 1 to 10 letters or digits", right=".ok",
        accepts=_or_null(_like(_MARKER)), required=False,
    ),
    Key(
        name="staging", takes="null (a dot-file beside the final name) or the name of one folder, no path",
        right="null", accepts=_or_null(_like(_STAGING)), required=False,
    ),
    _at_once("files in flight for each server"),
    _TIMEOUT,
)  # fmt: skip

_HTTPS: Final = (
    _one_of("dialect", "generic", "myunisoft", required=False),
    Key(
        name="path",
        takes="a path from /, where {name} stands for the name of the file and {key} for the idempotency key",
        right='"/statements/{name}"',
        accepts=_path("name", "key"), required=False,
    ),
    Key(
        name="probe",
        takes="null (the partner cannot be asked) or a path from / with {key} or {name} in it",
        right='"/statements/{key}"',
        accepts=_or_null(lambda value: _path("key", "name")(value) and "{" in value),
        required=False,
    ),
    Key(
        name="requests", takes="a whole number of requests, from 1", right="20", accepts=_whole(1, 10**6),
        required=False,
    ),
    Key(
        name="per_seconds", takes="a whole number of seconds, 1 to 3600", right="10", accepts=_whole(1, 3600),
        required=False,
    ),
    _at_once("requests in flight"),
    _TIMEOUT,
)  # fmt: skip

_S3: Final = (
    _at_once("files in flight"),
    Key(
        name="part_bytes", takes="a whole number of bytes, 5242880 (5 MiB) to 5368709120 (5 GiB)", right="8388608",
        accepts=_whole(*_PART_BYTES), required=False,
    ),
    _TIMEOUT,
)  # fmt: skip

#: What `transport` takes, by kind of sink.
TRANSPORT: Final[dict[str, tuple[Key, ...]]] = {"folder": (), "sftp": _SFTP, "https": _HTTPS, "s3": _S3}
SINK_KINDS: Final = tuple(TRANSPORT)

LIMITS: Final = (
    _limit("max_bytes", "bytes", "10485760"),
    _limit("max_statements", "statements", "1000"),
)

KEYS: Final = (
    Key(
        name="code", takes="1 to 40 small letters, digits and -, not - first; the name of the file without .yaml",
        right="nouveau", accepts=_like(_CODE),
    ),
    Key(name="label", takes="a text of 1 to 80 characters", right="Nouveau", accepts=_text),
    _one_of("sink", *SINK_KINDS),
    _one_of("format", "cfonb120"),
    Key(
        name="object_name",
        takes="a name with {cabinet}, {connector}, {business_date} and {seq}, each once, with _ or . between them",
        right='"SOBANK_{cabinet}_{connector}_{business_date:%Y%m%d}_{seq:03d}.cfonb.txt"',
        accepts=lambda value: isinstance(value, str),
    ),
    _one_of("terminator", *TERMINATORS),
    _one_of("encoding", "ISO-8859-1"),
    Key(
        name="limits", takes="a mapping with max_bytes and max_statements",
        right="{max_bytes: null, max_statements: null}", below=LIMITS,
    ),
    _limit("idempotency_retention_days", "days", "30", most=36_500),
    Key(
        name="accepts_corrections", takes="true or false", right="false", accepts=lambda value: isinstance(value, bool)
    ),
    Key(name="transport", takes="a mapping with keys of the kind of sink", right="{}", required=False),
)  # fmt: skip
