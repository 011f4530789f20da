"""Pages and panels: what they show, who may see them, what they cost, and the headers they leave with."""

import csv
import json
import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import Any
from uuid import uuid4

import httpx
import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from metronome import Metronome

from console import services
from core.clock import now
from invoices.models import InvoiceListing
from tests.console.conftest import Seeded

pytestmark = pytest.mark.calendar

PANELS = ["charged", "compared", "spend", "drivers", "recent", "usage", "invoices"]


def invoices_of(sdk: Metronome, customer: object) -> list:
    return list(sdk.v1.customers.invoices.list(customer_id=str(customer)))


def running(sdk: Metronome, customer: object) -> Any:
    """The invoice of the period that holds this moment."""
    [found] = [i for i in invoices_of(sdk, customer) if i.start_timestamp <= now() < i.end_timestamp]
    assert found.status == "DRAFT"
    return found


def before(sdk: Metronome, customer: object) -> Any:
    """The invoice of the period before the running one; in its grace it is a draft as well."""
    this = running(sdk, customer)
    [found] = [i for i in invoices_of(sdk, customer) if i.end_timestamp == this.start_timestamp]
    grace = timedelta(hours=settings.TACTUS_GRACE_HOURS)
    assert found.status == ("DRAFT" if now() < this.start_timestamp + grace else "FINALIZED")
    return found


def in_graces(customer: object) -> int:
    """How many drafts there are beside the running one: each that is composed takes seven queries more."""
    return InvoiceListing.objects.filter(customer_id=customer, status="DRAFT", type="USAGE").count() - 1


def figure(html: str) -> str:
    found = re.search(r'class="figure">\s*([\d,.]+)', html)
    assert found
    return found[1]


def dollars(cents: float) -> str:
    return f"{Decimal(repr(cents)) / 100:,.2f}"


@pytest.mark.calendar(always=True)
def test_the_total_is_the_apis_to_the_cent(seeded: Seeded, sdk: Metronome) -> None:
    draft = running(sdk, seeded.customer)
    assert figure(seeded.get("/console/panels/charged").text) == dollars(draft.total)
    previous = before(sdk, seeded.customer)
    assert figure(seeded.get("/console/panels/compared").text) == dollars(previous.total)


def test_an_invoice_shows_every_line_and_unfolds_it(seeded: Seeded, sdk: Metronome) -> None:
    final = next(i for i in invoices_of(sdk, seeded.customer) if i.status == "FINALIZED")
    token = seeded.token()
    page = seeded.get(f"/console/invoices/{final.id}", token).text
    assert dollars(final.total) in page
    links = re.findall(r'hx-get="(/console/panels/invoices/[0-9a-f-]+/lines/[0-9a-f-]+)"', page)
    assert len(links) == len([line for line in final.line_items if line.total])
    for link in links:
        told = seeded.get(link, token)
        assert told.status_code == 200
        assert "none applies" in told.text
        assert "rate card Scale 2026" in told.text


def test_a_lines_events_page_through_to_the_last(seeded: Seeded, sdk: Metronome) -> None:
    final = next(i for i in invoices_of(sdk, seeded.customer) if i.status == "FINALIZED")
    token = seeded.token()
    page = seeded.get(f"/console/invoices/{final.id}", token).text
    block = page[page.index("Image generations") :]
    link = re.search(r'hx-get="(/console/panels/invoices/[^"]+)"', block)[1]
    told = seeded.get(link, token).text
    count = int(re.search(r"from ([\d,]+) event", told)[1].replace(",", ""))
    seen, url = [], f"{link}/events"
    while url:
        rows = seeded.get(url, token).text
        seen += re.findall(r'event-id">([^<]+)<', rows)
        more = re.search(r'hx-get="([^"]+after=[^"]+)"', rows)
        url = more[1] if more else ""
    assert len(seen) == len(set(seen)) == count > 50
    assert seeded.get(f"{link}/events?after=garbage", token).status_code == 400


def test_days_of_a_line_sum_to_the_line(seeded: Seeded, sdk: Metronome) -> None:
    final = next(i for i in invoices_of(sdk, seeded.customer) if i.status == "FINALIZED")
    token = seeded.token()
    page = seeded.get(f"/console/invoices/{final.id}", token).text
    for link, quantity in re.findall(
        r'line-quantity">([\d,.]+)</span>.*?hx-get="(/console/panels/invoices/[^"]+)"', page, flags=re.DOTALL
    ):
        days = seeded.get(f"{quantity}/days", token).text
        assert re.search(r"data-reading-total>([\d,.]+)<", days)[1] == link


