"""What public clients of Metronome's API read, in the order in which they read it, from one account.

A billing portal, a data pipeline that copies everything, a sync engine and a strictly generated client.
"""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.scenarios.asked import posted, wire
from tests.scenarios.subscription_world import SubscriptionWorld
from tests.scenarios.world import USD, exact

pytestmark = pytest.mark.django_db


class Account:
    """A plan of 5 seats in dollars, usage in prepaid tokens at 2 to the cent, and 100,000 tokens bought."""

    def __init__(self, w: SubscriptionWorld, http: httpx.Client) -> None:
        self.w, self.http = w, http
        self.unit = w.sdk.v1.pricing_units.create(name="Tokens").data.id
        conversion = {"custom_credit_type_id": self.unit, "fiat_per_custom_credit": 0.5}
        self.card = w.card(credit_type_conversions=[conversion], aliases=[{"name": "portal"}])
        self.metric = w.metric(groups=[["model"]])
        self.product = w.product(self.metric, presentation_group_key=["model"])
        w.rate(self.card, self.product, price=3, credit_type_id=self.unit)
        seat = w.priced_seat(self.card, 1000)
        self.customer = w.customer(name="Portal AG", ingest_aliases=["portal-ag"])
        access = w.schedule((100000, w.days_ago(40), w.days_ago(-300))) | {"credit_type_id": self.unit}
        bought = w.prepaid(0, w.days_ago(40), w.days_ago(-300)) | {"access_schedule": access, "name": "Tokens bought"}
        self.contract = w.open_contract(
            self.customer, self.card, 40, commits=[bought],
            subscriptions=[w.subscription(seat, collection="ADVANCE", initial_quantity=5)],
        )  # fmt: skip
        self.ids = {"customer_id": self.customer, "contract_id": self.contract}
        for day, model in ((20, "a"), (2, "a"), (2, "b"), (1, "b")):
            w.use(self.customer, self.metric, 100, w.days_ago(day) + timedelta(hours=5), model=model)
        w.run_due_work()

    def got(self, path: str, **query: Any) -> Any:
        """The rows of a list, or the object, of this GET."""
        answer = self.http.get(path, params=wire(query))
        assert answer.status_code == 200, answer.text
        return answer.json()

    def asked(self, path: str, **body: Any) -> Any:
        """The same of this POST."""
        return posted(self.http, path, wire(body))


@pytest.fixture
def account(subscriptions: SubscriptionWorld, http: httpx.Client) -> Account:
    return Account(subscriptions, http)


