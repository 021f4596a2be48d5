"""CAMT.053 bytes → elements, streaming and bounded: what is below a statement comes out one element at a time.

A push parser (defusedxml over expat) rather than `iterparse`, because a tree grows with text that only a finished
element would let one clear, while here every bound is held while the element is still arriving.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import XMLParser

from sobank.errors import InputRefused, UnsafeInput

NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:camt.053.001."
VERSIONS: Final = ("02", "04", "06", "08")

#: The children of `Stmt` that are looked at; the others are passed over without being kept.
_WANTED: Final = frozenset({"Acct", "Bal", "Ntry"})
_ROOT = re.compile(r"\{" + re.escape(NAMESPACE) + r"(\d\d)\}Document")


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """What a received file may ask of us; over any of these it is refused whole (DESIGN §8).

    depth: nesting of elements. names: distinct element and attribute names (expat remembers each for the whole file).
    token: bytes of one tag, comment or name. nodes, text: elements and characters of one balance or entry.
    total: bytes of XML, unpacked. records: records of one statement. refusals: entries and statements of one file that
    cannot be taken. members: files in a zip. ratio: unpacked to packed bytes of a zip, once past `grace`.
    """

    depth: int = 64
    names: int = 5_000
    token: int = 1 << 20
    nodes: int = 500_000
    text: int = 32 << 20
    total: int = 4 << 30
    records: int = 1 << 19
    refusals: int = 200_000
    members: int = 1_000
    ratio: int = 200
    grace: int = 4 << 20


@dataclass(slots=True)
class Node:
    """An element: local name (`{namespace}name` outside CAMT), attributes, text, children in order."""

    tag: str
    attributes: dict[str, str]
    text: str = ""
    children: list[Node] = field(default_factory=list)

    def first(self, *path: str) -> Node | None:
        """The first descendant along `path`, taking the first child of each name."""
        found = self
        for name in path:
            for child in found.children:
                if child.tag == name:
                    found = child
                    break
            else:
                return None
        return found

    def every(self, *path: str) -> list[Node]:
        """Every descendant along `path`, in document order."""
        found = [self]
        for name in path:
            found = [child for node in found for child in node.children if child.tag == name]
        return found

    def words(self, *path: str) -> str:
        """The stripped text of the first descendant along `path`; empty where there is none."""
        found = self.first(*path)
        return found.text.strip() if found else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """`opened` and `closed` frame a `Stmt`; between them `part` carries its Acct, Bal and Ntry. `offset` in bytes."""

    kind: str
    offset: int
    node: Node | None = None


class NotCamt053(InputRefused):
    """A sound XML document of another kind; of a zip, only that member is refused."""


class _Collector:
    """The parser's target: keeps the element being read below a `Stmt`, and nothing else."""

    def __init__(self, bounds: Bounds, subject: str) -> None:
        self.events: deque[Event] = deque()
        self.expat: Any = None
        self._bounds, self._subject = bounds, subject
        self._prefix = ""
        self._path: list[str] = []
        self._stack: list[Node] = []
        self._texts: list[list[str]] = []
        self._offset = 0
        self._nodes = self._chars = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._path.append(self._local(tag))
        depth = len(self._path)
        if depth > self._bounds.depth:
            raise _unsafe(f"elements nested deeper than {self._bounds.depth}", self.expat, self._subject)
        if depth == 1:
            self._open_document(tag)
        elif self._stack:
            self._open_node(attributes)
        elif depth == 3 and self._in_statement():
            self.events.append(Event(kind="opened", offset=self.expat.CurrentByteIndex))
        elif depth == 4 and self._in_statement() and self._path[3] in _WANTED:
            self._offset, self._nodes, self._chars = self.expat.CurrentByteIndex, 0, 0
            self._open_node(attributes)

    def data(self, text: str) -> None:
        if self._stack:
            self._chars += len(text)
            if self._chars > self._bounds.text:
                raise _unsafe("one entry holds more text than any real one", self.expat, self._subject)
            self._texts[-1].append(text)

    def end(self, tag: str) -> None:  # noqa: ARG002  the parser has checked that it closes what is open
        if self._stack:
            node = self._stack.pop()
            node.text = "".join(self._texts.pop())
            if not self._stack:
                self.events.append(Event(kind="part", offset=self._offset, node=node))
        elif len(self._path) == 3 and self._in_statement():
            self.events.append(Event(kind="closed", offset=self.expat.CurrentByteIndex))
        self._path.pop()

    def close(self) -> None:
        """Nothing to hand back: events have left already."""

    def _local(self, tag: str) -> str:
        return tag[len(self._prefix) :] if self._prefix and tag.startswith(self._prefix) else tag

    def _in_statement(self) -> bool:
        return self._path[1:3] == ["BkToCstmrStmt", "Stmt"]

    def _open_document(self, tag: str) -> None:
        root = _ROOT.fullmatch(tag)
        if root is None:
            raise NotCamt053(
                "the XML is not a CAMT.053 document",
                subject=self._subject,
                remedy="ask the bank for camt.053.001, or for CFONB 120",
            )
        if root[1] not in VERSIONS:
            raise NotCamt053(
                f"version camt.053.001.{root[1]} is not one that is read",
                subject=self._subject,
                remedy=f"ask the bank for one of {', '.join(VERSIONS)}",
            )
        self._prefix = f"{{{NAMESPACE}{root[1]}}}"

    def _open_node(self, attributes: dict[str, str]) -> None:
        self._nodes += 1
        if self._nodes > self._bounds.nodes:
            raise _unsafe("one entry holds more elements than any real one", self.expat, self._subject)
        node = Node(self._path[-1], attributes)
        if self._stack:
            self._stack[-1].children.append(node)
        self._stack.append(node)
        self._texts.append([])


