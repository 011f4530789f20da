"""Plans of the story: packages by the month, a team on trial, one that has grown out of its plan, and renewals agreed.

It happens at the end of a load, with the services that the API calls. Doing it again changes nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from catalog import services
from catalog.models import Product
from catalog.package_models import Package
from contracts.api.contracts import CreateInput, contract_terms, of_package, read_terms
from contracts.api.package_inputs import PackageCreateInput
from contracts.api.packages import keep_package
from contracts.models import Contract, RenewalPolicy
from contracts.services import create_contract
from contracts.services.renewals import set_renewal
from customers.services import create_customer
from demo.catalogue import MARK
from demo.story import EMBED, SMALL
from engine.calendar import rfc3339
from engine.plan_changes import Operation
from engine.renewals import RenewalKind
from invoices.services.finalize import finalize_due_invoices
from plans.models import PlanQuote
from plans.services.changes import confirm_quote, quote_change
from usage.services import ingest
from usage.store import NewEvent

SEAT = "workspace"
ROUND = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Plan:
    """A package: cents a month and seat, seats, cents of usage included each month, days of trial."""

    alias: str
    name: str
    price: int
    seats: int
    included: int
    trial: int = 0


PLANS = (
    Plan("starter", "Starter", 1900, 1, 1000),
    Plan("team", "Team", 2900, 5, 10_000, 14),
    Plan("business", "Business", 4900, 8, 40_000),
)
GROWN, TRYING = ("harbor-studio", "Harbor Studio"), ("tern-analytics", "Tern Analytics")
RENEWING = {"Meridian Bank": ("5", 60), "Nordlicht Versicherung AG": ("3", 30)}
"""By customer: percent of uplift, days of notice."""


def make_plans(*, card_id: UUID, now: datetime) -> int:
    """Packages on this card, two customers of them, and what happens when contracts end; how many events came."""
    if Package.objects.filter(aliases__name=PLANS[0].alias).exists():
        return sum(len(_used(alias, start, now)) for (alias, _), start in _starts(now))
    hour = now.replace(minute=0, second=0, microsecond=0)
    seat = _seat(card_id, hour)
    for plan in PLANS:
        _package(plan, card_id, seat, hour)
    (_, first), (_, second) = _starts(now)
    grown = _sign(GROWN, PLANS[0].alias, first, now)
    _sign(TRYING, PLANS[1].alias, second, now)
    finalize_due_invoices(now=now)
    quote = quote_change(
        contract_id=grown.pk, operation=Operation.CHANGE, to={"package_alias": PLANS[2].alias}, now=now
    )
    confirm_quote(quote=quote, now=now, reason="They hired seven people")
    finalize_due_invoices(now=now)
    quote_change(contract_id=_of(quote), operation=Operation.CHANGE, to={"package_alias": PLANS[1].alias}, now=now)
    for name, (uplift, days) in RENEWING.items():
        for contract in Contract.objects.filter(customer__name=name, ending_before__gt=now):
            if not RenewalPolicy.objects.filter(contract=contract).exists():
                set_renewal(
                    contract_id=contract.pk, kind=RenewalKind.SAME_TERMS, months=12, uplift_percent=Decimal(uplift),
                    notice_days=days, now=now,
                )  # fmt: skip
    return sum(len(_used(alias, start, now)) for (alias, _), start in _starts(now))


def _starts(now: datetime) -> list[tuple[tuple[str, str], datetime]]:
    """Who signs when."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    return [(GROWN, hour - timedelta(days=20)), (TRYING, hour - timedelta(days=5))]


def _of(quote: PlanQuote) -> UUID:
    made = PlanQuote.objects.get(pk=quote.pk).new_contract_id
    if made is None:
        raise ValueError("the plan was not changed")
    return made


def _seat(card_id: UUID, now: datetime) -> UUID:
    found = services.create_product(
        product_type=Product.Type.SUBSCRIPTION, fields={"name": "Workspace seat"}, custom_fields={MARK: SEAT}, now=now
    )
    since = now.replace(hour=0) - timedelta(days=400)
    rates = [
        services.NewRate(
            product_id=found.pk, starting_at=since, entitled=True, rate_type="FLAT", price=Decimal(PLANS[0].price),
            billing_frequency="MONTHLY",
        )
    ]  # fmt: skip
    services.add_rates(rate_card_id=card_id, rates=rates, now=now)
    return found.pk


def _package(plan: Plan, card_id: UUID, seat: UUID, now: datetime) -> None:
    credit = Product.objects.get(custom_fields__contains={MARK: "credit"})
    usage = Product.objects.filter(type=Product.Type.USAGE).order_by("pk").values_list("pk", flat=True)
    start = {"value": 0, "unit": "DAYS"}
    given: dict[str, Any] = {
        "name": plan.name, "contract_name": f"{plan.name} plan", "rate_card_id": str(card_id),
        "aliases": [{"name": plan.alias}], "net_payment_terms_days": 14,
        "subscriptions": [{
            "subscription_rate": {"product_id": str(seat), "billing_frequency": "MONTHLY"},
            "initial_quantity": plan.seats, "collection_schedule": "ADVANCE", "proration": {"is_prorated": True},
        }],
        "recurring_credits": [{
            "product_id": str(credit.pk), "name": "Included usage", "priority": 10, "starting_at_offset": start,
            "commit_duration": {"value": 1}, "applicable_product_ids": [str(one) for one in usage],
            "access_amount": {"unit_price": plan.included, "quantity": 1},
        }],
    }  # fmt: skip
    if plan.price != PLANS[0].price:
        rate = {"rate_type": "FLAT", "price": plan.price}
        aim = {"product_id": str(seat), "billing_frequency": "MONTHLY"}
        given["overrides"] = [
            {"type": "OVERWRITE", "starting_at_offset": start, "override_specifiers": [aim], "overwrite_rate": rate}
        ]
    if plan.trial:
        length = {"value": plan.trial, "unit": "DAYS"}
        given["trial"] = {"length": length, "without_payment_method": "HOLD"}
    body = PackageCreateInput(data=given)
    body.is_valid(raise_exception=True)
    keep_package(body.validated_data, given, now=now)


def _sign(who: tuple[str, str], package: str, starting_at: datetime, now: datetime) -> Contract:
    alias, name = who
    customer = create_customer(name=name, ingest_aliases=(alias,), now=starting_at - ROUND)
    ingest(events=_used(alias, starting_at, now), now=now)
    given = {"customer_id": str(customer.pk), "starting_at": rfc3339(starting_at), "package_alias": package}
    found, terms = of_package(read_terms(CreateInput, given), given)
    return create_contract(**contract_terms(terms), package=found, now=now)


def _used(alias: str, since: datetime, now: datetime) -> list[NewEvent]:
    """What a small team uses: the same for the same times."""
    events, at = [], since
    while at < now:
        for model, tokens in ((SMALL, 160_000), (EMBED, 40_000)):
            kind = "llm.completion" if model == SMALL else "llm.embedding"
            properties = {
                "model": model, "input_tokens": str(tokens), "output_tokens": str(tokens // 4), "project": "workspace",
                "region": "us",
            }  # fmt: skip
            events.append(NewEvent(f"{alias}-{model}-{at:%Y%m%d%H}", alias, kind, at, properties))
        at += 9 * ROUND
    return events
