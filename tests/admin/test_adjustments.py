"""Adjusting in the back office: what support and finance see, do, and are kept from."""

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from balances.adjustment_models import Adjustment, LedgerCheck
from balances.models import Balance, LedgerEntry, Segment
from balances.services import NewBalance, create_balance
from balances.services.checks import check_ledgers
from billing.selectors.live_balances import balances_now, net_balance
from catalog.models import Product
from catalog.services.products import create_product
from contracts.models import Contract
from core.models import AuditEntry, OutboxEvent
from tests.admin.world import World, sign_up
from usage.services import ingest
from usage.store import NewEvent

USD_ID = "2714e483-4ff1-48e4-9e25-ac732e8f24f2"


@pytest.fixture
def product(world: World) -> Product:
    return create_product(product_type="FIXED", fields={"name": "Prepaid credits"}, now=world.since)


@pytest.fixture
def segment(world: World, product: Product) -> Segment:
    """100.00 USD over this month and the next eleven."""
    return grant(world, product, 10_000)


def grant(world: World, product: Product, amount: int, name: str = "Starter credit", **more: Any) -> Segment:
    start = world.now.replace(day=1, hour=0, minute=0)
    end = more.pop("until", start + timedelta(days=365))
    customer = more.pop("customer", world.customer)
    new = NewBalance(kind="CREDIT", product_id=product.pk, name=name, access=((Decimal(amount), start, end),), **more)
    return create_balance(customer_id=customer, new=new, now=world.now).segments.get()


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


def entry(amount: str, segment: Segment, **more: str) -> dict[str, str]:
    return {
        "kind": "entry", "key": str(uuid4()), "amount": amount, "segment_id": str(segment.pk), "direction": "add",
        "reason_code": "SERVICE_CREDIT", "public_reason": "Sorry for the outage",
    } | more  # fmt: skip


def send(client: Client, world: World, data: dict[str, str]) -> Any:
    return client.post(adjust_url(world), data | {"confirmed": "1"}, follow=True)


# --- support's path -------------------------------------------------------------------------------------------------


def test_support_grants_a_credit_from_the_customers_page(world: World, product: Product, support: Client) -> None:
    page = support.get(reverse("admin:customers_customer_change", args=[world.customer]))
    assert adjust_url(world) in page.content.decode()
    form = support.get(adjust_url(world))
    assert form.context["form"]["ending_before"].value().isoformat() == "2027-03-20"
    assert "You may post up to 100.00 USD alone" in text_of(form)

    data = credit("25", product, ticket_url="https://tickets.example.com/5", note="they wrote in")
    preview = support.post(adjust_url(world), data)
    said = text_of(preview)
    assert "+25.00 USD" in said
    assert "Acme Robotics can spend now 0.00 USD 25.00 USD" in said
    assert "Posted at once." in said
    assert not Adjustment.objects.exists()

    done = send(support, world, data)
    assert done.redirect_chain == [(f"/admin/customers/customer/{world.customer}/change/?tab=balances", 302)]
    row = Adjustment.objects.get()
    assert (row.status, row.amount, row.made_by.username, row.ticket_url) == (
        "POSTED", 2_500, "a-support", "https://tickets.example.com/5",
    )  # fmt: skip
    assert f"/admin/balances/adjustment/{row.pk}/change/" in done.content.decode()
    assert "+25.00 USD is posted for Acme Robotics." in text_of(done)
    assert "Can spend now, USD 25.00 USD" in text_of(done)
    audited = AuditEntry.objects.get(action="adjustment.posted")
    assert (audited.user.username, audited.reason, audited.ip) == ("a-support", "Sorry for the outage", "127.0.0.1")
    assert audited.detail["change"] == "25.00 USD"
    assert OutboxEvent.objects.filter(name="adjustment.posted", customer_id=world.customer).count() == 1


