"""No account, role, address or password is one person's to give: every way is tried through the back office."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import psycopg
import pytest
from django.contrib.auth.models import Group, User
from django.core import mail
from django.core.management import call_command
from django.db import IntegrityError, connection, connections, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import approvals
from core.clock import now
from core.errors import TactusError
from core.models import ApprovalRequest, AuditEntry, PasswordLink
from core.staff import ensure_staff
from core.staff_accounts import ask_new_account, ask_role
from core.sweeps import run_due_work
from tests.conftest import BASE
from tests.plugins.clock import travel
from tests.scenarios.balance_world import BalanceWorld
from tests.scenarios.test_adjustments import Person

pytestmark = pytest.mark.calendar

PASSWORD = "a-password-of-their-own"


class Member(Person):
    """A member of staff at the back office."""

    def __init__(self, http: httpx.Client, name: str, role: str) -> None:
        super().__init__(http, name, role)
        self.user = User.objects.get(username=name)
        User.objects.filter(pk=self.user.pk).update(email=f"{name}@example.com", first_name=name.capitalize())

    def ask_account(self, username: str, role: str, **more: Any) -> str:
        """The id of the request."""
        data = {"username": username, "email": f"{username}@example.com", "role": role, "reason": "joins us", **more}
        return asked(self.post("/admin/staff/new/", **data))

    def ask(self, about: User, what: str, **data: Any) -> str:
        """The id of the request about an account."""
        return asked(self.post(f"/admin/auth/user/{about.pk}/{what}/", reason="as agreed", **data))

    def answer(self, request: str, what: str, note: str = "seen") -> int:
        """Decides a request."""
        return self.post(f"/admin/core/approvalrequest/{request}/{what}/", note=note).status_code

    def preview(self, customer: str, segment: str, amount: str) -> str:
        """The page before an adjustment, which says who decides."""
        words = {"reason_code": "SERVICE_CREDIT", "public_reason": "For the outage of 3 March", "direction": "add"}
        body = {"key": str(uuid4()), "kind": "entry", "segment_id": segment, "amount": amount, **words}
        return self.post(f"/admin/customers/customer/{customer}/adjust/", **body).text


def asked(answer: httpx.Response) -> str:
    assert answer.status_code == 302, answer.text
    found = re.fullmatch(r"/admin/core/approvalrequest/([0-9a-f-]{36})/change/", answer.headers["location"])
    assert found, answer.headers["location"]
    return found[1]


@pytest.fixture
def browser(wsgi: httpx.WSGITransport, db: None) -> Iterator[Callable[[], httpx.Client]]:
    """Somebody's browser."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(httpx.Client(transport=wsgi, base_url=BASE))


@pytest.fixture
def ann(browser: Callable[[], httpx.Client]) -> Member:
    return Member(browser(), "ann", "owner")


@pytest.fixture
def ben(browser: Callable[[], httpx.Client]) -> Member:
    return Member(browser(), "ben", "owner")


@pytest.fixture
def finn(browser: Callable[[], httpx.Client]) -> Member:
    return Member(browser(), "finn", "finance")


def mailed_link() -> str:
    """The path of the link in the newest mail."""
    run_due_work(clock=now)
    found = re.search(r"http\S+/admin/password/\S+", str(mail.outbox[-1].body))
    assert found
    parts = urlsplit(found[0])
    return f"{parts.path}?{parts.query}"


def set_password(http: httpx.Client, link: str, password: str = PASSWORD) -> int:
    """What happens when somebody opens a link and fills in the form."""
    opened = http.get(link)
    assert opened.status_code == 302
    assert "token" not in opened.headers["location"]
    http.get(opened.headers["location"])
    data = {"csrfmiddlewaretoken": http.cookies.get("csrftoken", ""), "new_password1": password}
    return http.post(opened.headers["location"], data=data | {"new_password2": password}).status_code


def sign_in(http: httpx.Client, name: str, password: str = PASSWORD) -> int:
    http.get("/admin/login/")
    data = {"csrfmiddlewaretoken": http.cookies["csrftoken"], "username": name, "password": password}
    return http.post("/admin/login/", data=data).status_code