def test_usage_chart_table_and_csv_sum_to_the_same(seeded: Seeded, sdk: Metronome) -> None:
    token = seeded.token()
    for query in ("preset=previous", "preset=previous&by=model", "preset=7d&step=hour&by=region", "preset=90d"):
        html = seeded.get(f"/console/panels/usage?{query}", token).text
        total = Decimal(re.search(r"data-reading-total>([\d,.]+)<", html)[1].replace(",", ""))
        made = seeded.client.post(
            "/console/downloads",
            data={"path": "usage.csv", "query": query},
            headers={"Authorization": f"Bearer {token}"},
        )
        rows = list(csv.DictReader(StringIO(follow(seeded.client, made).text)))
        assert round(sum(Decimal(row["amount"]) for row in rows), 2) == total
    previous = before(sdk, seeded.customer)
    html = seeded.get("/console/panels/usage?preset=previous", token).text
    assert re.search(r"data-reading-total>([\d,.]+)<", html)[1] == dollars(previous.total)


def test_cost_and_units_have_a_place_each_and_lead_to_each_other(seeded: Seeded) -> None:
    cost, units = (seeded.get(f"/console/panels/{name}?preset=7d&step=hour").text for name in ("usage", "units"))
    assert 'name="show"' not in cost
    assert "Quantity:" not in cost
    [to_units] = re.findall(r'href="([^"]*)"[^>]*>How much was used', cost)
    [to_cost] = re.findall(r'href="([^"]*)"[^>]*>What it cost', units)
    assert to_units.startswith("/console/usage/units?preset=7d")
    assert to_cost.startswith("/console/usage?preset=7d")
    assert to_units.endswith("step=hour")
    assert to_cost.endswith("step=hour")
    old = seeded.get(f"/console/panels/usage?preset=7d&step=hour&show={seeded.customer}").text
    assert "Spend by hour" in old


def test_a_name_has_one_colour_in_every_range_and_on_every_page(seeded: Seeded) -> None:
    token = seeded.token()

    def colours(panel: str) -> dict[str, str]:
        html = seeded.get(f"/console/panels/{panel}", token).text
        return dict(re.findall(r'swatch (c\d)" aria-hidden="true"></i>\s*<span class="legend-label">([^<]+)<', html))

    products, models = {}, {}
    for preset in ("previous", "current", "7d", "90d"):
        products[preset] = {name: number for number, name in colours(f"usage?preset={preset}").items()}
        models[preset] = {name: number for number, name in colours(f"usage?preset={preset}&by=model").items()}
    products["overview"] = {name: number for number, name in colours("spend").items()}
    for found in (products, models):
        assert all(len(names) >= 2 for names in found.values()), found
        assert all(names.items() <= found["90d"].items() for names in found.values()), found


def test_an_impossible_range_says_so_and_still_answers(seeded: Seeded) -> None:
    html = seeded.get("/console/panels/usage?preset=90d&step=hour").text
    assert 'role="alert"' in html
    assert "at most 16 days can be drawn by hour" in html


def test_a_new_customer_sees_what_comes_next(seeded: Seeded) -> None:
    from customers.services import create_customer

    empty = create_customer(name="Empty", now=now()).pk
    token = seeded.token(empty)
    words = {
        "charged": "No billing period is running",
        "compared": "There is no earlier period",
        "spend": "Nothing was used yet",
        "drivers": "Nothing costs anything yet",
        "recent": "There are no invoices yet",
        "invoices": "There are no invoices yet",
        "usage": "Nothing was used in this range",
    }
    for panel, text in words.items():
        assert text in seeded.get(f"/console/panels/{panel}", token).text


def test_a_page_is_whole_without_htmx_and_a_fragment_with_it(seeded: Seeded) -> None:
    whole, part = (seeded.get("/console/overview", htmx=htmx).text for htmx in (False, True))
    assert "<!DOCTYPE html>" in whole
    assert "<html" not in part
    assert part.strip() in whole
    assert part.strip().startswith("<div")


