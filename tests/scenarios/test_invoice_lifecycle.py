"""From draft to finalized to void and back, as clients see it: HTTP and due work, no internals."""

import itertools
from datetime import timedelta
from decimal import Decimal

import pytest
from django.conf import settings
from metronome import BadRequestError, ConflictError, NotFoundError

from tests.scenarios.world import World, exact

pytestmark = pytest.mark.calendar


def test_a_draft_follows_usage_and_becomes_the_same_final_invoice(world: World) -> None:
    metric, _product, card = world.priced(tiers=[{"size": 5, "price": 0}, {"size": 5, "price": 100}, {"price": 150}])
    customer = world.customer()
    world.open_contract(customer, card, 10, "WEEKLY")
    world.use(customer, metric, 12, world.days_ago(8))
    draft = world.invoice(customer, at=world.days_ago(8))
    assert (draft.status, exact(draft.total)) == ("DRAFT", 800)
    assert [(exact(x.quantity), exact(x.unit_price), exact(x.total), x.tier.level) for x in draft.line_items] == [
        (5, 0, 0, 0), (5, 100, 500, 1), (2, 150, 300, 2)
    ]  # fmt: skip
    world.run_due_work()
    final = world.invoice(customer, at=world.days_ago(8))
    assert (final.status, final.id) == ("FINALIZED", draft.id)
    assert final.issued_at == final.end_timestamp + timedelta(
        hours=settings.TACTUS_GRACE_HOURS
    )  # as clients know it, whenever it was issued
    assert (final.document_date, final.due_date) == (world.now.date().isoformat(),) * 2
    assert [x.to_dict() for x in final.line_items] == [x.to_dict() for x in draft.line_items]
    # Late usage changes breakdowns and usage, never the invoice.
    world.use(customer, metric, 100, world.days_ago(8))
    world.run_due_work()
    assert exact(world.invoice(customer, at=world.days_ago(8)).total) == 800


@pytest.mark.usefixtures("grace_of_a_day")
def test_an_invoice_waits_for_its_grace(world: World) -> None:
    metric, _, card = world.priced(price=100)
    customer = world.customer()
    world.open_contract(customer, card, 7, "WEEKLY")  # the first week ended at the last midnight
    world.use(customer, metric, 1, world.days_ago(3))
    world.run_due_work()
    assert world.invoice(customer, at=world.days_ago(3)).status == "DRAFT"
    world.use(customer, metric, 2, world.days_ago(3))
    world.run_due_work(until=world.today + timedelta(hours=24))
    final = world.invoice(customer, at=world.days_ago(3))
    assert (final.status, exact(final.total)) == ("FINALIZED", 300)


def test_void_and_regenerate_bill_what_is_true_now(world: World) -> None:
    metric, _, card = world.priced(price=100)
    customer = world.customer()
    world.use(customer, metric, 3, world.days_ago(8))
    world.open_contract(customer, card, 10, "WEEKLY")
    world.run_due_work()
    first = world.invoice(customer, at=world.days_ago(8))
    world.use(customer, metric, 4, world.days_ago(8))
    with pytest.raises(BadRequestError):
        world.sdk.v1.invoices.regenerate(id=first.id)
    assert world.sdk.v1.invoices.void(id=first.id).data.id == first.id
    with pytest.raises(ConflictError):
        world.sdk.v1.invoices.void(id=first.id)
    second = world.sdk.v1.invoices.regenerate(id=first.id).data.id
    with pytest.raises(ConflictError):
        world.sdk.v1.invoices.regenerate(id=first.id)
    again = world.sdk.v1.customers.invoices.retrieve(customer_id=customer, invoice_id=second).data
    assert (again.status, exact(again.total), again.regenerated_from_invoice_id) == ("FINALIZED", 700, first.id)
    old = world.sdk.v1.customers.invoices.retrieve(customer_id=customer, invoice_id=first.id).data
    assert (old.status, exact(old.total), len(old.line_items)) == ("VOID", 300, 1)
    world.run_due_work()
    assert len([i for i in world.invoices(customer) if i.status == "FINALIZED"]) == 1


