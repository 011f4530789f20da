"""Test clocks: customers whose time is told to go on, so that trials, renewals and month ends can be tried in a minute.

Only where TACTUS_TEST_CLOCKS is set, which production never does. What such a customer is owed, asked for and shown is
worked out as everybody's is, at its clock's time; nothing of it counts among the seller's own numbers of invoices.
"""

import logging
from datetime import datetime, timedelta
from time import monotonic
from uuid import UUID

from django.conf import settings
from django.db import OperationalError
from django.db.models import Max, Min, Prefetch, Q, QuerySet

from core import audit
from core.clock import ActingClock, acting_clock, acting_on
from core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.events import publish
from core.jobs import enqueue
from core.patience import passes_over
from core.postgres.locks import advisory_session_lock
from core.sweeps import next_due, run_customer_work
from core.transactions import use_case
from customers.events import TestClockAdvanced, TestClockCreated
from customers.models import Customer, TestClock

logger = logging.getLogger(__name__)

MOST_AT_ONCE = timedelta(days=2 * 366)
BUDGET_SECONDS = 40.0
MAX_ERROR = 500


def create_test_clock(*, name: str, at: datetime, now: datetime) -> TestClock:
    """A clock that stands at `at`, which may be any time. `now` is the machine's. Raises NotAllowed in production."""
    require_test_clocks()
    with use_case():
        clock = TestClock.objects.create(name=name, now_at=at, created_at=now, created_by=audit.current_actor().label)
        publish(TestClockCreated(test_clock_id=clock.pk, occurred_at=now, clock_name=name, clock_at=at))
        audit.record("test_clock.create", clock, at=now, detail={"name": name, "now_at": at.isoformat()})
    return clock


def advance_test_clock(*, clock_id: UUID, to: datetime, now: datetime) -> TestClock:
    """Tells a clock to go on to `to`; it goes at once, as a job, and `advance_due_clocks` sees that it arrives.

    Raises NotFound, InvalidInput for a time that is not ahead of it or more than two years, Conflict while it moves.
    """
    require_test_clocks()
    with use_case():
        clock = TestClock.objects.select_for_update().filter(pk=clock_id).first()
        if clock is None:
            raise NotFound(f"no test clock {clock_id}", field="test_clock_id")
        if clock.target_at is not None:
            raise Conflict("the clock is on its way; wait until it has arrived")
        if to <= clock.now_at:
            raise InvalidInput(f"must be after {clock.now_at:%Y-%m-%dT%H:%M:%SZ}, where the clock stands", field="to")
        if to > clock.now_at + MOST_AT_ONCE:
            raise InvalidInput("must be at most two years ahead; go there in several steps", field="to")
        previous, clock.target_at, clock.last_error = clock.now_at, to, ""
        clock.save(update_fields=["target_at", "last_error"])
        publish(TestClockAdvanced(test_clock_id=clock.pk, occurred_at=now, previous_at=previous, target_at=to))
        detail = {"from": previous.isoformat(), "to": to.isoformat()}
        audit.record("test_clock.advance", clock, at=now, detail=detail)
        enqueue("customers.run_test_clocks")
    return clock


def run_test_clocks(*, now: datetime) -> int:  # noqa: ARG001 - as every sweep is called
    """Sweep: does what is due for customers on test clocks, and takes those clocks further that are on their way.

    Returns how many steps and items it did. A clock stops at each time at which something is due, in order, and is
    there for all to see; one that is killed on the way goes on from where it stood. `now` is the machine's and decides
    nothing.
    """
    if not settings.TACTUS_TEST_CLOCKS:
        return 0
    end, done = monotonic() + BUDGET_SECONDS, 0
    for clock_id in TestClock.objects.order_by("created_at", "pk").values_list("pk", flat=True):
        try:
            with advisory_session_lock(f"test clock {clock_id}"):
                done += _run(clock_id, end)
        except OperationalError as error:
            if not passes_over(error):
                raise
    return done


