"""Four eyes: what one person may do alone, and requests that a second one decides (docs/adr/0022).

A service that does something of worth says so where it does it (`count_alone`), in the transaction of the act: so every
way to the act is measured by what it did, whoever called. Above the limit it raises `NeedsApproval` and nothing has
happened; the back office makes a request of it (`ask`), which a second person carries out (`approve`).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, connection
from django.db.models import Model, Q, QuerySet, Sum
from django.utils.module_loading import import_string

from core import audit
from core.approval_models import ApprovalRequest, SoloAct
from core.constraints import violated
from core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.patience import each_in_turn
from core.postgres.locks import advisory_xact_lock
from core.registry import GatedAct, gated_acts
from core.texts import checked_text
from core.transactions import require_transaction, together_with, use_case
from engine.limits import WINDOW, Allowance, Approval, approval
from engine.money import ZERO, total

Status = ApprovalRequest.Status
NEW_ACCOUNT: Final = timedelta(days=7)
"""For how long somebody whom the first person made or changed is no second one (sql/core_approvalrequest.sql)."""
NOT_INDEPENDENT: Final = "who asked had a part in making or changing your account within 7 days: somebody else decides"
FORGOTTEN: Final = "nobody decided in time"

_approved: ContextVar[ApprovalRequest | None] = ContextVar("approved", default=None)


class NeedsApproval(NotAllowed):
    """403: more than whoever asks may do alone. Nothing was done.

    `worth`: USD cents, None where nobody can say; `limit`: what they may do alone.
    """

    def __init__(self, worth: Decimal | None, limit: Decimal) -> None:
        self.worth, self.limit = worth, limit
        super().__init__(
            "this is more than you may do alone: ask for it in the back office, where a second one decides"
        )


@dataclass(frozen=True, slots=True)
class ActLimit:
    """What an actor may do alone within a day, in USD cents; `person_id`: who answers for it, None for nobody."""

    limit: Decimal
    person_id: int | None


def limit_of(actor: audit.Actor) -> ActLimit | None:
    """The limit of whoever acts; None where there is none: the system, the server's shell and its keys."""
    of: Callable[[audit.Actor], ActLimit | None] = import_string(settings.ACT_LIMIT)
    return of(actor)


@dataclass(frozen=True, slots=True)
class _Counted:
    """What was done, and what it is worth in USD cents."""

    act: str
    subject: Model
    worth: Decimal | None
    now: datetime


_together: ContextVar[list[_Counted] | None] = ContextVar("together", default=None)


def count_alone(*, act: str, subject: Model, worth: Decimal | None, now: datetime) -> None:
    """Counts what was just done against the limit of whoever does it; a part of the use case that does it.

    `worth`: USD cents, 0 or more, None where nobody can say. What a second person approved was looked at and counts for
    nobody. Takes the last lock of the transaction. Raises NeedsApproval, which undoes the act; within `counted_as_one`
    at the end of that block.
    """
    require_transaction()
    if worth == ZERO or not is_counted():
        return
    done, parts = _Counted(act, subject, worth, now), _together.get()
    if parts is None:
        _count([done])
    else:
        parts.append(done)


@contextmanager
def counted_as_one() -> Iterator[None]:
    """What a use case does in this block is one act of one worth, the sum of its parts, counted when the block ends.

    So that what waits for a second person says what all of it is worth, and the lock is the last one whatever the parts
    take. Raises NeedsApproval.
    """
    parts: list[_Counted] = []
    token = _together.set(parts)
    try:
        yield
    finally:
        _together.reset(token)
    if parts:
        _count(parts)


def is_counted() -> bool:
    """Whether what is done now counts against somebody's limit: whoever has none need not measure."""
    return not is_approved() and limit_of(audit.current_actor()) is not None


def spent_alone(*, person_id: int | None, api_key_id: UUID | None = None, now: datetime) -> Decimal:
    """What this person, or this key of theirs, did alone within the window, in USD cents; the larger sum of the two."""
    by_person = Q(made_by_id=person_id, made_by__isnull=False)
    by_key = Q(api_key_id=api_key_id, api_key__isnull=False)
    sums = (
        SoloAct.objects.filter(at__gt=now - WINDOW)
        .filter(by_person | by_key)
        .aggregate(person=Sum("worth", filter=by_person), key=Sum("worth", filter=by_key))
    )
    return max(sums["person"] or ZERO, sums["key"] or ZERO)


def waiting_about(subject: Model) -> dict[str, ApprovalRequest]:
    """What waits for a second person about this record, by act. One query."""
    rows = ApprovalRequest.objects.filter(
        status=Status.PENDING, subject_type=audit.subject_type_of(subject), subject_id=audit.subject_id_of(subject)
    )
    return {row.act: row for row in rows.select_related("made_by")}


def requests_about(subject: Model) -> list[tuple[str, UUID]]:
    """The requests there were about this record, the newest fifty, as the trail names them. One query."""
    rows = ApprovalRequest.objects.filter(
        subject_type=audit.subject_type_of(subject), subject_id=audit.subject_id_of(subject)
    )
    return [("approvalrequest", key) for key in rows.order_by("-made_at").values_list("pk", flat=True)[:50]]


