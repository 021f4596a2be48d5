"""`partners list|show|check`: the catalogue of partners, and what is wrong with a file that is to join it (A1)."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sobank.cli.show import AsJson, as_json, nearest, out, table
from sobank.errors import ConfigurationError, NotFound

if TYPE_CHECKING:
    from sobank.partners import Partner

app = typer.Typer(help="The catalogue of partners.", no_args_is_help=True)


def _catalogue() -> dict[str, Partner]:
    from sobank.wiring import House

    return House.from_environment().partners


@app.command("list")
def list_(json: AsJson = False) -> None:
    """List the partners of the catalogue, with those of the folder SOBANK_PARTNERS."""
    from sobank.partners.explain import example_name

    found = _catalogue().values()
    if json:
        as_json([_document(partner) for partner in found])
        return
    rows = [(p.code, p.label, p.sink, p.format, example_name(p)) for p in found]
    table("Partners", ("code", "label", "sink", "format", "a file of it"), rows)


@app.command()
def show(
    code: Annotated[str, typer.Argument(help="Code of the partner, as `list` shows it.")], json: AsJson = False
) -> None:
    """Show one partner: its files, what its connection must hold, and what it cannot promise."""
    found = _catalogue()
    if code not in found:
        raise NotFound("no such partner in the catalogue", subject=code, remedy=nearest(code, found))
    if json:
        as_json(_document(found[code]))
        return
    _print(found[code])


@app.command()
def check(file: Annotated[Path, typer.Argument(help="A partner's YAML file.")], json: AsJson = False) -> None:
    """Say everything that is wrong with a partner's file, or what would come of it. Exit code 2 if something is."""
    from sobank.partners import check_partner, code_taken

    partner, problems = check_partner(file)
    if partner is not None and _is_taken(partner.code, file):
        problems = [code_taken(partner.code)]
    if json:
        said = [asdict(problem) for problem in problems]
        as_json({"file": str(file), "problems": said, "partner": _document(partner) if partner and not said else None})
    elif problems:
        out.print(f"{file}: {len(problems)} problem{'s' if len(problems) > 1 else ''}", highlight=False)
        for problem in problems:
            out.print(f"  {problem}", highlight=False)
        out.print("→ docs/partners.md explains every key", highlight=False)
    elif partner is not None:
        out.print(f"{file}: nothing is wrong with it", highlight=False)
        _print(partner)
    if problems:
        raise typer.Exit(ConfigurationError.exit_code)


def _is_taken(code: str, file: Path) -> bool:
    """Whether another file of the catalogue has this code; a catalogue with a faulty file is no reason not to check."""
    from sobank.partners import FOLDER
    from sobank.wiring import House

    folders = (FOLDER, House.from_environment().settings.partners)
    others = [folder / f"{code}{ending}" for folder in folders if folder for ending in (".yaml", ".yml")]
    return any(other.exists() and not other.samefile(file) for other in others)


def _print(partner: Partner) -> None:
    for name, value in _document(partner).items():
        if isinstance(value, dict) and value:
            out.print(f"{name}:", highlight=False)
            for key, text in value.items():
                out.print(f"    {key:<30} {'none' if text is None else text}", highlight=False)
        elif isinstance(value, list):
            for text in value:
                out.print(f"  ! {text}", highlight=False)
        elif not isinstance(value, dict):
            out.print(f"{name:<27} {_plain(value)}", highlight=False)


def _plain(value: object) -> str:
    return "not known" if value is None else ("no", "yes")[value] if isinstance(value, bool) else str(value)


def _document(partner: Partner) -> dict[str, Any]:
    """Everything of a partner that a person or a program may ask."""
    from sobank.partners.explain import CONNECTION, SETTINGS, example_name, limits_of
    from sobank.partners.schema import TERMINATORS

    terminator = next(name for name, end in TERMINATORS.items() if end == partner.terminator)
    return asdict(partner) | {
        "terminator": terminator,
        "example": example_name(partner),
        "transport": dict(partner.transport),
        "connection": CONNECTION[partner.sink],
        "settings": SETTINGS[partner.sink],
        "degraded": limits_of(partner),
    }
