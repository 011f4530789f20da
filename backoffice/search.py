"""The command palette: a name, an alias, an invoice number or an id, and what it is. Only what the person may see."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse

from catalog.models import ProductVersion, RateCard
from contracts.models import Contract
from core.admin.options import as_uuid
from customers.models import Customer
from invoices.models import InvoiceListing
from invoices.parties import buyer_of
from presentation import formatting

MOST = 8


@dataclass(frozen=True, slots=True)
class Found:
    """One hit."""

    title: str
    description: str
    link: str
    icon: str


def find(request: HttpRequest, term: str) -> list[Found]:
    """Hits in the order of the sidebar, at most eight of a kind; five queries at most."""
    kinds = (
        ("customers.view_customer", customers),
        ("invoices.view_invoice", invoices),
        ("contracts.view_contract", contracts),
        ("catalog.view_ratecard", rate_cards),
        ("catalog.view_product", products),
    )
    return [hit for permission, search in kinds if request.user.has_perm(permission) for hit in search(term)]


def customers(term: str) -> Iterator[Found]:
    """By name, alias or id."""
    uuid = as_uuid(term)
    by_alias = Customer.objects.order_by().filter(aliases__alias__istartswith=term).values("pk")
    condition = Q(name__icontains=term) | Q(pk__in=by_alias) | (Q(pk=uuid) if uuid else Q(pk__in=()))
    for row in Customer.objects.filter(condition).order_by("archived_at", "name", "pk")[:MOST]:
        word = "Customer, archived" if row.archived_at else "Customer"
        yield Found(row.name, word, reverse("admin:customers_customer_change", args=[row.pk]), "groups")


def invoices(term: str) -> Iterator[Found]:
    """By number or id."""
    uuid = as_uuid(term)
    condition = Q(number__istartswith=term) | Q(number__iendswith=term) | (Q(pk=uuid) if uuid else Q(pk__in=()))
    rows = InvoiceListing.objects.filter(condition).select_related("customer").order_by("-period_start", "-id")[:MOST]
    for row in rows:
        period = formatting.period(row.period_start, row.period_end)
        about = f"Invoice of {buyer_of(row).name}, {period}, {row.get_status_display()}"
        yield Found(
            row.number or "Draft", about, reverse("admin:invoices_invoicelisting_change", args=[row.pk]), "receipt_long"
        )


def contracts(term: str) -> Iterator[Found]:
    """By name or id."""
    uuid = as_uuid(term)
    condition = Q(name__icontains=term) | (Q(pk=uuid) if uuid else Q(pk__in=()))
    for row in Contract.objects.filter(condition).select_related("customer").order_by("-starting_at", "-id")[:MOST]:
        yield Found(
            str(row),
            f"Contract of {row.customer.name}",
            reverse("admin:contracts_contract_change", args=[row.pk]),
            "contract",
        )


def rate_cards(term: str) -> Iterator[Found]:
    """By name or id."""
    uuid = as_uuid(term)
    condition = Q(name__icontains=term) | (Q(pk=uuid) if uuid else Q(pk__in=()))
    for row in RateCard.objects.filter(condition).order_by("name", "pk")[:MOST]:
        yield Found(row.name, "Rate card", reverse("admin:catalog_ratecard_change", args=[row.pk]), "price_change")


def products(term: str) -> Iterator[Found]:
    """By the name of any version, or id."""
    uuid = as_uuid(term)
    condition = Q(name__icontains=term) | (Q(product_id=uuid) if uuid else Q(pk__in=()))
    rows = ProductVersion.objects.filter(condition).order_by("product_id", "-number").distinct("product_id")[:MOST]
    for row in rows:
        yield Found(row.name, "Product", reverse("admin:catalog_product_change", args=[row.product_id]), "sell")