def acts(**of: Any) -> list[tuple[str, str | None]]:
    rows = AuditEntry.objects.filter(**of).select_related("user").order_by("id")
    return [(row.action, row.user.username if row.user else None) for row in rows]


# --- a second account ----------------------------------------------------------------------------------------------


def test_nobody_makes_a_second_account_alone(ann: Member, ben: Member) -> None:
    request = ann.ask_account("ann2", "owner")
    assert not User.objects.filter(username="ann2").exists()
    assert "somebody else decides" in ann.http.get(f"/admin/core/approvalrequest/{request}/change/").text
    assert ann.answer(request, "approve") == 400
    assert not User.objects.filter(username="ann2").exists()
    assert ben.answer(request, "reject", "who is that?") == 302
    assert ben.answer(request, "approve") == 400
    assert not User.objects.filter(username="ann2").exists()
    assert acts(subject_type="approvalrequest") == [("approval.request", "ann"), ("approval.reject", "ben")]


def test_an_account_made_by_two_checks_neither_for_seven_days(
    balances: BalanceWorld, ann: Member, ben: Member, browser: Callable[[], httpx.Client]
) -> None:
    """Ann makes herself a second account, superuser even; who approved that is no better off with it."""
    w = balances
    customer = w.customer()
    w.grant(customer, 5000, w.days_ago(5), w.days_ago(-60))
    segment = w.held(customer)[0].access_schedule.schedule_items[0].id
    assert ben.answer(ann.ask_account("ann2", "owner"), "approve") == 302
    made = User.objects.get(username="ann2")
    assert (made.is_superuser, made.is_staff, made.has_usable_password()) == (True, True, False)
    told = AuditEntry.objects.get(action="user.create", subject_id=f"{made.pk:032x}")
    assert (told.user, told.detail["asked_by"], told.reason) == (ben.user, "Ann", "joins us")

    second = browser()
    assert set_password(second, mailed_link()) == 200
    assert sign_in(second, "ann2") == 302
    puppet = Member.__new__(Member)
    puppet.http, puppet.user = second, made

    for maker in (ann, ben):
        maker.entry(customer, segment, "50,000")
        assert puppet.decide(customer, "approve") == 400
        assert puppet.decide(customer, "reject", "no") == 400
        assert w.net(customer) == 5000
        with pytest.raises(IntegrityError, match="within seven days"):
            refused(
                "UPDATE balances_adjustment SET status = 'REJECTED', decided_by_id = %s, decided_at = %s,"
                " decision_note = 'x' WHERE status = 'PENDING' AND made_by_id = %s",
                [made.pk, now(), maker.user.pk],
            )
        maker.http.get("/admin/")  # reads the messages of before
        page = maker.preview(customer, segment, "50,000")
        assert "Ann2" not in page
        assert "ann2" not in page
        maker.decide(customer, "withdraw")
    assert "until" in ann.http.get(f"/admin/auth/user/{made.pk}/change/").text

    with travel(now() + timedelta(days=7, seconds=1)):
        ann.entry(customer, segment, "50,000")
        assert puppet.decide(customer, "approve") == 302
        assert w.net(customer) == 5_005_000


@pytest.mark.parametrize(
    ("what", "data"),
    [
        ("role", {"role": "owner"}),
        ("details", {"first_name": "Finn", "last_name": "Of Ann", "email": "ann-too@example.com"}),
        ("link", {}),
        ("reactivate", {}),
    ],
)
def test_whose_account_was_changed_is_no_second_person_for_seven_days(  # noqa: PLR0917
    what: str, data: dict[str, str], balances: BalanceWorld, ann: Member, ben: Member, finn: Member
) -> None:
    w = balances
    customer = w.customer()
    w.grant(customer, 5000, w.days_ago(5), w.days_ago(-60))
    segment = w.held(customer)[0].access_schedule.schedule_items[0].id
    if what == "reactivate":
        User.objects.filter(pk=finn.user.pk).update(is_active=False)
    for refused_way in ("withdraw", "reject"):
        request = ann.ask(finn.user, what, **data)
        assert (ann if refused_way == "withdraw" else ben).answer(request, refused_way) == 302
    before = User.objects.values().get(pk=finn.user.pk)
    request = ann.ask(finn.user, what, **data)
    assert ann.answer(request, "approve") == 400
    assert User.objects.values().get(pk=finn.user.pk) == before
    if what != "reactivate":
        # what was not carried out counts for nothing
        ann.entry(customer, segment, "20,000")
        assert finn.decide(customer, "approve") == 302
    assert ben.answer(request, "approve") == 302
    assert acts(subject_id=f"{finn.user.pk:032x}", action__startswith="user.")[-1][1] == "ben"
    if what == "reactivate":
        assert set_password(finn.http, mailed_link()) == 200
        assert sign_in(finn.http, "finn") == 302
    for maker in (ann, ben):
        maker.entry(customer, segment, "50,000")
        assert finn.decide(customer, "approve") == 400
        maker.decide(customer, "withdraw")


