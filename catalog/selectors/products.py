"""Reads of products and of what they were when."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from django.db.models import QuerySet

from catalog.models import Product, ProductVersion
from core.errors import NotFound

ArchiveFilter = Literal["ARCHIVED", "NOT_ARCHIVED", "ALL"]


def get_product(*, product_id: UUID, field: str | None = None) -> Product:
    """The product, archived or not, with its versions. Raises NotFound, naming `field` if given."""
    found = list_products(archive_filter="ALL").filter(pk=product_id).first()
    if found is None:
        raise NotFound(f"no product {product_id}", field=field)
    return found


def list_products(*, archive_filter: ArchiveFilter = "NOT_ARCHIVED") -> QuerySet[Product]:
    """Products with their versions in order of time (two queries)."""
    rows = Product.objects.prefetch_related("versions")
    return rows if archive_filter == "ALL" else rows.filter(archived_at__isnull=archive_filter == "NOT_ARCHIVED")


def state_at(versions: Sequence[ProductVersion], instant: datetime) -> ProductVersion:
    """The version in force at `instant`; `versions` are all of one product, in order of time, the initial one first."""
    in_force = versions[0]
    for version in versions[1:]:
        if version.starting_at is not None and version.starting_at <= instant:
            in_force = version
    return in_force


def versions_of(product_ids: Iterable[UUID]) -> dict[UUID, list[ProductVersion]]:
    """All versions of the products with their metrics, each list in order of time; one query."""
    found: dict[UUID, list[ProductVersion]] = {}
    rows = ProductVersion.objects.filter(product_id__in=set(product_ids)).select_related("billable_metric")
    for version in rows:
        found.setdefault(version.product_id, []).append(version)
    return found
