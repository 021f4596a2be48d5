"""`sobank …`: the same jobs as the DAGs, and the answers that support needs.

Exit codes: 0 done; 1 an error that has no code of its own; 2 a setting or an argument is wrong; 3 a file was refused;
4 a rule of the registry refuses; 5 a data contract cannot be carried out; 6 the delivery ledger refuses; 7 a partner's
side; 8 Airflow is away or says no; 9 a proof does not hold; 10 something has not arrived yet; 11 the database is away;
12 the store of objects is away (see `sobank.errors`).
"""

from __future__ import annotations

import logging
import sys

import typer

from sobank.cli import (
    accounts,
    audit,
    cabinets,
    connectors,
    connectors_change,
    day,
    deliveries,
    diagnose,
    dossiers,
    files,
    mandates,
    members,
    partners,
    quarantine,
    reconcile,
    registry,
    simulate,
)
from sobank.cli.show import problems
from sobank.errors import ConfigurationError, SobankError

app = typer.Typer(
    name="sobank",
    help="Daily delivery of French bank statements: each to exactly one destination, proved to the cent.",
    epilog="Exit codes: 0 done · 2 argument or setting · 3 file refused · 4 registry rule · 5 data contract ·"
    " 6 ledger · 7 partner · 8 Airflow · 9 proof does not hold · 10 not arrived yet ·"
    " 11 database away · 12 store away.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for group in (files, day, accounts, diagnose, reconcile, simulate):
    group.add_to(app)
app.add_typer(registry.app, name="registry")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(deliveries.app, name="deliveries")
app.add_typer(partners.app, name="partners")
app.add_typer(connectors.app, name="connectors")
connectors_change.add_to(connectors.app)
app.add_typer(cabinets.app, name="cabinets")
app.add_typer(dossiers.app, name="dossiers")
app.add_typer(mandates.app, name="mandates")
app.add_typer(members.app, name="members")
app.add_typer(audit.app, name="audit")


def main() -> None:
    """Entry of the console script; an error of ours, or of the file system, becomes its message, never a traceback."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    try:
        try:
            app()
        except OSError as error:
            raise SobankError(
                error.strerror or type(error).__name__,
                subject=str(error.filename or ""),
                remedy="see that the place is there, may be written, and has room; then run again",
            ) from error
        except UnicodeEncodeError as error:
            # An argument or the name of a file, whose bytes are no text: no database keeps it, no terminal shows it.
            raise ConfigurationError(
                "an argument, or the name of a file, is not written in UTF-8",
                remedy="type it in a terminal set to UTF-8, or rename the file",
            ) from error
    except SobankError as error:
        problems.print(f"[bold red]{type(error).__name__}[/] ", end="", markup=True)
        problems.print(str(error), highlight=False)
        sys.exit(error.exit_code)
