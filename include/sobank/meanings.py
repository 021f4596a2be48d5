"""What every code that is shown means, in English and in French: one place for the command line and the pages."""

from __future__ import annotations

from pathlib import Path

from sobank.domain.diagnosis_words import QUARANTINE
from sobank.domain.routing import MEANINGS
from sobank.formats import camt053_codes, cfonb120_codes
from sobank.formats.inspection import GAP
from sobank.quality.contract import load_all

_OF_FORMATS = (camt053_codes.REFUSALS, cfonb120_codes.WARNINGS, cfonb120_codes.ERRORS, cfonb120_codes.REFUSALS)


def english(contracts: Path) -> dict[str, str]:
    """Codes of formats, rules of the data contracts in a folder, and reasons of the quarantine."""
    found = {rule.name: rule.english for one in load_all(contracts).values() for rule in one.rules}
    found |= {code: said.en for table in _OF_FORMATS for code, said in table.items()}
    found |= {str(reason): said for reason, said in MEANINGS.items()}
    return found | {GAP: "Its opening balance is not the closing balance before it on this account (S9)."}


def french(contracts: Path) -> dict[str, str]:
    """The same codes, as cabinets and support read them."""
    found = {rule.name: rule.french for one in load_all(contracts).values() for rule in one.rules}
    found |= {code: said.fr for table in _OF_FORMATS for code, said in table.items()}
    found |= {str(reason): said.why for reason, said in QUARANTINE.items()}
    return found | {GAP: "Son ancien solde n'est pas le nouveau solde du relevé précédent du compte."}
