"""Whatever happens in whatever order, nobody is promised more than there is, and an event is never left out."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
import time_machine
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from metronome import Metronome

from billing.api.balances import USD
from core.clock import now
from reservations.models import Reservation, Spendable
from reservations.services import reservations
from tests.plugins.clock import travel
from tests.scenarios.reservation_world import ReservationWorld

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("reserve"), st.integers(1, 60), st.integers(1, 20)),
        st.tuples(st.just("reserve_for_known"), st.integers(1, 60), st.integers(1, 20)),
        st.tuples(st.just("commit"), st.integers(0, 9), st.integers(1, 60)),
        st.tuples(st.just("release"), st.integers(0, 9), st.just(0)),
        st.tuples(st.just("event"), st.integers(0, 9), st.just(0)),
        st.tuples(st.just("usage"), st.integers(1, 30), st.just(0)),
        st.tuples(st.just("top_up"), st.integers(1, 90), st.just(0)),
        st.tuples(st.just("manual"), st.integers(-60, 30).filter(bool), st.just(0)),
        st.tuples(st.just("refresh_available_balance"), st.just(0), st.just(0)),
        st.tuples(st.just("sweep"), st.just(0), st.just(0)),
        st.tuples(st.just("time"), st.integers(1, 15), st.just(0)),
    ),
    min_size=4,
    max_size=25,
)


class Life:
    """A customer, what there is (given less used), and what each reservation stands for."""

    def __init__(self, w: ReservationWorld, machine: time_machine.Traveller) -> None:
        self.w, self.machine = w, machine
        self.customer, self.metric = w.prepaid_customer(100)
        self.credit = w.held(self.customer)[0]
        self.there, self.used = Decimal(100), Decimal(0)
        self.mine: list[dict[str, Any]] = []
        self.unseen = False  # usage that nobody reserved and that may be up to a second old
        self.number = 0

    @property
    def left(self) -> Decimal:
        return max(self.there - self.used, Decimal(0))

    def kept(self) -> Decimal:
        """What reservations must still keep from others: those whose event is not among what was used."""
        self.look()
        kept = (one["amount"] for one in self.mine if one["status"] in ("HELD", "COMMITTED") and not one["came"])
        return sum(kept, Decimal(0))

    def look(self) -> None:
        """Who has expired or is settled is the system's to say; whether it may be is checked below."""
        for one in self.mine:
            one["status"] = Reservation.objects.get(pk=one["id"]).status

    def one(self, number: int) -> dict[str, Any] | None:
        return self.mine[number % len(self.mine)] if self.mine else None

    def reserve(self, amount: int, seconds: int, event: str | None = None) -> None:
        if self.unseen:
            self.machine.shift(2)
            self.unseen = False
        more = {} if event is None else {"transaction_id": event}
        answer = self.w.post("reserve", customer_id=self.customer, amount=amount, ttl_seconds=seconds, **more)
        if answer.status_code == 200:
            assert self.kept() + amount <= self.left, "promised more than there is"
            self.mine.append({
                "id": answer.json()["data"]["id"], "amount": Decimal(amount), "status": "HELD", "event": event,
                "sent": False, "came": False,
            })  # fmt: skip
        else:
            assert answer.status_code == 402
            assert self.kept() + amount > self.left, "refused what there was"

    def reserve_for_known(self, amount: int, seconds: int) -> None:
        self.number += 1
        self.reserve(amount, seconds, f"{self.customer}-{self.number}")

    def commit(self, number: int, amount: int) -> None:
        one = self.one(number)
        if one is None:
            return
        name = one["event"] or f"{self.customer}-of-{one['id']}"
        asked = min(Decimal(amount), one["amount"])
        answer = self.w.post("commit", reservation_id=one["id"], transaction_id=name, amount=str(asked))
        if answer.status_code != 200:
            assert (answer.status_code, one["status"] in ("RELEASED", "EXPIRED", "HELD")) == (409, True)
        elif answer.json()["data"]["status"] == "COMMITTED" != one["status"]:
            one.update(event=name, amount=asked)

    def release(self, number: int, _: int) -> None:
        one = self.one(number)
        if one is not None:
            status = self.w.post("release", reservation_id=one["id"]).status_code
            assert status == (409 if one["status"] in ("COMMITTED", "SETTLED", "LAPSED") else 200)

    def event(self, number: int, _: int) -> None:
        one = self.one(number)
        if one is not None and one["event"] is not None and not one["sent"]:
            units = min(one["amount"], self.left)
            self.w.spend(self.customer, self.metric, units, one["event"])
            one.update(sent=True, came=one["status"] in ("HELD", "COMMITTED"))
            self.unseen = self.unseen or not one["came"]
            self.used += units

    def usage(self, units: int, _: int) -> None:
        used = min(Decimal(units), self.left)
        self.w.use(self.customer, self.metric, used)
        self.used += used
        self.unseen = True

    def top_up(self, amount: int, _: int) -> None:
        self.w.grant(self.customer, amount, self.w.days_ago(5), self.w.days_ago(-30))
        self.there += amount

    def manual(self, amount: int, _: int) -> None:
        left = next(Decimal(str(row.balance)) for row in self.w.held(self.customer) if row.id == self.credit.id)
        taken = max(Decimal(amount), -left)
        if taken:
            segment = self.credit.access_schedule.schedule_items[0].id
            self.w.manual(self.customer, self.credit.id, segment, float(taken), "by hand")
            self.there += taken

    def refresh_available_balance(self, *_: int) -> None:
        reservations.refresh_available_balance(customer_id=UUID(self.customer), credit_type_id=USD, now=now())

    def sweep(self, *_: int) -> None:
        self.w.run_due_work(until=now())

    def time(self, seconds: int, _: int) -> None:
        self.machine.shift(seconds)

    def check(self) -> None:
        self.look()
        assert self.w.net(self.customer) == self.left
        rows = Reservation.objects.filter(customer_id=self.customer)
        for status, kept in (("HELD", "held"), ("COMMITTED", "committed")):
            summed = rows.filter(status=status).aggregate(sum=Sum("amount"))["sum"] or 0
            for spendable in Spendable.objects.filter(customer_id=self.customer):
                assert getattr(spendable, kept) == summed
        for one in self.mine:
            assert one["status"] != "SETTLED" or one["sent"], "settled by an event that never came"
            if one["status"] in ("HELD", "COMMITTED"):
                assert rows.get(pk=one["id"]).amount == one["amount"]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_never_more_than_there_is(sdk: Metronome, http: httpx.Client, steps: list[tuple[str, int, int]]) -> None:
    with travel(now(), tick=False) as machine:
        life = Life(ReservationWorld(sdk, http), machine)
        for name, size, more in steps:
            getattr(life, name)(size, more)
            life.check()
