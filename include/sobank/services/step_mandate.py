"""Move the mandate of one account, step by step, each with its date (A9, A13)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any, Final

from sobank.domain.day import BANK_ZONE
from sobank.domain.iban import masked
from sobank.domain.registry import ENDED_STEPS, MANDATE_TRANSITIONS, MandateStep
from sobank.domain.roles import Action, scope_of
from sobank.errors import NotFound, RegistryError
from sobank.services.allow import allowed
from sobank.services.register_work import account_subject

if TYPE_CHECKING:
    from sobank.store.registry_edit import AccountOfIban, RegistryEdit, RegistryEditor

#: Older mandates there are none: a day before is a slip of the hand, and the first ones of the calendar cannot be moved
#: from Paris to UTC.
FIRST_DAY: Final = date(1990, 1, 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Stepped:
    """What became of a mandate: the step before (None: there was none) and the step now, since when (UTC)."""

    account: int
    cabinet: str
    before: MandateStep | None
    step: MandateStep
    since: datetime
    changed: bool


def step_mandate(
    editor: RegistryEditor,
    *,
    iban: str,
    step: MandateStep,
    on: date,
    actor: str,
    now: datetime,
    cabinet: str | None = None,
    currency: str | None = None,
    reason: str | None = None,
) -> Stepped:
    """Take the next step of an account's mandate, valid from a Paris day on; the same step again corrects its day.

    Without a mandate, or after one that ended, only a draft can be started. reason: why, for the audit trail; a step
    that ends the mandate needs one (DESIGN §8).

    Raises:
        NotFound: no cabinet of the actor has such an account. NotAllowed: the profile has no right to it.
        RegistryError: the step does not follow, its day is to come, before FIRST_DAY or before the step it follows, it
            ends the mandate without a reason, or two accounts fit.
    """
    with editor.change() as change:
        account = account_of(change, iban, user=scope_of(actor), cabinet=cabinet, currency=currency)
        there, role = allowed(change, account.cabinet, actor, Action.SET_MANDATE)
        _check_day(change, account, step, on, today=now.astimezone(BANK_ZONE).date())
        _check_step(account, step)
        _check_reason(account, step, reason)
        since = datetime.combine(on, time(), BANK_ZONE).astimezone(UTC)
        stepped = Stepped(
            account=account.id, cabinet=account.cabinet, before=account.step, step=step, since=since,
            changed=(account.step, account.since) != (step, since),
        )  # fmt: skip
        if stepped.changed:
            _write(change, account, stepped)
            event = _event(account, stepped) | {"cabinet_id": there.id, "reason": reason}
            change.record([event], at=now, actor=actor, role=role)
    return stepped


def _write(change: RegistryEdit, account: AccountOfIban, stepped: Stepped) -> None:
    anew = account.step in ENDED_STEPS and stepped.step is MandateStep.DRAFT
    if account.mandate_id is None or anew:
        change.start_mandate(account.id, stepped.step, since=stepped.since)
    else:
        change.step_mandate(account.mandate_id, stepped.step, since=stepped.since)


def _event(account: AccountOfIban, stepped: Stepped) -> dict[str, Any]:
    before = {"step": account.step, "since": account.since.isoformat()} if account.since else None
    return {
        "action": Action.SET_MANDATE,
        "subject": account_subject(account.id, account.iban),
        "before": before,
        "after": {"step": stepped.step, "since": stepped.since.isoformat()},
    }


def account_of(
    change: RegistryEdit, iban: str, *, user: str | None, cabinet: str | None = None, currency: str | None = None
) -> AccountOfIban:
    """The one account of an IBAN (spaces allowed) within the cabinets of `user`; None sees every cabinet.

    Raises:
        NotFound: there is none. RegistryError: there are several, in two cabinets or two currencies.
    """
    number = iban.replace(" ", "").upper()
    found = change.accounts_of_iban(number[4:], user=user, cabinet=cabinet, currency=currency)
    if not found:
        raise NotFound(
            "no such account" if user is None else f"no such account in a cabinet of {user}",
            subject=masked(number),
            remedy="check the IBAN; `sobank accounts list` shows those there are",
        )
    if len(found) > 1:
        places = ", ".join(f"{one.cabinet} {one.currency}" for one in found)
        raise RegistryError(
            f"there are {len(found)} accounts of this IBAN: {places}",
            subject=masked(number),
            remedy="say which with --cabinet and --currency",
        )
    return found[0]


def following_steps(step: MandateStep | None) -> frozenset[MandateStep]:
    """What a mandate can become next; where there is none (None), or it ended, only a draft can be started."""
    following = MANDATE_TRANSITIONS[step] if step else frozenset[MandateStep]()
    return following or frozenset({MandateStep.DRAFT})


def _check_step(account: AccountOfIban, step: MandateStep) -> None:
    if account.step is step:
        return
    following = following_steps(account.step)
    if step not in following:
        names = ", ".join(one for one in MandateStep if one in following)
        raise RegistryError(
            f"its mandate is {account.step or 'not started'}, and cannot become {step}",
            subject=f"{account.cabinet}, {masked(account.iban)}",
            remedy=f"what can follow now: {names}",
        )


def _check_reason(account: AccountOfIban, step: MandateStep, reason: str | None) -> None:
    if step in ENDED_STEPS and not (reason or "").strip():
        raise RegistryError(
            f"a mandate becomes {step} for a reason: the account is not collected any more",
            subject=f"{account.cabinet}, {masked(account.iban)}",
            remedy="say why (--why TEXT)",
        )


def _check_day(change: RegistryEdit, account: AccountOfIban, step: MandateStep, on: date, *, today: date) -> None:
    where = f"{account.cabinet}, {masked(account.iban)}"
    if on > today:
        raise RegistryError(f"{on} is to come", subject=where, remedy="note a step on the day it was taken")
    if on < FIRST_DAY:
        raise RegistryError(f"{on} is before {FIRST_DAY}", subject=where, remedy="correct the day")
    if account.since is None:
        return
    if account.step is step:
        # A correction: what must not come after it is the step before, whose day the audit trail has.
        taken = (one for one in reversed(change.steps_taken(account.id)) if one.step != step)
        if (before := next(taken, None)) and on < (since := _paris_day(datetime.fromisoformat(before.since))):
            raise RegistryError(
                f"it was {before.step} since {since}, after {on}", subject=where, remedy="correct the day"
            )
    elif on < (last := _paris_day(account.since)):
        raise RegistryError(
            f"it has been {account.step} since {last}, after {on}",
            subject=where,
            remedy="correct the day, or first the day of the step before",
        )


def _paris_day(moment: datetime) -> date:
    return moment.astimezone(BANK_ZONE).date()
