"""A contract's whole deal as a file: every part of it, a row each, as of now."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from backoffice import contract_deal, contract_history, contract_schedule
from backoffice.balance_page import rows_of
from balances.models import AccessType
from catalog.selectors import state_at
from contracts.admin import FREQUENCIES, state_of
from contracts.models import Contract
from contracts.selectors import list_contract_rates, subscriptions_of
from contracts.selectors.overrides import override_rows
from contracts.selectors.subscriptions import end_of, history_of
from core.admin.export import csv_response
from core.clock import now
from engine.money import ZERO
from engine.quantities import standing_at
from presentation import formatting
from presentation.formatting import plain_amount
from presentation.prices import price_label

HEADER = ("part", "name", "terms", "starting_at", "ending_before", "amount", "unit", "state", "invoice", "id")


def deal_csv(request: HttpRequest, object_id: UUID) -> HttpResponse:
    """The file; what the reader may not see is left out."""
    if not request.user.has_perm("contracts.view_contract"):
        raise PermissionDenied
    rows = Contract.objects.select_related("customer", "rate_card__fiat_credit_type")
    contract = get_object_or_404(rows, pk=object_id)
    may_see = request.user.has_perm("balances.view_balance")
    return csv_response(f"contract-{contract.pk}.csv", HEADER, deal_rows(contract, now(), balances=may_see))


def deal_rows(contract: Contract, at: datetime, *, balances: bool) -> Iterator[tuple[Any, ...]]:
    """The columns of `HEADER`; amounts as people write them (dollars). A fixed number of queries."""
    card = contract.rate_card
    unit = card.fiat_credit_type if card else None
    terms = f"{FREQUENCIES[contract.billing_frequency]}, net {contract.net_payment_terms_days} days"
    code = formatting.unit_code(unit) if unit else "USD"
    yield ("contract", str(contract), f"{terms}, {card.name if card else 'no rate card'}", contract.starting_at,
           contract.ending_before, None, code, state_of(contract, at)[0], None, contract.pk)  # fmt: skip
    for rate in list_contract_rates(contract=contract, at=max(at, contract.starting_at)):
        priced_in = rate.listed.rate.credit_type
        label = price_label(rate.decision.price, priced_in) if rate.decision.entitled else "not entitled"
        yield ("price", rate.listed.state.name, label, None, rate.ending_before, None,
               formatting.unit_code(priced_in), "", None, rate.listed.rate.pk)  # fmt: skip
    for override in override_rows().filter(contract=contract, removed_by__isnull=True).order_by("starting_at"):
        line = contract_deal.override_line(override, unit, at)
        yield ("override", line["what"], line["price"], line["starting_at"], line["ending_before"], None, "",
               line["state"][0], None, override.pk)  # fmt: skip
    for row in subscriptions_of([contract.pk]).get(contract.pk, []):
        standing = standing_at(history_of(row), at)
        name = row.name or state_at(list(row.product.versions.all()), at).name
        billed = f"{FREQUENCIES[row.billing_frequency]}, in {row.collection_schedule.lower()}"
        yield ("subscription", name, billed, row.starting_at, end_of(row), ZERO if standing is None else standing.total,
               "quantity", "", None, row.pk)  # fmt: skip
    for held in rows_of(contract.customer_id, at, contract=contract) if balances else ():
        balance = held.balance
        counted = balance.access_type == AccessType.QUANTITY
        amount = held.granted if counted else plain_amount(held.granted, balance.credit_type)
        measure = "units" if counted else formatting.unit_code(balance.credit_type)
        yield ("commit or credit", held.name, held.kind, None, held.next_end, amount, measure, held.state, None,
               balance.pk)  # fmt: skip
    for grant in contract_deal.recurring_of(contract) if balances else ():
        line = contract_deal.recurring_line(grant, at)
        yield ("recurring", line["name"], f"{line['kind']}: {line['gives']}", line["starting_at"],
               line["ending_before"], None, "", line["state"][0], None, grant.pk)  # fmt: skip
    for dated in contract_schedule.dated_amounts(contract, at):
        number = (dated.invoice.number or "draft") if dated.invoice else None
        yield (f"scheduled {dated.kind.lower()}", dated.name, "" if dated.is_invoiced else "not invoiced", dated.at,
               None, plain_amount(dated.amount, dated.unit), formatting.unit_code(dated.unit), "", number,
               dated.id)  # fmt: skip
    for entry in contract_schedule.providers(contract, at)["entries"]:
        yield ("billing provider", entry["name"], "kept, not delivered to", entry["starting_at"],
               entry["ending_before"], None, "", "", None, None)  # fmt: skip
    for edit in reversed(contract_history.amendments(contract)):
        yield ("amendment", f"Amendment {edit.number}", "; ".join(edit.lines), edit.at, None, None, "", edit.who,
               None, None)  # fmt: skip
