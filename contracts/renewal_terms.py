"""What a contract goes on with when its term ends: the rules of docs/algorithms/renewals.md, on its rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from catalog.models import Product, Rate
from contracts.models import Contract, Override, RenewalPolicy, Subscription
from contracts.parts import contract_parts
from contracts.renewal_parts import CarriedPart, Carrying
from contracts.selectors.subscriptions import history_of, subscription_rows
from contracts.selectors.usage_filters import usage_filters_of
from contracts.services.contracts import UsageStatementSchedule
from contracts.services.hierarchy import ParentOf
from contracts.services.overrides import NewOverride
from contracts.services.subscriptions import NewSubscription
from contracts.services.usage_filters import NewUsageFilter
from engine.calendar import BillingDay, Period
from engine.money import ONE, ZERO
from engine.overrides import OverrideType, Prioritization, RateTarget
from engine.quantities import standing_at
from engine.renewals import Move, PriceList, next_term, raised, uplift_factor

COMMIT_IDS = ("commit_ids", "recurring_commit_ids", "any_commit_or_credit_ids")
_KEPT = (
    "customer_id", "rate_card_id", "name", "net_payment_terms_days", "custom_fields", "netsuite_sales_order_id",
    "scheduled_charges_on_usage_invoices",
)  # fmt: skip
_SUBSCRIBED = (
    "product_id", "billing_frequency", "collection_schedule", "is_prorated", "invoice_behavior", "proration_rounding",
    "invoice_placement", "billing_anchor_at", "name", "description", "quantity_management_mode", "seat_group_key",
    "custom_fields",
)  # fmt: skip


@dataclass(slots=True)
class Filled:
    """What the new contract is made with, filled in under the old one's lock."""

    overrides: list[NewOverride] = field(default_factory=list)
    subscriptions: list[NewSubscription] = field(default_factory=list)
    parts: dict[str, Any] = field(default_factory=dict)


def carrying(contract: Contract, policy: RenewalPolicy) -> Carrying:
    """How the contract goes on: it has an end and the policy a term."""
    if contract.ending_before is None or policy.term_months is None:
        raise ValueError("only a contract with an end is renewed, and only by a policy with a term")
    old = Period(contract.starting_at, contract.ending_before)
    new = next_term(old.end, months=policy.term_months, anchor=policy.anchor_at)
    return Carrying(contract, Move(old, new, policy.anchor_at), uplift_factor(policy.uplift_percent))


def plain_terms(contract: Contract, policy: RenewalPolicy) -> dict[str, Any]:
    """Arguments of `create_contract` that are one value each. At most four queries."""
    how = carrying(contract, policy)
    prioritization, _ = carried_overrides(how, policy)
    return {name: getattr(contract, name) for name in _KEPT} | {
        "starting_at": how.term.start,
        "ending_before": how.term.end,
        "schedule": _schedule(contract, how.term),
        "multiplier_override_prioritization": prioritization,
        "renews": contract.pk,
        "usage_filter": _usage_filter(contract, how.term),
        "parent": _parent(contract),
    }


def fill(filled: Filled, contract: Contract, policy: RenewalPolicy) -> None:
    """Fills in what goes along. The caller holds the contract's lock."""
    how = carrying(contract, policy)
    filled.subscriptions += carried_subscriptions(how)
    for part in contract_parts():
        if isinstance(part, CarriedPart):
            filled.parts |= part.carry(how)
    filled.overrides += [_renamed(one, how) for one in carried_overrides(how, policy)[1]]


def carried_subscriptions(how: Carrying) -> list[NewSubscription]:
    """Those that run to the end, with the quantity or the seats that they end with."""
    found = []
    for row in subscription_rows().filter(contract=how.contract):
        held = standing_at([one for one in history_of(row) if one.starting_at < how.move.old.end], how.move.old.end)
        if held is None or not how.goes_on(row.starting_at, row.ending_before):
            continue
        seats = row.quantity_management_mode == Subscription.Mode.SEAT_BASED
        one = NewSubscription(
            id=uuid4(),
            ending_before=how.new_end(row.ending_before),
            initial_quantity=None if seats else held.total,
            initial_seat_ids=held.assigned if seats else (),
            initial_unassigned_seats=int(held.unassigned) if seats else 0,
            **{name: getattr(row, name) for name in _SUBSCRIBED},
        )
        how.ids[row.pk] = one.id
        found.append(one)
    return found


def carried_overrides(how: Carrying, policy: RenewalPolicy) -> tuple[str, list[NewOverride]]:
    """The overrides that hold at the end, prices raised, and how multipliers are ranked. At most two queries."""
    contract, factor = how.contract, how.factor
    rows = [
        row
        for row in contract.overrides.filter(removed_by__isnull=True).order_by("sequence")
        if how.goes_on(row.starting_at, row.ending_before)
        and (policy.price_list == PriceList.CONTRACT or row.type == "")
    ]
    prioritization: str = contract.multiplier_override_prioritization
    if factor == ONE:
        return prioritization, [_carried(row, how, ONE) for row in rows]
    percentages = _percentages(contract.rate_card_id)
    new = [_carried(row, how, ONE if _named(row) & percentages else factor) for row in rows]
    if any(_is_general(one, how.term) for one in new):
        return prioritization, new
    known = set().union(*(_named(row) for row in rows))
    general = [
        NewOverride(how.term.start, type=OverrideType.MULTIPLIER, multiplier=ONE, product_id=product_id)
        for product_id in sorted(percentages - known)
    ]
    general.append(NewOverride(how.term.start, type=OverrideType.MULTIPLIER, multiplier=factor))
    if prioritization != Prioritization.EXPLICIT and not any(_exceeds(one, factor) for one in [*new, *general[:-1]]):
        return prioritization, new + general
    if prioritization != Prioritization.EXPLICIT:
        new = _ranked(new)
    last = max((one.priority for one in new if one.priority is not None), default=ZERO)
    general = [replace(one, priority=last + 1 + place) for place, one in enumerate(general)]
    return Prioritization.EXPLICIT, new + general