def test_a_credit_may_be_limited_to_what_it_pays_for(world: World, product: Product, support: Client) -> None:
    usage = Product.objects.filter(type="USAGE").first()
    assert usage is not None
    contract = Contract.objects.filter(customer_id=world.customer).order_by("starting_at").first()
    assert contract is not None
    create_product(product_type="SUBSCRIPTION", fields={"name": "Seats", "tags": ["plan"]}, now=world.since)
    form = text_of(support.get(adjust_url(world)))
    assert "Limit what it pays for" in form
    data: dict[str, Any] = credit("25", product, contract_id=str(contract.pk), priority="5")
    data |= {"applicable_product_ids": [str(usage.pk)], "applicable_product_tags": ["plan"]}
    preview = support.post(adjust_url(world), data)
    said = text_of(preview)
    assert f"Pays for {usage}, all tagged plan; on {contract} only Priority 5" in said
    send(support, world, data)
    made = Balance.objects.get(granted_by__isnull=False)
    assert (made.applicable_product_ids, made.applicable_product_tags) == ([str(usage.pk)], ["plan"])
    assert (made.applicable_contract_ids, made.priority) == ([str(contract.pk)], 5)
    row = Adjustment.objects.get()
    record = text_of(support.get(reverse("admin:balances_adjustment_change", args=[row.pk])))
    assert f"{usage}, all tagged plan; on {contract} only" in record
    for more, field in [
        ({"contract_id": str(uuid4())}, "contract_id"),
        ({"applicable_product_ids": [str(product.pk)]}, "applicable_product_ids"),
        ({"applicable_product_tags": ["no such"]}, "applicable_product_tags"),
        ({"priority": "first"}, "priority"),
    ]:
        answer = support.post(adjust_url(world), data | {"key": str(uuid4()), "confirmed": "1"} | more)
        if field in answer.context["form"].fields:
            assert field in answer.context["form"].errors
            assert '<details class="bo-more" open>' in answer.content.decode()
    row = support.get(reverse("admin:balances_balance_changelist"))
    assert f'href="/admin/balances/balance/{made.pk}/change/" title="Live, with drafts"' in row.content.decode()


def test_finance_is_led_to_the_audit_row(world: World, product: Product, finance: Client) -> None:
    done = send(finance, world, credit("25", product))
    audited = AuditEntry.objects.get(action="adjustment.posted")
    link = f"/admin/core/auditentry/{audited.pk}/change/"
    assert link in done.content.decode()
    assert finance.get(link).status_code == 200


def test_an_entry_adds_to_and_takes_from_a_balance(world: World, segment: Segment, support: Client) -> None:
    preview = text_of(support.post(adjust_url(world), entry("12.50", segment)))
    assert "Starter credit, 1 Mar 2026 \N{EN DASH} 28 Feb 2027 98.75 USD 111.25 USD" in preview
    send(support, world, entry("12.50", segment))
    send(support, world, entry("2.5", segment, direction="take"))
    segment.refresh_from_db()
    assert segment.balance == 11_000
    assert list(LedgerEntry.objects.filter(kind="MANUAL").values_list("amount", "reason", "created_by")) == [
        (1_250, "Sorry for the outage", "a-support"),
        (-250, "Sorry for the outage", "a-support"),
    ]


def test_taking_what_drafts_draw_is_said_beforehand(world: World, segment: Segment, support: Client) -> None:
    said = text_of(support.post(adjust_url(world), entry("100", segment, direction="take")))
    assert "Drafts already draw 1.25 USD of what you take" in said
    assert send(support, world, entry("100.01", segment, direction="take")).status_code == 400
    assert "more than the balance holds" in text_of(send(support, world, entry("100.01", segment, direction="take")))
    assert send(support, world, entry("100", segment, direction="take")).status_code == 200


