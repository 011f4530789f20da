"""A small world to bill in, driven only through the public API with Metronome's official SDK.

Amounts are USD cents, times UTC.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

from django.core.management import call_command
from django.db import connection
from metronome import Metronome

from core.clock import now

USD = "2714e483-4ff1-48e4-9e25-ac732e8f24f2"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Metric:
    id: str
    event_type: str
    key: str | None


class World:
    def __init__(self, sdk: Metronome) -> None:
        self.sdk = sdk
        self.now = now()
        self.today = self.now.replace(hour=0, minute=0, second=0, microsecond=0)

    def days_ago(self, days: int) -> datetime:
        return self.today - timedelta(days=days)

    def metric(self, aggregation: str = "SUM", groups: Iterable[Iterable[str]] = (), key: str = "units") -> Metric:
        event_type = f"test.{uuid.uuid4().hex}"
        keys = [list(group) for group in groups]
        filters: list[dict[str, Any]] = [] if aggregation == "COUNT" else [{"name": key, "exists": True}]
        filters += [{"name": name, "exists": True} for name in sorted({name for group in keys for name in group})]
        more: dict[str, Any] = {"property_filters": filters} if filters else {}
        if aggregation != "COUNT":
            more["aggregation_key"] = key
        if keys:
            more["group_keys"] = keys
        made = self.sdk.v1.billable_metrics.create(
            name="Metric", aggregation_type=aggregation, event_type_filter={"in_values": [event_type]}, **more
        )
        return Metric(made.data.id, event_type, None if aggregation == "COUNT" else key)

    def product(self, metric: Metric, name: str = "Tokens", **more: Any) -> str:
        return self.sdk.v1.contracts.products.create(
            name=name, type="USAGE", billable_metric_id=metric.id, **more
        ).data.id

    def card(self, **more: Any) -> str:
        return self.sdk.v1.contracts.rate_cards.create(name="Card", **more).data.id

    def rate(
        self,
        card: str,
        product: str,
        *,
        price: float | None = None,
        tiers: Any = None,
        starting_at: datetime = LONG_AGO,
        entitled: bool = True,
        **more: Any,
    ) -> None:
        kind = {"rate_type": "TIERED", "tiers": tiers} if tiers is not None else {"rate_type": "FLAT", "price": price}
        more = kind | more
        self.sdk.v1.contracts.rate_cards.rates.add(
            rate_card_id=card, product_id=product, starting_at=starting_at, entitled=entitled, **more
        )

    def priced(self, **rate: Any) -> tuple[Metric, str, str]:
        metric = self.metric()
        product = self.product(metric)
        card = self.card()
        self.rate(card, product, **rate)
        return metric, product, card

    def customer(self, **more: Any) -> str:
        return self.sdk.v1.customers.create(name=more.pop("name", "Customer"), **more).data.id

    def contract(self, customer: str, card: str | None, starting_at: datetime, **more: Any) -> str:
        if card is not None:
            more["rate_card_id"] = card
        return self.sdk.v1.contracts.create(customer_id=customer, starting_at=starting_at, **more).data.id

    def open_contract(
        self, customer: str, card: str | None, days: int = 5, frequency: str = "MONTHLY", **more: Any
    ) -> str:
        schedule = {"frequency": frequency, "day": "CONTRACT_START"}
        return self.contract(customer, card, self.days_ago(days), usage_statement_schedule=schedule, **more)

    def event(
        self, customer: str, metric: Metric, quantity: Any = None, at: datetime | None = None, **properties: Any
    ) -> dict[str, Any]:
        if metric.key is not None:
            properties[metric.key] = str(quantity)
        return {
            "transaction_id": uuid.uuid4().hex,
            "customer_id": customer,
            "event_type": metric.event_type,
            "timestamp": (at or self.now).isoformat(),
            "properties": properties,
        }

    def send(self, *events: dict[str, Any]) -> None:
        for start in range(0, len(events), 100):
            self.sdk.v1.usage.ingest(usage=list(events[start : start + 100]))

    def use(
        self, customer: str, metric: Metric, quantity: Any = None, at: datetime | None = None, **properties: Any
    ) -> None:
        self.send(self.event(customer, metric, quantity, at, **properties))

    def invoices(self, customer: str, **query: Any) -> list[Any]:
        return list(self.sdk.v1.customers.invoices.list(customer_id=customer, **query))

    def invoice(self, customer: str, at: datetime | None = None) -> Any:
        """The living usage invoice whose period holds `at`."""
        moment = at or self.now
        [found] = [
            row
            for row in self.invoices(customer)
            if row.status != "VOID" and row.start_timestamp <= moment < row.end_timestamp
        ]
        return found

    @staticmethod
    def run_due_work(until: datetime | None = None) -> None:
        call_command("run_due_work", *(["--until", until.isoformat()] if until else []), stdout=StringIO())
        if (
            connection.in_atomic_block
        ):  # a sweep's bound on its waits ends with its transaction; here that is the test's
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = DEFAULT")


def exact(value: Any) -> Decimal:
    """An API number as an exact decimal, float noise removed."""
    return Decimal(str(value)).quantize(Decimal("0.000000001")).normalize() + 0
