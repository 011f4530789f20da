"""An invoice's lines as people read them: by product, each with what it comes to, and what counts towards commits.

A postpaid commit pays nothing: what usage fulfils of it is information. Every surface (console, back office, PDF,
files) takes its sums from here; the API lists the lines as they are. Rule: docs/algorithms/invoices.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from billing.types import CurrencyView, LineView
from engine.balances import AccessType
from engine.explanation import AppliedExplanation
from engine.money import subtract, total


@dataclass(frozen=True, slots=True)
class ProductLines:
    """A product's lines in one unit and their exact sum, in stored units.

    `unit`: a custom pricing unit, or None for the invoice's own. `document_amount`: the sum on the document, in whole
    minor units; None in a custom unit. Sums of products in the invoice's own unit come to its subtotal.
    """

    name: str
    unit: CurrencyView | None
    lines: tuple[LineView, ...]
    total: Decimal
    document_amount: Decimal | None

    @property
    def counted(self) -> bool:
        """Whether it is part of the subtotal: what is in a custom unit is not, its conversion is."""
        return self.unit is None


@dataclass(frozen=True, slots=True)
class TowardsCommit:
    """What an invoice counts towards a postpaid commit, and what of that is still `to_go` after it.

    In stored units of `unit` (None: the invoice's own), or plain units where `by_quantity`.
    """

    name: str
    amount: Decimal
    to_go: Decimal
    unit: CurrencyView | None
    by_quantity: bool


def by_product(lines: Sequence[LineView]) -> list[ProductLines]:
    """The lines that are owed or paid, by product in the order of the invoice; those without a line are left out."""
    found: dict[tuple[UUID | None, str, UUID | None], list[LineView]] = {}
    for line in lines:
        if not line.is_information:
            unit = None if line.unit is None else line.unit.credit_type_id
            found.setdefault((line.product_id, line.name, unit), []).append(line)
    return [_product(members) for members in found.values()]


def towards_commits(lines: Sequence[LineView]) -> list[TowardsCommit]:
    """What these lines, all of an invoice, count towards each postpaid commit, in the order of the invoice."""
    found: dict[UUID | None, list[tuple[LineView, AppliedExplanation]]] = {}
    for line in lines:
        explanation = line.explanation if line.is_information else None
        if isinstance(explanation, AppliedExplanation):
            found.setdefault(line.commit_segment_id, []).append((line, explanation))
    return [_towards(members) for members in found.values()]


def _product(lines: list[LineView]) -> ProductLines:
    on_document = [line.document_amount for line in lines if line.document_amount is not None]
    return ProductLines(
        name=lines[0].name,
        unit=lines[0].unit,
        lines=tuple(lines),
        total=total(line.total for line in lines),
        document_amount=total(on_document) if on_document else None,
    )


def _towards(members: list[tuple[LineView, AppliedExplanation]]) -> TowardsCommit:
    line, first = members[0]
    drawn = total(applied.drawn for _, applied in members)
    return TowardsCommit(
        name=first.balance.name,
        amount=drawn,
        to_go=subtract(max(applied.before for _, applied in members), drawn),
        unit=line.unit,
        by_quantity=first.balance.access_type is AccessType.QUANTITY,
    )