def test_owners_change_each_other_only_with_a_third(
    ann: Member, ben: Member, browser: Callable[[], httpx.Client]
) -> None:
    request = ann.ask(ben.user, "details", first_name="Ben", last_name="B", email="ann-reads-it@example.com")
    assert ben.answer(request, "approve") == 400
    assert User.objects.get(pk=ben.user.pk).email == "ben@example.com"
    carl = Member(browser(), "carl", "owner")
    assert carl.answer(request, "approve") == 302
    assert User.objects.get(pk=ben.user.pk).email == "ann-reads-it@example.com"
    # and who wished to change their own name does not decide that either
    own = carl.ask(carl.user, "details", first_name="Karl", last_name="C", email="carl@example.com")
    assert carl.answer(own, "approve") == 400


def test_what_changed_meanwhile_is_asked_for_again(ann: Member, ben: Member, finn: Member) -> None:
    request = ann.ask(finn.user, "role", role="owner")
    ensure_staff(username="finn", role="support")
    assert ben.answer(request, "approve") == 400
    assert not User.objects.get(pk=finn.user.pk).is_superuser
    assert ApprovalRequest.objects.get(pk=request).status == "PENDING"


# --- Django's own ways ---------------------------------------------------------------------------------------------


def test_djangos_own_pages_write_nothing_for_anybody(ann: Member, finn: Member) -> None:
    group = Group.objects.get(name="support")
    user = f"/admin/auth/user/{finn.user.pk}"
    rows = (User, Group, User.groups.through, User.user_permissions.through, Group.permissions.through)
    before = [list(model.objects.order_by("pk").values()) for model in rows]
    form = {
        "username": "ghost", "password1": PASSWORD, "password2": PASSWORD, "usable_password": "true", "name": "support",
        "is_superuser": "on", "is_staff": "on", "is_active": "on", "email": "x@a.com", "_popup": "1", "_save": "1",
        "permissions": "1", "action": "delete_selected", "_selected_action": str(finn.user.pk),
        "form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "form-0-id": str(finn.user.pk), "form-0-is_staff": "1",
    }  # fmt: skip
    for address in (
        "/admin/auth/user/add/", "/admin/auth/user/add/?_popup=1", f"{user}/password/", f"{user}/change/",
        f"{user}/delete/", f"{user}/history/", "/admin/auth/group/", "/admin/auth/group/add/",
        f"/admin/auth/group/{group.pk}/change/", f"/admin/auth/group/{group.pk}/delete/", "/admin/auth/permission/add/",
    ):  # fmt: skip
        for person in (ann, finn):
            assert person.post(address, **form).status_code in (403, 404, 405), address
    for address in ("/admin/auth/user/add/", f"{user}/password/", f"{user}/delete/", "/admin/auth/group/"):
        assert ann.http.get(address).status_code in (403, 404, 405), address
    ann.post("/admin/auth/user/", **form)
    assert [list(model.objects.order_by("pk").values()) for model in rows] == before


