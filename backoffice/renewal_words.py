"""Renewals in words: what is agreed about the end of a term, what will come of it, and what was decided and why."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from contracts.models import Contract, RenewalDecision, RenewalPolicy
from contracts.selectors.renewals import expected_skip
from engine.money import plain
from engine.renewals import PriceList, RenewalKind, next_term
from presentation import formatting

NOTHING: Final = "Nothing is agreed"
WHY: Final = {
    "POLICY": "as agreed",
    "WITHDRAWN": "what was agreed was taken back",
    "ENDED_EARLIER": "its end was moved before the one agreed",
    "CONTRACT_ARCHIVED": "the contract is archived",
    "CUSTOMER_ARCHIVED": "the customer is archived",
    "RENEWED_BY_HAND": "another contract goes on from it already",
}
OUTCOMES: Final = {
    "RENEWED": ("Renewed", "ok"), "NOTIFIED": ("Ended after notice", "info"), "SKIPPED": ("Not renewed", "warn"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ending:
    """What stands on one line about the end of a contract's term."""

    contract: Contract
    end: datetime | None
    policy: str
    will: str
    badge: tuple[str, str]
    notice: str
    decision: RenewalDecision | None
    error: str

    @property
    def why(self) -> str:
        """Why it was decided so."""
        return "" if self.decision is None else WHY[self.decision.reason]

    @property
    def outcome(self) -> tuple[str, str] | None:
        """What was decided, and its tone."""
        return None if self.decision is None else OUTCOMES[self.decision.outcome]


def ending_of(contract: Contract, at: datetime) -> Ending:
    """The line of a contract; what it reads was read with it (contracts.selectors.term_ends)."""
    policy: RenewalPolicy | None = getattr(contract, "renewal_policy", None)
    made = list(contract.renewal_decisions.all())
    decision = made[-1] if made else None
    will, badge = coming(contract, policy, at)
    error = "" if policy is None or not policy.attempts else _failed(policy)
    return Ending(
        contract, contract.ending_before, policy_words(policy), will, badge, notice_words(policy, contract), decision,
        error,
    )  # fmt: skip


def policy_words(policy: RenewalPolicy | None) -> str:
    """What is agreed."""
    if policy is None:
        return NOTHING
    if policy.kind == RenewalKind.NOTIFY_ONLY:
        return "Give notice, then end"
    said = [f"Same terms for {formatting.plural(policy.term_months or 0, 'month')}"]
    if policy.uplift_percent:
        way = "up" if policy.uplift_percent > 0 else "down"
        said.append(f"prices {way} {plain(abs(policy.uplift_percent))} %")
    if policy.price_list == PriceList.OF_THE_DAY:
        said.append("at the rate card's prices of the day")
    return ", ".join(said)


def coming(contract: Contract, policy: RenewalPolicy | None, at: datetime) -> tuple[str, tuple[str, str]]:
    """What will come of it as things are, and that in a word with its tone."""
    if contract.ending_before is None:
        return "The contract has no end.", ("Open-ended", "")
    if policy is None:
        if contract.renewals.all():
            return "Another contract goes on from it.", ("Renewed by hand", "ok")
        over = contract.ending_before <= at
        return ("It ended." if over else "It ends: nothing is agreed."), ("Ended" if over else "Ends", "warn")
    if policy.state == RenewalPolicy.State.DECIDED:
        return "It is decided.", ("Decided", "")
    reason = expected_skip(policy)
    if reason is not None:
        return f"It ends: {WHY[reason]}.", ("Ends", "warn")
    if policy.attempts:
        badge = ("Failed", "bad")
    elif contract.ending_before <= at:
        badge = ("Past due", "bad")
    else:
        badge = ("Renews", "ok") if policy.kind == RenewalKind.SAME_TERMS else ("Ends after notice", "info")
    if policy.kind == RenewalKind.NOTIFY_ONLY or policy.term_months is None:
        return "Notice is recorded and it ends.", badge
    term = next_term(contract.ending_before, months=policy.term_months, anchor=policy.anchor_at)
    return f"A new contract goes on until {formatting.instant(term.end)} UTC.", badge


def notice_due(policy: RenewalPolicy | None, contract: Contract) -> datetime | None:
    """When notice is due; None where there is none to come."""
    if policy is None or not policy.notice_days or contract.ending_before is None or policy.noticed_at is not None:
        return None
    if policy.state != RenewalPolicy.State.ACTIVE or expected_skip(policy) is not None:
        return None
    return contract.ending_before - timedelta(days=policy.notice_days)


def notice_words(policy: RenewalPolicy | None, contract: Contract) -> str:
    """When notice is due, or was given."""
    if policy is not None and policy.noticed_at is not None:
        return f"given {formatting.day(policy.noticed_at)}"
    due = notice_due(policy, contract)
    return formatting.DASH if due is None else f"due {formatting.day(due)}"


def _failed(policy: RenewalPolicy) -> str:
    again = f" Next try {formatting.instant(policy.next_at)} UTC." if policy.next_at else ""
    return f"Failed {formatting.plural(policy.attempts, 'time')}: {policy.last_error}.{again}"


def decided_line(row: RenewalDecision, contract: Contract) -> dict[str, Any]:
    """A decision as the page of a contract shows it: about its own end, or the one that made it."""
    own = row.contract_id == contract.pk
    other = row.new_contract if own else row.contract
    return {
        "at": row.decided_at,
        "term_end": row.term_end,
        "outcome": OUTCOMES[row.outcome] if own else ("Made by renewal", "info"),
        "why": WHY[row.reason],
        "other": other,
        "how": "by" if own else "of",
    }
