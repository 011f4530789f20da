"""Renewals: what is agreed about the end of a term, and the sweep that does it, exactly once (docs/adr/0033)."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import OperationalError

from contracts.events import ContractEndChanged, ContractRenewalComing, ContractRenewalDecided, ContractRenewalSet
from contracts.models import Contract, RenewalDecision, RenewalPolicy
from contracts.renewal_terms import Filled, fill, plain_terms
from contracts.selectors.renewals import due_policies, expected_skip
from contracts.services.contracts import create_contract
from contracts.services.recording import ids_of, lock_contract, record_event
from core import audit
from core.errors import Conflict, InvalidInput, NotFound
from core.patience import is_too_slow, passes_over
from core.transactions import require_transaction, together_with, use_case
from customers.models import Customer
from engine.calendar import BillingDay, Period
from engine.errors import InvalidTerms
from engine.money import plain
from engine.renewals import PriceList, RenewalKind, term_anchor, term_months, uplift_factor

logger = logging.getLogger(__name__)

OUTCOMES = RenewalDecision.Outcome
BY_POLICY = RenewalDecision.Reason.POLICY
BATCH = 200
FIRST_RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(hours=6)
MAX_ERROR = 500
LAST_COMMON_DAY = 28
WHERE_IT_IS_PUT = "PUT /tactus/v1/contracts/{contract_id}/renewal"


def set_renewal(
    *,
    contract_id: UUID,
    kind: str,
    now: datetime,
    months: int | None = None,
    uplift_percent: Decimal | None = None,
    price_list: str | None = None,
    notice_days: int = 0,
) -> RenewalPolicy:
    """Agrees on what happens when the contract's term ends, instead of what was agreed before.

    `months`: how long the next term is; as long as this one without it. Raises NotFound, Conflict where it has been
    decided, InvalidInput for what cannot be.
    """
    with use_case():
        policy = RenewalPolicy.objects.select_for_update().filter(contract_id=contract_id).first()
        contract = lock_contract(contract_id=contract_id)
        end = _end_to_decide_on(contract, now)
        term = Period(contract.starting_at, end)
        given = {"term_months": months, "uplift_percent": uplift_percent, "price_list": price_list}
        if kind == RenewalKind.NOTIFY_ONLY:
            for name, value in given.items():
                if value is not None:
                    raise InvalidInput("only with SAME_TERMS: nothing is renewed with NOTIFY_ONLY", field=name)
        else:
            months = months or term_months(term)
            _check_term(contract, months)
        percent = Decimal(0) if uplift_percent is None else uplift_percent
        try:
            uplift_factor(percent)
        except InvalidTerms as error:
            raise InvalidInput(error.message, field=error.field) from error
        policy = policy or RenewalPolicy.objects.select_for_update().filter(contract=contract).first()  # made meanwhile
        policy = policy or RenewalPolicy(contract=contract, created_at=now, created_by=audit.current_actor().label)
        kept = policy.anchor_at if policy.agreed_end == end else None
        policy.kind, policy.term_months, policy.anchor_at = kind, months, kept or term_anchor(term)
        policy.uplift_percent, policy.price_list = percent, price_list or PriceList.CONTRACT
        policy.notice_days, policy.noticed_at = notice_days, None
        policy.state, policy.agreed_end = RenewalPolicy.State.ACTIVE, end
        policy.attempts, policy.last_error = 0, ""
        policy.next_at = _next_look(policy, end)
        policy.save()
        _tell_set(policy, contract, now)
    return policy


def withdraw_renewal(*, contract_id: UUID, now: datetime) -> RenewalPolicy:
    """Takes back what was agreed: the contract ends with its term, and that is recorded then.

    Raises NotFound where nothing is agreed, Conflict where it has been decided.
    """
    with use_case():
        policy = RenewalPolicy.objects.select_for_update().filter(contract_id=contract_id).first()
        contract = lock_contract(contract_id=contract_id)
        if policy is None:
            raise NotFound(f"nothing is agreed about its renewal; {WHERE_IT_IS_PUT} does", field="contract_id")
        if policy.state == RenewalPolicy.State.DECIDED:
            raise Conflict("it has been decided already: its term is over")
        _withdraw(policy, contract, now)
    return policy


def cancel_renewal(contract: Contract, *, now: datetime) -> None:
    """The part of cancelling a contract: nothing renews it. The contract is locked."""
    require_transaction()
    policy = RenewalPolicy.objects.select_for_update().filter(contract=contract).first()
    if policy is not None and policy.state == RenewalPolicy.State.ACTIVE:
        _withdraw(policy, contract, now)


def restore_renewal(contract: Contract, *, now: datetime) -> None:
    """The part of taking a cancellation back: what was agreed holds again. The contract is locked."""
    require_transaction()
    policy = RenewalPolicy.objects.select_for_update().filter(contract=contract).first()
    if policy is None or policy.state != RenewalPolicy.State.WITHDRAWN or contract.ending_before is None:
        return
    policy.state, policy.agreed_end = RenewalPolicy.State.ACTIVE, contract.ending_before
    policy.next_at = _next_look(policy, contract.ending_before)
    policy.save(update_fields=["state", "agreed_end", "next_at"])
    _tell_set(policy, contract, now)


def _withdraw(policy: RenewalPolicy, contract: Contract, now: datetime) -> None:
    policy.state, policy.attempts, policy.last_error = RenewalPolicy.State.WITHDRAWN, 0, ""
    policy.next_at = contract.ending_before
    policy.save(update_fields=["state", "next_at", "attempts", "last_error"])
    _tell_set(policy, contract, now)


def follow_end(event: ContractEndChanged) -> None:
    """Reaction: an end that is moved later is followed; a contract that now ends earlier is not renewed."""
    require_transaction()
    policy = RenewalPolicy.objects.select_for_update().filter(contract_id=event.contract_id).first()
    if policy is None or policy.state == RenewalPolicy.State.DECIDED:
        return
    end = event.ending_before
    if end is None or policy.agreed_end is None or end > policy.agreed_end:
        policy.agreed_end, policy.noticed_at = end, None
    policy.next_at = None if end is None else _next_look(policy, end)
    policy.attempts, policy.last_error = 0, ""
    policy.save(update_fields=["agreed_end", "noticed_at", "next_at", "attempts", "last_error"])


def _next_look(policy: RenewalPolicy, end: datetime) -> datetime:
    """When the sweep has something to do for it: notice, or the end of the term."""
    ends_as_agreed = policy.state == RenewalPolicy.State.ACTIVE and policy.agreed_end == end
    if policy.notice_days and policy.noticed_at is None and ends_as_agreed:
        return end - timedelta(days=policy.notice_days)
    return end


def renew_due_contracts(*, now: datetime) -> int:
    """Sweep: gives notice and decides about terms that have ended, oldest first, each in a transaction of its own.

    Returns how many it saw to. What fails is kept with its reason and tried again later; others go on.
    """
    done = 0
    for policy_id in due_policies(now=now).values_list("pk", flat=True)[:BATCH]:
        try:
            done += _see_to(policy_id, now)
        except _Taken:
            continue
        except Exception as error:
            if isinstance(error, OperationalError) and not is_too_slow(error):
                if not passes_over(error):
                    raise
                continue
            logger.exception("the contract of renewal policy %s could not be renewed", policy_id)
            done += _keep_failure(policy_id, error, now)
    return done


class _Taken(Exception):  # noqa: N818 - no fault: somebody else is at it, or it has changed meanwhile
    """This policy is another sweep's now, or not what was read: the next look sees to it."""


