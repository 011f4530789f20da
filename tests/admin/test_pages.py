"""The home page, a customer, a contract, an invoice, the catalogue: what they say is what is so."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from billing.models import BillingPeriod
from billing.services.draft_totals import refresh_draft_totals
from catalog.services import metrics, products, rates
from contracts.api.edits import teller
from contracts.models import Contract, Subscription
from contracts.services import NewChange, NewSubscription, SubscriptionUpdate, edit_contract
from customers.services import set_name
from invoices.models import InvoiceListing
from invoices.selectors import view_of
from invoices.selectors.views import find_invoice
from tests.admin.world import World, bring_up_to_date, sign_up
from usage.services import ingest
from usage.store import NewEvent


def page(client: Client, name: str, *args: object, query: str = "") -> str:
    answer = client.get(reverse(f"admin:{name}", args=args) + query)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def test_every_tile_counts_the_list_that_it_links_to(world: World, finance: Client) -> None:
    sign_up(world.card, "Second", world.since)
    bring_up_to_date(world.now)
    refresh_draft_totals(now=world.now)
    BillingPeriod.objects.filter(pk=world.draft.pk).update(last_error="no rate", next_attempt_at=world.now)
    tiles = {tile.label: tile for _, tiles in finance.get("/admin/").context["groups"] for tile in tiles}
    plain = {label: tile for label, tile in tiles.items() if re.fullmatch(r"[\d,]+", str(tile.figure))}
    counted = {label: tile for label, tile in plain.items() if "/usage/" not in tile.url}
    assert set(counted) == {
        "Failed to finalize", "Due, not final yet", "Usage without a rate", "Open drafts",
        "Finalized this month", "Active contracts", "Customers", "To approve",
    }  # fmt: skip
    shown = {label: finance.get(tile.url).context["cl"].result_count for label, tile in counted.items()}
    assert shown == {label: int(tile.figure) for label, tile in counted.items()}
    assert (shown["Failed to finalize"], shown["Open drafts"], shown["Finalized this month"]) == (1, 2, 4)


def test_revenue_tiles_sum_what_they_link_to(world: World, finance: Client) -> None:
    refresh_draft_totals(now=world.now)
    tiles = {tile.label: tile for _, tiles in finance.get("/admin/").context["groups"] for tile in tiles}
    billed = finance.get(tiles["Billed this month, USD"].url).context["cl"].result_list
    assert sum(row.total for row in billed) == 250
    assert "2.50 <small>USD" in tiles["Billed this month, USD"].figure
    assert "1.25 <small>USD" in tiles["In open drafts, USD"].figure


def test_the_home_page_costs_as_much_with_more_invoices(world: World, finance: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            finance.get("/admin/")
        return len(found)

    queries()
    few = queries()
    for n in range(5):
        sign_up(world.card, f"More {n}", world.since)
    bring_up_to_date(world.now)
    assert queries() == few <= 20


def test_a_customers_page_shows_the_live_draft(world: World, support: Client) -> None:
    text = page(support, "customers_customer_change", world.customer)
    assert "1.25 <small>USD</small>" in text
    ingest(events=[NewEvent("late", "acme", "call", world.now, {"tokens": 4000})], now=world.now)
    assert "11.25 <small>USD</small>" in page(support, "customers_customer_change", world.customer)
    assert "acme</code>" in text
    assert world.final.number in text or "TA-2026-0002" in text


def test_every_tab_opens(world: World, finance: Client) -> None:
    words = {
        "balances": "Nothing is open.",
        "usage": "acme-2-0",
        "audit": "Contract created",
        "timeline": "Invoice finalized",
        "invoices": "All of them, to filter and export",
        "contracts": "Price list",
        "summary": "Contracts, and what runs up now",
        "nonsense": "Contracts, and what runs up now",
        "": "Contracts, and what runs up now",
    }
    pages = {tab: page(finance, "customers_customer_change", world.customer, query=f"?tab={tab}") for tab in words}
    assert {tab: words[tab] in text for tab, text in pages.items()} == dict.fromkeys(words, True)


def test_what_happened_is_told_with_days_as_people_write_them(world: World, finance: Client) -> None:
    edit_contract(
        contract_id=world.contract, customer_id=world.customer, now=world.now,
        ending_before=datetime(2026, 12, 1, tzinfo=UTC), tell=teller({}, world.now),
    )  # fmt: skip
    text = page(finance, "customers_customer_change", world.customer, query="?tab=timeline")
    assert "ending before: 1 Dec 2026<" in text
    assert "T00:00:00Z" not in text


def test_tabs_of_other_roles_are_not_there(world: World, support: Client) -> None:
    text = page(support, "customers_customer_change", world.customer, query="?tab=audit")
    assert ">Audit<" not in text
    assert "Who did what" not in text


def test_the_chart_says_what_was_charged(world: World, support: Client) -> None:
    text = page(support, "customers_customer_change", world.customer, query="?tab=usage")
    assert "Charges by day" in text
    assert "1.25 USD from 19 Feb 2026 to 20 Mar 2026" in text


def test_a_contract_shows_its_periods(world: World, support: Client) -> None:
    text = page(support, "contracts_contract_change", world.contract)
    for part in (
        "Running now",
        "1\N{EN DASH}31 Jan 2026",
        "1\N{EN DASH}28 Feb 2026",
        "1\N{EN DASH}31 Mar 2026",
        "net 30 days",
        "Price list",
    ):
        assert part in text
    assert "The next period begins 1 Apr 2026, 00:00 UTC" in text


def test_a_contract_shows_its_subscriptions(world: World, support: Client) -> None:
    seat = products.create_product(product_type="SUBSCRIPTION", fields={"name": "Seats"}, now=world.now)
    rate = rates.NewRate(
        seat.pk, world.since, entitled=True, rate_type="FLAT", price=Decimal(500), billing_frequency="MONTHLY"
    )
    rates.add_rates(rate_card_id=world.card, rates=[rate], now=world.now)
    seats = {
        "quantity_management_mode": "SEAT_BASED", "seat_group_key": "user",
        "initial_seat_ids": ("a", "b"), "initial_unassigned_seats": 3,
    }  # fmt: skip
    contract = Contract.objects.get(pk=world.contract)
    edit_contract(
        contract_id=contract.pk, customer_id=contract.customer_id, now=world.now,
        add_subscriptions=[NewSubscription(seat.pk, "MONTHLY", "ADVANCE", starting_at=world.since, **seats)],
        tell=teller({}, world.now),
    )  # fmt: skip
    row = Subscription.objects.get()
    later = NewChange("x", "REMOVE_SEATS", world.now + timedelta(days=2), seat_ids=("a",))
    edit_contract(
        contract_id=contract.pk, customer_id=contract.customer_id, now=world.now,
        update_subscriptions=[SubscriptionUpdate(row.pk, changes=(later,))],
        tell=teller({}, world.now),
    )  # fmt: skip
    text = page(support, "contracts_contract_change", world.contract)
    for part in ("Subscriptions", "Seats", "in advance", "2 assigned", "4 from 22 Mar 2026"):
        assert part in text


def test_an_invoice_says_why(world: World, support: Client) -> None:
    text = page(support, "invoices_invoicelisting_change", world.final.pk)
    assert "first 1,000" in text
    assert "above 1,000" in text
    assert "500 \N{MULTIPLICATION SIGN} 0.0025 USD = 1.25 USD" in text
    assert "See the 3 events behind this line" in text
    assert "Rounding, once" in text
    assert "Invoice finalized" in text


def test_the_events_behind_a_line_are_those_that_counted(world: World, support: Client) -> None:
    view = view_of(find_invoice(invoice_id=world.final.pk), now=world.now)
    text = page(support, "invoices_invoicelisting_events", world.final.pk, view.lines[0].id)
    assert [f"acme-0-{k}" in text for k in range(3)] == [True] * 3
    assert "acme-1-0" not in text


def test_usage_without_a_rate_is_said_loudly(world: World, finance: Client) -> None:
    exists = [{"name": "images", "exists": True}]
    metric = metrics.create_metric(
        name="Images made", aggregation_type="SUM", aggregation_key="images", property_filters=exists, now=world.since
    )
    fields = {"name": "Images", "billable_metric_id": str(metric.pk)}
    product = products.create_product(product_type="USAGE", fields=fields, now=world.since)
    later = world.since + timedelta(days=14)
    rate = rates.NewRate(product.pk, later, entitled=True, rate_type="FLAT", price=Decimal(5))
    rates.add_rates(rate_card_id=world.card, rates=[rate], now=world.since)
    early = NewEvent("early", "second", "image", world.since + timedelta(days=2), {"images": 3})
    ingest(events=[early], now=world.now)
    customer, _ = sign_up(world.card, "Second", world.since, alias="second")
    bring_up_to_date(world.now)
    invoice = InvoiceListing.objects.filter(customer_id=customer).earliest("period_start")
    text = page(finance, "invoices_invoicelisting_change", invoice.pk)
    assert "Some usage has no rate and is not charged" in text
    assert "Images: 3 from 1 event" in text
    assert "Some usage has no rate" not in page(finance, "invoices_invoicelisting_change", world.final.pk)
    answer = finance.get(f"{reverse('admin:invoices_invoicelisting_changelist')}?attention=unrated")
    assert [row.pk for row in answer.context["cl"].result_list] == [invoice.pk]


def test_a_failed_draft_says_when_it_is_tried_again(world: World, finance: Client) -> None:
    BillingPeriod.objects.filter(pk=world.draft.pk).update(
        last_error="KeyError: 'rate'", attempts=3, next_attempt_at=world.now
    )
    text = page(finance, "invoices_invoicelisting_change", world.draft.pk)
    assert "Could not be finalized (3 attempts)" in text
    assert "The next attempt is 20 Mar 2026, 12:30 UTC" in text


def test_the_pdf_opens(world: World, support: Client) -> None:
    answer = support.get(reverse("admin:invoices_invoicelisting_pdf", args=[world.final.pk]))
    assert answer["Content-Type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF")
    assert f'filename="{world.final.number}.pdf"' in answer["Content-Disposition"]


def rows_of(answer: object) -> list[dict[str, str]]:
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def test_lines_as_csv_add_up_exactly(world: World, support: Client) -> None:
    rows = rows_of(support.get(reverse("admin:invoices_invoicelisting_lines", args=[world.final.pk])))
    assert [(row["tier"], row["quantity"], row["unit_price"], row["total"]) for row in rows] == [
        ("first 1,000", "1000", "0.00", "0.00"),
        ("above 1,000", "500", "0.0025", "1.25"),
    ]
    assert sum(Decimal(row["total"]) for row in rows) * 100 == world.final.subtotal


def test_csv_defuses_formulas(world: World, finance: Client) -> None:
    for name in ("=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "\t=1", "  =1", "plain"):
        set_name(customer_id=world.customer, name=name, now=world.now)
        rows = rows_of(finance.get(reverse("admin:invoices_invoicelisting_export")))
        assert len(rows) == 3
        names = {row["status"]: row["customer"] for row in rows}
        assert names["DRAFT"] == (name if name == "plain" else f"'{name}")
        assert names["FINALIZED"] == "Acme Robotics"  # as it was issued
        assert {row["total"] for row in rows} == {"1.25", ""}
        assert {row["currency"] for row in rows} == {"USD"}


def test_a_rate_card_is_a_schedule(world: World, support: Client) -> None:
    text = page(support, "catalog_ratecard_change", world.card)
    assert "first 1,000" in text
    assert "0.0025" in text
    assert "in force" in text
    assert "Compare" in text
    assert "changed through the API" not in text  # it has an editor


def test_a_product_shows_its_versions(world: World, support: Client) -> None:
    fields = {"name": "Tokens, renamed"}
    products.update_product(
        product_id=world.product, starting_at=world.now - timedelta(days=1), fields=fields, now=world.now
    )
    text = page(support, "catalog_product_change", world.product)
    assert "<h1>Tokens, renamed</h1>" in text
    assert "Tokens used" in text
    assert "Product changed" in text


def test_events_are_found_by_alias_id_and_transaction(world: World, support: Client) -> None:
    for term in ("acme", str(world.customer)):
        text = page(support, "usage_events", query=f"?q={term}")
        assert "9 events" in text
        assert "Acme Robotics" in text
    assert "1 event<" in page(support, "usage_events", query="?q=acme-0-1")
    assert "No event has this transaction id" in page(support, "usage_events", query="?q=nothing")


def test_events_of_nobody_are_told(world: World, support: Client) -> None:
    ingest(events=[NewEvent("lost", "ghost", "call", world.now, {"a": "<b>"})], now=world.now)
    text = page(support, "usage_events", query="?q=ghost")
    assert "ghost, nobody" in text
    assert "<b>" not in text


def test_ingest_says_how_it_is_doing(world: World, support: Client) -> None:
    text = page(support, "usage_ingest")
    assert "Last hour" in text
    assert "9</span>" in text


def test_what_changes_a_contract_is_in_reach_of_those_who_may(world: World, support: Client, finance: Client) -> None:
    for client, offered in ((support, False), (finance, True)):
        text = page(client, "contracts_contract_change", world.contract)
        assert "Prices of its own" in text
        assert ("Add price override" in text) == offered
