"""What becomes of commits, credits and adjustments. Amounts are exact, in the stored unit of `credit_type_id` (cents
for USD); of a balance of quantities, in units of its product.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from core.events import DomainEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceEvent(DomainEvent):
    """Base of events about a commit or credit.

    `contract_id`: whose it is, or who is invoiced for it; `invoice_contract_id`: the contract whose invoices charge for
    it, None where nothing is charged.
    """

    SUBJECT = ("balance", "balance_id")

    balance_id: UUID
    customer_id: UUID
    contract_id: UUID | None
    invoice_contract_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantedSegment:
    """A stretch of access, `[starting_at, ending_before)`, and what was granted for it; where there are `seat_ids`, to
    each of these seats for itself.
    """

    amount: Decimal
    starting_at: datetime
    ending_before: datetime
    seat_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledCharge:
    """What is charged for a balance on a date, in the stored unit of its invoices."""

    amount: Decimal
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceCreated(BalanceEvent):
    """A new balance. `balance_type`: PREPAID, POSTPAID or CREDIT."""

    balance_type: str
    balance_name: str
    credit_type_id: UUID
    segments: tuple[GrantedSegment, ...]
    charges: tuple[ScheduledCharge, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitCreated(BalanceCreated):
    """A new commit."""

    name = "commit.created"
    title = "Commit created"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditCreated(BalanceCreated):
    """A new credit."""

    name = "credit.created"
    title = "Credit created"


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceEdited(BalanceEvent):
    """Its terms or schedules are others. `changed`: columns that were given; the ends where it was cut or prolonged."""

    changed: tuple[str, ...] = ()
    access_ending_before: datetime | None = None
    invoices_ending_before: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitEdited(BalanceEdited):
    """A commit was changed."""

    name = "commit.edited"
    title = "Commit edited"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditEdited(BalanceEdited):
    """A credit was changed."""

    name = "credit.edited"
    title = "Credit edited"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatAmount:
    """What one seat was given, or with a negative amount lost."""

    seat_id: str
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceAdjusted(BalanceEvent):
    """An entry by hand, negative where it takes away. `segment_id` None: one entry for each of `seat_amounts`, which
    sum to `amount`. `timestamp`: when it counts in the ledger.
    """

    amount: Decimal
    credit_type_id: UUID
    timestamp: datetime
    segment_id: UUID | None = None
    seat_amounts: tuple[SeatAmount, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitAdjusted(BalanceAdjusted):
    """An entry in a commit's ledger by hand."""

    name = "commit.adjusted"
    title = "Commit adjusted"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditAdjusted(BalanceAdjusted):
    """An entry in a credit's ledger by hand."""

    name = "credit.adjusted"
    title = "Credit adjusted"


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceArchived(BalanceEvent):
    """Ended for good: what was left has expired, nothing more is charged for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitArchived(BalanceArchived):
    """A commit has ended."""

    name = "commit.archived"
    title = "Commit archived"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditArchived(BalanceArchived):
    """A credit has ended."""

    name = "credit.archived"
    title = "Credit archived"


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceLedgerDiffers(DomainEvent):
    """The reconciler found a segment whose sums are not those of its ledger; `difference` says how, for staff."""

    name = "balance.ledger_differs"
    title = "Ledger does not add up"
    SUBJECT = ("balance", "balance_id")

    balance_id: UUID
    customer_id: UUID
    segment_id: UUID
    difference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustmentEvent(DomainEvent):
    """Base of events about an adjustment that a person asked for.

    `change` is the amount with its unit, for people. It moves the segment `segment_id`, or grants the credit
    `credit_id` once it is posted.
    """

    SUBJECT = ("adjustment", "adjustment_id")

    adjustment_id: UUID
    customer_id: UUID
    change: str
    amount: Decimal
    credit_type_id: UUID
    reason_code: str
    segment_id: UUID | None
    credit_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustmentRequested(AdjustmentEvent):
    """It waits for a second person."""

    name = "adjustment.requested"
    title = "Adjustment asked for"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustmentPosted(AdjustmentEvent):
    """It is in the ledger: at once within a limit, or approved by a second person."""

    name = "adjustment.posted"
    title = "Adjustment posted"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustmentRejected(AdjustmentEvent):
    """A second person refused it."""

    name = "adjustment.rejected"
    title = "Adjustment rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustmentWithdrawn(AdjustmentEvent):
    """Whoever asked took it back, or nobody decided in time."""

    name = "adjustment.withdrawn"
    title = "Adjustment withdrawn"
