"""What became of a statement, as the pages say it: its state, the formats of a copy, why there is no global file."""

from __future__ import annotations

from typing import Final

from sobank.domain.global_file_day import Absent
from sobank.domain.registry import MandateStep
from sobank.domain.routing import ConnectorFact, Facts, Kind, route

#: Formats of a specific download (A11): as the page calls them, end of the file's name, media type.
FORMATS: Final[dict[str, tuple[str, str, str]]] = {
    "cfonb120": ("CFONB 120", "txt", "text/plain; charset=iso-8859-1"),
    "csv": ("CSV", "csv", "text/csv; charset=utf-8"),
    "csv-excel": ("CSV pour Excel", "csv", "text/csv; charset=utf-8"),
    "ofx": ("OFX", "ofx", "application/x-ofx"),
    "camt053": ("CAMT.053", "xml", "application/xml"),
    "parquet": ("Parquet", "parquet", "application/vnd.apache.parquet"),
}
#: Why there is no global file, in two words, and the tone in which they are shown.
ABSENCES: Final[dict[Absent, tuple[str, str]]] = {
    Absent.NO_ACCOUNT: ("Aucun compte", "plain"),
    Absent.ALL_ASSOCIATED: ("Tout est associé", "ok"),
    Absent.NO_STATEMENT: ("Aucun relevé", "plain"),
    Absent.NOT_YET_RUN: ("Pas encore traité", "warn"),
    Absent.WAITING: ("Mandat attendu", "warn"),
    Absent.SET_ASIDE: ("Mis de côté", "bad"),
    Absent.TO_PARTNERS: ("Aux partenaires", "ok"),
}
#: Every text of this module, for its English.
TEXTS: Final = (*(name for name, _, _ in FORMATS.values()), *(name for name, _ in ABSENCES.values()))


def foreseen(step: MandateStep | None, *, closed: bool) -> Kind:
    """What the next run does with statements of an account that nothing was decided of: WAIT, QUARANTINE or leave (D3).

    Where they leave for is not told: it is decided when they do.
    """
    return route(Facts(mandate=step, connector=ConnectorFact.NONE, account_closed=closed)).kind