def test_no_address_tells_hashes_or_names(ann: Member, finn: Member) -> None:
    for query in ("password__startswith=md5", "groups__user__password__contains=a", "_to_field=password&_popup=1"):
        assert ann.http.get(f"/admin/auth/user/?{query}").status_code == 400, query
        assert ann.http.get(f"/admin/auth/user/export.csv?{query}").status_code == 400, query
    for person in (ann, finn):
        query = "made_by__password__startswith=md5"
        assert person.http.get(f"/admin/core/approvalrequest/?{query}").status_code == 400
    names = "/admin/autocomplete/?app_label=core&model_name=approvalrequest&field_name=made_by&term="
    assert finn.http.get(names).status_code == 403
    for page in (
        "/admin/auth/user/",
        f"/admin/auth/user/{ann.user.pk}/change/",
        "/admin/staff/new/",
        "/admin/staff/roles/",
    ):
        assert finn.http.get(page).status_code == 403, page
    assert (
        finn.post("/admin/staff/new/", username="ghost", email="g@example.com", role="owner", reason="x").status_code
        == 403
    )
    assert finn.post(f"/admin/auth/user/{finn.user.pk}/role/", role="owner", reason="x").status_code == 403
    assert ann.user.password not in ann.http.get(f"/admin/auth/user/{ann.user.pk}/change/").text


def test_requests_about_accounts_are_the_owners(ann: Member, ben: Member, finn: Member) -> None:
    request = ann.ask_account("newcomer", "support")
    page = f"/admin/core/approvalrequest/{request}/change/"
    for address in ("/admin/core/approvalrequest/", "/admin/core/approvalrequest/export.csv"):
        assert "newcomer" in ben.http.get(address).text
        assert "newcomer" not in finn.http.get(address).text
    assert finn.http.get(page).status_code != 200
    finn.answer(request, "approve")
    assert not User.objects.filter(username="newcomer").exists()
    assert "You can decide this" in ben.http.get(page).text
    badge = re.compile(r"Requests.{0,400}?\b1\b", re.DOTALL)
    assert badge.search(ben.http.get("/admin/").text)


def test_what_is_asked_for_is_checked(ann: Member, ben: Member, finn: Member) -> None:
    for data in (
        {"username": "finn"}, {"username": "FINN"}, {"username": "a b"}, {"email": "nowhere"}, {"email": ""},
        {"email": "FINN@example.com"}, {"role": "king"}, {"reason": " "}, {"first_name": "x" * 151},
    ):  # fmt: skip
        body = {"username": "fred", "email": "fred@example.com", "role": "support", "reason": "joins", **data}
        answer = ann.post("/admin/staff/new/", **body)
        assert (answer.status_code, ApprovalRequest.objects.count()) == (400, 0), data
    ann.ask_account("fred", "support")
    body = {"username": "fred", "email": "other@example.com", "role": "owner", "reason": "joins"}
    assert ben.post("/admin/staff/new/", **body).status_code == 400


# --- passwords -----------------------------------------------------------------------------------------------------


def test_a_link_is_used_once_by_whoever_has_the_mail_and_stands_nowhere(
    ann: Member, ben: Member, finn: Member, browser: Callable[[], httpx.Client], caplog: pytest.LogCaptureFixture
) -> None:
    ben.answer(ann.ask(finn.user, "link"), "approve")
    link = mailed_link()
    assert mail.outbox[-1].to == ["finn@example.com"]
    token = link.partition("token=")[2]
    somebody = browser()
    bad = somebody.get(link[:-3] + "abc", follow_redirects=True)
    assert (bad.status_code, "does not work" in bad.text) == (404, True)
    assert set_password(somebody, link, "12345678") == 400
    assert set_password(somebody, link) == 200
    assert somebody.get("/admin/").status_code == 302  # setting it signs nobody in
    assert somebody.get(link, follow_redirects=True).status_code == 404
    assert sign_in(somebody, "finn") == 302
    assert finn.http.get("/admin/").status_code == 302  # sessions of before are over
    written = caplog.text
    rows = str(list(AuditEntry.objects.values())) + str(list(ApprovalRequest.objects.values()))
    assert "/admin/password/" in written
    assert token not in written + rows
    assert PASSWORD not in written + rows
    assert "/admin/password/" not in rows
    assert acts(subject_id=f"{finn.user.pk:032x}")[-1] == ("user.set_password", "finn")
    run_due_work(clock=now)
    assert len(mail.outbox) == 1


