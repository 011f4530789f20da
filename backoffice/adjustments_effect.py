"""What an adjustment means for a customer's open drafts: which of them it pays into, which not, and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.utils.safestring import SafeString

from balances.admin.balances import amount_text
from balances.models import Balance
from billing.models import BillingPeriod
from billing.selectors import DraftWithBalance, WithBalance
from contracts.selectors.hierarchy import paying_parent_id
from engine.balances import BalanceSegment
from engine.money import ZERO
from presentation import formatting, markup

MOST_DRAFTS = 20


@dataclass(frozen=True, slots=True)
class DraftEffect:
    """A draft's row: its total today and afterwards, and what that means in words."""

    id: UUID
    period: str
    contract: str
    before: SafeString
    after: SafeString
    changes: bool
    meaning: str


def draft_effects(
    effect: WithBalance, segment: BalanceSegment, balance: Balance, contracts: Mapping[str, str], now: datetime
) -> list[DraftEffect]:
    """A row for each open draft, the first `MOST_DRAFTS`. `balance` says how the segment's amounts are written."""
    return [
        DraftEffect(
            id=draft.period.pk,
            period=_span(draft.period),
            contract=str(draft.period.contract),
            before=markup.money(draft.before, draft.period.credit_type),
            after=markup.money(draft.after, draft.period.credit_type),
            changes=draft.before != draft.after,
            meaning=meaning(draft, effect, segment, balance, contracts, now),
        )
        for draft in effect.drafts[:MOST_DRAFTS]
    ]


def meaning(
    draft: DraftWithBalance,
    effect: WithBalance,
    segment: BalanceSegment,
    balance: Balance,
    contracts: Mapping[str, str],
    now: datetime,
) -> str:
    """One or two sentences: what the segment pays of the draft, and why it does not pay the rest."""
    period = draft.period
    if draft.before is None or draft.after is None:
        return "It cannot be computed at this moment."
    here = segment.pays_on(str(period.contract_id), paying_parent_id(period.contract))
    if segment.contract_ids is not None and not here:
        only = ", ".join(contracts.get(key, key) for key in segment.contract_ids)
        return f"Not paid by it: it pays on {only} only."
    if draft.pays > ZERO:
        paid = f"It pays {amount_text(draft.pays, balance)} of this draft"
        same = ", in place of other balances: the total stays" if draft.after == draft.before else ""
        return f"{paid}{same}.{_missed(draft, segment, now)}"
    if draft.pays < ZERO:
        return f"It pays {amount_text(draft.pays.copy_negate(), balance)} less of this draft."
    return _unpaid(draft, effect, segment, now)


def _unpaid(draft: DraftWithBalance, effect: WithBalance, segment: BalanceSegment, now: datetime) -> str:
    """Why it pays nothing of the draft."""
    period, ends = draft.period, segment.ending_before
    so_far = ", so far." if period.period_end > now else "."
    if draft.missed is not None:
        return _missed(draft, segment, now).strip() or f"It pays what is used from {_start(segment)} on."
    if segment.starting_at >= period.period_end:
        return f"Usable from {_start(segment)}: all of this draft was used before and is not paid by it."
    if ends is not None and ends <= period.period_start:
        return "Not paid by it: it expires before this draft's period begins."
    if not draft.before or draft.before < ZERO:
        return f"There is nothing left to pay in it{so_far}"
    if effect.left <= ZERO and any(other.pays > ZERO for other in effect.drafts):
        return "Not paid by it: drafts that close earlier use it up."
    return f"Not paid by it: this draft holds nothing that it pays for{so_far}"


def earlier_starts(
    effect: WithBalance, segment: BalanceSegment, starts: Mapping[str, datetime]
) -> list[tuple[str, str]]:
    """From when the credit could begin instead so that it pays a draft from its start: the form's word, and the day."""
    wanted = {draft.period.period_start for draft in effect.drafts if _owes_earlier(draft, segment)}
    return [(word, formatting.day(start)) for word, start in starts.items() if start in wanted]


def _owes_earlier(draft: DraftWithBalance, segment: BalanceSegment) -> bool:
    """Whether something in the draft stays unpaid because the segment begins too late."""
    late = segment.starting_at >= draft.period.period_end
    owed: Decimal | None = draft.before if late else draft.missed
    return owed is not None and owed > ZERO


def _missed(draft: DraftWithBalance, segment: BalanceSegment, now: datetime) -> str:
    if not draft.missed or draft.missed < ZERO:
        return ""
    amount = formatting.money_text(draft.missed, draft.period.credit_type)
    later = "; what is used from then on is" if draft.period.period_end > now else ""
    return f" Usable from {_start(segment)}: usage before that hour in this draft ({amount}) is not paid by it{later}."


def _start(segment: BalanceSegment) -> str:
    return f"{formatting.instant(segment.starting_at)} UTC"


def _span(period: BillingPeriod) -> str:
    if period.type == BillingPeriod.Type.SCHEDULED:
        return formatting.day(period.period_start)
    return formatting.period(period.period_start, period.period_end)
