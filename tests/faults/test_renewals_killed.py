"""kill -9 of the worker while it renews, ten times: each contract is renewed once, and wholly."""

import os
import subprocess
import sys
import time
from datetime import datetime, timedelta

import pytest
from django.db import connection

from contracts.models import Contract, RenewalDecision, RenewalPolicy
from contracts.services import create_contract
from contracts.services.renewals import set_renewal
from core.clock import now
from customers.services import create_customer
from tests.infra.test_early_answers import database_url

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("infra"), pytest.mark.timeout(180)]

MANY, KILLS = 60, 10
WORKER = """
import sys
from datetime import datetime
import django
django.setup()
from contracts.selectors.renewals import due_policies
from contracts.services.renewals import renew_due_contracts
from core.patience import bounded_waits
at = datetime.fromisoformat(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
while due_policies(now=at).exists():
    with bounded_waits():
        renew_due_contracts(now=at)
"""
"""What a job of the worker does, until nothing is left; it begins when told."""


def worker(later: datetime) -> "subprocess.Popen[str]":
    env = os.environ | {"DATABASE_URL": database_url(), "TACTUS_LOG_LEVEL": "WARNING"}
    command = [sys.executable, "-c", WORKER, later.isoformat()]
    return subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def begin(running: "subprocess.Popen[str]") -> None:
    assert running.stdout is not None
    assert running.stdin is not None
    assert running.stdout.readline() == "ready\n"
    running.stdin.write("go\n")
    running.stdin.flush()


def test_a_worker_that_is_killed_ten_times_renews_each_once() -> None:
    at = now()
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    made = []
    for number in range(MANY):
        customer = create_customer(name=f"Due {number}", ingest_aliases=[], now=at)
        start, end = day - timedelta(days=10), day + timedelta(days=5)
        made.append(create_contract(customer_id=customer.pk, starting_at=start, ending_before=end, now=at).pk)
        set_renewal(contract_id=made[-1], kind="SAME_TERMS", months=1, now=at)
    later, killed, done = day + timedelta(days=6), 0, 0
    standby = worker(later)
    try:
        for _ in range(KILLS):
            running, standby = standby, worker(later)
            begin(running)
            seen, deadline = done, time.monotonic() + 60
            while (done := RenewalDecision.objects.count()) < seen + 2 and time.monotonic() < deadline:
                time.sleep(0.002)
            running.kill()
            killed += running.wait() < 0
        assert 2 * KILLS <= done < MANY, "it was not killed in the middle of it"
        begin(standby)
        assert standby.wait(60) == 0
    finally:
        standby.kill()
        standby.wait()
        connection.close()
    assert killed == KILLS
    assert sorted(Contract.objects.filter(renews__in=made).values_list("renews_id", flat=True)) == sorted(made)
    decided = RenewalDecision.objects.values_list("contract_id", "outcome", "new_contract__renews_id")
    assert sorted(decided) == sorted((one, "RENEWED", one) for one in made)
    assert RenewalPolicy.objects.filter(state="ACTIVE", contract__renews__in=made, attempts=0).count() == MANY
    assert not RenewalPolicy.objects.exclude(state="DECIDED").filter(contract__in=made).exists()
