"""Adjustments by people, in person or by API keys of theirs (`key_entries`): asked for by one, posted at once within
that one's limit, else decided by another.

Whoever asks first takes turns for themselves and for the customer, so that the sums of a day are those of the commit;
then the customer, then its balances (docs/adr/0015).
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Min

from balances.adjustment_models import Adjustment
from balances.events import (
    AdjustmentEvent,
    AdjustmentPosted,
    AdjustmentRejected,
    AdjustmentRequested,
    AdjustmentWithdrawn,
)
from balances.models import DEFAULT_PRIORITY, AccessType, Balance, Segment
from balances.selectors.adjustments import ApprovalDecision, assess, segment_after
from balances.services.catalogue import check_product, check_scope
from balances.services.grants import NewBalance, grant
from balances.services.ledger import ManualEntry, lock_balances, post_manual_entries, uniqueness_keys
from catalog.models import CreditType, Product
from contracts.models import Contract
from core import audit
from core.approvals import NOT_INDEPENDENT, is_independent
from core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.events import publish
from core.links import check_link
from core.patience import each_in_turn
from core.postgres.locks import advisory_xact_lock
from core.texts import checked_text
from core.transactions import require_transaction, use_case
from customers.models import Customer
from customers.test_clocks import in_our_time
from engine.balances import BalanceSegment
from engine.errors import InvalidTerms
from engine.limits import Approval
from engine.money import ZERO, add, checked, plain
from engine.schedules import AccessSegment
from presentation.formatting import format_money, format_quantity

REQUEST = "balances.request_adjustment"
APPROVE = "balances.approve_adjustment"
Status = Adjustment.Status


@dataclass(frozen=True, slots=True)
class LedgerEntryRequest:
    """An entry in a segment's ledger: `amount` signed, in the balance's stored unit."""

    segment_id: UUID
    amount: Decimal


@dataclass(frozen=True, slots=True)
class CreditRequest:
    """A new credit of the customer: `amount` above 0 in the stored unit, over `[starting_at, ending_before)`, UTC.

    It pays for these products and those with any of these tags (none of either: for everything), on this contract
    (None: on all); of several balances the one of lower `priority` pays first.
    """

    product_id: UUID
    credit_type_id: UUID
    amount: Decimal
    starting_at: datetime
    ending_before: datetime
    name: str = ""
    applicable_product_ids: tuple[str, ...] = ()
    applicable_product_tags: tuple[str, ...] = ()
    contract_id: UUID | None = None
    priority: Decimal = Decimal(DEFAULT_PRIORITY)


@dataclass(frozen=True, slots=True)
class AdjustmentReason:
    """Why. The customer reads `public_reason`; note and ticket are for staff."""

    reason_code: str
    public_reason: str
    note: str = ""
    ticket_url: str = ""


@dataclass(frozen=True, slots=True)
class NewAdjustment:
    """What is asked for. The same `id` again is the same adjustment: a form that is sent twice posts once."""

    customer_id: UUID
    asked: LedgerEntryRequest | CreditRequest
    reason: AdjustmentReason
    id: UUID = field(default_factory=uuid4)


@dataclass(frozen=True, slots=True)
class TriedAdjustment:
    """What asking for an adjustment would lead to: who decides, and the segment as it stands once it is posted."""

    decision: ApprovalDecision
    segment: BalanceSegment


def try_adjustment(*, new: NewAdjustment, maker_id: int, now: datetime) -> TriedAdjustment:
    """What asking for it now would lead to; writes nothing. Raises as `request_adjustment`."""
    with use_case():
        customer = _customer(new.customer_id)
        lock_balances(customer.pk)
        row = _asked(new, customer, now)
        return TriedAdjustment(_assessed(row, _person(maker_id, REQUEST), now), segment_after(row, now))


def request_adjustment(*, new: NewAdjustment, maker_id: int, now: datetime) -> Adjustment:
    """Posts at once what is within the maker's limit; else it waits for a second person.

    Raises NotAllowed for people without the right, NotFound, InvalidInput naming the field, Conflict.
    """
    with use_case():
        advisory_xact_lock("adjustments", [f"maker:{maker_id}", f"customer:{new.customer_id}"])
        known = Adjustment.objects.filter(pk=new.id).first()
        if known is not None:
            if (known.made_by_id, known.customer_id) != (maker_id, new.customer_id):
                raise Conflict("this id is taken by another adjustment")
            return known
        maker = _person(maker_id, REQUEST)
        customer = _customer(new.customer_id)
        lock_balances(customer.pk)
        row = _asked(new, customer, now)
        row.made_by = maker
        carry_out(row, customer=customer, decision=_assessed(row, maker, now), now=now)
    return row


def carry_out(row: Adjustment, *, customer: Customer, decision: ApprovalDecision, now: datetime) -> None:
    """Posts what is asked for, or lets it wait, as the decision says; the caller has checked it and holds all locks."""
    row.worth, row.approval = decision.usd_equivalent, decision.approval.value
    allowance = decision.allowance
    row.limit_worth, row.by_maker, row.for_customer = allowance.limit, allowance.by_maker, allowance.for_customer
    row.key_limit, row.by_key = allowance.key_limit, allowance.by_key
    if decision.approval is Approval.NONE:
        _post(row, customer, now)
    row.save(force_insert=True)
    posted = row.status == Status.POSTED
    _record_event(row, AdjustmentPosted if posted else AdjustmentRequested, now=now, reason=row.public_reason)


def approve_adjustment(*, adjustment_id: UUID, decider_id: int, now: datetime, note: str = "") -> Adjustment:
    """A second person posts what the first one asked for. It must still be possible as it was asked.

    Raises NotFound, NotAllowed (also for the maker), Conflict where it is decided already or its uniqueness key was
    used meanwhile, InvalidInput where the balance has changed so that it cannot be done.
    """
    with uniqueness_keys(), use_case():
        row = _waiting(adjustment_id)
        decider = _second_person(row, decider_id, now)
        if now >= row.made_at + waiting_time():
            raise Conflict("this waited for too long; it has to be asked for again")
        customer = _customer(row.customer_id)
        lock_balances(customer.pk)
        _check(row, now)
        _decide(row, Status.POSTED, decider, note, now)
        _post(row, customer, now)
        row.save()
        _record_event(row, AdjustmentPosted, now=now, reason=note)
    return row


def reject_adjustment(*, adjustment_id: UUID, decider_id: int, note: str, now: datetime) -> Adjustment:
    """A second person refuses, and says why. Nothing is written to any ledger. Raises as `approve_adjustment`."""
    if not note.strip():
        raise InvalidInput("say why", field="note")
    with use_case():
        row = _waiting(adjustment_id)
        _decide(row, Status.REJECTED, _second_person(row, decider_id, now), note, now)
        row.save()
        _record_event(row, AdjustmentRejected, now=now, reason=note)
    return row


def withdraw_adjustment(*, adjustment_id: UUID, maker_id: int, now: datetime, note: str = "") -> Adjustment:
    """Whoever asked takes it back. Raises NotFound, NotAllowed for everybody else, Conflict where it is decided."""
    with use_case():
        row = _waiting(adjustment_id)
        if row.made_by_id != maker_id:
            raise NotAllowed("only who asked for it may withdraw it")
        _decide(row, Status.WITHDRAWN, _person(maker_id, REQUEST), note, now)
        row.save()
        _record_event(row, AdjustmentWithdrawn, now=now, reason=note)
    return row


def withdraw_forgotten(*, now: datetime) -> int:
    """Sweep: what nobody decided in time is withdrawn; returns how many. Twice changes nothing."""
    due = Adjustment.objects.filter(
        in_our_time("customer_id"), status=Status.PENDING, made_at__lte=now - waiting_time()
    )
    found = list(due.order_by("made_at").values_list("pk", flat=True)[:200])
    return each_in_turn(found, lambda key: _forget(key, now))


def next_forgotten_at(*, after: datetime) -> datetime | None:
    """When the next adjustment is withdrawn that nobody decides until then, after that time."""
    rows = Adjustment.objects.filter(in_our_time("customer_id"), status=Status.PENDING)
    made: datetime | None = rows.filter(made_at__gt=after - waiting_time()).aggregate(at=Min("made_at"))["at"]
    return made and made + waiting_time()


def waiting_time() -> timedelta:
    """For how long an adjustment may wait."""
    return timedelta(hours=settings.TACTUS_ADJUSTMENT_WAITS_HOURS)


def _forget(adjustment_id: UUID, now: datetime) -> int:
    with use_case():
        row = Adjustment.objects.select_for_update(skip_locked=True).filter(pk=adjustment_id).first()
        if row is None or row.status != Status.PENDING:
            return 0
        _decide(row, Status.WITHDRAWN, None, "nobody decided in time", now)
        row.save()
        _record_event(row, AdjustmentWithdrawn, now=now, reason=row.decision_note)
    return 1


def _assessed(row: Adjustment, maker: User, now: datetime) -> ApprovalDecision:
    return assess(
        maker=maker, customer_id=row.customer_id, amount=row.amount, unit=row.credit_type,
        access_type=AccessType.SPEND if row.segment is None else row.segment.owner.access_type, now=now,
    )  # fmt: skip


def _asked(new: NewAdjustment, customer: Customer, now: datetime) -> Adjustment:
    """The row of what is asked for that can be carried out now. Raises InvalidInput and NotFound naming the field."""
    reason = _checked_reason(new.reason)
    row = Adjustment(
        id=new.id, customer=customer, amount=new.asked.amount, made_at=now, reason_code=reason.reason_code,
        public_reason=reason.public_reason, note=reason.note, ticket_url=reason.ticket_url,
    )  # fmt: skip
    if isinstance(new.asked, LedgerEntryRequest):
        segment = Segment.objects.select_related("owner__credit_type").filter(pk=new.asked.segment_id).first()
        if segment is None or segment.owner.customer_id != customer.pk:
            raise NotFound("the customer has no such balance", field="segment_id")
        row.segment, row.credit_type = segment, segment.owner.credit_type
    else:
        product = Product.objects.filter(pk=new.asked.product_id).first()
        if product is None:
            raise InvalidInput("no such product", field="product_id")
        unit = CreditType.objects.filter(pk=new.asked.credit_type_id, archived_at__isnull=True).first()
        if unit is None:
            raise InvalidInput("no such credit type", field="credit_type_id")
        row.product, row.credit_type = product, unit
        row.credit_name = checked_text(new.asked.name, field="name", longest=200)
        row.access_from, row.access_until = new.asked.starting_at, new.asked.ending_before
        row.applicable_product_ids = list(new.asked.applicable_product_ids)
        row.applicable_product_tags = list(new.asked.applicable_product_tags)
        row.contract_id, row.priority = new.asked.contract_id, new.asked.priority
    _check(row, now)
    return row


def _check(row: Adjustment, now: datetime) -> None:
    """Whether it can be done at this moment; the caller holds the customer's balances. Raises InvalidInput."""
    try:
        if row.segment is not None:
            if row.api_key_id is None:
                _check_entry(row.segment, row.amount, now)
            else:  # what an API may ask for is checked where it is written
                row.segment.refresh_from_db()
        else:
            _check_credit(row, now)
    except InvalidTerms as error:
        raise InvalidInput(error.message.removeprefix(f"{error.field} "), field=error.field) from error