def _count(parts: list[_Counted]) -> None:
    actor = audit.current_actor()
    allowed = limit_of(actor)
    if allowed is None:
        return
    worths = [part.worth for part in parts]
    worth = None if None in worths else total(each for each in worths if each is not None)
    names = {"person": allowed.person_id, "key": actor.api_key_id}
    advisory_xact_lock("acts", [f"{kind}:{name}" for kind, name in names.items() if name is not None])
    before = spent_alone(person_id=allowed.person_id, api_key_id=actor.api_key_id, now=parts[0].now)
    if worth is None or approval(worth, Allowance(allowed.limit, before)) is not Approval.NONE:
        raise NeedsApproval(worth, allowed.limit)
    SoloAct.objects.bulk_create(
        SoloAct(
            act=part.act, subject_type=audit.subject_type_of(part.subject),
            subject_id=audit.subject_id_of(part.subject), worth=part.worth, limit_worth=allowed.limit,
            made_by_id=allowed.person_id, api_key_id=actor.api_key_id, at=part.now,
        )
        for part in parts
    )  # fmt: skip


def is_approved() -> bool:
    """Whether a second person's decision is being carried out."""
    return _approved.get() is not None


def asked_by() -> str:
    """Who asked for what is being carried out; empty where nothing is."""
    row = _approved.get()
    return "" if row is None else name_of(row.made_by)


def name_of(user: User) -> str:
    """What a member of staff is called."""
    return user.get_full_name() or user.get_username()


def ask(
    *,
    act: str,
    subject: Model,
    title: str,
    parameters: dict[str, Any],
    reason: str,
    maker_id: int,
    now: datetime,
    worth: Decimal | None = None,
    limit: Decimal | None = None,
    account_id: int | None = None,
) -> ApprovalRequest:
    """A request for an act, which a second person decides.

    `subject`: what it is about; `account_id`: the account that it changes, where it is about one. Raises NotAllowed for
    people without the right, InvalidInput naming the field, Conflict where the same already waits.
    """
    gated = _gated(act)
    why = checked_text(reason, field="reason", longest=1000)
    if not why:
        raise InvalidInput("say why: whoever decides reads it", field="reason")
    try:
        with use_case():
            maker = _person(maker_id, gated.ask)
            row = ApprovalRequest.objects.create(
                act=act, subject_type=audit.subject_type_of(subject), subject_id=audit.subject_id_of(subject),
                title=title[:300], parameters=parameters, account_id=account_id, worth=worth, limit_worth=limit,
                reason=why, made_by=maker, made_at=now,
            )  # fmt: skip
            audit.record("approval.request", row, at=now, detail=_detail(row), reason=why)
    except IntegrityError as error:
        if violated(error) == "approval_waits_once":
            raise Conflict("this waits for a second person already") from error
        raise
    return row


def approve(*, request_id: UUID, decider_id: int, now: datetime, note: str = "") -> Model | None:
    """A second person carries out what the first one asked for; returns the record that it made or changed.

    The act and the decision are committed together. Raises NotFound, NotAllowed (also for the first person, and for
    whoever they made or changed of late), Conflict where it is decided or waited for too long, and what the act raises:
    then it still waits.
    """
    row = ApprovalRequest.objects.filter(pk=request_id).first()
    if row is None:
        raise NotFound(f"no request {request_id}")
    carry_out: Callable[..., Model | None] = import_string(_gated(row.act).carry_out)

    @contextmanager
    def deciding() -> Iterator[None]:
        held = _waiting(request_id)
        decider = _second_person(held, decider_id, now)
        if now >= held.made_at + waiting_time():
            raise Conflict("this waited for too long; it has to be asked for again")
        token = _approved.set(held)
        try:
            yield
        finally:
            _approved.reset(token)
        made = _made_account.get()
        if held.account_id is None and made is not None:
            held.account_id = made
        _decide(held, Status.DONE, decider, note, now)

    cleared = _made_account.set(None)
    try:
        with together_with(deciding):
            return carry_out(row.subject_id, row.parameters, row.reason, now)
    finally:
        _made_account.reset(cleared)


def made_account(user: User) -> None:
    """Says which account the act that is being carried out has made."""
    _made_account.set(user.pk)


def reject(*, request_id: UUID, decider_id: int, note: str, now: datetime) -> ApprovalRequest:
    """A second person refuses, and says why. Raises as `approve`, InvalidInput without a note."""
    if not note.strip():
        raise InvalidInput("say why", field="note")
    with use_case():
        row = _waiting(request_id)
        _decide(row, Status.REJECTED, _second_person(row, decider_id, now), note, now)
    return row


def withdraw(*, request_id: UUID, maker_id: int, now: datetime, note: str = "") -> ApprovalRequest:
    """Whoever asked takes it back. Raises NotFound, NotAllowed for everybody else, Conflict where it is decided."""
    with use_case():
        row = _waiting(request_id)
        if row.made_by_id != maker_id:
            raise NotAllowed("only who asked for it may withdraw it")
        _decide(row, Status.WITHDRAWN, None, note, now)
    return row


