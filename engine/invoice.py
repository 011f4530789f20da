"""A contract's terms and usage to an invoice: one function for draft, final invoice, preview and estimate.

Lines and subtotal are exact, the total is rounded once. Rules and tables: docs/algorithms/invoices.md and
rounding.md.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from engine.balances import Drawdown
from engine.calendar import Period, consecutive, split, window_index
from engine.charges import (
    COMPOSITE,
    CONVERSION,
    Charge,
    Origin,
    Part,
    Pricer,
    Progress,
    Unrated,
    subscription_charge,
    usage_charges,
)
from engine.composites import composite_charges, composite_edges, counts, minimum_charge
from engine.conversion import ConversionOperation, QuantityConversion, QuantityRounding, RoundingMethod
from engine.drawdown import DrawdownAccounts, Settled, payment_order, settle
from engine.errors import InvalidTerms
from engine.explanation import ExplanationKind
from engine.lines import InvoiceLine, fulfils_commit, lines_of
from engine.money import ZERO, add, rounded, total
from engine.prices import Flat
from engine.rating import RateVersion
from engine.specifiers import Subject
from engine.terms import InvoiceTerms, Presentation, PricingGroup, ProductTerms, UsageInput
from engine.usage import group_order

__all__ = [
    "ComposedInvoice",
    "ConversionOperation",
    "InvoiceLine",
    "InvoiceTerms",
    "ProductTerms",
    "QuantityConversion",
    "QuantityRounding",
    "RoundingMethod",
    "UnratedUsage",
    "UsageInput",
    "breakdown",
    "compose_usage_invoice",
    "usage_windows",
]


@dataclass(frozen=True, slots=True)
class UnratedUsage:
    """Usage that no rate prices, with the reason in plain words."""

    product_id: str
    name: str
    pricing_group_values: PricingGroup
    presentation_group_values: Presentation
    window: Period
    quantity: Decimal
    event_count: int
    reason: str


@dataclass(frozen=True, slots=True)
class ComposedInvoice:
    """An invoice as it stands: `subtotal` is the counted lines' exact sum, and `subtotal + rounding = total`.

    `drawdowns` is what it takes from balance segments; breakdowns have none of their own.
    """

    period: Period
    lines: tuple[InvoiceLine, ...]
    subtotal: Decimal
    total: Decimal
    rounding: Decimal
    unrated: tuple[UnratedUsage, ...]
    drawdowns: tuple[Drawdown, ...] = ()


def usage_windows(terms: InvoiceTerms, cuts: Iterable[datetime] = ()) -> list[Period]:
    """The windows in which usage must be measured: the period cut at every change of a price and at `cuts`.

    Prices change where rates, overrides and balance segments begin and end.
    """
    edges = set(cuts)
    composites = composite_edges(terms)
    for product in terms.products:
        edges |= _edges(terms, product, composites)
        edges.update(*terms.seat_cuts(product.product_id, product.tags).values())
        for schedule in product.schedules.values():
            edges.update(schedule.cuts(terms.period))
    return split(terms.period, edges)


def compose_usage_invoice(
    terms: InvoiceTerms, usage: Sequence[UsageInput], cuts: Iterable[datetime] = ()
) -> ComposedInvoice:
    """The usage invoice of one contract and period. Lines are kept apart at `cuts` as well as at price changes.

    Balances pay what they may, in their order of drawing; `cuts` change neither prices nor what is drawn. Raises
    InvalidTerms for usage that does not fit the terms: an unknown product, a group of another length, a window that
    crosses the period's edge, a price change or a cut.
    """
    rows = {(entry.product_id, entry.window): entry.rows for entry in usage}
    if len(rows) != len(usage) or not rows.keys() <= {
        (product.product_id, product.window) for product in terms.products
    }:
        raise InvalidTerms("usage must name each product of the terms at most once", "product_id")
    apart = tuple(cuts)
    composites = composite_edges(terms)
    charges: list[Charge] = []
    unrated: list[UnratedUsage] = []
    progress: dict[tuple[str, tuple[object, ...]], Progress] = {}
    for product in terms.products:
        found = usage_charges(
            terms, product, rows.get((product.product_id, product.window), ()),
            _edges(terms, product, composites), apart,
            progress=progress.setdefault((product.product_id, product.measure), {}),
        )  # fmt: skip
        charges += found.charges
        unrated += [_unrated_usage(product, part) for part in found.unrated]
    for source in terms.subscriptions:
        charge = subscription_charge(terms, source)
        if charge is not None:
            charges.append(charge)
    accounts = DrawdownAccounts(terms.balances_here(), terms.tags)
    lines = _pay(charges, accounts, terms)
    lines += _composites(terms, lines, accounts, apart)
    lines += _conversions(terms, lines, accounts, apart)
    unrated.sort(key=_unrated_order)
    subtotal = total(line.total for line in lines if line.counted)
    result = rounded(subtotal, terms.currency)
    return ComposedInvoice(
        terms.period, tuple(lines), subtotal, result.total, result.rounding, tuple(unrated), accounts.drawdowns()
    )


def breakdown(terms: InvoiceTerms, usage: Sequence[UsageInput], windows: Sequence[Period]) -> list[ComposedInvoice]:
    """The invoice's lines by window (days, hours), one result for each of `windows`, which are in order.

    Usage must be measured in `usage_windows(terms, edges of the windows)`. Nothing is rounded here: over windows that
    cover the period, lines and totals sum to the invoice's lines and subtotal. Charges for a time before the period
    count where it begins, those for a time after it where it ends.
    """
    consecutive(windows, "window_size")
    whole = compose_usage_invoice(terms, usage, [edge for window in windows for edge in (window.start, window.end)])
    starts = [window.start for window in windows]
    lines: dict[int, list[InvoiceLine]] = defaultdict(list)
    last = terms.period.end - timedelta(microseconds=1)
    for line in whole.lines:
        at = min(max(line.starting_at, terms.period.start), last)
        index = window_index(starts, at)
        if index >= 0 and at in windows[index]:
            lines[index].append(line)
    result = []
    for index, window in enumerate(windows):
        inside = tuple(lines[index])
        amount = total(line.total for line in inside if line.counted)
        unrated = tuple(part for part in whole.unrated if part.window.start in window)
        result.append(ComposedInvoice(window, inside, amount, amount, ZERO, unrated))
    return result


def _edges(terms: InvoiceTerms, product: ProductTerms, composites: dict[str, set[datetime]]) -> set[datetime]:
    """Where the product's price may change, other than at its rates: overrides, balances, percentages of its spend."""
    edges = terms.cuts(product.product_id, product.tags)
    if product.window is not None:
        edges |= {product.window.start, product.window.end}
    for composite in terms.composites:
        if counts(composite, product.product_id, product.tags):
            edges |= composites[composite.product_id]
    return edges


