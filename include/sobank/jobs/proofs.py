"""The proof of a day and of every earlier one that is open (D10)."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from sobank.errors import ProofFailed
from sobank.jobs import start
from sobank.jobs.start import Ref, as_day

if TYPE_CHECKING:
    from sobank.domain.proof import Proof
    from sobank.wiring import House


def prove(day: str | date) -> Ref:
    """Prove the day, and every earlier day that is not settled (D10).

    Raises:
        ProofFailed: one of them does not hold.
    """
    proofs = proofs_up_to(day)
    require_holding(proofs)
    return {"days": [proof.day.isoformat() for proof in proofs], "proof": proofs[-1].as_json()}


def proofs_up_to(day: str | date) -> list[Proof]:
    """The proof of every earlier day that is not settled, in order, and last that of `day`."""
    house, wanted = start.house(), as_day(day)
    return [proof_of(one, house) for one in sorted({wanted, *_open_days(house, wanted)})]


def require_holding(proofs: list[Proof]) -> None:
    """Refuse to call a run done whose proofs do not all hold (D8).

    Raises:
        ProofFailed: one of them does not hold.
    """
    if broken := [proof for proof in proofs if not proof.holds]:
        raise ProofFailed(
            "\n".join(_sentence(proof) for proof in broken),
            subject=f"run of {proofs[-1].day}",
            remedy=f"`sobank prove --day {broken[0].day}` shows where; docs/runbooks/deliver_statements.md what to do",
        )


def proof_of(day: str | date, house: House | None = None) -> Proof:
    """The proof of one business day, whether it holds or not."""
    from sobank.services.prove import prove as prove_day
    from sobank.store.proof import ProofRows

    house = house or start.house()
    return prove_day(as_day(day), rows=ProofRows(house.database), spool=house.spool, read=house.read_sealed)


def _open_days(house: House, up_to: date) -> list[date]:
    from sobank.store.proof import ProofRows

    return ProofRows(house.database).open_days(up_to)


def _sentence(proof: Proof) -> str:
    parts = {
        "missing": proof.missing,
        "doubled": proof.doubled,
        "pending": proof.pending,
        "unaccounted": proof.received.statements - proof.accounted_for,
    }
    said = [f"{count} {name}" for name, count in parts.items() if count] + list(proof.faults)
    return f"{proof.day} does not hold: {'; '.join(said)} (of {proof.received.statements} statements)"
