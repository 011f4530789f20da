"""Renewals in the back office: the policy on a contract's page, the list, its file and the calendar."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from contracts.models import Contract, RenewalPolicy
from contracts.services import create_contract
from contracts.services.renewals import renew_due_contracts, set_renewal
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


def listed(client: Client, **query: str) -> list[str]:
    answer = client.get(url_of("contracts_renewals"), query)
    assert answer.status_code == 200
    return [row.contract.customer.name for row in answer.context["endings"]]


def test_the_list_says_what_will_happen_and_what_was_decided(world: World, finance: Client) -> None:
    ends = {"Soon": 12, "Later": 45, "Much later": 80, "Silent": 20}
    day = world.now.replace(hour=0, minute=0)
    made = {name: deal(name, day + timedelta(days=days), now=world.now) for name, days in ends.items()}
    for name in ("Soon", "Later", "Much later"):
        set_renewal(contract_id=made[name].pk, kind="SAME_TERMS", months=1, notice_days=5, now=world.now)
    assert listed(finance) == ["Soon", "Silent"]
    assert listed(finance, show="60") == ["Soon", "Silent", "Later"]
    assert listed(finance, show="90") == ["Soon", "Silent", "Later", "Much later"]
    assert listed(finance, show="90", q="late") == ["Later", "Much later"]
    assert listed(finance, q=str(made["Soon"].customer_id)) == ["Soon"]
    assert listed(finance, show="overdue") == listed(finance, show="decided") == []
    assert listed(finance, day=f"{day + timedelta(days=45):%Y-%m-%d}") == ["Later"]
    page = finance.get(url_of("contracts_renewals")).content.decode()
    for words in ("Same terms for 1 month", "Nothing is agreed", "due 27 Mar 2026", "none yet"):
        assert words in page, words
    RenewalPolicy.objects.filter(contract=made["Later"]).update(attempts=2, last_error="Boom")
    assert listed(finance, show="overdue") == ["Later"]
    renew_due_contracts(now=day + timedelta(days=13))
    assert listed(finance, show="decided") == ["Soon"]
    page = finance.get(url_of("contracts_renewals"), {"show": "decided"}).content.decode()
    assert "as agreed" in page
    answer = finance.get(url_of("contracts_renewals_csv"), {"show": "90"})
    file = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    assert "Much later plan" in file
    assert "2 times" not in file
    assert ",2,Boom" in file


def test_longer_lists_and_fuller_months_cost_no_more_queries(world: World, finance: Client) -> None:
    def some(prefix: str, many: int) -> None:
        for number in range(many):
            contract = deal(f"{prefix} {number}", now=world.now)
            set_renewal(contract_id=contract.pk, kind="SAME_TERMS", now=world.now)

    def queries() -> list[int]:
        counts = []
        for name, query in (("contracts_renewals", {}), ("contracts_renewals_calendar", {"month": "2026-04"})):
            with CaptureQueriesContext(connection) as found:
                assert finance.get(url_of(name), query).status_code == 200
            counts.append(len(found))
        return counts

    some("Few", 2)
    few = queries()
    some("Many", 6)
    assert queries() == few
    page = finance.get(url_of("contracts_renewals_calendar"), {"month": "2026-04"}).content.decode()
    assert "8 terms end" in page
    assert "and 4 more" in page
    assert "Wednesday 1 Apr 2026" in page
    some("A page of them", 45)
    assert len(listed(finance)) == 50
    assert len(listed(finance, p="2")) == 3


@pytest.mark.parametrize(
    "query",
    ["show=%F0", "show=-1", "q=%F0", "q=" + "x" * 5000, "p=0", "p=abc", "p=99999", "day=0000-01-01", "day=9999-12-31",
     "month=2026-13", "month=0001-01", "month=9999-12", "month=2200-12", "month=2000-01", "month=%F0"],
)  # fmt: skip
def test_garbage_in_the_address_is_no_error(query: str, world: World, support: Client) -> None:
    for name in ("contracts_renewals", "contracts_renewals_csv", "contracts_renewals_calendar"):
        assert support.get(f"{url_of(name)}?{query}").status_code == 200