def test_a_billing_portal_reads_what_it_shows(account: Account) -> None:
    """Embedded dashboards, balances, costs by day and hour, what is accruing, a document, and seats."""
    a, w = account, account.w
    for dashboard in ("invoices", "usage", "commits_and_credits"):
        url = a.asked("/v1/dashboards/getEmbeddableUrl", customer_id=a.customer, dashboard=dashboard)["url"]
        assert "/console/embed#token=" in url
    body = {"customer_id": a.customer, "include_balance": True, "include_ledgers": True}
    [held] = a.asked("/v1/contracts/customerBalances/list", **body, include_contract_balances=True)
    assert (held["name"], exact(held["balance"])) == ("Tokens bought", 98800)  # 4 times 100 at 3
    assert held["access_schedule"]["credit_type"] == {"id": a.unit, "name": "Tokens"}
    net = a.asked("/v1/contracts/customerBalances/getNetBalance", customer_id=a.customer, credit_type_id=a.unit)
    assert exact(net["balance"]) == 98800
    path = f"/v1/customers/{a.customer}/invoices"
    days = a.got(f"{path}/breakdowns", starting_on=w.days_ago(4), ending_before=w.today, window_size="day")["data"]
    by_day = {
        row["breakdown_start_timestamp"]: {
            line["presentation_group_values"]["model"]: exact(line["quantity"])
            for line in row["line_items"]
            if line["type"] == "usage" and line["total"] > 0
        }
        for row in days
    }
    day = [wire(w.days_ago(number)).replace("+00:00", "Z") for number in (2, 1)]
    assert {at: found for at, found in by_day.items() if found} == {day[0]: {"a": 100, "b": 100}, day[1]: {"b": 100}}
    hours = a.got(f"{path}/breakdowns", starting_on=w.days_ago(1), ending_before=w.today, window_size="HOUR")["data"]
    busy = [row["breakdown_start_timestamp"] for row in hours if any(line["total"] > 0 for line in row["line_items"])]
    assert busy == [wire(w.days_ago(1) + timedelta(hours=5)).replace("+00:00", "Z")]
    drafts = a.got(path, status="DRAFT", sort="date_desc", limit=5)["data"]
    [draft] = [row for row in drafts if row["type"] == "USAGE"]
    spent = [line for line in draft["line_items"] if line["type"] == "usage"]
    assert sum(exact(line["total"]) for line in spent) == 900
    assert {line["credit_type"]["name"] for line in spent} == {"Tokens"}
    assert (exact(draft["total"]), draft["credit_type"]["id"]) == (5000, USD)  # the next month's seats
    final = a.got(path, status="FINALIZED", limit=10)["data"]
    assert sorted((row["type"], exact(row["total"])) for row in final) == [("SCHEDULED", 5000), ("USAGE", 5000)]
    pdf = a.http.get(f"{path}/{final[0]['id']}/pdf")
    assert (pdf.headers["content-type"], pdf.content[:4]) == ("application/pdf", b"%PDF")
    [seats] = a.asked("/v2/contracts/get", **a.ids)["subscriptions"]
    history = a.asked("/v1/contracts/getSubscriptionQuantityHistory", **a.ids, subscription_id=seats["id"])["history"]
    assert [exact(part["quantity"]) for part in history[0]["data"]] == [5]
    event = {"event_type": a.metric.event_type, "properties": {"units": "50", "model": "a"}}
    preview = a.asked(f"/v1/customers/{a.customer}/previewEvents", events=[event], mode="replace")
    usage = [line for row in preview for line in row["line_items"] if line["type"] == "usage"]
    assert [(exact(line["quantity"]), exact(line["total"])) for line in usage if line["total"] > 0] == [(50, 150)]


def test_a_pipeline_copies_everything(account: Account) -> None:
    """Every list page by page, then usage as one number since 1970, by day for a year and by hour for a month."""
    a, w = account, account.w

    def pages(path: str, body: dict[str, Any] | None = None, cursor: str = "next_page") -> list[Any]:
        rows: list[Any] = []
        query: dict[str, Any] = {"limit": 1}
        while True:
            if body is None:
                answer = a.got(path, **query)
            else:
                sent = a.http.post(path, params=query, json=body)
                assert sent.status_code == 200, sent.text
                answer = sent.json()
            rows += answer["data"]
            if not answer.get(cursor):
                return rows
            query[cursor] = answer[cursor]

    assert [row["id"] for row in pages("/v1/customers")] == [a.customer]
    invoices = pages(f"/v1/customers/{a.customer}/invoices")
    assert sorted((row["type"], row["status"], exact(row["total"])) for row in invoices) == [
        ("SCHEDULED", "FINALIZED", 5000), ("USAGE", "DRAFT", 5000), ("USAGE", "FINALIZED", 5000)
    ]  # fmt: skip
    assert len({row["id"] for row in invoices}) == 3
    [contract] = a.asked("/v2/contracts/list", customer_id=a.customer, include_balance=True, include_ledgers=True)
    assert (contract["id"], exact(contract["commits"][0]["balance"])) == (a.contract, 98800)
    products = pages("/v1/contract-pricing/products/list", {"archive_filter": "NOT_ARCHIVED"})
    assert {row["type"] for row in products} == {"USAGE", "FIXED", "SUBSCRIPTION"}
    assert [row["id"] for row in pages("/v1/contract-pricing/rate-cards/list", {})] == [a.card]
    assert [row["id"] for row in pages("/v1/billable-metrics")] == [a.metric.id]
    assert {a.unit, USD} <= {row["id"] for row in pages("/v1/credit-types/list")}
    year, month = w.today - timedelta(days=365), w.today - timedelta(days=30)
    for window, since, filled in (("NONE", "1970-01-01T00:00:00Z", [400]), ("DAY", year, [100, 200, 100]),
                                  ("HOUR", month, [100, 200, 100])):  # fmt: skip
        body = wire({"starting_on": since, "ending_before": w.today, "window_size": window})
        rows = a.http.post("/v1/usage", json=body).json()["data"]
        assert [exact(row["value"]) for row in rows if row["value"] is not None] == filled
        assert {row["customer_id"] for row in rows} == {a.customer}


