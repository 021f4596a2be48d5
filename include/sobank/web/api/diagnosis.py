"""Why did a statement not arrive? (A12)"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from pydantic import Field

from sobank.domain.diagnosis import Diagnosis
from sobank.domain.roles import Action
from sobank.meanings import french
from sobank.services.diagnose import diagnose
from sobank.store.diagnosis import DiagnosisReader
from sobank.store.iban_check import checked_iban
from sobank.web.api.shapes import Body, Text, router
from sobank.web.rights import Here, Needs

routes = router("diagnosis")


class Question(Body):
    """An IBAN, spaces allowed; currency: null takes every one."""

    iban: Text
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] | None = None


@routes.post("/diagnosis")
def ask(here: Annotated[Here, Depends(Needs(Action.SEE))], asked: Question) -> list[Diagnosis]:
    """A checklist for each account of the IBAN, in French. A POST keeps the number out of logs; nothing changes."""
    return list(
        diagnose(
            DiagnosisReader(here.house.database), asked.iban, currency=asked.currency, user=here.visitor.user,
            check_iban=checked_iban, meanings=french(here.house.contracts), now=here.now,
        )
    )  # fmt: skip