def test_the_customer_reads_the_public_reason_and_nothing_else(world: World, segment: Segment, support: Client) -> None:
    send(support, world, entry("1", segment, note="SECRET note"))
    send(support, world, credit("2", Product.objects.get(type="FIXED"), note="SECRET note"))
    rows = list(Balance.objects.prefetch_related("segments").order_by("created_at"))
    live = balances_now(customer_id=world.customer, balances=rows, now=world.now)
    ledgers = [line for row in rows for line in live[row.pk].ledger]
    assert [line["reason"] for line in ledgers if "reason" in line] == ["Sorry for the outage"] * 2
    assert "SECRET" not in str(ledgers)


def test_the_link_of_a_balance_chooses_it(world: World, segment: Segment, product: Product, support: Client) -> None:
    other = grant(world, product, 500, "Other")
    page = support.get(f"{adjust_url(world)}?segment={other.pk}")
    assert page.context["kind"] == "entry"
    assert page.context["form"]["segment_id"].value() == str(other.pk)
    assert str(segment.pk) in page.content.decode()


def test_going_back_keeps_what_was_typed(world: World, product: Product, support: Client) -> None:
    page = support.post(adjust_url(world), credit("25.75", product) | {"back": "1"})
    assert page.context["impact"] is None
    assert page.context["form"]["amount"].value() == "25.75"


def test_a_doubled_click_posts_once(world: World, product: Product, support: Client) -> None:
    data = credit("25", product)
    send(support, world, data)
    send(support, world, data)
    assert Balance.objects.count() == 1


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"amount": ""}, "amount"), ({"amount": "0"}, "amount"), ({"amount": "-5"}, "amount"),
        ({"amount": "25,0,0"}, "amount"), ({"amount": "25.001"}, "amount"), ({"amount": "1e3"}, "amount"),
        ({"amount": "NaN"}, "amount"), ({"amount": "9" * 61}, "amount"), ({"amount": "٢٥"}, "amount"),
        ({"amount": "25\x00"}, "amount"),
        ({"credit_type_id": str(uuid4())}, "credit_type_id"), ({"credit_type_id": "x"}, "credit_type_id"),
        ({"product_id": str(uuid4())}, "product_id"), ({"reason_code": "NOPE"}, "reason_code"),
        ({"public_reason": " "}, "public_reason"), ({"public_reason": "x" * 501}, "public_reason"),
        ({"ticket_url": "javascript:alert(1)"}, "ticket_url"), ({"ticket_url": "T-5"}, "ticket_url"),
        ({"ending_before": "2026-03-20"}, "ending_before"), ({"ending_before": "9999-01-01"}, "ending_before"),
        ({"ending_before": "yesterday"}, "ending_before"), ({"starting_at": "2027-03-20"}, "starting_at"),
        ({"starting_at": "0001-01-01x"}, "starting_at"), ({"note": "x" * 2001}, "note"), ({"key": "x"}, "key"),
        ({"name": "x" * 201}, "name"),
    ],
)  # fmt: skip
def test_bad_input_is_said_beside_its_field(
    more: dict[str, str], field: str, world: World, product: Product, support: Client
) -> None:
    for confirmed in ({}, {"confirmed": "1"}):
        answer = support.post(adjust_url(world), credit("25", product) | more | confirmed)
        assert answer.status_code == 400
        assert field in answer.context["form"].errors
    assert not Adjustment.objects.exists()


def test_currencies_are_read_in_their_own_decimals(world: World, product: Product, support: Client) -> None:
    from catalog.models import CreditType

    euro = CreditType.objects.get(code="EUR")
    data = credit("15", product) | {"credit_type_id": str(euro.pk)}
    # the customer deals in no euros: the list does not offer them
    assert support.post(adjust_url(world), data).status_code == 400
    create_balance(
        customer_id=world.customer,
        new=NewBalance(
            kind="CREDIT", product_id=product.pk, credit_type_id=euro.pk,
            access=((Decimal(5), world.since, world.now.replace(minute=0) + timedelta(days=9)),),
        ),
        now=world.now,
    )  # fmt: skip
    held = Segment.objects.get()
    answer = support.post(adjust_url(world), entry("1.505", held))
    assert "amount" in answer.context["form"].errors
    send(support, world, entry("15.25", held))
    held.refresh_from_db()
    assert held.balance == Decimal("20.25")


