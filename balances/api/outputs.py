"""Commits, credits and their recurring forms in answers. Amounts leave exact, in the stored unit."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from rest_framework import serializers

from balances.api.hierarchy import ChildAccessConfigOutput
from balances.models import Balance, RecurringGrant
from balances.selectors.live import Live
from balances.selectors.purchases import Instalment, invoice_schedules
from catalog.api.units import CreditTypeOutput
from catalog.models import CreditType, Product
from catalog.selectors import state_at
from charges.api.schedules import InvoiceScheduleOutput
from core.api.fields import CustomFieldsField, ExactField, InstantField
from core.api.output import Output

TEXTS = ("name", "description", "created_by", "netsuite_sales_order_id", "salesforce_opportunity_id", "uniqueness_key")
SCOPE = ("applicable_product_ids", "applicable_product_tags", "specifiers")


class ProductOutput(Output):
    """A product, briefly."""

    id = serializers.UUIDField()
    name = serializers.CharField()


class ContractOutput(Output):
    """A contract, briefly."""

    id = serializers.UUIDField()


class SegmentOutput(Output):
    """A segment of access; `seat_id`: whose alone it is."""

    id = serializers.UUIDField()
    amount = ExactField()
    starting_at = InstantField()
    ending_before = InstantField()
    seat_id = serializers.CharField(required=False)


class SeatIncreaseOutput(Output):
    """What seats bring that come inside a period."""

    is_prorated = serializers.BooleanField()


class SubscriptionConfigOutput(Output):
    """The subscription whose quantity is granted for."""

    subscription_id = serializers.UUIDField()
    allocation = serializers.CharField()
    apply_seat_increase_config = SeatIncreaseOutput()


class AccessScheduleOutput(Output):
    """When how much may be used."""

    schedule_items = SegmentOutput(many=True)
    credit_type = CreditTypeOutput()
    access_type = serializers.CharField()


class LedgerOutput(Output):
    """A movement; what a draft draws stands in the list as well, as it would be posted now."""

    type = serializers.CharField()
    amount = ExactField()
    timestamp = InstantField()
    segment_id = serializers.UUIDField()
    invoice_id = serializers.UUIDField(required=False)
    contract_id = serializers.UUIDField(required=False)
    new_contract_id = serializers.UUIDField(required=False)
    reason = serializers.CharField(required=False)


class OriginOutput(Output):
    """What was rolled over."""

    contract_id = serializers.UUIDField()


class CommitOriginOutput(OriginOutput):
    """The commit that was rolled over."""

    commit_id = serializers.UUIDField()


class CreditOriginOutput(OriginOutput):
    """The credit that was rolled over."""

    credit_id = serializers.UUIDField()


class EitherOriginOutput(OriginOutput):
    """The commit or the credit that was rolled over."""

    commit_id = serializers.UUIDField(required=False)
    credit_id = serializers.UUIDField(required=False)


class TrackedOutput(Output):
    """How spend trackers take a commit."""

    counts_as_discounted = serializers.BooleanField()


class BalanceOutput(Output):
    """A commit or credit; what does not apply is left out."""

    id = serializers.UUIDField()
    type = serializers.CharField()
    created_at = InstantField()
    product = ProductOutput()
    access_schedule = AccessScheduleOutput()
    priority = ExactField()
    rate_type = serializers.CharField()
    custom_fields = CustomFieldsField()
    name = serializers.CharField(required=False)
    description = serializers.CharField(required=False)
    created_by = serializers.CharField(required=False)
    netsuite_sales_order_id = serializers.CharField(required=False)
    salesforce_opportunity_id = serializers.CharField(required=False)
    uniqueness_key = serializers.CharField(required=False)
    contract = ContractOutput(required=False)
    invoice_contract = ContractOutput(required=False)
    invoice_schedule = InvoiceScheduleOutput(required=False)
    amount = ExactField(required=False)
    cost_basis = ExactField(required=False)
    rollover_fraction = ExactField(required=False)
    rolled_over_from: OriginOutput = EitherOriginOutput(required=False)
    recurring_commit_id = serializers.UUIDField(required=False)
    recurring_credit_id = serializers.UUIDField(required=False)
    subscription_config = SubscriptionConfigOutput(required=False)
    applicable_contract_ids = serializers.ListField(child=serializers.CharField(), required=False)
    applicable_product_ids = serializers.ListField(child=serializers.CharField(), required=False)
    applicable_product_tags = serializers.ListField(child=serializers.CharField(), required=False)
    specifiers = serializers.ListField(child=serializers.DictField(), required=False)
    hierarchy_configuration = ChildAccessConfigOutput(required=False)
    spend_tracker_attributes = TrackedOutput(required=False)
    archived_at = InstantField(required=False)
    balance = ExactField(required=False)
    ledger = LedgerOutput(many=True, required=False)


class CommitOutput(BalanceOutput):
    """A commit; what does not apply is left out."""

    rolled_over_from = CommitOriginOutput(required=False)


class CreditOutput(BalanceOutput):
    """A credit; what does not apply is left out."""

    rolled_over_from = CreditOriginOutput(required=False)


def present_balances(
    rows: Iterable[Balance], at: datetime, live: Mapping[Any, Live] | None = None, *, ledgers: bool = False
) -> list[dict[str, Any]]:
    """Balances as Metronome's clients know them; with `live`, what is left now, and their ledgers if asked for."""
    found = list(rows)
    schedules = invoice_schedules([row.pk for row in found if row.kind != Balance.Kind.CREDIT])
    return BalanceOutput.of_each(
        _row(row, at, live.get(row.pk) if live else None, schedules.get(row.pk, ()), ledgers=ledgers) for row in found
    )


