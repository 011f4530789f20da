"""What an invoice is made by: the engine's terms of a contract and a period, without usage and without balances."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from billing.models import BillingPeriod
from catalog.models import CreditType, Rate
from catalog.selectors import CardTerms, CatalogTerms, card_terms, conversions_of
from contracts.models import Contract
from contracts.selectors import engine_overrides, usage_filter_spans
from contracts.selectors.hierarchy import paying_parent_id
from engine.calendar import Period
from engine.invoice import InvoiceTerms
from engine.money import Currency
from engine.overrides import Prioritization
from engine.terms import SubscriptionTerms

USD = UUID("2714e483-4ff1-48e4-9e25-ac732e8f24f2")


@dataclass(frozen=True, slots=True)
class FilterSpan:
    """A stretch of a period, and which usage counts in it: all for {}, else by a key's values."""

    window: Period
    passing: Mapping[str, tuple[str | None, ...]]


@dataclass(frozen=True, slots=True)
class Terms:
    """The engine's terms of one contract and period, with what is needed to ask for its usage.

    `rates`: rates that are not stored, as if their cards had them. `filters`: the contract's usage filters, which tile
    the period; () where it has none.
    """

    customer_id: UUID
    engine: InvoiceTerms
    catalog: tuple[CatalogTerms, ...]
    rates: tuple[Rate, ...] = ()
    filters: tuple[FilterSpan, ...] = ()

    @property
    def filter_cuts(self) -> list[datetime]:
        """Where another filter begins inside the period: what is on either side stands on lines of its own."""
        return [one.window.start for one in self.filters[1:]]


def billing_unit(contract: Contract) -> CreditType:
    """The unit that a contract is invoiced in: its rate card's fiat currency, else USD."""
    return contract.rate_card.fiat_credit_type if contract.rate_card else CreditType.objects.get(pk=USD)


def terms_of(period: BillingPeriod, charges: tuple[SubscriptionTerms, ...], rates: Sequence[Rate] = ()) -> Terms:
    """What a period is billed by. `charges`: the subscription charges that stand on it. `rates` as in `Terms`.

    Raises InvalidTerms for agreements that no invoice can be made by.
    """
    if period.type == BillingPeriod.Type.SCHEDULED:
        return load_subscription_terms(period.contract, period.credit_type, charges)
    whole = Period(period.period_start, period.period_end)
    return load_terms(period.contract, whole, period.credit_type, rates, charges)


def load_terms(
    contract: Contract,
    period: Period,
    unit: CreditType,
    rates: Sequence[Rate] = (),
    subscriptions: Sequence[SubscriptionTerms] = (),
) -> Terms:
    """What `contract` prices in `period`; a constant number of queries.

    `rates`: rates that are not stored, as if their cards had them too. `subscriptions`: the charges that stand on the
    invoice (billing.subscription_billing).
    """
    card = CardTerms()
    if contract.rate_card_id:
        mine = [rate for rate in rates if rate.rate_card_id == contract.rate_card_id]
        card = card_terms(rate_card_id=contract.rate_card_id, period=period, planned=mine)
    engine = InvoiceTerms(
        contract_id=str(contract.pk),
        paying_parent_id=paying_parent_id(contract),
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
    filters = usage_filter_spans(contract_id=contract.pk, period=period) if contract.has_usage_filters else []
    spans = tuple(FilterSpan(window, passing) for window, passing in filters)
    return Terms(contract.customer_id, engine, card.products, tuple(rates), spans)


def load_subscription_terms(contract: Contract, unit: CreditType, charges: Sequence[SubscriptionTerms]) -> Terms:
    """What a SCHEDULED invoice of subscription charges is made by; its period is the time that they pay for."""
    period = _hull(charges[0].window, charges)
    conversions = conversions_of(rate_card_id=contract.rate_card_id) if contract.rate_card_id else {}
    engine = InvoiceTerms(
        contract_id=str(contract.pk),
        paying_parent_id=paying_parent_id(contract),
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
