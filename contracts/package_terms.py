"""From a package's terms to a contract's: relative dates become dates, by the names that fields have.

A field of new contracts is one of packages as soon as it stands in `TERMS`; what is dated in it follows from `DATES`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

from engine.calendar import Offset, OffsetUnit, rfc3339

TERMS: Final = (
    "rate_card_id", "rate_card_alias", "net_payment_terms_days", "usage_statement_schedule",
    "multiplier_override_prioritization", "scheduled_charges_on_usage_invoices", "commits", "credits",
    "recurring_commits", "recurring_credits", "overrides", "subscriptions", "scheduled_charges", "spend_trackers",
    "prepaid_balance_threshold_configuration", "spend_threshold_configuration", "trial",
)  # fmt: skip
"""Fields of new contracts that packages have by the same name, where new contracts know them."""

AS_THEY_ARE: Final = (
    "spend_trackers", "prepaid_balance_threshold_configuration", "spend_threshold_configuration", "trial",
)  # fmt: skip
"""Those of them in which nothing is dated."""

DATES: Final = {
    "starting_at": "starting_at_offset",
    "ending_before": "duration",
    "timestamp": "date_offset",
    "invoice_generation_starting_at": "invoice_generation_starting_at_offset",
}
"""What a date is called in a contract and in a package. `duration` counts from where its own part starts."""

ABSOLUTE: Final = frozenset(
    {
        "billing_anchor_date", "anchor_date", "recurring_schedule", "payment_gate_config", "netsuite_sales_order_id",
        "initial_seat_ids",
    }
)  # fmt: skip
"""Fields of contracts' parts that packages do not have."""

_OFFSETS: Final = {offset: date for date, offset in DATES.items()}


def with_ids(template: Mapping[str, Any]) -> dict[str, Any]:
    """The terms, each listed part and each scheduled item with an id of its own."""
    return {name: _numbered(value) if name in TERMS else value for name, value in template.items()}


def _numbered(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            name: _numbered(inner) if name in ("access_schedule", "invoice_schedule", "schedule", "schedule_items")
            else inner
            for name, inner in value.items()
        }  # fmt: skip
    if isinstance(value, list):
        return [{"id": str(uuid4())} | _numbered(entry) for entry in value]
    return value


def contract_body(template: Mapping[str, Any], starting_at: datetime) -> dict[str, Any]:
    """What a contract of this package that starts at `starting_at` says, as a body of `/v1/contracts/create`.

    Raises InvalidTerms where a date is beyond the calendar.
    """
    body = {
        name: _undated(value) if name in AS_THEY_ARE else _resolved(value, starting_at)
        for name, value in template.items()
        if name in TERMS and value is not None
    }
    if template.get("contract_name"):
        body["name"] = template["contract_name"]
    if template.get("duration"):
        body["ending_before"] = _date(template["duration"], starting_at)
    return body | {"starting_at": rfc3339(starting_at)}


def provider_of(template: Mapping[str, Any]) -> dict[str, Any]:
    """Where invoices of a package's contracts go, as a part of the body of a new contract; {} where it does not say.

    The configuration is the customer's own, so that a package can only say of which provider.
    """
    asked = {name: template[name] for name in ("billing_provider", "delivery_method") if template.get(name)}
    return {"billing_provider_configuration": asked} if asked else {}


def _undated(value: Any) -> Any:
    """As it was asked for, without the ids that the package gave."""
    if isinstance(value, list):
        return [{name: inner for name, inner in entry.items() if name != "id"} for entry in value]
    return value


def _resolved(value: Any, start: datetime) -> Any:
    if isinstance(value, list):
        return [_resolved(entry, start) for entry in value]
    if not isinstance(value, Mapping):
        return value
    begins = start
    if value.get("starting_at_offset"):
        begins = _offset(value["starting_at_offset"]).after(start)
    found: dict[str, Any] = {"initial_seat_ids": []} if "seat_group_key" in value else {}
    for name, inner in value.items():
        if name == "id" or inner is None:
            continue
        if name in _OFFSETS:
            found[_OFFSETS[name]] = _date(inner, begins if name == "duration" else start)
        else:
            found[name] = _resolved(inner, start)
    return found


def _offset(said: Mapping[str, Any]) -> Offset:
    return Offset(int(said["value"]), OffsetUnit(said["unit"]))


def _date(said: Mapping[str, Any], start: datetime) -> str:
    return rfc3339(_offset(said).after(start))