def _see_to(policy_id: UUID, now: datetime) -> int:
    policy = RenewalPolicy.objects.select_related("contract__customer").filter(pk=policy_id, next_at__lte=now).first()
    if policy is None or policy.contract.ending_before is None:
        return 0
    contract = policy.contract
    if now < policy.contract.ending_before:
        with use_case():
            policy, contract = _locked(policy_id, now)
            if contract.ending_before is None or now >= contract.ending_before:
                raise _Taken
            _give_notice(policy, contract, contract.ending_before, now)
        return 1
    if policy.kind == RenewalKind.SAME_TERMS and expected_skip(policy) is None:
        _renew(policy, now)
        return 1
    with use_case():
        policy, contract = _locked(policy_id, now)
        skipped = expected_skip(policy)
        if skipped is None and policy.kind == RenewalKind.SAME_TERMS:
            raise _Taken
        outcome = OUTCOMES.NOTIFIED if skipped is None else OUTCOMES.SKIPPED
        _decide(policy, contract, outcome=outcome, reason=skipped or BY_POLICY, made=None, now=now)
    return 1


def _renew(policy: RenewalPolicy, now: datetime) -> None:
    """Makes the new contract and records that, in one transaction."""
    filled, terms = Filled(), plain_terms(policy.contract, policy)

    @contextmanager
    def deciding() -> Iterator[None]:
        locked, old = _locked(policy.pk, now)
        if expected_skip(locked) is not None or plain_terms(old, locked) != terms:
            raise _Taken
        fill(filled, old, locked)
        yield
        made = Contract.objects.get(renews=old)
        _decide(locked, old, outcome=OUTCOMES.RENEWED, reason=BY_POLICY, made=made, now=now)
        _go_on(locked, made, now)

    with together_with(deciding):
        create_contract(
            **terms, overrides=filled.overrides, subscriptions=filled.subscriptions, parts=filled.parts, now=now
        )


def _locked(policy_id: UUID, now: datetime) -> tuple[RenewalPolicy, Contract]:
    """The policy and its contract, locked and as they are now. Raises _Taken where another sweep has it or had it."""
    require_transaction()
    rows = RenewalPolicy.objects.select_for_update(skip_locked=True).filter(pk=policy_id, next_at__lte=now)
    policy = rows.first()
    if policy is None:
        raise _Taken
    customer_id = Contract.objects.values_list("customer_id", flat=True).get(pk=policy.contract_id)
    customer = Customer.objects.select_for_update(no_key=True).get(pk=customer_id)
    contract = lock_contract(contract_id=policy.contract_id)
    contract.customer = customer
    policy.contract = contract
    return policy, contract


