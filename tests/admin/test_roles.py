"""Who may open and do what: every role on every page."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from balances.adjustment_models import Adjustment
from balances.services import (
    AdjustmentReason,
    LedgerEntryRequest,
    NewAdjustment,
    NewBalance,
    create_balance,
    request_adjustment,
)
from catalog.models import BillableMetric
from catalog.services.products import create_product
from core.keys import create_api_key
from core.registry import ROLES, permissions_of
from core.staff import ensure_staff
from invoices.models import InvoiceListing
from tests.admin.world import World

EVERYBODY = ("support", "finance", "owner")
FINANCE = ("finance", "owner")
OWNER = ("owner",)

PAGES: dict[str, tuple[str, ...]] = {
    "home": EVERYBODY,
    "search": EVERYBODY,
    "customers": EVERYBODY,
    "customer": EVERYBODY,
    "customer usage": EVERYBODY,
    "customer rename": EVERYBODY,
    "customer aliases": EVERYBODY,
    "customer archive": FINANCE,
    "contracts": EVERYBODY,
    "contract": EVERYBODY,
    "renewals": EVERYBODY,
    "renewals file": EVERYBODY,
    "renewals calendar": EVERYBODY,
    "contract renewal policy": FINANCE,
    "contract end": FINANCE,
    "contract archive": FINANCE,
    "invoices": EVERYBODY,
    "invoice": EVERYBODY,
    "invoice pdf": EVERYBODY,
    "invoice lines": EVERYBODY,
    "invoice void": FINANCE,
    "invoice regenerate": FINANCE,
    "adjust": EVERYBODY,
    "balances": EVERYBODY,
    "balance": EVERYBODY,
    "ledger": EVERYBODY,
    "ledgers": EVERYBODY,
    "adjustments": EVERYBODY,
    "adjustments file": EVERYBODY,
    "adjustment": EVERYBODY,
    "adjustment approve": FINANCE,
    "adjustment reject": FINANCE,
    "adjustment withdraw": EVERYBODY,
    "checks": FINANCE,
    "products": EVERYBODY,
    "product": EVERYBODY,
    "rate cards": EVERYBODY,
    "rate card": EVERYBODY,
    "metrics": EVERYBODY,
    "units": EVERYBODY,
    "explorer": EVERYBODY,
    "explorer file": EVERYBODY,
    "ingest": EVERYBODY,
    "ingest live": EVERYBODY,
    "reconciliation": EVERYBODY,
    "unmatched": EVERYBODY,
    "conflicts": EVERYBODY,
    "names": EVERYBODY,
    "events": EVERYBODY,
    "domain events": EVERYBODY,
    "audit": FINANCE,
    "keys": FINANCE,
    "key": FINANCE,
    "new key": OWNER,
    "key revoke": OWNER,
    "origins": FINANCE,
    "new origin": OWNER,
    "sessions": FINANCE,
    "requests": EVERYBODY,
    "requests file": EVERYBODY,
    "people": OWNER,
    "people file": OWNER,
    "person": OWNER,
    "person role": OWNER,
    "person details": OWNER,
    "person link": OWNER,
    "person inactive": OWNER,
    "new account": OWNER,
    "roles": OWNER,
    "new metric": FINANCE,
    "new product": FINANCE,
    "product change": FINANCE,
    "product archive": FINANCE,
    "metric change": FINANCE,
    "metric archive": FINANCE,
    "rate card change": FINANCE,
    "rate card archive": FINANCE,
    "new rate card": FINANCE,
    "new unit": FINANCE,
    "new contract": FINANCE,
    "contract rename": FINANCE,
    "contract balance": FINANCE,
    "contract override": FINANCE,
    "contract subscription": FINANCE,
    "contract quantity": FINANCE,
    "contract charge": FINANCE,
    "contract discount": FINANCE,
    "contract take away": FINANCE,
    "contract file": EVERYBODY,
    "new customer": FINANCE,
    "customer party": FINANCE,
    "customer commit": FINANCE,
}


def adjusted(world: World) -> tuple[UUID, UUID]:
    """An adjustment that waits, and the balance that it is about; made once."""
    known = Adjustment.objects.filter(segment__isnull=False).select_related("segment").first()
    if known is None:
        ensure_staff(username="maker", role="support")
        product = create_product(product_type="FIXED", fields={"name": "Credits"}, now=world.now)
        end = world.now.replace(minute=0) + timedelta(days=9)
        new = NewBalance(kind="CREDIT", product_id=product.pk, access=((Decimal(100), world.since, end),))
        segment = create_balance(customer_id=world.customer, new=new, now=world.now).segments.get()
        new = NewAdjustment(
            customer_id=world.customer,
            asked=LedgerEntryRequest(segment.pk, Decimal(50_000)),
            reason=AdjustmentReason("OTHER", "because"),
        )
        known = request_adjustment(new=new, maker_id=User.objects.get(username="maker").pk, now=world.now)
    assert known.segment is not None
    return known.pk, known.segment.owner_id


def address(page: str, world: World) -> str:
    key, _ = create_api_key(name="a key", scopes=["*"], now=world.now)
    final = world.final.pk
    adjustment, balance = adjusted(world)
    person = User.objects.get(username="maker").pk
    where = {
        "home": "index",
        "search": "search",
        "customers": "customers_customer_changelist",
        "customer": ("customers_customer_change", world.customer),
        "customer usage": ("customers_customer_change", world.customer),
        "customer rename": ("customers_customer_rename", world.customer),
        "customer aliases": ("customers_customer_aliases", world.customer),
        "customer archive": ("customers_customer_archive", world.customer),
        "contracts": "contracts_contract_changelist",
        "contract": ("contracts_contract_change", world.contract),
        "renewals": "contracts_renewals",
        "renewals file": "contracts_renewals_csv",
        "renewals calendar": "contracts_renewals_calendar",
        "contract renewal policy": ("contracts_contract_renewal_policy", world.contract),
        "contract end": ("contracts_contract_change_end", world.contract),
        "contract archive": ("contracts_contract_archive", world.contract),
        "invoices": "invoices_invoicelisting_changelist",
        "invoice": ("invoices_invoicelisting_change", final),
        "invoice pdf": ("invoices_invoicelisting_pdf", final),
        "invoice lines": ("invoices_invoicelisting_lines", final),
        "invoice void": ("invoices_invoicelisting_void", final),
        "invoice regenerate": ("invoices_invoicelisting_regenerate", final),
        "adjust": ("customers_customer_adjust", world.customer),
        "balances": "balances_balance_changelist",
        "balance": ("balances_balance_change", balance),
        "ledger": ("balances_ledger", balance),
        "ledgers": "balances_ledgers",
        "adjustments": "balances_adjustment_changelist",
        "adjustments file": "balances_adjustment_export",
        "adjustment": ("balances_adjustment_change", adjustment),
        "adjustment approve": ("balances_adjustment_approve", adjustment),
        "adjustment reject": ("balances_adjustment_reject", adjustment),
        "adjustment withdraw": ("balances_adjustment_withdraw", adjustment),
        "checks": "balances_ledgercheck_changelist",
        "products": "catalog_product_changelist",
        "product": ("catalog_product_change", world.product),
        "rate cards": "catalog_ratecard_changelist",
        "rate card": ("catalog_ratecard_change", world.card),
        "metrics": "catalog_billablemetric_changelist",
        "units": "catalog_credittype_changelist",
        "explorer": "usage_explorer",
        "explorer file": "usage_explorer_csv",
        "ingest": "usage_ingest",
        "ingest live": "usage_ingest_live",
        "reconciliation": "usage_reconciliation",
        "unmatched": "usage_unmatched",
        "conflicts": "usage_conflicts",
        "names": "usage_names",
        "events": "usage_events",
        "domain events": "core_outboxevent_changelist",
        "audit": "core_auditentry_changelist",
        "keys": "core_apikey_changelist",
        "key": ("core_apikey_change", key.pk),
        "new key": "core_apikey_add",
        "key revoke": ("core_apikey_revoke", key.pk),
        "origins": "console_embedorigin_changelist",
        "new origin": "console_embedorigin_add",
        "sessions": "console_embedsession_changelist",
        "requests": "core_approvalrequest_changelist",
        "requests file": "core_approvalrequest_export",
        "people": "auth_user_changelist",
        "people file": "auth_user_export",
        "person": ("auth_user_change", person),
        "person role": ("auth_user_role", person),
        "person details": ("auth_user_details", person),
        "person link": ("auth_user_link", person),
        "person inactive": ("auth_user_deactivate", person),
        "new account": "staff_new",
        "roles": "staff_roles",
        "new metric": "catalog_billablemetric_add",
        "new product": "catalog_product_add",
        "product change": ("catalog_product_edit", world.product),
        "product archive": ("catalog_product_archive", world.product),
        "metric change": ("catalog_billablemetric_edit", BillableMetric.objects.get().pk),
        "metric archive": ("catalog_billablemetric_archive", BillableMetric.objects.get().pk),
        "rate card change": ("catalog_ratecard_edit", world.card),
        "rate card archive": ("catalog_ratecard_archive", world.card),
        "new rate card": "catalog_ratecard_add",
        "new unit": "catalog_credittype_add",
        "new contract": "contracts_contract_add",
        "contract rename": ("contracts_contract_rename", world.contract),
        "contract balance": ("contracts_contract_add_balance", world.contract),
        "contract override": ("contracts_contract_add_override", world.contract),
        "contract subscription": ("contracts_contract_add_subscription", world.contract),
        "contract quantity": ("contracts_contract_change_quantity", world.contract),
        "contract charge": ("contracts_contract_add_charge", world.contract),
        "contract discount": ("contracts_contract_add_discount", world.contract),
        "contract take away": ("contracts_contract_take_away", world.contract),
        "contract file": ("contracts_contract_deal", world.contract),
        "new customer": "customers_customer_add",
        "customer party": ("customers_customer_party", world.customer),
        "customer commit": ("customers_customer_add_balance", world.customer),
    }[page]
    name, *args = (where,) if isinstance(where, str) else where
    url = reverse(f"admin:{name}", args=args)
    return (
        f"{url}?tab=usage"
        if page == "customer usage"
        else f"{url}?q=acme&s=acme&customer=acme"
        if page in ("search", "events", "explorer", "explorer file")
        else url
    )


@pytest.mark.parametrize("role", EVERYBODY)
def test_each_role_opens_its_pages_and_no_others(role: str, world: World, as_role: Callable[[str], Client]) -> None:
    client = as_role(role)
    got = {page: client.get(address(page, world)).status_code for page in PAGES}
    assert got == {page: 200 if role in roles else 403 for page, roles in PAGES.items()}


def test_who_is_not_signed_in_is_sent_to_the_door(world: World) -> None:
    answers = {page: Client().get(address(page, world)) for page in PAGES}
    assert {answer.status_code for answer in answers.values()} == {302}
    assert all(answer["Location"].startswith("/admin/login/") for answer in answers.values())


def test_staff_without_a_role_see_nothing(world: World) -> None:
    client = Client()
    client.force_login(User.objects.create_user("nobody", password="x", is_staff=True))
    pages = [page for page in PAGES if page not in ("home", "search")]
    assert {page: client.get(address(page, world)).status_code for page in pages} == dict.fromkeys(pages, 403)


def test_staff_without_a_role_have_an_empty_home(world: World) -> None:
    client = Client()
    client.force_login(User.objects.create_user("nobody", password="x", is_staff=True))
    page = client.get("/admin/").content.decode()
    assert "You have no role yet" in page
    assert "Acme" not in page
    assert "Acme" not in client.get("/admin/search/?s=acme&extended=1").content.decode()


def test_support_cannot_do_what_it_cannot_open(world: World, support: Client) -> None:
    before = list(InvoiceListing.objects.order_by("pk").values())
    data = {
        "note": "because",
        "reason": "because",
        "name": "Acme Robotics",
        "confirmed": "1",
        "ending_before": "",
        "void_invoices": "on",
    }
    for act in (
        "customer archive",
        "contract end",
        "contract archive",
        "invoice void",
        "key revoke",
        "adjustment approve",
    ):
        assert support.post(address(act, world), data).status_code == 403, act
    assert list(InvoiceListing.objects.order_by("pk").values()) == before


def test_support_is_not_offered_what_it_may_not_do(world: World, support: Client, finance: Client) -> None:
    url = reverse("admin:invoices_invoicelisting_change", args=[world.final.pk])
    assert "Void invoice" in finance.get(url).content.decode()
    assert "Void invoice" not in support.get(url).content.decode()


def test_support_sees_no_revenue(world: World, support: Client, finance: Client) -> None:
    assert "Billed this month" in finance.get("/admin/").content.decode()
    page = support.get("/admin/").content.decode()
    assert "Billed this month" not in page
    assert "Revenue" not in page
    assert "API keys" not in page


def test_every_permission_of_a_role_exists(db: None, as_role: Callable[[str], Client]) -> None:
    for role in ROLES:
        as_role(role)
        person = User.objects.get(username=f"a-{role}")
        assert person.get_all_permissions() == permissions_of(role)


def test_the_door_leads_home(world: World, finance: Client) -> None:
    client = Client()
    answer = client.post("/admin/login/", {"username": "a-finance", "password": "secret-enough"})
    assert (answer.status_code, answer["Location"]) == (302, "/admin/")
    assert client.post("/admin/logout/").status_code == 200
    assert client.get("/admin/").status_code == 302


def test_refusals_are_pages_of_the_site(world: World, support: Client) -> None:
    refused = support.get("/admin/core/apikey/")
    assert refused.status_code == 403
    assert "Not for your role" in refused.content.decode()
    missing = support.get("/admin/nothing/here/")
    assert missing.status_code == 404
    assert "There is nothing at this address" in missing.content.decode()
    assert support.get("/admin/usage/events/?q=%00").status_code == 400
