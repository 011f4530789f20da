"""Pages, panels and files of the console. Each makes one call and renders; a page and its fragment are one template."""

import json
import re
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from console import services
from console.auth import console_view, embeddable, refusal
from console.exports import invoice_csv, ledger_csv, units_csv, usage_csv
from console.options import STAFF_VIEW
from console.selectors import invoices, overview
from console.selectors.access import Viewer, embed_origins
from console.selectors.burn_down import burn_down_panel
from console.selectors.credit_list import VIEWS, credit_list
from console.selectors.credit_summary import credit_summary
from console.selectors.customer_balances import has_held
from console.selectors.ledger import ledger_panel
from console.selectors.trials import trial_notices
from console.selectors.units import units_panel
from console.selectors.usage import usage_panel
from core.clock import acting_on, machine_now, now
from core.errors import InvalidInput, NotAllowed, NotFound
from core.transactions import reads_snapshot
from customers.test_clocks import clock_of
from engine.usage import numeric
from invoices.services.documents import get_pdf

USAGE, INVOICES, CREDITS = "usage:read", "invoices:read", "credits:read"
TABS = (
    ("overview", "Overview", "console:overview", (USAGE, INVOICES)),
    ("usage", "Usage", "console:usage", (USAGE,)),
    ("invoices", "Invoices", "console:invoices", (INVOICES,)),
    ("credits", "Credits", "console:credits", (CREDITS,)),
)
_ID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_FILE = re.compile(rf"\A(?:invoices/(?P<invoice>{_ID})\.(?P<kind>pdf|csv)|usage\.csv|units\.csv|credits\.csv)\Z")
_TABLES = {"usage.csv": usage_csv, "units.csv": units_csv, "credits.csv": ledger_csv}
MAX_ROWS = 500


@require_GET
@never_cache
def embed(request: HttpRequest) -> HttpResponse:
    """The shell: a static document without customer data, which reads and sets no cookie."""
    response = render(request, "console/embed.html", {"origins": " ".join(embed_origins())})
    response["Cache-Control"] = "no-store"
    return embeddable(response)


@require_GET
@never_cache
def embed_origin(request: HttpRequest) -> HttpResponse:
    """Whether pages of the asking origin may frame the console, and nothing else: browsers tell a page nothing of a
    frame that they refused.

    A script, because the policy of a page with the loader lets it load scripts from here, but perhaps not ask for data.
    """
    asking = request.headers.get("Origin") or settings.TACTUS_PUBLIC_URL
    known = json.dumps(asking in embed_origins())
    response = HttpResponse(f"export const registered = {known};\n", content_type="text/javascript; charset=utf-8")
    response["Access-Control-Allow-Origin"] = "*"
    response["Vary"] = "Origin"
    return response


def page(
    request: HttpRequest, viewer: Viewer, template: str, tab: str, context: dict[str, Any] | None = None
) -> HttpResponse:
    """A page: whole, or for htmx its fragment. `Console-Path` tells the frame where it is, for deep links."""
    tabs = [(name, label, url) for name, label, url, scopes in TABS if all(viewer.may(scope) for scope in scopes)]
    fragment = "#page" if request.headers.get("HX-Request") == "true" else ""
    values = {
        "tabs": tabs, "tab": tab, "now": now(), "staff_view": viewer.options.get(STAFF_VIEW), **(context or {}),
    }  # fmt: skip
    response = render(request, f"console/{template}.html{fragment}", values)
    response["Console-Path"] = request.path.removeprefix("/console")
    return response


