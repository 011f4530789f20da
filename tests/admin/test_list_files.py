"""A list as a file: all that it is filtered to, in its order, for who may see it; and what lists say of themselves."""

import csv
import io
import re
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core.admin.options import RecordAdmin
from invoices.services.void import regenerate_invoice, void_invoice
from tests.admin.test_lists import more_of_everything
from tests.admin.world import World, bring_up_to_date, sign_up

FILES = {
    "invoices_invoicelisting": "number",
    "customers_customer": "customer",
    "contracts_contract": "contract",
    "catalog_product": "product",
    "catalog_billablemetric": "billable_metric",
    "catalog_ratecard": "rate_card",
    "catalog_package": "package",
    "core_auditentry": "action",
    "core_customfieldkey": "key",
    "balances_adjustment": "id",
    "core_approvalrequest": "id",
    "auth_user": "username",
}
PAGES = [f"{kind.opts.app_label}_{kind.opts.model_name}" for kind in admin.site._registry.values()]


def read(answer: Any) -> list[dict[str, str]]:
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))


def file_of(client: Client, name: str, query: str = "") -> list[dict[str, str]]:
    return read(client.get(reverse(f"admin:{name}_export") + query))


def test_every_list_that_finance_works_with_has_its_file() -> None:
    kinds = admin.site._registry.values()
    with_file = {
        f"{kind.opts.app_label}_{kind.opts.model_name}"
        for kind in kinds
        if isinstance(kind, RecordAdmin) and kind.list_export
    }
    assert with_file == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_a_file_holds_what_the_list_shows_at_constant_cost(name: str, world: World, owner: Client) -> None:
    def cost() -> tuple[int, list[dict[str, str]]]:
        with CaptureQueriesContext(connection) as found:
            rows = file_of(owner, name)
        return len(found), rows

    more_of_everything(world, "some", 2)
    few, _ = cost()
    more_of_everything(world, "many", 3)
    many, rows = cost()
    assert many == few
    page = owner.get(reverse(f"admin:{name}_changelist"))
    assert len(rows) == page.context["cl"].queryset.count()
    assert reverse(f"admin:{name}_export") in page.content.decode()


def test_a_file_is_not_cut_at_a_page(world: World, finance: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from invoices.models import InvoiceListing

    monkeypatch.setattr(admin.site.get_model_admin(InvoiceListing), "list_per_page", 1)
    assert [row["status"] for row in file_of(finance, "invoices_invoicelisting")] == ["DRAFT", "FINALIZED", "FINALIZED"]
    assert len(file_of(finance, "invoices_invoicelisting", "?p=2")) == 3


def test_a_file_keeps_the_search_and_the_filters(world: World, finance: Client) -> None:
    sign_up(world.card, "Second", world.since)
    bring_up_to_date(world.now)
    assert len(file_of(finance, "invoices_invoicelisting")) == 6
    assert {row["customer"] for row in file_of(finance, "invoices_invoicelisting", "?q=second")} == {"Second"}
    assert {row["status"] for row in file_of(finance, "invoices_invoicelisting", "?status=DRAFT")} == {"DRAFT"}
    listed = finance.get(f"{reverse('admin:invoices_invoicelisting_changelist')}?q=second&status=DRAFT")
    address = re.search(r'href="([^"]*export\.csv[^"]*)"', listed.content.decode())
    assert address is not None
    assert len(read(finance.get(address[1].replace("&amp;", "&")))) == 1


def test_an_address_that_no_list_understands_leads_back_to_it(world: World, finance: Client) -> None:
    answer = finance.get(f"{reverse('admin:invoices_invoicelisting_export')}?nonsense__x=1")
    assert (answer.status_code, answer["Location"]) == (
        302,
        f"{reverse('admin:invoices_invoicelisting_changelist')}?e=1",
    )


def test_only_who_may_see_a_list_gets_its_file(world: World, support: Client) -> None:
    assert support.get(reverse("admin:core_auditentry_export")).status_code == 403
    assert Client().get(reverse("admin:customers_customer_export")).status_code == 302


@pytest.mark.parametrize("page", PAGES)
def test_lists_have_a_name_of_their_own_and_a_landmark(page: str, world: World, owner: Client) -> None:
    text = owner.get(reverse(f"admin:{page}_changelist")).content.decode()
    assert "Select " not in re.search(r"<title>(.*?)</title>", text, re.DOTALL)[1]  # type: ignore[index]
    assert text.count("<main") == 1


@pytest.mark.parametrize(
    ("page", "name"),
    [
        ("balances_adjustment", "Approvals"),
        ("core_approvalrequest", "Requests"),
        ("auth_user", "People"),
        ("balances_balance", "Commits &amp; credits"),
        ("core_auditentry", "Audit trail"),
        ("catalog_product", "Products"),
    ],
)
def test_a_list_is_called_what_the_menu_calls_it(page: str, name: str, world: World, owner: Client) -> None:
    text = owner.get(reverse(f"admin:{page}_changelist")).content.decode()
    assert f'<h1 class="bo-list-title">{name}</h1>' in text
    assert f"{name} |" in text


def test_an_empty_list_says_why(world: World, owner: Client) -> None:
    nothing = owner.get(f"{reverse('admin:customers_customer_changelist')}?q=nobody").content.decode()
    assert "Nothing matches." in nothing
    assert "Show all" in nothing
    empty = owner.get(reverse("admin:balances_adjustment_changelist")).content.decode()
    assert "Adjust balance" in empty
    assert "yielded" not in nothing + empty


def test_what_is_billed_again_is_not_offered_once_more(world: World, finance: Client) -> None:
    def offered() -> bool:
        page = reverse("admin:invoices_invoicelisting_change", args=[first.pk])
        return "Regenerate invoice" in finance.get(page).content.decode()

    first = world.final
    void_invoice(invoice_id=first.pk, now=world.now)
    assert offered()
    again = regenerate_invoice(invoice_id=first.pk, now=world.now)
    assert not offered()
    void_invoice(invoice_id=again.pk, now=world.now)
    assert offered()