def test_without_a_product_or_a_balance_the_page_says_what_is_missing(world: World, support: Client) -> None:
    assert "there is none yet" in text_of(support.get(adjust_url(world)))
    assert "no commit or credit that is open" in text_of(support.get(f"{adjust_url(world)}?kind=entry"))
    assert support.get(reverse("admin:customers_customer_adjust", args=[uuid4()])).status_code == 404
    assert support.put(adjust_url(world)).status_code == 405


def test_an_archived_customer_is_not_adjusted(world: World, product: Product, finance: Client) -> None:
    from customers.services import archive_customer

    archive_customer(customer_id=world.customer, now=world.now)
    assert "cannot be adjusted" in text_of(finance.get(adjust_url(world), follow=True))
    page = finance.get(reverse("admin:customers_customer_change", args=[world.customer])).content.decode()
    assert "Adjust balance" not in page


# --- the second person ----------------------------------------------------------------------------------------------


def test_above_the_limit_it_waits_and_finance_approves(
    world: World, segment: Segment, support: Client, finance: Client
) -> None:
    preview = text_of(support.post(adjust_url(world), entry("450", segment)))
    assert "Needs a second person: it is above what you may post alone (100.00 USD)." in preview
    assert "a-finance can approve it" in preview
    done = send(support, world, entry("450", segment))
    assert "waits for a second person" in text_of(done)
    row = Adjustment.objects.get()
    assert row.status == "PENDING"

    queue = finance.get(f"{reverse('admin:balances_adjustment_changelist')}?status=PENDING")
    assert [found.pk for found in queue.context["cl"].result_list] == [row.pk]
    assert "+450.00 USD" in text_of(queue)
    page = finance.get(act("change", row))
    assert {button["title"] for button in page.context["record_actions"]} == {"Approve", "Reject"}
    confirm = text_of(finance.get(act("approve", row)))
    assert "100.00 USD posted now, 550.00 USD afterwards" in confirm
    posted = finance.post(act("approve", row), {"note": "agreed"}, follow=True)
    assert "+450.00 USD is posted for Acme Robotics. See the audit row" in text_of(posted)
    segment.refresh_from_db()
    assert segment.balance == 55_000
    assert AuditEntry.objects.get(action="adjustment.posted").user.username == "a-finance"
    assert finance.post(act("approve", row), {"note": "again"}).status_code == 400


def act(name: str, row: Adjustment) -> str:
    return reverse(f"admin:balances_adjustment_{name}", args=[row.pk])


def test_the_maker_has_no_button_and_is_told_why(
    world: World, segment: Segment, finance: Client, as_role: Callable[[str], Client]
) -> None:
    send(finance, world, entry("20,000", segment))
    row = Adjustment.objects.get()
    page = finance.get(act("change", row))
    assert [button["title"] for button in page.context["record_actions"]] == ["Withdraw"]
    assert "You asked for this yourself" in text_of(page)
    refused = finance.post(act("approve", row), {"note": ""})
    assert refused.status_code == 400
    assert "you asked for this yourself" in text_of(refused).lower()
    row.refresh_from_db()
    assert row.status == "PENDING"
    assert as_role("owner").post(act("approve", row), {"note": ""}).status_code == 302


def test_rejecting_asks_why_and_withdrawing_is_the_makers(
    world: World, segment: Segment, support: Client, finance: Client
) -> None:
    for amount in ("450", "460"):
        send(support, world, entry(amount, segment))
    first, second = Adjustment.objects.order_by("amount")
    assert finance.post(act("reject", first), {"note": " "}).status_code == 400
    assert "nothing is posted" in text_of(finance.post(act("reject", first), {"note": "no"}, follow=True))
    assert finance.post(act("withdraw", second), {"note": ""}).status_code == 400
    assert support.post(act("withdraw", second), {"note": ""}).status_code == 302
    assert support.post(act("approve", second), {"note": ""}).status_code == 403
    assert list(Adjustment.objects.order_by("amount").values_list("status", flat=True)) == ["REJECTED", "WITHDRAWN"]
    assert not LedgerEntry.objects.filter(kind="MANUAL").exists()


