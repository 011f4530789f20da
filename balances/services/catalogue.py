"""What new commits and credits name of the catalogue: units, the product they hang on, the products they pay for."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from balances.adjustment_models import USD
from catalog.models import CreditType, Product
from engine.errors import InvalidTerms


class Catalogue:
    """Units and products that a batch of terms names, read once however long the batch is; for one batch only."""

    def __init__(self, *, unit_ids: Iterable[UUID | None], product_ids: Iterable[UUID | str]) -> None:
        self._units = CreditType.objects.in_bulk({unit_id or USD for unit_id in unit_ids})
        self._products = Product.objects.in_bulk({_uuid(product_id) for product_id in product_ids})

    def unit(self, unit_id: UUID | None, where: str) -> CreditType:
        """The unit of this id, USD for None. Raises InvalidTerms."""
        unit = self._units.get(unit_id or USD)
        if unit is None:
            raise InvalidTerms("no such credit type", where)
        return unit

    def check_product(self, product_id: UUID) -> Product:
        """A commit or credit hangs on a FIXED product that is not archived. Raises InvalidTerms."""
        product = self._products.get(product_id)
        if product is None:
            raise InvalidTerms("no such product", "product_id")
        if product.type != Product.Type.FIXED:
            raise InvalidTerms("must be a FIXED product", "product_id")
        if product.archived_at is not None:
            raise InvalidTerms("the product is archived", "product_id")
        return product

    def check_scope(self, *, product_ids: Sequence[str], specifiers: Sequence[dict[str, Any]]) -> None:
        """Every product named must exist. Raises InvalidTerms."""
        for where, product_id in _named(product_ids, specifiers).items():
            if _uuid(product_id) not in self._products:
                raise InvalidTerms("no such product", where)


def named_products(*, product_ids: Sequence[str], specifiers: Sequence[dict[str, Any]]) -> list[str]:
    """The products that a scope names."""
    return list(_named(product_ids, specifiers).values())


def check_product(product_id: UUID) -> Product:
    """A commit or credit hangs on a FIXED product that is not archived. Raises InvalidTerms."""
    return Catalogue(unit_ids=(), product_ids=[product_id]).check_product(product_id)


def check_scope(*, product_ids: Sequence[str], specifiers: Sequence[dict[str, Any]]) -> None:
    """Every product named must exist. Raises InvalidTerms."""
    known = Catalogue(unit_ids=(), product_ids=named_products(product_ids=product_ids, specifiers=specifiers))
    known.check_scope(product_ids=product_ids, specifiers=specifiers)


def _named(product_ids: Sequence[str], specifiers: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Product ids by where they stand in the body."""
    named = {f"applicable_product_ids.{index}": id_ for index, id_ in enumerate(product_ids)}
    return named | {
        f"specifiers.{index}.product_id": part["product_id"]
        for index, part in enumerate(specifiers)
        if part.get("product_id")
    }


def _uuid(value: UUID | str) -> UUID:
    return value if isinstance(value, UUID) else UUID(value)
