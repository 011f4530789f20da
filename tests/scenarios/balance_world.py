"""A small world with commits and credits, driven only through the public API. Amounts are USD cents, times UTC."""

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.scenarios.world import USD, World, exact


class BalanceWorld(World):
    def fixed(self) -> str:
        return self.sdk.v1.contracts.products.create(name="Credits", type="FIXED").data.id

    @staticmethod
    def schedule(*parts: tuple[Any, datetime, datetime]) -> Any:
        items = [{"amount": amount, "starting_at": start, "ending_before": end} for amount, start, end in parts]
        return {"credit_type_id": USD, "schedule_items": items}

    def credit(self, amount: Any, start: datetime, end: datetime, **more: Any) -> Any:
        return {"product_id": self.fixed(), "access_schedule": self.schedule((amount, start, end))} | more

    def prepaid(
        self, amount: Any, start: datetime, end: datetime, invoiced: Collection[tuple[datetime, Any]] = (), **more: Any
    ) -> Any:
        if invoiced:
            more["invoice_schedule"] = {"schedule_items": [{"timestamp": at, "amount": cost} for at, cost in invoiced]}
        return self.credit(amount, start, end) | {"type": "PREPAID"} | more

    def postpaid(self, amount: Any, start: datetime, end: datetime, **more: Any) -> Any:
        return self.prepaid(amount, start, end, [(end, amount)]) | {"type": "POSTPAID"} | more

    def recurring(self, amount: Any, start: datetime, **more: Any) -> Any:
        return {
            "product_id": self.fixed(),
            "priority": 1,
            "starting_at": start,
            "access_amount": {"unit_price": amount, "quantity": 1, "credit_type_id": USD},
            "commit_duration": {"value": 1, "unit": "PERIODS"},
        } | more

    def grant(self, customer: str, amount: Any, start: datetime, end: datetime, **more: Any) -> str:
        """A credit of the customer's own."""
        body = {"priority": 1} | self.credit(amount, start, end) | more
        return self.sdk.v1.customers.credits.create(customer_id=customer, **body).data.id

    def manual(self, customer: str, balance: str, segment: str, amount: Any, reason: str, **more: Any) -> None:
        self.sdk.v1.contracts.add_manual_balance_entry(
            id=balance, customer_id=customer, segment_id=segment, amount=amount, reason=reason, **more
        )

    def held(self, customer: str, **query: Any) -> list[Any]:
        """All balances of the customer and its contracts, with what is left and their ledgers, newest first."""
        return list(
            self.sdk.v1.contracts.list_balances(
                customer_id=customer,
                include_balance=True,
                include_ledgers=True,
                include_contract_balances=True,
                **query,
            )
        )

    def net(self, customer: str, **query: Any) -> Decimal:
        return exact(self.sdk.v1.contracts.get_net_balance(customer_id=customer, **query).data.balance)

    def ledger(self, customer: str) -> list[tuple[str, Decimal]]:
        return [(entry.type, exact(entry.amount)) for row in self.held(customer) for entry in row.ledger]

    def commit_of(self, customer: str, items: Collection[str]) -> str:
        """The commit that has one of these instalments."""
        [found] = [
            row.id
            for row in self.held(customer)
            if row.invoice_schedule and items & {item.id for item in row.invoice_schedule.schedule_items}
        ]
        return str(found)