def test_the_badge_and_the_tile_count_what_waits(
    world: World, segment: Segment, support: Client, finance: Client
) -> None:
    def badge(client: Client) -> str:
        groups = client.get("/admin/").context["sidebar_navigation"]
        [work] = [item for group in groups for item in group["items"] if item["title"] == "Approvals"]
        return work.get("badge", "")

    assert badge(finance) == ""
    send(support, world, entry("450", segment))
    send(finance, world, entry("20,000", segment))
    assert (badge(finance), badge(support)) == ("1", "")
    tiles = {tile.label: tile for _, tiles in finance.get("/admin/").context["groups"] for tile in tiles}
    assert tiles["To approve"].figure == "2"
    assert finance.get(tiles["To approve"].url).context["cl"].result_count == 2


def test_limits_are_stated_where_staff_see_them(world: World, finance: Client) -> None:
    said = text_of(finance.get(reverse("admin:balances_adjustment_changelist")))
    assert "support: 100.00 USD finance: 10,000.00 USD owner: 10,000.00 USD" in said


def test_the_list_is_filtered_searched_and_exported(
    world: World, segment: Segment, support: Client, finance: Client
) -> None:
    send(support, world, entry("1", segment, ticket_url="https://t.example/77"))
    send(support, world, entry("450", segment, reason_code="MIGRATION", public_reason="=Moved"))
    base = reverse("admin:balances_adjustment_changelist")

    def found(query: str) -> list[Decimal]:
        return sorted(row.amount for row in finance.get(f"{base}?{query}").context["cl"].result_list)

    everything = [100, 45_000]
    assert found("") == everything
    assert found("status=POSTED") == [100]
    assert found("reason_code=MIGRATION") == [45_000]
    assert found("people=two") == [45_000]
    assert found("q=t.example/77") == [100]
    assert found("q=moved") == [45_000]
    assert found("q=a-support") == everything
    assert found(f"q={world.customer}") == everything
    assert found(f"q={segment.owner_id}") == everything
    rows = read_csv(finance.get(f"{reverse('admin:balances_adjustment_export')}?status=PENDING"))
    assert [(row["amount"], row["unit"], row["public_reason"], row["why_two"]) for row in rows] == [
        ("450.00", "USD", "'=Moved", "AMOUNT")
    ]
    assert finance.get(f"{reverse('admin:balances_adjustment_export')}?nonsense__x=1").status_code == 302


def read_csv(answer: Any) -> list[dict[str, str]]:
    assert answer.status_code == 200
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


# --- balances -------------------------------------------------------------------------------------------------------


def test_the_page_says_what_the_api_says_and_the_file_sums_to_it(
    world: World, segment: Segment, support: Client
) -> None:
    send(support, world, entry("12.50", segment))
    ingest(events=[NewEvent("more", "acme", "call", world.now, {"tokens": 10_000})], now=world.now)
    left = net_balance(
        customer_id=world.customer, now=world.now, credit_type_id=segment.owner.credit_type_id, access_type="SPEND"
    )
    assert left == 11_250 - Decimal(2625)
    page = support.get(reverse("admin:balances_balance_change", args=[segment.owner_id]))
    said = text_of(page)
    assert "Left now 86.25 USD" in said
    assert "Posted 112.50 USD" in said
    assert "Drawn by drafts 26.25 USD" in said
    moves = [move for move, _, _ in page.context["movements"]]
    assert [(move.word, move.is_draft, move.after) for move in moves] == [
        ("Granted", False, 10_000), ("By hand", False, 11_250), ("Drawn", True, left),
    ]  # fmt: skip
    rows = read_csv(support.get(reverse("admin:balances_ledger", args=[segment.owner_id])))
    assert sum(Decimal(row["amount"]) for row in rows) == Decimal("86.25")
    assert rows[-1]["running_balance"] == "86.25"
    assert [row["state"] for row in rows] == ["posted", "posted", "draft"]
    posted = [Decimal(row["amount"]) for row in rows if row["state"] == "posted"]
    assert sum(posted) == Decimal("112.50")


