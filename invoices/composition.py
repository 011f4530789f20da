"""From a contract and a period to a composed invoice: the one road of drafts, finalization, breakdowns and previews.

It only gathers frozen terms and exact quantities and hands them to the engine.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from catalog.models import CreditType, Rate
from catalog.selectors import CardTerms, CatalogTerms, card_terms, conversions_of
from contracts.models import Contract
from contracts.selectors import billing_schedule, engine_overrides
from engine.calendar import Period, periods
from engine.composites import spend_of
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
from engine.terms import CompositeScope, Spend, SubscriptionTerms
from engine.usage import UsageRow
from invoices.subscriptions import Subscribed
from usage.selectors import UsageQuery, get_usage

USD = UUID("2714e483-4ff1-48e4-9e25-ac732e8f24f2")


@dataclass(frozen=True, slots=True)
class Terms:
    """The engine's terms of one contract and period, with what is needed to ask for its usage.

    `planned`: rates that are not stored, as if their cards had them.
    """

    customer_id: UUID
    engine: InvoiceTerms
    catalog: tuple[CatalogTerms, ...]
    planned: tuple[Rate, ...] = ()


def billing_unit(contract: Contract) -> CreditType:
    """The unit that a contract is invoiced in: its rate card's fiat currency, else USD."""
    return contract.rate_card.fiat_credit_type if contract.rate_card else CreditType.objects.get(pk=USD)


def load_terms(
    contract: Contract,
    period: Period,
    unit: CreditType,
    planned: Sequence[Rate] = (),
    subscriptions: Sequence[SubscriptionTerms] = (),
) -> Terms:
    """What `contract` prices in `period`; a constant number of queries, but for composites over all contracts.

    `planned`: rates that are not stored, as if their cards had them too. `subscriptions`: the charges that stand on the
    invoice (invoices.subscriptions).
    """
    card = CardTerms()
    if contract.rate_card_id:
        mine = [rate for rate in planned if rate.rate_card_id == contract.rate_card_id]
        card = card_terms(rate_card_id=contract.rate_card_id, period=period, planned=mine)
    engine = InvoiceTerms(
        contract_id=str(contract.pk),
        period=period,
        currency=Currency(unit.code or unit.name, unit.places),
        credit_type_id=str(unit.pk),
        products=tuple(entry.terms for entry in card.products),
        composites=card.composites,
        conversions=card.conversions or {},
        overrides=engine_overrides(contract_id=contract.pk, period=_hull(period, subscriptions)),
        prioritization=Prioritization(contract.multiplier_override_prioritization),
        subscriptions=tuple(subscriptions),
    )
    return Terms(contract.customer_id, engine, card.products, tuple(planned))


def load_subscription_terms(contract: Contract, unit: CreditType, charges: Sequence[SubscriptionTerms]) -> Terms:
    """What a SCHEDULED invoice of subscription charges is made by; its period is the time that they pay for."""
    period = _hull(charges[0].window, charges)
    conversions = conversions_of(rate_card_id=contract.rate_card_id) if contract.rate_card_id else {}
    engine = InvoiceTerms(
        contract_id=str(contract.pk),
        period=period,
        currency=Currency(unit.code or unit.name, unit.places),
        credit_type_id=str(unit.pk),
        products=(),
        conversions=conversions,
        overrides=engine_overrides(contract_id=contract.pk, period=period),
        prioritization=Prioritization(contract.multiplier_override_prioritization),
        subscriptions=tuple(charges),
    )
    return Terms(contract.customer_id, engine, ())


def _hull(period: Period, charges: Sequence[SubscriptionTerms]) -> Period:
    """The period and all the times at which the charges are priced and that they pay for."""
    starts = [period.start, *(charge.priced_at or charge.window.start for charge in charges)]
    return Period(min(starts), max([period.end, *(charge.window.end for charge in charges)]))


UsageSource = Callable[[UUID, Sequence[UsageQuery]], list[tuple[UsageRow, ...]]]
"""Where quantities come from: a customer and questions, an answer for each."""


def stored_usage(customer_id: UUID, queries: Sequence[UsageQuery]) -> list[tuple[UsageRow, ...]]:
    """The usage that is stored."""
    return get_usage(customer_id=customer_id, queries=queries)


def compose(terms: Terms, source: UsageSource = stored_usage) -> ComposedInvoice:
    """The invoice as it stands: the same call for a draft, the final one and a preview."""
    whole = replace(terms.engine, elsewhere=_elsewhere(terms, source))
    return compose_usage_invoice(whole, read_usage(terms, source=source))


def compose_windows(terms: Terms, windows: Sequence[Period]) -> list[ComposedInvoice]:
    """The same invoice by day or hour; `windows` in order, inside the period."""
    edges = [edge for window in windows for edge in (window.start, window.end)]
    whole = replace(terms.engine, elsewhere=_elsewhere(terms, stored_usage, edges))
    return breakdown(whole, read_usage(terms, edges), windows)


def _elsewhere(terms: Terms, source: UsageSource, cuts: Sequence[datetime] = ()) -> tuple[Spend, ...]:
    """What the customer's other contracts spend in the period, if a composite product is a percentage of that too.

    Each is composed over its own periods, without its composite products, as far as they lie in this one.
    """
    if not any(composite.scope is CompositeScope.CUSTOMER for composite in terms.engine.composites):
        return ()
    mine = terms.engine.period
    edges = [mine.start, mine.end, *cuts]
    others = Contract.objects.filter(customer_id=terms.customer_id, archived_at__isnull=True, starting_at__lt=mine.end)
    found: list[Spend] = []
    for contract in others.exclude(pk=terms.engine.contract_id).select_related("rate_card__fiat_credit_type"):
        subscribed = Subscribed(contract, terms.planned)
        for period in periods(billing_schedule(contract), contract.starting_at, contract.ending_before, mine.end):
            if period.end <= mine.start:
                continue
            charges = subscribed.of_period(period)
            other = load_terms(contract, period, billing_unit(contract), terms.planned, charges)
            alone = replace(other, engine=replace(other.engine, composites=()))
            invoice = compose_usage_invoice(alone.engine, read_usage(alone, edges, source), edges)
            found += [spend for spend in spend_of(invoice.lines, alone.engine) if spend.window.start in mine]
    return tuple(found)


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


def read_usage(terms: Terms, cuts: Iterable[datetime] = (), source: UsageSource = stored_usage) -> list[UsageInput]:
    """The quantities that an invoice by these terms needs, in windows that end at `cuts` too."""
    windows = usage_windows(terms.engine, cuts)
    asked: dict[tuple[str, tuple[str, ...]], UsageQuery] = {}
    for entry in terms.catalog:  # products that share metric and keys share the question
        asked.setdefault((entry.terms.metric_id, group_keys(entry.terms)), usage_query(entry, windows))
    answers = dict(zip(asked, source(terms.customer_id, list(asked.values())), strict=True))
    return [
        UsageInput(
            entry.terms.product_id, tuple(answers[entry.terms.metric_id, group_keys(entry.terms)]), entry.terms.window
        )
        for entry in terms.catalog
    ]
