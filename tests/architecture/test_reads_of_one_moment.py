"""Every read that puts figures together sees one moment: no query of it may run outside of a snapshot.

All reading routes of the API, the console and the back office are asked, with real commits; whoever adds one has it
asked too. A write in a snapshot would be refused by PostgreSQL.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import httpx
import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client, override_settings
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse
from metronome import Metronome

from billing_site.legacy import LegacyView
from console import services
from core import transactions
from core.api.views import ApiView
from core.staff import ensure_staff
from core.transactions import snapshot, use_case
from customers.test_clocks import create_test_clock
from invoices.models import InvoiceLine
from reservations.models import Reservation
from tests.scenarios.subscription_world import SubscriptionWorld

OURS = "balances|billing|catalog|charges|contracts|customers|invoices|reservations|usage"
COMPOSED = re.compile(rf'"?\b(?:{OURS})_[a-z]+')
_BALANCES = "ListBalances|ListCommits|ListCredits|GetNetBalance|ListSeatBalances|(?:Retrieve|List)Contracts?(?:V2)?"
BEFORE = {
    # issued before balances are read; whose one-time link it is; what a PDF is kept in after it was made
    "balances_recurringgrant": _BALANCES,
    "contracts_contract": _BALANCES,
    "customers_customer": r"console \S+csv",
    "invoices_invoicedocument": "InvoicePdf|admin:invoices_invoicelisting_pdf",
}
"""Table -> the reads that may touch it outside of their snapshot."""
NO_FIGURES = {"OpenApiJson", "ApiPage"}
NOT_OURS = {"logout", "password_change", "set_password", "jsi18n", "view_on_site", "app_list"}


@contextmanager
def queries_outside() -> Iterator[set[str]]:
    """The tables that are read or written outside of a snapshot."""
    found: set[str] = set()

    def note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if not transactions._in_snapshot.get():
            found.update(name.strip('"') for name in COMPOSED.findall(sql))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield found


def routes(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for part in resolver.url_patterns:
        route = prefix + str(part.pattern)
        if isinstance(part, URLResolver):
            if part.app_name != "admin":
                yield from routes(part, route)
        else:
            yield route, part


def api_views() -> Iterator[tuple[str, type[ApiView]]]:
    for route, pattern in routes(get_resolver()):
        view = getattr(pattern.callback, "view_class", None) or getattr(pattern.callback, "cls", None)
        if view is not None and issubclass(view, ApiView) and not issubclass(view, LegacyView):
            yield route, view


def test_a_view_of_the_api_leaves_reading_at_once_to_its_service_for_one_reason_only() -> None:
    """Where something is stored after reading. All others, by being an ApiView, read one snapshot."""
    assert {view.__name__ for _, view in api_views() if view.own_snapshot} == {"InvoicePdf"}
    bare = [
        route
        for route, pattern in routes(get_resolver())
        if route.startswith(("v1/", "v2/", "tactus/"))
        and not issubclass(getattr(pattern.callback, "view_class", object), ApiView)
    ]
    assert bare == []


@pytest.mark.django_db(transaction=True)
def test_a_snapshot_is_a_transaction_of_its_own_and_writes_nothing() -> None:
    with snapshot(), pytest.raises(RuntimeError), use_case():
        raise AssertionError("must not get here")
    for outer in (snapshot, use_case):
        with outer(), pytest.raises(RuntimeError), snapshot():
            raise AssertionError("must not get here")


class Shop(SubscriptionWorld):
    """One customer who has everything that can be looked at."""

    def __init__(self, sdk: Metronome, http: httpx.Client) -> None:
        super().__init__(sdk)
        metric, product, card = self.priced(price=100)
        seat = self.priced_seat(card)
        subscribed = self.seats(seat, ["ann"], temporary_id="s")
        customer = self.customer(ingest_aliases=["acme"])
        self.grant(customer, 500, self.days_ago(30), self.days_ago(-30))
        contract = self.open_contract(
            customer, card, 20, "WEEKLY", subscriptions=[subscribed],
            recurring_credits=[self.per_seat(50, self.days_ago(20), "INDIVIDUAL")],
        )  # fmt: skip
        for days in (1, 9, 18):
            self.use(customer, metric, 3, self.days_ago(days))
        self.run_due_work()
        held = http.post("/tactus/v1/balances/reserve", json={"customer_id": customer, "amount": 1})
        assert held.status_code == 200, held.text
        invoice = next(row for row in self.invoices(customer) if row.status == "FINALIZED" and row.line_items)
        line = InvoiceLine.objects.filter(invoice_id=invoice.id, type="usage").first() or InvoiceLine.objects.first()
        assert line is not None
        trial = {"trial": {"length": {"value": 1, "unit": "WEEKS"}}}
        renewed = self.contract(
            self.customer(), None, self.days_ago(5), ending_before=self.days_ago(-30), extra_body=trial
        )
        agreed = http.put(f"/tactus/v1/contracts/{renewed}/renewal", json={"kind": "SAME_TERMS", "term_months": 1})
        assert agreed.status_code == 200, agreed.text
        quoted = http.post(f"/tactus/v1/contracts/{renewed}/quotes", json={"operation": "CANCEL"})
        assert quoted.status_code == 200, quoted.text
        with override_settings(TACTUS_TEST_CLOCKS=True):
            clock = create_test_clock(name="Later", at=self.now, now=self.now)
        self.ids = {
            "test_clock_id": clock.pk, "contract_id": UUID(renewed), "quote_id": UUID(quoted.json()["data"]["id"]),
            "customer_id": UUID(customer), "invoice_id": line.invoice_id, "line_id": line.pk,
            "metric_id": UUID(metric.id), "reservation_id": Reservation.objects.get().pk,
        }  # fmt: skip
        self.of_customer = {"customer_id": customer}
        self.package = sdk.v1.packages.create(name="Package").data.id
        self.of_contract = {"customer_id": customer, "contract_id": contract}
        self.subscription_id = self.subscribed(customer, contract).id
        self.card, self.product, self.metric_id = card, product, metric.id

    def body(self, view: type[ApiView]) -> dict[str, Any]:
        """What a view that reads by POST is asked."""
        of_subscription = {**self.of_contract, "subscription_id": self.subscription_id}
        scheduled = {"schedule_name": "none"}
        bodies = {
            "GetConfigurations": self.of_customer,
            "GetRevenueConfigurations": self.of_customer,
            "ListProviders": {},
            "ListKeys": {},
            "RetrieveProduct": {"id": self.product},
            "ListProducts": {},
            "RetrieveRateCard": {"id": self.card},
            "ListRateCards": {},
            "GetRates": {"rate_card_id": self.card, "at": self.today.isoformat()},
            "GetRateSchedule": {"rate_card_id": self.card, "starting_at": self.today.isoformat()},
            "catalog.GetNamedSchedule": {**scheduled, "rate_card_id": self.card},
            "customers.GetNamedSchedule": {**scheduled, **self.of_customer},
            "contracts.GetNamedSchedule": {**scheduled, **self.of_contract},
            "catalog.ListNamedSchedules": {"rate_card_id": self.card},
            "customers.ListNamedSchedules": self.of_customer,
            "contracts.ListNamedSchedules": self.of_contract,
            "RetrieveContract": {**self.of_contract, "include_balance": True},
            "RetrieveContractV2": {**self.of_contract, "include_ledgers": True},
            "ListContracts": {**self.of_customer, "include_balance": True},
            "ListContractsV2": {**self.of_customer, "include_ledgers": True},
            "GetContractRateSchedule": self.of_contract,
            "GetEditHistory": self.of_contract,
            "RetrievePackage": {"package_id": self.package},
            "ListPackages": {},
            "ListContractsOnPackage": {"package_id": self.package},
            "GetQuantityHistory": of_subscription,
            "GetSeatsHistory": of_subscription,
            "UsageView": {"window_size": "DAY", **self.days()},
            "GroupsView": {
                **self.of_customer, **self.days(), "billable_metric_id": self.metric_id, "window_size": "DAY"
            },
            "SearchView": {"transactionIds": ["none"]},
            "PreviewEvents": {"events": [{"event_type": "none"}], "mode": "merge"},
            "ListBalances": {**self.of_customer, "include_balance": True, "include_ledgers": True},
            "ListCommits": {**self.of_customer, "include_balance": True},
            "ListCredits": {**self.of_customer, "include_balance": True},
            "GetNetBalance": self.of_customer,
            "ListSeatBalances": {**self.of_contract, "include_credits_and_commits": True},
            "ListReservations": self.of_customer,
        }  # fmt: skip
        of_its_app = f"{view.__module__.partition('.')[0]}.{view.__name__}"
        return bodies[of_its_app if of_its_app in bodies else view.__name__]

    def days(self) -> dict[str, str]:
        return {"starting_on": self.days_ago(9).isoformat(), "ending_before": self.today.isoformat()}

    def address(self, route: str) -> str:
        return "/" + re.sub(r"<\w+:(\w+)>", lambda name: str(self.ids[name[1]]), route)


class Reader:
    """Asks, and remembers what was asked and which tables were read outside of a snapshot."""

    def __init__(self) -> None:
        self.torn: dict[str, set[str]] = {}
        self.asked: set[str] = set()

    def ask(self, name: str, send: Callable[..., Any], *args: Any, also: tuple[int, ...] = (), **more: Any) -> None:
        with queries_outside() as tables:
            answer = send(*args, **more)
        assert answer.status_code in (200, *also), f"{name}: {answer.status_code} {answer.content[:300]!r}"
        self.asked.add(name)
        found = {table for table in tables if not re.fullmatch(BEFORE.get(table, ""), name)}
        if found and answer.status_code == 200:  # a refusal shows no figures
            self.torn[name] = found


def read_api(reader: Reader, shop: Shop, http: httpx.Client) -> None:
    for route, view in api_views():
        name = view.__name__
        if name in NO_FIGURES:
            continue
        if hasattr(view, "get"):
            params = shop.days() if name == "ListBreakdowns" else {}
            reader.ask(name, http.get, shop.address(route), params=params)
        elif view.access == "read":
            reader.ask(name, http.post, shop.address(route), json=shop.body(view), also=(404,))
    assert {"ListInvoices", "GetNetBalance", "PreviewEvents", "ListSeatBalances", "InvoicePdf"} <= reader.asked


def read_console(reader: Reader, shop: Shop, browser: httpx.Client) -> None:
    _, code = services.create_embed_session(customer_id=shop.ids["customer_id"], now=shop.now)
    token = services.exchange(secret=code, parent_origin="", now=shop.now).token
    headers = {"Authorization": f"Bearer {token}", "HX-Request": "true"}
    for route, _ in routes(get_resolver()):
        if route.startswith("console/") and not route.endswith(("embed", "origin.js", "downloads", "<str:token>")):
            reader.ask(route, browser.get, shop.address(route), headers=headers)
    for path in ("usage.csv", "units.csv", "credits.csv", f"invoices/{shop.ids['invoice_id']}.csv"):
        made = browser.post("/console/downloads", data={"path": path}, headers=headers)
        url = re.search(r'"url": "([^"]+)"', made.headers["HX-Trigger"])
        assert url is not None
        reader.ask(f"console {path}", browser.get, url[1])


def read_back_office(reader: Reader, shop: Shop) -> None:
    ensure_staff(username="o", role="owner", password="secret-enough")
    office = Client()
    office.force_login(User.objects.get(username="o"))
    for name, url in office_pages(shop):
        reader.ask(name, office.get, url, also=(302, 400, 403, 404, 405))
    assert {
        "admin:invoices_invoicelisting_change", "admin:customers_customer_change", "admin:balances_ledgers",
        "admin:index", "admin:invoices_invoicelisting_pdf",
    } <= reader.asked  # fmt: skip


def office_pages(shop: Shop) -> Iterator[tuple[str, str]]:
    """Name and address of each page: lists and records' pages, then our own."""
    for kind, screen in admin.site._registry.items():
        record = kind._default_manager.first()
        for name in sorted({row.name for row in screen.get_urls() if row.name}):
            if name.endswith(("_add", "_delete", "_history")):
                continue  # refused, or the record's page again
            url = _address(f"admin:{name}", record)
            if url is not None:
                yield f"admin:{name}", url
    values = {"balance": _first_of("balances", "balance"), "customer": shop.ids["customer_id"], "ratecard": shop.card}
    for row in admin.site.get_urls():
        if isinstance(row, URLPattern) and row.name and row.name not in NOT_OURS:
            object_id = next((key for word, key in values.items() if word in row.name), shop.ids["invoice_id"])
            known = {"object_id": UUID(str(object_id)), "line_id": shop.ids["line_id"], "entity": "invoice"}
            given = {name: value for name, value in known.items() if name in row.pattern.converters}
            yield f"admin:{row.name}", reverse(f"admin:{row.name}", kwargs=given)


@pytest.mark.django_db(transaction=True)
def test_every_read_sees_one_moment(sdk: Metronome, http: httpx.Client, bare_http: httpx.Client) -> None:
    shop, reader = Shop(sdk, http), Reader()
    read_api(reader, shop, http)
    read_console(reader, shop, bare_http)
    read_back_office(reader, shop)
    assert reader.torn == {}


def _address(name: str, record: Any) -> str | None:
    """Of a list or of a record's page; None where there is no record."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return None if record is None else reverse(name, args=[record.pk])


def _first_of(app: str, model: str) -> Any:
    return apps.get_model(app, model)._default_manager.values_list("pk", flat=True).first()


@pytest.fixture
def bare_http(wsgi: httpx.WSGITransport, db: None) -> httpx.Client:
    """HTTP without a key."""
    return httpx.Client(transport=wsgi, base_url="http://testserver")
