"""What a credit means for open drafts, said before it is granted: what it pays, what it does not, and the way out."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from balances.adjustment_models import Adjustment
from balances.services import NewBalance, create_balance
from billing.compute import compute_invoice
from billing.models import BillingPeriod
from catalog.models import Product
from catalog.services.products import create_product
from tests.admin.world import World, bring_up_to_date
from usage.services import ingest
from usage.store import NewEvent

USD_ID = "2714e483-4ff1-48e4-9e25-ac732e8f24f2"


@pytest.fixture
def product(world: World) -> Product:
    return create_product(product_type="FIXED", fields={"name": "Prepaid credits"}, now=world.since)


def adjust_url(world: World) -> str:
    return reverse("admin:customers_customer_adjust", args=[world.customer])


def text_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode())).replace("&#x27;", "'")


def credit(amount: str, product: Product, **more: str) -> dict[str, str]:
    return {
        "kind": "credit", "key": str(uuid4()), "amount": amount, "credit_type_id": USD_ID,
        "product_id": str(product.pk), "ending_before": "2027-03-20", "reason_code": "GOODWILL",
        "public_reason": "Sorry for the outage",
    } | more  # fmt: skip


def totals(world: World) -> list[Decimal]:
    rows = BillingPeriod.objects.filter(payer_id=world.customer, state="OPEN").order_by("period_start")
    return [compute_invoice(row, at=world.now).total for row in rows]


def test_a_credit_from_now_on_says_what_it_does_not_pay(world: World, product: Product, support: Client) -> None:
    """The world's usage of March stands on the 1st; it is the 20th, 12:30."""
    said = text_of(support.post(adjust_url(world), credit("25", product)))
    assert "1\N{EN DASH}31 Mar 2026" in said
    assert (
        "Usable from 20 Mar 2026, 12:00 UTC: usage before that hour in this draft (1.25 USD) is not paid by it;"
        " what is used from then on is." in said
    )
    assert "Begin 1 Mar 2026 instead" in said
    assert "can spend now 0.00 USD 25.00 USD" in said


def test_the_way_out_begins_with_the_draft_and_pays_it(world: World, product: Product, support: Client) -> None:
    data = credit("25", product)
    again = support.post(adjust_url(world), data | {"restart": "2026-03-01T00"})
    said = text_of(again)
    assert "It pays 1.25 USD of this draft." in said
    assert "1.25 USD 0.00 USD" in said
    # what the draft draws of it at once is not there to be spent
    assert "can spend now 0.00 USD 23.75 USD" in said
    assert "instead" not in said
    assert not Adjustment.objects.exists()
    kept = {name: again.context["form"][name].value() for name in ("begins", "starting_at")}
    assert kept == {"begins": "2026-03-01T00", "starting_at": ""}
    support.post(adjust_url(world), data | kept | {"confirmed": "1"})
    assert f"{Adjustment.objects.get().access_from:%Y-%m-%d %H:%M}" == "2026-03-01 00:00"
    assert totals(world) == [0]


def test_what_the_preview_says_is_what_happens(world: World, product: Product, support: Client) -> None:
    """Two drafts of two contracts, a credit there is already, a day of one's own: by the one compute."""
    sign_up_again(world)
    ingest(events=[NewEvent("late", "acme", "call", world.now, {"tokens": 4000})], now=world.now)
    new = NewBalance(
        kind="CREDIT", product_id=product.pk, name="Old", priority=Decimal(50),
        access=((Decimal(300), world.since, world.now.replace(minute=0) + timedelta(days=90)),),
    )  # fmt: skip
    create_balance(customer_id=world.customer, new=new, now=world.now)
    for more in ({}, {"starting_at": "2026-03-10"}, {"begins": "2026-03-01T00"}, {"priority": "1"}):
        data = credit("5", product) | more
        drafts = support.post(adjust_url(world), data).context["impact"]["drafts"]
        support.post(adjust_url(world), data | {"confirmed": "1"})
        shown = sorted(money_of(draft.after) for draft in drafts)
        assert shown == sorted(total / 100 for total in totals(world)), more


def test_reasons_why_a_draft_is_not_paid(world: World, product: Product, support: Client) -> None:
    other = sign_up_again(world)

    def said(**more: str) -> list[str]:
        answer = support.post(adjust_url(world), credit("25", product, begins="2026-03-01T00") | more)
        return [draft.meaning for draft in answer.context["impact"]["drafts"]]

    assert said(contract_id=str(other))[0] == "Not paid by it: it pays on Second plan only."
    assert said(begins="", starting_at="2026-04-02")[0].startswith(
        "Usable from 2 Apr 2026, 00:00 UTC: all of this draft"
    )
    seats = create_product(product_type="SUBSCRIPTION", fields={"name": "Seats"}, now=world.since)
    assert said(applicable_product_ids=str(seats.pk))[0] == (
        "Not paid by it: this draft holds nothing that it pays for, so far."
    )
    assert said(amount="0.25")[0] == "It pays 0.25 USD of this draft."
    create_balance(
        customer_id=world.customer,
        new=NewBalance(
            kind="CREDIT", product_id=product.pk, priority=Decimal(1),
            access=((Decimal(9_999), world.since, world.now.replace(minute=0) + timedelta(days=90)),),
        ),
        now=world.now,
    )  # fmt: skip
    assert said()[0] == "There is nothing left to pay in it, so far."
    assert said(priority="0")[0] == "It pays 1.25 USD of this draft, in place of other balances: the total stays."


