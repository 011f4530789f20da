"""Adding rates to a card: typed into a table, pasted from a spreadsheet or sent as a file; looked at; then added.

All three ways become rows of one rate sheet (catalog.rate_sheet). The check writes nothing; the confirmation
carries the sheet and the card's newest rate as it was looked at, and makes one call of `add_rates`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from backoffice.rate_effects import effects_of
from backoffice.rate_rows import (
    MOST_TABLE_ROWS,
    TableRow,
    blank_row,
    posted_rows,
    suggestions,
    with_errors,
)
from catalog.models import RateCard
from catalog.rate_sheet import (
    COLUMNS,
    MOST_ROWS,
    MOST_TEXT,
    Book,
    RowError,
    Sheet,
    as_row_error,
    read_rows,
    read_sheet,
    sheet_of_rows,
    text_of,
)
from catalog.selectors import get_rate_card
from catalog.selectors.rate_book import get_rate_book
from catalog.services import RatePlan, add_rates, already_stored, plan_rates
from catalog.services.rates import RATES_OF
from core.admin.actions import ReasonForm
from core.clock import now
from core.errors import Conflict, InvalidInput, NotFound
from core.transactions import reads_snapshot
from engine.calendar import BILLING_FREQUENCIES

SHOWN_ERRORS = 50
PASTE_EXAMPLE = "product\trate_type\tprice\tstarting_at\nTokens\tTIERED\t1000 @ 0; rest @ 0.0025\t2026-04-01"
TABLE_NAMES = {"starting_at": "from", "ending_before": "until", "rate_type": "type", "group": "for"}


@dataclass(frozen=True, slots=True)
class Request:
    """What every step needs."""

    http: HttpRequest
    card: RateCard
    book: Book
    at: datetime


def add_rates_page(request: HttpRequest, object_id: UUID) -> HttpResponse:
    """The editor, its check and its confirmation, by the posted `action`."""
    if not request.user.has_perm("catalog.add_rates"):
        raise PermissionDenied
    if request.method not in ("GET", "HEAD", "POST"):
        return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
    card = find_card(object_id)
    if card.archived_at is not None:
        messages.error(request, f"{card.name} is archived: no rates can be added.")
        return HttpResponseRedirect(page_of(card))
    at = now()
    step = Request(request, card, get_rate_book(card=card, now=at), at)
    action, _, argument = request.POST.get("action", "").partition(":")
    if request.method != "POST":
        return editor(step, rows=[blank_row(1)])
    if action == "check":
        return check_table(step)
    if action == "check-sheet":
        return check_sheet(step)
    if action == "save":
        return save(step)
    if action == "change":
        return editor(step, text=request.POST.get("sheet", "")[:MOST_TEXT])
    rows = posted_rows(request.POST, step.book, without=argument if action == "remove" else "")
    if action == "more" and len(rows) < MOST_TABLE_ROWS:
        rows.append(blank_row(len(rows) + 1))
    return editor(step, rows=rows)


def find_card(object_id: UUID) -> RateCard:
    """The card. Raises Http404."""
    try:
        return get_rate_card(rate_card_id=object_id)
    except NotFound as error:
        raise Http404 from error


def page_of(card: RateCard) -> str:
    """The card's page."""
    return reverse("admin:catalog_ratecard_change", args=[card.pk])


# --- the steps -----------------------------------------------------------------------------------------------------


@reads_snapshot
def check_table(step: Request) -> HttpResponse:
    """Checks what was typed into the table; rows that nobody touched do not count."""
    rows = posted_rows(step.http.POST, step.book)
    filled = [row for row in rows if not row.is_blank]
    if not filled:
        return editor(step, rows=rows or [blank_row(1)], errors=[RowError(1, "", "nothing is filled in yet")])
    sheet = read_rows([(row.number, row.sheet_cells()) for row in filled], step.book)
    plan, errors = planned(step, sheet)
    if plan is None:
        return editor(step, rows=with_errors(rows, errors), errors=errors)
    return preview(step, plan)


@reads_snapshot
def check_sheet(step: Request) -> HttpResponse:
    """Checks pasted cells or a file."""
    try:
        text = sent_text(step.http)
    except ValueError as error:
        pasted = step.http.POST.get("text", "")[:MOST_TEXT]
        return editor(step, text=pasted, errors=[RowError(1, "", str(error))], of_sheet=True)
    plan, errors = planned(step, read_sheet(text, step.book))
    if plan is None:
        return editor(step, text=text[:MOST_TEXT], errors=errors, of_sheet=True)
    return preview(step, plan)


