"""Credits and commits: figures that are the API's, a ledger that adds up, warnings, and nobody else's money."""

import csv
import json
import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from uuid import UUID, uuid4

import httpx
import pytest
from django.test.utils import CaptureQueriesContext
from metronome import Metronome

from balances.models import Balance, Segment
from balances.services import NewBalance, add_manual_entry, archive_balance, create_balance
from catalog.services import create_credit_type, products
from console.selectors.access import Viewer
from console.selectors.burn_down import burn_down_panel
from console.selectors.burn_rate import burn_rate
from console.selectors.credit_summary import credit_summary
from console.selectors.customer_balances import customer_balances, posted_entries
from core.clock import now
from customers.services import create_customer
from invoices.models import InvoiceListing
from invoices.services.void import void_invoice
from tests.console.balance_seed import DAY, fixed
from tests.console.conftest import Funded, Seeded
from tests.console.seed import run_due_work, seed_customer
from tests.console.test_pages import in_graces
from tests.scenarios.world import exact

pytestmark = pytest.mark.calendar

PANELS = {
    "page": "/console/credits",
    "summary": "/console/panels/credits",
    "burn": "/console/panels/credits/burn-down",
    "grants": "/console/panels/credits/grants",
    "ledger": "/console/panels/credits/ledger",
}
HELD = [{"balance_types": ["PREPAID_COMMIT", "CREDIT"]}]


def tile(html: str, heading: str) -> str:
    found = re.search(rf"<h2>{heading}</h2>\s*<p class=\"figure\">\s*([^<]*?)\s*<", html)
    assert found, heading
    return found[1]


def dollars(cents: Decimal) -> str:
    return f"{round(cents / 100, 2):,.2f}"


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def table_of(funded: Seeded, query: str = "", token: str | None = None) -> list[dict[str, str]]:
    made = funded.client.post(
        "/console/downloads",
        data={"path": "credits.csv", "query": query},
        headers={"Authorization": f"Bearer {token or funded.token()}"},
    )
    assert made.status_code == 204
    file = funded.client.get(json.loads(made.headers["HX-Trigger"])["tactus:download"]["url"])
    return list(csv.DictReader(StringIO(file.text)))


def net(sdk: Metronome, customer: UUID, **more: object) -> Decimal:
    asked = {"filters": HELD} | more
    return exact(sdk.v1.contracts.get_net_balance(customer_id=str(customer), **asked).data.balance)  # type: ignore[arg-type]


def test_tiles_chart_ledger_and_file_say_what_the_api_says(funded: Funded, sdk: Metronome) -> None:
    token = funded.token()
    left = net(sdk, funded.customer)
    assert left > 0
    assert tile(funded.get(PANELS["summary"], token).text, "Can be spent now") == dollars(left)
    chart = funded.get(PANELS["burn"], token).text
    assert re.search(r"data-reading-total>([\d,.]+)<", chart)[1] == dollars(left)
    ledger = funded.get(PANELS["ledger"], token).text
    shown = re.search(r'class="ledger-now".*?<b class="n">([\d,.]+)<span class="tail">(\d*)', ledger, re.DOTALL)
    assert Decimal((shown[1] + shown[2]).replace(",", "")) == left / 100
    rows = table_of(funded, token=token)
    assert sum(Decimal(row["amount"]) for row in rows) == Decimal(rows[-1]["balance"]) == left / 100
    balance = Decimal(0)
    for row in rows:
        balance += Decimal(row["amount"])
        assert Decimal(row["balance"]) == balance
    assert [row["status"] for row in rows] == sorted((row["status"] for row in rows), reverse=True)


