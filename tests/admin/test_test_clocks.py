"""A test clock from the back office alone."""

from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from core.clock import now
from core.sweeps import run_due_work
from customers.models import Customer, TestClock

ADD = "/admin/customers/testclock/add/"


@pytest.fixture(autouse=True)
def with_test_clocks(settings: Any) -> None:
    settings.TACTUS_TEST_CLOCKS = True


def test_finance_sets_one_up_and_lets_it_go_on(present: datetime, finance: Client) -> None:
    made = finance.post(ADD, {"name": "A year from now", "at": "2027-03-01T09:00"}, follow=True)
    assert "A year from now is set up." in made.content.decode()
    clock = TestClock.objects.get()
    page = f"/admin/customers/testclock/{clock.pk}/change/"
    added = finance.post(f"/admin/customers/testclock/{clock.pk}/customer/", {"name": "Later, Inc."}, follow=True)
    assert added.status_code == 200
    text = added.content.decode()
    assert "On a test clock:" in text
    assert "1 Mar 2027" in text  # its page is of its own present
    customer = Customer.objects.get(name="Later, Inc.")
    refused = finance.post(f"/admin/customers/testclock/{clock.pk}/advance/", {"to": "2027-02-01T00:00"})
    assert refused.status_code == 400
    assert "where the clock stands" in refused.content.decode()
    finance.post(f"/admin/customers/testclock/{clock.pk}/advance/", {"to": "2027-04-02T00:00"})
    assert "On its way" in finance.get(page).content.decode()
    run_due_work(clock=now)
    clock.refresh_from_db()
    assert (clock.now_at.month, clock.now_at.day, clock.target_at) == (4, 2, None)
    shown = finance.get(f"/admin/customers/customer/{customer.pk}/change/").content.decode()
    assert "2 Apr 2027" in shown
    assert "Later, Inc." in finance.get(page).content.decode()


def test_support_may_try_things_too(present: datetime, support: Client) -> None:
    made = support.post(ADD, {"name": "Mine", "at": "2027-03-01T09:00"}, follow=True)
    assert "Mine is set up." in made.content.decode()


def test_there_are_none_in_production(present: datetime, finance: Client, settings: Any) -> None:
    settings.TACTUS_TEST_CLOCKS = False
    refused = finance.post(ADD, {"name": "Live", "at": "2027-03-01T09:00"})
    assert refused.status_code == 400
    assert "not available in production" in refused.content.decode()
    assert not TestClock.objects.exists()
