"""kill -9 of the worker while it renews, ten times: each contract is renewed once, and wholly."""

import os
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta

import pytest

from contracts.models import Contract, RenewalDecision, RenewalPolicy
from contracts.services import create_contract
from contracts.services.renewals import set_renewal
from core.clock import now
from customers.services import create_customer
from tests.infra.test_early_answers import database_url

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("infra"), pytest.mark.timeout(120)]

MANY, KILLS = 60, 10
WORKERS = """
import os, sys
from datetime import datetime
import django
django.setup()
from contracts.selectors.renewals import due_policies
from contracts.services.renewals import renew_due_contracts
from core.patience import bounded_waits
at = datetime.fromisoformat(sys.argv[1])
for _ in sys.stdin:
    worker = os.fork()
    if not worker:
        while due_policies(now=at).exists():
            with bounded_waits():
                renew_due_contracts(now=at)
        os._exit(0)
    print(worker, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]), flush=True)
"""
"""For each line it forks a worker that does what a job does until nothing is left; says its id, then how it ended."""


def workers(later: datetime) -> "subprocess.Popen[str]":
    env = os.environ | {"DATABASE_URL": database_url(), "TACTUS_LOG_LEVEL": "WARNING"}
    command = [sys.executable, "-c", WORKERS, later.isoformat()]
    return subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def begin(parent: "subprocess.Popen[str]") -> int:
    assert parent.stdin is not None
    parent.stdin.write("go\n")
    parent.stdin.flush()
    return said(parent)


def said(parent: "subprocess.Popen[str]") -> int:
    assert parent.stdout is not None
    return int(parent.stdout.readline())


def test_a_worker_that_is_killed_ten_times_renews_each_once() -> None:
    at = now()
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    made = []
    for number in range(MANY):
        customer = create_customer(name=f"Due {number}", ingest_aliases=[], now=at)
        start, end = day - timedelta(days=10), day + timedelta(days=5)
        made.append(create_contract(customer_id=customer.pk, starting_at=start, ending_before=end, now=at).pk)
        set_renewal(contract_id=made[-1], kind="SAME_TERMS", months=1, now=at)
    later, ended, done = day + timedelta(days=6), [], 0
    parent = workers(later)
    try:
        for _ in range(KILLS):
            running = begin(parent)
            seen, deadline = done, time.monotonic() + 20
            while (done := RenewalDecision.objects.count()) < seen + 2:
                assert time.monotonic() < deadline, "it does not go on"
                time.sleep(0.002)
            os.kill(running, signal.SIGKILL)
            ended.append(said(parent))
        assert RenewalDecision.objects.count() < MANY, "it was not killed in the middle of it"
        begin(parent)
        assert said(parent) == 0
    finally:
        parent.kill()
        parent.wait()
    assert ended == [-signal.SIGKILL] * KILLS
    assert sorted(Contract.objects.filter(renews__in=made).values_list("renews_id", flat=True)) == sorted(made)
    decided = RenewalDecision.objects.values_list("contract_id", "outcome", "new_contract__renews_id")
    assert sorted(decided) == sorted((one, "RENEWED", one) for one in made)
    assert RenewalPolicy.objects.filter(state="ACTIVE", contract__renews__in=made, attempts=0).count() == MANY
    assert not RenewalPolicy.objects.exclude(state="DECIDED").filter(contract__in=made).exists()
