"""Import a registry file: one transaction, everything checked first, a second time changes nothing (A9, A13).

What the file does not name is left alone: an import never deletes. A step of a mandate may be jumped, forward only.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from sobank.domain.iban import masked
from sobank.errors import RegistryError
from sobank.services.connect import CheckEncryption
from sobank.services.register_check import faults_against
from sobank.services.register_steps import STEPS
from sobank.services.register_work import ImportReport, Work
from sobank.services.registry_file import CheckIban, Reading, WantedCabinet, read_wanted

if TYPE_CHECKING:
    from sobank.store.registry_import import RegistryImport, RegistryImporter

ROLE: Final = "import"
_SHOWN_FAULTS: Final = 200


def register(
    importer: RegistryImporter,
    tree: object,
    *,
    source: str,
    partners: Container[str],
    check_iban: CheckIban,
    check_encryption: CheckEncryption,
    now: datetime,
    actor: str = "system",
) -> ImportReport:
    """Bring the registry to what a file says.

    Args:
        tree: mappings, lists and values (`store.registry_file`). source: name of the file, for messages.
        partners: codes of the catalogue. check_iban: raises `InvalidIban`.
        check_encryption: of a connector's settings; raises `ConfigurationError`.
    Raises:
        RegistryError: lists every fault with its place; nothing was imported.
    """
    reading = Reading(partners=partners, check_iban=check_iban, check_encryption=check_encryption)
    wanted = read_wanted(tree, reading)
    _stop_at(reading.faults, source)
    with importer.change() as change:
        current = change.snapshot([cabinet.code for cabinet in wanted])
        _stop_at(faults_against(wanted, current), source)
        work = Work(change=change, now=now, actor=actor)
        for settle in STEPS:
            settle(work, wanted, current)
        change.record(work.events, at=now, actor=actor, role=ROLE)
        return work.report(_claimed_twice(change, wanted))


def _stop_at(faults: Sequence[str], source: str) -> None:
    if not faults:
        return
    shown = [f"  {fault}" for fault in faults[:_SHOWN_FAULTS]]
    if len(faults) > _SHOWN_FAULTS:
        shown.append(f"  … and {len(faults) - _SHOWN_FAULTS} more")
    raise RegistryError(
        "\n".join([f"{len(faults)} fault(s), nothing was imported", *shown]),
        subject=source,
        remedy="correct these places and import the file again",
    )


def _claimed_twice(change: RegistryImport, wanted: Sequence[WantedCabinet]) -> Iterator[str]:
    places = {a.key[0]: a.place for c in wanted for d in c.dossiers for a in d.accounts}
    for bban, cabinets in change.claimed_twice(list(places)).items():
        yield (
            f"{places[bban]}.iban: {masked(bban)} is an account of {', '.join(cabinets)}: "
            "its statements are set aside until one cabinet gives it up"
        )
