"""Terms and usage to the engine's invoice. Only `billing.compute` and what it is made of call this."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from billing.subscription_billing import SubscriptionBilling
from billing.terms import Terms, billing_unit, load_terms
from billing.usage import UsageSource, read_usage
from contracts.models import Contract
from contracts.selectors import billing_schedule
from engine.calendar import Period, periods
from engine.composites import spend_of
from engine.invoice import ComposedInvoice, breakdown, compose_usage_invoice
from engine.terms import CompositeScope, Spend


def compose(terms: Terms, source: UsageSource) -> ComposedInvoice:
    """The invoice as it stands."""
    whole = replace(terms.engine, other_contract_spend=_other_contract_spend(terms, source))
    return compose_usage_invoice(whole, read_usage(terms, source), terms.filter_cuts)


def compose_windows(terms: Terms, windows: Sequence[Period], source: UsageSource) -> list[ComposedInvoice]:
    """The same invoice by day or hour; `windows` in order, inside the period."""
    edges = [edge for window in windows for edge in (window.start, window.end)]
    whole = replace(terms.engine, other_contract_spend=_other_contract_spend(terms, source, edges))
    return breakdown(whole, read_usage(terms, source, edges), windows)


def _other_contract_spend(terms: Terms, source: UsageSource, cuts: Sequence[datetime] = ()) -> tuple[Spend, ...]:
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
        subscribed = SubscriptionBilling(contract, terms.rates)
        schedule = billing_schedule(contract)
        for period in periods(schedule, contract.starting_at, contract.ending_before, mine.end, mine.start):
            charges = subscribed.of_period(period)
            other = load_terms(contract, period, billing_unit(contract), terms.rates, charges)
            alone = replace(other, engine=replace(other.engine, composites=()))
            cut = [*edges, *alone.filter_cuts]
            invoice = compose_usage_invoice(alone.engine, read_usage(alone, source, edges), cut)
            found += [spend for spend in spend_of(invoice.lines, alone.engine) if spend.window.start in mine]
    return tuple(found)