def test_each_grant_and_its_own_ledger_are_the_apis(funded: Funded, sdk: Metronome) -> None:
    token = funded.token()
    html = funded.get(PANELS["grants"], token).text
    assert "never shown" not in html
    listed = sdk.v1.contracts.list_balances(
        customer_id=str(funded.customer), include_balance=True, include_ledgers=True, include_contract_balances=True
    )
    seen = 0
    for row in listed:
        movements = table_of(funded, f"grant={row.id}", token)
        held = [entry for entry in row.ledger or () if row.type != "POSTPAID" or "EXPIRATION" not in entry.type]
        assert sum(Decimal(one["amount"]) for one in movements) * 100 == sum(exact(entry.amount) for entry in held)
        block = re.search(rf'id="grant-{row.id}">(.*?)</details>', html, re.DOTALL)
        if block and row.access_schedule.schedule_items[0].starting_at <= now():
            assert dollars(exact(row.balance)) in block[1]
            seen += 1
    assert seen >= 3


def test_a_used_invoice_is_named_and_linked_and_a_void_one_gives_back(funded: Funded, sdk: Metronome) -> None:
    final = InvoiceListing.objects.get(customer_id=funded.customer, status="FINALIZED", type="USAGE")
    token = funded.token()
    html = funded.get(PANELS["ledger"], token).text
    assert f'href="/console/invoices/{final.pk}"' in html
    assert f"Used by invoice {final.number}" in text_of(html).replace(" ,", ",")
    drafts = InvoiceListing.objects.filter(customer_id=funded.customer, status="DRAFT", type="USAGE")
    pending = [row for row in table_of(funded, token=token) if row["status"] == "pending"]
    over = {"Expired"} if drafts.count() > 1 else set()  # of the month that is in its grace
    assert {row["movement"] for row in pending} == {"Used so far by"} | over
    assert any(f'href="/console/invoices/{draft.pk}"' in html for draft in drafts)
    only = funded.get(PANELS["ledger"], funded.token(scopes=["credits:read"])).text
    assert "/console/invoices/" not in only
    assert f"invoice {final.number}" in only
    void_invoice(invoice_id=final.pk, now=now(), reason="wrong")
    rows = table_of(funded, token=token)
    assert [row["invoice"] for row in rows if row["movement"].startswith("Given back")] == [
        f"invoice {final.number}"
    ] * 3
    assert Decimal(rows[-1]["balance"]) * 100 == net(sdk, funded.customer)


def test_adjustments_show_the_public_reason_and_below_zero_counts_as_nothing(funded: Funded, sdk: Metronome) -> None:
    token = funded.token()
    segment = Segment.objects.get(owner_id=funded.given.commit, ending_before__gt=now())
    for amount, reason in ((Decimal(250), "Thanks for waiting"), (Decimal(-90_000), "Taken back & settled")):
        add_manual_entry(
            balance_id=funded.given.commit, segment_id=segment.pk, customer_id=funded.customer, amount=amount,
            reason=reason, now=now(),
        )  # fmt: skip
    text = text_of(funded.get(PANELS["ledger"], token).text)
    assert "Adjustment: Thanks for waiting" in text
    assert "Adjustment: Taken back &amp; settled" in text
    assert "Below zero: not taken from other grants" in text
    left = net(sdk, funded.customer)
    rows = table_of(funded, token=token)
    assert sum(Decimal(row["amount"]) for row in rows) * 100 == left
    assert tile(funded.get(PANELS["summary"], token).text, "Can be spent now") == dollars(left)
    assert re.search(r"data-reading-total>([\d,.]+)<", funded.get(PANELS["burn"], token).text)[1] == dollars(left)


def test_a_period_opens_with_what_was_there_before(funded: Funded) -> None:
    token = funded.token()
    rows = table_of(funded, token=token)
    for query in (
        f"period=custom&from={funded.today.replace(day=1):%Y-%m-%d}&to={funded.today:%Y-%m-%d}",
        "period=30d",
        "period=ytd",
    ):
        part = table_of(funded, query, token)
        assert part[0]["movement"] == "Balance before"
        assert sum(Decimal(row["amount"]) for row in part) == Decimal(rows[-1]["balance"])
    wrong = funded.get(f"{PANELS['ledger']}?period=custom&from=2026-02-02&to=2026-01-01", token).text
    assert "must not be before the first" in wrong
    for query in ("period=century", "period=custom&from=x", "period=custom&from=0001-01-01"):
        answer = funded.get(f"{PANELS['ledger']}?{query}", token)
        assert answer.status_code == 200
        assert 'role="alert"' in answer.text