def test_links_end(ann: Member, ben: Member, finn: Member, browser: Callable[[], httpx.Client]) -> None:
    def order() -> str:
        assert ben.answer(ann.ask(finn.user, "link"), "approve") == 302
        return mailed_link()

    def works(link: str) -> bool:
        answer = browser().get(link, follow_redirects=True)
        assert answer.headers["cache-control"] == "no-store" or "no-store" in answer.headers["cache-control"]
        return answer.status_code == 200

    late = order()
    assert works(late)
    with travel(now() + timedelta(hours=24, seconds=2)):
        assert not works(late)
    moved = order()
    ben.answer(ann.ask(finn.user, "details", first_name="Finn", last_name="", email="new@example.com"), "approve")
    assert not works(moved)
    last = order()
    assert mail.outbox[-1].to == ["new@example.com"]
    assert ann.post(f"/admin/auth/user/{finn.user.pk}/deactivate/", reason="left us").status_code == 302
    assert not works(last)


def test_without_mail_the_server_prints_a_link(
    ann: Member, ben: Member, finn: Member, settings: Any, browser: Callable[[], httpx.Client]
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    request = ann.ask(finn.user, "link")
    pages = (f"/admin/core/approvalrequest/{request}/change/", f"/admin/auth/user/{finn.user.pk}/change/")
    for page in (*pages, "/admin/staff/new/"):
        assert "manage.py password_link USERNAME" in ben.http.get(page).text
    assert ben.answer(request, "approve") == 302
    assert not PasswordLink.objects.exists()
    out = StringIO()
    call_command("password_link", "finn", stdout=out)
    parts = urlsplit(out.getvalue().strip())
    assert set_password(browser(), f"{parts.path}?{parts.query}") == 200
    [(action, _)] = acts(action="user.print_link")
    assert AuditEntry.objects.get(action=action).detail == {"by": "the server's shell"}


def test_a_mail_server_that_is_down_is_tried_again(ann: Member, ben: Member, finn: Member, settings: Any) -> None:
    works = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    ben.answer(ann.ask(finn.user, "link"), "approve")
    run_due_work(clock=now)
    page = f"/admin/auth/user/{finn.user.pk}/change/"
    assert "tried again" in ann.http.get(page).text
    settings.EMAIL_BACKEND = works
    run_due_work(clock=now)
    assert mail.outbox == []
    with travel(now() + timedelta(minutes=3)):
        mailed_link()
        run_due_work(clock=now)
    assert [letter.to for letter in mail.outbox] == [["finn@example.com"]]
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    ben.answer(ann.ask(finn.user, "link"), "approve")
    with travel(now() + timedelta(hours=25)):
        run_due_work(clock=now)
    assert "could not be sent" in ann.http.get(page).text


def test_ones_own_password_takes_the_old_one(ann: Member, browser: Callable[[], httpx.Client]) -> None:
    elsewhere = browser()
    assert sign_in(elsewhere, "ann", "secret-enough") == 302
    for data in (
        {"old_password": "wrong", "new_password1": PASSWORD, "new_password2": PASSWORD},
        {"old_password": "secret-enough", "new_password1": "12345678", "new_password2": "12345678"},
    ):
        assert ann.post("/admin/password_change/", **data).status_code == 200
    assert acts(action="user.change_password") == []
    good = {"old_password": "secret-enough", "new_password1": PASSWORD, "new_password2": PASSWORD}
    assert ann.post("/admin/password_change/", **good).status_code == 302
    assert acts(action="user.change_password") == [("user.change_password", "ann")]
    assert ann.http.get("/admin/").status_code == 200
    assert elsewhere.get("/admin/").status_code == 302


# --- people who left, requests that ended --------------------------------------------------------------------------


def test_who_is_made_inactive_is_out_at_once(ann: Member, ben: Member, finn: Member) -> None:
    waits = finn.user
    request = ann.ask(waits, "role", role="owner")
    assert ann.post(f"/admin/auth/user/{ann.user.pk}/deactivate/", reason="tired").status_code == 400
    assert ann.post(f"/admin/auth/user/{ben.user.pk}/deactivate/", reason=" ").status_code == 400
    assert ann.post(f"/admin/auth/user/{ben.user.pk}/deactivate/", reason="left us").status_code == 302
    assert ben.http.get("/admin/").status_code == 302
    assert ben.answer(request, "approve") == 302  # to the sign-in page
    assert sign_in(ben.http, "ben", "secret-enough") == 200
    assert not User.objects.get(pk=waits.pk).is_superuser
    with pytest.raises(TactusError):
        approvals.approve(request_id=ApprovalRequest.objects.get(pk=request).pk, decider_id=ben.user.pk, now=now())
    told = AuditEntry.objects.get(action="user.deactivate")
    assert (told.user, told.reason, told.subject_id.int) == (ann.user, "left us", ben.user.pk)
    assert ben.user.pk != ann.user.pk
    assert "Make inactive" not in ann.http.get(f"/admin/auth/user/{ann.user.pk}/change/").text


def test_what_waits_too_long_is_withdrawn(ann: Member, ben: Member) -> None:
    request = ann.ask_account("late", "support")
    with travel(now() + timedelta(hours=72)):
        assert ben.answer(request, "approve") == 400
        run_due_work(clock=now)
        assert "nobody decided in time" in ann.http.get(f"/admin/core/approvalrequest/{request}/change/").text
        again = ann.ask_account("late", "support")
        assert ben.answer(again, "withdraw") == 400
        assert ben.answer(again, "reject", " ") == 400
        assert ann.answer(again, "withdraw") == 302
        assert ben.answer(again, "approve") == 400
    assert not User.objects.filter(username="late").exists()


@pytest.mark.django_db(transaction=True)
def test_two_who_approve_at_once_carry_it_out_once() -> None:
    for name in ("ann", "ben", "carl"):
        ensure_staff(username=name, role="owner")
    people = {user.username: user.pk for user in User.objects.all()}
    request = ask_new_account(
        username="dora", first_name="", last_name="", email="dora@example.com", role="support", reason="joins",
        maker_id=people["ann"], now=now(),
    )  # fmt: skip

    def approve(name: str) -> bool:
        try:
            approvals.approve(request_id=request.pk, decider_id=people[name], now=now())
        except TactusError:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(approve, ["ben", "carl", "ben", "carl"])) == [False, False, False, True]
    assert User.objects.filter(username="dora").count() == 1
    assert AuditEntry.objects.filter(action="approval.approve").count() == 1
    request.refresh_from_db()
    assert request.account == User.objects.get(username="dora")


