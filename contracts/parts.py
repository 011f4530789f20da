"""What apps above add to contracts: commits and credits stand in a contract's bodies and answers, not in this app.

`CONTRACT_EXTENSIONS` (billing_site/wiring.py) lists them beside the reactions: this app calls them without knowing who
they are (docs/adr/0013).
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import cache
from typing import Any, Protocol
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string
from rest_framework.serializers import Field

from contracts.models import Contract, ContractEdit

Fields = dict[str, Field[Any, Any, Any, Any]]


class ContractPart(Protocol):
    """A part of contracts that another app keeps. Bodies are validated; `at` decides what products are called."""

    def create_fields(self) -> Fields:
        """Fields of a new contract's body."""
        ...

    def edit_fields(self) -> Fields:
        """Fields of an edit's body."""
        ...

    def read_fields(self) -> Fields:
        """Fields of a body that reads contracts: what of its part to show."""
        ...

    def term_fields(self) -> Fields:
        """Fields that a contract shows."""
        ...

    def edited_fields(self) -> Fields:
        """Fields that an edit shows."""
        ...

    def prepare(self, body: dict[str, Any]) -> None:
        """Settles what refers from one part of the body to another, before anything is written."""
        ...

    def warnings(self, given: Collection[str]) -> list[dict[str, str]]:
        """What of these fields of a body is kept and shown but does not act yet: `field` and `message` each."""
        ...

    def create(self, contract: Contract, *, body: Mapping[str, Any], now: datetime) -> None:
        """Writes its part of a new contract, in the contract's transaction. Raises InvalidInput."""
        ...

    def edit(self, contract: Contract, *, body: Mapping[str, Any], edit: ContractEdit, now: datetime) -> dict[str, Any]:
        """Writes its part of an edit and says, by field, what was asked and made: of `edited_fields` those that hold
        something; lists of rows with an `id`, of words, or one object. Raises InvalidInput.
        """
        ...

    def before_reading(self, customer_id: UUID, *, asked: Mapping[str, Any], now: datetime) -> None:
        """Writes what has come due, in transactions of its own, before its part of the customer's contracts is read."""
        ...

    def terms(
        self, contracts: Mapping[UUID, Contract], /, *, asked: Mapping[str, Any], at: datetime
    ) -> dict[UUID, dict[str, Any]]:
        """What a customer's contracts (by id) show, by contract: `term_fields` each. `asked`: the reading body."""
        ...


def warnings_of(body: Mapping[str, Any]) -> list[dict[str, str]]:
    """What of a read body is kept and shown but does not act yet."""
    given = [name for name, value in body.items() if value not in (None, [], {})]
    return [warning for part in contract_parts() for warning in part.warnings(given)]


@cache
def contract_parts() -> tuple[ContractPart, ...]:
    """All parts, in the order of the table."""
    return tuple(part() for part in import_string(settings.CONTRACT_EXTENSIONS))


def given_parts(body: Mapping[str, Any], *, editing: bool) -> dict[str, Any]:
    """What of a read body is for the parts."""
    names: set[str] = set()
    for part in contract_parts():
        names |= set(part.edit_fields() if editing else part.create_fields())
    return {name: body[name] for name in names if name in body}
