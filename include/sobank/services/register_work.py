"""The bookkeeping of an import: rows as wished beside rows as they are, and the audit events (A13)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sobank.domain.iban import masked

if TYPE_CHECKING:
    from sobank.store.registry_import import RegistryImport

KINDS: Final = ("cabinets", "members", "connectors", "dossiers", "accounts", "mandates", "associations")


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportReport:
    """How many of each of KINDS were created, updated, or found as wished; `warnings` name places, IBANs masked."""

    created: dict[str, int]
    updated: dict[str, int]
    unchanged: dict[str, int]
    warnings: tuple[str, ...]

    @property
    def changes(self) -> int:
        """How many things were created or updated."""
        return sum(self.created.values()) + sum(self.updated.values())


@dataclass(kw_only=True, slots=True)
class Item:
    """One row as wished and as it is. `fixed`: columns set once. `id`: its key, None until it exists."""

    subject: str
    cabinet_id: int | None
    fixed: dict[str, Any]
    wanted: dict[str, Any]
    id: Any
    current: dict[str, Any]


@dataclass(kw_only=True, slots=True)
class Work:
    """One import under way: what it writes through, and what it has counted and noted so far."""

    change: RegistryImport
    now: datetime
    actor: str
    created: Counter[str] = field(default_factory=Counter)
    updated: Counter[str] = field(default_factory=Counter)
    unchanged: Counter[str] = field(default_factory=Counter)
    events: list[dict[str, Any]] = field(default_factory=list)

    def settle(self, kind: str, items: Sequence[Item]) -> None:
        """Insert what is new, update what differs, leave the rest; afterwards every item has its id."""
        verb = kind.removesuffix("s")
        new = [item for item in items if item.id is None]
        ids = self.change.insert(kind, [item.fixed | item.wanted for item in new], at=self.now)
        for item, id_ in zip(new, ids, strict=True):
            item.id = id_
            self._note(f"{verb}.add", item, None, item.wanted)
        changed = []
        for item in items:
            after = {key: value for key, value in item.wanted.items() if item.current.get(key) != value}
            if item.current and after:
                changed.append((item.id, after))
                self._note(f"{verb}.change", item, {key: item.current.get(key) for key in after}, after)
        self.change.update(kind, changed, at=self.now)
        self.count(kind, created=len(new), updated=len(changed), seen=len(items))

    def count(self, kind: str, *, created: int, updated: int, seen: int) -> None:
        """Count `seen` things of a kind; those neither created nor updated are as they were."""
        self.created[kind] += created
        self.updated[kind] += updated
        self.unchanged[kind] += seen - created - updated

    def event(
        self,
        action: str,
        subject: str,
        cabinet_id: int | None,
        before: dict[str, Any] | None,
        after: dict[str, Any] | None,
    ) -> None:
        """Keep an audit event; values are made fit for JSON and IBANs are masked."""
        self.events.append(
            {
                "action": action,
                "subject": subject,
                "before": _shown(before),
                "after": _shown(after),
                "cabinet_id": cabinet_id,
                "reason": None,
            }
        )

    def report(self, warnings: Iterable[str]) -> ImportReport:
        """What the import did."""
        created, updated, unchanged = (
            {kind: counter[kind] for kind in KINDS} for counter in (self.created, self.updated, self.unchanged)
        )
        return ImportReport(created=created, updated=updated, unchanged=unchanged, warnings=tuple(warnings))

    def _note(self, action: str, item: Item, before: dict[str, Any] | None, after: dict[str, Any] | None) -> None:
        iban = item.wanted.get("iban")
        subject = account_subject(item.id, iban) if iban else item.subject
        cabinet_id = item.id if action.startswith("cabinet.") else item.cabinet_id
        self.event(action, subject, cabinet_id, before, after)


def account_subject(account_id: int, iban: str) -> str:
    """How an audit event names an account."""
    return f"account:{account_id} {masked(iban)}"


def _shown(fields: dict[str, Any] | None) -> dict[str, Any] | None:
    if fields is None:
        return None
    shown = {key: value.isoformat() if isinstance(value, datetime) else value for key, value in fields.items()}
    return shown | {"iban": masked(shown["iban"])} if shown.get("iban") else shown
