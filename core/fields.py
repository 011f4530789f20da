"""Model fields that keep what they are given."""

from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum
from typing import Any

from django import forms
from django.db import models
from django.db.models.functions import Floor


class ExactDecimalField(models.Field[Any, Any]):
    """An unconstrained PostgreSQL `numeric`: any precision, any scale, never a float.

    NaN and infinities pass PostgreSQL's comparisons (`'NaN' >= 0` is true), so each column needs `finite(...)` among
    its model's constraints; `tests/architecture` checks that it is there.
    """

    description = "Exact decimal of any precision"

    def db_type(self, connection: Any) -> str:
        return "numeric"

    def get_internal_type(self) -> str:
        return "ExactDecimalField"

    def to_python(self, value: Any) -> Decimal | None:
        if value is None or isinstance(value, Decimal):
            return value
        if isinstance(value, float):
            raise TypeError("a float cannot be stored exactly")
        return Decimal(value)

    def get_prep_value(self, value: Any) -> Decimal | None:
        return self.to_python(super().get_prep_value(value))

    def value_to_string(self, obj: models.Model) -> str:
        value = self.value_from_object(obj)
        return "" if value is None else format(value, "f")

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"form_class": forms.DecimalField, **kwargs})


def enum_choices(members: Iterable[StrEnum]) -> list[tuple[str, str]]:
    """The choices of a field that keeps one of these values (an enum of the engine, or some of its members)."""
    return [(member.value, member.name.replace("_", " ").title()) for member in members]


class TransactionIdField(models.Field[int, int]):
    """PostgreSQL's `xid8`: a transaction's number that never wraps round. An int in Python; written by its default."""

    description = "Transaction id"

    def db_type(self, connection: Any) -> str:
        return "xid8"

    def get_internal_type(self) -> str:
        return "TransactionIdField"

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> int | None:
        return None if value is None else int(value)

    def get_prep_value(self, value: Any) -> Any:
        prepared = super().get_prep_value(value)
        return str(prepared) if isinstance(prepared, int) else prepared


class CurrentTransactionId(models.Func):
    """The number of the transaction that writes."""

    function = "pg_current_xact_id"
    arity = 0
    output_field = TransactionIdField()


def finite(name: str, *fields: str) -> models.CheckConstraint:
    """A CHECK that each of `fields` is NULL or finite (PostgreSQL's numeric also knows NaN and the infinities)."""
    condition = models.Q()
    for field in fields:
        # as text: a Decimal NaN equals nothing, so that makemigrations would see a change for ever
        for odd in ("NaN", "Infinity", "-Infinity"):
            condition &= models.Q(**{f"{field}__isnull": True}) | ~models.Q(**{field: odd})
    return models.CheckConstraint(condition=condition, name=name)


def whole(name: str, *fields: str) -> models.CheckConstraint:
    """A CHECK that each of `fields` is NULL or a whole number."""
    condition = models.Q()
    for field in fields:
        condition &= models.Q(**{f"{field}__isnull": True}) | models.Q(**{field: Floor(field)})
    return models.CheckConstraint(condition=condition, name=name)