def _row(
    row: Balance, at: datetime, live: Live | None, instalments: Sequence[Instalment], *, ledgers: bool
) -> dict[str, Any]:
    credit = row.kind == Balance.Kind.CREDIT
    shown: dict[str, Any] = {
        "id": row.pk,
        "type": row.kind,
        "created_at": row.created_at,
        "product": product_of(row.product, at),
        "access_schedule": {
            "schedule_items": [
                {
                    "id": part.pk,
                    "amount": part.granted,
                    "starting_at": part.starting_at,
                    "ending_before": part.ending_before,
                    **({"seat_id": part.seat_id} if part.seat_id else {}),
                }
                for part in row.segments.all()
            ],
            "credit_type": _unit(row.credit_type),
            "access_type": row.access_type,
        },
        "priority": row.priority,
        "rate_type": row.rate_type,
        "custom_fields": row.custom_fields,
    }
    shown |= {name: getattr(row, name) for name in (*TEXTS, *SCOPE) if getattr(row, name)}
    shown |= {name: value for name in ("rollover_fraction", "archived_at") if (value := getattr(row, name)) is not None}
    if row.contract_id is not None:
        shown["contract"] = {"id": row.contract_id}
    if row.applicable_contract_ids is not None:
        shown["applicable_contract_ids"] = row.applicable_contract_ids
    if row.child_access is not None:
        shown["hierarchy_configuration"] = {"child_access": row.child_access}
    if row.recurring is not None and row.recurring.subscription_id is not None:
        shown["subscription_config"] = _subscription_config(row.recurring)
    if row.recurring_id is not None:
        shown["recurring_credit_id" if credit else "recurring_commit_id"] = row.recurring_id
    if not credit:
        shown |= _commit(row, instalments)
    if row.rolled_over_from is not None:
        shown["rolled_over_from"] = {
            "credit_id" if credit else "commit_id": row.rolled_over_from.pk,
            "contract_id": row.rolled_over_from.contract_id,
        }
    if live is not None:
        shown["balance"] = live.balance
        if ledgers and row.archived_at is None:
            shown["ledger"] = live.ledger
    return shown


def _commit(row: Balance, instalments: Sequence[Instalment]) -> dict[str, Any]:
    shown: dict[str, Any] = {"cost_basis": row.cost_basis}
    if row.counts_as_discounted is not None:
        shown["spend_tracker_attributes"] = {"counts_as_discounted": row.counts_as_discounted}
    segments = list(row.segments.all())
    if len(segments) == 1:
        shown["amount"] = segments[0].granted
    if row.invoice_contract_id is not None:
        shown["invoice_contract"] = {"id": row.invoice_contract_id}
    items = [
        {
            "id": item.id, "timestamp": item.timestamp, "unit_price": item.unit_price, "quantity": item.quantity,
            "amount": item.amount, "invoice_id": item.invoice_id,
        }
        for item in instalments
    ]  # fmt: skip
    if items:
        shown["invoice_schedule"] = {
            "schedule_items": items, "credit_type": _unit(row.invoice_credit_type), "do_not_invoice": row.do_not_invoice
        }  # fmt: skip
    return shown


