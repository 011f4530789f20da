"""What an account comes to does not depend on when expiries were posted, whatever became of it.

Each life is lived by two customers: after every step of the first all sweeps run, for the second that of expiries only
when all is over. Both are refused the same, pay the same, and have the same left; no line of a ledger is below 0.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from metronome import APIStatusError

from balances.models import Segment
from billing.services.expiry import expire_ended_segments
from core.clock import now
from invoices.services.finalize import finalize_due_invoices
from tests.scenarios.balance_world import BalanceWorld
from tests.scenarios.world import Metric, exact

EXAMPLES = 3
"""30 lives were played when this was written."""

DAYS = st.integers(-3, 32)
SMALL = st.integers(0, 3)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("grant"), st.integers(1, 12), DAYS, SMALL),
        st.tuples(st.just("contract"), st.integers(2, 32), st.integers(1, 40), SMALL),
        st.tuples(st.just("use"), st.integers(1, 9), st.integers(1, 32), SMALL),
        st.tuples(st.just("renew"), SMALL, st.integers(1, 31), SMALL),
        st.tuples(st.just("end"), SMALL, DAYS, SMALL),
        st.tuples(st.just("reopen"), SMALL, DAYS, SMALL),
        st.tuples(st.just("access"), SMALL, DAYS, SMALL),
        st.tuples(st.just("resize"), SMALL, st.integers(0, 12), SMALL),
        st.tuples(st.just("manual"), SMALL, st.integers(-8, 8).filter(bool), SMALL),
        st.tuples(st.just("void"), SMALL, DAYS, SMALL),
        st.tuples(st.just("regenerate"), SMALL, DAYS, SMALL),
    ),
    min_size=4,
    max_size=12,
)
Step = tuple[str, int, int, int]


class Life:
    """A customer, its contracts and its balances in the order of making; amounts in hundreds of cents."""

    def __init__(self, w: BalanceWorld, metric: Metric, card: str, product: str) -> None:
        self.w, self.metric, self.card, self.product = w, metric, card, product
        self.customer = w.customer()
        self.contracts: list[str] = []
        self.answers: list[tuple[str, int]] = []
        self.made = 0

    def live(self, steps: list[Step], *, swept: bool) -> None:
        """All steps, invoices being final before each."""
        self._do(("contract", 20 + steps[0][1] % 9, 3 + steps[0][2] % 30, 1))
        for step in steps:
            self._do(step)
            finalize_due_invoices(now=now())
            if swept:
                expire_ended_segments(now=now())

    def _do(self, step: Step) -> None:
        name, first, second, third = step
        try:
            getattr(self, f"_{name}")(first, second, third)
        except APIStatusError as error:
            if error.status_code >= 500:
                raise
            self.answers.append((name, error.status_code))

    def _grant(self, amount: int, day: int, length: int) -> None:
        start, end = self._at(day), self._at(day - 2 - 5 * length)
        self.w.grant(self.customer, 100 * amount, start, end, product_id=self.product, priority=self._next())

    def _contract(self, day: int, length: int, share: int, **more: Any) -> None:
        start, end = self._at(day) + timedelta(hours=len(self.contracts)), self._at(day - length)
        commit = self.w.prepaid(
            500, start, end, product_id=self.product, priority=self._next(), rollover_fraction=(0, 0.25, 0.5, 1)[share]
        )
        until = {"ending_before": end} if share % 2 else {}
        schedule = {"frequency": "WEEKLY", "day": "CONTRACT_START"}
        self.contracts.append(
            self.w.contract(
                self.customer, self.card, start, usage_statement_schedule=schedule, commits=[commit], **until, **more
            )
        )

    def _renew(self, which: int, day: int, share: int) -> None:
        old = self.contracts[which % len(self.contracts)]
        self._contract(day, 12, share, transition={"type": "RENEWAL", "from_contract_id": old})

    def _use(self, quantity: int, day: int, _: int) -> None:
        self.w.use(self.customer, self.metric, quantity, self._at(day) + timedelta(hours=5))

    def _end(self, which: int, day: int, _: int) -> None:
        contract = self.contracts[which % len(self.contracts)]
        self.w.sdk.v1.contracts.update_end_date(
            customer_id=self.customer, contract_id=contract, ending_before=self._at(day)
        )

    def _reopen(self, which: int, _day: int, _: int) -> None:
        contract = self.contracts[which % len(self.contracts)]
        self.w.sdk.v1.contracts.update_end_date(customer_id=self.customer, contract_id=contract)

    def _access(self, which: int, day: int, way: int) -> None:
        row = self._one(which)
        api, key = self.w.sdk.v1.customers.credits, "credit_id"
        edit: Callable[..., Any] = self.w.sdk.v2.contracts.edit_credit
        if row.type != "CREDIT":
            api, key, edit = self.w.sdk.v1.customers.commits, "commit_id", self.w.sdk.v2.contracts.edit_commit  # type: ignore[assignment]
        named = {"customer_id": self.customer, key: row.id}
        if way % 2:
            api.update_end_date(**named, access_ending_before=self._at(day))
        else:
            item = {"id": row.access_schedule.schedule_items[0].id, "ending_before": self._at(day)}
            edit(**named, access_schedule={"update_schedule_items": [item]})

    def _resize(self, which: int, amount: int, _: int) -> None:
        row = self._one(which)
        item = {"id": row.access_schedule.schedule_items[0].id, "amount": 100 * amount}
        change: Any = {"access_schedule": {"update_schedule_items": [item]}, "customer_id": self.customer}
        if row.type == "CREDIT":
            self.w.sdk.v2.contracts.edit_credit(credit_id=row.id, **change)
        else:
            self.w.sdk.v2.contracts.edit_commit(commit_id=row.id, **change)

    def _manual(self, which: int, amount: int, day: int) -> None:
        row = self._one(which)
        [item] = row.access_schedule.schedule_items
        at = {"timestamp": item.starting_at + timedelta(days=day)} if day else {}
        self.w.manual(self.customer, row.id, item.id, 50 * amount, "by hand", **at)

    def _void(self, which: int, _day: int, _: int) -> None:
        if rows := self._invoices("FINALIZED"):
            self.w.sdk.v1.invoices.void(id=rows[which % len(rows)].id)

    def _regenerate(self, which: int, _day: int, _: int) -> None:
        if rows := self._invoices("VOID"):
            self.w.sdk.v1.invoices.regenerate(id=rows[which % len(rows)].id)

    def _at(self, day: int) -> datetime:
        return self.w.days_ago(day)

    def _next(self) -> int:
        self.made += 1
        return self.made

    def _one(self, which: int) -> Any:
        rows = self._balances()
        return rows[which % len(rows)]

    def _balances(self) -> list[Any]:
        return sorted(self.w.held(self.customer), key=lambda row: (row.priority, bool(row.rolled_over_from)))

    def _invoices(self, status: str) -> list[Any]:
        rows = [row for row in self.w.invoices(self.customer, status=status) if row.type == "USAGE"]
        return sorted(
            rows, key=lambda row: (row.start_timestamp, self.contracts.index(row.contract_id), exact(row.total))
        )

    def came_to(self) -> Any:
        """What it was answered, what it pays, and what is left of each balance and how that came about."""
        sums = ("granted", "manual", "used", "expired", "rolled_over", "balance", "starting_at", "ending_before")
        segments = Segment.objects.filter(owner__customer_id=self.customer, removed_at__isnull=True)
        kept = sorted((row.owner.priority, *(getattr(row, name) for name in sums)) for row in segments)
        return self.answers, kept, self.paid(), self.w.net(self.customer)

    def paid(self) -> Any:
        """What each invoice comes to."""
        return sorted(
            (self.contracts.index(row.contract_id), row.type, str(row.start_timestamp), row.status, exact(row.total))
            for row in self.w.invoices(self.customer)
        )

    def check_ledgers(self) -> None:
        """No line leaves less than 0, unless entries by hand took more than there was."""
        for row in self._balances():
            owned = Segment.objects.filter(owner_id=row.id)
            if any(entry.kind == "MANUAL" and entry.amount < 0 for part in owned for entry in part.entries.all()):
                continue
            running = Decimal(0)
            for entry in row.ledger:
                running += exact(entry.amount)
                assert running >= 0, row.ledger
            assert running == exact(row.balance)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS)
def test_when_expiries_were_posted_changes_nothing(balances: BalanceWorld, steps: list[Step]) -> None:
    w = balances
    metric, _, card = w.priced(price=100)
    product = w.fixed()
    swept, late = (Life(w, metric, card, product) for _ in range(2))
    swept.live(steps, swept=True)
    late.live(steps, swept=False)
    assert swept.paid() == late.paid()
    w.run_due_work()
    assert swept.came_to() == late.came_to()
    for life in (swept, late):
        life.check_ledgers()
