"""`export`: a copy of one account's statements (A11)."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sobank.cli.show import a_day, out
from sobank.errors import ConfigurationError


def add_to(app: typer.Typer) -> None:
    """Add these commands to the root."""
    app.command()(export)


class Form(StrEnum):
    """The formats on demand (O1)."""

    CFONB120 = "cfonb120"
    CSV = "csv"
    CSV_EXCEL = "csv-excel"
    OFX = "ofx"
    CAMT053 = "camt053"
    PARQUET = "parquet"


def export(
    iban: Annotated[str, typer.Argument(help="IBAN of the account, spaces allowed.")],
    to: Annotated[Path, typer.Option("--to", help="File to write; it must not be there yet.")],
    by: Annotated[str, typer.Option("--by", help="Who takes the copy; it is kept in the audit trail.")],
    form: Annotated[Form, typer.Option("--format")] = Form.CFONB120,
    first: Annotated[str | None, typer.Option("--from", help="First business day, YYYY-MM-DD.")] = None,
    last: Annotated[str | None, typer.Option("--until", help="Last business day, included.")] = None,
) -> None:
    """Write a copy of an account's statements, associated or not; the delivery ledger does not change (A11)."""
    from sobank.formats.account_copy import write_copy
    from sobank.store.account_statements import AccountStatements
    from sobank.wiring import House

    house = House.ready()
    statements = AccountStatements(house.database)
    copy = statements.find(iban, first=a_day(first) if first else None, last=a_day(last) if last else None)
    try:
        with to.open("xb") as file:
            count = write_copy(statements.records(copy), form.value, file)
    except FileExistsError:
        raise ConfigurationError("is there already", subject=str(to), remedy="choose another name") from None
    except OSError as error:
        raise ConfigurationError(
            f"cannot be written: {error.strerror}", subject=str(to), remedy="choose another place"
        ) from None
    to.chmod(0o640)
    statements.log(copy, actor=by, form=form.value, now=datetime.now(UTC))
    out.print(f"{count} statements in {to}", highlight=False)