def test_the_shell_is_told_in_the_trail(db: None) -> None:
    call_command("create_staff", "maria", "--role", "finance", "--password", "first-secret", stdout=StringIO())
    call_command("create_staff", "maria", "--role", "owner", stdout=StringIO())
    made, changed = AuditEntry.objects.filter(subject_type="user").order_by("id")
    assert (made.action, made.detail) == (
        "user.create", {"by": "the server's shell", "role": "finance", "changed": ["password"]},
    )  # fmt: skip
    assert (changed.action, changed.detail) == (
        "user.change", {"by": "the server's shell", "role": "owner", "previous_role": "finance"},
    )  # fmt: skip


# --- the database's own word ---------------------------------------------------------------------------------------


def refused(sql: str, values: list[Any]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)


def constraint_of(sql: str, values: list[Any]) -> str | None:
    with pytest.raises(IntegrityError) as caught:
        refused(sql, values)
    cause = caught.value.__cause__
    assert isinstance(cause, psycopg.Error)
    return cause.diag.constraint_name


def test_the_database_holds_the_same_rules(db: None) -> None:
    for name, role in (("ann", "owner"), ("ben", "owner"), ("finn", "finance")):
        ensure_staff(username=name, role=role, email=f"{name}@example.com")
    ann, ben, finn = User.objects.order_by("username")

    def wait(about: User, role: str, maker: User) -> ApprovalRequest:
        return ask_role(user_id=about.pk, role=role, reason="x", maker_id=maker.pk, now=now())

    def decide(row: ApprovalRequest, by: User, status: str = "DONE") -> str | None:
        sql = "UPDATE core_approvalrequest SET status = %s, decided_by_id = %s, decided_at = %s WHERE id = %s"
        return constraint_of(sql, [status, by.pk, now(), row.pk])

    row = wait(finn, "owner", ann)
    assert decide(row, ann) == "approval_checker_is_independent"
    assert decide(row, finn) == "approval_not_about_the_checker"
    assert decide(row, ann, "REJECTED") == "approval_checker_is_independent"
    for change in (
        "parameters = '{}'",
        "made_by_id = decided_by_id",
        "account_id = NULL",
        "reason = 'y'",
        "title = ''",
    ):
        with pytest.raises(IntegrityError):
            refused(f"UPDATE core_approvalrequest SET {change} WHERE id = %s", [row.pk])  # noqa: S608
    with pytest.raises(IntegrityError, match="requests stay"):
        refused("DELETE FROM core_approvalrequest WHERE id = %s", [row.pk])
    approvals.approve(request_id=row.pk, decider_id=ben.pk, now=now())
    with pytest.raises(IntegrityError, match="is decided"):
        refused("UPDATE core_approvalrequest SET status = 'PENDING' WHERE id = %s", [row.pk])
    assert decide(wait(ben, "finance", ann), finn) == "approval_checker_is_independent"


