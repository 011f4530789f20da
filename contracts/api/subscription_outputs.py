"""Subscriptions in answers, v1 and v2 alike. Amounts leave exact."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from rest_framework import serializers

from catalog.selectors import state_at
from contracts.models import Subscription
from contracts.selectors.subscriptions import FOREVER, custom_unit_of, end_of, history_of, periods_of
from core.api.fields import CustomFieldsField, ExactField, InstantField
from core.api.output import Output, ToldOutput
from engine.quantities import Standing


class PeriodOutput(Output):
    """A billing period."""

    starting_at = InstantField()
    ending_before = InstantField()


class PeriodsOutput(Output):
    """The billing periods around the present; what there is none of is left out."""

    previous = PeriodOutput(required=False)
    current = PeriodOutput(required=False)
    next = PeriodOutput(required=False)


class RoundingOutput(Output):
    """How a prorated unit price is rounded."""

    rounding_method = serializers.CharField()
    decimal_places = serializers.IntegerField()


class ProrationOutput(Output):
    """What becomes of partial periods."""

    is_prorated = serializers.BooleanField()
    invoice_behavior = serializers.CharField()
    rounding = RoundingOutput(required=False)


class QuantityOutput(Output):
    """A quantity over a time."""

    quantity = ExactField()
    starting_at = InstantField()
    ending_before = InstantField(required=False)


class ProductOutput(Output):
    """A product, briefly."""

    id = serializers.UUIDField()
    name = serializers.CharField()


class RateOutput(Output):
    """Which rate of the card."""

    billing_frequency = serializers.CharField()
    product = ProductOutput()


class CycleOutput(Output):
    """What the periods are counted from, and which invoice takes the charges."""

    anchor_date = InstantField()
    invoice_placement = serializers.CharField()


class SeatConfigOutput(Output):
    """The property of events that says whose usage it is."""

    seat_group_key = serializers.CharField()


class SubscriptionOutput(Output):
    """A subscription; what does not apply is left out."""

    id = serializers.UUIDField()
    name = serializers.CharField(required=False)
    description = serializers.CharField(required=False)
    starting_at = InstantField()
    ending_before = InstantField(required=False)
    created_at = InstantField()
    collection_schedule = serializers.CharField()
    proration = ProrationOutput()
    subscription_rate = RateOutput()
    billing_cycle_config = CycleOutput()
    billing_periods = PeriodsOutput()
    quantity_management_mode = serializers.CharField()
    quantity_schedule = QuantityOutput(many=True)
    seat_config = SeatConfigOutput(required=False)
    custom_fields = CustomFieldsField()
    product_custom_fields = CustomFieldsField()
    fiat_credit_type_id = serializers.UUIDField(required=False)
    custom_credit_type_id = serializers.UUIDField(required=False)


class QuantityChangeOutput(Output):
    """A change of quantity, as it was asked for."""

    starting_at = InstantField()
    quantity = ExactField(required=False)
    quantity_delta = ExactField(required=False)


class SeatIdsOutput(Output):
    """Seats by id, as was asked for."""

    starting_at = InstantField()
    seat_ids = serializers.ListField(child=serializers.CharField())


class SeatCountOutput(Output):
    """Seats without an id, as was asked for."""

    starting_at = InstantField()
    quantity = ExactField()


class SeatUpdatesOutput(Output):
    """Seats added and removed."""

    add_seat_ids = SeatIdsOutput(many=True, required=False)
    add_unassigned_seats = SeatCountOutput(many=True, required=False)
    remove_seat_ids = SeatIdsOutput(many=True, required=False)
    remove_unassigned_seats = SeatCountOutput(many=True, required=False)


class SeatKeyOutput(Output):
    """The property of events that says whose usage it is from then on."""

    seat_group_key = serializers.CharField()


class ModeUpdatedOutput(Output):
    """From QUANTITY_ONLY to SEAT_BASED."""

    quantity_management_mode = serializers.CharField()
    seat_config = SeatKeyOutput()


class UpdatedOutput(ToldOutput):
    """What an edit changed in a subscription, as it was asked for."""

    id = serializers.UUIDField()
    ending_before = InstantField(required=False)
    name = serializers.CharField(required=False)
    proration_rounding = RoundingOutput(required=False)
    quantity_management_mode_update = ModeUpdatedOutput(required=False)
    quantity_updates = QuantityChangeOutput(many=True, required=False)
    seat_updates = SeatUpdatesOutput(required=False)


def present_subscriptions(rows: Iterable[Subscription], at: datetime) -> list[dict[str, Any]]:
    """Subscriptions as Metronome's clients know them, with the quantity at `at` and what is to come."""
    return SubscriptionOutput.of_each(_subscription(row, at) for row in rows)


def _subscription(row: Subscription, at: datetime) -> dict[str, Any]:
    proration: dict[str, Any] = {"is_prorated": row.is_prorated, "invoice_behavior": row.invoice_behavior}
    if row.proration_rounding:
        proration["rounding"] = row.proration_rounding
    end = end_of(row)
    shown: dict[str, Any] = {
        "id": row.pk,
        "starting_at": row.starting_at,
        "created_at": row.created_at,
        "collection_schedule": row.collection_schedule,
        "proration": proration,
        "subscription_rate": {
            "billing_frequency": row.billing_frequency,
            "product": {"id": row.product_id, "name": state_at(list(row.product.versions.all()), at).name},
        },
        "billing_cycle_config": {
            "anchor_date": row.billing_anchor_at or row.contract.billing_anchor_at,
            "invoice_placement": row.invoice_placement,
        },
        "billing_periods": _periods(row, at),
        "quantity_management_mode": row.quantity_management_mode,
        "quantity_schedule": _schedule(history_of(row), at, end),
        "custom_fields": row.custom_fields,
        "product_custom_fields": row.product.custom_fields,
    }
    if (unit := custom_unit_of(row)) is not None:
        shown["custom_credit_type_id"] = unit
    shown |= {name: value for name in ("name", "description") if (value := getattr(row, name))}
    if end is not None:
        shown["ending_before"] = end
    if row.seat_group_key:
        shown["seat_config"] = {"seat_group_key": row.seat_group_key}
    if row.contract.rate_card is not None:
        shown["fiat_credit_type_id"] = row.contract.rate_card.fiat_credit_type_id
    return shown


def _periods(row: Subscription, at: datetime) -> dict[str, Any]:
    """The period that holds `at`, and those before and after it."""
    found: dict[str, Any] = {}
    for period in periods_of(row, FOREVER):
        shown = {"starting_at": period.start, "ending_before": period.end}
        if period.end <= at:
            found["previous"] = shown
        elif period.start <= at:
            found["current"] = shown
        else:
            return found | {"next": shown}
    return found


def _schedule(found: Sequence[Standing], at: datetime, end: datetime | None) -> list[dict[str, Any]]:
    """The quantity that holds at `at`, and those to come. Seats that only change hands make no new one."""
    totals = [standing for before, standing in pairwise((None, *found)) if standing and _differs(before, standing)]
    ends = [*(standing.starting_at for standing in totals[1:]), end]
    shown: list[dict[str, Any]] = []
    for standing, following in zip(totals, ends, strict=True):
        if following is None or following > at:
            one: dict[str, Any] = {"quantity": standing.total, "starting_at": standing.starting_at}
            shown.append(one if following is None else one | {"ending_before": following})
    return shown


def _differs(before: Standing | None, standing: Standing) -> bool:
    return before is None or before.total != standing.total
