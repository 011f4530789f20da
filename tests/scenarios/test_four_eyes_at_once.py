"""Acts of worth at the same time, with real commits: the sum of a day holds, and nobody waits for ever."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from metronome import Metronome

from balances.services.adjustments import (
    AdjustmentReason,
    CreditRequest,
    NewAdjustment,
    request_adjustment,
)
from contracts.services import archive_contract
from core import approvals, audit
from core.approval_models import ApprovalRequest, SoloAct
from core.approvals import NeedsApproval
from core.clock import now
from core.errors import Conflict
from core.staff import ensure_staff
from invoices.models import InvoiceListing
from invoices.services.void import regenerate_invoice, void_invoice
from tests.scenarios.balance_world import BalanceWorld
from tests.scenarios.test_four_eyes_documents import billed
from tests.scenarios.world import USD

LIMIT = Decimal(1_000_000)


def person(name: str, role: str = "finance") -> User:
    ensure_staff(username=name, role=role)
    return User.objects.get(username=name)


def at_once(jobs: list[tuple[User | None, Callable[[], object]]]) -> list[object]:
    """Each job as that person (None: nobody), in a thread of its own; what it returned, or the refusal it met."""

    def run(job: tuple[User | None, Callable[[], object]]) -> object:
        token = audit.set_actor(audit.Actor() if job[0] is None else audit.Actor(user_id=job[0].pk))
        try:
            return job[1]()
        except (NeedsApproval, Conflict) as refusal:
            return refusal
        finally:
            audit.reset_actor(token)
            connection.close()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))


def void(key: str) -> Callable[[], object]:
    return lambda: void_invoice(invoice_id=UUID(key), now=now(), reason="at once")


def test_one_persons_acts_at_once_stay_within_the_limit(live_sdk: Metronome) -> None:
    w, finn = BalanceWorld(live_sdk), person("finn")
    bills = [billed(w, 600_000, 600_000) for _ in range(2)]
    keys = [key for _, _, invoices in bills for key in invoices]
    found = at_once([(finn, void(key)) for key in keys])
    assert sum(isinstance(one, NeedsApproval) for one in found) == 3
    assert InvoiceListing.objects.filter(pk__in=keys, status="VOID").count() == 1
    assert [row.worth for row in SoloAct.objects.filter(made_by=finn)] == [600_000]

    # another's sum is another's, and nobody waits for them: different people, all kinds of acts, the same customer
    people = [person(f"other-{n}") for n in range(4)]
    customer, contract, [one, two] = billed(w, 300_000, 300_000)
    w.sdk.v1.invoices.void(id=two)
    product = UUID(w.fixed())
    credit = NewAdjustment(
        customer_id=UUID(customer),
        asked=CreditRequest(
            product_id=product, credit_type_id=UUID(USD), amount=Decimal(100_000), starting_at=w.today,
            ending_before=w.today + timedelta(days=30),
        ),
        reason=AdjustmentReason("GOODWILL", "For the outage"),
    )  # fmt: skip
    jobs: list[tuple[User | None, Callable[[], object]]] = [
        (people[0], void(one)),
        (people[1], lambda: regenerate_invoice(invoice_id=UUID(two), now=now(), reason="at once")),
        (people[2], lambda: request_adjustment(new=credit, maker_id=people[2].pk, now=now())),
        (
            people[3],
            lambda: archive_contract(
                contract_id=UUID(contract), customer_id=UUID(customer), void_invoices=True, now=now(), reason="at once"
            ),
        ),
    ]
    done = at_once(jobs)  # a deadlock would be raised
    assert not any(isinstance(row, NeedsApproval) for row in done)
    for each in people:
        assert sum(row.worth for row in SoloAct.objects.filter(made_by=each)) <= LIMIT


def asked(key: str, maker: User) -> ApprovalRequest:
    return approvals.ask(
        act="invoice.void", subject=InvoiceListing.objects.get(pk=key), title="Void it", parameters={}, reason="wrong",
        maker_id=maker.pk, now=now(),
    )  # fmt: skip


def approve(request: ApprovalRequest, who: User) -> Callable[[], object]:
    return lambda: approvals.approve(request_id=request.pk, decider_id=who.pk, now=now())


def test_approving_while_another_does_it_has_one_winner(live_sdk: Metronome) -> None:
    w, finn, olga, omar = BalanceWorld(live_sdk), person("finn"), person("olga", "owner"), person("omar", "owner")
    _, _, [one, two] = billed(w, 2_000_000, 2_000_000)
    request = asked(one, finn)
    found = at_once([(who, approve(request, who)) for who in (olga, omar, olga)])
    assert sum(isinstance(each, Conflict) for each in found) == 2
    request.refresh_from_db()
    assert (request.status, request.decided_by in (olga, omar)) == ("DONE", True)

    request = asked(two, finn)
    # an integration voids the same invoice: the second of the two is told so, and a request that came too late waits on
    found = at_once([(olga, approve(request, olga)), (None, void(two))])
    assert sum(isinstance(each, Conflict) for each in found) == 1
    request.refresh_from_db()
    assert request.status == ("PENDING" if isinstance(found[0], Conflict) else "DONE")
    assert InvoiceListing.objects.get(pk=two).status == "VOID"
    assert SoloAct.objects.count() == 0


def test_the_table_refuses_more_than_the_limit_of_a_day(live_sdk: Metronome) -> None:
    finn = person("finn")
    insert = """INSERT INTO core_soloact (act, subject_type, subject_id, worth, limit_worth, made_by_id, at)
                VALUES ('invoice.void', 'invoice', gen_random_uuid(), %s, 1000, %s, %s)"""

    def write(worth: int, hours_ago: float) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(insert, [worth, finn.pk, now() - timedelta(hours=hours_ago)])

    write(700, 50)
    write(600, 23)
    write(400, 0)
    for worth, hours in ((1, 0), (1001, 0), (0, 0), (-5, 0), (1, 23)):
        with pytest.raises(IntegrityError):
            write(worth, hours)
    found = at_once([(finn, lambda: _tried(write, 300, -30)) for _ in range(4)])
    assert sorted(found) == [False, True, True, True]
    for change in ("UPDATE core_soloact SET worth = 1", "DELETE FROM core_soloact"):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(change)


def _tried(write: Callable[[int, float], None], worth: int, hours_ago: float) -> bool:
    try:
        write(worth, hours_ago)
    except IntegrityError:
        return False
    return True