def test_the_ledgers_of_a_filtered_list_sum_to_its_column(
    world: World, segment: Segment, product: Product, finance: Client
) -> None:
    other, _ = sign_up(world.card, "Other Inc", world.since)
    grant(world, product, 700, "Theirs", customer=other)
    grant(world, product, 300, "Soon gone", until=world.now.replace(minute=0) + timedelta(days=2))
    export, listed = reverse("admin:balances_ledgers"), reverse("admin:balances_balance_changelist")
    for query, names in (
        ("", {"Starter credit", "Theirs", "Soon gone"}),
        ("expiring=3", {"Soon gone"}),
        ("expiring=30", {"Soon gone"}),
        (f"q={other}", {"Theirs"}),
        ("q=prepaid credits", {"Starter credit", "Theirs", "Soon gone"}),
        ("kind=CREDIT", {"Starter credit", "Theirs", "Soon gone"}),
        ("kind=PREPAID", set()),
        (f"unit={USD_ID}&state=living", {"Starter credit", "Theirs", "Soon gone"}),
        ("state=archived", set()),
    ):
        shown = finance.get(f"{listed}?{query}").context["cl"].result_list
        assert {row.name for row in shown} == names, query
        rows = read_csv(finance.get(f"{export}?{query}"))
        assert {row["balance"] for row in rows} == names, query
        column = sum((part.balance for row in shown for part in row.segments.all()), Decimal(0)) / 100
        assert sum(Decimal(row["amount"]) for row in rows if row["state"] == "posted") == column
    live = sum(Decimal(row["amount"]) for row in read_csv(finance.get(f"{export}?q={world.customer}")))
    said = text_of(finance.get(f"{reverse('admin:customers_customer_change', args=[world.customer])}?tab=balances"))
    assert f"Can spend now, USD {live:,.2f} USD" in said