def test_a_voided_period_is_not_billed_again_by_itself(world: World) -> None:
    _, _, card = world.priced(price=100)
    customer = world.customer()
    contract = world.open_contract(customer, card, 10, "WEEKLY")
    world.run_due_work()
    first = world.invoice(customer, at=world.days_ago(8))
    world.sdk.v1.invoices.void(id=first.id)
    world.sdk.v1.contracts.update_end_date(
        contract_id=contract, customer_id=customer, ending_before=world.days_ago(-30)
    )
    world.run_due_work(until=world.now + timedelta(days=8))
    assert sorted(i.status for i in world.invoices(customer)) == ["DRAFT", "FINALIZED", "VOID"]


def test_backdated_contracts_are_billed_in_order_with_numbers_without_gaps(world: World) -> None:
    _, _, card = world.priced(price=100)
    customer = world.customer()
    world.contract(customer, card, world.days_ago(400), ending_before=world.days_ago(20))
    world.run_due_work()
    rows = world.invoices(customer)
    assert {row.status for row in rows} == {"FINALIZED"}
    assert rows[0].start_timestamp == world.days_ago(400)
    assert rows[-1].end_timestamp == world.days_ago(20)
    assert all(a.end_timestamp == b.start_timestamp for a, b in itertools.pairwise(rows))
    numbers = [int(row.number.rsplit("-", 1)[1]) for row in rows]
    assert numbers == list(range(numbers[0], numbers[0] + len(rows)))


def test_a_backdated_contract_owes_nothing_before_today(world: World) -> None:
    _, _, card = world.priced(price=100)
    customer = world.customer()
    world.contract(customer, card, world.days_ago(400), net_payment_terms_days=30)
    drafts = {(row.document_date, row.due_date) for row in world.invoices(customer, status="DRAFT")}
    world.run_due_work()
    issued = world.invoices(customer, status="FINALIZED")
    today = world.now.date()
    assert drafts == {(None, None)}
    assert {(row.document_date, row.due_date) for row in issued} == {
        (today.isoformat(), (today + timedelta(days=30)).isoformat())
    }
    assert all(row.number.split("-")[1] == str(today.year) for row in issued)
    assert issued[0].issued_at == issued[0].end_timestamp + timedelta(hours=settings.TACTUS_GRACE_HOURS)


def test_ending_a_contract_cuts_its_draft_and_prolonging_it_brings_the_rest(world: World) -> None:
    metric, _, card = world.priced(price=100)
    customer = world.customer()
    contract = world.open_contract(customer, card, 10)
    world.use(customer, metric, 1, world.days_ago(9))
    world.use(customer, metric, 5, world.days_ago(1))
    end = {"contract_id": contract, "customer_id": customer}
    world.sdk.v1.contracts.update_end_date(**end, ending_before=world.days_ago(5))
    [cut] = world.invoices(customer)
    assert (cut.end_timestamp, exact(cut.total)) == (world.days_ago(5), 100)
    world.run_due_work()
    assert world.invoices(customer)[0].status == "FINALIZED"
    world.sdk.v1.contracts.update_end_date(**end)
    first, rest = world.invoices(customer)
    assert (first.status, first.end_timestamp) == ("FINALIZED", world.days_ago(5))
    assert (rest.status, rest.start_timestamp, exact(rest.total)) == ("DRAFT", world.days_ago(5), 500)
    with pytest.raises(ConflictError):
        world.sdk.v1.contracts.update_end_date(
            **end, ending_before=world.days_ago(7), allow_ending_before_finalized_invoice=False
        )
    assert world.invoices(customer)[1].end_timestamp == rest.end_timestamp  # nothing half done


def test_archiving_cancels_drafts_and_voids_only_if_asked(world: World) -> None:
    _, _, card = world.priced(price=100)
    customer = world.customer()
    keep, void = (world.open_contract(customer, card, 10, "WEEKLY") for _ in range(2))
    world.run_due_work()
    for contract, asked, left in [(keep, False, ["FINALIZED"]), (void, True, ["VOID"])]:
        world.sdk.v1.contracts.archive(contract_id=contract, customer_id=customer, void_invoices=asked)
        assert [i.status for i in world.invoices(customer, contract_id=contract)] == left
        with pytest.raises(ConflictError):
            world.sdk.v1.contracts.archive(contract_id=contract, customer_id=customer, void_invoices=asked)


def test_archiving_a_customer_ends_its_contracts(world: World) -> None:
    _, _, card = world.priced(price=100)
    customer = world.customer()
    world.open_contract(customer, card, 10, "WEEKLY")
    world.run_due_work()
    world.sdk.v1.customers.archive(id=customer)
    assert [i.status for i in world.invoices(customer)] == ["VOID"]
    assert list(world.sdk.v2.contracts.list(customer_id=customer)) == []