def _check_entry(segment: Segment, amount: Decimal, now: datetime) -> None:
    if checked(amount, "amount", least=None) == ZERO:
        raise InvalidTerms("must not be 0", "amount")
    segment.refresh_from_db()
    if segment.removed_at is not None:
        raise InvalidTerms("the balance has no such segment any more", "segment_id")
    if segment.owner.archived_at is not None:
        raise InvalidTerms("the balance is archived", "segment_id")
    if segment.ending_before <= now:
        raise InvalidTerms("the segment has ended; grant a new credit instead", "segment_id")
    if amount < ZERO and add(segment.balance, amount) < ZERO:
        raise InvalidTerms("is more than the balance holds", "amount")


def _check_credit(row: Adjustment, now: datetime) -> None:
    if row.product_id is None or row.access_from is None or row.access_until is None:
        raise InvalidTerms("a credit needs a product and its access", "product_id")
    if checked(row.amount, "amount", least=None) <= ZERO:
        raise InvalidTerms("must be above 0", "amount")
    check_product(row.product_id)
    check_scope(product_ids=row.applicable_product_ids, specifiers=())
    checked(row.priority, "priority", least=None)
    if row.contract_id is not None:
        living = Contract.objects.filter(pk=row.contract_id, customer_id=row.customer_id, archived_at__isnull=True)
        if not living.exists():
            raise InvalidTerms("the customer has no such contract", "contract_id")
    AccessSegment(row.amount, row.access_from, row.access_until)
    if row.access_until <= now:
        raise InvalidTerms("lies in the past", "ending_before")


