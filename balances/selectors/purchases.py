"""What is to be charged by date, as invoices need it; and for balances, as the schedule that was agreed."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import QuerySet

from balances.models import Balance, Segment
from catalog.selectors import state_at
from charges.invoice_lookup import invoice_ids_of
from charges.models import Charge
from charges.selectors import list_charges, places_of
from engine.charge_states import ChargeSource, ChargeState
from engine.money import Currency, mul, round_total, total
from engine.schedules import Share, whole_shares

OF_COMMITS = (ChargeSource.COMMIT_PURCHASE, ChargeSource.COMMIT_TRUE_UP)


@dataclass(frozen=True, slots=True)
class Purchase:
    """What is charged, or taken off, on a date: for a commit, as a scheduled charge, as a discount.

    `source_id`: the commit, scheduled charge or discount. `kind`: that of a commit, else "". Of a postpaid one it is
    the true-up: `obligation` is the segment that says what is owed.
    """

    charge_id: UUID
    source: ChargeSource
    source_id: UUID
    kind: str
    product_id: UUID
    name: str
    timestamp: datetime
    unit_price: Decimal
    quantity: Decimal
    obligation: Segment | None
    # one of several instalments that is not whole by itself: what an invoice asks for it, in smallest units
    whole: Decimal | None = None

    @property
    def amount(self) -> Decimal:
        """What was agreed on, exact, in the stored unit of the invoice."""
        return mul(self.unit_price, self.quantity)

    @property
    def is_discount(self) -> bool:
        """Whether it is taken off what else is on its invoice."""
        return self.source is ChargeSource.DISCOUNT


@dataclass(frozen=True, slots=True)
class Instalment:
    """An item of a commit's invoice schedule, and the invoice that holds it."""

    id: UUID
    timestamp: datetime
    unit_price: Decimal
    quantity: Decimal
    invoice_id: UUID | None

    @property
    def amount(self) -> Decimal:
        """What was agreed on, exact; a true-up may ask for less."""
        return mul(self.unit_price, self.quantity)


def purchases_of(charges: QuerySet[Charge]) -> list[Purchase]:
    """What is charged by these, in order of time and adding, discounts last. A handful of queries."""
    rows = list(charges.select_related("product", "credit_type").prefetch_related("product__versions"))
    commits = [row.source_id for row in rows if ChargeSource(row.source) in OF_COMMITS]
    balances = Balance.objects.prefetch_related("segments").in_bulk(commits) if commits else {}

    places = places_of(rows)

    def order(row: Charge) -> tuple[bool, datetime, datetime, int, UUID]:
        owner = balances.get(row.source_id)
        added = row.created_at if owner is None else owner.created_at
        is_discount = row.source == ChargeSource.DISCOUNT.value
        return is_discount, row.invoice_at, added, places.get(row.source_id, 0), row.pk

    rows.sort(key=order)
    whole = _whole_shares(rows)
    return [_purchase(row, balances.get(row.source_id), whole.get(row.pk)) for row in rows]


def invoice_schedules(balance_ids: Collection[UUID]) -> dict[UUID, list[Instalment]]:
    """What was agreed to be invoiced for these balances, by balance, in order of time. Two queries."""
    charges = list_charges(source_ids=balance_ids)
    holders = invoice_ids_of([row.pk for rows in charges.values() for row in rows])
    return {balance_id: list(_instalments(rows, holders)) for balance_id, rows in charges.items()}


def invoiced_amounts(balance_ids: Collection[UUID]) -> dict[UUID, Decimal]:
    """What was agreed to be invoiced for these balances in all, exact, by balance. One query."""
    return {
        balance_id: total(mul(row.unit_price, row.quantity) for row in rows)
        for balance_id, rows in list_charges(source_ids=balance_ids).items()
    }


def _instalments(rows: Iterable[Charge], holders: Mapping[UUID, UUID]) -> Iterator[Instalment]:
    for row in rows:
        yield Instalment(row.pk, row.invoice_at, row.unit_price, row.quantity, holders.get(row.pk))


def _whole_shares(rows: Sequence[Charge]) -> dict[UUID, Decimal]:
    """What invoices ask for those of the charges that are instalments and not whole, so that all sum to what was
    agreed; one query at most.
    """
    fixed = (ChargeSource.COMMIT_PURCHASE.value, ChargeSource.SCHEDULED_CHARGE.value)
    units = {row.source_id: row.credit_type for row in rows if row.source in fixed}
    found: dict[UUID, Decimal] = {}
    for source_id, series in list_charges(source_ids=list(units)).items():
        asked = [row for row in series if row.state != ChargeState.WAIVED.value]
        if len(asked) < 2:
            continue
        unit = units[source_id]
        currency = Currency(unit.code or unit.name, unit.places)
        shares = [Share(mul(row.unit_price, row.quantity), _invoiced(row, currency)) for row in asked]
        for row, share, whole in zip(asked, shares, whole_shares(shares, currency), strict=True):
            if whole != share.amount:
                found[row.pk] = whole
    return found


def _invoiced(row: Charge, currency: Currency) -> Decimal | None:
    """What a final invoice asks for an instalment, None if none does."""
    if row.state != ChargeState.INVOICED.value:
        return None
    exact = mul(row.unit_price, row.quantity)
    return round_total(exact, currency) if row.invoiced_amount is None else row.invoiced_amount


def _purchase(row: Charge, owner: Balance | None, whole: Decimal | None) -> Purchase:
    name = row.name or state_at(list(row.product.versions.all()), row.invoice_at).name
    obligation = None
    if owner is not None and owner.kind == Balance.Kind.POSTPAID:
        obligation = next(segment for segment in owner.segments.all() if segment.removed_at is None)
    return Purchase(
        charge_id=row.pk,
        source=ChargeSource(row.source),
        source_id=row.source_id,
        kind="" if owner is None else owner.kind,
        product_id=row.product_id,
        name=name,
        timestamp=row.invoice_at,
        unit_price=row.unit_price,
        quantity=row.quantity,
        obligation=obligation,
        whole=whole,
    )
