"""The right answers to what is asked of the registry, found in its arrays the slow and obvious way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.registry_world import STEPS, World, connector_of
from sobank.store.listing import COUNTED, WALKED
from sobank.store.text_search import fold

_SIZE: Final = 50
Flags = npt.NDArray[np.bool_]


class Answers:
    """Of one world. Accounts, dossiers and cabinets are numbered in the order of their lists."""

    def __init__(self, made: World) -> None:
        self._made = made
        self._companies = pa.array([fold(name) for name in made.company])
        self._sirets = pa.array(made.siret)
        self._place = {iban: place for place, iban in enumerate(made.iban.to_pylist())}

    def to(self, asks: Mapping[str, Any]) -> Any:
        """The answer to a question, in the form in which `benchmarks.ours.registry` gives it."""
        return {
            "accounts": self._accounts,
            "dossiers": self._dossiers,
            "cabinets": self._cabinets,
            "sheet": self._sheet,
            "diagnosis": self._diagnosis,
        }[asks["what"]](asks)

    def _accounts(self, asks: Mapping[str, Any]) -> Any:
        made = self._made
        kept = self._seen(asks["user"])[made.cabinet]
        if "cabinet" in asks:
            kept &= made.cabinet == int(asks["cabinet"].removeprefix("CAB"))
        if "mandate" in asks:
            steps = [*STEPS, "none"]
            kept &= made.step == steps.index(asks["mandate"])
        if "connector" in asks:
            kept &= self._connected(asks["connector"])
        if text := asks.get("search"):
            kept &= self._part_of(made.iban, text.replace(" ", "").upper()) | self._company_has(text)[made.dossier]
        return _page(kept, asks)

    def _dossiers(self, asks: Mapping[str, Any]) -> Any:
        kept = self._seen(asks["user"])[self._made.cabinet_of_dossier]
        return _page(kept & self._company_has(asks["search"]) if "search" in asks else kept, asks)

    def _cabinets(self, asks: Mapping[str, Any]) -> Any:
        return _page(self._seen(asks["user"]), asks)

    def _sheet(self, asks: Mapping[str, Any]) -> Any:
        place = asks["account_id"] - 1
        had = [connector_of(int(self._made.cabinet[place]))] if self._made.associated[place] else []
        return [place + 1, 0, had]

    def _diagnosis(self, asks: Mapping[str, Any]) -> Any:
        place = self._place[asks["iban"]]
        step = STEPS[self._made.step[place]]
        cause = "" if self._made.associated[place] else "not_associated"
        cause = cause if step == "approved" else f"mandate_{step}"
        return [[self._made.code(int(self._made.cabinet[place])), cause]]

    def _seen(self, user: str | None) -> Flags:
        if user is None:
            return np.ones(self._made.cabinets, bool)
        return np.isin(np.arange(self._made.cabinets), self._made.members()[user])

    def _connected(self, name: str) -> Flags:
        if not name:
            return ~self._made.associated
        called = np.array([connector_of(n) == name for n in range(self._made.cabinets)])
        found: Flags = called[self._made.cabinet] & self._made.associated
        return found

    def _company_has(self, text: str) -> Flags:
        return self._part_of(self._companies, fold(text) or "") | self._part_of(self._sirets, text.replace(" ", ""))

    def _part_of(self, texts: pa.Array, part: str) -> Flags:
        found: Flags = pc.match_substring(texts, part).to_numpy(zero_copy_only=False)
        return found


def _page(kept: Flags, asks: Mapping[str, Any]) -> Any:
    ids = np.flatnonzero(kept) + 1
    if "after" in asks:
        shown = ids[np.searchsorted(ids, asks["after"], side="right") :][:_SIZE]
    else:
        first = (asks.get("page", 1) - 1) * _SIZE
        reached = ids[:WALKED] if len(ids) > COUNTED else ids
        shown = reached[first : first + _SIZE]
    return [shown.tolist(), min(len(ids), COUNTED), len(ids) > COUNTED]
