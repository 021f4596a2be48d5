"""Ours: answer what pages ask of the registry, one question after another, each timed alone."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.child import Child


def main() -> None:
    """Answer the questions of `asked` from its `database`; the answers go to its file `answers`."""
    child = Child()
    with child.step("imports"):
        answer = answerer(child.asked["database"], datetime.fromisoformat(child.asked["now"]))
    answers = []
    with child.step("answers"):
        for question in child.asked["questions"]:
            begin = time.perf_counter()
            found = answer(dict(question["asks"]))
            child.lap(question["kind"], time.perf_counter() - begin)
            answers.append(found)
    Path(child.asked["answers"]).write_text(json.dumps(answers))
    child.did(questions=len(answers), did="each over a connection of a pool, rows as the pages take them")


def answerer(url: str, now: datetime) -> Callable[[dict[str, Any]], Any]:
    """What answers a question in JSON: of a page the ids, the total, and whether there are more."""
    from sobank.meanings import french
    from sobank.services.diagnose import diagnose
    from sobank.store.account_history import association_history, mandate_history
    from sobank.store.account_list import AccountFilter, account_page, account_seen
    from sobank.store.cabinet_list import cabinets_seen
    from sobank.store.database import Database
    from sobank.store.diagnosis import DiagnosisReader
    from sobank.store.dossier_list import dossiers_seen
    from sobank.store.iban_check import checked_iban

    database = Database(url)
    reader, meanings = DiagnosisReader(database), french(Path(__file__).parents[2] / "data_contracts")

    def answer(asks: dict[str, Any]) -> Any:
        what = asks.pop("what")
        if what == "accounts":
            paging = {key: asks.pop(key) for key in ("page", "after") if key in asks}
            return _page(account_page(database, AccountFilter(**asks), **paging))
        if what == "dossiers":
            return _page(dossiers_seen(database, **asks))
        if what == "cabinets":
            return _page(cabinets_seen(database, **asks))
        if what == "sheet":
            row = account_seen(database, **asks)
            taken, had = mandate_history(database, **asks), association_history(database, **asks)
            return [row and row.id, len(taken), [episode.connector for episode in had]]
        found = diagnose(
            reader, asks["iban"], currency=None, user=asks["user"], check_iban=checked_iban, meanings=meanings,
            now=now,
        )  # fmt: skip
        return [[one.cabinet, one.cause] for one in found]

    return answer


def _page(found: Any) -> Any:
    return [[row.id for row in found.rows], found.total, found.more]


if __name__ == "__main__":
    main()
