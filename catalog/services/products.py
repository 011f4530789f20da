"""Writes of products and their versions."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from catalog.events import ProductArchived, ProductCreated, ProductUpdated
from catalog.models import BillableMetric, Product, ProductVersion
from core import audit
from core.audit import current_actor
from core.errors import InvalidInput, NotFound
from core.events import publish
from core.transactions import require_transaction, use_case
from engine.conversion import ConversionOperation, QuantityConversion, QuantityRounding, RoundingMethod
from engine.errors import InvalidTerms
from engine.terms import CompositeScope

# What a product is, by column of ProductVersion, before anything is said about it.
BLANK: dict[str, Any] = {
    "name": "",
    "billable_metric_id": None,
    "pricing_group_key": [],
    "presentation_group_key": [],
    "quantity_conversion": None,
    "quantity_rounding": None,
    "tags": [],
    "composite_product_ids": [],
    "composite_tags": [],
    "composite_scope": CompositeScope.CONTRACT.value,
    "exclude_free_usage": False,
    "include_composite_spend": False,
    "is_refundable": True,
    "netsuite_internal_item_id": "",
    "netsuite_overage_item_id": "",
}
COLUMNS = tuple(BLANK)
USAGE_ONLY = (
    "billable_metric_id",
    "pricing_group_key",
    "presentation_group_key",
    "quantity_conversion",
    "quantity_rounding",
)


COMPOSITE_ONLY = (
    "composite_product_ids",
    "composite_tags",
    "composite_scope",
    "exclude_free_usage",
    "include_composite_spend",
)


def create_product(
    *, product_type: str, fields: dict[str, Any], custom_fields: dict[str, str] | None = None, now: datetime
) -> Product:
    """A new product. `fields` are columns of ProductVersion, as JSON (ids and factors as text); `name` among them.

    Raises InvalidInput naming the field that is missing, does not apply to the type or does not fit the metric.
    """
    with use_case():
        product = Product.objects.create(type=product_type, custom_fields=custom_fields or {}, created_at=now)
        _add_version(product, None, fields, now)
        publish(
            ProductCreated(
                product_id=product.pk, occurred_at=now, product_type=product_type, product_name=fields["name"]
            )
        )
        audit.record("product.create", product, at=now, detail={"type": product_type, **fields})
    return product


def ensure_fixed_product(*, product_id: UUID, name: str, now: datetime) -> None:
    """A FIXED product that Tactus itself needs, made with its first use; part of a use case."""
    require_transaction()
    made = Product.objects.bulk_create(
        [Product(id=product_id, type=Product.Type.FIXED, created_at=now)], ignore_conflicts=True
    )[0]
    if not ProductVersion.objects.filter(product=made).exists():
        _add_version(_lock(product_id), None, {"name": name}, now)
        publish(
            ProductCreated(product_id=product_id, occurred_at=now, product_type=Product.Type.FIXED, product_name=name)
        )
        audit.record("product.create", made, at=now, detail={"type": Product.Type.FIXED.value, "name": name})


def update_product(*, product_id: UUID, starting_at: datetime, fields: dict[str, Any], now: datetime) -> Product:
    """Changes `fields` from `starting_at` on (on the hour, may be past); what is not given stays as it is then.

    Later updates keep what they changed themselves. Finalized invoices stay as they are.
    Raises NotFound; InvalidInput for an archived product, no change, or fields that do not fit.
    """
    with use_case():
        product = _lock(product_id)
        if product.archived_at is not None:
            raise InvalidInput("the product is archived", field="product_id")
        if not fields:
            raise InvalidInput("nothing to change was given")
        _add_version(product, starting_at, fields, now)
        detail = {"starting_at": starting_at.isoformat(), **fields}
        publish(
            ProductUpdated(
                product_id=product.pk, occurred_at=now, starting_at=starting_at, changed=tuple(sorted(fields))
            )
        )
        audit.record("product.update", product, at=now, detail=detail)
    return product


def archive_product(*, product_id: UUID, now: datetime) -> Product:
    """Keeps a product from new rates; existing ones go on. Doing it twice changes nothing. Raises NotFound."""
    with use_case():
        product = _lock(product_id)
        if product.archived_at is None:
            product.archived_at = now
            product.save(update_fields=["archived_at"])
            publish(ProductArchived(product_id=product.pk, occurred_at=now))
            audit.record("product.archive", product, at=now)
    return product


def _lock(product_id: UUID) -> Product:
    require_transaction()
    product = Product.objects.select_for_update(no_key=True).filter(pk=product_id).first()
    if product is None:
        raise NotFound(f"no product {product_id}", field="product_id")
    return product


def _add_version(product: Product, starting_at: datetime | None, changed: dict[str, Any], now: datetime) -> None:
    """The one writer of versions: puts one in and states the later ones anew. The caller holds the product's lock."""
    require_transaction()
    _check_fields(product, changed)
    metric_id = changed.get("billable_metric_id")
    if metric_id and BillableMetric.objects.filter(pk=metric_id, archived_at__isnull=False).exists():
        raise InvalidInput("the billable metric is archived", field="billable_metric_id")
    versions = list(product.versions.all())
    added = ProductVersion(
        product=product,
        number=len(versions),
        starting_at=starting_at,
        changed=changed,
        created_at=now,
        created_by=current_actor().label,
    )
    at = next((i for i, old in enumerate(versions) if starting_at and _starts_after(old, starting_at)), len(versions))
    versions.insert(at, added)
    _restate(product, versions)
    for version in versions[at:]:
        version.save()