def test_lines_are_split_where_the_rate_changes_and_tiers_go_on(world: World) -> None:
    metric, product, card = world.priced(tiers=[{"size": 10, "price": 100}, {"price": 50}])
    world.rate(card, product, tiers=[{"size": 10, "price": 200}, {"price": 80}], starting_at=world.days_ago(3))
    customer = world.customer()
    world.open_contract(customer, card, 6)
    world.use(customer, metric, 8, world.days_ago(5))
    world.use(customer, metric, 8, world.days_ago(2))
    invoice = world.invoice(customer)
    assert [(exact(x.quantity), exact(x.unit_price), x.starting_at) for x in invoice.line_items if x.quantity] == [
        (8, 100, world.days_ago(6)), (2, 200, world.days_ago(3)), (6, 80, world.days_ago(3))
    ]  # fmt: skip


def test_breakdowns_sum_to_the_invoice(world: World) -> None:
    metric, _, card = world.priced(tiers=[{"size": 5, "price": "0.3"}, {"price": "0.2"}])
    customer = world.customer()
    world.open_contract(customer, card, 5)
    for days in (4, 3, 1):
        world.use(customer, metric, 4, world.days_ago(days))
    invoice = world.invoice(customer)
    for size in ("DAY", "HOUR"):
        parts = list(
            world.sdk.v1.customers.invoices.list_breakdowns(
                customer_id=customer, starting_on=world.days_ago(5), ending_before=world.days_ago(-1), window_size=size
            )
        )
        assert sum(exact(part.total) for part in parts) == exact(invoice.subtotal) == Decimal("2.9")
        assert len({part.breakdown_start_timestamp for part in parts}) == len(parts)
    days = [part for part in parts if part.total]
    assert len(days) == 3


def test_usage_without_a_rate_is_shown_not_dropped(world: World) -> None:
    metric = world.metric(groups=[["region"]])
    product = world.product(metric, pricing_group_key=["region"])
    card = world.card()
    world.rate(card, product, price=10, pricing_group_values={"region": "us"})
    customer = world.customer()
    world.open_contract(customer, card, 10, "WEEKLY")
    world.use(customer, metric, 2, world.days_ago(8), region="us")
    world.use(customer, metric, 3, world.days_ago(8), region="moon")
    for _ in range(2):  # as a draft, then finalized
        invoice = world.invoice(customer, at=world.days_ago(8))
        assert exact(invoice.total) == 20
        [missing] = invoice.unrated
        assert (missing["pricing_group_values"], missing["quantity"]) == ({"region": "moon"}, "3")
        world.run_due_work()


def test_another_customers_invoice_does_not_exist(world: World) -> None:
    _, _, card = world.priced(price=100)
    mine, other = world.customer(), world.customer()
    world.open_contract(other, card)
    invoice = world.invoice(other).id
    for call in (world.sdk.v1.customers.invoices.retrieve, world.sdk.v1.customers.invoices.retrieve_pdf):
        with pytest.raises(NotFoundError):
            call(customer_id=mine, invoice_id=invoice)


def test_the_pdf_is_a_pdf_for_every_status(world: World) -> None:
    metric, _, card = world.priced(price=100)
    customer = world.customer()
    world.use(customer, metric, 3, world.days_ago(8))
    world.open_contract(customer, card, 10, "WEEKLY")
    world.run_due_work()
    for invoice in world.invoices(customer):
        pdf = world.sdk.v1.customers.invoices.retrieve_pdf(customer_id=customer, invoice_id=invoice.id).read()
        assert pdf.startswith(b"%PDF")


def test_a_lines_explanation_lets_one_recompute_it(world: World, http) -> None:  # type: ignore[no-untyped-def]
    metric, _, card = world.priced(tiers=[{"size": 5, "price": 100}, {"price": 50}])
    customer = world.customer()
    world.open_contract(customer, card)
    world.use(customer, metric, 7, world.days_ago(1))
    invoice = world.invoice(customer)
    line = invoice.line_items[1]
    answer = http.get(f"/tactus/v1/customers/{customer}/invoices/{invoice.id}/lines/{line.id}/explanation").json()[
        "data"
    ]
    assert (answer["line"], answer["event_count"]) == ({"quantity": "2", "unit_price": "50", "total": "100"}, 1)
    assert answer["rate"]["tiers"] == [{"size": "5", "price": "100"}, {"size": None, "price": "50"}]
