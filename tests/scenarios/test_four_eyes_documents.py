"""Nobody alone throws away what was billed or prepaid above what they may: every way over HTTP, with real sessions.

Finance and owners may do what is worth 10,000 USD alone in 24 hours (TACTUS_ADJUSTMENT_LIMITS).
"""

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest
from django.contrib.admin import site
from django.contrib.auth.models import User
from django.utils.module_loading import import_string
from metronome import PermissionDeniedError

from backoffice.act_worths import WORTHS
from core import approvals, audit
from core.admin.options import RecordAdmin
from core.admin.timeline import page_of
from core.approval_models import ApprovalRequest
from core.approvals import ActLimit
from core.clock import now
from core.errors import Conflict, NotAllowed
from core.models import AuditEntry
from core.registry import gated_acts
from core.staff import ensure_staff
from tests.conftest import BASE
from tests.scenarios.balance_world import BalanceWorld
from tests.scenarios.conftest import Clock
from tests.scenarios.world import World, exact

pytestmark = pytest.mark.calendar
LARGE = 9_216_753
PAGES = {"invoice": "invoices/invoicelisting", "contract": "contracts/contract", "customer": "customers/customer"}


class Person:
    """A member of staff at the back office."""

    def __init__(self, http: httpx.Client, name: str, role: str) -> None:
        ensure_staff(username=name, role=role, password="secret-enough", full_name=name.capitalize())
        self.http, self.name, self.pk = http, name, User.objects.get(username=name).pk
        http.get("/admin/login/")
        assert self._post("/admin/login/", username=name, password="secret-enough").status_code == 302

    def _post(self, path: str, **data: Any) -> httpx.Response:
        return self.http.post(path, data={"csrfmiddlewaretoken": self.http.cookies["csrftoken"], **data})

    def page(self, kind: str, key: str, act: str = "change") -> str:
        answer = self.http.get(f"/admin/{PAGES[kind]}/{key}/{act}/")
        assert answer.status_code == 200, answer.text
        return answer.text

    def does(self, kind: str, key: str, act: str, **data: Any) -> bool:
        """Whether it was done at once; else it waits now."""
        before = ApprovalRequest.objects.count()
        body = {"reason": "Wrong rate", "confirmed": "1", **data}
        answer = self._post(f"/admin/{PAGES[kind]}/{key}/{act}/", **body)
        assert answer.status_code == 302, answer.text
        return ApprovalRequest.objects.count() == before

    def refused(self, kind: str, key: str, act: str, **data: Any) -> str:
        answer = self._post(f"/admin/{PAGES[kind]}/{key}/{act}/", **({"reason": "Again"} | data))
        assert answer.status_code == 400, answer.text
        return answer.text

    def approves(self, request: ApprovalRequest) -> None:
        """On the request's page, where the back office has one."""
        page = page_of("approvalrequest", request.pk)
        if not page:
            self.tries(request)
            return
        answer = self._post(page.replace("/change/", "/approve/"), note="")
        assert answer.status_code == 302, answer.text

    def tries(self, request: ApprovalRequest) -> None:
        """To approve, by the service: its refusal is raised."""
        with self.acting():
            approvals.approve(request_id=request.pk, decider_id=self.pk, now=now())

    def acting(self) -> Any:
        return _Acting(audit.Actor(user_id=self.pk, label=self.name))


class _Acting:
    def __init__(self, actor: audit.Actor) -> None:
        self.actor = actor

    def __enter__(self) -> None:
        self.token = audit.set_actor(self.actor)

    def __exit__(self, *_: object) -> None:
        audit.reset_actor(self.token)


People = Callable[[str, str], Person]


@pytest.fixture
def people(wsgi: httpx.WSGITransport, db: None) -> Iterator[People]:
    opened: list[httpx.Client] = []

    def sign_in(name: str, role: str) -> Person:
        opened.append(httpx.Client(transport=wsgi, base_url=BASE))
        return Person(opened[-1], name, role)

    yield sign_in
    for client in opened:
        client.close()


