"""What several do to one customer's balances at once ends as if they had done it one after the other, in some order.

Over a live server with real commits: the steps run side by side on one customer, then in every order, one by one, on
customers of their own. The first must have ended as one of the others did.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import permutations
from threading import Barrier
from typing import Any

from django.core.management import call_command
from django.db import connection
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from metronome import BadRequestError, ConflictError, Metronome

from balances.models import Segment
from billing.services.expiry import expire_ended_segments
from core.clock import now
from invoices.services.finalize import finalize_due_invoices
from tests.scenarios.balance_world import BalanceWorld
from tests.scenarios.world import exact

EXAMPLES = 3
"""Each plays seven worlds; 40 of them were played when this was written."""


class Customer:
    """A final invoice that drew 300, a due draft of 500, and a credit of 600 that both may draw on."""

    def __init__(self, w: BalanceWorld, metric: Any, card: str) -> None:
        self.w = w
        self.id = w.customer()
        self.credit = w.grant(self.id, 600, w.days_ago(20), w.days_ago(-20))
        self.segment = w.held(self.id)[0].access_schedule.schedule_items[0].id
        w.use(self.id, metric, 3, w.days_ago(14))
        w.contract(self.id, card, w.days_ago(15), ending_before=w.days_ago(13))
        finalize_due_invoices(now=now())
        [self.final] = [row.id for row in w.invoices(self.id, status="FINALIZED")]
        w.use(self.id, metric, 5, w.days_ago(9))
        w.contract(self.id, card, w.days_ago(10), ending_before=w.days_ago(8))

    def do(self, step: str) -> None:
        """One step; what is refused in this order is refused."""
        try:
            with suppress(BadRequestError, ConflictError):
                STEPS[step](self)
        finally:
            connection.close()

    def state(self) -> Any:
        """How everything ended, but for ids and times."""
        sums = ("granted", "manual", "used", "expired", "rolled_over", "balance")
        rows = Segment.objects.filter(owner__customer_id=self.id).order_by("starting_at", "owner__priority")
        segments = [tuple(getattr(row, name) for name in sums) for row in rows]
        invoices = sorted((row.status, exact(row.total)) for row in self.w.invoices(self.id))
        return segments, invoices, self.w.net(self.id)


def _sweep(_: Customer) -> None:
    finalize_due_invoices(now=now())


def _expire(customer: Customer) -> None:
    end = customer.w.days_ago(7)
    customer.w.sdk.v1.customers.credits.update_end_date(
        customer_id=customer.id, credit_id=customer.credit, access_ending_before=end
    )
    expire_ended_segments(now=now())


def _resize(customer: Customer) -> None:
    change: Any = {"update_schedule_items": [{"id": customer.segment, "amount": 400}]}
    customer.w.sdk.v2.contracts.edit_credit(customer_id=customer.id, credit_id=customer.credit, access_schedule=change)


STEPS: dict[str, Callable[[Customer], object]] = {
    "finalize": _sweep,
    "top up": lambda c: c.w.manual(c.id, c.credit, c.segment, 75, "sorry"),
    "take": lambda c: c.w.manual(c.id, c.credit, c.segment, -50, "used by mistake"),
    "grant": lambda c: c.w.grant(c.id, 40, c.w.days_ago(10), c.w.days_ago(-3), priority=0),
    "end access": _expire,
    "void": lambda c: c.w.sdk.v1.invoices.void(id=c.final),
    "regenerate": lambda c: c.w.sdk.v1.invoices.regenerate(id=c.final),
    "resize": _resize,
}


def at_once(customer: Customer, steps: Sequence[str]) -> None:
    start = Barrier(len(steps))

    def run(step: str) -> None:
        start.wait(10)
        customer.do(step)

    with ThreadPoolExecutor(len(steps)) as pool:
        list(pool.map(run, steps))


@settings(
    max_examples=EXAMPLES, deadline=None, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(steps=st.lists(st.sampled_from([*STEPS]), min_size=3, max_size=3, unique=True))
def test_at_once_is_one_after_the_other_in_some_order(live_sdk: Metronome, steps: list[str]) -> None:
    w = BalanceWorld(live_sdk)
    metric, _, card = w.priced(price=100)
    subject = Customer(w, metric, card)
    at_once(subject, steps)
    ended = subject.state()
    possible = {}
    for order in permutations(steps):
        other = Customer(w, metric, card)
        for step in order:
            other.do(step)
        possible[order] = other.state()
    assert ended in possible.values(), possible
    call_command("verify_balances")
