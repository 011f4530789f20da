"""The back office's site: Django's admin in unfold's skin, with our home page, search and pages across rooms."""

from collections.abc import Callable
from functools import update_wrapper
from typing import Any

import structlog
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.functional import cached_property
from unfold.sites import UnfoldAdminSite

from core import audit

LONGEST_QUERY = 200


class BackOffice(UnfoldAdminSite):
    """Every view of it runs as its member of staff: services record who did it without being told."""

    enable_nav_sidebar = True
    index_title = "Home"

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:  # noqa: FBT001, FBT002
        """Django's guard, then the actor of the audit trail and a check that no other page need make."""

        def as_staff(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if "\x00" in "".join(value for pair in request.GET.lists() for value in (pair[0], *pair[1])):
                raise BadRequest("text cannot contain NUL")  # PostgreSQL would refuse the query
            token = audit.set_actor(actor_of(request))
            try:
                return view(request, *args, **kwargs)
            finally:
                audit.reset_actor(token)

        return super().admin_view(update_wrapper(as_staff, view), cacheable)

    @cached_property
    def pages(self) -> dict[str, Callable[[HttpRequest, Any], dict[str, Any]]]:
        """What the pages of these records show from several rooms, by model label (RecordAdmin.record_context)."""
        from billing_site.admin import contract_page, customer_page, invoice_page

        return {
            "customers.customer": customer_page.context,
            "contracts.contract": contract_page.context,
            "invoices.invoice": invoice_page.context,
        }

    def get_urls(self) -> list[URLPattern]:
        """Pages that belong to no list, before the rest: Django's last pattern takes any path."""
        from billing_site.admin import customer_page, invoice_page
        from usage import admin as usage

        own = (
            ("customers/customer/<uuid:object_id>/console/", customer_page.open_console, "customers_customer_console"),
            ("invoices/invoice/<uuid:object_id>/pdf/", invoice_page.pdf, "invoices_invoice_pdf"),
            ("invoices/invoice/<uuid:object_id>/lines.csv", invoice_page.lines_csv, "invoices_invoice_lines"),
            ("invoices/invoice/<uuid:object_id>/lines/<uuid:line_id>/", invoice_page.events, "invoices_invoice_events"),
            ("usage/ingest/", usage.ingest_health, "usage_ingest"),
            ("usage/events/", usage.search_events, "usage_events"),
        )
        return [path(route, self.admin_view(view), name=name) for route, view, name in own] + super().get_urls()

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """The home page."""
        from billing_site.admin.home import home_context
        from core.clock import now

        request.current_app = self.name  # type: ignore[attr-defined]
        context = {
            **self.each_context(request),
            "title": self.index_title,
            **home_context(request, now=now()),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/back_office/home.html", context)

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The command palette (Ctrl+K): what one typed name, id, alias or number means. Nothing is cached."""
        from billing_site.admin.search import find

        term = request.GET.get("s", "").strip()[:LONGEST_QUERY]
        if not term:
            return HttpResponse()
        template = "results_palette" if "extended" in request.GET else "results_plain"
        context = {"results": find(request, term), "term": term}
        return TemplateResponse(
            request, f"admin/back_office/{template}.html", context, headers={"HX-Trigger": "search"}
        )


def actor_of(request: HttpRequest) -> audit.Actor:
    """The member of staff behind this request, as the audit trail names people."""
    user = request.user
    return audit.Actor(
        user_id=user.pk,
        request_id=str(structlog.contextvars.get_contextvars().get("request_id", "")),
        ip=request.META.get("REMOTE_ADDR") or None,
        label=user.get_username(),
    )
