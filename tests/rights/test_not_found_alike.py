"""What is another cabinet's is refused in the very words of what does not exist (DESIGN §8)."""

from __future__ import annotations

import pytest

from sobank.domain.iban import masked
from sobank.errors import RegistryError
from tests.builders import iban_of
from tests.cli.conftest import Run
from tests.rights import world as w
from tests.rights.world import World

WHY = ("--why", "x")
#: A number, a code and an IBAN that are nobody's, each beside what is another cabinet's.
NUMBER, CODE, IBAN = "987654", "CAB404", iban_of(404)
COMMANDS = {
    "cabinets show": ("cabinets", "show", "CABINET"),
    "cabinets edit": ("cabinets", "edit", "CABINET", "--name", "Autre"),
    "connectors add": ("connectors", "add", "inqom-2", "--partner", "inqom", "--cabinet", "CABINET"),
    "connectors test": ("connectors", "test", "CONNECTOR"),
    "connectors remove": ("connectors", "remove", "fizen", "--cabinet", "CABINET", *WHY),
    "accounts associate": ("accounts", "associate", "--all", "--cabinet", "CABINET", "--connector", "fizen"),
    "accounts add": ("accounts", "add", iban_of(w.UNREGISTERED), "--cabinet", "CABINET", "--dossier", "D1"),
    "dossiers add": ("dossiers", "add", "D9", "--name", "Garage", "--cabinet", "CABINET"),
    "members list": ("members", "list", "--cabinet", "CABINET"),
    "members set": ("members", "set", "new", "collaborateur", "--cabinet", "CABINET"),
    "mandates set": ("mandates", "set", "IBAN", "signed"),
    "mandates show": ("mandates", "show", "IBAN"),
    "export": ("export", "IBAN", "--to", "copy.txt"),
    "deliveries show": ("deliveries", "show", "BATCH"),
    "deliveries release": ("deliveries", "release", "BATCH", *WHY),
    "deliveries confirm": ("deliveries", "confirm", "BATCH", *WHY),
    "deliveries reject": ("deliveries", "reject", "BATCH", *WHY),
    "deliveries retry": ("deliveries", "retry", "BATCH", *WHY),
    "quarantine show": ("quarantine", "show", "STATEMENT"),
    "quarantine release": ("quarantine", "release", "STATEMENT", *WHY),
    "quarantine reject": ("quarantine", "reject", "STATEMENT", *WHY),
}


@pytest.mark.parametrize("user", [w.OTHER, w.NOBODY])
@pytest.mark.parametrize("name", COMMANDS)
def test_a_stranger_cannot_tell_what_is_anothers_from_what_is_not_there(
    world: World, run_over: Run, name: str, user: str
) -> None:
    theirs = {"CABINET": w.HERE, "IBAN": iban_of(w.DRAFT), "BATCH": str(world.held[0])}
    theirs |= {"STATEMENT": str(world.set_aside[0]), "CONNECTOR": f"{w.HERE}/fizen"}
    nowhere = {"CABINET": CODE, "IBAN": IBAN, "BATCH": NUMBER, "STATEMENT": NUMBER, "CONNECTOR": f"{CODE}/fizen"}

    def said(names: dict[str, str]) -> tuple[type[BaseException], str]:
        result = run_over(*(names.get(word, word) for word in COMMANDS[name]), "--by", user)
        assert isinstance(result.exception, RegistryError), (result.output, result.exception)
        words = str(result.exception)
        for what in sorted(names.values(), key=len, reverse=True):
            words = words.replace(masked(what) if what.startswith("FR") else what, "THAT")
        return type(result.exception), words

    before = world.fingerprint()
    assert said(theirs) == said(nowhere)
    assert world.fingerprint() == before
