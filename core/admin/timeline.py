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
    "api_key.create": "API key created",
    "api_key.revoke": "API key revoked",
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
    "embed_session.create": "Console session opened",
    "embed_session.revoke": "Console session revoked",
    "invoice.finalize": "Invoice finalized",
    "invoice.finalized": "Invoice finalized",
    "invoice.regenerate": "Invoice regenerated",
    "invoice.void": "Invoice voided",
    "invoice.voided": "Invoice voided",
}
PAGES = {
    "customer": "admin:customers_customer_change",
    "contract": "admin:contracts_contract_change",
    "invoice": "admin:invoices_invoice_change",
    "apikey": "admin:core_apikey_change",
    "product": "admin:catalog_product_change",
    "ratecard": "admin:catalog_ratecard_change",
    "billablemetric": "admin:catalog_billablemetric_change",
}
# Amounts too: a payload has them in the stored unit, without saying which; the invoice's page says it.
HIDDEN = {"contract_id", "customer_id", "strict", "total", "ingest_aliases", "previous_ingest_aliases"}
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
        title=title(entry.action),
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
        title=title(event.name),
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


def title(name: str) -> str:
    """A name as a sentence's start."""
    return TITLES.get(name) or name.replace(".", " ").replace("_", " ").capitalize()


def detail(payload: Any) -> list[tuple[str, str]]:
    """What people can read of a payload: plain values and aliases that came or went, each cut at 200 characters."""
    if not isinstance(payload, dict):
        return []
    shown = [
        (key.replace("_", " "), str(value)[:LONGEST])
        for key, value in payload.items()
        if key not in HIDDEN and value not in (None, "", [], {}) and not isinstance(value, dict | bool)
    ]
    if "ingest_aliases" in payload:
        now, before = payload["ingest_aliases"] or [], payload.get("previous_ingest_aliases") or []
        added = [alias for alias in now if alias not in before]
        removed = [alias for alias in before if alias not in now]
        shown += [
            (word, ", ".join(map(str, some))[:LONGEST])
            for word, some in (("added", added), ("removed", removed))
            if some
        ]
    return shown


def page_of(kind: str, key: UUID) -> str:
    """The address of a record's page; empty for kinds that have none."""
    try:
        return reverse(PAGES[kind], args=[key]) if kind in PAGES else ""
    except NoReverseMatch:
        return ""