def test_another_customers_objects_do_not_exist(seeded: Seeded, sdk: Metronome) -> None:
    theirs = next(i for i in invoices_of(sdk, seeded.stranger) if i.status == "FINALIZED")
    stranger = seeded.token(seeded.stranger)
    page = seeded.get(f"/console/invoices/{theirs.id}", stranger).text
    line = re.search(r'hx-get="(/console/panels/invoices/[^"]+)"', page)[1]
    mine = seeded.token()
    for path in (f"/console/invoices/{theirs.id}", line, f"{line}/days", f"{line}/events"):
        assert seeded.get(path, stranger).status_code == 200
        assert seeded.get(path, mine).status_code == 404
    assert seeded.get(f"/console/invoices/{uuid4()}", mine).status_code == 404
    made = seeded.client.post(
        "/console/downloads", data={"path": f"invoices/{theirs.id}.pdf"}, headers={"Authorization": f"Bearer {mine}"}
    )
    assert follow(seeded.client, made).status_code == 404


def test_a_cookie_alone_is_worth_nothing(seeded: Seeded) -> None:
    browser = Client()
    browser.force_login(get_user_model().objects.create_superuser("root", password="secret"))
    paths = ["overview", "usage", "invoices", *(f"panels/{panel}" for panel in PANELS)]
    for path in paths:
        answer = browser.get(f"/console/{path}")
        assert answer.status_code == 401, path
        assert answer["WWW-Authenticate"] == "Bearer"
    assert browser.post("/console/downloads", {"path": "usage.csv"}).status_code == 401
    assert browser.post("/tactus/v1/embed/renew").status_code == 401


def test_an_api_key_is_no_console_token(seeded: Seeded, api_key: str) -> None:
    assert seeded.get("/console/overview", api_key).status_code == 401


@pytest.mark.parametrize(
    ("scope", "open_", "closed"), [("usage:read", "usage", "invoices"), ("invoices:read", "invoices", "usage")]
)
def test_scopes_hide_and_refuse(seeded: Seeded, scope: str, open_: str, closed: str) -> None:
    token = seeded.token(scopes=[scope])
    page = seeded.get(f"/console/{open_}", token)
    assert page.status_code == 200
    assert f'href="/console/{closed}"' not in page.text
    for path in (closed, f"panels/{closed}", "overview"):
        assert seeded.get(f"/console/{path}", token).status_code == 403
    path = "usage.csv" if closed == "usage" else f"invoices/{uuid4()}.pdf"
    refused = seeded.client.post(
        "/console/downloads", data={"path": path}, headers={"Authorization": f"Bearer {token}"}
    )
    assert refused.status_code == 403


def follow(client: httpx.Client, made: httpx.Response) -> httpx.Response:
    assert made.status_code == 204
    return client.get(json.loads(made.headers["HX-Trigger"])["tactus:download"]["url"])


def test_a_download_link_works_once_and_is_the_apis_pdf(seeded: Seeded, sdk: Metronome) -> None:
    final = next(i for i in invoices_of(sdk, seeded.customer) if i.status == "FINALIZED")
    headers = {"Authorization": f"Bearer {seeded.token()}"}
    made = seeded.client.post("/console/downloads", data={"path": f"invoices/{final.id}.pdf"}, headers=headers)
    pdf = follow(seeded.client, made)
    assert pdf.content.startswith(b"%PDF-")
    assert pdf.headers["Content-Disposition"].startswith('attachment; filename="TA-')
    assert "Set-Cookie" not in pdf.headers
    assert follow(seeded.client, made).status_code == 404
    same = sdk.v1.customers.invoices.retrieve_pdf(customer_id=str(seeded.customer), invoice_id=final.id).read()
    assert pdf.content == same


@pytest.mark.parametrize("path", ["../etc/passwd", "invoices/x.pdf", "", "usage.csv\n", "invoices/1.exe"])
def test_only_known_files_have_links(seeded: Seeded, path: str) -> None:
    answer = seeded.client.post(
        "/console/downloads", data={"path": path}, headers={"Authorization": f"Bearer {seeded.token()}"}
    )
    assert answer.status_code == 404


