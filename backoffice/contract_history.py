"""A contract's amendments in words: what each edit asked for, by whom, when and why."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from catalog.models import CreditType
from catalog.selectors import list_credit_types
from contracts.models import Contract
from contracts.selectors import list_edits
from core.admin import timeline
from core.api.fields import parse_instant
from core.exact_json import read_back
from presentation import formatting

THINGS: Final = {
    "commits": "Commit", "credits": "Credit", "recurring_commits": "Recurring commit",
    "recurring_credits": "Recurring credit", "scheduled_charges": "Scheduled charge", "discounts": "Discount",
    "overrides": "Price override", "subscriptions": "Subscription",
}  # fmt: skip
"""What stands in the lists of an edit, one of each, as people say it."""
DONE: Final = {"add": "added", "update": "changed", "archive": "taken away", "remove": "taken away"}


@dataclass(frozen=True, slots=True)
class Amendment:
    """One edit. `lines`: what it did, a sentence each; `reason`: why, where it was asked."""

    number: int
    at: datetime
    who: str
    reason: str
    lines: list[str]


def amendments(contract: Contract) -> list[Amendment]:
    """All edits, newest first. Three queries."""
    edits = list(list_edits(contract_id=contract.pk))
    if not edits:
        return []
    units = {str(unit.pk): unit for unit in list_credit_types()}
    entries = timeline.audit_entries().filter(timeline.about([("contract", contract.pk)]), action="contract.edited")
    reasons = {str(entry.detail.get("edit_id")): entry.reason for entry in entries}
    return [
        Amendment(number, edit.created_at, edit.created_by, reasons.get(str(edit.pk), ""),
                  list(in_words(read_back(edit.told), units)))
        for number, edit in reversed(list(enumerate(edits, 1)))
    ]  # fmt: skip


def in_words(told: Mapping[str, Any], units: Mapping[str, CreditType]) -> Iterator[str]:
    """What an edit did, as it was told; units by id."""
    if "update_contract_name" in told:
        yield f"Renamed: {told['update_contract_name']}"
    if "update_contract_end_date" in told:
        end = told["update_contract_end_date"]
        yield f"Ends before {_when(end)}" if end else "Open-ended from now on"
    for name, entries in told.items():
        verb, _, things = name.partition("_")
        if verb not in DONE or not isinstance(entries, list):
            continue
        if things not in THINGS:
            yield f"{things.replace('_', ' ').capitalize()} {DONE[verb]}"
        elif verb == "add":
            yield from (f"{THINGS[things]} added: {_added(entry, units)}" for entry in entries)
        elif things == "subscriptions":
            yield from map(_changed_subscription, entries)
        else:
            count = "" if len(entries) == 1 else f" ({len(entries):,})"
            yield f"{THINGS[things]} {DONE[verb]}{count}"


def _added(entry: Mapping[str, Any], units: Mapping[str, CreditType]) -> str:
    """What was added, with its figure and dates where it has some."""
    said = [str(entry.get("name") or (entry.get("product") or {}).get("name") or _limited(entry))]
    if "multiplier" in entry:
        said.append(f"list price times {formatting.format_quantity(Decimal(entry['multiplier']))}")
    for schedule in ("access_schedule", "schedule"):
        items = (entry.get(schedule) or {}).get("schedule_items") or ()
        unit = units.get(str(((entry.get(schedule) or {}).get("credit_type") or {}).get("id")))
        if items and unit is not None:
            total = sum((Decimal(item["amount"]) for item in items), Decimal(0))
            said.append(formatting.money_text(total, unit))
            times = [item.get("timestamp") or item["starting_at"] for item in items]
            said.append(f"from {_when(times[0])}" if len(times) == 1 else f"on {len(times):,} dates")
    if "starting_at" in entry:
        said.append(f"from {_when(entry['starting_at'])}")
    if entry.get("ending_before"):
        said.append(f"until {_when(entry['ending_before'])}")
    return ", ".join(said)


def _limited(entry: Mapping[str, Any]) -> str:
    found = entry.get("applicable_product_tags")
    return f"products tagged {' and '.join(found)}" if found else "everything"


def _changed_subscription(entry: Mapping[str, Any]) -> str:
    updates = entry.get("quantity_updates") or ()
    said = [
        f"{formatting.format_quantity(Decimal(one['quantity']))} from {_when(one['starting_at'])}"
        if "quantity" in one
        else f"{formatting.format_quantity(Decimal(one['quantity_delta']))} more from {_when(one['starting_at'])}"
        for one in updates
    ]
    return f"Subscription changed{': ' if said else ''}{', '.join(said)}"


def _when(text: str) -> str:
    return f"{formatting.instant(parse_instant(text))} UTC"