def test_an_entry_says_what_it_changes_in_drafts(world: World, product: Product, support: Client) -> None:
    new = NewBalance(
        kind="CREDIT", product_id=product.pk, name="Starter",
        access=((Decimal(100), world.since, world.now.replace(minute=0) + timedelta(days=90)),),
    )  # fmt: skip
    segment = create_balance(customer_id=world.customer, new=new, now=world.now).segments.get()
    data = {
        "kind": "entry", "key": str(uuid4()), "segment_id": str(segment.pk), "amount": "0.75",
        "reason_code": "OTHER", "public_reason": "because",
    }  # fmt: skip
    more = text_of(support.post(adjust_url(world), data | {"direction": "add"}))
    assert "It pays 0.25 USD of this draft." in more
    assert "can spend now 0.00 USD 0.50 USD" in more
    less = text_of(support.post(adjust_url(world), data | {"direction": "take"}))
    assert "It pays 0.75 USD less of this draft." in less


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"begins": "2026-02-01T00"}, "begins"), ({"begins": "x"}, "begins"),
        ({"begins": "2026-03-01T00", "starting_at": "2026-03-05"}, "starting_at"),
        ({"starting_at": "1999-12-31"}, "starting_at"),
    ],
)  # fmt: skip
def test_a_start_that_cannot_be(
    more: dict[str, str], field: str, world: World, product: Product, support: Client
) -> None:
    answer = support.post(adjust_url(world), credit("25", product) | more)
    assert answer.status_code == 400
    assert field in answer.context["form"].errors


def test_more_balances_cost_the_page_no_more_queries(world: World, product: Product, support: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            assert support.post(adjust_url(world), credit("25", product)).context["impact"] is not None
        return len(found)

    def grant() -> None:
        new = NewBalance(
            kind="CREDIT", product_id=product.pk,
            access=((Decimal(10), world.since, world.now.replace(minute=0) + timedelta(days=90)),),
        )  # fmt: skip
        create_balance(customer_id=world.customer, new=new, now=world.now)

    grant()
    queries()
    few = queries()
    for _ in range(4):
        grant()
    assert queries() == few


def test_folds_are_closed_until_something_behind_them_is_filled_in_or_wrong(
    world: World, product: Product, support: Client
) -> None:
    def opened(answer: Any) -> list[str]:
        return [fold.title for fold in answer.context["form"].folds() if fold.is_open]

    arrived = support.get(adjust_url(world))
    assert opened(arrived) == []
    assert [field.name for field in arrived.context["form"].first_fields()] == [
        "amount",
        "reason_code",
        "public_reason",
    ]
    lines = [fold.set_to for fold in arrived.context["form"].folds()]
    assert lines == [
        "from now, 12:00 UTC, expires 20 Mar 2027", "named as its product, booked under Prepaid credits",
        "everything, on all contracts, priority 100", "no ticket, no note",
    ]  # fmt: skip
    standard = credit("", product, priority="100", begins="now", contract_id="", starting_at="", name="")
    assert opened(support.post(adjust_url(world), standard)) == []
    assert opened(support.post(adjust_url(world), standard | {"priority": "5"})) == ["Limit what it pays for"]
    wrong = support.post(adjust_url(world), standard | {"amount": "5", "ticket_url": "T-5"})
    assert opened(wrong) == ["For staff only"]
    assert re.findall(r'name="(\w+)"[^>]* autofocus', wrong.content.decode()) == ["ticket_url"]
    bad = support.post(adjust_url(world), standard | {"ending_before": "yesterday"}).content.decode()
    assert re.findall(r'name="(\w+)"[^>]* autofocus', bad) == ["amount"]


def test_a_product_that_nobody_could_guess_is_asked_before_the_folds(
    world: World, product: Product, support: Client
) -> None:
    create_product(product_type="FIXED", fields={"name": "Another"}, now=world.since)
    form = support.get(adjust_url(world)).context["form"]
    assert "product_id" in [field.name for field in form.first_fields()]


def sign_up_again(world: World) -> Any:
    """A second contract of the same customer, which began later."""
    from contracts.services import create_contract

    start = world.now.replace(day=5, hour=0, minute=0)
    made = create_contract(
        customer_id=world.customer, rate_card_id=world.card, name="Second plan", starting_at=start, now=world.now
    )
    bring_up_to_date(world.now)
    return made.pk


def money_of(cell: str) -> Decimal:
    exact = re.search(r'title="([\d.,]+)"', cell)
    plain = re.sub(r"<[^>]+>|[A-Z,\s]", "", cell)
    return Decimal(exact[1].replace(",", "") if exact else plain)
