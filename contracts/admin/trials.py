"""A trial on a contract's page: what is agreed of it, and what finance may do about it."""

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.utils.safestring import SafeString

from contracts.models import Contract
from contracts.selectors.trials import trial_of
from contracts.services.trials import convert_trial, move_trial_end
from core.admin.actions import ActionResult, ReasonForm, RecordAction
from core.admin.inputs import HourInput
from core.clock import now
from engine.trials import TrialOutcome, TrialUsage, WithoutPaymentMethod
from presentation import formatting, markup

THEN = {
    WithoutPaymentMethod.CONTINUE: "then it is paid for",
    WithoutPaymentMethod.EXPIRE: "then it ends, unless the customer can be charged",
    WithoutPaymentMethod.HOLD: "then it waits until the customer can be charged",
}
BECAME = {
    TrialOutcome.CONVERTED: "paid for since {at} UTC",
    TrialOutcome.EXPIRED: "expired at {at} UTC: the customer could not be charged",
    TrialOutcome.HELD: "over since {at} UTC, and waiting until the customer can be charged",
    TrialOutcome.CANCELED: "given up before its end",
}
FREE = {TrialUsage.FREE: "usage is free", TrialUsage.BILLED: "usage is billed"}


class TrialEndForm(ReasonForm):
    """A trial's new end."""

    field_order = ("ending_before", "reason")

    ending_before = forms.DateTimeField(
        label="Trial ends (UTC)",
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"],
        widget=HourInput(attrs={"step": "3600"}),
        help_text="On the hour, ahead, before the contract's end, and a year after the trial's start at most.",
    )

    def clean_ending_before(self) -> datetime:
        """An instant on the hour."""
        at: datetime = self.cleaned_data["ending_before"].replace(tzinfo=UTC)
        if (at.minute, at.second) != (0, 0):
            raise forms.ValidationError("Must be on the hour.")
        return at


def trial_facts(contract: Contract) -> list[tuple[str, SafeString | str]]:
    """What the page says of a contract's trial."""
    trial = trial_of(contract)
    if trial is None:
        return []
    at = formatting.instant(trial.ending_before)
    if trial.outcome is not None:
        return [("Trial", BECAME[trial.outcome].format(at=at))]
    until = markup.instant(trial.ending_before)
    return [
        ("Trial until", until),
        ("At its end", f"{THEN[trial.without_payment_method]}; until then {FREE[trial.usage]}"),
    ]


def _move(contract: Contract, data: dict[str, Any], at: datetime) -> ActionResult:
    end = data["ending_before"]
    move_trial_end(contract_id=contract.pk, ending_before=end, now=at, reason=data["reason"])
    return ActionResult(f"The trial ends {formatting.instant(end)} UTC.")


def _convert(contract: Contract, data: dict[str, Any], at: datetime) -> ActionResult:
    convert_trial(contract_id=contract.pk, now=at, reason=data["reason"])
    return ActionResult("The trial is over: the contract is paid for.")


def _is_running(contract: Contract) -> bool:
    trial = trial_of(contract)
    return trial is not None and trial.outcome is None and trial.ending_before > now() and contract.archived_at is None


def _may_convert(contract: Contract) -> bool:
    trial, ends = trial_of(contract), contract.ending_before
    is_open = trial is not None and trial.outcome in (None, TrialOutcome.HELD)
    return is_open and contract.archived_at is None and (ends is None or ends > now())


def _said(contract: Contract) -> list[str]:
    """The facts as plain words."""
    trial = trial_of(contract)
    if trial is None:
        return []
    at = formatting.instant(trial.ending_before)
    if trial.outcome is not None:
        return [f"Now: {BECAME[trial.outcome].format(at=at)}."]
    then = THEN[trial.without_payment_method]
    return [f"Now: it runs until {at} UTC, {then}; until then {FREE[trial.usage]}."]


MOVE_TRIAL_END = RecordAction(
    slug="move-trial-end",
    title="Extend or shorten trial",
    permission="contracts.edit_contract",
    run=_move,
    effects=lambda contract: [
        *_said(contract),
        "Subscriptions begin to charge where it ends. No invoice exists for the time after it yet.",
    ],
    form=TrialEndForm,
    initial=lambda contract: {"ending_before": contract.trial_ending_before},
    is_available=_is_running,
    submit="Move the trial's end",
    icon="more_time",
)
CONVERT_TRIAL = RecordAction(
    slug="convert-trial",
    title="End trial and charge",
    permission="contracts.edit_contract",
    run=_convert,
    effects=lambda contract: [
        *_said(contract),
        "The contract is paid for from this hour on. Subscriptions are charged up to their next billing date.",
        "This cannot be undone.",
    ],
    form=ReasonForm,
    is_available=_may_convert,
    submit="End the trial and charge",
    icon="paid",
)
