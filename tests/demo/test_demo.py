"""The demo as a newcomer meets it: loaded once, and every page has something to show."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO

import httpx
import pytest
from django.core.management import CommandError, call_command
from django.test import TestCase
from metronome import Metronome

from balances.models import Balance, LedgerEntry, Segment
from balances.selectors.integrity import list_differing
from catalog.models import BillableMetric, Product, Rate
from contracts.models import Contract, RenewalPolicy
from core.keys import create_api_key
from core.models import AuditEntry
from demo.load import DOCUMENTS, Loaded, load
from demo.story import CUSTOMERS, Calendar
from engine.calendar import Period
from engine.usage import Aggregation, MetricSpec, PropertyFilter
from invoices.models import Invoice, InvoiceDocument, InvoiceListing
from invoices.selectors.views import invoice_rows, page_of_views
from plans.models import PlanQuote
from usage.store import UsageQuery, get_store

NOW = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)


def rows_there() -> dict[str, int]:
    models = (BillableMetric, Product, Rate, Contract, Invoice, InvoiceDocument, Balance, LedgerEntry)
    return {model.__name__: model.objects.count() for model in models} | {"events": get_store().count()}


@pytest.mark.instant(NOW)
class LoadedDemoTest(TestCase):
    """One load for all tests of this class."""

    said: list[str]
    loaded: Loaded
    key: str

    @pytest.fixture(autouse=True)
    def reachable(self, wsgi: httpx.WSGITransport) -> None:
        self.wsgi = wsgi

    @classmethod
    def setUpTestData(cls) -> None:
        cls.said = []
        cls.loaded = load(now=NOW, thin=16, say=cls.said.append)
        cls.key = create_api_key(name="demo test", scopes=["*"], now=NOW)[1]

    def test_it_says_what_it_made(self) -> None:
        assert "events of 8 customers since 31 July 2026" in self.said[0]
        assert self.said[1:] == ["demo: invoices: 10 draft, 36 finalized, 3 void"]
        assert get_store().count() == self.loaded.events > 5_000

    def test_a_second_load_changes_nothing(self) -> None:
        before, output = rows_there(), StringIO()
        call_command("load_demo", once=True, stdout=output)
        assert output.getvalue() == ""
        with pytest.raises(CommandError, match="already"):
            call_command("load_demo")
        assert rows_there() == before

    def test_an_interrupted_load_is_continued_to_the_same_end(self) -> None:
        """All parts are there, as if only the last step was lost: the next load finds each and adds none."""
        before = rows_there()
        assert load(now=NOW, thin=16, say=len) == self.loaded
        assert rows_there() == before

    def test_all_usage_is_priced_and_some_of_it_below_a_cent(self) -> None:
        views = page_of_views(invoice_rows(), now=NOW)
        assert len(views) == 49
        assert all(any(line.total > 0 for line in view.lines) and view.unrated == () for view in views)
        included = [view for view in views if view.total == 0]  # by the usage that a plan includes
        assert {view.contract_name for view in included} == {"Starter plan"}
        assert {view.currency.code for view in views} == {"USD", "EUR"}
        assert any(0 < line.total < 1 for view in views for line in view.lines if view.currency.code == "USD")

    def test_every_token_sent_stands_on_an_invoice(self) -> None:
        september = invoice_rows().filter(customer__name__startswith="Nordlicht", period_start__month=9)
        [view] = page_of_views(september, now=NOW)
        products = {"lumen-large-3": "Lumen Large · input tokens", "lumen-embed-2": "Lumen Embed · tokens"}
        for model, product in products.items():
            spec = MetricSpec(Aggregation.SUM, "input_tokens", None, (PropertyFilter("model", None, (model,), None),))
            window = Period(view.period_start, view.period_end)
            [sent] = get_store().aggregate(["nordlicht"], UsageQuery(view.id, spec, (window,)))
            billed = sum((line.quantity or Decimal(0) for line in view.lines if line.name == product), Decimal(0))
            assert sent.quantity == billed * 1_000_000 > 0

    def test_balances_tell_a_story(self) -> None:
        """A commit that burns, a credit about to expire, one that did, one that comes again, and an obligation."""
        segments = {}
        for row in Segment.objects.select_related("owner").order_by("starting_at"):
            segments.setdefault(row.owner.name, []).append(row)
        [commit] = segments["Lumen Large commit"]
        assert 0 < commit.used < commit.granted
        [credit] = segments["Fine-tuning credit"]
        assert credit.balance > 0
        assert credit.ending_before - NOW < timedelta(days=14)
        [welcome] = segments["Welcome credit for embeddings"]
        assert welcome.expired > 0
        assert welcome.used + welcome.expired == welcome.granted
        assert [row.used for row in segments["Partner credit"]] == [10_000] * 4 + [0]
        [owed] = segments["Enterprise minimum, first year"]
        scheduled = invoice_rows().filter(type="SCHEDULED", status="DRAFT")
        [true_up] = page_of_views(scheduled.filter(customer__name="Meridian Bank"), now=NOW)
        assert 0 < true_up.total < owed.balance  # what the running quarter used counts, but is not posted yet
        assert list(list_differing()) == []

    def test_support_is_charged_each_month_and_the_first_time_half(self) -> None:
        rows = invoice_rows().filter(type="SCHEDULED", customer__name="Kestrel Robotics").order_by("period_start")
        views = [view for view in page_of_views(rows, now=NOW) if view.lines[-1].type != "commit_purchase"]
        asked = [sum(line.total for line in view.lines if line.type in ("scheduled", "discount")) for view in views]
        assert [(view.status, total) for view, total in zip(views, asked, strict=True)] == [
            ("FINALIZED", 12_500), *[("FINALIZED", 25_000)] * 3, ("DRAFT", 25_000),
        ]  # fmt: skip
        assert views[0].buyer.name == "Kestrel Robotics, Inc."
        assert views[0].buyer.po_number == "KR-88"

    def test_numbers_follow_the_dates_without_gaps(self) -> None:
        rows = InvoiceListing.objects.exclude(number=None).order_by("number")
        assert [row.number for row in rows] == [f"TA-2026-{n:04d}" for n in range(1, 40)]
        finalized = [row.finalized_at for row in rows if row.finalized_at]
        assert finalized == sorted(finalized)
        assert all(row.finalized_at >= row.due_at for row in rows if row.finalized_at)

    def test_every_way_of_billing_is_shown(self) -> None:
        rows = list(invoice_rows())
        assert {row.contract.billing_frequency for row in rows} == {"WEEKLY", "MONTHLY", "QUARTERLY"}
        assert {row.period_start.day for row in rows if row.contract.billing_day == "CONTRACT_START"} == {30, 31}
        [again] = [row for row in rows if row.regenerated_from_id]
        [old] = [row for row in rows if row.pk == again.regenerated_from_id]
        assert (old.status, again.status) == ("VOID", "FINALIZED")
        assert (again.total or 0) > (old.total or 0) > 0
        assert AuditEntry.objects.filter(action="invoice.void").exclude(reason="").count() == 1
        assert InvoiceDocument.objects.count() == DOCUMENTS

    def test_each_list_of_the_api_has_something_to_show(self) -> None:
        client = httpx.Client(transport=self.wsgi)
        sdk = Metronome(base_url="http://testserver", bearer_token=self.key, http_client=client, max_retries=0)
        active = {row.name: row.id for row in sdk.v1.customers.list()}
        assert len(active) == 9
        assert [row.name for row in sdk.v1.customers.list(only_archived=True)] == ["Orbit Education"]
        assert len(list(sdk.v1.billable_metrics.list())) == 10
        assert len(list(sdk.v1.contracts.products.list())) == 15
        assert len(list(sdk.v1.contracts.rate_cards.list())) == 2
        shown = {name: len(list(sdk.v1.customers.invoices.list(customer_id=pk))) for name, pk in active.items()}
        assert [shown.pop(name) for name in ("Juniper Labs", "Tern Analytics")] == [0, 0]  # to come, and on trial
        assert min(shown.values()) >= 2
        contracts = {name: len(sdk.v1.contracts.list(customer_id=pk).data) for name, pk in active.items()}
        assert contracts == dict.fromkeys(active, 1) | {"Harbor Studio": 2}

    def test_plans_tell_a_story(self) -> None:
        """One has grown out of its plan, at the price that was quoted; one is on trial; two will be renewed."""
        done, asked = PlanQuote.objects.order_by("confirmed_at")
        assert (done.direction, asked.direction, asked.confirmed_at) == ("UP", "DOWN", None)
        assert done.new_contract is not None
        [paid] = invoice_rows().filter(contract=done.new_contract, status="FINALIZED")
        assert paid.total == done.due_now > 0
        assert Contract.objects.get(trial_outcome="", trial_starting_at__isnull=False).name == "Team plan"
        assert {row.contract.customer.name for row in RenewalPolicy.objects.all()} == {
            "Meridian Bank", "Nordlicht Versicherung AG",
        }  # fmt: skip


@pytest.mark.django_db
def test_a_load_in_the_first_second_of_a_year() -> None:
    now = datetime(2028, 1, 1, 0, 0, 1, tzinfo=UTC)
    loaded = load(now=now, thin=200, say=len)
    assert loaded.invoices["VOID"] >= 2
    assert all(view.unrated == () for view in page_of_views(invoice_rows(), now=now))
    # The last month is over and in its grace; the new one has begun.
    drafts = invoice_rows().filter(status="DRAFT", contract__billing_day="FIRST_OF_MONTH")
    assert {12, 1} <= {row.period_start.month for row in drafts}


@pytest.mark.parametrize("text", ["2026-03-01", "2028-02-29T23:59:59", "2026-12-31T12:00", "2027-01-01", "2026-07-15"])
def test_the_calendar_holds_on_any_day(text: str) -> None:
    calendar = Calendar(datetime.fromisoformat(text).replace(tzinfo=UTC))
    assert calendar["thirty_first"].day == 31
    in_order = [calendar[name] for name in ("thirty_first", "start", "late_from", "late_until", "late_sent")]
    assert in_order == sorted(in_order)
    assert calendar["late_sent"] < calendar.now
    assert calendar["price_cut"] < calendar.now < calendar["soon"]
    assert all(instant.minute == 0 for instant in calendar.instants.values())
    for customer in CUSTOMERS:
        assert calendar[customer.signed_up] <= calendar.now
