"""What may be decided about an adjustment: approved or rejected by a second person, withdrawn by the first."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextareaWidget

from balances.adjustment_models import Adjustment
from balances.admin.balances import KINDS, access_text
from balances.models import AccessType, Balance
from balances.services.adjustments import (
    APPROVE,
    REQUEST,
    approve_adjustment,
    reject_adjustment,
    withdraw_adjustment,
)
from catalog.models import CreditType
from core import audit
from core.admin.actions import ActionResult, RecordAction
from core.models import AuditEntry
from engine.money import add
from presentation import formatting, markup


def usd() -> CreditType:
    """What limits are measured in."""
    return CreditType.objects.get(code="USD")


def signed(row: Adjustment) -> str:
    """ "+25.00 USD" """
    return amount_of(row, row.amount)


def amount_of(row: Adjustment, amount: Decimal) -> str:
    """An amount in its unit, with its sign."""
    quantity = row.segment is not None and row.segment.owner.access_type == AccessType.QUANTITY
    text = f"{markup.quantity(amount)} units" if quantity else formatting.money_text(amount, row.credit_type)
    return f"+{text}" if amount > 0 else text


def balance_name(balance: Balance) -> str:
    """What a balance is called, without asking for its product."""
    return balance.name or KINDS[balance.kind]


def target(row: Adjustment) -> str:
    """What it is about, in words."""
    if row.segment is None:
        return f"New credit{f', {row.credit_name}' if row.credit_name else ''}"
    owner = row.segment.owner
    period = access_text(row.segment.starting_at, row.segment.ending_before)
    return f"{balance_name(owner)}, {period}"


def person(user: Any) -> str:
    """What a member of staff is called."""
    return user.get_full_name() or user.get_username()


def maker(row: Adjustment) -> str:
    """Who asked for it, in words: "Sue Park", "API key Backend of Sue Park"."""
    of = person(row.made_by) if row.made_by is not None else ""
    if row.api_key is None:
        return of
    return f"API key {row.api_key.name}{f' of {of}' if of else ''}"


def shares_text(row: Adjustment) -> str:
    """What each seat gets: "ann +30.00 USD, bob -12.00 USD" """
    shares = row.seat_amounts or {}
    return ", ".join(f"{seat_id} {amount_of(row, Decimal(share))}" for seat_id, share in shares.items())


class NoteForm(forms.Form):
    """What the second person says, if anything."""

    note = forms.CharField(
        label="Note",
        max_length=1000,
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="For staff; kept beside your name. The customer does not see it.",
    )


class WhyNotForm(NoteForm):
    """A refusal says why."""

    note = forms.CharField(
        label="Why not",
        max_length=1000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Whoever asked reads it. The customer does not.",
    )


def audit_link(row: Adjustment, text: str) -> SafeString | str:
    """`text` that leads to the newest row of the audit trail about an adjustment."""
    entry = AuditEntry.objects.filter(subject_type="adjustment", subject_id=row.pk).order_by("-id").first()
    return markup.link(reverse("admin:core_auditentry_change", args=[entry.pk]), text) if entry else text


def _me() -> int:
    return audit.current_actor().user_id or 0


def _approve(row: Adjustment, data: dict[str, Any], at: datetime) -> ActionResult:
    done = approve_adjustment(adjustment_id=row.pk, decider_id=_me(), note=data["note"], now=at)
    return ActionResult(
        format_html("{} is posted for {}. {}", signed(row), row.customer.name, audit_link(done, "See the audit row"))
    )


def _reject(row: Adjustment, data: dict[str, Any], at: datetime) -> ActionResult:
    done = reject_adjustment(adjustment_id=row.pk, decider_id=_me(), note=data["note"], now=at)
    return ActionResult(
        format_html("Rejected: nothing is posted for {}. {}", row.customer.name, audit_link(done, "See the audit row"))
    )


def _withdraw(row: Adjustment, data: dict[str, Any], at: datetime) -> ActionResult:
    withdraw_adjustment(adjustment_id=row.pk, maker_id=_me(), note=data["note"], now=at)
    return ActionResult("Withdrawn: nothing is posted.")


def _approve_effects(row: Adjustment) -> list[str]:
    what = f"{signed(row)} for {row.customer.name}, as {maker(row)} asked."
    lines = [f"{what} It is posted at once and cannot be taken back."]
    if row.seat_amounts:
        lines.append(f"{target(row)}, seat by seat: {shares_text(row)}.")
    elif row.segment is not None:
        owner = row.segment.owner
        before, after = row.segment.balance, add(row.segment.balance, row.amount)
        unit = owner.credit_type
        texts = [
            f"{markup.quantity(amount)} units"
            if owner.access_type == AccessType.QUANTITY
            else formatting.money_text(amount, unit)
            for amount in (before, after)
        ]
        lines.append(f"{target(row)}: {texts[0]} posted now, {texts[1]} afterwards.")
    elif row.access_from and row.access_until:
        lines.append(f"A new credit, usable {formatting.period(row.access_from, row.access_until)}.")
    lines.append(f"The customer reads: “{row.public_reason}”")
    if row.note:
        lines.append(f"Note: {row.note}")
    if row.ticket_url:
        lines.append(f"Ticket: {row.ticket_url}")
    return lines


def waiting(row: Adjustment) -> bool:
    """Whether it waits for a decision."""
    return row.status == Adjustment.Status.PENDING


APPROVE_ACTION = RecordAction(
    slug="approve",
    title="Approve",
    permission=APPROVE,
    run=_approve,
    effects=_approve_effects,
    form=NoteForm,
    is_available=waiting,
    submit="Approve and post",
    icon="check",
)
REJECT_ACTION = RecordAction(
    slug="reject",
    title="Reject",
    permission=APPROVE,
    run=_reject,
    effects=lambda row: [f"{signed(row)} for {row.customer.name} is not posted. This cannot be undone."],
    form=WhyNotForm,
    is_available=waiting,
    submit="Reject",
    icon="close",
    danger=True,
)
WITHDRAW_ACTION = RecordAction(
    slug="withdraw",
    title="Withdraw",
    permission=REQUEST,
    run=_withdraw,
    effects=lambda row: [f"{signed(row)} for {row.customer.name} is not posted. Ask again if you need it."],
    form=NoteForm,
    is_available=waiting,
    submit="Withdraw it",
    icon="undo",
)

RECORD_ACTIONS = (APPROVE_ACTION, REJECT_ACTION, WITHDRAW_ACTION)
