"""Grant periods of recurring commits and credits: what each grants, for how long, and what it costs.

Rules and tables: docs/algorithms/schedules.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from engine.calendar import BillingSchedule, Period, periods, utc
from engine.errors import InvalidTerms
from engine.money import checked, mul
from engine.proration import Fraction, ProrationRounding, fraction_of, full_period, prorated


class GrantProration(StrEnum):
    """Which periods of a recurring grant are prorated where they are not whole ones."""

    NONE = "NONE"
    FIRST = "FIRST"
    LAST = "LAST"
    FIRST_AND_LAST = "FIRST_AND_LAST"


@dataclass(frozen=True, slots=True)
class Amount:
    """unit_price x quantity; for seats the quantity is the subscription's."""

    unit_price: Decimal
    quantity: Decimal

    def __post_init__(self) -> None:
        checked(self.unit_price, "unit_price")
        checked(self.quantity, "quantity")

    @property
    def total(self) -> Decimal:
        """The product."""
        return mul(self.unit_price, self.quantity)


@dataclass(frozen=True, slots=True)
class RecurringGrant:
    """A recurring commit or credit over `[starting_at, ending_before)`; give the contract's end where it ends first.

    `schedule` is the contract's usage statement schedule, or with a recurrence frequency one anchored on
    `starting_at`. A period's access lasts for `duration` periods; `invoice` None: nothing is charged.
    """

    schedule: BillingSchedule
    starting_at: datetime
    ending_before: datetime | None
    access: Amount
    duration: int = 1
    invoice: Amount | None = None
    proration: GrantProration = GrantProration.FIRST_AND_LAST
    access_rounding: ProrationRounding | None = None
    invoice_rounding: ProrationRounding | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "starting_at", utc(self.starting_at, "starting_at"))
        if self.ending_before is not None:
            object.__setattr__(self, "ending_before", utc(self.ending_before, "ending_before"))
            if self.ending_before <= self.starting_at:
                raise InvalidTerms("ending_before must be after starting_at", "ending_before")
        if self.duration < 1:
            raise InvalidTerms("a commit lasts at least one period", "commit_duration")


@dataclass(frozen=True, slots=True)
class GrantPeriod:
    """One period's commit or credit: `amount` usable over `access`; `charge` is invoiced at `period.start`."""

    period: Period
    access: Period
    amount: Decimal
    charge: Decimal | None
    fraction: Fraction


def grant_periods(grant: RecurringGrant, until: datetime) -> Iterator[GrantPeriod]:
    """The grant periods that begin before `until`, in order. Access never outlasts the grant itself."""
    for period in periods(grant.schedule, grant.starting_at, grant.ending_before, until):
        full = full_period(grant.schedule, period.start)
        end = grant.schedule.boundary(grant.schedule.index(period.start) + grant.duration)
        if grant.ending_before is not None:
            end = min(end, grant.ending_before)
        fraction = _fraction(grant, period, full)
        charge = None
        if grant.invoice is not None:
            charge = prorated(grant.invoice.total, fraction, grant.invoice_rounding)
        amount = prorated(grant.access.total, fraction, grant.access_rounding)
        yield GrantPeriod(period, Period(period.start, end), amount, charge, fraction)


def _fraction(grant: RecurringGrant, period: Period, full: Period) -> Fraction:
    """The hours that count; a period cut at both ends is prorated for the ends that the grant says."""
    first = grant.proration in (GrantProration.FIRST, GrantProration.FIRST_AND_LAST)
    last = grant.proration in (GrantProration.LAST, GrantProration.FIRST_AND_LAST)
    start = period.start if first else full.start
    end = period.end if last else full.end
    return fraction_of(Period(start, end), full)


def seat_increase(
    grant: RecurringGrant, grant_period: GrantPeriod, added: Decimal, at: datetime, *, is_prorated: bool
) -> Decimal:
    """What `added` seats bring to the pool of the period that holds `at`: per seat, prorated if so configured."""
    amount = mul(grant.access.unit_price, checked(added, "quantity"))
    if not is_prorated:
        return amount
    full = full_period(grant.schedule, grant_period.period.start)
    return prorated(amount, fraction_of(Period(at, grant_period.period.end), full), grant.access_rounding)
