"""Reads of overrides."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet

from catalog.prices import engine_price
from contracts.models import Contract, Override
from engine.calendar import Period
from engine.overrides import Override as EngineOverride
from engine.overrides import OverrideSpecifier, OverrideType, RateTarget
from engine.prices import MultiplierTier


def override_rows() -> QuerySet[Override]:
    """Overrides in the order of adding, with what an answer shows."""
    return Override.objects.select_related("product", "overwrite_credit_type").prefetch_related("product__versions")


def with_overrides(contracts: QuerySet[Contract]) -> QuerySet[Contract]:
    """The contracts with all their overrides, removed ones too (four more queries, however many there are)."""
    return contracts.prefetch_related(Prefetch("overrides", queryset=override_rows()), "renewals").annotate(
        has_children=Exists(Contract.objects.filter(parent=OuterRef("pk")))
    )


def standing_overrides(contract: Contract) -> list[Override]:
    """The overrides that count today and were not removed, in the order of adding."""
    return [row for row in contract.overrides.all() if row.removed_by_id is None]


def engine_overrides(*, contract_id: UUID, period: Period) -> tuple[EngineOverride, ...]:
    """The contract's overrides that are in force at any time of `period`, as the engine decides by them. One query."""
    rows = Override.objects.filter(contract_id=contract_id, removed_by__isnull=True, starting_at__lt=period.end)
    rows = rows.filter(Q(ending_before__isnull=True) | Q(ending_before__gt=period.start))
    return tuple(engine_override(row) for row in rows.order_by("sequence"))


def engine_override(row: Override) -> EngineOverride:
    """An override as the engine knows it. Raises InvalidTerms for one that cannot be."""
    return EngineOverride(
        override_id=str(row.pk),
        sequence=row.sequence,
        starting_at=row.starting_at,
        ending_before=row.ending_before,
        type=OverrideType(row.type) if row.type else None,
        overwrite=None if row.overwrite_rate is None else engine_price(row.overwrite_rate),
        multiplier=row.multiplier,
        tiers=tuple(
            MultiplierTier(Decimal(tier["size"]) if "size" in tier else None, Decimal(tier["multiplier"]))
            for tier in row.tiers
        ),
        entitled=row.entitled,
        priority=row.priority,
        product_id=None if row.product_id is None else str(row.product_id),
        applicable_product_tags=tuple(row.applicable_product_tags),
        specifiers=tuple(_specifier(entry) for entry in row.override_specifiers),
        is_commit_specific=row.is_commit_specific,
        target=RateTarget(row.target),
    )


def _specifier(stored: Mapping[str, Any]) -> OverrideSpecifier:
    return OverrideSpecifier(
        product_id=stored.get("product_id"),
        product_tags=frozenset(stored.get("product_tags", ())),
        pricing_group_values=frozenset(stored.get("pricing_group_values", {}).items()),
        presentation_group_values=frozenset(stored.get("presentation_group_values", {}).items()),
        billing_frequency=stored.get("billing_frequency"),
        exclude=tuple(frozenset(entry["product_tags"]) for entry in stored.get("exclude", ())),
        commit_ids=frozenset(stored.get("commit_ids", ())),
        recurring_commit_ids=frozenset(stored.get("recurring_commit_ids", ())),
        any_commit_or_credit_ids=frozenset(stored.get("any_commit_or_credit_ids", ())),
    )
