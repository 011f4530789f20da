"""A small world with subscriptions and seats, driven only through the public API. Amounts are USD cents, times UTC."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from tests.scenarios.balance_world import BalanceWorld
from tests.scenarios.world import USD, exact

DAY = timedelta(days=1)


class SubscriptionWorld(BalanceWorld):
    def seat(self, price: Any = 1000, frequency: str = "MONTHLY", name: str = "Seats") -> tuple[str, str]:
        """(card, subscription product) at `price` a unit."""
        card = self.card()
        return card, self.priced_seat(card, price, frequency, name)

    def priced_seat(self, card: str, price: Any = 1000, frequency: str = "MONTHLY", name: str = "Seats") -> str:
        product = self.sdk.v1.contracts.products.create(name=name, type="SUBSCRIPTION").data.id
        self.rate(card, product, price=price, billing_frequency=frequency)
        return product

    @staticmethod
    def subscription(product: str, frequency: str = "MONTHLY", collection: str = "ARREARS", **more: Any) -> Any:
        proration = {"is_prorated": True, "invoice_behavior": "BILL_ON_NEXT_COLLECTION_DATE"}
        rate = {"product_id": product, "billing_frequency": frequency}
        return {"collection_schedule": collection, "proration": proration, "subscription_rate": rate} | more

    def edit(self, customer: str, contract: str, **changes: Any) -> Any:
        return self.sdk.v2.contracts.edit(customer_id=customer, contract_id=contract, **changes).data

    def subscribed(self, customer: str, contract: str) -> Any:
        [found] = self.sdk.v2.contracts.retrieve(customer_id=customer, contract_id=contract).data.subscriptions
        return found

    def change(self, customer: str, contract: str, **changes: Any) -> Any:
        update = {"subscription_id": self.subscribed(customer, contract).id} | changes
        return self.edit(customer, contract, update_subscriptions=[update])

    def seats(
        self, product: str, ids: Collection[str], unassigned: int = 0, frequency: str = "MONTHLY", **more: Any
    ) -> Any:
        """A SEAT_BASED subscription, whose events name the seat in `user`."""
        config = {"seat_group_key": "user", "initial_seat_ids": list(ids), "initial_unassigned_seats": unassigned}
        mode = {"quantity_management_mode": "SEAT_BASED", "seat_config": config}
        return self.subscription(product, frequency, **mode, **more)

    def per_seat(
        self, amount: Any, start: datetime, allocation: str = "POOLED", *, prorated: bool = True, **more: Any
    ) -> Any:
        """A recurring credit for the seats of the subscription with temporary id `s`."""
        config = {
            "subscription_id": "s",
            "allocation": allocation,
            "apply_seat_increase_config": {"is_prorated": prorated},
        }
        access = {"unit_price": amount, "credit_type_id": USD}
        return self.recurring(amount, start) | {"access_amount": access, "subscription_config": config} | more

    def invoice(self, customer: str, at: datetime | None = None) -> Any:
        """The living usage invoice whose period holds `at`; others have no period."""
        moment = at or self.now
        usage = [row for row in self.invoices(customer) if row.type == "USAGE" and row.status != "VOID"]
        [found] = [row for row in usage if row.start_timestamp <= moment < row.end_timestamp]
        return found

    def bills(self, customer: str) -> list[tuple[str, str, Any]]:
        """(type, status, total) of each invoice, in order of time."""
        rows = sorted(self.invoices(customer), key=lambda row: (row.issued_at or self.now + 99 * DAY, row.type))
        return [(row.type, row.status, exact(row.total)) for row in rows]
