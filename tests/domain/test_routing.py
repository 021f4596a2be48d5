"""The rule of routing: total, in a fixed order of reasons, blind to all but its facts (D1, D3, D4, A5, A7)."""

from __future__ import annotations

from itertools import product

import pytest

from sobank.domain.registry import MandateStep
from sobank.domain.routing import ConnectorFact, Facts, Kind, Reason, Route, route

EVERY = [
    Facts(mandate=m, connector=c, account_known=k, account_closed=a, cabinet_closed=b, claims=n)
    for m, c, k, a, b, n in product(
        [None, *MandateStep], ConnectorFact, (True, False), (True, False), (True, False), (1, 2)
    )
]


@pytest.mark.parametrize("facts", EVERY)
def test_every_combination_of_facts_has_one_route_and_a_reason_only_in_quarantine(facts: Facts) -> None:
    found = route(facts)
    assert (found.reason is not None) == (found.kind is Kind.QUARANTINE)


@pytest.mark.parametrize("facts", EVERY)
def test_nothing_leaves_but_a_known_open_unrivalled_account_with_an_approved_mandate(facts: Facts) -> None:
    may_leave = (
        facts.mandate is MandateStep.APPROVED
        and facts.account_known
        and not (facts.account_closed or facts.cabinet_closed)
        and facts.claims == 1
    )
    assert (route(facts).kind in {Kind.PARTNER, Kind.GLOBAL_FILE}) <= may_leave


@pytest.mark.parametrize("facts", [f for f in EVERY if f.connector is ConnectorFact.MISSING])
def test_an_account_whose_connector_is_missing_never_reaches_the_global_file(facts: Facts) -> None:
    assert route(facts).kind not in {Kind.GLOBAL_FILE, Kind.PARTNER}


def _approved(connector: ConnectorFact) -> Facts:
    return Facts(mandate=MandateStep.APPROVED, connector=connector)


def test_an_associated_account_goes_to_its_connector_and_any_other_to_the_global_file() -> None:
    assert route(_approved(ConnectorFact.ON_CABINET)) == Route(kind=Kind.PARTNER)
    assert route(_approved(ConnectorFact.NONE)) == Route(kind=Kind.GLOBAL_FILE)
    assert route(_approved(ConnectorFact.MISSING)) == Route(kind=Kind.QUARANTINE, reason=Reason.CONNECTOR_MISSING)