def test_a_sync_engine_asks_for_more_than_a_page_has(account: Account) -> None:
    """`limit: 100` where at most 20 or 25 are given: the most there is, and the rest by the cursor."""
    a = account
    for _ in range(21):
        a.w.contract(a.customer, None, a.w.days_ago(2))
    first = a.http.post("/v2/contracts/list", json={"customer_id": a.customer, "limit": 100}).json()
    assert len(first["data"]) == 20
    rest = {"customer_id": a.customer, "limit": 100, "cursor": first["cursor"]}
    second = a.http.post("/v2/contracts/list", json=rest).json()
    assert (len(second["data"]), second["cursor"]) == (2, None)
    assert len({row["id"] for row in first["data"] + second["data"]}) == 22
    assert a.asked("/v1/contracts/customerBalances/list", customer_id=a.customer, limit=100)
    for wrong in (0, -1):
        posted(a.http, "/v2/contracts/list", {"customer_id": a.customer, "limit": wrong}, 400)


def test_a_strictly_generated_client_meets_no_null(account: Account) -> None:
    """Words in lower case, and every optional object absent rather than null."""
    a, w = account, account.w
    made = a.asked("/v1/customers", name="Generated", ingest_aliases=["generated"])
    assert (made["external_id"], made["ingest_aliases"]) == ("generated", ["generated"])
    a.http.post(f"/v1/customers/{made['id']}/setName", json={"name": "Generated Ltd"})
    a.http.post(f"/v1/customers/{made['id']}/setIngestAliases", json={"ingest_aliases": ["g-1"]})
    a.http.post(f"/v1/customers/{made['id']}/updateConfig", json={"salesforce_account_id": "0017"})
    read = a.got(f"/v1/customers/{made['id']}")["data"]
    assert (read["name"], read["ingest_aliases"]) == ("Generated Ltd", ["g-1"])
    assert read["customer_config"] == {"salesforce_account_id": "0017"}
    assert "current_billable_status" not in read
    listed = a.got("/v1/customers", customer_ids=made["id"])["data"]
    assert listed == [read]
    body = {
        "billable_metric_id": a.metric.id, "customer_id": a.customer, "window_size": "day",
        "starting_on": w.days_ago(3), "ending_before": w.today, "group_by": {"key": "model", "values": ["b"]},
    }  # fmt: skip
    groups = a.asked("/v1/usage/groups", **body)
    assert [(row["group_value"], exact(row["value"])) for row in groups if row["value"]] == [("b", 100), ("b", 100)]
    for row in a.got(f"/v1/customers/{a.customer}/invoices")["data"]:
        assert None not in [value for name, value in row.items() if name not in ("number", "document_date", "due_date")]
        assert not [line for line in row["line_items"] if None in line.values()]
    posted(a.http, "/v1/customers/archive", {"id": made["id"]})
    assert a.got("/v1/customers", only_archived="true")["data"][0]["id"] == made["id"]
