"""Every code a CFONB 120 reading can give, with its explanation in French and English: closed tables.

Three tables, because a code says different things of different subjects:
    REFUSALS   why one record was refused; inside a statement the code is also an error of that statement (S1, S7)
    ERRORS     why a statement, whole, may not leave by itself (S6, S8); the refusals' codes come after these
    WARNINGS   what was understood although it was not written as the standard has it; reported, delivered
Codes of one statement are written in the order of the table, separated by one space.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sobank.formats.cfonb120_columns import arrow_strings


class Explanation(NamedTuple):
    """What a code means, to a cabinet (French) and to an engineer (English)."""

    fr: str
    en: str


REFUSALS: Final[dict[str, Explanation]] = {
    "drift": Explanation(
        "Morceau en trop entre deux enregistrements d'un fichier sans fins de ligne.",
        "A piece between two records of a stream without terminators; it begins with no record header.",
    ),
    "too_long": Explanation(
        "Ligne de plus de 120 caractères, qui ne se découpe pas en enregistrements.",
        "A line over 120 characters that cannot be cut into records.",
    ),
    "unknown_record": Explanation(
        "Code d'enregistrement inconnu (ni 01, ni 04, ni 05, ni 07).",
        "The record code is none of 01, 04, 05, 07, and the record does not read as a movement.",
    ),
    "outside_statement": Explanation(
        "Enregistrement hors de tout relevé : aucun 01 ne l'ouvre.",
        "A 04, 05 or 07 while no statement is open.",
    ),
    "complement_without_movement": Explanation(
        "Complément 05 sans mouvement 04 lisible avant lui dans le relevé.",
        "A 05 whose movement is absent from the statement, or was itself refused.",
    ),
    "bad_date": Explanation(
        "Date illisible (JJMMAA attendu).",
        "The date is not a day of the calendar written DDMMYY.",
    ),
    "bad_amount": Explanation(
        "Montant illisible (13 chiffres puis un caractère de signe).",
        "The amount is not 13 digits and one of the twenty sign characters.",
    ),
    "bad_decimals": Explanation(
        "Nombre de décimales illisible (0 à 3, ou blanc).",
        "The number of decimals is neither 0 to 3 nor blank.",
    ),
}

ERRORS: Final[dict[str, Explanation]] = {
    "unclosed": Explanation(
        "Relevé non terminé : pas d'enregistrement 07.",
        "The next 01 or the end of the file came before the 07.",
    ),
    "too_large": Explanation(
        "Relevé de trop d'enregistrements ; coupé à la limite.",
        "As many records as a statement may have, and no 07; cut there, what follows is outside.",
    ),
    "account_differs": Explanation(
        "Un enregistrement du relevé porte un autre numéro de compte que son 01.",
        "A 04, 05 or 07 carries another account than its 01 (S6).",
    ),
    "currency_differs": Explanation(
        "Un enregistrement du relevé porte une autre devise.",
        "A 04, 05 or 07 carries another currency than the statement.",
    ),
    "dates_reversed": Explanation(
        "La date du nouveau solde précède celle de l'ancien.",
        "The closing date is before the opening date.",
    ),
    "amount_overflow": Explanation(
        "La somme des mouvements dépasse ce qu'un montant peut contenir.",
        "The sum of the entries does not fit in 64 bits.",
    ),
    "unbalanced": Explanation(
        "Ancien solde + mouvements ≠ nouveau solde.",
        "Every record was read, and opening + Σ entries is not closing (S8).",
    ),
    **REFUSALS,
}

WARNINGS: Final[dict[str, Explanation]] = {
    "utf8": Explanation(
        "Ligne reçue en UTF-8, convertie en ISO-8859-1.",
        "A line came in UTF-8 and was transcoded to ISO-8859-1.",
    ),
    "drift": Explanation(
        "Enregistrement de moins de 120 caractères dans un fichier sans fins de ligne ; complété par des blancs.",
        "A short record in a stream without terminators; found by the next header, padded right.",
    ),
    "movement_03": Explanation(
        "Enregistrement 03 lu comme un mouvement 04.",
        "A 03 record reads as a movement and was taken as one.",
    ),
    "bank_differs": Explanation(
        "Un enregistrement porte un autre code banque ou guichet que son 01.",
        "A 04, 05 or 07 carries another bank or branch than its 01; it belongs here by position (S6).",
    ),
    "currency_assumed": Explanation(
        "Devise absente ; prise sur les mouvements, sinon EUR.",
        "A blank currency was taken from the other records, else EUR (S4).",
    ),
    "decimals_assumed": Explanation(
        "Nombre de décimales absent ; pris sur les mouvements, sinon 2.",
        "A blank number of decimals was taken from the other records, else 2 (S4).",
    ),
    "mixed_decimals": Explanation(
        "Nombres de décimales différents ; montants ramenés au plus grand.",
        "Records differ in decimals; amounts are scaled, exactly, to the largest.",
    ),
    "bad_value_date": Explanation(
        "Date de valeur illisible ; laissée vide.",
        "The value date of a movement is unreadable and left empty.",
    ),
    "amount_padded": Explanation(
        "Montant complété à gauche par des blancs au lieu de zéros.",
        "Blanks before the first digit of an amount were read as zeros.",
    ),
    "control_characters": Explanation(
        "Caractère nul dans un texte ; montré comme un blanc.",
        "A NUL in a record; shown as a blank in text columns, kept in the canonical record.",
    ),
}

REFUSAL_BIT: Final = {code: 1 << bit for bit, code in enumerate(REFUSALS)}
ERROR_BIT: Final = {code: 1 << bit for bit, code in enumerate(ERRORS)}
WARNING_BIT: Final = {code: 1 << bit for bit, code in enumerate(WARNINGS)}


def spelled(masks: npt.NDArray[np.uint32], table: dict[str, Explanation]) -> pa.Array:
    """One string a mask: the codes of `table` whose bit is set, in the order of the table, separated by a space."""
    distinct, which = np.unique(masks, return_inverse=True)
    said = [" ".join(code for bit, code in enumerate(table) if mask >> bit & 1) for mask in distinct.tolist()]
    which = which.reshape(-1)
    characters = "".join([said[place] for place in which.tolist()]).encode() if any(said) else b""
    return arrow_strings(np.array([len(one) for one in said], np.int64)[which], characters)