def billed(w: World, *totals: int, unit: str | None = None) -> tuple[str, str, list[str]]:
    """A customer with a contract of weeks and a finalized invoice over each of these amounts, newest first."""
    card = w.card(**({} if unit is None else {"fiat_credit_type_id": unit}))
    metric = w.metric()
    w.rate(card, w.product(metric), price=1)
    customer = w.customer()
    contract = w.open_contract(customer, card, 7 * len(totals) + 3, "WEEKLY")
    for week, total in enumerate(totals):
        w.use(customer, metric, total, w.days_ago(5 + 7 * week))
    w.run_due_work()
    ids = [w.invoice(customer, at=w.days_ago(5 + 7 * week)) for week in range(len(totals))]
    assert [(row.status, exact(row.total)) for row in ids] == [("FINALIZED", total) for total in totals]
    return customer, contract, [row.id for row in ids]


def state(w: World, customer: str, invoice: str) -> str:
    return str(w.sdk.v1.customers.invoices.retrieve(customer_id=customer, invoice_id=invoice).data.status)


def waiting() -> ApprovalRequest:
    return ApprovalRequest.objects.get(status="PENDING")


def words(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)).replace("&#x27;", "'")


@pytest.mark.parametrize("role", ["finance", "owner"])
def test_a_large_invoice_is_not_voided_by_one_person(world: World, people: People, role: str) -> None:
    w, maker, checker = world, people("finn", role), people("olga", "owner")
    customer, _, [invoice] = billed(w, LARGE)
    told = words(maker.page("invoice", invoice, "void"))
    assert "It is worth 92,167.53 USD (what it billed)." in told
    assert "Alone you may do what is worth 10,000.00 USD in 24 hours; 10,000.00 USD is left." in told
    assert "So it will wait for a second person, and nothing happens before. Olga may decide it." in told
    assert not maker.does("invoice", invoice, "void")
    assert state(w, customer, invoice) == "FINALIZED"

    request = waiting()
    assert (request.act, request.worth, request.limit_worth, request.reason) == (
        "invoice.void", LARGE, 1_000_000, "Wrong rate",
    )  # fmt: skip
    for person in (maker, checker):
        page = person.page("invoice", invoice)
        assert "Void an invoice: waits for a second person." in page
        assert "Finn asked for it" in words(page)
        assert f"/{invoice}/void/" not in page
        assert "waits for a second person already" in words(person.page("invoice", invoice, "void"))
    assert "waits for a second person already" in words(maker.refused("invoice", invoice, "void")).lower()
    with pytest.raises(NotAllowed):
        maker.tries(request)
    assert state(w, customer, invoice) == "FINALIZED"

    checker.approves(request)
    assert state(w, customer, invoice) == "VOID"
    with pytest.raises(Conflict):
        checker.tries(request)
    [entry] = AuditEntry.objects.filter(action="invoice.void")
    assert (entry.user_id, entry.reason, str(entry.subject_id)) == (checker.pk, "Wrong rate", invoice)
    [asked] = AuditEntry.objects.filter(action="approval.request")
    [agreed] = AuditEntry.objects.filter(action="approval.approve")
    assert (asked.user_id, agreed.user_id, agreed.detail["asked_by"]) == (maker.pk, checker.pk, "Finn")
    page = words(maker.page("invoice", invoice))
    assert "Approved by a second person" in page
    assert "Asked for a second person" in page
    assert "waits for a second person" not in page


def test_splitting_does_not_help(world: World, people: People, later: Clock) -> None:
    w, finn = world, people("finn", "finance")
    customer, _, invoices = billed(w, 400_000, 400_000, 200_001, 200_000, 0)
    assert finn.does("invoice", invoices[0], "void")
    assert "6,000.00 USD is left" in words(finn.page("invoice", invoices[1], "void"))
    assert finn.does("invoice", invoices[1], "void")
    assert not finn.does("invoice", invoices[2], "void")
    assert finn.does("invoice", invoices[3], "void")  # to the cent
    assert finn.does("invoice", invoices[4], "void")  # nothing is worth nothing
    assert [state(w, customer, key) for key in invoices] == ["VOID", "VOID", "FINALIZED", "VOID", "VOID"]
    later(24 * 3600 + 60)
    assert finn.does("invoice", invoices[2], "void")


def test_what_a_second_person_looked_at_uses_nothing_up(world: World, people: People) -> None:
    w, finn, olga = world, people("finn", "finance"), people("olga", "owner")
    customer, _, invoices = billed(w, LARGE, 1_000_000, 1_000_000)
    assert not finn.does("invoice", invoices[0], "void")
    olga.approves(waiting())
    assert finn.does("invoice", invoices[1], "void")
    assert olga.does("invoice", invoices[2], "void")
    assert [state(w, customer, key) for key in invoices] == ["VOID"] * 3


