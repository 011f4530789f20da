"""Rows that every installation begins with."""

import uuid
from typing import Any

USD = uuid.UUID("2714e483-4ff1-48e4-9e25-ac732e8f24f2")
OTHERS = (
    *("AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "INR"),
    *("MXN", "NGN", "NOK", "NZD", "PLN", "SEK", "SGD", "TRY", "ZAR"),
)


def seed_fiat_credit_types(apps: Any, _schema_editor: Any = None) -> None:
    """Creates the currencies that Metronome knows. A migration runs it, with its own registry as `apps`.

    Only USD is stored in its minor unit (cents); the others in whole units (engine.money).
    """
    CreditType = apps.get_model("catalog", "CreditType")
    CreditType.objects.create(id=USD, name="USD (cents)", code="USD", places=0, minor_digits=2, is_currency=True)
    CreditType.objects.bulk_create(
        CreditType(id=uuid.uuid5(USD, code), name=code, code=code, places=2, minor_digits=0, is_currency=True)
        for code in OTHERS
    )
