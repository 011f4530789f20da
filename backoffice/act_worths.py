"""What a gated act is worth, told before it is done: what this person may do alone, and who would decide otherwise.

The service counts again what is true when it does it (`core.approvals.count_alone`); this page says what it will find.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest

from balances.models import Balance, Segment
from balances.selectors import drawn_by_invoice
from balances.selectors.act_limits import owners_of, sum_of, worth_drawn, worth_left, worth_of
from billing.compute import compute_invoice
from billing.models import BillingPeriod
from billing.selectors.drafts import period_rows
from billing.selectors.open_worth import open_worth
from catalog.models import CreditType
from contracts.models import Contract
from core.admin.actions import RecordAction
from core.approvals import influenced_by, limit_of, name_of, spent_alone, waiting_about
from core.audit import current_actor
from core.clock import now
from core.errors import TactusError
from core.registry import gated_acts
from customers.models import Customer
from engine.errors import InvalidTerms
from engine.invoice_states import InvoiceStatus
from engine.limits import Allowance, Approval, approval
from engine.money import ZERO, subtract
from invoices.models import Invoice, InvoiceListing
from presentation.formatting import instant, money_text

BACKEND = "django.contrib.auth.backends.ModelBackend"
Worths = dict[str, Decimal | None]
"""What is lost, in words, and its worth in USD cents; None where nobody can say."""


@dataclass(frozen=True, slots=True)
class ActWorth:
    """The parts of what an act is worth; `on_demand`: what else it takes if a box of the form is ticked."""

    parts: Worths
    on_demand: Worths


def foretell(request: HttpRequest, action: RecordAction, record: Any, data: Mapping[str, Any]) -> list[str]:
    """Sentences for a confirm page: worth, what is left to do alone in these 24 hours, who decides otherwise."""
    at, unit = now(), CreditType.objects.get(code="USD")
    if (row := waiting_about(record).get(action.gate)) is not None:
        return [
            f"{name_of(row.made_by)} asked for this {instant(row.made_at)} UTC: it waits for a second person already."
        ]
    allowed, measure = limit_of(current_actor()), WORTHS.get(action.gate)
    found = None if measure is None else measure(record, data, at)
    if allowed is None or found is None:
        return []
    allowance = Allowance(allowed.limit, spent_alone(person_id=allowed.person_id, now=at))
    worth = sum_of(found.parts.values())
    held = worth != ZERO and approval(worth, allowance) is not Approval.NONE
    with_all = sum_of([worth, *found.on_demand.values()])
    perhaps = not held and with_all != ZERO and approval(with_all, allowance) is not Approval.NONE
    said = [_parts_text("It is worth", found.parts, unit)]
    if found.on_demand:
        said.append(_parts_text("If you choose so below, also", found.on_demand, unit))
    left = money_text(max(ZERO, subtract(allowance.limit, allowance.by_maker)), unit)
    said.append(f"Alone you may do what is worth {money_text(allowance.limit, unit)} in 24 hours; {left} is left.")
    if held or perhaps:
        when = "So it will wait for a second person" if held else "With that it would wait for a second person"
        said.append(f"{when}, and nothing happens before. {_who_decides(request.user, action.gate, at)}")
    return said


def _parts_text(begin: str, parts: Worths, unit: CreditType) -> str:
    """ "It is worth 1,500.00 USD: drafts so far 1,000.00 USD, left on commits and credits 500.00 USD." """
    telling = {words: worth for words, worth in parts.items() if worth != ZERO} or dict([*parts.items()][:1])
    figures = {
        words: "an amount that nobody can measure in USD" if worth is None else money_text(worth, unit)
        for words, worth in telling.items()
    }
    if len(figures) == 1:
        [(words, figure)] = figures.items()
        return f"{begin} {figure} ({words})."
    whole = sum_of(parts.values())
    each = ", ".join(f"{words} {figure}" for words, figure in figures.items())
    return f"{begin} {'more than can be measured' if whole is None else money_text(whole, unit)}: {each}."


def _who_decides(maker: Any, act: str, at: datetime) -> str:
    rows = User.objects.with_perm(gated_acts()[act].approve, backend=BACKEND).filter(is_staff=True)
    others = rows.exclude(pk=maker.pk).exclude(pk__in=influenced_by(user=maker, now=at))
    names = [name_of(user) for user in others.order_by("first_name", "last_name", "username")]
    if not names:
        return "Nobody else may decide it now: an owner can add somebody."
    return f"{', '.join(names[:5])}{f' and {len(names) - 5} more' if len(names) > 5 else ''} may decide it."


def _of_invoice(invoice: InvoiceListing, _data: Mapping[str, Any], _at: datetime) -> ActWorth:
    billed = worth_of(invoice.total, invoice.credit_type, invoice.customer_id)
    return ActWorth(_with_drawn("what it billed", billed, drawn_by_invoice(invoice.pk)), {})


def _of_billing_again(invoice: InvoiceListing, _data: Mapping[str, Any], at: datetime) -> ActWorth:
    period, what = period_rows().get(pk=invoice.pk), "what the period comes to today"
    try:
        computed = compute_invoice(period, at=at)
    except (InvalidTerms, TactusError):
        return ActWorth({what: None}, {})
    billed = worth_of(computed.total, period.credit_type, period.payer_id)
    return ActWorth(_with_drawn(what, billed, owners_of(computed.drawdowns)), {})


def _with_drawn(words: str, billed: Decimal | None, drawn: list[tuple[Balance, Decimal]]) -> Worths:
    paid = sum_of(worth_drawn(*each) for each in drawn)
    return {words: billed} if paid == ZERO else {words: billed, "what balances pay of it": paid}


def _of_contract(contract: Contract, _data: Mapping[str, Any], at: datetime) -> ActWorth:
    parts = _lost_with([contract], _left(contract_id__in=[contract.pk]), at)
    final = Invoice.objects.filter(contract=contract, status=InvoiceStatus.FINALIZED)
    return ActWorth(parts, {"its finalized invoices": _billed(final)} if final.exists() else {})


def _of_customer(customer: Customer, _data: Mapping[str, Any], at: datetime) -> ActWorth:
    contracts = list(customer.contracts.filter(archived_at__isnull=True))
    left = [*_left(contract_id__in=[row.pk for row in contracts]), *_left(customer=customer, contract__isnull=True)]
    final = Invoice.objects.filter(contract__in=contracts, status=InvoiceStatus.FINALIZED)
    return ActWorth({"finalized invoices": _billed(final), **_lost_with(contracts, left, at)}, {})


def _of_end(contract: Contract, data: Mapping[str, Any], at: datetime) -> ActWorth | None:
    """Known once the new end is: drafts that begin later, and what is left on balances that end sooner.

    Of drafts that are cut what they lose is known when it is done; here they count with all that they bill so far.
    """
    end: datetime | None = data.get("ending_before")
    if end is None or (contract.ending_before is not None and end >= contract.ending_before):
        return None
    late = [row for row in _left(contract_id__in=[contract.pk]) if row.ending_before > end]
    rows = period_rows().filter(contract=contract, state=BillingPeriod.State.OPEN, period_end__gt=end)
    try:
        drafts = sum_of(worth_of(compute_invoice(row, at=at).total, row.credit_type, row.payer_id) for row in rows)
    except (InvalidTerms, TactusError):
        drafts = None
    return ActWorth({"drafts that end later, at most": drafts, "left on commits and credits": worth_left(late)}, {})


def _lost_with(contracts: list[Contract], left: list[Segment], at: datetime) -> Worths:
    return {
        "drafts so far": sum_of(open_worth(contract, at) for contract in contracts),
        "left on commits and credits": worth_left(left),
    }


def _billed(invoices: Any) -> Decimal | None:
    """Of finalized invoices: their totals, and what they drew, which their balances get back."""
    rows = list(invoices.select_related("credit_type"))
    drawn = [each for row in rows for each in drawn_by_invoice(row.pk)]
    billed = [worth_of(row.total, row.credit_type, row.payer_id) for row in rows]
    return sum_of([*billed, *(worth_drawn(*each) for each in drawn)])


def _left(**of: Any) -> list[Segment]:
    """The segments that hold anything of balances that are not archived; what a true-up would bill is a draft's."""
    rows = Segment.objects.filter(
        owner__archived_at__isnull=True, removed_at__isnull=True, balance__gt=0,
        **{f"owner__{name}": value for name, value in of.items()},
    )  # fmt: skip
    return list(rows.exclude(owner__kind=Balance.Kind.POSTPAID).select_related("owner__credit_type"))


WORTHS: dict[str, Callable[[Any, Mapping[str, Any], datetime], ActWorth | None]] = {
    "invoice.void": _of_invoice,
    "invoice.regenerate": _of_billing_again,
    "contract.archive": _of_contract,
    "contract.change_end": _of_end,
    "customer.archive": _of_customer,
}
"""By gated act, what it would take: the figures that its service counts."""
