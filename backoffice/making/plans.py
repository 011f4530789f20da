"""Changes of plan and cancellations: the quote is shown first, and is what it costs."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from rest_framework import serializers

from backoffice.making.edits import living_contract, page_of
from backoffice.making.fields import choice, filled, text
from backoffice.making.frame import Made, Making, MakingForm, Section
from catalog.selectors import list_packages
from contracts.models import Contract
from core import audit
from core.api.fields import TextField
from engine.money import Currency, round_total
from engine.plan_changes import Operation, Quantities, Unused, When
from plans.api.changes import QuoteInput
from plans.models import PlanQuote
from plans.selectors import open_quote
from plans.services.changes import confirm_quote, quote_change
from presentation import formatting

WHENS = (
    (When.NOW.value, "At once, from this hour on"),
    (When.PERIOD_END.value, "Where what is paid for ends"),
)
UNUSED = (
    (Unused.CREDIT.value, "is credited, at the price that was charged"),
    (Unused.FORFEIT.value, "is forfeited"),
)

QUANTITIES = (
    (Quantities.PACKAGE.value, "what the package says"),
    (Quantities.KEEP.value, "what the old plan has of the same product"),
)


class QuotedInput(QuoteInput):
    """A quote's body, and why."""

    reason = TextField(maximum=500, required=False)


class PlanForm(MakingForm):
    """What both have: when, and what becomes of paid time."""

    reads = QuotedInput
    operation: Operation
    when = choice("When", WHENS, required=False)
    unused = choice("Paid time that is not used", UNUSED, required=False)
    reason = text("Reason", required=False, help_text="For the audit trail.")

    def reader(self) -> type[serializers.Serializer[Any]]:
        return QuotedInput

    def body(self) -> dict[str, Any]:
        data = self.cleaned_data
        return filled({"operation": self.operation.value} | {name: data[name] for name in ("when", "unused", "reason")})

    def foretell(self, read: dict[str, Any]) -> list[str]:
        return quote_words(self.quote(read))

    def carry_out(self, read: dict[str, Any]) -> Made:
        """What was shown costs what was shown: the quote of it is confirmed, while it stands."""
        shown = open_quote(
            contract_id=self.subject.pk, operation=self.operation, package_id=_package(read),
            when=read.get("when"), unused=read.get("unused"), quantities=read.get("quantities"),
            made_by=audit.current_actor().label, now=self.at,
        )  # fmt: skip
        quote = shown or self.quote(read)
        done = confirm_quote(quote=quote, now=self.at, reason=read.get("reason") or "")
        return Made(*_told(self.subject, done))

    def quote(self, read: dict[str, Any]) -> PlanQuote:
        """A new quote."""
        package = _package(read)
        return quote_change(
            contract_id=self.subject.pk,
            operation=self.operation,
            to=None if package is None else {"package_id": package},
            when=When(read["when"]) if read.get("when") else None,
            unused=Unused(read["unused"]) if read.get("unused") else None,
            quantities=Quantities(read.get("quantities") or Quantities.PACKAGE),
            now=self.at,
        )


class ChangeForm(PlanForm):
    """Another plan."""

    operation = Operation.CHANGE
    sections = (Section("The new plan", ("package", "quantities", "when", "unused")), Section("Why", ("reason",)))
    package = choice("Package", ())
    quantities = choice("Quantities and seats", QUANTITIES)

    def prepare(self) -> None:
        found = [(str(one.pk), one.name) for one in list_packages().order_by("name")]
        self.fields["package"].choices = found  # type: ignore[attr-defined]
        self.fields["when"].help_text = "Empty: a plan that costs as much or more at once, others at the end."
        self.fields["unused"].help_text = "Empty: it is credited."

    def body(self) -> dict[str, Any]:
        data = self.cleaned_data
        return super().body() | {"to": {"package_id": data["package"]}, "quantities": data["quantities"]}


class CancelForm(PlanForm):
    """No plan any more."""

    operation = Operation.CANCEL
    sections = (Section("When it ends", ("when", "unused")), Section("Why", ("reason",)))

    def prepare(self) -> None:
        self.fields["when"].help_text = "Empty: where what is paid for ends."
        self.fields["unused"].help_text = "Empty: it is forfeited."


def quote_words(quote: PlanQuote) -> list[str]:
    """A quote in words."""
    unit, at = quote.credit_type, formatting.instant(quote.effective_at)
    if quote.operation == Operation.CANCEL:
        said = [f"The contract ends {at} UTC and is not renewed."]
    else:
        how = "dearer, or as dear" if quote.direction == "UP" else "cheaper"
        said = [f"{quote.package} goes on from it {at} UTC; by the month it is {how}."]
    if quote.old_unused:
        said.append(f"Paid time that is not used: {formatting.money_text(quote.old_unused, unit)} are credited.")
    if quote.new_rest:
        rest = round_total(quote.new_rest, Currency(unit.code or unit.name, unit.places))
        said.append(f"The new plan asks {formatting.money_text(rest, unit)} when it begins.")
    said.append(f"Due now: {formatting.money_text(quote.due_now, unit)}.")
    if quote.next_at is not None and quote.next_amount is not None:
        amount = formatting.money_text(quote.next_amount, unit)
        said.append(f"Then {amount} on {formatting.instant(quote.next_at)} UTC, as things are.")
    said.append(f"This stands until {formatting.instant(quote.expires_at)} UTC.")
    return said


def _package(read: dict[str, Any]) -> str | None:
    return str(read["to"]["package_id"]) if read.get("to") else None


def _told(contract: Contract, done: PlanQuote) -> tuple[str, str]:
    at = formatting.instant(done.effective_at)
    if done.new_contract is None:
        return f"The contract ends {at} UTC.", page_of(contract)
    return f"The plan changes {at} UTC.", page_of(done.new_contract)


CHANGE = Making(
    title="Change plan",
    permission="contracts.edit_contract",
    form=ChangeForm,
    submit="Change the plan",
    effects=(
        "The customer goes on with a contract of another package; this one ends there.",
        "You will see a quote first. Confirmed while it stands, it costs exactly that.",
    ),
    back=page_of,
    find=living_contract,
    asks_first=True,
)
CANCEL = Making(
    title="Cancel plan",
    permission="contracts.change_end",
    form=CancelForm,
    submit="Cancel the plan",
    effects=(
        "The contract ends and is not renewed. Until then it may be taken back with another end date.",
        "You will see what comes of it first.",
    ),
    back=page_of,
    find=living_contract,
    asks_first=True,
)
OFFERED = (
    (CHANGE, "contracts_contract_change_plan"),
    (CANCEL, "contracts_contract_cancel_plan"),
)


def plan_links(request: HttpRequest, contract: Contract, at: datetime) -> list[dict[str, str]]:
    """The links of both, for whoever may, of a contract that is in force and goes on in no other."""
    ends = contract.ending_before
    if contract.archived_at is not None or contract.starting_at > at or (ends is not None and ends <= at):
        return []
    if contract.renewals.all():
        return []
    return [
        {"title": making.title, "url": reverse(f"admin:{name}", args=[contract.pk])}
        for making, name in OFFERED
        if request.user.has_perm(making.permission)
    ]
