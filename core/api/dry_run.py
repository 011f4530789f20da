"""`dry_run`: a write is carried out, what it would do to drafts and balances is read, and all of it is undone.

Who knows drafts and balances stands above the rooms whose views ask, so the composition root names the reader
(`DRY_RUN_READER`, docs/adr/0029).
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string
from rest_framework import serializers

from core import idempotency
from core.api.fields import ExactField, FlagField, InstantField
from core.api.output import IdOutput, Output
from core.transactions import rehearsed

COMPONENTS = "DryRun"
"""The beginning of these names in /openapi.json, wherever the code lies."""

Foresee = Callable[[UUID, datetime], AbstractContextManager[dict[str, Any]]]
"""Fills the dict it gives when its block ends: `ForeseenOutput` of what the block did to a customer's account."""


def dry_run_field() -> FlagField:
    """The field of a body."""
    return FlagField(
        required=False,
        help_text="Tactus's own. true: nothing is stored; the answer says what would become of drafts and balances.",
    )


class LineAmountsOutput(Output):
    """What a line comes to."""

    quantity = ExactField(required=False)
    unit_price = ExactField(required=False)
    total = ExactField()


class ForeseenLineOutput(Output):
    """A line that changes, appears (no `before`) or goes (no `after`)."""

    name = serializers.CharField()
    type = serializers.CharField()
    product_id = serializers.UUIDField(required=False)
    before = LineAmountsOutput(required=False)
    after = LineAmountsOutput(required=False)


class DraftOutput(Output):
    """A draft at one side of the change."""

    id = serializers.UUIDField(required=False, help_text="Left out for one that is not there yet.")
    start_timestamp = InstantField()
    end_timestamp = InstantField()
    total = ExactField(required=False, help_text="In the draft's stored unit; left out where it cannot be computed.")


class ForeseenInvoiceOutput(Output):
    """A draft invoice now (`before`) and as it would be (`after`); left out where there is none."""

    type = serializers.CharField()
    credit_type_id = serializers.UUIDField()
    contract_id = serializers.UUIDField(required=False, help_text="Left out for a contract that is not there yet.")
    before = DraftOutput(required=False)
    after = DraftOutput(required=False)
    lines = ForeseenLineOutput(many=True, help_text="Only what changes.")


class ForeseenBalanceOutput(Output):
    """What can be drawn from a balance now, and what could be; `before` is left out for one that is not there yet."""

    id = serializers.UUIDField(required=False, help_text="Left out for one that is not there yet.")
    before = ExactField(required=False)
    after = ExactField(required=False)


class ForeseenOutput(Output):
    """What becomes of an account's drafts and balances."""

    invoices = ForeseenInvoiceOutput(many=True)
    balances = ForeseenBalanceOutput(many=True)


class DryRunIdOutput(IdOutput):
    """The id of what was written; of a dry run one that nothing has, or that of what would change."""

    dry_run = ForeseenOutput(required=False, help_text="Tactus's own: the answer to a dry run.")


def carry_out(write: Callable[[], dict[str, Any]], *, dry_run: bool, customer_id: UUID, at: datetime) -> dict[str, Any]:
    """What `write`, which runs one use case, answers; of a dry run with `dry_run` beside it, and nothing is stored.

    An `Idempotency-Key` of a dry run is free again: it was no write.
    """
    if not dry_run:
        return write()
    foreseen: dict[str, Any] = {}
    foresee: Foresee = import_string(settings.DRY_RUN_READER)

    @contextmanager
    def watching() -> Iterator[None]:
        with foresee(customer_id, at) as found:
            yield
        foreseen.update(found)

    try:
        with rehearsed(watching):
            shown = write()
    finally:
        idempotency.release_current()
    return shown | {"dry_run": ForeseenOutput.of(foreseen)}
