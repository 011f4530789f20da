"""Records are never edited in place, not even by an owner."""

import re
from pathlib import Path

import pytest
from django.contrib import admin
from django.db.models import Model
from django.test import Client, RequestFactory
from django.urls import reverse

from core.admin.options import RecordAdmin
from core.models import AuditEntry, OutboxEvent
from customers.models import Customer
from invoices.models import Invoice, InvoiceListing
from tests.admin.world import World

TEMPLATES = [*Path("templates/admin").rglob("*.html"), *Path("templates/unfold").rglob("*.html")]
MADE_HERE = (
    "apikey",
    "customfieldkey",
    "embedorigin",
    "testclock",
    "billablemetric",
    "product",
    "package",
    "ratecard",
    "credittype",
    "contract",
    "customer",
)
RECORDS = [model for model, kind in admin.site._registry.items() if isinstance(kind, RecordAdmin)]


def test_everything_that_is_billed_or_recorded_is_a_record() -> None:
    names = {model._meta.label_lower for model in RECORDS}
    assert names >= {
        "customers.customer",
        "contracts.contract",
        "invoices.invoicelisting",
        "catalog.product",
        "catalog.ratecard",
        "catalog.billablemetric",
        "balances.balance",
        "balances.adjustment",
        "balances.ledgercheck",
        "core.outboxevent",
        "core.auditentry",
        "core.apikey",
        "core.approvalrequest",
        "auth.user",
    }
    others = {model._meta.label_lower for model in admin.site._registry} - names
    assert others == set()


@pytest.mark.parametrize("model", RECORDS, ids=lambda model: model._meta.label_lower)
def test_an_owner_may_not_change_or_delete(model: type[Model], owner: Client) -> None:
    request = RequestFactory().get("/")
    request.user = owner.get("/admin/").wsgi_request.user
    kind = admin.site.get_model_admin(model)
    assert kind.has_view_permission(request)
    assert not kind.has_change_permission(request)
    assert not kind.has_delete_permission(request)
    assert kind.has_add_permission(request) == (model._meta.model_name in MADE_HERE)
    assert "delete_selected" not in kind.get_actions(request)


@pytest.mark.parametrize(
    "name", ["customers_customer", "contracts_contract", "invoices_invoicelisting", "core_outboxevent"]
)
def test_posting_to_a_page_changes_nothing(name: str, world: World, owner: Client) -> None:
    model = {"customers": Customer, "invoices": Invoice, "core": OutboxEvent}.get(name.split("_", maxsplit=1)[0])
    key = world.contract if model is None else model.objects.order_by("pk").first().pk
    before = Customer.objects.get(pk=world.customer).name, AuditEntry.objects.count()
    answers = {
        route: owner.post(reverse(f"admin:{name}_{route}", args=[key]), {"name": "Changed", "post": "yes"}).status_code
        for route in ("change", "delete", "history")
    }
    assert answers == {"change": 405, "delete": 403, "history": 405}
    assert (Customer.objects.get(pk=world.customer).name, AuditEntry.objects.count()) == before


@pytest.mark.parametrize("name", ["core_outboxevent", "invoices_invoicelisting", "core_auditentry"])
def test_nothing_is_added_by_hand(name: str, owner: Client) -> None:
    url = reverse(f"admin:{name}_add")
    assert owner.get(url).status_code == 403
    assert owner.post(url, {"name": "New"}).status_code == 403


def test_the_bulk_delete_of_lists_is_gone(world: World, owner: Client) -> None:
    data = {"action": "delete_selected", "_selected_action": [str(world.final.pk)], "post": "yes"}
    owner.post(reverse("admin:invoices_invoicelisting_changelist"), data)
    assert InvoiceListing.objects.filter(pk=world.final.pk).exists()


@pytest.mark.parametrize("path", TEMPLATES, ids=str)
def test_templates_have_no_inline_style_or_script(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"\sstyle=|<style|<script(?![^>]*\ssrc=)|\son[a-z]+=", text)
