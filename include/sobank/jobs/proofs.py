"""The proof of a day, and of every other that its run has sealed or delivered anything of, or that is open (D10)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING

from sobank.errors import ProofFailed
from sobank.jobs import start
from sobank.jobs.start import Ref, as_day

if TYPE_CHECKING:
    from sobank.domain.proof import Proof
    from sobank.wiring import House

#: Days as `partners_to_push` and `global_file_shards` noted them; None of one that could not.
Noted = Iterable[Sequence[str] | None]


def prove(day: str | date, noted: Noted = ()) -> Ref:
    """Prove the day, and every earlier day of which its run sealed or delivered anything, or that is not settled (D10).

    Raises:
        ProofFailed: one of them does not hold.
    """
    proofs = proofs_up_to(day, noted)
    require_holding(proofs)
    return {"days": [proof.day.isoformat() for proof in proofs], "proof": proofs[-1].as_json()}


def proofs_up_to(day: str | date, noted: Noted = ()) -> list[Proof]:
    """The proof of every earlier day that the run of `day` has touched or that is not settled, in order; last its own.

    A late statement leaves nothing open once it has arrived, so what is open after the run does not tell which days it
    touched. What it sealed says so itself, in the ledger, at any later try too. What an earlier run sealed and this one
    delivered does not: its days are noted before it leaves, when it is still open, by the tasks that list what is to
    leave. Moments of attempts would tell as well, but no index finds them, and the clocks of machines differ; files of
    the run would, but the proof, and what was sealed before, must not need them.

    Args:
        noted: business dates of what lay ready before this run sent it.
    """
    from sobank.store.proof import ProofRows

    house, wanted = start.house(), as_day(day)
    rows = ProofRows(house.database)
    sent = {as_day(one) for days in noted for one in days or ()}
    days = {wanted, *rows.open_days(wanted), *rows.days_sealed_by_runs_of(wanted), *sent}
    return [proof_of(one, house) for one in sorted(days)]


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


def _sentence(proof: Proof) -> str:
    parts = {
        "missing": proof.missing,
        "doubled": proof.doubled,
        "pending": proof.pending,
        "unaccounted": proof.received.statements - proof.accounted_for,
    }
    said = [f"{count} {name}" for name, count in parts.items() if count] + list(proof.faults)
    return f"{proof.day} does not hold: {'; '.join(said)} (of {proof.received.statements} statements)"
