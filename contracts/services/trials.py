"""Trials: agreed with a contract, moved while they run, and decided about when they are over (docs/adr/0036)."""

import logging
from datetime import datetime, timedelta
from uuid import UUID

from django.db import OperationalError

from contracts.events import ContractTrialChanged, ContractTrialEnded
from contracts.models import Contract
from contracts.selectors.trials import due_trials, trial_of
from contracts.services.contracts import move_end
from contracts.services.recording import ids_of, lock_contract, record_event
from core.errors import Conflict, InvalidInput, NotFound
from core.patience import is_too_slow, passes_over
from core.transactions import require_transaction, use_case
from customers.providers import chargeable_customers
from engine.calendar import Offset, rfc3339
from engine.errors import InvalidTerms
from engine.trials import Trial, TrialOutcome, TrialUsage, WithoutPaymentMethod, outcome_at_end, trial_end

logger = logging.getLogger(__name__)

BATCH = 200
HOUR = timedelta(hours=1)
MOST_DAYS = 366
COLUMNS = (
    "trial_starting_at", "trial_ending_before", "trial_usage", "trial_without_payment_method", "trial_outcome",
)  # fmt: skip


def begin_trial(
    contract: Contract, *, length: Offset, usage: TrialUsage, without_payment_method: WithoutPaymentMethod
) -> None:
    """The part of making a contract with a trial; the caller has just made it.

    The length counts from the start of the first trial where the contract follows one that had a trial: whoever
    changes plans does not begin anew. One that is over by then is CONVERTED from the contract's start on.
    Raises InvalidInput.
    """
    require_transaction()
    old = None if contract.renews is None else trial_of(contract.renews)
    first = contract.starting_at if old is None else old.starting_at
    try:
        end = trial_end(first, length)
    except InvalidTerms as error:
        raise InvalidInput(error.message, field="trial.length") from error
    if end - first > timedelta(days=MOST_DAYS):
        raise InvalidInput("must be a year at most", field="trial.length")
    if contract.ending_before is not None and end >= contract.ending_before:
        raise InvalidInput(f"ends at {rfc3339(end)}, and the contract must go on after it", field="trial.length")
    contract.trial_starting_at, contract.trial_ending_before = first, end
    contract.trial_usage, contract.trial_without_payment_method = usage.value, without_payment_method.value
    contract.trial_outcome = TrialOutcome.CONVERTED.value if end <= contract.starting_at else ""
    contract.save(update_fields=COLUMNS)


def move_trial_end(
    *, contract_id: UUID, ending_before: datetime, now: datetime, customer_id: UUID | None = None, reason: str = ""
) -> Contract:
    """Extends or shortens a trial that runs; its new end (on the hour, UTC) is ahead and before the contract's.

    Raises NotFound, Conflict where it is over, InvalidInput.
    """
    with use_case():
        contract = lock_contract(contract_id=contract_id, customer_id=customer_id)
        trial = _running(contract, now)
        if ending_before <= now:
            raise InvalidInput("must be ahead; to end it now, convert it or end the contract", field="ending_before")
        if contract.ending_before is not None and ending_before >= contract.ending_before:
            raise InvalidInput("must be before the contract's end", field="ending_before")
        if ending_before - trial.starting_at > timedelta(days=MOST_DAYS):
            raise InvalidInput("a trial lasts a year at most", field="ending_before")
        contract.trial_ending_before = ending_before
        contract.save(update_fields=["trial_ending_before"])
        changed = ContractTrialChanged(
            **ids_of(contract), occurred_at=now, previous_ending_before=trial.ending_before,
            ending_before=ending_before,
        )  # fmt: skip
        detail = {"from": rfc3339(trial.ending_before), "to": rfc3339(ending_before)}
        record_event(contract, event=changed, detail=detail, reason=reason)
    return contract


