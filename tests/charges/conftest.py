from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from metronome import Metronome

from charges.models import Charge
from charges.services import (
    NewCharge,
    add_charges,
    cancel_charges,
    invoice_charges,
    void_charges,
    waive_charges,
)
from engine.charge_states import ChargeSource, ChargeState, ChargeTerms
from tests.scenarios.balance_world import BalanceWorld
from tests.scenarios.world import USD

AT = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass
class Owed:
    """A customer with a contract, to charge something under."""

    w: BalanceWorld
    customer: UUID
    contract: UUID
    product: UUID

    def new(self, **changed: Any) -> NewCharge:
        """A charge of 3 x 25 cents on 1 March 2026."""
        return NewCharge(
            **{
                "customer_id": self.customer, "contract_id": self.contract, "source": ChargeSource.COMMIT_PURCHASE,
                "source_id": uuid4(), "ordinal": 1, "product_id": self.product, "credit_type_id": UUID(USD),
                "terms": ChargeTerms(AT, Decimal(25), Decimal(3)),
            }
            | changed
        )  # fmt: skip

    def add(self, **changed: Any) -> Charge:
        with transaction.atomic():
            return add_charges(new=[self.new(**changed)], now=AT)[0]

    def in_state(self, state: ChargeState, **changed: Any) -> Charge:
        """A charge that has come into this state by the services' own ways."""
        charge = self.add(**changed)
        asked = charge.amount if charge.amount is not None else Decimal(7)
        ways: dict[ChargeState, Callable[[], None]] = {
            ChargeState.PENDING: lambda: None,
            ChargeState.CANCELED: lambda: cancel_charges(charges=[charge], now=AT),
            ChargeState.WAIVED: lambda: waive_charges(charges=[charge]),
            ChargeState.INVOICED: lambda: invoice_charges(amounts={charge.pk: asked}, now=AT),
        }
        with transaction.atomic():
            if state is ChargeState.VOIDED:
                ways[ChargeState.INVOICED]()
                void_charges(charge_ids=[charge.pk])
            else:
                ways[state]()
        charge.refresh_from_db()
        assert charge.state == state.value
        return charge


@pytest.fixture
def owed(sdk: Metronome) -> Owed:
    w = BalanceWorld(sdk)
    customer = w.customer()
    return Owed(w, UUID(customer), UUID(w.open_contract(customer, None, 1)), UUID(w.fixed()))