def _usage_filter(contract: Contract, term: Period) -> NewUsageFilter | None:
    """The one that holds at the end."""
    rows = usage_filters_of([contract.pk] if contract.has_usage_filters else []).get(contract.pk, [])
    held = [row for row in rows if row.starting_at < term.start]
    return NewUsageFilter(held[-1].group_key, tuple(held[-1].group_values), term.start) if held else None


def _parent(contract: Contract) -> ParentOf | None:
    """A child stays under its parent; where that has ended, the renewal fails and says so."""
    parent = contract.parent
    if parent is None:
        return None
    return ParentOf(parent.pk, parent.customer_id, contract.paying_customer_id is not None)


def _schedule(contract: Contract, term: Period) -> UsageStatementSchedule:
    """As it was. Where periods begin on the day on which the first term began, they go on doing so."""
    day, anchor = contract.billing_day, contract.billing_anchor_at
    keeps = day == BillingDay.CUSTOM_DATE or (
        day == BillingDay.CONTRACT_START and anchor.day != term.start.day and anchor.hour == 0
    )
    return UsageStatementSchedule(
        frequency=contract.billing_frequency,
        day=BillingDay.CUSTOM_DATE if keeps else day,
        billing_anchor_date=anchor if keeps else None,
    )


def _carried(row: Override, how: Carrying, factor: Decimal) -> NewOverride:
    rate = row.overwrite_rate
    return NewOverride(
        starting_at=how.term.start,
        ending_before=how.new_end(row.ending_before),
        type=row.type,
        entitled=row.entitled,
        multiplier=None if row.multiplier is None else raised(row.multiplier, factor),
        priority=row.priority,
        tiers=tuple(
            (Decimal(tier["size"]) if "size" in tier else None, raised(Decimal(tier["multiplier"]), factor))
            for tier in row.tiers
        ),
        overwrite_rate=None if rate is None else _raised_rate(rate, factor),
        overwrite_credit_type_id=row.overwrite_credit_type_id,
        overwrite_is_prorated=None if rate is None else rate.get("is_prorated"),
        product_id=row.product_id,
        applicable_product_tags=tuple(row.applicable_product_tags),
        override_specifiers=tuple(row.override_specifiers),
        is_commit_specific=row.is_commit_specific,
        target=row.target,
    )


def _raised_rate(stored: Mapping[str, Any], factor: Decimal) -> dict[str, Any]:
    """Arguments of `stored_price`: prices raised; a minimum stays, as multipliers leave it."""
    found: dict[str, Any] = {"rate_type": stored["rate_type"]}
    if "price" in stored:
        found["price"] = raised(Decimal(stored["price"]), factor)
    if stored.get("tiers"):
        found["tiers"] = [
            (Decimal(tier["size"]) if "size" in tier else None, raised(Decimal(tier["price"]), factor))
            for tier in stored["tiers"]
        ]
    found |= {name: Decimal(stored[name]) for name in ("minimum", "package_size") if name in stored}
    return found


def _renamed(one: NewOverride, how: Carrying) -> NewOverride:
    """Specifiers name the commits that went along."""
    names = {str(old): str(new) for old, new in how.ids.items()}
    specifiers = []
    for entry in one.override_specifiers:
        new = dict(entry)
        for key in COMMIT_IDS:
            if key in new:
                new[key] = [names.get(id_, id_) for id_ in new[key]]
        specifiers.append(new)
    return replace(one, override_specifiers=tuple(specifiers))


def _percentages(rate_card_id: UUID | None) -> set[UUID]:
    """Products whose price is a share of what others cost: it rises with them, and is not raised itself."""
    rates = Rate.objects.filter(rate_card_id=rate_card_id, product__type=Product.Type.COMPOSITE)
    return set(rates.values_list("product_id", flat=True).distinct())


def _named(row: Override) -> set[UUID]:
    named = {UUID(entry["product_id"]) for entry in row.override_specifiers if entry.get("product_id")}
    return named if row.product_id is None else named | {row.product_id}


def _is_general(one: NewOverride, term: Period) -> bool:
    """Whether it raises everything over the whole term, so that the uplift is in it already."""
    scoped = one.product_id or one.applicable_product_tags or one.override_specifiers or one.is_commit_specific
    return (
        one.type == OverrideType.MULTIPLIER
        and not scoped
        and one.target == RateTarget.LIST_RATE
        and (one.ending_before is None or one.ending_before >= term.end)
    )


def _exceeds(one: NewOverride, factor: Decimal) -> bool:
    """Whether the lowest multiplier would no longer be this one, were the uplift one of them."""
    return one.multiplier is not None and one.multiplier > factor


def _ranked(new: list[NewOverride]) -> list[NewOverride]:
    """The order in which the lowest multiplier wins, said as priorities."""
    order = sorted(
        (index for index, one in enumerate(new) if one.multiplier is not None),
        key=lambda index: (new[index].multiplier, -index),
    )
    places = {index: Decimal(place + 1) for place, index in enumerate(order)}
    return [replace(one, priority=places.get(index, one.priority)) for index, one in enumerate(new)]