def convert_trial(*, contract_id: UUID, now: datetime, customer_id: UUID | None = None, reason: str = "") -> Contract:
    """Ends a trial that runs, or is held, and begins to charge at the hour that is on.

    Raises NotFound, Conflict where it has been decided.
    """
    with use_case():
        contract = lock_contract(contract_id=contract_id, customer_id=customer_id)
        trial = _undecided(contract)
        if contract.archived_at is not None:
            raise InvalidInput("the contract is archived", field="contract_id")
        if contract.ending_before is not None and contract.ending_before <= now:
            raise Conflict("the contract has ended")
        if trial.outcome is None and trial.ending_before <= now:
            _decide(contract, trial, TrialOutcome.CONVERTED, at=trial.ending_before, now=now, reason=reason)
        else:
            at = max(_hour(now), contract.starting_at, trial.starting_at + HOUR)
            _decide(contract, trial, TrialOutcome.CONVERTED, at=at, now=now, reason=reason)
    return contract


def decide_due_trials(*, now: datetime) -> int:
    """Sweep: decides about trials that are over, oldest first, each in a transaction of its own; how many.

    One that fails is logged and tried again in the next run; the others go on.
    """
    done = 0
    for contract_id in due_trials(now=now).values_list("pk", flat=True)[:BATCH]:
        try:
            done += _see_to(contract_id, now)
        except Exception as error:
            if isinstance(error, OperationalError) and not is_too_slow(error):
                if not passes_over(error):
                    raise
                continue
            logger.exception("the trial of contract %s could not be decided", contract_id)
    return done


def _see_to(contract_id: UUID, now: datetime) -> int:
    with use_case():
        contract = Contract.objects.select_for_update(skip_locked=True).filter(pk=contract_id).first()
        if contract is None or not due_trials(now=now).filter(pk=contract_id).exists():
            return 0  # somebody else is at it, or it was changed meanwhile
        trial = _undecided(contract)
        if trial.outcome is TrialOutcome.HELD:
            _decide(contract, trial, TrialOutcome.CONVERTED, at=_hour(now), now=now)
            return 1
        ends = contract.ending_before if contract.archived_at is None else trial.ending_before
        can = chargeable_customers().filter(customer_id=contract.customer_id).exists()
        outcome = outcome_at_end(trial, contract_ends=ends, has_payment_method=can)
        _decide(contract, trial, outcome, at=trial.ending_before, now=now)
    return 1


def _decide(
    contract: Contract, trial: Trial, outcome: TrialOutcome, *, at: datetime, now: datetime, reason: str = ""
) -> None:
    """The one writer of outcomes. `at`: where the trial ends by it."""
    contract.trial_outcome, contract.trial_ending_before = outcome.value, at
    contract.save(update_fields=["trial_outcome", "trial_ending_before"])
    if outcome is TrialOutcome.EXPIRED:
        move_end(contract, ending_before=at, now=now, strict=False, field="trial", reason=reason)
    ended = ContractTrialEnded(**ids_of(contract), occurred_at=now, ended_at=at, outcome=outcome.value)
    detail = {"outcome": outcome.value, "ended_at": rfc3339(at), "was_held": trial.outcome is TrialOutcome.HELD}
    record_event(contract, event=ended, detail=detail, reason=reason)


def _undecided(contract: Contract) -> Trial:
    trial = trial_of(contract)
    if trial is None:
        raise NotFound("the contract has no trial", field="contract_id")
    if trial.outcome not in (None, TrialOutcome.HELD):
        raise Conflict(f"the trial is over: {trial.outcome}")
    return trial


def _running(contract: Contract, now: datetime) -> Trial:
    trial = _undecided(contract)
    if contract.archived_at is not None:
        raise InvalidInput("the contract is archived", field="contract_id")
    if trial.outcome is not None or trial.ending_before <= now:
        raise Conflict("the trial's time is over; convert it, or end the contract")
    return trial


def _hour(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0)