def test_what_balances_paid_counts_as_what_was_billed(balances: BalanceWorld, people: People) -> None:
    w, finn, olga = balances, people("finn", "finance"), people("olga", "owner")
    metric, _, card = w.priced(price=1)
    customer = w.customer()
    w.grant(customer, 3_000_000, w.days_ago(20), w.days_ago(-100))
    w.open_contract(customer, card, 10, "WEEKLY")
    w.use(customer, metric, 1_200_000, w.days_ago(8))
    w.run_due_work()
    invoice = w.invoice(customer, at=w.days_ago(8))
    assert (invoice.status, exact(invoice.total), w.net(customer)) == ("FINALIZED", 0, 1_800_000)
    told = words(finn.page("invoice", invoice.id, "void"))
    assert "It is worth 12,000.00 USD (what balances pay of it)." in told
    assert not finn.does("invoice", invoice.id, "void")
    assert (waiting().worth, w.net(customer)) == (1_200_000, 1_800_000)
    olga.approves(waiting())
    assert w.net(customer) == 3_000_000
    assert not finn.does("invoice", invoice.id, "regenerate")
    assert waiting().worth == 1_200_000
    olga.approves(waiting())
    assert w.net(customer) == 1_800_000


def test_under_a_postpaid_commit_the_total_counts_once(balances: BalanceWorld, people: People) -> None:
    w, finn = balances, people("finn", "finance")
    metric, _, card = w.priced(price=1)
    customer = w.customer()
    contract = w.contract(
        customer, card, w.days_ago(10), usage_statement_schedule={"frequency": "WEEKLY", "day": "CONTRACT_START"},
        commits=[w.postpaid(20_000_000, w.days_ago(10), w.days_ago(-355))],
    )  # fmt: skip
    w.use(customer, metric, LARGE, w.days_ago(8))
    w.run_due_work()
    [invoice] = w.invoices(customer, status="FINALIZED")
    assert exact(invoice.total) == LARGE
    assert not finn.does("invoice", invoice.id, "void")
    assert waiting().worth == LARGE
    # the draft of the true-up is what is left of the commit, and counts once too
    assert "It is worth 107,832.47 USD (drafts so far)." in words(finn.page("contract", contract, "archive"))
    assert not finn.does("contract", contract, "archive")
    assert ApprovalRequest.objects.get(act="contract.archive").worth == 20_000_000 - LARGE


def test_regenerating_counts_what_is_billed_again(world: World, people: People) -> None:
    w, finn, olga = world, people("finn", "finance"), people("olga", "owner")
    customer, _, [large, small] = billed(w, LARGE, 400_000)
    w.sdk.v1.invoices.void(id=large)
    w.sdk.v1.invoices.void(id=small)
    assert finn.does("invoice", small, "regenerate")
    told = words(finn.page("invoice", large, "regenerate"))
    assert "It is worth 92,167.53 USD (what the period comes to today)." in told
    assert not finn.does("invoice", large, "regenerate")
    assert len(w.invoices(customer, status="FINALIZED")) == 1
    olga.approves(waiting())
    again = [exact(row.total) for row in w.invoices(customer, status="FINALIZED")]
    assert sorted(again) == [400_000, LARGE]


def test_archiving_a_contract_counts_drafts_balances_and_invoices(balances: BalanceWorld, people: People) -> None:
    w, finn, olga = balances, people("finn", "finance"), people("olga", "owner")
    metric, _, card = w.priced(price=1)
    customer = w.customer()
    contract = w.contract(
        customer, card, w.days_ago(10),
        usage_statement_schedule={"frequency": "WEEKLY", "day": "CONTRACT_START"},
        commits=[w.prepaid(300_000, w.days_ago(2), w.days_ago(-300))],
    )  # fmt: skip
    w.use(customer, metric, 500_000, w.days_ago(8))
    w.use(customer, metric, 600_000, w.days_ago(1))  # 300,000 of it are drawn: so much is left to bill
    w.run_due_work()
    assert [exact(row.total) for row in w.invoices(customer, status="FINALIZED")] == [500_000]
    told = words(finn.page("contract", contract, "archive"))
    assert "It is worth 6,000.00 USD: drafts so far 3,000.00 USD, left on commits and credits 3,000.00 USD." in told
    assert "If you choose so below, also 5,000.00 USD (its finalized invoices)." in told
    assert "With that it would wait for a second person" in told
    assert not finn.does("contract", contract, "archive", void_invoices="on")
    assert waiting().worth == 1_100_000
    assert [row.status for row in w.invoices(customer, status="FINALIZED")] == ["FINALIZED"]
    assert f"/{contract}/archive/" not in finn.page("contract", contract)
    olga.approves(waiting())
    assert {row.status for row in w.invoices(customer)} == {"VOID"}
    [entry] = AuditEntry.objects.filter(action="contract.archived")
    assert (entry.user_id, entry.reason) == (olga.pk, "Wrong rate")


