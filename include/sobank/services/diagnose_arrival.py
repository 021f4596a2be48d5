"""What came and where it went, in a diagnosis: statements, quarantine, batches, the partner's circuit (A12)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from sobank.domain.circuit import Circuit, CircuitKind
from sobank.domain.day import BANK_ZONE
from sobank.domain.delivery import BatchState
from sobank.domain.diagnosis import AccountFacts, BatchFacts, Check, Facts, SetAsideFacts, Step, Verdict
from sobank.domain.diagnosis_words import BAD_STATEMENT, QUARANTINE, at, on
from sobank.domain.registry import ENDED_STEPS, MandateStep
from sobank.domain.routing import Reason

#: Banks send every working day: a week without a statement is worth a question.
_QUIET: Final = timedelta(days=7)
_STATES: Final = {
    BatchState.SEALED: "scellé, pas encore envoyé",
    BatchState.SENDING: "en cours d'envoi",
    BatchState.UNCERTAIN: "envoyé sans réponse du partenaire : peut-être arrivé",
    BatchState.HELD: "retenu, une personne doit décider",
    BatchState.DELIVERED: "livré",
}


def statement_checks(facts: Facts, *, now: datetime) -> list[Check]:
    """Whether statements were received, until when, from which file; and whether some wait."""
    received = facts.received
    if received.last_date is None and facts.account is not None and facts.account.claims > 1:
        return [
            Check(
                step=Step.STATEMENTS,
                verdict=Verdict.ATTENTION,
                evidence="aucun relevé rangé sous ce cabinet ; s'il en est arrivé, ils le sont sous un autre cabinet"
                " qui a enregistré ce compte",
                cause="no_statement_here",
            )
        ]
    if received.last_date is None:
        return [
            Check(
                step=Step.STATEMENTS,
                verdict=Verdict.BLOCKING,
                evidence="aucun relevé reçu de la banque pour ce compte",
                remedy="vérifier auprès de la banque qu'elle transmet ce compte ; `sobank ingest` montre les fichiers"
                " refusés",
                cause="no_statement",
            )
        ]
    evidence = (
        f"{received.total} reçu(s), le dernier du {on(received.last_date)}, fichier {received.last_file} ingéré le"
        f" {at(received.last_ingested)}"
    )
    late = now.astimezone(BANK_ZONE).date() - received.last_date > _QUIET
    found = [
        Check(
            step=Step.STATEMENTS,
            verdict=Verdict.ATTENTION if late else Verdict.OK,
            evidence=evidence + (", rien depuis plus de sept jours" if late else ""),
            remedy="demander à la banque pourquoi elle n'envoie plus rien" if late else "",
            cause="statements_stopped" if late else "",
        )
    ]
    return found + _pending(facts)


def _pending(facts: Facts) -> list[Check]:
    count, oldest, account = facts.received.by_status.get("pending", 0), facts.received.first_pending, facts.account
    if not count or oldest is None or account is None:
        return []
    since = f"{count} relevé(s), depuis celui du {on(oldest)}"
    if account.mandate is not MandateStep.APPROVED and account.mandate not in ENDED_STEPS - {MandateStep.REJECTED}:
        text, remedy, cause = "attendent que le mandat soit approuvé", "", "waiting_for_mandate"
    else:
        text = "ne sont pas encore décidés : la prochaine tournée les prendra"
        remedy, cause = f"attendre la tournée, ou `sobank deliver --day {oldest}`", "undecided"
    return [
        Check(
            step=Step.STATEMENTS, verdict=Verdict.ATTENTION, evidence=f"{since}, {text}", remedy=remedy, cause=cause
        )
    ]  # fmt: skip


def quarantine_checks(facts: Facts, meanings: Mapping[str, str]) -> list[Check]:
    """Which statements are set aside, each reason with what to do."""
    if not facts.set_aside:
        return [Check(step=Step.QUARANTINE, verdict=Verdict.OK, evidence="aucun relevé de ce compte en quarantaine")]
    found = [_set_aside(one, reason, meanings) for one in facts.set_aside for reason in one.reasons]
    if more := facts.received.by_status.get("quarantined", 0) - len(facts.set_aside):
        found.append(
            Check(
                step=Step.QUARANTINE,
                verdict=Verdict.BLOCKING,
                evidence=f"et {more} autre(s) relevé(s) plus ancien(s)",
                remedy="`sobank quarantine list` les montre tous",
                cause="quarantined",
            )
        )
    return found


def _set_aside(one: SetAsideFacts, reason: str, meanings: Mapping[str, str]) -> Check:
    if reason in set(Reason):
        why, remedy = QUARANTINE[Reason(reason)]
    else:
        why, remedy = meanings.get(reason, reason), BAD_STATEMENT
    said = f" ; le partenaire a dit : « {_said(one.partner_said)} »" if one.partner_said else ""
    return Check(
        step=Step.QUARANTINE,
        verdict=Verdict.BLOCKING,
        evidence=f"relevé {one.statement_id} du {on(one.business_date)} (fichier {one.bank_file}) depuis le"
        f" {at(one.since)} : {why.rstrip('.')}{said}",
        remedy=remedy.format(id=one.statement_id),
        cause=reason,
    )


def batch_checks(facts: Facts, *, now: datetime) -> list[Check]:
    """Which batches hold the statements, in which state, with which receipt."""
    if facts.batches:
        return [_batch(batch, now) for batch in facts.batches]
    text = "aucun relevé de ce compte n'est dans un envoi"
    return [Check(step=Step.BATCH, verdict=Verdict.OK, evidence=text)]


def _batch(batch: BatchFacts, now: datetime) -> Check:
    what = "fichier global" if batch.is_global_file else f"envoi {batch.id} vers {batch.destination.partition(':')[2]}"
    tried = batch.state is BatchState.SEALED and batch.attempts
    state = "essayé, arrivée non constatée" if tried else _STATES.get(batch.state, batch.state)
    head = f"{what} du {on(batch.business_date)}, {batch.object_name} : {state}"
    if batch.state is BatchState.DELIVERED:
        return Check(step=Step.BATCH, verdict=Verdict.OK, evidence=head + _receipt(batch))
    verdict, remedy, cause = _advice(batch, now)
    if batch.state in {BatchState.HELD, BatchState.UNCERTAIN} or batch.attempts:
        why = batch.reason or batch.last_message
        head += f" ; « {_said(why)} »" if why else ""
    if batch.behind:
        head += f" ; derrière l'envoi {batch.behind[0]} ({_STATES.get(batch.behind[1], batch.behind[1])})"
    return Check(step=Step.BATCH, verdict=verdict, evidence=head, remedy=remedy, cause=cause)


def _advice(batch: BatchFacts, now: datetime) -> tuple[Verdict, str, str]:
    """Verdict, what to do, and the cause of a batch that has not arrived."""
    show = f"`sobank deliveries show {batch.id}`"
    if batch.state is BatchState.HELD:
        remedy = (
            f"demander au partenaire s'il a {batch.object_name} : s'il ne l'a pas, `sobank deliveries release"
            f" {batch.id}` ; s'il a exactement ces octets, `confirm {batch.id}` ; pour y renoncer, `reject {batch.id}`,"
            f" chacun avec `--by NOM --why RAISON` ; {show} explique"
        )
        return Verdict.BLOCKING, remedy, "batch_held"
    if batch.state is BatchState.UNCERTAIN:
        remedy = f"ne rien envoyer à la main : la prochaine tournée regarde d'abord chez le partenaire ; {show}"
        return Verdict.BLOCKING, remedy, "batch_uncertain"
    if batch.behind:
        first = batch.behind[0]
        stuck = batch.behind[1] in {BatchState.HELD, BatchState.UNCERTAIN}
        remedy = f"régler d'abord l'envoi {first} : `sobank deliveries show {first}`"
        return Verdict.BLOCKING if stuck else Verdict.ATTENTION, remedy, "batch_behind"
    if batch.state is BatchState.SENDING:
        held = batch.lease_until is not None and batch.lease_until > now
        remedy = "attendre la fin de l'envoi" if held else f"la prochaine tournée le reprend ; {show}"
        return Verdict.ATTENTION, remedy, "batch_sending"
    remedy = f"la prochaine tournée l'envoie, ou `sobank deliveries retry {batch.id} --by NOM --why RAISON`"
    return Verdict.ATTENTION, remedy, "batch_retried" if batch.attempts else "batch_sealed"


def _said(text: str) -> str:
    """What happened, on one line, without the advice below it: what to do is said here, in French."""
    return text.strip().partition("\n")[0].strip()


def _receipt(batch: BatchFacts) -> str:
    receipt = batch.receipt or {}
    moment = receipt.get("at")
    when = f" le {at(datetime.fromisoformat(moment))}" if moment else ""
    answer = f", réponse : {receipt['answer']}" if receipt.get("answer") else ""
    seal = str(receipt.get("sha256", ""))[:12]
    return (
        f"{when} ; accusé : {receipt.get('remote_name', '')}, {receipt.get('size', '')} octets, sha256 {seal}…{answer}"
    )


def partner_checks(account: AccountFacts, *, now: datetime) -> list[Check]:
    """Whether the account's connector is left alone: its circuit is open, or the partner asked for a pause."""
    association = account.association
    if association is None or not association.on_cabinet:
        return []
    circuit = association.circuit
    if circuit is None:
        evidence = f"aucune coupure avec {association.connector}"
        return [Check(step=Step.PARTNER, verdict=Verdict.OK, evidence=evidence)]
    return [_circuit(circuit, f"{account.cabinet}/{association.connector}", now)]


def _circuit(circuit: Circuit, name: str, now: datetime) -> Check:
    cause = f"« {_said(circuit.cause)} »"
    if circuit.kind is CircuitKind.ASKED:
        over = circuit.until <= now
        return Check(
            step=Step.PARTNER,
            verdict=Verdict.OK if over else Verdict.ATTENTION,
            evidence=f"le partenaire a demandé une pause jusqu'au {at(circuit.until)} : {cause}",
            remedy="" if over else "attendre la fin de la pause",
            cause="" if over else "partner_pause",
        )
    return Check(
        step=Step.PARTNER,
        verdict=Verdict.BLOCKING,
        evidence=f"connexion en défaut depuis le {at(circuit.opened_at)}, envois en attente, nouvel essai après le"
        f" {at(circuit.until)} : {cause}",
        remedy=f"corriger la connexion, puis `sobank connectors test {name}`",
        cause="circuit_open",
    )