def _post(row: Adjustment, customer: Customer, now: datetime) -> None:
    """The one place where an adjustment has its effect; the caller has checked it under the customer's balances."""
    require_transaction()
    key = f"adjustment:{row.pk}"
    if row.segment is not None:
        shares = row.seat_amounts and {seat_id: Decimal(share) for seat_id, share in row.seat_amounts.items()}
        asked = ManualEntry(
            segment_id=row.segment.pk, amount=row.amount, reason=row.public_reason, per_group_amounts=shares,
            timestamp=row.entry_at if row.api_key_id is not None else max(row.segment.starting_at, now),
            uniqueness_key=row.uniqueness_key or key,
        )  # fmt: skip
        made = post_manual_entries(row.segment.owner, asked=asked, now=now)
        row.entry, row.seat_entries = made[0], [one.pk for one in made] if shares else None
    elif row.product_id is not None and row.access_from is not None and row.access_until is not None:
        row.credit = grant(
            customer,
            new=NewBalance(
                kind=Balance.Kind.CREDIT, product_id=row.product_id, credit_type_id=row.credit_type_id,
                access=((row.amount, row.access_from, row.access_until),), name=row.credit_name,
                reason=row.public_reason, uniqueness_key=key, priority=row.priority,
                applicable_product_ids=tuple(row.applicable_product_ids),
                applicable_product_tags=tuple(row.applicable_product_tags),
                applicable_contract_ids=None if row.contract_id is None else (str(row.contract_id),),
            ),
            now=now,
        )  # fmt: skip
    row.status = Status.POSTED
    row.decided_at = now