def _starts_after(version: ProductVersion, instant: datetime) -> bool:
    return version.starting_at is not None and version.starting_at > instant


def _restate(product: Product, versions: Sequence[ProductVersion]) -> None:
    """Sets each version's columns to what it and those before it add up to. Raises InvalidInput if that cannot be."""
    asked = {UUID(str(v.changed["billable_metric_id"])) for v in versions if v.changed.get("billable_metric_id")}
    metrics = BillableMetric.objects.in_bulk(asked)
    state = dict(BLANK)
    for version in versions:
        state |= version.changed
        for column, value in state.items():
            setattr(version, column, value)
        if product.type == Product.Type.USAGE:
            metric = metrics.get(UUID(str(state["billable_metric_id"])))
            if metric is None:
                raise InvalidInput("no such billable metric", field="billable_metric_id")
            _check_group_keys(state, metric)
        elif product.type == Product.Type.COMPOSITE:
            _check_composite(product, state)


def _check_composite(product: Product, state: dict[str, Any]) -> None:
    """A composite product is a percentage of something, and not of itself."""
    ids = {UUID(text) for text in state["composite_product_ids"]}
    if not ids and not state["composite_tags"]:
        raise InvalidInput(
            "a COMPOSITE product needs composite_product_ids or composite_tags", field="composite_product_ids"
        )
    found = Product.objects.in_bulk(ids)
    for product_id in ids:
        part = found.get(product_id)
        if part is None:
            raise InvalidInput(f"no product {product_id}", field="composite_product_ids")
        if product_id == product.pk or part.type in (Product.Type.FIXED, Product.Type.PRO_SERVICE):
            raise InvalidInput(f"{product_id} has no usage of its own", field="composite_product_ids")
        if part.type == Product.Type.COMPOSITE and not state["include_composite_spend"]:
            raise InvalidInput(
                "names a composite product; include_composite_spend allows that", field="composite_product_ids"
            )


def _check_fields(product: Product, changed: dict[str, Any]) -> None:
    """Whether each field applies to the product's type and makes sense by itself."""
    foreign: tuple[str, ...] = () if product.type == Product.Type.USAGE else USAGE_ONLY
    foreign += () if product.type == Product.Type.COMPOSITE else COMPOSITE_ONLY
    for name in foreign:
        if changed.get(name):
            raise InvalidInput(f"does not apply to a {product.type} product", field=name)
    if (
        product.type == Product.Type.USAGE
        and product.versions.first() is None
        and not changed.get("billable_metric_id")
    ):
        raise InvalidInput("is needed for a USAGE product", field="billable_metric_id")
    try:
        if conversion := changed.get("quantity_conversion"):
            factor = Decimal(conversion["conversion_factor"])
            QuantityConversion(factor, ConversionOperation(conversion["operation"]))
        if rounding := changed.get("quantity_rounding"):
            QuantityRounding(RoundingMethod(rounding["rounding_method"]), rounding["decimal_places"])
    except InvalidTerms as error:
        raise InvalidInput(error.message, field=error.field) from error


def _check_group_keys(state: dict[str, Any], metric: BillableMetric) -> None:
    """Pricing and presentation keys together must be one compound group key of the metric; both may name a property."""
    pricing, presentation = state["pricing_group_key"], state["presentation_group_key"]
    union = {*pricing, *presentation}
    if union and union not in [set(key) for key in metric.group_keys]:
        raise InvalidInput(
            f"pricing and presentation group keys together ({', '.join(sorted(union))}) "
            f"must be one of the group keys of the billable metric {metric.name}",
            field="pricing_group_key" if pricing else "presentation_group_key",
        )