def test_a_long_ledger_pages_to_its_beginning(funded: Funded) -> None:
    token = funded.token()
    segment = Segment.objects.get(owner_id=funded.given.welcome)
    for n in range(90):
        add_manual_entry(
            balance_id=funded.given.welcome, segment_id=segment.pk, customer_id=funded.customer,
            amount=Decimal(n + 1) / 8, reason=f"Step {n}", now=now(),
        )  # fmt: skip
    url, shown = PANELS["ledger"], []
    while url:
        html = funded.get(url, token).text
        shown += re.findall(r'cell-move[^>]*>([^<]*)<span class="tail">(\d*)', html)
        more = re.search(r'hx-get="([^"]+after=[^"]+)"', html)
        url = more[1].replace("&amp;", "&") if more else ""
    assert len(shown) > 90
    amounts = [Decimal("".join(pair).replace("\N{MINUS SIGN}", "-").replace(",", "")) for pair in shown]
    assert amounts == [Decimal(row["amount"]) for row in reversed(table_of(funded, token=token))]
    assert funded.get(f"{PANELS['ledger']}?after=garbage", token).status_code == 400


def test_a_commitment_is_told_as_an_obligation(funded: Funded) -> None:
    token = funded.token()
    html = funded.get(PANELS["summary"], token).text
    assert "obligation, no balance" in html
    assert "what is not used by then is billed as well" in html
    ledger = text_of(funded.get(f"{PANELS['ledger']}?grant={funded.given.postpaid}", token).text)
    assert "Commitment begins" in ledger
    assert "Still to be used now" in ledger
    assert "Used by invoice" in ledger
    owed = sum(Decimal(row["amount"]) for row in table_of(funded, f"grant={funded.given.postpaid}", token))
    left = Segment.objects.get(owner_id=funded.given.postpaid).balance / 100
    assert 0 < left == owed  # nothing is pending: the running period is paid by what was prepaid
    assert f"{left:,.2f} USD still to be used" in text_of(html)


@pytest.mark.parametrize(("days", "word"), [(2, "Urgent"), (9, "Soon"), (25, "Notice")])
def test_what_would_expire_is_warned_of_in_three_stages(funded: Funded, days: int, word: str) -> None:
    customer = create_customer(name="Without usage", now=funded.since).pk
    create_balance(
        customer_id=customer,
        new=NewBalance(
            kind="CREDIT",
            product_id=fixed(funded.since, "Gift"),
            name="Gift",
            access=((Decimal(12_345), funded.since, funded.today + days * DAY),),
        ),
        now=now(),
    )
    alert = re.search(
        r'<li class="alert (\w+)">(.*?)</li>', funded.get(PANELS["summary"], funded.token(customer)).text, re.DOTALL
    )
    told = text_of(alert[2])
    assert told.startswith(f"{word} 123.45 USD of Gift is likely to expire unused")
    assert "none of it would be used by then" in told
    assert alert[1] == {"Urgent": "bad", "Soon": "warn", "Notice": "info"}[word]


def test_the_forecast_takes_off_what_will_be_used_and_waits_for_three_days(funded: Funded) -> None:
    viewer = Viewer(uuid4(), funded.customer, frozenset(["credits:read"]))
    panel = burn_down_panel(viewer, unit="", now=now())
    assert panel is not None
    assert panel.chart is not None
    assert panel.chart.has_forecast
    assert any("the average of those of the last" in note for note in panel.notes)
    expected = [row for row in panel.chart.rows if row.label.endswith("expected")]
    assert expected
    figures = [Decimal(row.total.replace(",", "").replace("\N{MINUS SIGN}", "-")) for row in expected]
    assert figures[0] < Decimal(panel.chart.total.replace(",", "")) + 20  # a monthly credit may come
    early = funded.since + timedelta(days=2)
    young = burn_down_panel(viewer, unit="", now=early)
    assert young is not None
    assert young.chart is not None
    assert not young.chart.has_forecast
    assert young.notes[0] == "A forecast appears after three days of use."
    head = credit_summary(viewer, unit="", now=early)
    assert head is not None
    assert all("is likely" not in alert.headline for alert in head.alerts)


