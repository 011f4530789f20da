"""What a contract pays at an instant: its card's rates with its overrides applied."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from catalog.selectors import EffectiveRate, RateSelector, list_effective_rates, rate_version
from contracts.models import Contract
from contracts.selectors.overrides import engine_overrides
from engine.calendar import Period
from engine.overrides import Decision, Override, Prioritization, decide
from engine.specifiers import Subject
from engine.timeline import Span

INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class ContractRate:
    """A rate of the contract's card over `[starting_at, ending_before)`, while neither it nor an override changes."""

    listed: EffectiveRate
    decision: Decision
    starting_at: datetime
    ending_before: datetime | None


def list_contract_rates(
    *, contract: Contract, at: datetime, selectors: Sequence[RateSelector] = ()
) -> list[ContractRate]:
    """The rates in force at `at` that any selector picks, in the card's order; four queries.

    What only holds while a balance pays, or for presentation group values, is not in it.
    """
    if contract.rate_card_id is None:
        return []
    listed = list_effective_rates(
        rate_card_id=contract.rate_card_id, starting_at=at, ending_before=at + INSTANT, selectors=selectors
    )
    overrides = engine_overrides(contract_id=contract.pk, period=Period(contract.starting_at, _FOREVER))
    order = Prioritization(contract.multiplier_override_prioritization)
    return [_rate(entry, overrides, order, at) for entry in listed]


_FOREVER = datetime.fromisoformat("9999-01-01T00:00:00+00:00")


def _rate(entry: EffectiveRate, overrides: Sequence[Override], order: Prioritization, at: datetime) -> ContractRate:
    rate = entry.rate
    version = rate_version(Span(rate.sequence, entry.starting_at, entry.ending_before, rate))
    subject = Subject(
        str(rate.product_id),
        frozenset(entry.state.tags),
        frozenset(rate.pricing_group_values.items()),
        billing_frequency=rate.billing_frequency or None,
    )
    meant = [override for override in overrides if override.matches(subject) and not override.is_commit_specific]
    decision = decide(version, subject, [override for override in meant if override.in_force(at)], order)
    edges = {override.starting_at for override in meant}
    edges |= {override.ending_before for override in meant if override.ending_before is not None}
    starts = [edge for edge in edges if edge <= at]
    ends = [edge for edge in [*edges, entry.ending_before] if edge is not None and edge > at]
    return ContractRate(entry, decision, max([entry.starting_at, *starts]), min(ends) if ends else None)