def _decide(row: Adjustment, status: Adjustment.Status, decider: User | None, note: str, now: datetime) -> None:
    row.status = status
    row.decided_by, row.decided_at = decider, now
    row.decision_note = checked_text(note, field="note", longest=1000)


def _waiting(adjustment_id: UUID) -> Adjustment:
    """The row, locked. Raises NotFound, Conflict where it is decided."""
    rows = Adjustment.objects.select_for_update(of=("self",)).select_related("credit_type", "segment__owner")
    row = rows.filter(pk=adjustment_id).first()
    if row is None:
        raise NotFound(f"no adjustment {adjustment_id}")
    if row.status != Status.PENDING:
        raise Conflict(f"this is {row.get_status_display().lower()} already")
    return row


def _second_person(row: Adjustment, decider_id: int, now: datetime) -> User:
    if row.made_by_id == decider_id:
        raise NotAllowed("you asked for this yourself: somebody else decides")
    if not is_independent(maker_id=row.made_by_id, checker_id=decider_id, now=now):
        raise NotAllowed(NOT_INDEPENDENT)
    return _person(decider_id, APPROVE)


def _person(user_id: int, permission: str) -> User:
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None or not user.has_perm(permission):
        raise NotAllowed("your role may not do this")
    return user


def _customer(customer_id: UUID) -> Customer:
    """The living customer, locked against being archived meanwhile."""
    customer = Customer.objects.select_for_update(no_key=True).filter(pk=customer_id).first()
    if customer is None:
        raise NotFound(f"no customer {customer_id}", field="customer_id")
    if customer.archived_at is not None:
        raise InvalidInput("the customer is archived", field="customer_id")
    return customer


def _checked_reason(reason: AdjustmentReason) -> AdjustmentReason:
    if reason.reason_code not in Adjustment.ReasonCode.values:
        raise InvalidInput(f"must be one of {', '.join(Adjustment.ReasonCode.values)}", field="reason_code")
    public = checked_text(reason.public_reason, field="public_reason", longest=500)
    if not public:
        raise InvalidInput("is needed: the customer reads it", field="public_reason")
    url = checked_text(reason.ticket_url, field="ticket_url", longest=500)
    if url:
        check_link(url, field="ticket_url")
    return AdjustmentReason(reason.reason_code, public, checked_text(reason.note, field="note", longest=2000), url)


def _change(row: Adjustment) -> str:
    """What it moves, for people: "-25.00 USD" """
    unit = row.credit_type
    if row.segment is not None and row.segment.owner.access_type == AccessType.QUANTITY:
        return f"{format_quantity(row.amount)} units"
    return f"{format_money(row.amount, unit.minor_digits, unit.places)} {unit.code or unit.name}"


def _record_event(row: Adjustment, event_type: type[AdjustmentEvent], *, now: datetime, reason: str) -> None:
    """The one place from which events about adjustments go out."""
    change = _change(row)
    detail = {
        "change": change, "amount": plain(row.amount), "credit_type": row.credit_type.name,
        "reason_code": row.reason_code,
        "segment_id": str(row.segment_id) if row.segment_id else None,
        "credit_id": str(row.credit_id) if row.credit_id else None,
        "approval": row.approval or None, "ticket": row.ticket_url or None,
        "api_key": row.api_key.name if row.api_key is not None else None,
    }  # fmt: skip
    event = event_type(
        adjustment_id=row.pk,
        customer_id=row.customer_id,
        occurred_at=now,
        change=change,
        amount=row.amount,
        credit_type_id=row.credit_type_id,
        reason_code=row.reason_code,
        segment_id=row.segment_id,
        credit_id=row.credit_id,
    )
    audit.record(event.name, row, at=now, detail=detail, reason=reason)
    publish(event)
