"""What the registry answers in a diagnosis: account, connectors, association, mandate (A12)."""

from __future__ import annotations

from sobank.domain.diagnosis import AccountFacts, Check, Step, Verdict
from sobank.domain.diagnosis_words import MANDATE, at, on
from sobank.domain.iban import masked
from sobank.domain.registry import MandateStep


def iban_checks(account: AccountFacts | None, currency: str | None) -> list[Check]:
    """Whether a cabinet has registered the account."""
    if account is None:
        in_currency = f" en {currency}" if currency else ""
        return [
            Check(
                step=Step.IBAN,
                verdict=Verdict.BLOCKING,
                evidence=f"IBAN valide, mais aucun cabinet n'a enregistré ce compte{in_currency}",
                remedy="vérifier l'IBAN et la devise, puis l'enregistrer : `sobank accounts add IBAN --cabinet CODE"
                " --dossier RÉFÉRENCE --by NOM`",
                cause="iban_unknown",
            )
        ]
    evidence = (
        f"{masked(account.iban)} {account.currency}, enregistré : cabinet {account.cabinet}, dossier {account.dossier}"
    )
    return [Check(step=Step.IBAN, verdict=Verdict.OK, evidence=evidence)]


def account_checks(account: AccountFacts) -> list[Check]:
    """Whether account and cabinet are open, and the account is of one cabinet only (D3)."""
    found = []
    if account.claims > 1:
        found.append(
            _blocking(
                Step.ACCOUNT,
                f"{account.claims} cabinets ont enregistré ce compte : ses relevés sont mis en quarantaine",
                "faire clore le compte dans tous les cabinets sauf un",
                "claimed_by_two_cabinets",
            )
        )
    if account.cabinet_closed_at:
        found.append(
            _blocking(
                Step.ACCOUNT,
                f"le cabinet {account.cabinet} est fermé depuis le {at(account.cabinet_closed_at)}",
                "rouvrir le cabinet s'il est toujours client",
                "cabinet_closed",
            )
        )
    if account.closed_at:
        found.append(
            _blocking(
                Step.ACCOUNT,
                f"le compte est clos depuis le {at(account.closed_at)}",
                "corriger le registre si le compte est toujours ouvert",
                "account_closed",
            )
        )
    return found or [
        Check(step=Step.ACCOUNT, verdict=Verdict.OK, evidence="compte ouvert, cabinet ouvert, un seul cabinet")
    ]


def connector_checks(account: AccountFacts) -> list[Check]:
    """Which connectors are on the cabinet (A4)."""
    if account.connectors:
        evidence = f"sur le cabinet {account.cabinet} : {', '.join(account.connectors)}"
        return [Check(step=Step.CONNECTOR, verdict=Verdict.OK, evidence=evidence)]
    return [
        Check(
            step=Step.CONNECTOR,
            verdict=Verdict.ATTENTION,
            evidence=f"aucun connecteur sur le cabinet {account.cabinet}",
            remedy="un administrateur ou superviseur peut en ajouter un : `sobank connectors add NOM --cabinet"
            f" {account.cabinet} --by NOM`",
            cause="no_connector_on_cabinet",
        )
    ]


def association_checks(account: AccountFacts) -> list[Check]:
    """Whether the account is associated, since when and by whom; where its statements go if it is not (A5, D4)."""
    found = account.association
    how = (
        f"`sobank accounts associate IBAN --cabinet {account.cabinet}"
        f" --connector {account.connectors[0] if account.connectors else 'NOM'} --by NOM`"
    )
    if found is None:
        before = "jamais associé"
        if account.former:
            before = f"dissocié de {account.former[0]} le {at(account.former[1])}"
        return [
            Check(
                step=Step.ASSOCIATION,
                verdict=Verdict.ATTENTION,
                evidence=f"aucun connecteur ({before}) : ses relevés vont dans le fichier global du cabinet"
                f" {account.cabinet}",
                remedy=f"pour les envoyer à un partenaire : {how}",
                cause="not_associated",
            )
        ]
    since = f"depuis le {at(found.since)}, par {found.decided_by}"
    if not found.on_cabinet:
        return [
            _blocking(
                Step.ASSOCIATION,
                f"associé à {found.connector} {since}, mais ce connecteur n'est plus sur le cabinet",
                f"associer le compte à un connecteur du cabinet : {how}",
                "connector_missing",
            )
        ]
    evidence = f"associé à {found.connector} ({found.partner}) {since}"
    return [Check(step=Step.ASSOCIATION, verdict=Verdict.OK, evidence=evidence)]


def mandate_checks(account: AccountFacts) -> list[Check]:
    """Which step the mandate is at, since when (A7, D3)."""
    said = MANDATE[account.mandate]
    evidence = f"{said.why} depuis le {on(account.mandate_since)}" if account.mandate_since else said.why
    if account.mandate is MandateStep.APPROVED:
        return [Check(step=Step.MANDATE, verdict=Verdict.OK, evidence=evidence)]
    return [_blocking(Step.MANDATE, evidence, said.remedy, f"mandate_{account.mandate or 'none'}")]


def _blocking(step: Step, evidence: str, remedy: str, cause: str) -> Check:
    return Check(step=step, verdict=Verdict.BLOCKING, evidence=evidence, remedy=remedy, cause=cause)