def test_archiving_a_contract_within_the_limit_is_done(balances: BalanceWorld, people: People) -> None:
    w, finn = balances, people("finn", "finance")
    customer, contract, _ = billed(w, 600_000)
    assert finn.does("contract", contract, "archive", void_invoices="on")
    assert {row.status for row in w.invoices(customer)} == {"VOID"}
    assert "Archived" in finn.page("contract", contract)


def test_archiving_the_customer_is_no_way_round(balances: BalanceWorld, people: People) -> None:
    w, finn, olga = balances, people("finn", "finance"), people("olga", "owner")
    customer, contract, [invoice] = billed(w, 600_000)
    w.grant(customer, 500_000, w.days_ago(1), w.days_ago(-100))
    told = words(finn.page("customer", customer, "archive"))
    assert "It is worth 11,000.00 USD: finalized invoices 6,000.00 USD" in told
    assert finn.refused("customer", customer, "archive", name="another")
    assert not finn.does("customer", customer, "archive", name="Customer")
    assert (waiting().act, waiting().worth) == ("customer.archive", 1_100_000)
    assert state(w, customer, invoice) == "FINALIZED"
    assert "Archive a customer: waits for a second person." in finn.page("customer", customer)
    olga.approves(waiting())
    assert state(w, customer, invoice) == "VOID"
    assert "Archived" in finn.page("contract", contract)
    with pytest.raises(Conflict):
        olga.tries(ApprovalRequest.objects.get())


def test_an_earlier_end_counts_what_drafts_and_balances_lose(balances: BalanceWorld, people: People) -> None:
    w, finn, olga = balances, people("finn", "finance"), people("olga", "owner")
    metric, _, card = w.priced(price=1)
    customer = w.customer()
    contract = w.open_contract(customer, card, 10, "MONTHLY", credits=[
        {"priority": 1} | w.credit(400_000, w.days_ago(-5), w.days_ago(-50))
    ])  # fmt: skip
    w.use(customer, metric, 300_000, w.days_ago(9))
    w.use(customer, metric, 700_000, w.days_ago(2))
    end = w.days_ago(5).strftime("%Y-%m-%dT%H:%M")
    assert not finn.does("contract", contract, "change-end", ending_before=end, keep_finalized="on")
    assert (waiting().act, waiting().worth) == ("contract.change_end", 1_100_000)
    assert exact(w.invoice(customer).total) == 1_000_000
    olga.approves(waiting())
    assert exact(w.invoice(customer, at=w.days_ago(9)).total) == 300_000
    assert w.net(customer) == 0
    [entry] = AuditEntry.objects.filter(action="contract.end_changed")
    assert (entry.user_id, entry.reason) == (olga.pk, "Wrong rate")
    # a later one loses nothing
    assert finn.does("contract", contract, "change-end", ending_before="", keep_finalized="on")


def test_other_currencies_count_by_their_figure_or_always_wait(world: World, people: People, settings: Any) -> None:
    settings.TACTUS_ADJUSTMENT_WORTH = {"EUR": "1.25"}
    w, finn = world, people("finn", "finance")
    units = {row.name: row.id for row in w.sdk.v1.pricing_units.list()}
    [euro] = [key for name, key in units.items() if "EUR" in name.upper()]
    [pound] = [key for name, key in units.items() if "GBP" in name.upper()]
    _, _, [over, within] = billed(w, 6_001, 2_000, unit=euro)
    assert finn.does("invoice", within, "void")  # 2,500 USD
    assert "7,501.25 USD" in words(finn.page("invoice", over, "void"))
    assert not finn.does("invoice", over, "void")
    assert waiting().worth == 750_125
    _, _, [few] = billed(w, 5, unit=pound)
    assert "an amount that nobody can measure in USD" in words(finn.page("invoice", few, "void"))
    assert not finn.does("invoice", few, "void")
    assert ApprovalRequest.objects.get(subject_id=few).worth is None


