"""The tab *Livraisons* on a DAG and on a run of it: what its days sealed, what it took in."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from sobank.domain.delivery import FINAL_STATES, BatchState
from sobank.domain.roles import Action
from sobank.services.backfill import DELIVERY
from sobank.store.batch_list import BatchFilter, batch_page
from sobank.store.batch_statements import last_bank_files, receipts, run_days
from sobank.store.batch_sums import batch_sums
from sobank.web.batch_words import OUTCOMES, destination_of
from sobank.web.fields import Blank, Fields, Number
from sobank.web.rendering import page
from sobank.web.rights import Here, Needs

router = APIRouter()
INGEST: Final = "ingest_bank_files"
_SIZE: Final = 50
#: Columns of the table of days: states that end well, that are under way, that a person must look at, and the rest.
COLUMNS: Final[tuple[tuple[str, str, frozenset[BatchState]], ...]] = (
    ("Livrés", "ok", frozenset({BatchState.DELIVERED})),
    ("Pas encore partis", "plain", frozenset({BatchState.SEALED, BatchState.SENDING})),
    ("Sans réponse ou retenus", "bad", frozenset({BatchState.UNCERTAIN, BatchState.HELD})),
    ("Abandonnés ou annulés", "plain", frozenset({BatchState.REJECTED, BatchState.CANCELLED})),
)

#: How bank files are written, by the code of the reader.
FORMATS: Final = {"cfonb120": "CFONB 120", "camt053": "CAMT.053"}


class Wanted(Fields):
    """Which day, and which page of its batches."""

    day: Blank[date] = None
    page: Blank[Number] = None


@router.get("/deliveries/of-dag/{dag}")
def of_dag(
    request: Request,
    dag: str,
    wanted: Annotated[Wanted, Query()],
    here: Annotated[Here, Depends(Needs(Action.SEE))],
) -> HTMLResponse:
    """The last days of the delivery, the last files of the ingest; of another DAG a sentence."""
    database, user = here.house.database, here.visitor.user
    if dag == INGEST:
        return page(request, here, "dag_files.html", formats=FORMATS, files=last_bank_files(database, user=user))
    if dag != DELIVERY:
        return page(request, here, "dag_other.html", dag=dag)
    days = run_days(database, user=user)
    day = wanted.day or (days[0].day if days else None)
    return _days(request, here, "dag_days.html", wanted, day, days=days)


@router.get("/deliveries/of-dag/{dag}/runs/{run}")
def of_run(
    request: Request,
    dag: str,
    run: str,
    wanted: Annotated[Wanted, Query()],
    here: Annotated[Here, Depends(Needs(Action.SEE))],
) -> HTMLResponse:
    """What the day of a run sealed. Where Airflow does not tell that day, it can be chosen."""
    if dag != DELIVERY:
        return of_dag(request, dag, wanted, here)
    of_run = request.app.state.run_day(dag, run)
    return _days(request, here, "dag_run.html", wanted, wanted.day or of_run, of_run=of_run, run=run)


def _days(
    request: Request, here: Here, template: str, wanted: Wanted, day: date | None, **context: Any
) -> HTMLResponse:
    database, user = here.house.database, here.visitor.user
    asked = BatchFilter(user=user, states=tuple(BatchState), run_day=day, newest_first=True)
    found = batch_page(database, asked, page=wanted.page or 1, size=_SIZE) if day else None
    still_open = tuple(state for state in BatchState if state not in FINAL_STATES)
    older = BatchFilter(user=user, states=still_open, overdue=day)
    return page(
        request,
        here,
        template,
        day=day,
        found=found,
        older=batch_page(database, older, size=1).total if day else 0,
        columns=COLUMNS,
        sums=batch_sums(database, [row.batch.id for row in found.rows] if found else []),
        receipts=receipts(database, [row.batch.id for row in found.rows] if found else [], user=user),
        destination=lambda batch: destination_of(batch, here.house.partners, here.language),
        outcomes=OUTCOMES,
        **context,
    )