def _pay(charges: Sequence[Charge], accounts: DrawdownAccounts, terms: InvoiceTerms) -> list[InvoiceLine]:
    """Settles the charges in the order of payment; their lines in the order of the invoice."""
    if not accounts:
        settled: dict[int, Settled] = {id(charge): settle(charge, accounts) for charge in charges}
    else:
        settled = {id(charge): settle(charge, accounts) for charge in sorted(charges, key=payment_order)}
    return [
        line
        for charge in sorted(charges, key=_charge_order)
        for line in lines_of(charge, settled[id(charge)], terms.credit_type_id)
    ]


def _composites(
    terms: InvoiceTerms, lines: Sequence[InvoiceLine], accounts: DrawdownAccounts, cuts: Sequence[datetime]
) -> list[InvoiceLine]:
    """The lines of composite products; those that count other composites come last and see them."""
    found: list[InvoiceLine] = []
    for chained in (False, True):
        made: list[InvoiceLine] = []
        for composite in sorted(terms.composites, key=lambda entry: (entry.name, entry.product_id)):
            if composite.include_composites is not chained:
                continue
            charges = composite_charges(terms, composite, [*lines, *found], cuts)
            own = _pay(charges, accounts, terms)
            short = minimum_charge(charges, own, terms.credit_type_id)
            made += own if short is None else [*own, *_pay([short], accounts, terms)]
        found += made
    return found


def _conversions(
    terms: InvoiceTerms, lines: Sequence[InvoiceLine], accounts: DrawdownAccounts, cuts: Sequence[datetime]
) -> list[InvoiceLine]:
    """One line for each custom unit on the invoice: what balances in it did not pay, in fiat. Apart at `cuts`."""
    found: list[InvoiceLine] = []
    last = terms.period.end - timedelta(microseconds=1)
    for unit in sorted({line.credit_type_id for line in lines} - {terms.credit_type_id}):
        owed = [
            line for line in lines if line.credit_type_id == unit and not fulfils_commit(line.type, line.commit_type)
        ]
        parts = _due(terms, owed, cuts)
        due = total(part.quantity for part in parts)
        version = RateVersion(
            f"conversion of {unit}", terms.period.start, None, True, Flat(terms.conversions[unit]),
            terms.credit_type_id, f"credit type conversion of {unit}",
        )  # fmt: skip
        subject = Subject("")
        pricer = Pricer(terms, "", frozenset())
        decision = pricer.decide(version, subject, terms.period.start, None)
        charge = Charge(
            CONVERSION, "Conversion", subject, (), (), terms.period, last, version, pricer, decision, ZERO, due, due,
            parts, Origin(ExplanationKind.CONVERSION, unit_id=unit), is_fixed=True,
        )  # fmt: skip
        found += _pay([charge], accounts, terms)
    return found


def _due(terms: InvoiceTerms, lines: Sequence[InvoiceLine], cuts: Sequence[datetime]) -> list[Part]:
    """What the lines come to, in the period's parts; charges from before it count in the first."""
    parts = [Part(window) for window in split(terms.period, cuts)]
    starts = [part.window.start for part in parts]
    for line in lines:
        part = parts[max(window_index(starts, line.starting_at), 0)]
        part.quantity = part.measured = add(part.quantity, line.total)
    return parts


def _unrated_usage(product: ProductTerms, part: Unrated) -> UnratedUsage:
    return UnratedUsage(
        product_id=product.product_id,
        name=product.name,
        pricing_group_values=part.pricing,
        presentation_group_values=part.presentation,
        window=part.window,
        quantity=part.quantity,
        event_count=part.event_count,
        reason=part.reason,
    )


def _charge_order(charge: Charge) -> tuple[object, ...]:
    groups = tuple(value for _, value in (*charge.pricing, *charge.presentation))
    unit = charge.version.credit_type_id if charge.rank == COMPOSITE else ""
    return (
        charge.rank, charge.name, charge.subject.product_id, unit, group_order(groups), charge.window.start,
        charge.window.end, charge.origin.subscription_id or "",
    )  # fmt: skip


def _unrated_order(part: UnratedUsage) -> tuple[object, ...]:
    groups = tuple(value for _, value in (*part.pricing_group_values, *part.presentation_group_values))
    return part.name, part.product_id, group_order(groups), part.window
