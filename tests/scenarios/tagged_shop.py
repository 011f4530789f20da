"""A shop whose products have tags, for balances that may pay some of them."""

from decimal import Decimal
from typing import Any

import httpx

from tests.scenarios.asked import posted, wire
from tests.scenarios.balance_world import BalanceWorld
from tests.scenarios.world import exact


class TaggedShop:
    """Two products tagged `ai` at 100, one of them `premium` too, and 3 of each used by a customer."""

    def __init__(self, w: BalanceWorld, http: httpx.Client) -> None:
        self.w, self.http = w, http
        self.metric, self.card = w.metric(), w.card()
        for name, tags in (("Plain", ["ai"]), ("Premium", ["ai", "premium"])):
            w.rate(self.card, w.product(self.metric, name, tags=tags), price=100)
        self.customer = w.customer()

    def contract(self, **more: Any) -> str:
        """A contract since 5 days, with 3 of each used."""
        body = {
            "customer_id": self.customer, "rate_card_id": self.card, "starting_at": self.w.days_ago(5),
            "usage_statement_schedule": {"frequency": "MONTHLY", "day": "CONTRACT_START"},
        }  # fmt: skip
        made = posted(self.http, "/v1/contracts/create", wire(body | more))["id"]
        self.w.use(self.customer, self.metric, 3, self.w.days_ago(1))
        return str(made)

    def due(self) -> Decimal:
        """The total of the running usage invoice."""
        [running] = [row for row in self.w.invoices(self.customer) if row.type == "USAGE"]
        return exact(running.total)

    def shown(self, contract: str, version: str = "v2") -> Any:
        """The contract."""
        body = {"customer_id": self.customer, "contract_id": contract}
        return posted(self.http, f"/{version}/contracts/get", body)