def number(text: str) -> Decimal:
    return Decimal(text.replace(",", "").replace("\N{MINUS SIGN}", "-") or "0")


def test_each_day_or_week_of_the_curve_follows_from_the_one_before(funded: Funded) -> None:
    quiet = create_customer(name="Quiet", now=funded.since).pk
    for n, (days, amount) in enumerate(((300, 70_000), (20, 3_333))):
        create_balance(
            customer_id=quiet,
            new=NewBalance(
                kind="CREDIT", product_id=fixed(funded.since, f"Gift {n}"), name=f"Gift {n}",
                access=((Decimal(amount), funded.since, funded.today + days * DAY),),
            ),
            now=funded.since,
        )  # fmt: skip
    for customer, axis, lost in ((funded.customer, "Day (UTC)", None), (quiet, "Week (UTC)", Decimal("733.33"))):
        viewer = Viewer(uuid4(), customer, frozenset(["credits:read"]))
        panel = burn_down_panel(viewer, unit="", now=now())
        assert panel is not None
        assert panel.chart is not None
        assert panel.chart.axis == axis
        rows = [[number(value) for value in (*row.values, row.total)] for row in panel.chart.rows]
        ahead = [row.label.endswith("expected") for row in panel.chart.rows].index(True)
        for n, (added, used, expired, balance) in enumerate(rows):
            if n not in (0, ahead):  # today ends now, the first expected day begins at midnight
                assert abs(rows[n - 1][3] + added - used - expired - balance) <= Decimal("0.03"), panel.chart.rows[n]
        assert rows[ahead - 1][3] == number(panel.chart.total)
        if lost is not None:
            assert sum(row[2] for row in rows) == lost
            assert "would expire unused" in panel.chart.description


def test_a_grant_for_tagged_products_waits_where_invoices_let_it_wait(funded: Funded) -> None:
    """Tags count the products that have them: as many as the other grant names, which ends earlier and pays all."""
    for product in funded.shop.products:
        products.update_product(product_id=product, starting_at=funded.since, fields={"tags": ["ai"]}, now=now())
    made = []
    for days, scope in (
        (100, {"applicable_product_ids": tuple(str(id_) for id_ in funded.shop.products)}),
        (200, {"applicable_product_tags": ("ai",)}),
    ):
        access = ((Decimal(10**9), funded.since, funded.today + days * DAY),)
        gift = NewBalance(kind="CREDIT", product_id=fixed(funded.since), name="Gift", access=access, **scope)
        made.append(gift)

    def give_both(customer: UUID) -> None:
        for new in made:
            create_balance(customer_id=customer, new=new, now=funded.since)

    customer = seed_customer(funded.shop, "Tagged", now=now(), since=funded.since, per_day=1, grants=give_both)
    found = customer_balances(Viewer(uuid4(), customer, frozenset(["credits:read"])), now=now())
    assert found is not None
    [unit_balance] = found.unit_balances
    used = {bool(grant.row.applicable_product_tags): grant.parts[0].used > 0 for grant in unit_balance.grants}
    assert used == {False: True, True: False}
    rate = burn_rate(unit_balance, drafts=found.drafts, entries=posted_entries(unit_balance.held, now=now()), now=now())
    assert rate is not None
    assert rate.idle == frozenset()


