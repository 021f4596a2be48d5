"""The script that people write: pandas.read_sql, checks on frames, groupby, lines by f-string, one file a group."""

from __future__ import annotations

import os
from pathlib import Path

from benchmarks.child import Child

STATEMENTS = """
    SELECT s.id, s.bank, s.branch, s.account, s.currency, s.decimals, s.opening_date, s.opening, s.closing_date,
           s.closing, s.business_date, s.due_date, s.n_entries, s.credit, s.debit, s.n_records, a.iban,
           c.code AS cabinet, k.name AS connector, k.partner
      FROM undecided u
      JOIN statements s ON s.id = u.statement_id
      JOIN accounts a ON a.id = s.account_id
      JOIN cabinets c ON c.id = a.cabinet_id
      JOIN mandates m ON m.account_id = a.id AND m.current AND m.step = 'approved'
      LEFT JOIN associations x ON x.account_id = a.id AND x."until" IS NULL
      LEFT JOIN connectors k ON k.id = x.connector_id AND k.deleted_at IS NULL
"""
ENTRIES = """
    SELECT e.* FROM entries e
      JOIN undecided u ON u.statement_id = e.statement_id
      JOIN statements s ON s.id = e.statement_id
      JOIN mandates m ON m.account_id = s.account_id AND m.current AND m.step = 'approved'
"""
_SIGNS = "{ABCDEFGHI", "}JKLMNOPQR"
_MOST = 99_999_999_999_999


def main() -> None:
    """The same rows, the rules of our data contracts, the same files."""
    child = Child()
    with child.step("imports"):
        import pandas as pd
        import sqlalchemy as sa

    asked = child.asked
    engine = sa.create_engine(asked["database"])
    with child.step("extract"):
        dates = ["opening_date", "closing_date", "business_date", "due_date"]
        statements = pd.read_sql(sa.text(STATEMENTS), engine, parse_dates=dates)
        entries = pd.read_sql(sa.text(ENTRIES), engine, parse_dates=["booking_date", "value_date"])
    with child.step("validate"):
        broken = failing(statements, entries)
    if broken:
        raise ValueError(f"{len(broken)} statements break a rule")
    with child.step("files"):
        files = write(Path(asked["folder"]), statements, entries)
    child.did(
        statements=len(statements),
        entries=len(entries),
        files=files,
        written="rendered from rows",
        durable="fsync",
        checked="the rules of statements and entries in pandas",
        recorded="nothing",
    )


def failing(statements, entries) -> set[int]:  # type: ignore[no-untyped-def]
    """Ids of statements that break a rule on statements or entries."""
    amount = entries["amount"]
    sums = (
        entries.assign(credit=amount.clip(lower=0), debit=amount.clip(upper=0))
        .groupby("statement_id")
        .agg(counted=("amount", "size"), credit=("credit", "sum"), debit=("debit", "sum"))
    )
    s = statements.merge(sums, how="left", left_on="id", right_index=True, suffixes=("", "_counted"))
    counted, credit, debit = (
        s[name].fillna(0).astype("int64") for name in ("counted", "credit_counted", "debit_counted")
    )
    period = (s["closing_date"] - s["opening_date"]).dt.days
    good = (
        s["opening_date"].notna() & s["closing_date"].notna() & s["opening"].notna() & s["closing"].notna()
        & (s["opening"] + credit + debit == s["closing"])
        & (counted == s["n_entries"]) & (credit == s["credit"]) & (debit == s["debit"])
        & period.between(0, 366) & (s["business_date"] == s["closing_date"]) & (s["due_date"] >= s["business_date"])
        & s["business_date"].between("1980-01-01", "2079-12-31") & s["decimals"].isin([0, 1, 2, 3])
        & s["opening"].between(-_MOST, _MOST) & s["closing"].between(-_MOST, _MOST)
        & (s["n_records"] >= counted + 2) & (s["account"].str.len() == 11) & (s["currency"].str.len() == 3)
    )  # fmt: skip
    e = entries.merge(statements[["id", "opening_date", "closing_date"]], left_on="statement_id", right_on="id")
    expected = e.sort_values(["statement_id", "seq"]).groupby("statement_id").cumcount()
    fine = (
        (e["seq"] == expected.reindex(e.index)) & e["amount"].between(-_MOST, _MOST)
        & e["booking_date"].between("1980-01-01", "2079-12-31")
        & (e["booking_date"] >= e["opening_date"]) & (e["booking_date"] <= e["closing_date"])
        & (e["value_date"].isna() | ((e["value_date"] - e["booking_date"]).dt.days.abs() <= 366))
        & (e["label"].str.len() >= 1) & (e["details"].str.len() <= 7400)
    )  # fmt: skip
    return set(s.loc[~good, "id"]) | set(e.loc[~fine, "statement_id"])


def write(folder: Path, statements, entries) -> int:  # type: ignore[no-untyped-def]
    """One file a destination, statements by IBAN."""
    of_statement = dict(iter(entries.sort_values(["statement_id", "seq"]).groupby("statement_id")))
    statements["connector"] = statements["connector"].fillna("")
    files = 0
    for (cabinet, connector), group in statements.groupby(["cabinet", "connector"]):
        lines: list[str] = []
        for statement in group.sort_values("iban").itertuples():
            found = of_statement.get(statement.id)
            lines += statement_lines(statement, [] if found is None else found.itertuples())
        place = folder / ("partners" if connector else "global") / cabinet
        place.mkdir(parents=True, exist_ok=True)
        with (place / f"{connector or 'fichier-global'}.txt").open("wb") as out:
            out.write("".join(f"{line:120}\r\n" for line in lines).encode("latin-1"))
            out.flush()
            os.fsync(out.fileno())
        files += 1
    return files


def statement_lines(s, entries) -> list[str]:  # type: ignore[no-untyped-def]
    """A statement as CFONB 120."""
    head = f"{s.bank}{{}}{s.branch}{s.currency}{s.decimals} {s.account}"
    lines = [f"01{head.format('    ')}  {s.opening_date:%d%m%y}{'':50}{signed(s.opening)}"]
    for e in entries:
        where = f"{head.format(f'{e.bank_code:4}')}{e.interbank_code:2}{e.booking_date:%d%m%y}"
        lines.append(
            f"04{where}{e.reject_code:2}{e.value_date:%d%m%y}{e.label:31}  {e.entry_number:7}{e.exempt:1}"
            f"{e.unavailable:1}{signed(e.amount)}{e.reference}"
        )
        lines += [f"05{where}     {detail}" for detail in e.details.split("\n") if detail]
    lines.append(f"07{head.format('    ')}  {s.closing_date:%d%m%y}{'':50}{signed(s.closing)}")
    return lines


def signed(amount: int) -> str:
    """14 characters, the last with its sign."""
    digits = f"{abs(amount):014d}"
    return digits[:13] + _SIGNS[amount < 0][int(digits[13])]


if __name__ == "__main__":
    main()
