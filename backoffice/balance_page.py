"""Commits and credits as they stand now: one with its ledger, a customer's, and their ledgers as files.

Live: what drafts draw is taken off, by the selector that answers the API, so that page, file and API say one number.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import SafeString

from balances.adjustment_models import Adjustment
from balances.admin.adjustment_decisions import maker, signed
from balances.admin.adjustments import back_to_list, filtered
from balances.admin.balances import KINDS, access_text, amount_cell, living_segments, name_of, state_of, with_all
from balances.models import AccessType, Balance, Segment
from balances.selectors import invoice_schedules
from balances.selectors.adjustments import adjustment_rows
from balances.selectors.live import Live, Pending, left_in, live_balances
from billing.selectors.live_balances import pending_draws
from contracts.models import Contract
from core.admin import timeline
from core.admin.export import csv_response
from core.clock import now
from engine.money import ZERO, add, subtract
from invoices.models import InvoiceListing
from presentation import formatting, markup
from presentation.formatting import plain_amount

MOST_SHOWN = 200
MOST_OPEN = 100
MOST_EXPORTED = 2_000
MOVEMENTS = {
    "SEGMENT_START": "Granted",
    "INITIAL_BALANCE": "Committed",
    "AUTOMATED_INVOICE_DEDUCTION": "Drawn",
    "CANCELED": "Given back, invoice voided",
    "CREDITED": "Given back",
    "ROLLOVER": "Rolled over",
    "EXPIRATION": "Expired",
    "MANUAL": "By hand",
    "SEAT_BASED_ADJUSTMENT": "Seats changed",
    "TRUEUP": "True-up",
}
LEDGER_HEADER = (
    "customer", "customer_id", "balance", "balance_id", "kind", "unit", "timestamp", "type", "amount",
    "running_balance", "state", "invoice", "reason", "by", "segment_id", "entry_id",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Movement:
    """A line of a ledger: what it moved, what was left after it. `is_draft`: not posted, a draft would draw it."""

    at: datetime
    word: str
    type: str
    amount: Decimal
    after: Decimal
    is_draft: bool
    segment_id: UUID
    invoice: InvoiceListing | None
    reason: str
    by: str
    entry_id: int | None
    adjustment_id: UUID | None


@dataclass(frozen=True, slots=True)
class BalanceRow:
    """A balance as it stands: `left` can be drawn now. `next_end`: when some of it goes, `at_risk` what goes then."""

    balance: Balance
    name: str
    kind: str
    state: str
    tone: str
    granted: Decimal
    left: Decimal
    next_end: datetime | None
    at_risk: Decimal
    segment: Segment | None

    @property
    def granted_cell(self) -> SafeString:
        """Granted, with its unit."""
        return amount_cell(self.granted, self.balance)

    @property
    def left_cell(self) -> SafeString:
        """Left, with its unit."""
        return amount_cell(self.left, self.balance)


@dataclass(frozen=True, slots=True)
class Spendable:
    """What a customer can draw now in one unit, and what of it goes next."""

    unit: str
    figure: Any
    amount: Decimal
    next_end: datetime | None
    at_risk: Any
    days: int | None


def context(request: HttpRequest, balance: Balance) -> dict[str, Any]:
    """What a balance's page shows."""
    at = now()
    [row] = with_all(Balance.objects.filter(pk=balance.pk))
    pending = pending_draws(payer_id=row.customer_id)
    live = live_balances([row], pending, now=at)[row.pk]
    moves = movements(live)
    items = invoice_schedules([row.pk]).get(row.pk, [])
    invoices = InvoiceListing.objects.in_bulk([item.invoice_id for item in items if item.invoice_id])
    by_hand = Adjustment.objects.filter(segment__owner=row) | Adjustment.objects.filter(credit=row)
    state = state_of(row, at)
    return {
        "title": name_of(row, at),
        "kind": KINDS[row.kind],
        "badge": markup.badge(*state),
        "as_of": at,
        "left": amount_cell(live.balance, row),
        "below": _below(live, moves, row),
        "tiles": _tiles(row, live, pending, at),
        "segments": [_segment(segment, row, pending, at) for segment in living_segments(row)],
        "movements": [
            (move, amount_cell(move.amount, row), amount_cell(move.after, row)) for move in moves[-MOST_SHOWN:]
        ],
        "hidden": max(0, len(moves) - MOST_SHOWN),
        "items": [(item, item.amount, invoices.get(item.invoice_id)) for item in items],
        "item_unit": row.invoice_credit_type,
        "adjust_url": adjust_url(request, row.customer_id, state[0] in ("Open", "Future"), _first_open(row, at)),
        "waiting": [
            (each, signed(each), maker(each))
            for each in adjustment_rows().filter(segment__owner=row, status=Adjustment.Status.PENDING)
        ],
        "ledger_url": reverse("admin:balances_ledger", args=[row.pk]),
        "timeline_entries": timeline.of_subjects(
            [("balance", row.pk), *(("adjustment", pk) for pk in by_hand.values_list("pk", flat=True)[:50])]
        ),
    }