def panel(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """A panel's content."""
    return render(request, f"console/panels/{template}.html", {"now": now(), **context})


@require_GET
@console_view(USAGE, INVOICES)
def overview_page(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Where the money goes this period."""
    notices = trial_notices(viewer, now=now())
    return page(request, viewer, "overview", "overview", {"has_credits": _has_credits(viewer), "notices": notices})


@require_GET
@console_view(USAGE)
def usage_page(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """What usage costs over time."""
    context = {"query": request.GET.urlencode(), "panel_url": reverse("console:usage-panel")}
    return page(request, viewer, "usage", "usage", context)


@require_GET
@console_view(USAGE)
def units_page(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """What was used over time, in the units that it is counted in."""
    context = {"query": request.GET.urlencode(), "panel_url": reverse("console:units-panel")}
    return page(request, viewer, "usage", "usage", context)


@require_GET
@console_view(INVOICES)
def invoices_page(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """All invoices."""
    return page(request, viewer, "invoices", "invoices", {"query": request.GET.urlencode()})


@require_GET
@console_view(INVOICES)
def invoice_page(request: HttpRequest, viewer: Viewer, invoice_id: UUID) -> HttpResponse:
    """One invoice."""
    found = invoices.invoice_page(viewer, invoice_id=invoice_id, now=now())
    return page(request, viewer, "invoice", "invoices", {"invoice": found, "opened": request.GET.get("line", "")})


@require_GET
@console_view(CREDITS)
def credits_page(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Credits and commits: what can be spent, until when, and where it went."""
    found = credit_summary(viewer, unit=request.GET.get("unit", ""), now=now())
    context = {"query": request.GET.urlencode(), "summary": found}
    return page(request, viewer, "credits", "credits", context)


@require_GET
@console_view(CREDITS)
def credit_summary_panel(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """What can be spent now, what is owed, what is about to expire."""
    found = credit_summary(viewer, unit=request.GET.get("unit", ""), now=now())
    return panel(request, "credit_summary", {"summary": found})


@require_GET
@console_view(CREDITS)
def burn_down_results(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """The balance over time."""
    return panel(request, "burn", {"burn": burn_down_panel(viewer, unit=request.GET.get("unit", ""), now=now())})


@require_GET
@console_view(CREDITS)
def credit_list_panel(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """The grants, current or past."""
    view = request.GET.get("view", "")
    if view not in VIEWS:
        raise InvalidInput("That list does not exist.")
    return panel(
        request, "grants", {"list": credit_list(viewer, unit=request.GET.get("unit", ""), view=view, now=now())}
    )


@require_GET
@console_view(CREDITS)
def ledger_results(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """The ledger: its filter and newest movements, or older ones as rows to append."""
    found = ledger_panel(viewer, request.GET.dict(), now=now())
    return panel(request, "ledger_rows" if request.GET.get("after") else "ledger", {"ledger": found})


@require_GET
@console_view(INVOICES)
def charged_panel(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Charged so far, and the next invoice."""
    charges = overview.charges(viewer, now=now())
    starts = "" if any(charge.total for charge in charges) else overview.starts_on(viewer, now=now())
    return panel(request, "charged", {"charges": charges, "starts": starts, "has_credits": _has_credits(viewer)})


@require_GET
@console_view(CREDITS)
def credits_left_panel(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """What can be spent now and what expires next, for the overview."""
    return panel(request, "credits_left", {"summary": credit_summary(viewer, unit="", now=now())})


def _has_credits(viewer: Viewer) -> bool:
    return viewer.may(CREDITS) and has_held(viewer)


@require_GET
@console_view(INVOICES)
def compared_panel(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """The previous period."""
    today = numeric(request.GET.get("today"))
    return panel(request, "compared", {"compared": overview.comparison(viewer, today=today, now=now())})


@require_GET
@console_view(USAGE)
def spend_panel(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Spend by day of the current period."""
    return panel(request, "spend", {"chart": overview.spend_by_day(viewer, now=now())})


@require_GET
@console_view(INVOICES)
def drivers_panel(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """What costs most."""
    return panel(request, "drivers", {"drivers": overview.drivers(viewer, now=now())})


@require_GET
@console_view(INVOICES)
def recent_panel(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """The newest invoices."""
    return panel(request, "recent", {"rows": overview.recent_invoices(viewer, now=now())})


@require_GET
@console_view(USAGE)
def usage_results(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """The filter bar, the chart and the table of the usage page."""
    return panel(request, "usage", {"usage": usage_panel(viewer, request.GET.dict(), now=now())})


@require_GET
@console_view(USAGE)
def units_results(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """The filter bar, the chart and the table of the units view."""
    return panel(request, "units", {"units": units_panel(viewer, request.GET.dict(), now=now())})


@require_GET
@console_view(INVOICES)
def invoice_list(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """The invoice list of one status."""
    status, count = request.GET.get("status", ""), request.GET.get("count", str(invoices.PAGE))
    rows = int(count) if re.fullmatch("[0-9]{1,5}", count) else 0
    if status not in invoices.STATUSES or not 1 <= rows <= MAX_ROWS:
        raise InvalidInput("That list does not exist.")
    found = invoices.invoice_list(viewer, status=status, count=rows, now=now())
    return panel(request, "invoices", {"list": found, "statuses": invoices.STATUSES.items()})


@require_GET
@console_view(INVOICES)
def line_why(request: HttpRequest, viewer: Viewer, invoice_id: UUID, line_id: UUID) -> HttpResponse:
    """What a line is made of."""
    return panel(
        request, "why", {"line": invoices.line_page(viewer, invoice_id=invoice_id, line_id=line_id, now=now())}
    )


@require_GET
@console_view(INVOICES)
def line_days(request: HttpRequest, viewer: Viewer, invoice_id: UUID, line_id: UUID) -> HttpResponse:
    """A line's quantity by day."""
    chart = invoices.line_days(viewer, invoice_id=invoice_id, line_id=line_id, now=now())
    return panel(request, "days", {"chart": chart, "id": f"days-{line_id}"})


@require_GET
@console_view(INVOICES)
def line_events(request: HttpRequest, viewer: Viewer, invoice_id: UUID, line_id: UUID) -> HttpResponse:
    """The events behind a line: the first ones with their table, later ones as rows to append."""
    cursor = request.GET.get("after", "")
    found = invoices.line_event_list(viewer, invoice_id=invoice_id, line_id=line_id, cursor=cursor, now=now())
    return panel(request, "event_rows" if cursor else "events", {"events": found})


@require_POST
@console_view()
def create_download(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Makes a one-time link (60 s) to a file and tells the frame to fetch it: `tactus:download` in HX-Trigger."""
    path, query = request.POST.get("path", ""), request.POST.get("query", "")
    _check_file(path, viewer)
    if len(query) > 1000:
        raise InvalidInput("The request is too long.")
    token = services.create_download(session_id=viewer.session_id, path=path, query=query, now=machine_now())
    response = HttpResponse(status=204)
    response["HX-Trigger"] = json.dumps({"tactus:download": {"url": reverse("console:file", args=[token])}})
    return response


@csrf_exempt
@require_GET
def one_time_file(request: HttpRequest, token: str) -> HttpResponse:
    """The file behind a one-time link. The link is its only credential and works once."""
    try:
        link = services.use_download(token=token, now=now())
        session = link.session
        viewer = Viewer(session.pk, session.customer_id, frozenset(session.scopes), session.options)
        with acting_on(clock_of(viewer.customer_id)):
            name, content, content_type = _read_file(link.path, link.query, viewer)
    except (NotFound, NotAllowed) as error:
        return embeddable(refusal(request, error))
    response = HttpResponse(content, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{re.sub(r"[^A-Za-z0-9._-]", "-", name)}"'
    response["Cache-Control"] = "private, no-store"
    return embeddable(response)


def _check_file(path: str, viewer: Viewer) -> re.Match[str]:
    match = _FILE.match(path)
    if match is None:
        raise NotFound("There is no such file.")
    needed = INVOICES if match["invoice"] else CREDITS if path == "credits.csv" else USAGE
    if not viewer.may(needed):
        raise NotAllowed("This session was not given this part.")
    return match


def _read_file(path: str, query: str, viewer: Viewer) -> tuple[str, bytes, str]:
    match = _check_file(path, viewer)
    if match["invoice"] is None:
        table = reads_snapshot(_TABLES[path])
        return *table(viewer, query=QueryDict(query).dict(), now=now()), "text/csv; charset=utf-8"
    invoice_id = UUID(match["invoice"])
    if match["kind"] == "pdf":
        return *get_pdf(invoice_id=invoice_id, customer_id=viewer.customer_id, now=now()), "application/pdf"
    return *reads_snapshot(invoice_csv)(viewer, invoice_id=invoice_id, now=now()), "text/csv; charset=utf-8"
