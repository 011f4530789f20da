"""One name for a page: in menu, header, title and breadcrumbs. Empty lists and refusals say what to do."""

import re
from datetime import timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client, override_settings
from django.urls import reverse

from backoffice.navigation import GROUPS, Link, lists
from balances.adjustment_models import USD
from balances.services.adjustments import AdjustmentReason, CreditRequest, NewAdjustment, request_adjustment
from balances.services.checks import check_ledgers
from catalog.services.products import create_product
from core.admin.options import ListPage, RecordAdmin
from core.custom_fields import add_key
from core.staff_accounts import ask_new_account
from customers.test_clocks import create_test_clock
from tests.admin.test_lists import more_of_everything
from tests.admin.world import World

LINKS = [link for _, links in GROUPS for link in links]


def plain(html: str) -> str:
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))).strip()


def texts(page: str, pattern: str) -> list[str]:
    return [plain(found) for found in re.findall(pattern, page, re.DOTALL)]


@pytest.mark.parametrize("link", LINKS, ids=lambda link: link.title)
def test_a_page_is_called_what_the_menu_calls_it(link: Link, world: World, owner: Client) -> None:
    page = owner.get(reverse(link.route) + link.query).content.decode()
    [title] = texts(page, r"<title>(.*?)</title>")
    assert title.split(" | ")[0].strip() == link.title
    assert texts(page, r"<h1[^>]*>(.*?)</h1>") == [link.title]
    crumbs = texts(page, r'<nav class="bo-crumbs".*?</nav>')
    assert all(crumb.startswith(link.title) for crumb in crumbs if link.route != "admin:index")


def one_of_the_rest(world: World) -> None:
    """What the world lacks: a key, an origin, a session, a credit by an adjustment, a request, a check of ledgers,
    a test clock.
    """
    more_of_everything(world, "some", 1)
    ann = User.objects.create_superuser("ann", "ann@example.com")
    fixed = create_product(product_type="FIXED", fields={"name": "Credits"}, now=world.now)
    asked = CreditRequest(fixed.pk, USD, Decimal(100), world.since, world.since + timedelta(days=900))
    new = NewAdjustment(world.customer, asked, AdjustmentReason("GOODWILL", "Sorry"))
    request_adjustment(new=new, maker_id=ann.pk, now=world.now)
    ask_new_account(
        username="ben", first_name="", last_name="", email="ben@example.com", role="support", reason="joins",
        maker_id=ann.pk, now=world.now,
    )  # fmt: skip
    check_ledgers(now=world.now)
    add_key(entity="customer", key="team", enforce_uniqueness=False, now=world.now)
    with override_settings(TACTUS_TEST_CLOCKS=True):
        create_test_clock(name="Later", at=world.now, now=world.now)


@pytest.mark.parametrize("link", lists().values(), ids=lambda link: link.title)
def test_breadcrumbs_of_a_record_say_the_menus_word(link: Link, world: World, owner: Client) -> None:
    name = link.route.removesuffix("_changelist")
    screens = {f"admin:{kind.opts.app_label}_{kind.opts.model_name}": kind for kind in admin.site._registry.values()}
    one_of_the_rest(world)
    record = screens[name].model._default_manager.order_by("pk").first()
    page = owner.get(reverse(f"{name}_change", args=[record.pk])).content.decode()
    [crumbs] = re.findall(r'<nav class="bo-crumbs".*?</nav>', page, re.DOTALL)
    assert link.title in texts(crumbs, r"<a [^>]*>(.*?)</a>")


def test_every_list_is_in_the_menu_and_says_how_its_records_come_to_be() -> None:
    screens = {f"{kind.opts.app_label}_{kind.opts.model_name}" for kind in admin.site._registry.values()}
    assert screens == set(lists())
    assert all(isinstance(kind, ListPage) for kind in admin.site._registry.values())
    assert [link.title for link in lists().values() if not link.made.endswith(".")] == []


