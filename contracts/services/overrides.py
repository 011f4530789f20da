"""Writes of overrides: parts of creating and of editing a contract."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Max

from catalog.models import Product, ProductVersion, Rate
from catalog.prices import PERCENTAGES, stored_price
from catalog.selectors import versions_of
from contracts.models import Contract, ContractEdit, Override
from contracts.selectors.overrides import engine_override
from core import audit
from core.errors import InvalidInput
from core.transactions import require_transaction
from engine.errors import InvalidTerms
from engine.money import plain
from engine.overrides import OverrideType, Prioritization, RateTarget

EXPLICIT = Prioritization.EXPLICIT
OVERWRITE = OverrideType.OVERWRITE
GROUPS = {"pricing_group_values": "pricing_group_key", "presentation_group_values": "presentation_group_key"}


@dataclass(frozen=True, slots=True)
class NewOverride:
    """An override to add over `[starting_at, ending_before)`, on the hour in UTC.

    `overwrite_rate` are the arguments of `catalog.prices.stored_price`; `tiers` are (size, multiplier), the last may be
    without size; `override_specifiers` are as on the wire, ids as text.
    """

    starting_at: datetime
    ending_before: datetime | None = None
    type: str = ""
    entitled: bool | None = None
    multiplier: Decimal | None = None
    priority: Decimal | None = None
    tiers: tuple[tuple[Decimal | None, Decimal], ...] = ()
    overwrite_rate: dict[str, Any] | None = None
    overwrite_credit_type_id: UUID | None = None
    overwrite_is_prorated: bool | None = None
    product_id: UUID | None = None
    applicable_product_tags: tuple[str, ...] = ()
    override_specifiers: tuple[dict[str, Any], ...] = field(default_factory=tuple)
    is_commit_specific: bool = False
    target: str = RateTarget.LIST_RATE


def add_overrides(
    contract: Contract,
    *,
    overrides: Sequence[NewOverride],
    path: str,
    now: datetime,
    edit: ContractEdit | None = None,
) -> list[Override]:
    """The one writer of overrides: adds all in their order; the caller holds the contract's lock.

    Raises InvalidInput naming `<path>.<index>.<field>`.
    """
    require_transaction()
    if not overrides:
        return []
    catalogue = _Catalogue(contract, overrides)
    standing = list(contract.overrides.filter(removed_by__isnull=True).order_by("sequence"))
    last: int = contract.overrides.aggregate(last=Max("sequence"))["last"] or 0
    rows: list[Override] = []
    for index, new in enumerate(overrides):
        try:
            row = _row(contract, new, last + 1 + index, now, edit)
            engine_override(row)
            _check_priority(contract, row, [*standing, *rows])
            catalogue.check(row)
        except InvalidTerms as error:
            raise InvalidInput(error.message, field=f"{path}.{index}.{error.field}") from error
        rows.append(row)
    Override.objects.bulk_create(rows)
    return rows


def remove_overrides(contract: Contract, *, ids: Sequence[UUID], edit: ContractEdit) -> None:
    """Takes overrides out of force for all drafts; the caller holds the contract's lock. Raises InvalidInput."""
    require_transaction()
    standing = contract.overrides.filter(removed_by__isnull=True).in_bulk(list(ids))
    for index, override_id in enumerate(ids):
        if standing.pop(override_id, None) is None:
            raise InvalidInput("the contract has no such override", field=f"remove_overrides.{index}.id")
    contract.overrides.filter(pk__in=ids).update(removed_by=edit)


def plain_override(row: Override) -> dict[str, Any]:
    """An override for the audit trail."""
    return {
        "id": str(row.pk),
        "type": row.type or None,
        "starting_at": row.starting_at.isoformat(),
        "ending_before": row.ending_before and row.ending_before.isoformat(),
        "multiplier": None if row.multiplier is None else plain(row.multiplier),
        "priority": None if row.priority is None else plain(row.priority),
        "tiers": row.tiers,
        "overwrite_rate": row.overwrite_rate,
        "entitled": row.entitled,
        "product_id": None if row.product_id is None else str(row.product_id),
        "applicable_product_tags": row.applicable_product_tags,
        "override_specifiers": row.override_specifiers,
    }


def _row(contract: Contract, new: NewOverride, sequence: int, now: datetime, edit: ContractEdit | None) -> Override:
    try:
        overwrite = None if new.overwrite_rate is None else stored_price(**new.overwrite_rate)
    except InvalidTerms as error:
        raise InvalidTerms(error.message, f"overwrite_rate.{error.field}") from error
    if overwrite is not None and new.overwrite_is_prorated is not None:
        if not (new.overwrite_is_prorated and overwrite["rate_type"] == "SUBSCRIPTION"):
            raise InvalidTerms("must be true, and only for a SUBSCRIPTION rate", "overwrite_rate.is_prorated")
        overwrite["is_prorated"] = True
    return Override(
        contract=contract,
        sequence=sequence,
        type=new.type,
        starting_at=new.starting_at,
        ending_before=new.ending_before,
        entitled=new.entitled,
        multiplier=new.multiplier,
        priority=new.priority,
        tiers=[
            {"multiplier": plain(times)} if size is None else {"size": plain(size), "multiplier": plain(times)}
            for size, times in new.tiers
        ],
        overwrite_rate=overwrite,
        overwrite_credit_type_id=new.overwrite_credit_type_id,
        product_id=new.product_id,
        applicable_product_tags=list(new.applicable_product_tags),
        override_specifiers=list(new.override_specifiers),
        is_commit_specific=new.is_commit_specific,
        target=new.target,
        created_at=now,
        created_by=audit.current_actor().label,
        added_by=edit,
    )