def test_custom_units_and_counted_units_have_purses_of_their_own(funded: Funded, sdk: Metronome) -> None:
    unit = create_credit_type(name="Lumen credits", now=funded.since)
    product = fixed(funded.since, "Grant")
    images = funded.shop.products[2]
    for new in (
        NewBalance(
            kind="CREDIT", product_id=product, name="Credits", credit_type_id=unit.pk,
            access=((Decimal("1500.5"), funded.since, funded.today + 90 * DAY),),
        ),
        NewBalance(
            kind="PREPAID", product_id=product, name="Pictures", access_type="QUANTITY", do_not_invoice=True,
            applicable_product_ids=(str(images),), priority=Decimal(0),
            access=((Decimal(100_000), funded.since, funded.today + 90 * DAY),),
        ),
    ):  # fmt: skip
        create_balance(customer_id=funded.customer, new=new, now=now())
    token = funded.token()
    head = funded.get(PANELS["summary"], token).text
    chips = {
        name.strip(): (key, figure)
        for key, figure, name in re.findall(
            r'unit=([^"]+)"\s*hx-target.*?<b class="n">([^<]+)</b>&nbsp;([^<]+)</a>', head, re.DOTALL
        )
    }
    assert set(chips) == {"USD", "Lumen credits", "units of Image generations"}
    assert chips["Lumen credits"][1] == "1,500.50"
    asked = {"credit_type_id": str(unit.pk)}
    for name, more in (
        ("USD", {}),
        ("Lumen credits", asked),
        ("units of Image generations", {"access_type": "QUANTITY"}),
    ):
        key, figure = chips[name]
        left = net(sdk, funded.customer, **more)
        scale = 100 if name == "USD" else 1
        rows = table_of(funded, f"unit={key}", token)
        assert sum(Decimal(row["amount"]) for row in rows) * scale == left
        assert {row["unit"] for row in rows} == {name}
        page = funded.get(f"{PANELS['summary']}?unit={key}", token).text
        assert tile(page, "Can be spent now") == figure
        assert (
            re.search(r"data-reading-total>([\d,.]+)<", funded.get(f"{PANELS['burn']}?unit={key}", token).text)[1]
            == figure
        )
    assert net(sdk, funded.customer, access_type="QUANTITY") < 100_000


def test_archived_grants_are_gone_and_ended_ones_are_past(funded: Funded) -> None:
    token = funded.token()
    row = create_balance(
        customer_id=funded.customer,
        new=NewBalance(
            kind="CREDIT", product_id=fixed(now()), name="By mistake", priority=Decimal(900),
            access=((Decimal(77), funded.today + 5 * DAY, funded.today + 9 * DAY),),
        ),
        now=now(),
    )  # fmt: skip
    assert "By mistake" in funded.get(PANELS["grants"], token).text
    archive_balance(balance_id=row.pk, customer_id=funded.customer, commit=False, now=now())
    for panel in PANELS.values():
        assert "By mistake" not in funded.get(panel, token).text
    assert funded.get(f"{PANELS['ledger']}?grant={row.pk}", token).status_code == 404
    past = funded.get(f"{PANELS['grants']}?view=past", token).text
    assert "Monthly credit" in past
    assert "Annual commit" not in past
    assert funded.get(f"{PANELS['grants']}?view=secret", token).status_code == 400


def test_what_ends_expires_in_the_ledger_once_nothing_can_draw_it(funded: Funded, sdk: Metronome) -> None:
    customer = seed_customer(funded.shop, "Quiet", now=now(), since=funded.since, per_day=0)
    create_balance(
        customer_id=customer,
        new=NewBalance(
            kind="CREDIT", product_id=fixed(funded.since), name="Trial", priority=Decimal(1),
            access=((Decimal(10**9), funded.since, funded.today),),
        ),
        now=now(),
    )  # fmt: skip
    token = funded.token(customer)
    for status in ("pending", "posted"):
        rows = table_of(funded, token=token)
        assert [row["status"] for row in rows if row["movement"] == "Expired"] == [status]
        assert rows[-1]["balance"] == "0"
        run_due_work(now() + timedelta(days=40))
        token = funded.token(customer)
    assert net(sdk, customer) == 0
    assert "Trial" in funded.get(f"{PANELS['grants']}?view=past", token).text
    assert tile(funded.get(PANELS["summary"], token).text, "Next expiry") == "None"


