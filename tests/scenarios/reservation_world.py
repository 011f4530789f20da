"""A customer with credit whose application reserves before it calls, driven only through the public API."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import httpx
from metronome import Metronome

from core.exact_json import loads
from tests.scenarios.balance_world import BalanceWorld
from tests.scenarios.world import Metric

ROUTE = "/tactus/v1/balances"


class ReservationWorld(BalanceWorld):
    def __init__(self, sdk: Metronome, http: httpx.Client) -> None:
        super().__init__(sdk)
        self.http = http

    def post(self, what: str, **body: Any) -> httpx.Response:
        return self.http.post(f"{ROUTE}/{what}", json=body)

    def ask(self, what: str, **body: Any) -> dict[str, Any]:
        """The answer's `data`, its numbers exact."""
        answer = self.post(what, **body)
        assert answer.status_code == 200, answer.text
        return dict(loads(answer.content)["data"])

    def reserve(self, customer: str, amount: Any, **more: Any) -> dict[str, Any]:
        return self.ask("reserve", customer_id=customer, amount=amount, **more)

    def refused(self, customer: str, amount: Any, **more: Any) -> Decimal:
        """What there is instead of what was asked for."""
        answer = self.post("reserve", customer_id=customer, amount=amount, **more)
        assert answer.status_code == 402, answer.text
        return Decimal(loads(answer.content)["available"])

    def free(self, customer: str) -> Decimal:
        """What may be reserved now; asking for more than anybody has stores nothing."""
        return self.refused(customer, 10**15)

    def commit(self, reservation: str, **more: Any) -> dict[str, Any]:
        return self.ask("commit", reservation_id=reservation, **more)

    def release(self, reservation: str) -> dict[str, Any]:
        return self.ask("release", reservation_id=reservation)

    def get(self, reservation: str) -> dict[str, Any]:
        return dict(loads(self.http.get(f"{ROUTE}/reservations/{reservation}").content)["data"])

    def status(self, reservation: str) -> str:
        return str(self.get(reservation)["status"])

    def prepaid_customer(self, amount: Any, price: float = 1) -> tuple[str, Metric]:
        """A customer with `amount` cents and a contract under which a unit costs `price`."""
        metric, _, card = self.priced(price=price)
        customer = self.customer()
        self.open_contract(customer, card)
        if amount:
            self.grant(customer, amount, self.days_ago(5), self.days_ago(-30))
        return customer, metric

    def spend(self, customer: str, metric: Metric, units: Any, transaction_id: str, at: datetime | None = None) -> None:
        """The event of a call."""
        self.send(self.event(customer, metric, units, at) | {"transaction_id": transaction_id})
