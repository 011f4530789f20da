"""Composite products: a percentage of what other products cost on the invoice. Rules: docs/algorithms/composites.md."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from engine.calendar import Period, split, window_index
from engine.charges import COMPOSITE, Charge, Origin, Part, Pricer
from engine.explanation import Contribution, ExplanationKind
from engine.lines import APPLIED, PRODUCT_TYPES, InvoiceLine
from engine.money import ONE, ZERO, add, subtract, total
from engine.overrides import Decision
from engine.prices import Percentage, TieredPercentage, flat_of
from engine.rating import RateVersion
from engine.specifiers import Subject
from engine.terms import CompositeScope, CompositeTerms, InvoiceTerms, Spend


@dataclass(frozen=True, slots=True)
class _Counted:
    """An amount that a composite product is a percentage of; without a name, it was spent on another contract."""

    name: str | None
    instant: datetime
    amount: Decimal


def composite_edges(terms: InvoiceTerms) -> dict[str, set[datetime]]:
    """For each composite product, the instants inside the period at which what it costs may change."""
    return {
        composite.product_id: terms.cuts(composite.product_id, composite.tags)
        | set(composite.schedule.cuts(terms.period))
        for composite in terms.composites
    }


def counts(composite: CompositeTerms, product_id: str, tags: frozenset[str]) -> bool:
    """Whether the composite product is a percentage of this product's spend."""
    return product_id != composite.product_id and (
        product_id in composite.product_ids or not composite.product_tags.isdisjoint(tags)
    )


def spend_of(lines: Iterable[InvoiceLine], terms: InvoiceTerms) -> tuple[Spend, ...]:
    """What an invoice's lines say a contract spent, as input to the composite products of another contract."""
    tags = terms.tags
    return tuple(
        Spend(
            line.product_id,
            tags.get(line.product_id, frozenset()),
            Period(line.starting_at, line.ending_before),
            line.total,
            line.credit_type_id,
        )
        for line in lines
        if line.type in ("usage", "subscription") and line.product_type != PRODUCT_TYPES[COMPOSITE]
    )


def composite_charges(
    terms: InvoiceTerms, composite: CompositeTerms, lines: Sequence[InvoiceLine], cuts: Sequence[datetime]
) -> list[Charge]:
    """The charges of a composite product, one set for each unit that its products are priced in.

    The lines' spend in each stretch (cut where the percentage or an override changes) is the quantity; tiers are
    counted over the billing period.
    """
    by_unit = _spend(terms, composite, lines)
    if not by_unit and not composite.exclude_free_usage:
        by_unit = {terms.credit_type_id: []}
    subject = Subject(composite.product_id, composite.tags)
    pricer = Pricer(terms, composite.product_id, composite.tags)
    segments = split(
        terms.period,
        terms.cuts(composite.product_id, composite.tags) | set(composite.schedule.cuts(terms.period)),
    )
    charges: list[Charge] = []
    for unit in sorted(by_unit):
        made: list[Charge] = []
        position = ZERO
        for segment in segments:
            version = composite.schedule.at(segment.start)
            decision = None if version is None else pricer.decide(version, subject, segment.start, None)
            if version is None or decision is None or not decision.entitled:
                continue
            inside = [entry for entry in by_unit[unit] if entry.instant in segment]
            quantity = total(entry.amount for entry in inside)
            made.append(
                Charge(
                    COMPOSITE, composite.name, subject, (), (), segment, segment.start, _in_unit(version, unit), pricer,
                    decision, position, quantity, ZERO, _parts(segment, inside, cuts), _origin(inside),
                )
            )  # fmt: skip
            position = add(position, quantity)
        for charge in made:
            charge.reached = position
        charges += made
    return charges


def minimum_charge(charges: Sequence[Charge], lines: Sequence[InvoiceLine], invoice_unit: str) -> Charge | None:
    """What lifts a composite product to its minimum, if it has one and `lines`, its own, cost less.

    The minimum of the price that holds last in the period counts, in the invoice's unit, never prorated.
    """
    own = [charge for charge in charges if charge.version.credit_type_id == invoice_unit]
    if not own:
        return None
    last = own[-1]
    price = last.decision.price
    minimum = price.minimum if isinstance(price, Percentage | TieredPercentage) else None
    cost = total(line.total for line in lines if line.type != APPLIED and line.credit_type_id == invoice_unit)
    if minimum is None or cost >= minimum:
        return None
    short = subtract(minimum, cost)
    flat = Decision(flat_of(short), True, last.decision.base, last.decision.winner, last.decision.lost)
    window = last.parts[-1].window
    return Charge(
        COMPOSITE, last.name, last.subject, (), (), window, last.instant, last.version, last.pricer, flat,
        ZERO, ONE, ONE, [Part(window, ONE, 0, ONE)], Origin(ExplanationKind.COMPOSITE, is_minimum=True),
        is_fixed=True,
    )  # fmt: skip


def _in_unit(version: RateVersion, unit: str) -> RateVersion:
    """Percentages are in the unit of what they are a percentage of."""
    return version if version.credit_type_id == unit else replace(version, credit_type_id=unit)


def _spend(terms: InvoiceTerms, composite: CompositeTerms, lines: Sequence[InvoiceLine]) -> dict[str, list[_Counted]]:
    """The amounts that count, by unit."""
    tags = terms.tags
    found: dict[str, list[_Counted]] = {}
    for line in lines:
        if line.type not in ("usage", "subscription"):
            continue
        if line.product_type == PRODUCT_TYPES[COMPOSITE] and not composite.include_composites:
            continue
        if counts(composite, line.product_id, tags.get(line.product_id, frozenset())):
            found.setdefault(line.credit_type_id, []).append(_Counted(line.name, line.starting_at, line.total))
    if composite.scope is CompositeScope.CUSTOMER:
        for spend in terms.other_contract_spend:
            if counts(composite, spend.product_id, spend.tags) and spend.window.start in terms.period:
                entry = _Counted(None, spend.window.start, spend.amount)
                found.setdefault(spend.unit, []).append(entry)
    if composite.exclude_free_usage:
        found = {unit: [entry for entry in entries if entry.amount] for unit, entries in found.items()}
        found = {unit: entries for unit, entries in found.items() if entries}
    return found


def _parts(segment: Period, inside: Sequence[_Counted], cuts: Sequence[datetime]) -> list[Part]:
    windows = split(segment, cuts)
    starts = [window.start for window in windows]
    parts = [Part(window) for window in windows]
    for entry in inside:
        part = parts[window_index(starts, entry.instant)]
        part.quantity = part.measured = add(part.quantity, entry.amount)
    return parts


def _origin(inside: Sequence[_Counted]) -> Origin:
    found: dict[str | None, Decimal] = {}
    for entry in inside:
        found[entry.name] = add(found.get(entry.name, ZERO), entry.amount)
    names = sorted(found, key=lambda name: (name is None, name or ""))
    return Origin(ExplanationKind.COMPOSITE, contributions=tuple(Contribution(name, found[name]) for name in names))
