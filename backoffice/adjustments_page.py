"""Adjusting a customer's balances: a short form, then what it would change and who decides, then one service call."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html

from backoffice.adjustments_effect import MOST_DRAFTS, draft_effects, earlier_starts
from backoffice.adjustments_forms import AdjustmentContext, Choice, CreditForm, EntryForm, WhyForm
from balances.adjustment_models import Adjustment
from balances.admin.adjustment_decisions import audit_link, person, signed, usd
from balances.admin.balances import amount_cell, amount_text, living_segments, with_all
from balances.models import AccessType, Balance
from balances.selectors.adjustments import allowance_of, deciders, units_of
from balances.selectors.live import left_in
from balances.services import CreditRequest, TriedAdjustment, request_adjustment, try_adjustment
from balances.services.adjustments import APPROVE, REQUEST
from billing.models import BillingPeriod
from billing.selectors import drafts_with_balance, pending_draws
from catalog.models import Product
from catalog.selectors import state_at
from contracts.models import Contract
from core.admin.actions import refuse
from core.clock import now
from core.errors import TactusError
from core.transactions import reads_snapshot
from customers.models import Customer
from engine.limits import Approval
from engine.money import ZERO, add, subtract
from presentation import formatting, markup

MOST_CHOICES = 100
PAYABLE = (Product.Type.USAGE, Product.Type.SUBSCRIPTION, Product.Type.COMPOSITE)
WHY = {
    Approval.AMOUNT: "it is above what you may post alone",
    Approval.MAKER_SUM: "with what you posted in the last 24 hours it is above what you may post alone",
    Approval.CUSTOMER_SUM: "with what this customer got in the last 24 hours it is above what you may post alone",
    Approval.NO_WORTH: "nobody can say what it is worth in USD",
}


FORMS: dict[str, type[WhyForm]] = {"credit": CreditForm, "entry": EntryForm}


def adjust(request: HttpRequest, object_id: UUID) -> HttpResponse:
    """The page: the form, then what it would change, then the call."""
    if not request.user.has_perm(REQUEST) or not request.user.has_perm("customers.view_customer"):
        raise PermissionDenied
    if request.method not in ("GET", "HEAD", "POST"):
        return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
    customer = Customer.objects.filter(pk=object_id).first()
    if customer is None:
        raise Http404
    page = reverse("admin:customers_customer_change", args=[customer.pk])
    if customer.archived_at is not None:
        messages.error(request, f"{customer.name} is archived: its balances cannot be adjusted.")
        return HttpResponseRedirect(page)
    context = adjustment_context(customer, now())
    wanted = request.POST.get("kind") or request.GET.get("kind") or ("entry" if "segment" in request.GET else "credit")
    kind = wanted if wanted in FORMS else "credit"
    if request.method != "POST":
        initial = {"key": uuid4(), "segment_id": request.GET.get("segment", "")}
        return _page(request, context, kind, FORMS[kind](context, initial=initial))
    data = request.POST.copy()
    if start := data.get("restart"):  # of the effect: the same with another start
        data["begins"], data["starting_at"] = start, ""
    form = FORMS[kind](context, data)
    if not form.is_valid() or "back" in request.POST:
        return _page(request, context, kind, form)
    try:
        if "confirmed" not in data or "restart" in data:
            tried = try_adjustment(new=form.new(), maker_id=request.user.pk or 0, now=context.at)
            return _page(request, context, kind, form, impact_of(request, context, form, tried))
        row = request_adjustment(new=form.new(), maker_id=request.user.pk or 0, now=context.at)
    except TactusError as error:
        refuse(form, error)
        return _page(request, context, kind, form)
    return _done(request, row, page)


@reads_snapshot
def adjustment_context(customer: Customer, at: datetime) -> AdjustmentContext:
    """What can be adjusted for a customer. Drafts are composed once."""
    rows = with_all(Balance.objects.filter(customer=customer, archived_at__isnull=True))
    choices = [Choice(row, segment) for row in rows for segment in living_segments(row) if segment.ending_before > at]
    choices.sort(key=lambda each: (each.segment.starting_at > at, each.segment.ending_before))
    living = Product.objects.filter(archived_at__isnull=True).prefetch_related("versions")
    states = [(row, state_at(list(row.versions.all()), at)) for row in living]
    products = [(str(row.pk), state.name) for row, state in states if row.type == Product.Type.FIXED]
    payable = [(row, state) for row, state in states if row.type in PAYABLE]
    contracts = Contract.objects.filter(customer=customer, archived_at__isnull=True).exclude(ending_before__lte=at)
    last = (
        Adjustment.objects.filter(product__isnull=False).order_by("-made_at").values_list("product_id", flat=True)[:1]
    )
    usual = next((str(key) for key in last if str(key) in dict(products)), "")
    return AdjustmentContext(
        customer=customer,
        at=at,
        pending=pending_draws(payer_id=customer.pk) if choices else {},
        choices=choices[:MOST_CHOICES],
        units=list(units_of(customer_id=customer.pk)),
        products=sorted(products, key=lambda item: item[1].lower()),
        usual_product=usual,
        payable=sorted(((str(row.pk), state.name) for row, state in payable), key=lambda item: item[1].lower()),
        tags=sorted({tag for _, state in payable for tag in state.tags}),
        contracts=[(str(row.pk), str(row)) for row in contracts.order_by("-starting_at", "-id")],
        periods=list(
            BillingPeriod.objects.filter(
                payer=customer, state=BillingPeriod.State.OPEN, type=BillingPeriod.Type.USAGE, period_start__lte=at
            ).order_by("-period_start", "period_end")
        ),
    )


@reads_snapshot
def impact_of(
    request: HttpRequest, context: AdjustmentContext, form: WhyForm, tried: TriedAdjustment
) -> dict[str, Any]:
    """Before and after, and who decides: what is shown between the form and the call."""
    asked, decision, segment = form.asked(), tried.decision, tried.segment
    effect = drafts_with_balance(payer_id=context.customer.pk, segment=segment, now=context.at)
    chosen = form.chosen() if isinstance(form, EntryForm) else None
    rows, warnings = [], []
    if chosen is not None:
        left = left_in(chosen.segment, context.pending)
        after = add(left, asked.amount)
        rows.append((chosen.title(context.at), left, effect.left))
        if after < ZERO:
            over = amount_text(after.copy_negate(), chosen.balance)
            warnings.append(f"Drafts already draw {over} of what you take: they will charge that instead.")
        if chosen.balance.kind == Balance.Kind.POSTPAID:
            warnings.append("A postpaid commit: what is left of it at its end is invoiced as a true-up.")
    balance = chosen.balance if chosen else _credit_like(form)
    rows.append((f"{context.customer.name} can spend now", effect.spendable_before, effect.spendable_after))
    # what counts towards a postpaid commit is paid all the same
    postpaid = balance.kind == Balance.Kind.POSTPAID
    is_credit = isinstance(asked, CreditRequest)
    alone = decision.approval is Approval.NONE
    others = [person(user) for user in deciders(but=request.user, now=context.at)]  # type: ignore[arg-type]
    unit = usd()
    used = max(decision.allowance.by_maker, decision.allowance.for_customer)
    return {
        "change": _signed(asked.amount, balance),
        "adds": asked.amount > ZERO,
        "rows": [(label, amount_cell(was, balance), amount_cell(will, balance)) for label, was, will in rows],
        "warnings": warnings,
        "drafts": [] if postpaid else draft_effects(effect, segment, balance, dict(context.contracts), context.at),
        "more_drafts": max(0, len(effect.drafts) - MOST_DRAFTS),
        "no_draft": is_credit and not effect.drafts,
        "starts": earlier_starts(effect, segment, context.starts) if is_credit else [],
        "credit": asked if isinstance(asked, CreditRequest) else None,
        "product": dict(context.products).get(str(asked.product_id)) if isinstance(asked, CreditRequest) else "",
        "scope": form.scope() if isinstance(form, CreditForm) else "",
        "alone": alone,
        "why": WHY.get(decision.approval, ""),
        "limit": formatting.money_text(decision.allowance.limit, unit),
        "used": formatting.money_text(used, unit),
        "others": others[:4],
        "more": max(0, len(others) - 4),
        "submit": _submit(alone, isinstance(asked, CreditRequest)),
    }


def _submit(alone: bool, credit: bool) -> str:
    if not alone:
        return "Send for approval"
    return "Grant the credit" if credit else "Post the entry"


def _credit_like(form: WhyForm) -> Balance:
    """A credit that is not there yet, so that its amounts are written like those that are."""
    return Balance(credit_type=form.unit(), access_type=AccessType.SPEND)


def _signed(amount: Decimal, balance: Balance) -> str:
    sign = "+" if amount > ZERO else "\N{MINUS SIGN}"
    return f"{sign}{amount_text(abs(amount), balance)}"


def _done(request: HttpRequest, row: Adjustment, page: str) -> HttpResponse:
    """Back to the customer, with what happened and the way to its trace."""
    own = reverse("admin:balances_adjustment_change", args=[row.pk])
    trace = (
        audit_link(row, "See the audit row")
        if request.user.has_perm("core.view_auditentry")
        else markup.link(own, "See the record")
    )
    if row.status == Adjustment.Status.POSTED:
        messages.success(request, format_html("{} is posted for {}. {}", signed(row), row.customer.name, trace))
    else:
        waits = "{} for {} waits for a second person. {}"
        messages.warning(request, format_html(waits, signed(row), row.customer.name, trace))
    return HttpResponseRedirect(f"{page}?tab=balances")


def _page(
    request: HttpRequest, context: AdjustmentContext, kind: str, form: WhyForm, impact: dict[str, Any] | None = None
) -> TemplateResponse:
    unit = usd()
    maker: Any = request.user
    allowance = allowance_of(maker=maker, customer_id=context.customer.pk, now=context.at)
    used = max(allowance.by_maker, allowance.for_customer)
    shown = {
        **admin.site.each_context(request),
        "opts": Customer._meta,
        "original": context.customer,
        "title": "Adjust balance",
        "customer": context.customer,
        "kind": kind,
        "form": form,
        "impact": impact,
        "nothing": not context.choices,
        "no_product": kind == "credit" and not context.products,
        "limit": formatting.money_text(allowance.limit, unit),
        "used": formatting.money_text(used, unit) if used else "",
        "left": formatting.money_text(max(subtract(allowance.limit, used), ZERO), unit),
        "may_decide": request.user.has_perm(APPROVE),
        "back": reverse("admin:customers_customer_change", args=[context.customer.pk]),
    }
    status = 400 if form.errors else 200
    return TemplateResponse(request, "admin/back_office/adjust.html", shown, status=status)
