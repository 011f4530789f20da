"""What a customer was given and what is left of it, by the unit that it is counted in."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from balances.models import AccessType, Balance, LedgerEntry, Segment
from balances.selectors import entries_of, filter_balances
from balances.selectors.live import Pending, left_in, usable
from catalog.models import Product
from catalog.selectors import state_at
from console.selectors.access import Viewer
from engine.money import ZERO, add, subtract, total
from invoices.models import Invoice
from invoices.selectors.balances import pending_draws
from invoices.selectors.views import currency_view
from invoices.types import CurrencyView

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
    """A commit or credit. `scope` says in words what it pays for."""

    id: UUID
    name: str
    kind: str
    words: str
    scope: str
    parts: tuple[Part, ...]
    row: Balance

    @property
    def is_owed(self) -> bool:
        """Whether it is an obligation, and nothing that the customer holds."""
        return self.kind == Balance.Kind.POSTPAID

    def is_past(self, now: datetime) -> bool:
        """Whether all of its access has ended."""
        return all(part.ending_before <= now for part in self.parts)


@dataclass(frozen=True, slots=True)
class Purse:
    """All grants in one unit. `code` stands beside figures; `key` names the purse in a query string."""

    key: str
    code: str
    unit: CurrencyView
    grants: tuple[Grant, ...]

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
class Holdings:
    """Everything at one moment. `pending`: what running drafts draw, by segment."""

    purses: tuple[Purse, ...]
    pending: Pending = field(default_factory=dict)

    def purse(self, key: str, now: datetime) -> Purse:
        """The purse that was asked for, else the first one that has something. At least one is there."""
        named = next((purse for purse in self.purses if purse.key == key), None)
        return named or next((purse for purse in self.purses if purse.net(now)), self.purses[0])


def has_balances(viewer: Viewer) -> bool:
    """Whether there is anything to show. One query."""
    return _rows(viewer).exists()


def holdings(viewer: Viewer, *, now: datetime) -> Holdings | None:
    """What the customer has now, archived grants left out; None without any."""
    rows = list(_rows(viewer))
    if not rows:
        return None
    pending = pending_draws(customer_id=viewer.customer_id)
    products = _product_names(rows, now)
    hides = bool(viewer.options.get("invoices", {}).get("hide_grant_name"))
    purses: dict[str, Purse] = {}
    for row in rows:
        grant = _grant(row, pending, products, now, hides=hides)
        unit, key = _unit(row, grant.scope)
        known = purses.get(key) or Purse(key, unit.code or unit.name, unit, ())
        purses[key] = replace(known, grants=(*known.grants, grant))
    ranked = sorted(purses.values(), key=lambda purse: (not purse.unit.code, purse.code))
    return Holdings(tuple(ranked), pending)


def posted(grants: Iterable[Grant], *, now: datetime) -> dict[UUID, list[LedgerEntry]]:
    """The posted entries of these grants in order of time. One query."""
    return entries_of([grant.row for grant in grants], now=now)


def invoices_named(viewer: Viewer, ids: Iterable[UUID | None]) -> dict[UUID, Invoice]:
    """The invoices that entries and drafts name, by id. One query."""
    wanted = {id_ for id_ in ids if id_ is not None}
    return Invoice.objects.filter(customer_id=viewer.customer_id).in_bulk(list(wanted)) if wanted else {}


def _rows(viewer: Viewer) -> Any:
    rows = filter_balances(customer_id=viewer.customer_id, include_contract=True)
    only = viewer.options.get("invoices", {}).get("credit_ledger_credit_type_id")
    return rows.filter(credit_type_id=only) if only else rows


def _grant(row: Balance, pending: Pending, products: Mapping[str, str], now: datetime, *, hides: bool) -> Grant:
    words = KINDS[row.kind]
    if row.recurring_id:
        words = "Recurring credit" if row.kind == Balance.Kind.CREDIT else "Recurring commit"
    if row.rolled_over_from_id:
        words = "Rolled over"
    product = state_at(list(row.product.versions.all()), now).name
    return Grant(
        id=row.pk,
        name=words if hides else row.name or product,
        kind=row.kind,
        words=words,
        scope=_scope(row, products),
        parts=tuple(_part(row, segment, pending, now) for segment in row.segments.all()),
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
    """The unit that a grant is counted in, and its purse's key: units of different things are not added up."""
    if row.access_type == AccessType.SPEND:
        return currency_view(row.credit_type), str(row.credit_type_id)
    same = json.dumps([row.applicable_product_ids, row.applicable_product_tags, row.specifiers], sort_keys=True)
    name = "units" if scope == EVERYTHING else f"units of {scope}"
    return CurrencyView(row.credit_type_id, name, "", 0, 0), str(uuid5(NAMESPACE_OID, same))


EVERYTHING = "all usage"


def _scope(row: Balance, products: Mapping[str, str]) -> str:
    named = [products[id_] for id_ in _product_ids(row) if id_ in products]
    tags = [*row.applicable_product_tags, *(tag for part in row.specifiers for tag in part.get("product_tags", ()))]
    values = [
        f"{key} {value}"
        for part in row.specifiers
        for groups in ("pricing_group_values", "presentation_group_values")
        for key, value in part.get(groups, {}).items()
    ]
    parts = [*dict.fromkeys(named), *dict.fromkeys(f"products tagged {tag}" for tag in tags)]
    text = ", ".join(parts) or EVERYTHING
    return f"{text} ({', '.join(dict.fromkeys(values))})" if values else text


def _product_ids(row: Balance) -> list[str]:
    return [
        *row.applicable_product_ids,
        *(part["product_id"] for part in row.specifiers if part.get("product_id")),
    ]


def _product_names(rows: Sequence[Balance], now: datetime) -> dict[str, str]:
    """Names of the products that grants are limited to; two queries, none where no grant is."""
    ids = {id_ for row in rows for id_ in _product_ids(row)}
    if not ids:
        return {}
    found = Product.objects.filter(pk__in=ids).prefetch_related("versions")
    return {str(product.pk): state_at(list(product.versions.all()), now).name for product in found}