class AmountOutput(Output):
    """A unit price and a quantity."""

    unit_price = ExactField()
    quantity = ExactField(required=False)
    credit_type_id = serializers.UUIDField()
    access_type = serializers.CharField(required=False)


class InvoiceAmountOutput(Output):
    """What each period is invoiced at."""

    unit_price = ExactField()
    quantity = ExactField()
    credit_type_id = serializers.UUIDField()


class DurationOutput(Output):
    """How many periods access lasts."""

    value = serializers.IntegerField()
    unit = serializers.CharField()


class RecurringOutput(Output):
    """A recurring commit or credit."""

    id = serializers.UUIDField()
    product = ProductOutput()
    contract = ContractOutput()
    priority = ExactField()
    rate_type = serializers.CharField()
    starting_at = InstantField()
    anchor_date = InstantField()
    ending_before = InstantField(required=False)
    access_amount = AmountOutput()
    invoice_amount = InvoiceAmountOutput(required=False)
    commit_duration = DurationOutput()
    recurrence_frequency = serializers.CharField(required=False)
    proration = serializers.CharField()
    proration_rounding = serializers.DictField(required=False)
    name = serializers.CharField(required=False)
    description = serializers.CharField(required=False)
    rollover_fraction = ExactField(required=False)
    applicable_product_ids = serializers.ListField(child=serializers.CharField(), required=False)
    applicable_product_tags = serializers.ListField(child=serializers.CharField(), required=False)
    specifiers = serializers.ListField(child=serializers.DictField(), required=False)
    netsuite_sales_order_id = serializers.CharField(required=False)
    subscription_config = SubscriptionConfigOutput(required=False)
    hierarchy_configuration = ChildAccessConfigOutput(required=False)


def present_recurring(rows: Iterable[RecurringGrant], at: datetime) -> list[dict[str, Any]]:
    """Recurring commits or credits as Metronome's clients know them."""
    return RecurringOutput.of_each(_recurring(row, at) for row in rows)


def _recurring(row: RecurringGrant, at: datetime) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": row.pk,
        "product": product_of(row.product, at),
        "contract": {"id": row.contract_id},
        "priority": row.priority,
        "rate_type": row.rate_type,
        "starting_at": row.starting_at,
        "anchor_date": row.starting_at if row.frequency else row.contract.billing_anchor_at,
        "access_amount": {
            "unit_price": row.access_unit_price, "quantity": row.access_quantity,
            "credit_type_id": row.credit_type_id, "access_type": row.access_type,
        },
        "commit_duration": {"value": row.duration, "unit": "PERIODS"},
        "proration": row.proration,
    }  # fmt: skip
    if row.invoice_unit_price is not None:
        shown["invoice_amount"] = {
            "unit_price": row.invoice_unit_price, "quantity": row.invoice_quantity,
            "credit_type_id": row.invoice_credit_type_id,
        }  # fmt: skip
    if row.frequency:
        shown["recurrence_frequency"] = row.frequency
    if row.subscription_id is not None:
        shown["subscription_config"] = _subscription_config(row)
        del shown["access_amount"]["quantity"]
    if row.child_access is not None:
        shown["hierarchy_configuration"] = {"child_access": row.child_access}
    if row.proration_rounding:
        shown["proration_rounding"] = row.proration_rounding
    names = ("name", "description", "netsuite_sales_order_id", *SCOPE)
    shown |= {name: getattr(row, name) for name in names if getattr(row, name)}
    shown |= {
        name: value for name in ("ending_before", "rollover_fraction") if (value := getattr(row, name)) is not None
    }
    return shown


def _subscription_config(row: RecurringGrant) -> dict[str, Any]:
    return {
        "subscription_id": row.subscription_id,
        "allocation": row.allocation,
        "apply_seat_increase_config": {"is_prorated": row.seat_increase_is_prorated},
    }


def _unit(unit: CreditType | None) -> dict[str, Any] | None:
    return None if unit is None else {"id": unit.pk, "name": unit.name}


def product_of(product: Product, at: datetime) -> dict[str, Any]:
    """A product, called what it is called at `at`."""
    return {"id": product.pk, "name": state_at(list(product.versions.all()), at).name}