def events(document: Iterable[bytes], bounds: Bounds, *, subject: str = "") -> Iterator[Event]:
    """Yield the statements of one XML document, part by part, as the bytes arrive.

    Args:
        document: its bytes, in pieces of some tens of kilobytes.
        subject: which document, for messages (a member of a zip); empty for the file itself.
    Raises:
        UnsafeInput: a DOCTYPE, an entity, or a bound of `bounds` is passed.
        NotCamt053: another kind of XML, or a version that is not read.
        InputRefused: not well-formed (with line and column).
    """
    collector = _Collector(bounds, subject)
    parser: Any = XMLParser(target=collector, forbid_dtd=True)
    collector.expat = parser.parser
    fed = 0
    for piece in chain(document, [b""]):
        fed += len(piece)
        if fed > bounds.total:
            raise _unsafe(f"more than {bounds.total} bytes of XML", collector.expat, subject)
        _feed(parser, collector.expat, piece, subject)
        _check_token(collector.expat, fed - len(piece), bounds, subject)
        while collector.events:
            yield collector.events.popleft()


def _feed(parser: Any, expat: Any, piece: bytes, subject: str) -> None:
    try:
        if piece:
            parser.feed(piece)
        else:
            parser.close()
    except DefusedXmlException as error:
        raise _unsafe("the XML declares a DOCTYPE or an entity", expat, subject) from error
    except ParseError as error:
        line, column = error.position
        raise InputRefused(
            f"the XML is not well-formed: line {line}, column {column}",
            subject=subject,
            remedy="nothing of the file was kept; ask the bank to send it again, whole",
        ) from error
    except (ValueError, LookupError) as error:
        raise InputRefused(
            "the XML declares an encoding that cannot be read",
            subject=subject,
            remedy="ask the bank for UTF-8",
        ) from error


def _check_token(expat: Any, fed: int, bounds: Bounds, subject: str) -> None:
    """Refuse what expat would otherwise hold without end: a tag that never closes, names that never repeat."""
    if fed - max(expat.CurrentByteIndex, 0) > bounds.token:
        raise _unsafe(f"one tag or comment is longer than {bounds.token} bytes", expat, subject)
    if len(expat.intern) > bounds.names:
        raise _unsafe(f"more than {bounds.names} distinct names", expat, subject)


def _unsafe(what: str, expat: Any, subject: str) -> UnsafeInput:
    return UnsafeInput(
        f"{what} (line {expat.CurrentLineNumber})",
        subject=subject,
        remedy="nothing of the file was kept; if it does come from the bank, ask for a plain CAMT.053 file",
    )
