"""What happened to something: facts from the outbox and acts from the audit trail, as one list for people."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.urls import NoReverseMatch, reverse

from core.models import AuditEntry, Event

TITLES = {
    "adjustment.posted": "Adjustment posted",
    "adjustment.rejected": "Adjustment rejected",
    "adjustment.requested": "Adjustment asked for",
    "adjustment.withdrawn": "Adjustment withdrawn",
    "api_key.create": "API key created",
    "api_key.revoke": "API key revoked",
    "balance.ledger_differs": "Ledger does not add up",
    "billable_metric.archive": "Metric archived",
    "billable_metric.create": "Metric created",
    "billable_metric.update": "Metric changed",
    "contract.archived": "Contract archived",
    "contract.created": "Contract created",
    "contract.end_changed": "Contract's end changed",
    "customer.aliases_changed": "Ingest aliases changed",
    "customer.archive": "Customer archived",
    "customer.archived": "Customer archived",
    "customer.config_changed": "Configuration changed",
    "customer.create": "Customer created",
    "customer.created": "Customer created",
    "customer.renamed": "Customer renamed",
    "customer.set_ingest_aliases": "Ingest aliases changed",
    "customer.set_name": "Customer renamed",
    "customer.update_config": "Configuration changed",
    "embed_origin.register": "Embed origin allowed",
    "embed_origin.remove": "Embed origin removed",
    "embed_session.create": "Console session opened",
    "embed_session.revoke": "Console session revoked",
    "invoice.finalize": "Invoice finalized",
    "invoice.finalized": "Invoice finalized",
    "invoice.regenerate": "Invoice regenerated",
    "invoice.void": "Invoice voided",
    "invoice.voided": "Invoice voided",
    "product.archive": "Product archived",
    "product.create": "Product created",
    "product.update": "Product changed",
    "rate_card.add_rates": "Rates added",
    "rate_card.archive": "Rate card archived",
    "rate_card.create": "Rate card created",
    "rate_card.update": "Rate card changed",
}
KINDS = {
    "apikey": "API key",
    "billablemetric": "metric",
    "embedorigin": "origin",
    "embedsession": "session",
    "ratecard": "rate card",
}
PAGES = {
    "customer": "admin:customers_customer_change",
    "contract": "admin:contracts_contract_change",
    "invoice": "admin:invoices_invoicelisting_change",
    "adjustment": "admin:balances_adjustment_change",
    "balance": "admin:balances_balance_change",
    "apikey": "admin:core_apikey_change",
    "product": "admin:catalog_product_change",
    "ratecard": "admin:catalog_ratecard_change",
    "billablemetric": "admin:catalog_billablemetric_change",
    "embedorigin": "admin:console_embedorigin_change",
    "embedsession": "admin:console_embedsession_change",
}
# Amounts too: a payload has them in the stored unit, without saying which; the invoice's page says it.
HIDDEN = {
    "amount", "approval", "contract_id", "credit_id", "credit_type", "customer_id", "ingest_aliases", "number",
    "previous_ingest_aliases", "segment_id", "strict", "timestamp", "total",
}  # fmt: skip
LONGEST = 200

Subject = tuple[str, UUID]


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of a timeline. `detail`: label and text pairs; `url`: the page of what it is about, if it has one."""

    at: datetime
    title: str
    who: str
    reason: str
    detail: list[tuple[str, str]]
    subject: str
    url: str


def of_subjects(subjects: Iterable[Subject], *, limit: int = 100) -> list[Moment]:
    """Acts and facts about these records, newest first. A fact that an act tells at the same instant is left out."""
    condition = about(subjects)
    entries = list(audit_entries().filter(condition)[:limit])
    told = {(entry.at, entry.subject_id) for entry in entries}
    facts = [
        event
        for event in Event.objects.filter(condition).order_by("-id")[:limit]
        if (event.occurred_at, event.subject_id) not in told
    ]
    moments = [of_entry(entry) for entry in entries] + [of_event(event) for event in facts]
    return sorted(moments, key=lambda moment: moment.at, reverse=True)[:limit]


def about(subjects: Iterable[Subject]) -> Q:
    """Acts or facts about any of these records."""
    by_kind: dict[str, list[UUID]] = {}
    for kind, key in subjects:
        by_kind.setdefault(kind, []).append(key)
    condition = Q(pk__in=())
    for kind, keys in by_kind.items():
        condition |= Q(subject_type=kind, subject_id__in=keys)
    return condition


def of_customer(customer_id: UUID, *, limit: int = 100) -> list[Moment]:
    """The facts about a customer and all that is theirs, newest first."""
    return [of_event(event) for event in Event.objects.filter(customer_id=customer_id).order_by("-id")[:limit]]


def audit_entries() -> QuerySet[AuditEntry]:
    """Newest first, with whoever acted; one query."""
    return AuditEntry.objects.select_related("user", "api_key").order_by("-id")


def of_entry(entry: AuditEntry) -> Moment:
    """A line about an act."""
    return Moment(
        at=entry.at,
        title=title(entry.action, entry.detail),
        who=who(entry),
        reason=entry.reason,
        detail=detail(entry.detail),
        subject=entry.subject_type,
        url=page_of(entry.subject_type, entry.subject_id),
    )


def of_event(event: Event) -> Moment:
    """A line about a fact."""
    return Moment(
        at=event.occurred_at,
        title=title(event.name, event.payload),
        who="",
        reason="",
        detail=detail(event.payload),
        subject=event.subject_type,
        url=page_of(event.subject_type, event.subject_id),
    )


def who(entry: AuditEntry) -> str:
    """The person or the API key behind an act; Tactus itself where there is neither."""
    if entry.user is not None:
        return entry.user.get_full_name() or entry.user.get_username()
    return f"API key {entry.api_key.name}" if entry.api_key is not None else "Tactus"


def title(name: str, payload: Any = None) -> str:
    """A name as people say it, with the invoice's number if there is one: "Invoice finalized, TA-2026-0028"."""
    said = TITLES.get(name) or name.replace(".", " ").replace("_", " ").capitalize()
    number = payload.get("number") if isinstance(payload, dict) else None
    return f"{said}, {number}" if number else said


def detail(payload: Any) -> list[tuple[str, str]]:
    """What people can read of a payload: plain values, how many of a list of things, aliases that came or went."""
    if not isinstance(payload, dict):
        return []
    shown = [
        (key.replace("_", " "), text)
        for key, value in payload.items()
        if key not in HIDDEN and (text := _readable(value))
    ]
    if "ingest_aliases" in payload:
        now, before = payload["ingest_aliases"] or [], payload.get("previous_ingest_aliases") or []
        changes = (("added", now, before), ("removed", before, now))
        listed = [
            (word, ", ".join(str(alias) for alias in some if alias not in other)) for word, some, other in changes
        ]
        shown += [(word, text[:LONGEST]) for word, text in listed if text]
    return shown


def _readable(value: Any) -> str:
    """A value in words; empty for what has none."""
    if value is None or isinstance(value, bool | dict):
        return ""
    if isinstance(value, list):
        plain = all(isinstance(item, str | int) for item in value)
        return ", ".join(map(str, value))[:LONGEST] if plain else f"{len(value):,}"
    return str(value)[:LONGEST]


def kind_of(subject_type: str) -> str:
    """A kind of record as people call it."""
    return KINDS.get(subject_type, subject_type)


def page_of(kind: str, key: UUID) -> str:
    """The address of a record's page; empty for kinds that have none."""
    try:
        return reverse(PAGES[kind], args=[key]) if kind in PAGES else ""
    except NoReverseMatch:
        return ""