@pytest.mark.parametrize("link", lists().values(), ids=lambda link: link.title)
def test_an_empty_list_says_how_something_comes_to_be(link: Link, owner: Client) -> None:
    answer = owner.get(reverse(link.route) + link.query)
    page = plain(answer.content.decode())
    assert "yielded into no results" not in page
    if not answer.context["cl"].result_count:
        assert link.nothing in page
        assert link.made in page


def test_what_matches_nothing_leads_back_to_all(world: World, owner: Client) -> None:
    page = owner.get(reverse("admin:customers_customer_changelist") + "?q=nobody").content.decode()
    assert "Nothing matches." in page
    assert '<a class="bo-button" href="?">Show all</a>' in page


@pytest.mark.parametrize(
    "kind", [one for one in admin.site._registry.values() if isinstance(one, RecordAdmin)], ids=str
)
def test_what_nobody_makes_here_says_where_it_is_made(
    kind: RecordAdmin, world: World, owner: Client, support: Client
) -> None:
    name = f"{kind.opts.app_label}_{kind.opts.model_name}"
    answer = owner.get(reverse(f"admin:{name}_add"))
    page = plain(answer.content.decode())
    if kind.made_by or kind.model._meta.model_name in ("apikey", "customfieldkey", "embedorigin", "testclock"):
        assert answer.status_code == 200
    else:
        assert answer.status_code == 403
        assert "Not made here" in page
        assert lists()[name].made in page
    assert "Not for your role" not in page
    assert "Not for your role" not in plain(owner.get(reverse(f"admin:{name}_delete", args=["1"])).content.decode())
    if kind.made_by:
        refused = plain(support.get(reverse(f"admin:{name}_add")).content.decode())
        assert "This is for finance and owners." in refused
    elif support.get(reverse(f"admin:{name}_changelist")).status_code == 200:
        answer = support.get(reverse(f"admin:{name}_add"))
        refused = plain(answer.content.decode())
        if kind.add_form is not None:  # either support may, or reads who may
            assert answer.status_code == 200 or "This is for finance and owners." in refused
        else:
            assert "Not for your role" not in refused


@pytest.mark.parametrize(
    ("url", "who"),
    [
        ("/admin/core/apikey/", "This is for finance and owners."),
        ("/admin/auth/user/", "This is for owners."),
        ("/admin/invoices/invoicelisting/{invoice}/void/", "This is for finance and owners."),
    ],
)
def test_a_refusal_says_who_may(url: str, who: str, world: World, support: Client) -> None:
    answer = support.get(url.format(invoice=world.final.pk))
    assert answer.status_code == 403
    assert who in plain(answer.content.decode())


def test_buttons_that_make_something_say_what(world: World, owner: Client) -> None:
    for name, text in (
        ("core_apikey", "New API key"),
        ("console_embedorigin", "New embed origin"),
    ):
        page = owner.get(reverse(f"admin:{name}_changelist")).content.decode()
        [button] = re.findall(r'<a class="[^"]*addlink[^"]*".*?</a>', page, re.DOTALL)
        assert plain(button.replace(">add<", "><")) == text
    assert "addlink" not in owner.get(reverse("admin:invoices_invoicelisting_changelist")).content.decode()


@override_settings(TACTUS_EMBED_ORIGINS=["https://app.lumen.example"])
def test_origins_of_the_environment_are_shown_and_not_removable(world: World, owner: Client) -> None:
    page = owner.get(reverse("admin:console_embedorigin_changelist")).content.decode()
    assert "https://app.lumen.example" in page
    assert "not to be removed here" in page
    assert "/remove/" not in page
    with override_settings(TACTUS_EMBED_ORIGINS=[]):
        page = owner.get(reverse("admin:console_embedorigin_changelist")).content.decode()
    assert "From the environment" not in page


def test_pages_have_an_icon(client: Client, owner: Client) -> None:
    assert 'href="/static/img/favicon.svg"' in owner.get("/admin/").content.decode()
    assert 'href="/static/img/favicon.svg"' in client.get("/admin/login/").content.decode()
    answer: Any = client.get("/favicon.ico", follow=True)
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/svg+xml")