def test_a_request_is_withdrawn_expires_or_comes_too_late(world: World, people: People, later: Clock) -> None:
    w, finn, olga = world, people("finn", "finance"), people("olga", "owner")
    customer, _, [first, second] = billed(w, LARGE, LARGE)
    assert not finn.does("invoice", first, "void")
    approvals.withdraw(request_id=waiting().pk, maker_id=finn.pk, now=now())
    assert f"/{first}/void/" in finn.page("invoice", first)
    assert not finn.does("invoice", first, "void")
    request = waiting()
    w.sdk.v1.invoices.void(id=first)  # an integration was faster
    with pytest.raises(Conflict, match="void already"):
        olga.tries(request)
    with olga.acting():
        approvals.reject(request_id=request.pk, decider_id=olga.pk, note="It is void.", now=now())
    assert not finn.does("invoice", second, "void")
    late = waiting()
    later(73 * 3600)
    w.run_due_work(until=now())
    late.refresh_from_db()
    assert late.status == "WITHDRAWN"
    with pytest.raises(Conflict):
        olga.tries(late)
    assert state(w, customer, second) == "FINALIZED"


def test_who_has_not_the_right_decides_nothing(world: World, people: People) -> None:
    w, finn, sue = world, people("finn", "finance"), people("sue", "support")
    customer, _, [invoice] = billed(w, LARGE)
    assert "Nobody else may decide it now" in words(finn.page("invoice", invoice, "void"))
    assert not finn.does("invoice", invoice, "void")
    with pytest.raises(NotAllowed):
        sue.tries(waiting())
    assert state(w, customer, invoice) == "FINALIZED"


def test_every_document_act_that_is_gated_has_a_button_that_tells_its_worth() -> None:
    """A new gated act of a contract, a customer or an invoice is not forgotten on the pages that ask for it."""
    screens = [screen for screen in site._registry.values() if isinstance(screen, RecordAdmin)]
    gates = {action.gate for screen in screens for action in screen.record_actions if action.gate}
    documents = {name for name in gated_acts() if name.partition(".")[0] in PAGES}
    assert documents == set(WORTHS) == gates & set(WORTHS)
    for name in documents:
        assert import_string(gated_acts()[name].carry_out)
    for screen in screens:  # whoever decides reads why
        assert all("reason" in action.form.base_fields for action in screen.record_actions if action.gate)


def limited(actor: audit.Actor) -> ActLimit | None:
    """As if every key had a limit of 1,000 USD that nobody answers for."""
    return None if actor.api_key_id is None else ActLimit(Decimal(100_000), None)


def test_a_key_with_a_limit_is_refused_and_nothing_is_stored(
    balances: BalanceWorld, http: httpx.Client, settings: Any
) -> None:
    w = balances
    customer, contract, [invoice, small] = billed(w, LARGE, 90_000)
    credit = w.grant(customer, 500_000, w.days_ago(1), w.days_ago(-100))
    settings.ACT_LIMIT = f"{__name__}.limited"
    for attempt in range(2):
        answer = http.post("/v1/invoices/void", json={"id": invoice}, headers={"Idempotency-Key": "once"})
        assert (answer.status_code, list(answer.json())) == (403, ["message"]), attempt
    assert state(w, customer, invoice) == "FINALIZED"
    with pytest.raises(PermissionDeniedError):
        w.sdk.v1.contracts.archive(contract_id=contract, customer_id=customer, void_invoices=True)
    with pytest.raises(PermissionDeniedError):
        w.sdk.v1.customers.archive(id=customer)
    with pytest.raises(PermissionDeniedError):
        w.sdk.v1.customers.credits.update_end_date(
            customer_id=customer, credit_id=credit, access_ending_before=w.days_ago(-1)
        )
    archived = http.post("/v2/contracts/credits/archive", json={"customer_id": customer, "credit_id": credit})
    assert archived.status_code == 403
    assert w.net(customer) == 500_000
    assert w.sdk.v1.invoices.void(id=small).data.id == small
    with pytest.raises(PermissionDeniedError):
        w.sdk.v1.invoices.regenerate(id=small)
    settings.ACT_LIMIT = "balances.selectors.act_limits.act_limit"
    answer = http.post("/v1/invoices/void", json={"id": invoice}, headers={"Idempotency-Key": "once"})
    assert (answer.status_code, state(w, customer, invoice)) == (200, "VOID")
    assert ApprovalRequest.objects.count() == 0
