"""Great Expectations' own pages (Data Docs) for the frames of a run, on demand.

The pages show amounts and counts of real accounts: they are confidential, say so in both languages, and load nothing
from anywhere. Frames hold whole numbers only, so that no IBAN and no label can be in a page; each page is read again
before it is written, and refused if one were.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from sobank.errors import CheckBroken
from sobank.quality import suite
from sobank.quality.contract import Contract
from sobank.quality.frames import narrow

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuiteValidationResult

_NOTE: Final = (
    "<p style='border:2px solid #b00020;padding:.6em;margin:1em'><strong>Confidentiel</strong> : montants de comptes"
    " réels, à ne pas diffuser. <strong>Confidential</strong>: amounts of real accounts, do not pass on.</p>"
)
_HEAD: Final = (
    "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    "<style>body{font:15px/1.5 sans-serif;margin:1em 2em}table{border-collapse:collapse}"
    "td,th{border:1px solid #999;padding:.2em .6em;text-align:left}</style>"
)
#: Whatever a page would fetch or run: scripts, style sheets, icons, images, frames.
_FOREIGN: Final = re.compile(
    r"<script\b.*?</script\s*>|<(?:link|img|iframe|base)\b[^>]*>|<meta\b[^>]*http-equiv[^>]*>",
    re.DOTALL | re.IGNORECASE,
)
#: An IBAN of France or Monaco, in one run or in groups of four.
_IBAN: Final = re.compile(r"\b(?:FR|MC)\d{2}(?:\s?[0-9A-Z]{4}){5}\s?[0-9A-Z]{3}\b")


def write_data_docs(
    frames: Mapping[str, pa.Table], contracts: Mapping[str, Contract], folder: Path, *, run: str
) -> Path:
    """Judge the frames again and write one page a contract, and an index; return the path of the index.

    Files are 0640 in a folder 0750. `run` names the run in the title.

    Raises:
        CheckBroken: a frame or a check is broken, or a page would show an IBAN; nothing of that page is written.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o750)
    rows = []
    for name, columns in narrow(frames).items():
        contract = contracts[name]
        result = suite.evaluate(contract, columns)
        counted = suite.counts(contract, result)
        _write(folder / f"{name}.html", _page(result))
        failed = sum(not one.success for one in counted.values())
        seen = max((one.rows for one in counted.values()), default=0)
        rows.append(
            f"<tr><td><a href='{name}.html'>{name}</a></td><td>{contract.version}</td>"
            f"<td>{seen}</td><td>{len(counted)}</td><td>{failed}</td></tr>"
        )
    title = f"Contrôles — {html.escape(run)}"
    index = folder / "index.html"
    _write(
        index,
        f"<!DOCTYPE html><html lang='fr'><head><meta charset='utf-8'><title>{title}</title></head>"
        f"<body><h1>{title}</h1>"
        "<table><tr><th>contrat</th><th>version</th><th>lignes</th><th>règles</th><th>en échec</th></tr>"
        f"{''.join(rows)}</table></body></html>",
    )
    return index


def _page(result: ExpectationSuiteValidationResult) -> str:
    from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
    from great_expectations.render.view.view import DefaultJinjaPageView

    view: Any = DefaultJinjaPageView()
    return str(view.render(ValidationResultsPageRenderer().render(result)))


def _write(path: Path, text: str) -> None:
    text = _FOREIGN.sub("", text)
    text = re.sub(r"(<head\b[^>]*>)", lambda found: found[0] + _HEAD, text, count=1)
    text = re.sub(r"(<body\b[^>]*>)", lambda found: found[0] + _NOTE, text, count=1)
    if _NOTE not in text or _HEAD not in text:
        raise CheckBroken(
            "the page has no place for its confidential note", subject=path.name, remedy="nothing was written"
        )
    if _IBAN.search(text):
        raise CheckBroken("the page would show an IBAN", subject=path.name, remedy="nothing was written")
    path.write_text(text, encoding="utf-8")
    path.chmod(0o640)