def _run(clock_id: UUID, end: float) -> int:
    """Everything until the clock has arrived, or time is up. What fails stops it there and is tried again."""
    done = 0
    while True:
        clock = TestClock.objects.get(pk=clock_id)
        with acting_on(ActingClock(clock.pk, clock.now_at)):
            try:
                done += run_customer_work(now=clock.now_at)
                due = next_due(after=clock.now_at) if clock.target_at is not None else None
            except Exception as error:
                if isinstance(error, OperationalError):
                    raise
                logger.exception("test clock %s does not get on", clock_id)
                TestClock.objects.filter(pk=clock_id).update(last_error=str(error)[:MAX_ERROR])
                return done
        if clock.target_at is None:
            return done
        at = clock.target_at if due is None else min(due, clock.target_at)
        arrived = clock.now_at >= clock.target_at
        TestClock.objects.filter(pk=clock_id).update(
            now_at=at, target_at=None if arrived else clock.target_at, last_error=""
        )
        done += 1
        if arrived or monotonic() >= end:
            return done


def require_test_clocks() -> None:
    """Raises NotAllowed where there are none: in production."""
    if not settings.TACTUS_TEST_CLOCKS:
        raise NotAllowed("test clocks are for trying things and are not available in production")


def list_test_clocks() -> QuerySet[TestClock]:
    """All of them with their customers (two queries), newest first."""
    living = Prefetch("customers", Customer.objects.order_by("created_at", "pk"))
    return TestClock.objects.prefetch_related(living)


def get_test_clock(*, clock_id: UUID) -> TestClock:
    """One clock. Raises NotFound."""
    found = list_test_clocks().filter(pk=clock_id).first()
    if found is None:
        raise NotFound(f"no test clock {clock_id}", field="test_clock_id")
    return found


def present_of(clock_id: UUID) -> datetime:
    """The present of whoever is put on that clock. Raises NotAllowed in production, InvalidInput for no clock."""
    require_test_clocks()
    found = TestClock.objects.filter(pk=clock_id).values_list("now_at", flat=True).first()
    if found is None:
        raise InvalidInput("no such test clock", field="test_clock_id")
    return found


def clock_of(customer_id: UUID | str) -> ActingClock | None:
    """The test clock that a customer lives on; None for most, and for what is no id: whoever reads it refuses that.

    One small query where there are test clocks at all.
    """
    if not settings.TACTUS_TEST_CLOCKS:
        return None
    try:
        key = UUID(str(customer_id))
    except ValueError:
        return None
    found = (
        Customer.objects.filter(pk=key, test_clock__isnull=False)
        .values_list("test_clock_id", "test_clock__now_at")
        .first()
    )
    return None if found is None else ActingClock(*found)


def any_test_clocks() -> bool:
    """Whether there is one, as of a second ago at most. Costs nothing where there cannot be any."""
    if not settings.TACTUS_TEST_CLOCKS:
        return False
    if not _Seen.any and monotonic() >= _Seen.again_at:
        _Seen.any, _Seen.again_at = TestClock.objects.exists(), monotonic() + 1
    return _Seen.any


class _Seen:
    """What a process remembers: clocks are never deleted."""

    any = False
    again_at = 0.0


def in_our_time(path: str) -> Q:
    """Of rows whose customer's id is at `path`: those of the test clock that is acted on, or of customers on none.

    For sweeps: `now` is that clock's.
    """
    if not settings.TACTUS_TEST_CLOCKS:
        return Q()
    clock = acting_clock()
    if clock is None:
        return ~Q(**{f"{path}__in": Customer.objects.filter(test_clock__isnull=False).values("pk")})
    return Q(**{f"{path}__in": Customer.objects.filter(test_clock_id=clock.clock_id).values("pk")})


def span_of_presents(now: datetime) -> tuple[datetime, datetime]:
    """The earliest and the latest time that is the present to somebody: events are taken around all of them."""
    if not settings.TACTUS_TEST_CLOCKS:
        return now, now
    found = TestClock.objects.aggregate(first=Min("now_at"), last=Max("now_at"))
    times = [now, *(at for at in found.values() if at is not None)]
    return min(times), max(times)
