"""What is charged for a balance: its invoice schedule, as charges of `charges`. The caller holds what they hang on."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db.models import QuerySet

from balances.models import Balance
from charges.models import Charge
from charges.selectors import list_charges, next_ordinal
from charges.services import NewCharge, add_charges, waive_charges
from core.transactions import require_transaction
from engine.calendar import Period
from engine.charge_states import ChargeAmount, ChargeSource, ChargeState, ChargeTerms
from engine.errors import InvalidTerms
from engine.schedules import ScheduleItem


def purchases_for(balance: Balance) -> list[Charge]:
    """The balance's instalments, or the true-up of a postpaid one, by date; those taken back left out. One query."""
    return list_charges(source_ids=[balance.pk]).get(balance.pk, [])


def add_purchases(
    balance: Balance,
    *,
    items: Sequence[ScheduleItem],
    now: datetime,
    service_period: Period | None = None,
) -> None:
    """Charges for a stored balance, in the unit of its invoices. Raises InvalidTerms."""
    require_transaction()
    if items:
        first = next_ordinal(source=source_of(balance), source_id=balance.pk)
        add_charges(new=new_charges(balance, items=items, first=first, service_period=service_period), now=now)


def new_charges(
    balance: Balance, *, items: Sequence[ScheduleItem], first: int, service_period: Period | None = None
) -> list[NewCharge]:
    """The same, to be added. `first`: the number of the first. Raises InvalidTerms."""
    if not items:
        return []
    unit_id = balance.invoice_credit_type_id
    if unit_id is None:
        raise InvalidTerms("what is invoiced has a unit", "invoice_schedule.credit_type_id")
    return [
        NewCharge(
            customer_id=balance.customer_id,
            contract_id=balance.invoice_contract_id,
            source=source_of(balance),
            source_id=balance.pk,
            ordinal=ordinal,
            product_id=balance.product_id,
            name=balance.name,
            credit_type_id=unit_id,
            terms=_terms(balance, item, service_period),
            waived=_is_waived(balance),
        )
        for ordinal, item in enumerate(items, first)
    ]


def schedule_of(balance: Balance) -> list[ScheduleItem]:
    """The same as the engine knows it: what was agreed on, by date."""
    return [ScheduleItem(one.invoice_at, one.unit_price, one.quantity) for one in purchases_for(balance)]


def source_of(balance: Balance) -> ChargeSource:
    """Why the balance is charged for."""
    postpaid = balance.kind == Balance.Kind.POSTPAID
    return ChargeSource.COMMIT_TRUE_UP if postpaid else ChargeSource.COMMIT_PURCHASE


def _terms(balance: Balance, item: ScheduleItem, service_period: Period | None = None) -> ChargeTerms:
    """An instalment's terms. Of a postpaid commit the amount is what usage has not fulfilled when it is invoiced."""
    postpaid = balance.kind == Balance.Kind.POSTPAID
    return ChargeTerms(
        invoice_at=item.timestamp,
        unit_price=item.unit_price,
        quantity=item.quantity,
        amount_type=ChargeAmount.SETTLED if postpaid else ChargeAmount.FIXED,
        service_period=service_period,
    )


def waive_true_ups(rows: QuerySet[Balance]) -> None:
    """What usage does not fulfil of these postpaid commits is not billed, unless it has been. Balances are held."""
    require_transaction()
    rows.update(true_up_disabled=True)
    standing = list_charges(source_ids=list(rows.values_list("pk", flat=True)))
    waive_charges(charges=_pending(charge for charges in standing.values() for charge in charges))


def _is_waived(balance: Balance) -> bool:
    """Whether no invoice asks for what the balance costs: agreed so, waived at a renewal, or there is no contract."""
    trued_up = balance.kind == Balance.Kind.POSTPAID and balance.true_up_disabled
    return balance.do_not_invoice or trued_up or balance.invoice_contract_id is None


def _pending(charges: Iterable[Charge]) -> list[Charge]:
    return [charge for charge in charges if charge.state == ChargeState.PENDING.value]