def _check_priority(contract: Contract, row: Override, others: Iterable[Override]) -> None:
    """EXPLICIT needs a priority, one for each override of the same thing at the same time; tiers need EXPLICIT."""
    if row.type not in (OverrideType.MULTIPLIER, OverrideType.TIERED):
        return
    if contract.multiplier_override_prioritization != EXPLICIT:
        if row.type == OverrideType.TIERED:
            raise InvalidTerms("tiered overrides need multiplier_override_prioritization EXPLICIT", "type")
        return
    if row.priority is None:
        raise InvalidTerms("is needed with multiplier_override_prioritization EXPLICIT", "priority")
    for other in others:
        if other.priority == row.priority and _meant_for(other) == _meant_for(row) and _meet(other, row):
            raise InvalidTerms("another override of the same has this priority at the same time", "priority")


def _meant_for(row: Override) -> tuple[object, ...]:
    kind = row.type == OVERWRITE, row.is_commit_specific, row.target
    return *kind, row.product_id, frozenset(row.applicable_product_tags), repr(row.override_specifiers)


def _meet(one: Override, other: Override) -> bool:
    return (one.ending_before is None or other.starting_at < one.ending_before) and (
        other.ending_before is None or one.starting_at < other.ending_before
    )


class _Catalogue:
    """What overrides refer to: products, their keys, and the units that the contract's card prices them in."""

    def __init__(self, contract: Contract, overrides: Sequence[NewOverride]) -> None:
        named = {new.product_id for new in overrides if new.product_id is not None}
        for new in overrides:
            named |= {UUID(entry["product_id"]) for entry in new.override_specifiers if entry.get("product_id")}
        self.products = Product.objects.in_bulk(named)
        self.versions = versions_of(named)
        self.units: dict[UUID, set[UUID]] = {}
        self._keys: dict[tuple[str, frozenset[str]], bool] = {}
        rates = Rate.objects.filter(rate_card_id=contract.rate_card_id, product_id__in=named)
        for product_id, unit in rates.values_list("product_id", "credit_type_id").distinct():
            self.units.setdefault(product_id, set()).add(unit)

    def check(self, row: Override) -> None:
        """Raises InvalidTerms for an unknown product, keys that no product has, and prices of the wrong kind."""
        if row.product_id is not None:
            self._check_price(row, self._product(row.product_id, "product_id"), None, "product_id")
        for index, entry in enumerate(row.override_specifiers):
            path = f"override_specifiers.{index}"
            product = None
            if entry.get("product_id"):
                product = self._product(UUID(entry["product_id"]), f"{path}.product_id")
            elif row.type == OVERWRITE:
                raise InvalidTerms("an overwrite needs a product", f"{path}.product_id")
            for values, key in GROUPS.items():
                if entry.get(values):
                    self._check_groups(row, product, set(entry[values]), key, f"{path}.{values}")
            if product is not None:
                self._check_price(row, product, entry.get("billing_frequency"), path)

    def _product(self, product_id: UUID, field_name: str) -> Product:
        product = self.products.get(product_id)
        if product is None:
            raise InvalidTerms("no such product", field_name)
        return product

    def _check_groups(self, row: Override, product: Product | None, keys: set[str], column: str, where: str) -> None:
        if column == "presentation_group_key" and row.type == OVERWRITE:
            raise InvalidTerms("only multipliers may be for presentation group values", where)
        if product is None:
            if not self._is_known(column, keys):
                raise InvalidTerms(f"no product has these keys in its {column}", where)
            return
        known = [set(getattr(version, column)) for version in self.versions[product.pk]]
        fits = any(keys == key if row.type == OVERWRITE else keys <= key for key in known)
        if not fits:
            wanted = " or ".join(sorted({", ".join(sorted(key)) or "nothing" for key in known}))
            how = "name exactly" if row.type == OVERWRITE else "be among"
            raise InvalidTerms(f"must {how} the product's {column}: {wanted}", where)

    def _is_known(self, column: str, keys: set[str]) -> bool:
        """Whether any product has these keys; asked once for many overrides of the same."""
        asked = column, frozenset(keys)
        if asked not in self._keys:
            self._keys[asked] = ProductVersion.objects.filter(**{f"{column}__contains": sorted(keys)}).exists()
        return self._keys[asked]

    def _check_price(self, row: Override, product: Product, frequency: str | None, path: str) -> None:
        subscription = product.type == Product.Type.SUBSCRIPTION
        if frequency is not None and not subscription:
            raise InvalidTerms("only subscription products have one", f"{path}.billing_frequency")
        if row.overwrite_rate is None:
            return
        if subscription and frequency is None:
            raise InvalidTerms(
                "a subscription's overwrite needs a specifier with product_id and billing_frequency",
                f"{path}.billing_frequency" if path != "product_id" else "override_specifiers.billing_frequency",
            )
        rate_type = row.overwrite_rate["rate_type"]
        if (rate_type in PERCENTAGES) != (product.type == Product.Type.COMPOSITE):
            raise InvalidTerms(f"a {product.type} product cannot have a {rate_type} price", "overwrite_rate.rate_type")
        if subscription and rate_type not in ("FLAT", "SUBSCRIPTION"):
            raise InvalidTerms("a subscription product has a FLAT price", "overwrite_rate.rate_type")
        units = self.units.get(product.pk, set())
        if row.overwrite_credit_type_id is not None and row.overwrite_credit_type_id not in units:
            raise InvalidTerms("must be the credit type of the product's rate", "overwrite_rate.credit_type_id")