def movements(live: Live) -> list[Movement]:
    """A ledger's lines in order of time with the balance after each. Two queries."""
    entries = [line["entry_id"] for line in live.ledger if "entry_id" in line]
    made = dict(Adjustment.objects.filter(entry__in=entries).values_list("entry_id", "pk"))
    invoices = InvoiceListing.objects.in_bulk({line["invoice_id"] for line in live.ledger if "invoice_id" in line})
    found: list[Movement] = []
    after = ZERO
    for line in live.ledger:
        after = add(after, line["amount"])
        entry = line.get("entry_id")
        word = next(word for kind, word in MOVEMENTS.items() if line["type"].endswith(kind))
        if word == MOVEMENTS["EXPIRATION"] and line["amount"] > ZERO:
            word = "Expiry taken back"
        found.append(
            Movement(
                line["timestamp"], word, line["type"], line["amount"], after, entry is None, line["segment_id"],
                invoices.get(line.get("invoice_id")), line.get("reason", ""), line.get("by", ""), entry,
                made.get(entry) if entry else None,
            )
        )  # fmt: skip
    return found


def rows_of(customer_id: UUID, at: datetime, *, contract: Contract | None = None) -> list[BalanceRow]:
    """The customer's balances that are open or begin later, or all of one contract; live, what expires first first."""
    running = Segment.objects.filter(owner=OuterRef("pk"), removed_at__isnull=True, ending_before__gt=at)
    meant = Q(Exists(running)) if contract is None else Q(contract=contract)
    found = Balance.objects.filter(meant, customer_id=customer_id, archived_at__isnull=True)
    rows = list(with_all(found).order_by("created_at", "pk")[:MOST_OPEN])
    if not rows:
        return []
    pending = pending_draws(payer_id=customer_id)
    live = live_balances(rows, pending, now=at)
    shown = [_row(row, live[row.pk], pending, at) for row in rows]
    far = at.replace(year=9999)
    return sorted(shown, key=lambda row: (row.state != "Open", row.next_end or far))


def spendable(rows: Iterable[BalanceRow], at: datetime) -> list[Spendable]:
    """What can be drawn now by unit, with the next expiry."""
    by_unit: dict[tuple[UUID, str], list[BalanceRow]] = {}
    for row in rows:
        if row.state == "Open":
            by_unit.setdefault((row.balance.credit_type_id, row.balance.access_type), []).append(row)
    return [_spendable(some, at) for some in by_unit.values()]


def ledger_csv(request: HttpRequest, object_id: UUID) -> HttpResponse:
    """One balance's ledger, exact; its amounts sum to what its page shows."""
    _require(request)
    found = list(with_all(Balance.objects.filter(pk=object_id)))
    if not found:
        raise Http404
    return csv_response(f"ledger-{object_id}.csv", LEDGER_HEADER, ledger_rows(found, now()))


def ledgers_csv(request: HttpRequest) -> HttpResponse:
    """The ledgers of all balances that the list is filtered to."""
    _require(request)
    kind = admin.site.get_model_admin(Balance)
    found = filtered(kind, request, MOST_EXPORTED)  # type: ignore[arg-type]
    if found is None:
        return back_to_list(request, "admin:balances_balance_changelist", MOST_EXPORTED)
    return csv_response("ledgers.csv", LEDGER_HEADER, ledger_rows(found, now()))


def ledger_rows(balances: Sequence[Balance], at: datetime) -> Iterator[tuple[Any, ...]]:
    """The columns of `LEDGER_HEADER`; amounts in people's units (dollars, not cents)."""
    by_customer: dict[UUID, list[Balance]] = {}
    for balance in balances:
        by_customer.setdefault(balance.customer_id, []).append(balance)
    for customer_id, mine in by_customer.items():
        live = live_balances(mine, pending_draws(payer_id=customer_id), now=at)
        for balance in mine:
            yield from _ledger_rows(balance, live[balance.pk], at)


def adjust_url(request: HttpRequest, customer_id: UUID, possible: bool = True, segment: Segment | None = None) -> str:
    """Where this person may adjust the customer's balances; empty where not."""
    if not possible or not request.user.has_perm("balances.request_adjustment"):
        return ""
    url = reverse("admin:customers_customer_adjust", args=[customer_id])
    return f"{url}?segment={segment.pk}" if segment else url