def test_half_a_file_is_no_file(
    world: World, segment: Segment, product: Product, finance: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from backoffice import balance_page

    grant(world, product, 100, "More")
    for amount in ("1", "2"):
        send(finance, world, entry(amount, segment))
    monkeypatch.setattr(balance_page, "MOST_EXPORTED", 1)
    refused = finance.get(reverse("admin:balances_ledgers"), follow=True)
    assert "A file has at most 1 of these." in text_of(refused)
    monkeypatch.setattr(balance_page, "MOST_EXPORTED", 2)
    assert len(read_csv(finance.get(reverse("admin:balances_ledgers")))) >= 2


def test_what_expires_soon_is_said_with_the_amount(world: World, product: Product, support: Client) -> None:
    grant(world, product, 300, "Soon gone", until=world.now.replace(minute=0) + timedelta(days=9))
    page = reverse("admin:customers_customer_change", args=[world.customer])
    assert "1.75 USD expire on 29 Mar 2026" in text_of(support.get(f"{page}?tab=balances"))


def test_entries_below_zero_are_explained(world: World, segment: Segment, support: Client) -> None:
    from balances.services import add_manual_entry

    add_manual_entry(
        balance_id=segment.owner_id, segment_id=segment.pk, customer_id=world.customer, amount=Decimal(-12_000),
        reason="through the API", now=world.now,
    )  # fmt: skip
    page = support.get(reverse("admin:balances_balance_change", args=[segment.owner_id]))
    assert "Left now 0.00 USD" in text_of(page)
    assert "below zero counts as nothing" in text_of(page)


def test_longer_lists_and_ledgers_cost_no_more_queries(
    world: World, segment: Segment, product: Product, finance: Client
) -> None:
    pages = [
        reverse("admin:balances_balance_changelist"),
        reverse("admin:balances_adjustment_changelist"),
        reverse("admin:balances_balance_change", args=[segment.owner_id]),
        f"{reverse('admin:customers_customer_change', args=[world.customer])}?tab=balances",
        adjust_url(world),
    ]

    def count() -> list[int]:
        found = []
        for page in pages:
            finance.get(page)
            with CaptureQueriesContext(connection) as queries:
                assert finance.get(page).status_code == 200
            found.append(len(queries))
        return found

    send(finance, world, entry("1", segment))
    grant(world, product, 100, "More")
    few = count()
    for n in range(6):
        send(finance, world, entry("1", segment))
        send(finance, world, entry("20,000", segment))
        grant(world, product, 100, f"Another {n}")
    assert all(more <= before for more, before in zip(count(), few, strict=True))
    assert max(few[:2]) <= 16
    assert max(few) <= 60


# --- the reconciler -------------------------------------------------------------------------------------------------


def test_a_broken_sum_raises_the_alarm(
    world: World, segment: Segment, finance: Client, caplog: pytest.LogCaptureFixture
) -> None:
    def tile() -> Any:
        return next(
            tile for _, tiles in finance.get("/admin/").context["groups"] for tile in tiles if tile.label == "Ledgers"
        )

    assert tile().figure == "Not checked yet"
    assert (check_ledgers(now=world.now), check_ledgers(now=world.now + timedelta(minutes=54))) == (1, 0)
    assert (tile().figure, tile().tone) == ("Add up", "")
    assert "ledger differs" not in caplog.text
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE balances_segment DISABLE TRIGGER balances_segment_guard")
        cursor.execute(
            "UPDATE balances_segment SET granted = granted + 5, balance = balance + 5 WHERE id = %s", [segment.pk]
        )
        cursor.execute("ALTER TABLE balances_segment ENABLE TRIGGER balances_segment_guard")
    assert check_ledgers(now=world.now + timedelta(minutes=55)) == 1
    assert "it says 10005, its entries come to 10000" in caplog.text
    assert (tile().figure, tile().tone) == ("1 do not add up", "bad")
    page = text_of(finance.get(tile().url))
    assert "1 differ" in page
    assert str(segment.pk) in page
    [event] = OutboxEvent.objects.filter(name="balance.ledger_differs")
    assert (event.subject_id, event.customer_id) == (segment.owner_id, world.customer)
    # told once, checked every hour
    check_ledgers(now=world.now + timedelta(hours=3))
    assert LedgerCheck.objects.count() == 3
    assert OutboxEvent.objects.filter(name="balance.ledger_differs").count() == 1


def test_a_reconciler_that_stopped_is_seen(world: World, finance: Client) -> None:
    check_ledgers(now=world.now - timedelta(hours=4))
    tiles = {tile.label: tile for _, tiles in finance.get("/admin/").context["groups"] for tile in tiles}
    assert (tiles["Ledgers"].figure, tiles["Ledgers"].tone) == ("Check is late", "warn")


def test_people_without_the_right_are_kept_out(world: World, segment: Segment) -> None:
    client = Client()
    client.force_login(User.objects.create_user("nobody", password="x", is_staff=True))
    pages = [
        adjust_url(world),
        reverse("admin:balances_ledger", args=[segment.owner_id]),
        reverse("admin:balances_ledgers"),
        reverse("admin:balances_adjustment_export"),
        reverse("admin:balances_adjustment_changelist"),
    ]
    assert {page: client.get(page).status_code for page in pages} == dict.fromkeys(pages, 403)
    assert client.post(adjust_url(world), entry("1", segment) | {"confirmed": "1"}).status_code == 403
