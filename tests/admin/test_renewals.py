"""Renewals in the back office: the policy on a contract's page, the list, its file and the calendar."""

from datetime import UTC, datetime

import pytest
from django.test import Client

from contracts.models import Contract, RenewalPolicy
from contracts.services import create_contract
from contracts.services.renewals import renew_due_contracts
from core.models import AuditEntry
from customers.services import create_customer
from tests.admin.test_making import errors_of, url_of
from tests.admin.world import World

END = datetime(2026, 4, 1, tzinfo=UTC)


def deal(name: str, end: datetime = END, *, now: datetime) -> Contract:
    """A contract of three months."""
    customer = create_customer(name=name, ingest_aliases=[], now=now)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return create_contract(customer_id=customer.pk, name=f"{name} plan", starting_at=start, ending_before=end, now=now)


def shown(client: Client, contract: Contract) -> str:
    return client.get(url_of("contracts_contract_change", contract.pk)).content.decode()


def agreed(client: Client, contract: Contract, **filled: str) -> list[str]:
    """Fills in the form, reads the effect, and confirms it."""
    page = url_of("contracts_contract_renewal_policy", contract.pk)
    before = list(RenewalPolicy.objects.values())
    shown_first = client.post(page, filled)
    assert shown_first.status_code == 200, errors_of(shown_first)
    assert list(RenewalPolicy.objects.values()) == before
    assert client.post(page, filled | {"confirmed": shown_first.context["seal"]}).status_code == 302
    return list(shown_first.context["effects"])


def test_a_policy_is_agreed_on_by_hand_and_followed(world: World, finance: Client, support: Client) -> None:
    contract = deal("Globex", now=world.now)
    assert "Nothing is agreed" in shown(finance, contract)
    filled = {"kind": "SAME_TERMS", "notice_days": "5", "uplift_percent": "5"}
    said = agreed(finance, contract, **filled)
    assert said == [
        "So far: Nothing is agreed.",
        "From now on: Same terms for 3 months, prices up 5 %.",
        "The term ends 1 Apr 2026, 00:00 UTC. A new contract goes on until 1 Jul 2026, 00:00 UTC.",
        "Notice is given 27 Mar 2026, 00:00 UTC.",
    ]
    assert AuditEntry.objects.filter(action="contract.renewal_set", user__username="a-finance").count() == 1
    page = shown(support, contract)
    assert "Same terms for 3 months, prices up 5 %" in page
    assert "due 27 Mar 2026" in page
    assert "Change renewal policy" not in page
    assert support.get(url_of("contracts_contract_renewal_policy", contract.pk)).status_code == 403
    renew_due_contracts(now=END)
    made = Contract.objects.get(renews=contract)
    assert "Renewed" in shown(finance, contract)
    assert "Made by renewal" in shown(finance, made)
    said = agreed(finance, made, kind="WITHDRAW")
    assert said[1:3] == [
        "From now on: nothing is agreed.",
        "The term ends 1 Jul 2026, 00:00 UTC. It ends: what was agreed was taken back.",
    ]
    assert RenewalPolicy.objects.get(contract=made).state == "WITHDRAWN"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"uplift_percent": "much"}, "uplift_percent"),
        ({"uplift_percent": "-101"}, "uplift_percent"),
        ({"term_months": "0"}, "term_months"),
        ({"term_months": "one"}, "term_months"),
        ({"notice_days": "4000"}, "notice_days"),
        ({"kind": "NOTIFY_ONLY", "uplift_percent": "5"}, "uplift_percent"),
        ({"kind": "WITHDRAW"}, "kind"),
    ],
)
def test_a_refusal_stands_at_its_field(wrong: dict[str, str], field: str, world: World, finance: Client) -> None:
    contract = deal("Globex", now=world.now)
    answer = finance.post(url_of("contracts_contract_renewal_policy", contract.pk), {"kind": "SAME_TERMS"} | wrong)
    assert answer.status_code == 400
    assert field in errors_of(answer)
    assert not RenewalPolicy.objects.exists()