def _ledger_rows(balance: Balance, live: Live, at: datetime) -> Iterator[tuple[Any, ...]]:
    quantity = balance.access_type == AccessType.QUANTITY
    unit = "units" if quantity else formatting.unit_code(balance.credit_type)
    for move in movements(live):
        amounts = (move.amount, move.after)
        amount, after = amounts if quantity else (plain_amount(each, balance.credit_type) for each in amounts)
        yield (
            balance.customer.name, balance.customer_id, name_of(balance, at), balance.pk, balance.kind, unit, move.at,
            move.type, amount, after, "draft" if move.is_draft else "posted",
            (move.invoice.number or "draft") if move.invoice else "", move.reason, move.by, move.segment_id,
            move.entry_id,
        )  # fmt: skip


def _row(balance: Balance, live: Live, pending: Pending, at: datetime) -> BalanceRow:
    open_now = [each for each in living_segments(balance) if each.starting_at <= at < each.ending_before]
    holding = [(each.ending_before, left_in(each, pending)) for each in open_now]
    ends = min((end for end, left in holding if left > ZERO), default=None)
    at_risk = ZERO
    for end, left in holding:
        if end == ends and left > ZERO:
            at_risk = add(at_risk, left)
    granted = ZERO
    for each in open_now or living_segments(balance):
        granted = add(granted, each.granted)
    return BalanceRow(
        balance, name_of(balance, at), KINDS[balance.kind], *state_of(balance, at), granted, live.balance, ends,
        at_risk, _first_open(balance, at),
    )  # fmt: skip


def _spendable(rows: list[BalanceRow], at: datetime) -> Spendable:
    first = rows[0].balance
    left, at_risk = ZERO, ZERO
    ends = min((row.next_end for row in rows if row.next_end), default=None)
    for row in rows:
        left = add(left, row.left)
        at_risk = add(at_risk, row.at_risk) if row.next_end == ends else at_risk
    unit = "units" if first.access_type == AccessType.QUANTITY else formatting.unit_code(first.credit_type)
    days = (ends - at).days if ends else None
    return Spendable(unit, amount_cell(left, first), left, ends, amount_cell(at_risk, first), days)


def _first_open(balance: Balance, at: datetime) -> Segment | None:
    """The segment that somebody means who does not say which."""
    return next((each for each in living_segments(balance) if each.ending_before > at), None)


def _segment(segment: Segment, balance: Balance, pending: Pending, at: datetime) -> dict[str, Any]:
    begun, ended = segment.starting_at <= at, segment.ending_before <= at
    left = left_in(segment, pending)
    drawn = subtract(segment.balance, left)
    gone = add(add(segment.expired, segment.rolled_over), segment.trued_up)
    amounts = {"granted": segment.granted, "manual": segment.manual, "used": segment.used, "draft": drawn, "gone": gone}
    return {
        "segment": segment,
        "access": access_text(segment.starting_at, segment.ending_before),
        "state": ("Ended", "warn") if ended else ("Open", "ok") if begun else ("Future", "info"),
        "left": amount_cell(left, balance),
        "cells": {name: amount_cell(value, balance) for name, value in amounts.items()},
    }


def _tiles(balance: Balance, live: Live, pending: Pending, at: datetime) -> list[dict[str, Any]]:
    row = _row(balance, live, pending, at)
    posted, drafts = ZERO, ZERO
    for segment in living_segments(balance):
        if segment.starting_at <= at:
            posted = add(posted, segment.balance)
            drafts = add(drafts, subtract(segment.balance, left_in(segment, pending)))
    ends = (
        {"figure": formatting.day(row.next_end), "note": f"{(row.next_end - at).days:,} days left for what is in it"}
        if row.next_end
        else {"figure": formatting.DASH, "note": "nothing is left to expire"}
    )
    return [
        {"label": "Left now", "figure": amount_cell(live.balance, balance), "note": "drafts counted"},
        {"label": "Posted", "figure": amount_cell(posted, balance), "note": "what invoices have not drawn"},
        {"label": "Drawn by drafts", "figure": amount_cell(drafts, balance), "note": "posted when they become final"},
        {"label": "Expires next", **ends},
    ]


def _below(live: Live, moves: Sequence[Movement], balance: Balance) -> str:
    """Where the ledger's sum is not what can be drawn, why."""
    summed = moves[-1].after if moves else ZERO
    if summed == live.balance:
        return ""
    if balance.archived_at is not None:
        return "Archived: nothing of it can be drawn."
    return "Entries by hand took more from a segment than it held. What is below zero counts as nothing."


def _require(request: HttpRequest) -> None:
    if not request.user.has_perm("balances.view_balance"):
        raise PermissionDenied