def _give_notice(policy: RenewalPolicy, contract: Contract, end: datetime, now: datetime) -> None:
    policy.noticed_at = now
    policy.next_at = _next_look(policy, end)
    policy.save(update_fields=["noticed_at", "next_at"])
    if expected_skip(policy) is not None:
        return
    coming = ContractRenewalComing(
        **ids_of(contract), occurred_at=now, policy_kind=policy.kind, renews_at=end, notice_days=policy.notice_days
    )
    record_event(contract, event=coming, detail={"policy_kind": policy.kind, "renews_at": end.isoformat()})


def _decide(
    policy: RenewalPolicy, contract: Contract, *, outcome: str, reason: str, made: Contract | None, now: datetime
) -> None:
    """The one writer of decisions."""
    if contract.ending_before is None:
        raise _Taken
    end = contract.ending_before
    RenewalDecision.objects.create(
        contract=contract, term_end=end, outcome=outcome, reason=reason, new_contract=made,
        policy=plain_policy(policy), decided_at=now,
    )  # fmt: skip
    policy.state, policy.next_at, policy.attempts, policy.last_error = RenewalPolicy.State.DECIDED, None, 0, ""
    policy.save(update_fields=["state", "next_at", "attempts", "last_error"])
    decided = ContractRenewalDecided(
        **ids_of(contract), occurred_at=now, term_end=end, outcome=outcome, reason=reason,
        new_contract_id=None if made is None else made.pk,
    )  # fmt: skip
    detail = {"outcome": outcome, "reason": reason, "term_end": end.isoformat()}
    record_event(contract, event=decided, detail=detail | ({"new_contract_id": str(made.pk)} if made else {}))


def _go_on(policy: RenewalPolicy, made: Contract, now: datetime) -> None:
    """The same is agreed of the new contract."""
    end = made.ending_before
    following = RenewalPolicy(
        contract=made, kind=policy.kind, term_months=policy.term_months, anchor_at=policy.anchor_at,
        uplift_percent=policy.uplift_percent, price_list=policy.price_list, notice_days=policy.notice_days,
        agreed_end=end, created_at=now, created_by=policy.created_by,
    )  # fmt: skip
    following.next_at = None if end is None else _next_look(following, end)
    following.save(force_insert=True)


def _keep_failure(policy_id: UUID, error: Exception, now: datetime) -> int:
    with use_case():
        policy = RenewalPolicy.objects.select_for_update().filter(pk=policy_id, next_at__lte=now).first()
        if policy is None:
            return 0
        policy.attempts += 1
        policy.last_error = f"{type(error).__name__}: {error}"[:MAX_ERROR]
        policy.next_at = now + min(FIRST_RETRY * 2 ** min(policy.attempts - 1, 10), LONGEST_RETRY)
        policy.save(update_fields=["attempts", "last_error", "next_at"])
    return 1


def _end_to_decide_on(contract: Contract, now: datetime) -> datetime:
    """The end of the contract, ahead. Raises InvalidInput, Conflict."""
    if contract.archived_at is not None:
        raise InvalidInput("the contract is archived", field="contract_id")
    if contract.ending_before is None:
        raise InvalidInput("the contract has no end; give it one with /v1/contracts/updateEndDate", field="contract_id")
    if contract.renewals.exists():
        raise Conflict("another contract goes on from it already; agree on that one's renewal")
    if contract.ending_before <= now:
        raise Conflict("its term is over; make a new contract with transition RENEWAL")
    return contract.ending_before


def _check_term(contract: Contract, months: int | None) -> None:
    if months is None:
        raise InvalidInput("is needed: the contract's own term is not of whole months", field="term_months")
    anchor = contract.billing_anchor_at
    if contract.billing_day == BillingDay.CONTRACT_START and anchor.hour and anchor.day > LAST_COMMON_DAY:
        raise InvalidInput(
            "a contract whose billing periods begin after midnight on day 29, 30 or 31 cannot be renewed so; use"
            " NOTIFY_ONLY",
            field="kind",
        )


def plain_policy(policy: RenewalPolicy) -> dict[str, Any]:
    """A policy for the audit trail and for decisions."""
    return {
        "kind": policy.kind,
        "term_months": policy.term_months,
        "uplift_percent": plain(policy.uplift_percent),
        "price_list": policy.price_list,
        "notice_days": policy.notice_days,
        "state": policy.state,
    }


def _tell_set(policy: RenewalPolicy, contract: Contract, now: datetime) -> None:
    told = ContractRenewalSet(
        **ids_of(contract), occurred_at=now, policy_kind=policy.kind, state=policy.state,
        renews_at=contract.ending_before,
    )  # fmt: skip
    record_event(contract, event=told, detail=plain_policy(policy))
