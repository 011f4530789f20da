"""What a customer was given and what is left of it, by the unit that it is counted in."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import NAMESPACE_OID, UUID, uuid5

from django.db.models import OuterRef, QuerySet, Subquery

from balances.models import AccessType, Balance, LedgerEntry, Segment
from balances.selectors.live import Pending, PendingDraw, by_segment, left_in, listed_entries, usable
from billing.lines import currency_view
from billing.selectors import pending_draws, priced_product_tags
from billing.types import CurrencyView
from catalog.models import ProductVersion
from catalog.selectors import state_at
from console.selectors.access import Viewer
from contracts.selectors.hierarchy import paid_customers
from engine.money import ZERO, add, subtract, total
from invoices.models import InvoiceListing
from invoices.selectors import list_breakdowns

GRANTING = (LedgerEntry.Kind.SEGMENT_START, LedgerEntry.Kind.INITIAL_BALANCE)
"""Entries that say how much was given; the reason of one is told to the customer."""
LONGEST_DRAFT = timedelta(days=400)
KINDS = {
    Balance.Kind.PREPAID.value: "Prepaid commit",
    Balance.Kind.POSTPAID.value: "Postpaid commitment",
    Balance.Kind.CREDIT.value: "Credit",
}


@dataclass(frozen=True, slots=True)
class Part:
    """An access segment in stored units: granted + adjusted = used + expired + moved + billed + left.

    `used` has what running drafts draw, `expired` what has ended but waits for them; `adjusted` may be below 0. `left`
    is never below 0: what a person took by hand beyond it is `overdrawn`. `moved`: rolled over; `billed`: trued up.
    """

    id: UUID
    starting_at: datetime
    ending_before: datetime
    granted: Decimal
    adjusted: Decimal
    used: Decimal
    pending: Decimal
    expired: Decimal
    waiting: Decimal
    moved: Decimal
    billed: Decimal
    left: Decimal
    overdrawn: Decimal
    row: Segment

    def is_open(self, now: datetime) -> bool:
        """Whether it can be drawn at this moment."""
        return self.starting_at <= now < self.ending_before


@dataclass(frozen=True, slots=True)
class Grant:
    """A commit or credit. `scope` says in words what it pays for; `reason`: what the customer was told, if anything."""

    id: UUID
    name: str
    kind: str
    kind_label: str
    scope: str
    parts: tuple[Part, ...]
    reason: str
    row: Balance

    @property
    def is_owed(self) -> bool:
        """Whether it is an obligation, and nothing that the customer holds."""
        return self.kind == Balance.Kind.POSTPAID

    def is_past(self, now: datetime) -> bool:
        """Whether all of its access has ended."""
        return all(part.ending_before <= now for part in self.parts)


@dataclass(frozen=True, slots=True)
class UnitBalance:
    """All grants in one unit. `code` stands beside figures; `key` names it in a query string.

    `products`: tags by product, as far as the order of drawing asks for them.
    """

    key: str
    code: str
    unit: CurrencyView
    grants: tuple[Grant, ...]
    products: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def held(self) -> list[Grant]:
        """What can be spent, or could."""
        return [grant for grant in self.grants if not grant.is_owed]

    @property
    def owed(self) -> list[Grant]:
        """Postpaid commitments."""
        return [grant for grant in self.grants if grant.is_owed]

    def open_parts(self, now: datetime) -> list[tuple[Grant, Part]]:
        """The parts that can be drawn at this moment, the one that ends first first."""
        found = [(grant, part) for grant in self.held for part in grant.parts if part.is_open(now)]
        return sorted(found, key=lambda pair: (pair[1].ending_before, str(pair[1].id)))

    def net(self, now: datetime) -> Decimal:
        """What can be spent at this moment, as `getNetBalance` of prepaid commits and credits says it."""
        return total(part.left for _, part in self.open_parts(now))


@dataclass(frozen=True, slots=True)
class DayDraw:
    """What a running draft draws from a segment on one day, `[start, end)`."""

    segment_id: UUID
    start: datetime
    end: datetime
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Drafts:
    """What running drafts draw, by segment; when their periods began, and whose they are if another's, by invoice."""

    pending: Pending = field(default_factory=dict)
    began: Mapping[UUID, datetime] = field(default_factory=dict)
    days: tuple[DayDraw, ...] = ()
    of: Mapping[UUID, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CustomerBalances:
    """Everything at one moment."""

    unit_balances: tuple[UnitBalance, ...]
    drafts: Drafts

    def unit_balance(self, key: str, now: datetime) -> UnitBalance:
        """The unit's balance that was asked for, else the first one that has something. At least one is there."""
        named = next((unit_balance for unit_balance in self.unit_balances if unit_balance.key == key), None)
        return named or next(
            (unit_balance for unit_balance in self.unit_balances if unit_balance.net(now)), self.unit_balances[0]
        )


@dataclass(frozen=True, slots=True)
class PostedEntry:
    """An entry of the ledger, listed at `at`; `number`, `period_start`, `period_end`: its invoice's, if it has one.

    `of`: whose invoice it is, where it is another customer's that this one pays for.
    """

    row: LedgerEntry
    at: datetime
    number: str
    period_start: datetime | None
    period_end: datetime | None
    of: str = ""


def customer_balances(viewer: Viewer, *, now: datetime, by_day: bool = False) -> CustomerBalances | None:
    """What the customer has now, archived grants left out; None without any.

    `by_day`: also what the drafts draw day by day. Drafts are composed only if there is anything to draw from.
    """
    rows: dict[UUID, tuple[Balance, list[Segment]]] = {}
    for segment in _segments(viewer):
        rows.setdefault(segment.owner_id, (segment.owner, []))[1].append(segment)
    if not rows:
        return None
    owners = [owner for owner, _ in rows.values()]
    shared = any(owner.child_access for owner in owners)
    drafts = _drafts_by_day(viewer, now, shared=shared) if by_day else _drafts(viewer)
    products = _product_names(owners, now)
    tagged = priced_product_tags(payer_id=viewer.customer_id) if any(_tags(owner) for owner in owners) else {}
    hides = bool(viewer.options.get("invoices", {}).get("hide_grant_name"))
    unit_balances: dict[str, UnitBalance] = {}
    for owner, segments in rows.values():
        grant = _grant(owner, segments, drafts.pending, products, now, hides=hides)
        unit, key = _unit(owner, grant.scope)
        known = unit_balances.get(key) or UnitBalance(key, unit.code or unit.name, unit, (), tagged)
        unit_balances[key] = replace(known, grants=(*known.grants, grant))
    ranked = sorted(unit_balances.values(), key=lambda unit_balance: (not unit_balance.unit.code, unit_balance.code))
    return CustomerBalances(tuple(ranked), drafts)


def has_held(viewer: Viewer) -> bool:
    """Whether the customer holds commits or credits, or did. One query."""
    return _segments(viewer).exclude(owner__kind=Balance.Kind.POSTPAID).exists()


def posted_entries(grants: Iterable[Grant], *, now: datetime) -> dict[UUID, list[PostedEntry]]:
    """The posted entries of these grants' segments that have begun, by grant, in order of time. One query."""
    parts = {part.id: grant.id for grant in grants for part in grant.parts if part.starting_at <= now}
    invoice = InvoiceListing.objects.filter(pk=OuterRef("invoice_id"))
    rows = LedgerEntry.objects.filter(segment__in=list(parts)).select_related("segment__owner").annotate(
        its_number=Subquery(invoice.values("number")), its_start=Subquery(invoice.values("period_start")),
        its_end=Subquery(invoice.values("period_end")), its_customer=Subquery(invoice.values("customer_id")),
        its_customer_name=Subquery(invoice.values("customer__name")),
    )  # fmt: skip
    found: dict[UUID, list[PostedEntry]] = {}
    for segment_id, mine in by_segment(rows).items():
        for place, at in listed_entries(mine[0].segment, mine):
            row = mine[place]
            of = row.its_customer_name if row.its_customer != mine[0].segment.owner.customer_id else ""
            entry = PostedEntry(row, at, row.its_number or "", row.its_start, row.its_end, of or "")
            found.setdefault(parts[segment_id], []).append(entry)
    return {grant_id: sorted(entries, key=lambda entry: entry.at) for grant_id, entries in found.items()}


def _segments(viewer: Viewer) -> QuerySet[Segment]:
    rows = Segment.objects.filter(
        owner__customer_id=viewer.customer_id, owner__archived_at__isnull=True, removed_at__isnull=True
    )
    only = viewer.options.get("invoices", {}).get("credit_ledger_credit_type_id")
    rows = rows.filter(owner__credit_type_id=only) if only else rows
    given = LedgerEntry.objects.filter(segment=OuterRef("pk"), kind__in=GRANTING).exclude(reason="").order_by("id")
    rows = rows.annotate(its_reason=Subquery(given.values("reason")[:1]))
    return rows.select_related("owner__credit_type", "owner__invoice_credit_type", "owner__contract").order_by(
        "owner__created_at", "owner_id", "starting_at", "id"
    )


def _drafts(viewer: Viewer) -> Drafts:
    pending = pending_draws(payer_id=viewer.customer_id)
    drawing = {draw.invoice_id for draws in pending.values() for draw in draws}
    rows = list(InvoiceListing.objects.filter(pk__in=drawing).select_related("customer")) if drawing else []
    of = {row.pk: row.customer.name for row in rows if row.customer_id != viewer.customer_id}
    return Drafts(pending, {row.pk: row.period_start for row in rows}, of=of)


def _drafts_by_day(viewer: Viewer, now: datetime, *, shared: bool) -> Drafts:
    """The same from the breakdowns by day, which sum to them, of the drafts that the customer pays.

    `shared`: whether children may draw, too.
    """
    windows = [
        window
        for customer_id in (viewer.customer_id, *(paid_customers(viewer.customer_id) if shared else ()))
        for window in list_breakdowns(
            customer_id=customer_id, starting_on=now - LONGEST_DRAFT, ending_before=now + LONGEST_DRAFT,
            window_size="DAY", status="DRAFT", now=now,
        )
        if (window.invoice.payer or (None, customer_id))[1] == viewer.customer_id
    ]  # fmt: skip
    days: list[DayDraw] = []
    sums: dict[tuple[UUID, UUID], Decimal] = {}
    views = {window.invoice.id: window.invoice for window in windows}
    for window in windows:
        for line in window.lines:
            if line.type != "applied_commit_or_credit" or line.commit_segment_id is None:
                continue
            drawn = line.total.copy_negate() if line.quantity_consumed is None else line.quantity_consumed
            key = line.commit_segment_id, window.invoice.id
            sums[key] = add(sums.get(key, ZERO), drawn)
            days.append(DayDraw(key[0], window.window_start, min(window.window_end, now), drawn))
    pending: dict[UUID, list[PendingDraw]] = {}
    for (segment_id, invoice_id), amount in sums.items():
        view = views[invoice_id]
        draw = PendingDraw(invoice_id, view.contract_id, amount, view.period_end)
        pending.setdefault(segment_id, []).append(draw)
    return Drafts(pending, {id_: view.period_start for id_, view in views.items()}, tuple(days))


def _grant(
    row: Balance,
    segments: Iterable[Segment],
    pending: Pending,
    products: Mapping[str, str],
    now: datetime,
    *,
    hides: bool,
) -> Grant:
    kind_label, members = KINDS[row.kind], list(segments)
    if row.recurring_id:
        kind_label = "Recurring credit" if row.kind == Balance.Kind.CREDIT else "Recurring commit"
    if row.rolled_over_from_id:
        kind_label = "Rolled over"
    return Grant(
        id=row.pk,
        name=kind_label if hides else row.name or products[str(row.product_id)],
        kind=row.kind,
        kind_label=kind_label,
        scope=_scope(row, products),
        parts=tuple(_part(row, segment, pending, now) for segment in members),
        reason=next(filter(None, (getattr(segment, "its_reason", None) for segment in members)), ""),
        row=row,
    )


def _part(owner: Balance, row: Segment, pending: Pending, now: datetime) -> Part:
    drawn = total(draw.amount for draw in pending.get(row.pk, ()))
    left = left_in(row, pending)
    waits = ZERO
    if owner.kind == Balance.Kind.POSTPAID:
        shown = max(left, ZERO)
    elif row.starting_at > now:
        shown = max(row.balance, ZERO)
    else:
        shown = usable(row, pending, now=now)
        waits = max(left, ZERO) if row.ending_before <= now else ZERO
    return Part(
        id=row.pk,
        starting_at=row.starting_at,
        ending_before=row.ending_before,
        granted=row.granted,
        adjusted=row.manual,
        used=add(row.used, drawn),
        pending=drawn,
        expired=add(row.expired, waits),
        waiting=waits,
        moved=row.rolled_over,
        billed=row.trued_up,
        left=shown,
        overdrawn=subtract(ZERO, min(left, ZERO)),
        row=row,
    )


def _unit(row: Balance, scope: str) -> tuple[CurrencyView, str]:
    """The unit that a grant is counted in, and its balance's key: units of different things are not added up."""
    if row.access_type == AccessType.SPEND:
        return currency_view(row.credit_type), str(row.credit_type_id)
    same = json.dumps([row.applicable_product_ids, row.applicable_product_tags, row.specifiers], sort_keys=True)
    name = "units" if scope == EVERYTHING else f"units of {scope}"
    return CurrencyView(row.credit_type_id, name, "", 0, 0), str(uuid5(NAMESPACE_OID, same))


EVERYTHING = "all usage"


def _scope(row: Balance, products: Mapping[str, str]) -> str:
    named = [products[id_] for id_ in _product_ids(row) if id_ in products]
    values = [
        f"{key} {value}"
        for part in row.specifiers
        for groups in ("pricing_group_values", "presentation_group_values")
        for key, value in part.get(groups, {}).items()
    ]
    parts = [*dict.fromkeys(named), *dict.fromkeys(f"products tagged {tag}" for tag in _tags(row))]
    text = ", ".join(parts) or EVERYTHING
    values += [
        f"not tagged {' and '.join(left_out['product_tags'])}"
        for part in row.specifiers
        for left_out in part.get("exclude", ())
    ]
    return f"{text} ({', '.join(dict.fromkeys(values))})" if values else text


def _tags(row: Balance) -> list[str]:
    return [*row.applicable_product_tags, *(tag for part in row.specifiers for tag in part.get("product_tags", ()))]


def _product_ids(row: Balance) -> list[str]:
    return [
        *row.applicable_product_ids,
        *(part["product_id"] for part in row.specifiers if part.get("product_id")),
    ]


def _product_names(rows: Iterable[Balance], now: datetime) -> dict[str, str]:
    """Names of the products that grants are limited to, and of those that nameless grants hang on. One query."""
    ids = {id_ for row in rows for id_ in (*_product_ids(row), *([] if row.name else [str(row.product_id)]))}
    versions: dict[str, list[ProductVersion]] = {}
    if ids:
        for version in ProductVersion.objects.filter(product_id__in=ids).order_by("number"):
            versions.setdefault(str(version.product_id), []).append(version)
    return {id_: state_at(found, now).name for id_, found in versions.items()}
