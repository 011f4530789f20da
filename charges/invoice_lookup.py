"""Which invoice holds a charge. Invoices stand above charges, so their app says it: `apps.py` registers the lookup."""

from collections.abc import Callable, Collection, Mapping
from uuid import UUID

from django.utils.module_loading import import_string

Lookup = Callable[[Collection[UUID]], Mapping[UUID, UUID]]
"""From ids of charges to the ids of the drafts, final or void invoices that hold them; those on none are left out."""

_registered: list[str] = []


def register_invoice_lookup(path: str) -> None:
    """Names the one `Lookup`, by dotted path. Raises RuntimeError for a second one."""
    if _registered and _registered != [path]:
        raise RuntimeError(f"{_registered[0]} says already which invoice holds a charge")
    _registered[:] = [path]


def invoice_ids_of(charge_ids: Collection[UUID]) -> Mapping[UUID, UUID]:
    """The invoice that holds each of these charges. One query, none for no charges."""
    if not charge_ids:
        return {}
    [path] = _registered
    lookup: Lookup = import_string(path)
    return lookup(charge_ids)