def withdraw_forgotten(*, now: datetime) -> int:
    """Sweep: what nobody decided in time is withdrawn; returns how many. Twice changes nothing."""
    due = ApprovalRequest.objects.filter(status=Status.PENDING, made_at__lte=now - waiting_time())
    return each_in_turn(list(due.order_by("made_at").values_list("pk", flat=True)[:200]), lambda key: _forget(key, now))


def waiting_time() -> timedelta:
    """For how long a request may wait."""
    return timedelta(hours=settings.TACTUS_ADJUSTMENT_WAITS_HOURS)


def is_independent(*, maker_id: int | None, checker_id: int, now: datetime) -> bool:
    """Whether this is a second person to that one: another, whose account the first had no part in for seven days."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT core_checker_is_independent(%s, %s, %s)", [maker_id, checker_id, now])
        return bool(cursor.fetchone()[0])


def influenced_by(*, user: User, now: datetime) -> QuerySet[ApprovalRequest, int]:
    """The accounts that this person had a part in making or changing within seven days, as a subquery of numbers."""
    rows = ApprovalRequest.objects.filter(status=Status.DONE, decided_at__gt=now - NEW_ACCOUNT, account__isnull=False)
    return rows.filter(Q(made_by=user) | Q(decided_by=user)).order_by().values_list("account", flat=True)


def deciders(*, row: ApprovalRequest, now: datetime) -> list[User]:
    """Who may decide this now, by name: active, with the right, and a second person to whoever asked."""
    found = User.objects.with_perm(_gated(row.act).approve, backend="django.contrib.auth.backends.ModelBackend")
    others = found.filter(is_staff=True).exclude(pk__in=[row.made_by_id, row.account_id or 0])
    independent = others.exclude(pk__in=influenced_by(user=row.made_by, now=now))
    return list(independent.order_by("first_name", "last_name", "username"))


def waiting_for(user: User) -> int:
    """How many requests this person could decide. One query."""
    mine = [act.name for act in gated_acts().values() if user.has_perm(act.approve)]
    rows = ApprovalRequest.objects.filter(status=Status.PENDING, act__in=mine)
    return rows.exclude(made_by=user).exclude(account=user).count()


_made_account: ContextVar[int | None] = ContextVar("made_account", default=None)


def _gated(act: str) -> GatedAct:
    gated = gated_acts().get(act)
    if gated is None:
        raise LookupError(f"no app says how {act} is carried out")
    return gated


def _waiting(request_id: UUID) -> ApprovalRequest:
    """The row, locked. Raises NotFound, Conflict where it is decided."""
    row = ApprovalRequest.objects.select_for_update().filter(pk=request_id).first()
    if row is None:
        raise NotFound(f"no request {request_id}")
    if row.status != Status.PENDING:
        raise Conflict(f"this is {row.get_status_display().lower()} already")
    return row


def _second_person(row: ApprovalRequest, decider_id: int, now: datetime) -> User:
    if row.made_by_id == decider_id:
        raise NotAllowed("you asked for this yourself: somebody else decides")
    if row.account_id == decider_id:
        raise NotAllowed("this is about your own account: somebody else decides")
    decider = _person(decider_id, _gated(row.act).approve)
    if not is_independent(maker_id=row.made_by_id, checker_id=decider_id, now=now):
        raise NotAllowed(NOT_INDEPENDENT)
    return decider


def _person(user_id: int, permission: str) -> User:
    user = User.objects.filter(pk=user_id, is_active=True, is_staff=True).first()
    if user is None or not user.has_perm(permission):
        raise NotAllowed("your role may not do this")
    return user


def _decide(
    row: ApprovalRequest, status: ApprovalRequest.Status, decider: User | None, note: str, now: datetime
) -> None:
    """The one place where a decision is written and told."""
    require_transaction()
    row.status, row.decided_by, row.decided_at = status, decider, now
    row.decision_note = checked_text(note, field="note", longest=1000)
    row.save()
    if status == Status.DONE:
        audit.record("approval.approve", row, at=now, detail=_detail(row), reason=row.decision_note)
    elif status == Status.REJECTED:
        audit.record("approval.reject", row, at=now, detail=_detail(row), reason=row.decision_note)
    else:
        audit.record("approval.withdraw", row, at=now, detail=_detail(row), reason=row.decision_note)


def _forget(request_id: UUID, now: datetime) -> int:
    with use_case():
        row = ApprovalRequest.objects.select_for_update(skip_locked=True).filter(pk=request_id).first()
        if row is None or row.status != Status.PENDING:
            return 0
        _decide(row, Status.WITHDRAWN, None, FORGOTTEN, now)
    return 1


def _detail(row: ApprovalRequest) -> dict[str, Any]:
    return {
        "act": _gated(row.act).title,
        "what": row.title,
        "asked_by": name_of(row.made_by),
    }
