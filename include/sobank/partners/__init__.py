"""The catalogue of partners: one YAML file each, beside this module (A1). Adding a partner is adding one file.

docs/partners.md tells how; `sobank partners check FILE.yaml` says what is wrong with one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from sobank.errors import ConfigurationError
from sobank.partners.reading import Problem, Reading, read
from sobank.partners.schema import TERMINATORS

FOLDER: Final = Path(__file__).parent
_ENDINGS: Final = frozenset({".yaml", ".yml"})
_SAME_NAME: Final = ("code", "label", "sink", "format", "object_name", "encoding")


@dataclass(frozen=True, kw_only=True, slots=True)
class Partner:
    """One accounting software and its dialect.

    sink: how it really takes files; a connector without connection is served by the folder sink instead.
    terminator: bytes after each record. max_bytes, max_statements: limits of one file, None where none is known.
    idempotency_retention_days: how long the partner remembers an idempotency key, None where it knows no such key.
    accepts_corrections: whether a statement delivered earlier may be sent again with other content.
    transport: how its sink is to behave, by the keys that the kind of sink knows.
    """

    code: str
    label: str
    sink: str
    format: str
    object_name: str
    terminator: bytes
    encoding: str
    max_bytes: int | None
    max_statements: int | None
    idempotency_retention_days: int | None
    accepts_corrections: bool
    transport: Mapping[str, object]

    def name_of(self, *, cabinet: str, connector: str, business_date: date, seq: int) -> str:
        """Name of a file; cabinet code, connector name, day and number give the same name whenever asked (D9)."""
        return self.object_name.format(cabinet=cabinet, connector=connector, business_date=business_date, seq=seq)


def catalogue(folder: Path = FOLDER, *, further: Path | None = None) -> dict[str, Partner]:
    """Every partner by its code.

    Args:
        further: a folder of more partners, in which no code of `folder` may come again.
    Raises:
        ConfigurationError: a file has an unknown, missing or wrong key, or a code is there twice; names every file,
            line and key, and what would be right. The folder `further` is not there.
    """
    if further is not None and not further.is_dir():
        raise ConfigurationError(
            "there is no such folder of partners", subject=str(further), remedy="make it, or correct SOBANK_PARTNERS"
        )
    found: dict[str, Partner] = {}
    wrong: dict[str, list[Problem]] = {}
    for path in _files_of(folder, further):
        partner, problems = check_partner(path)
        if partner is not None and partner.code in found:
            problems = [code_taken(partner.code)]
        if partner is None or problems:
            wrong[str(path)] = problems
        else:
            found[partner.code] = partner
    if wrong:
        raise refusal(wrong)
    return found


def read_partner(path: Path) -> Partner:
    """One partner from its file.

    Raises:
        ConfigurationError: as `catalogue`.
    """
    partner, problems = check_partner(path)
    if partner is None:
        raise refusal({str(path): problems})
    return partner


def check_partner(path: Path) -> tuple[Partner | None, list[Problem]]:
    """The partner in a file, or every problem of it in order of lines."""
    try:
        content = path.read_bytes()
    except OSError as error:
        said = error.strerror or type(error).__name__
        return None, [Problem(line=None, key="", what=f"cannot be read ({said})", remedy="give a file of one partner")]
    reading = read(content)
    if (code := reading.values.get("code")) and code != path.stem:
        reading.wrong(
            "code", f"is not the name of the file, {path.stem}", f"write `code: {path.stem}` or rename the file"
        )
    if path.suffix not in _ENDINGS:
        reading.wrong("", f"its name ends in {path.suffix or 'nothing'}", f"call it {path.stem}.yaml")
    return (None, reading.problems) if reading.problems else (_partner(reading), [])


def code_taken(code: str) -> Problem:
    """A second partner of one code."""
    return Problem(
        line=None, key="code", what=f"the catalogue has a partner {code} already", remedy="choose another code"
    )


def refusal(wrong: Mapping[str, list[Problem]]) -> ConfigurationError:
    """Everything that is wrong, by file, as one error."""
    lines = [f"  {file}: {problem}" for file, problems in wrong.items() for problem in problems]
    count = f"{len(lines)} problem" + ("s" if len(lines) > 1 else "")
    return ConfigurationError(
        f"{count}\n" + "\n".join(lines),
        subject="partner file " + ", ".join(Path(file).name for file in wrong),
        remedy="correct what is named, then `sobank partners check FILE.yaml`; docs/partners.md explains every key",
    )


def _files_of(*folders: Path | None) -> Iterator[Path]:
    for folder in folders:
        if folder is not None:
            yield from sorted(path for path in folder.iterdir() if path.suffix in _ENDINGS)


def _partner(reading: Reading) -> Partner:
    values = reading.values
    transport = {name.partition(".")[2]: value for name, value in values.items() if name.startswith("transport.")}
    return Partner(
        **{name: values[name] for name in _SAME_NAME},
        terminator=TERMINATORS[values["terminator"]],
        max_bytes=values["limits.max_bytes"],
        max_statements=values["limits.max_statements"],
        idempotency_retention_days=values["idempotency_retention_days"],
        accepts_corrections=values["accepts_corrections"],
        transport=transport,
    )