def test_an_invoice_csv_adds_up(seeded: Seeded, sdk: Metronome) -> None:
    draft = running(sdk, seeded.customer)
    headers = {"Authorization": f"Bearer {seeded.token()}"}
    made = seeded.client.post("/console/downloads", data={"path": f"invoices/{draft.id}.csv"}, headers=headers)
    *lines, total = csv.DictReader(StringIO(follow(seeded.client, made).text))
    assert total["line"] == "Total"
    assert sum(Decimal(line["amount"]) for line in lines) == Decimal(total["amount"])


def test_embed_options_rename_groups_and_filter_invoices(seeded: Seeded, sdk: Metronome) -> None:
    url = sdk.v1.dashboards.get_embeddable_url(
        customer_id=str(seeded.customer),
        dashboard="invoices",
        bm_group_key_overrides=[
            {"group_key_name": "region", "display_name": "Area", "value_display_names": {"us-east": "America"}}
        ],
        dashboard_options=[{"key": "invoice_status_filter", "value": "FINALIZED"}],
        color_overrides=[{"name": "UsageLine_0", "value": "#123456"}, {"name": "Primary_medium", "value": "#ffdd00"}],
    ).data.url
    access = services.exchange(secret=(url or "").partition("#token=")[2], parent_origin="", now=now())
    assert access.session.options["theme"] == {"--c1": "#123456", "--accent": "#ffdd00", "--accent-contrast": "#000000"}
    listed = seeded.get("/console/panels/invoices", access.token).text
    assert "running" not in listed
    assert "issued" in listed
    final = next(i for i in invoices_of(sdk, seeded.customer) if i.status == "FINALIZED")
    page = seeded.get(f"/console/invoices/{final.id}", access.token).text
    assert "America" in page
    assert "us-east" not in page


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_costs_at_most_twelve_queries(
    seeded: Seeded, panel: str, django_assert_max_num_queries: Callable[[int], CaptureQueriesContext]
) -> None:
    token = seeded.token()
    with django_assert_max_num_queries(12 + 1 + in_graces(seeded.customer) * 7):  # and one for who is looking
        assert seeded.get(f"/console/panels/{panel}", token).status_code == 200


def test_the_shell_is_static_small_and_framed_by_registered_origins_only(bare: httpx.Client, db: None) -> None:
    nobody = bare.get("/console/embed")
    assert "frame-ancestors 'none'" in nobody.headers["Content-Security-Policy"]
    for origin in ("https://a.example.com", "https://b.example.com:8443"):
        services.register_origin(origin=origin, now=now())
    shell = bare.get("/console/embed", headers={"Cookie": "sessionid=x; csrftoken=y"})
    policy = dict(part.strip().split(" ", 1) for part in shell.headers["Content-Security-Policy"].split(";"))
    assert policy["frame-ancestors"] == "https://a.example.com https://b.example.com:8443"
    assert policy["default-src"] == "'none'"
    for name in ("script-src", "style-src", "connect-src", "font-src", "form-action"):
        assert policy[name] == "'self'"
    assert policy["img-src"] == "'self' data:"
    assert policy["base-uri"] == "'none'"
    assert "X-Frame-Options" not in shell.headers
    assert "Set-Cookie" not in shell.headers
    assert "Cookie" not in shell.headers.get("Vary", "")
    assert "no-store" in shell.headers["Cache-Control"]
    assert len(shell.content) <= 10_000
    assert shell.text == bare.get("/console/embed").text
    services.remove_origin(origin="https://a.example.com", now=now())
    assert "a.example.com" not in bare.get("/console/embed").headers["Content-Security-Policy"]


def test_every_other_answer_refuses_frames_and_caches(seeded: Seeded) -> None:
    for path in ("overview", "panels/charged", "panels/usage"):
        answer = seeded.get(f"/console/{path}")
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert "Set-Cookie" not in answer.headers


def test_a_name_full_of_markup_stays_text(seeded: Seeded) -> None:
    from contracts.services import create_contract
    from customers.services import create_customer

    bad = create_customer(name="<script>alert(1)</script>", now=now())
    create_contract(customer_id=bad.pk, name='"><img src=x onerror=alert(1)>', starting_at=seeded.since, now=now())
    token = seeded.token(bad.pk)
    listed = seeded.get("/console/invoices", token).text + seeded.get("/console/panels/invoices", token).text
    invoice = re.search(r'href="(/console/invoices/[0-9a-f-]{36})"', listed)[1]
    page = seeded.get(invoice, token).text
    assert "<img" not in page
    assert "&lt;img" in page
