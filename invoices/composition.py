"""From a contract and a period to a composed invoice: the one road of drafts, finalization, breakdowns and previews.

It only gathers frozen terms and exact quantities and hands them to the engine.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from catalog.models import CreditType, Rate
from catalog.selectors import CatalogTerms, list_product_terms
from contracts.models import Contract
from contracts.selectors import engine_overrides
from engine.calendar import Period
from engine.invoice import (
    ComposedInvoice,
    InvoiceTerms,
    ProductTerms,
    UsageInput,
    breakdown,
    compose_usage_invoice,
    usage_windows,
)
from engine.money import Currency
from engine.overrides import Prioritization
from engine.usage import UsageRow
from usage.selectors import UsageQuery, get_usage

USD = UUID("2714e483-4ff1-48e4-9e25-ac732e8f24f2")


@dataclass(frozen=True, slots=True)
class Terms:
    """The engine's terms of one contract and period, with what is needed to ask for its usage."""

    customer_id: UUID
    engine: InvoiceTerms
    catalog: tuple[CatalogTerms, ...]


def billing_unit(contract: Contract) -> CreditType:
    """The unit that a contract is invoiced in: its rate card's fiat currency, else USD."""
    return contract.rate_card.fiat_credit_type if contract.rate_card else CreditType.objects.get(pk=USD)


def load_terms(contract: Contract, period: Period, unit: CreditType, planned: Sequence[Rate] = ()) -> Terms:
    """What `contract` prices in `period`; a constant number of queries. `planned`: rates as if its card had them too."""
    catalog = tuple(
        list_product_terms(rate_card_id=contract.rate_card_id, period=period, planned=planned)
        if contract.rate_card_id
        else ()
    )
    engine = InvoiceTerms(
        contract_id=str(contract.pk),
        period=period,
        currency=Currency(unit.code or unit.name, unit.places),
        credit_type_id=str(unit.pk),
        products=tuple(entry.terms for entry in catalog),
        overrides=engine_overrides(contract_id=contract.pk, period=period),
        prioritization=Prioritization(contract.multiplier_override_prioritization),
    )
    return Terms(contract.customer_id, engine, catalog)


UsageSource = Callable[[UUID, Sequence[UsageQuery]], list[tuple[UsageRow, ...]]]
"""Where quantities come from: a customer and questions, an answer for each."""


def stored_usage(customer_id: UUID, queries: Sequence[UsageQuery]) -> list[tuple[UsageRow, ...]]:
    """The usage that is stored."""
    return get_usage(customer_id=customer_id, queries=queries)


def compose(terms: Terms, source: UsageSource = stored_usage) -> ComposedInvoice:
    """The invoice as it stands: the same call for a draft, the final one and a preview."""
    return compose_usage_invoice(terms.engine, _usage(terms, (), source))


def compose_windows(terms: Terms, windows: Sequence[Period]) -> list[ComposedInvoice]:
    """The same invoice by day or hour; `windows` in order, inside the period."""
    edges = [edge for window in windows for edge in (window.start, window.end)]
    return breakdown(terms.engine, _usage(terms, edges, stored_usage), windows)


def usage_query(entry: CatalogTerms, windows: Sequence[Period]) -> UsageQuery:
    """The question to the usage store behind one product's lines."""
    return UsageQuery(
        metric_id=UUID(entry.terms.metric_id),
        spec=entry.spec,
        windows=tuple(windows),
        group_keys=group_keys(entry.terms),
    )


def group_keys(product: ProductTerms) -> tuple[str, ...]:
    """Pricing keys, then presentation keys: the order of a usage row's group."""
    return product.pricing_group_key + product.presentation_group_key


def _usage(terms: Terms, cuts: Iterable[datetime], source: UsageSource) -> list[UsageInput]:
    windows = usage_windows(terms.engine, cuts)
    asked: dict[tuple[str, tuple[str, ...]], UsageQuery] = {}
    for entry in terms.catalog:  # products that share metric and keys share the question
        asked.setdefault((entry.terms.metric_id, group_keys(entry.terms)), usage_query(entry, windows))
    answers = dict(zip(asked, source(terms.customer_id, list(asked.values())), strict=True))
    return [
        UsageInput(entry.terms.product_id, tuple(answers[entry.terms.metric_id, group_keys(entry.terms)]))
        for entry in terms.catalog
    ]