@given(
    done=st.lists(
        st.tuples(
            st.integers(0, 3),
            st.integers(0, 3),
            st.integers(0, 3),
            st.sampled_from([0, 1, 86_400, 604_799, 604_800, 604_801]),
        ),
        max_size=5,
    )
)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_independence_is_what_the_rule_says(db: None, done: list[tuple[int, int, int, int]]) -> None:
    """Not the same person, and no part in making or changing the account within the seven days before."""
    moment = datetime(2026, 6, 1, 12, tzinfo=UTC)
    with transaction.atomic():
        people = [User.objects.create_user(f"p{n}-{uuid4()}").pk for n in range(4)]
        kept = set()
        for maker, decider, account, ago in sorted(done, key=lambda one: -one[3]):
            at = moment - timedelta(seconds=ago)
            row = ApprovalRequest(
                act="user.change_role", subject_type="user", subject_id=uuid4(), title="x", reason="x",
                made_by_id=people[maker], account_id=people[account], made_at=at,
            )  # fmt: skip
            try:
                with transaction.atomic():
                    row.save(force_insert=True)
                    row.status, row.decided_by_id, row.decided_at = "DONE", people[decider], at
                    row.save()
            except IntegrityError:
                continue
            kept.add((maker, decider, account, ago))
        for maker in range(4):
            for checker in range(4):
                part = any(account == checker and maker in (a, b) and ago < 604_800 for a, b, account, ago in kept)
                found = approvals.is_independent(maker_id=people[maker], checker_id=people[checker], now=moment)
                assert found == (maker != checker and not part)
        assert approvals.is_independent(maker_id=None, checker_id=people[0], now=moment)
        transaction.set_rollback(True)


def test_longer_lists_cost_no_more_queries(db: None) -> None:
    for name in ("ann", "ben"):
        ensure_staff(username=name, role="owner", email=f"{name}@example.com")
    ann, ben = User.objects.order_by("username")
    client = Client()
    client.force_login(ann)

    def more(prefix: str, count: int) -> None:
        for n in range(count):
            made = ask_new_account(
                username=f"{prefix}{n}", first_name=prefix, last_name="", email=f"{prefix}{n}@example.com",
                role="support", reason="joins", maker_id=ann.pk, now=now(),
            )  # fmt: skip
            if n % 2:
                approvals.approve(request_id=made.pk, decider_id=ben.pk, now=now())

    def queries(address: str) -> int:
        with CaptureQueriesContext(connection) as found:
            assert client.get(address).status_code == 200
        return len(found)

    more("some", 2)
    lists = ("/admin/auth/user/", "/admin/core/approvalrequest/")
    few = [queries(address) for address in lists]
    more("many", 6)
    assert [queries(address) for address in lists] == few
    assert max(few) <= 14
