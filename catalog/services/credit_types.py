"""Writes of pricing units."""

from datetime import datetime
from uuid import UUID

from django.db import IntegrityError

from catalog.events import CreditTypeArchived, CreditTypeCreated
from catalog.models import CreditType
from core import audit
from core.constraints import violated
from core.errors import Conflict, InvalidInput, NotFound
from core.events import publish
from core.transactions import use_case

SHOWN_PLACES = 2
"""Decimals to which pages show amounts of custom units; stored and billed they are exact."""


def create_credit_type(*, name: str, now: datetime) -> CreditType:
    """A new custom pricing unit, counted in whole units. Raises Conflict for a name that is taken."""
    try:
        with use_case():
            unit = CreditType.objects.create(name=name, places=SHOWN_PLACES)
            publish(CreditTypeCreated(credit_type_id=unit.pk, occurred_at=now, credit_type_name=name))
            audit.record("credit_type.create", unit, at=now, detail={"name": name})
    except IntegrityError as error:
        if violated(error).startswith("catalog_credittype_name"):
            raise Conflict("another pricing unit has this name", field="name") from error
        raise
    return unit


def archive_credit_type(*, credit_type_id: UUID, now: datetime) -> CreditType:
    """Keeps a unit from new rates and conversions; those that exist go on. Twice changes nothing.

    Raises NotFound, InvalidInput for a currency.
    """
    with use_case():
        unit = CreditType.objects.select_for_update(no_key=True).filter(pk=credit_type_id).first()
        if unit is None:
            raise NotFound(f"no pricing unit {credit_type_id}", field="id")
        if unit.is_currency:
            raise InvalidInput("a currency cannot be archived", field="id")
        if unit.archived_at is None:
            unit.archived_at = now
            unit.save(update_fields=["archived_at"])
            publish(CreditTypeArchived(credit_type_id=unit.pk, occurred_at=now))
            audit.record("credit_type.archive", unit, at=now)
    return unit