def test_nobody_sees_another_customers_balances(funded: Funded) -> None:
    stranger = funded.token(funded.stranger)
    for query in (f"grant={funded.given.commit}", f"grant={funded.given.postpaid}"):
        assert funded.get(f"{PANELS['ledger']}?{query}", stranger).status_code == 404
    unit = Balance.objects.get(pk=funded.given.commit).credit_type_id
    for path in PANELS.values():
        html = funded.get(f"{path}?unit={unit}", stranger).text
        assert "Annual commit" not in html
        assert "Yearly minimum" not in html
    made = funded.client.post(
        "/console/downloads",
        data={"path": "credits.csv", "query": f"grant={funded.given.commit}"},
        headers={"Authorization": f"Bearer {stranger}"},
    )
    assert funded.client.get(json.loads(made.headers["HX-Trigger"])["tactus:download"]["url"]).status_code == 404


def test_a_customer_without_balances_is_told_so(funded: Funded) -> None:
    token = funded.token(funded.stranger)
    page = funded.get("/console/credits", token).text
    assert "You have no credits and no commits." in page
    assert "panels/credits" not in page
    for panel in PANELS.values():
        assert funded.get(panel, token).status_code == 200


def test_scopes_and_credentials(funded: Funded, bare: httpx.Client) -> None:
    token = funded.token(scopes=["usage:read", "invoices:read"])
    assert 'href="/console/credits"' not in funded.get("/console/overview", token).text
    for path in PANELS.values():
        assert funded.get(path, token).status_code == 403
        assert bare.get(path).status_code == 401
    refused = funded.client.post(
        "/console/downloads", data={"path": "credits.csv"}, headers={"Authorization": f"Bearer {token}"}
    )
    assert refused.status_code == 403
    mine = funded.get("/console/credits", funded.token(scopes=["credits:read"]))
    assert mine.headers["Console-Path"] == "/credits"


def test_the_board_of_metronome_opens_the_page_and_heeds_its_options(funded: Funded, sdk: Metronome) -> None:
    from console import services

    unit = create_credit_type(name="Other credits", now=now())
    for options, sees in (
        ([{"key": "hide_grant_name", "value": "true"}], False),
        ([{"key": "credit_ledger_credit_type_id", "value": str(unit.pk)}], False),
        ([], True),
    ):
        url = sdk.v1.dashboards.get_embeddable_url(
            customer_id=str(funded.customer), dashboard="commits_and_credits", dashboard_options=options
        ).data.url
        access = services.exchange(secret=(url or "").partition("#token=")[2], parent_origin="", now=now())
        assert access.session.options["start"] == "/credits"
        html = "".join(funded.get(path, access.token).text for path in PANELS.values())
        assert ("Annual commit" in html) == sees
    assert "usage:read" not in access.session.scopes


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_costs_the_same_however_much_there_is(
    funded: Funded, panel: str, django_assert_max_num_queries: Callable[[int], CaptureQueriesContext]
) -> None:
    token = funded.token()
    each = 14 if panel == "burn" else 7  # for a draft in its grace; the curve asks twice
    with django_assert_max_num_queries(12 + 1 + in_graces(funded.customer) * each) as before:  # and who is looking
        assert funded.get(PANELS[panel], token).status_code == 200
    product = fixed(now(), "More")
    for n in range(12):
        row = create_balance(
            customer_id=funded.customer,
            new=NewBalance(
                kind="CREDIT",
                product_id=product,
                name=f"Gift {n}",
                access=((Decimal(100 + n), funded.since, funded.today + 60 * DAY),),
            ),
            now=now(),
        )
        add_manual_entry(
            balance_id=row.pk, segment_id=row.segments.get().pk, customer_id=funded.customer, amount=Decimal(5),
            reason="More", now=now(),
        )  # fmt: skip
    with django_assert_max_num_queries(len(before)):
        assert funded.get(PANELS[panel], token).status_code == 200