def save(step: Request) -> HttpResponse:
    """Adds what the preview showed: one call, all or nothing, and nothing twice."""
    data = step.http.POST
    sheet = read_sheet(data.get("sheet", ""), step.book)
    plan, errors = planned(step, sheet)
    seen = data.get("after_sequence", "")
    form = ReasonForm(data)
    after_sequence = int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 19 else -1
    rates = [rate for _, rate in sheet.rows]
    if not errors and already_stored(card=step.card, rates=rates, after_sequence=after_sequence, now=step.at):
        messages.info(step.http, "These rates are on the card already: nothing was added twice.")
        return HttpResponseRedirect(page_of(step.card))
    if plan is None:
        return editor(step, text=data.get("sheet", "")[:MOST_TEXT], errors=errors, of_sheet=True)
    if not form.is_valid():
        return preview(step, plan, form)
    try:
        added = add_rates(
            rate_card_id=step.card.pk,
            rates=rates,
            now=step.at,
            reason=form.cleaned_data["reason"],
            after_sequence=after_sequence,
        )
    except Conflict:
        form.add_error(None, "The card has got other rates since you looked. This is the effect as it would be now.")
        return preview(step, plan, form)
    except InvalidInput as error:
        form.add_error(None, error.message)
        return preview(step, plan, form)
    many = "1 rate is" if len(added) == 1 else f"{len(added):,} rates are"
    messages.success(step.http, f"{many} added to {step.card.name}.")
    return HttpResponseRedirect(page_of(step.card))


def planned(step: Request, sheet: Sheet) -> tuple[RatePlan | None, list[RowError]]:
    """What the sheet would do; or None and everything that is wrong with it, in the order of its rows."""
    errors = list(sheet.errors)
    plan = plan_rates(card=step.card, rates=[rate for _, rate in sheet.rows], now=step.at)
    errors += [as_row_error(sheet.rows[index][0], error) for index, error in plan.errors]
    if not errors and not sheet.rows:
        errors.append(RowError(1, "", "there is a header but no rate below it"))
    return (None, sorted(errors, key=lambda error: error.row)) if errors else (plan, [])


def sent_text(request: HttpRequest) -> str:
    """The pasted text, or the file's. Raises ValueError."""
    text: str = request.POST.get("text", "")
    file = request.FILES.get("file")
    if file is None:
        if not text.strip():
            raise ValueError("is empty: paste cells with their header row, or choose a file")
        return text
    if text.strip():
        raise ValueError("was pasted and sent as a file at once: empty the box or take the file away")
    raw = file.read(4 * MOST_TEXT + 1)
    if len(raw) > 4 * MOST_TEXT:
        raise ValueError(f"is a file of more than {MOST_TEXT:,} characters")
    try:
        return raw.decode("utf-16" if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError("is not a text file in UTF-8: save it as “CSV UTF-8”") from error


# --- the pages -----------------------------------------------------------------------------------------------------


def editor(
    step: Request,
    *,
    rows: Sequence[TableRow] = (),
    text: str = "",
    errors: Sequence[RowError] = (),
    of_sheet: bool = False,
) -> HttpResponse:
    """The editor, with what was typed so far."""
    shown = list(rows) or [blank_row(1)]
    offered = [entry for entry in step.book.products.values() if entry.type in RATES_OF and not entry.archived]
    context = {
        "paste_example": PASTE_EXAMPLE,
        "title": "Add rates",
        "rows": shown,
        "text": text,
        "errors": errors[:SHOWN_ERRORS],
        "error_lines": [error_text(error, of_sheet) for error in errors[:SHOWN_ERRORS]],
        "error_count": len(errors),
        "of_sheet": of_sheet,
        "products": sorted(offered, key=lambda entry: entry.name.casefold()),
        "suggestions": suggestions(step.card, shown, step.at),
        "units": step.book.units,
        "columns": COLUMNS,
        "frequencies": [one.value for one in BILLING_FREQUENCIES],
        "most_rows": MOST_ROWS,
        "may_add_rows": len(shown) < MOST_TABLE_ROWS,
    }
    return page(step, "rate_editor", context, status=400 if errors else 200)


def error_text(error: RowError, of_sheet: bool) -> str:
    """An error as a line; the table's own words for its columns."""
    column = error.column if of_sheet else TABLE_NAMES.get(error.column, error.column)
    return f"Row {error.row}{', ' if column else ''}{column}: {error.message}"


def preview(step: Request, plan: RatePlan, form: ReasonForm | None = None) -> HttpResponse:
    """What would happen, and the confirmation."""
    names = {key: entry.name for key, entry in step.book.products.items()}
    header, cells = sheet_of_rows([(names[row.product_id], row) for row in plan.rows])
    context = {
        "title": "Check before adding",
        "plan": plan,
        "effects": effects_of(step.card, plan, step.at) if plan.rates else None,
        "sheet": text_of(header, cells),
        "form": form or ReasonForm(),
    }
    return page(step, "rate_preview", context, status=400 if form is not None else 200)


def page(step: Request, template: str, context: dict[str, Any], status: int) -> HttpResponse:
    """A page of the card's."""
    whole = {
        **admin.site.each_context(step.http),
        "opts": RateCard._meta,
        "original": step.card,
        "card": step.card,
        "back": page_of(step.card),
        **context,
    }
    return TemplateResponse(step.http, f"admin/back_office/{template}.html", whole, status=status)
