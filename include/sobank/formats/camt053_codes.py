"""Every code that a CAMT.053 reading adds to those of CFONB 120, explained: a closed table.

A refused entry's code is also an error of its statement, which may then not leave by itself; `not_booked` alone is a
warning there, as such an entry is no part of the closing balance.
"""

from __future__ import annotations

from typing import Final

from sobank.formats.cfonb120_codes import Explanation

REFUSALS: Final[dict[str, Explanation]] = {
    "not_camt053": Explanation(
        "Fichier du zip qui n'est pas un CAMT.053 lu ici ; les autres ont été lus.",
        "A file of the zip is no CAMT.053 in a version that is read; the others were read.",
    ),
    "no_statement": Explanation(
        "Document sans relevé (aucun Stmt).",
        "The document holds no Stmt.",
    ),
    "no_account": Explanation(
        "Relevé sans compte (Acct absent, ou placé après les écritures).",
        "The statement names no account before its first entry.",
    ),
    "foreign_account": Explanation(
        "Compte qui n'est ni français ni monégasque : CFONB 120 ne peut pas le porter.",
        "The account is neither French nor Monegasque: CFONB 120 cannot carry it.",
    ),
    "bad_account": Explanation(
        "IBAN ou RIB dont la clé est fausse.",
        "The check digits of the IBAN, or the RIB key, are wrong.",
    ),
    "bad_currency": Explanation(
        "Devise absente ou illisible.",
        "The currency is absent, or is not three capital letters.",
    ),
    "currency_not_carried": Explanation(
        "Devise à plus de trois décimales : CFONB 120 ne peut pas la porter.",
        "A currency of more than three decimals: CFONB 120 cannot carry it.",
    ),
    "no_opening_balance": Explanation(
        "Solde d'ouverture absent (OPBD ou PRCD) dans la devise du compte.",
        "No opening balance (OPBD, else PRCD) in the currency of the account.",
    ),
    "no_closing_balance": Explanation(
        "Solde de clôture absent (CLBD) dans la devise du compte.",
        "No closing balance (CLBD) in the currency of the account.",
    ),
    "ambiguous_balance": Explanation(
        "Deux soldes du même type qui se contredisent.",
        "Two balances of one kind say different things.",
    ),
    "too_large": Explanation(
        "Relevé de trop d'enregistrements.",
        "More records than a statement may have.",
    ),
    "not_booked": Explanation(
        "Écriture annoncée mais non comptabilisée : elle n'est pas dans le solde.",
        "An entry that is announced, not booked: it is no part of the closing balance.",
    ),
    "foreign_currency": Explanation(
        "Écriture dans une autre devise que celle du compte.",
        "An entry in another currency than the account's.",
    ),
    "bad_amount": Explanation(
        "Montant absent ou illisible.",
        "The amount is absent, or no unsigned decimal number.",
    ),
    "bad_sign": Explanation(
        "Sens absent ou inconnu (CRDT ou DBIT attendu).",
        "CdtDbtInd is absent, or neither CRDT nor DBIT.",
    ),
    "too_many_decimals": Explanation(
        "Montant avec plus de décimales que sa devise.",
        "The amount has more decimals than its currency.",
    ),
    "amount_too_large": Explanation(
        "Montant de plus de quatorze chiffres.",
        "The amount has more than fourteen digits.",
    ),
    "no_date": Explanation(
        "Écriture sans date comptable ni date de valeur.",
        "The entry has neither booking nor value date.",
    ),
    "bad_date": Explanation(
        "Date illisible, ou hors de 1970–2069.",
        "The date is no day of the calendar, or is not between 1970 and 2069.",
    ),
    "does_not_fit": Explanation(
        "Contenu qui n'entre pas dans les zones de CFONB 120.",
        "Something does not fit in the zones of CFONB 120.",
    ),
}

WARNINGS: Final[dict[str, Explanation]] = {"not_booked": REFUSALS["not_booked"]}
