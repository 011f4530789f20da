"""Changes of plan: quoted by carrying them out and undoing it, confirmed by carrying them out once more (ADR 0030)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID, uuid4

from balances.services.grants import NewBalance, add_balances, grant
from billing.terms import billing_unit
from catalog.models import CreditType
from catalog.package_models import Package
from catalog.services.products import ensure_fixed_product
from contracts.api.contracts import CreateInput, contract_terms, of_package, read_terms
from contracts.models import Contract
from contracts.selectors.contracts import find_contract
from contracts.services import create_contract, lock_contract, update_end_date
from contracts.services.recording import ids_of, record_event
from contracts.services.renewals import cancel_renewal, restore_renewal
from core import audit
from core.errors import Conflict, InvalidInput
from core.transactions import rehearsed, together_with, use_case
from customers.models import Customer
from engine.balances import BalanceKind
from engine.calendar import rfc3339
from engine.money import ZERO, plain, total
from engine.plan_changes import Direction, Operation, Quantities, Unused, When, direction_of, when_of
from plans.events import PlanCanceled, PlanChanged, PlanUncanceled
from plans.figures import Asked, asked_by, kept_quantities, paid_until, price_a_month, unused_charges
from plans.figures import Unused as UnusedCharge
from plans.models import PlanQuote, UnusedCredit

CREDIT_PRODUCT: Final = UUID("4d1c8f0e-6f0b-4c1e-9b51-7a2d8e3c5f10")
CREDIT_NAME: Final = "Unused time of the former plan"
STANDS: Final = timedelta(minutes=30)
LASTS: Final = timedelta(days=366)
MOMENT: Final = timedelta(microseconds=1)


NOTHING: Final = Asked(ZERO, ZERO, None, None)


@dataclass(slots=True)
class Change:
    """What is to be done to a contract, and what came of it."""

    contract: Contract
    operation: Operation
    effective_at: datetime
    unused: Unused
    quantities: Quantities = Quantities.PACKAGE
    package: Package | None = None
    made: Contract | None = None
    unit: CreditType | None = None
    credits: tuple[UnusedCharge, ...] = ()
    balance_id: UUID | None = None
    asked: Asked = NOTHING
    prices: tuple[Decimal, Decimal] = (ZERO, ZERO)

    @property
    def direction(self) -> Direction | None:
        """Which way it went; None for a cancellation."""
        return direction_of(*self.prices) if self.operation is Operation.CHANGE else None

    @property
    def figures(self) -> dict[str, Any]:
        """The amounts of a quote."""
        return {
            "old_unused": total(one.amount for one in self.credits) if self.unused is Unused.CREDIT else ZERO,
            "new_rest": self.asked.rest,
            "due_now": self.asked.due,
        }


def quote_change(
    *,
    contract_id: UUID,
    operation: Operation,
    now: datetime,
    to: dict[str, str] | None = None,
    when: When | None = None,
    unused: Unused | None = None,
    quantities: Quantities = Quantities.PACKAGE,
) -> PlanQuote:
    """What a change comes to. It is carried out as if it were, its drafts are read, and it is undone; then kept.

    `to`: `package_id` or `package_alias`, of a CHANGE. `when`: without it, up is NOW and down and out at PERIOD_END.
    `unused`: without it, a CHANGE credits paid time that is not used, and a CANCEL forfeits it. `quantities` KEEP: what
    the old plan has of a product, the new one begins with.
    Raises NotFound, InvalidInput naming the field, Conflict, as carrying it out would.
    """
    contract = find_contract(Contract.objects.all(), contract_id, None)
    _check_alive(contract, now)
    if (to is None) == (operation is Operation.CHANGE):
        raise InvalidInput("says the new plan of a CHANGE, and of nothing else", field="to")
    unused = unused or (Unused.CREDIT if operation is Operation.CHANGE else Unused.FORFEIT)
    hour, asked_when = now.replace(minute=0, second=0, microsecond=0), when
    if when is None and operation is Operation.CHANGE:  # which way does it go?
        change = _rehearse(Change(contract, operation, _in_term(contract, hour), unused, quantities), to)
        when = when_of(change.direction)
    when = when or When.PERIOD_END
    at = _in_term(contract, hour) if when is When.NOW else paid_until(contract, now)
    change = _rehearse(Change(contract, operation, at, unused, quantities), to)
    later = at > now
    with use_case():
        quote = PlanQuote.objects.create(
            contract=contract, operation=operation.value, direction=change.direction or "", package=change.package,
            unused=unused.value, quantities=quantities.value, asked_when=asked_when or "", effective_at=at,
            credit_type=billing_unit(contract),
            **change.figures | ({"due_now": ZERO} if later else {}),
            next_at=at if later and operation is Operation.CHANGE else change.asked.next_at,
            next_amount=change.asked.due if later and operation is Operation.CHANGE else change.asked.next_amount,
            previous_end=contract.ending_before, created_at=now, created_by=audit.current_actor().label,
            expires_at=now + STANDS,
        )  # fmt: skip
        detail = {"operation": quote.operation, "effective_at": rfc3339(at), "due_now": plain(quote.due_now)}
        audit.record("plan.quote", contract, at=now, detail=detail | {"quote_id": str(quote.pk)})
    return quote


def confirm_quote(*, quote: PlanQuote, now: datetime, reason: str = "") -> PlanQuote:
    """Carries a quote out, once: again it answers what became of it.

    Raises Conflict where it has expired, and where it would not cost exactly what it says any more.
    """
    if quote.confirmed_at is not None:
        return quote
    if now > quote.expires_at:
        raise Conflict(f"the quote expired at {rfc3339(quote.expires_at)}; ask for another one")
    contract = find_contract(Contract.objects.all(), quote.contract_id, None)
    _check_alive(contract, now)
    change = Change(
        contract, Operation(quote.operation), quote.effective_at, Unused(quote.unused), Quantities(quote.quantities)
    )

    @contextmanager
    def confirming() -> Iterator[None]:
        locked = PlanQuote.objects.select_for_update().get(pk=quote.pk)
        if locked.confirmed_at is not None:
            raise Conflict("the quote was confirmed meanwhile")
        with _settling(change, now):
            yield
        _check_as_quoted(locked, change, now)
        locked.confirmed_at, locked.new_contract = now, change.made
        locked.save(update_fields=["confirmed_at", "new_contract"])
        _note_credits(locked, change)
        _tell(locked, change, now, reason)

    to = None if quote.package_id is None else {"package_id": str(quote.package_id)}
    with together_with(confirming):
        _carry_out(change, to, now)
    return PlanQuote.objects.get(pk=quote.pk)


def _note_credits(quote: PlanQuote, change: Change) -> None:
    """The one writer of what was credited."""
    if change.balance_id is None:
        return
    UnusedCredit.objects.bulk_create(
        UnusedCredit(
            quote=quote, subscription_id=one.subscription_id, line_id=one.line_id, charged=one.charged,
            amount=one.amount, balance_id=change.balance_id,
        )
        for one in change.credits
    )  # fmt: skip


def undo_cancel(*, contract_id: UUID, now: datetime, reason: str = "") -> Contract:
    """Takes a cancellation back that has not taken effect. Raises NotFound, Conflict."""
    quote = PlanQuote.objects.filter(
        contract_id=contract_id, operation=Operation.CANCEL.value, confirmed_at__isnull=False
    ).order_by("-confirmed_at").first()  # fmt: skip
    contract = find_contract(Contract.objects.all(), contract_id, None)
    if quote is None or contract.ending_before != quote.effective_at:
        raise Conflict("the contract has not been canceled")
    if quote.effective_at <= now:
        raise Conflict("the cancellation has taken effect; agree on a new contract")

    @contextmanager
    def telling() -> Iterator[None]:
        yield
        restore_renewal(lock_contract(contract_id=contract_id), now=now)
        told = PlanUncanceled(**ids_of(contract), occurred_at=now, quote_id=quote.pk)
        record_event(contract, event=told, detail={"quote_id": str(quote.pk)}, reason=reason)

    with together_with(telling):
        update_end_date(
            contract_id=contract_id, customer_id=contract.customer_id, ending_before=quote.previous_end, now=now
        )
    return find_contract(Contract.objects.all(), contract_id, None)


def _check_alive(contract: Contract, now: datetime) -> None:
    if contract.archived_at is not None:
        raise InvalidInput("the contract is archived", field="contract_id")
    if contract.starting_at > now or (contract.ending_before is not None and contract.ending_before <= now):
        raise Conflict("the contract is not in force")
    if contract.renewals.exists():
        raise Conflict("another contract goes on from it already; change that one")


def _in_term(contract: Contract, hour: datetime) -> datetime:
    """The hour that is on; of a contract that began in it, the next: it must have lasted."""
    return max(hour, contract.starting_at + timedelta(hours=1))


def _rehearse(change: Change, to: dict[str, str] | None) -> Change:
    """Carries it out at the time of its effect, reads what comes of it, and undoes it."""
    with rehearsed(lambda: _settling(change, change.effective_at)):
        _carry_out(change, to, change.effective_at)
    return change


def _carry_out(change: Change, to: dict[str, str] | None, now: datetime) -> None:
    """The use case of it."""
    old = change.contract
    if to is None:
        update_end_date(contract_id=old.pk, customer_id=old.customer_id, ending_before=change.effective_at, now=now)
        return
    given: dict[str, Any] = {
        "customer_id": str(old.customer_id), "starting_at": rfc3339(change.effective_at),
        "transition": {"type": "RENEWAL", "from_contract_id": str(old.pk)}, **to,
    }  # fmt: skip
    try:
        change.package, body = of_package(read_terms(CreateInput, given), given)
    except InvalidInput as error:
        if error.field not in ("package_id", "package_alias"):
            raise
        raise InvalidInput(error.message.removeprefix(f"{error.field}: "), field=f"to.{error.field}") from error
    terms = contract_terms(body)
    if change.quantities is Quantities.KEEP:
        terms["subscriptions"] = kept_quantities(old, terms["subscriptions"], change.effective_at)
    create_contract(**terms, package=change.package, now=now)


@contextmanager
def _settling(change: Change, now: datetime) -> Iterator[None]:
    """Around the use case: credits what was paid for and is not used, then reads what is asked.

    The customer and the contract are locked before, in the order of all use cases: one change at a time.
    """
    Customer.objects.select_for_update(no_key=True).get(pk=change.contract.customer_id)
    if lock_contract(contract_id=change.contract.pk).renewals.exists():
        raise Conflict("another contract goes on from it already; change that one")
    yield
    old = lock_contract(contract_id=change.contract.pk)
    if change.operation is Operation.CANCEL:
        cancel_renewal(old, now=now)
    unit = billing_unit(old)
    change.unit = unit
    change.credits = tuple(unused_charges(old, change.effective_at, unit))
    if change.operation is Operation.CHANGE:
        change.made = Contract.objects.select_related("customer").get(renews=old)
        if billing_unit(change.made).pk != unit.pk:
            raise InvalidInput("is billed in another currency", field="to")
        change.prices = (
            price_a_month(old, change.effective_at - MOMENT),
            price_a_month(change.made, change.effective_at),
        )
    amount = change.figures["old_unused"]
    if amount > ZERO:
        change.balance_id = _credit(change, old, amount, now)
    change.asked = asked_by(change.made or old, max(now, change.effective_at))


def _credit(change: Change, old: Contract, amount: Decimal, now: datetime) -> UUID:
    """A credit on the new contract, or of the customer where there is none, that is used before all others."""
    ensure_fixed_product(product_id=CREDIT_PRODUCT, name=CREDIT_NAME, now=now)
    at = change.effective_at
    new = NewBalance(
        kind=BalanceKind.CREDIT.value, product_id=CREDIT_PRODUCT, access=((amount, at, at + LASTS),), priority=ZERO,
        credit_type_id=None if change.unit is None else change.unit.pk, name=CREDIT_NAME,
        reason="Time that was paid for and is not used", id=uuid4(),
    )  # fmt: skip
    if change.made is None:
        return grant(old.customer, new=new, now=now).pk
    return add_balances(change.made, new=[new], path="to", now=now)[0].pk


def _check_as_quoted(quote: PlanQuote, change: Change, now: datetime) -> None:
    """A confirmed quote costs exactly that. Raises Conflict where it would not."""
    figures = change.figures
    if quote.effective_at > now:
        same = quote.old_unused == figures["old_unused"]
    else:
        same = all(getattr(quote, name) == value for name, value in figures.items())
    if not same:
        raise Conflict("prices, quantities or invoices have changed since it was made; ask for another quote")


def _tell(quote: PlanQuote, change: Change, now: datetime, reason: str) -> None:
    detail = {"quote_id": str(quote.pk), "effective_at": rfc3339(quote.effective_at)}
    if change.made is None:
        told: Any = PlanCanceled(
            **ids_of(change.contract), occurred_at=now, quote_id=quote.pk, effective_at=quote.effective_at
        )
    else:
        told = PlanChanged(
            **ids_of(change.contract), occurred_at=now, quote_id=quote.pk, direction=quote.direction,
            effective_at=quote.effective_at, new_contract_id=change.made.pk,
        )  # fmt: skip
        detail |= {"direction": quote.direction, "new_contract_id": str(change.made.pk)}
    record_event(change.contract, event=told, detail=detail | {"due_now": plain(quote.due_now)}, reason=reason)
