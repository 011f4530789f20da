"""Writes about customers."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError

from core import audit
from core.approvals import counted_as_one
from core.constraints import violated
from core.errors import Conflict, InvalidInput, NotFound
from core.events import publish
from core.named_schedules import detail_of, set_value
from core.transactions import require_transaction, use_case
from customers.events import (
    CustomerAliasesChanged,
    CustomerArchived,
    CustomerConfigChanged,
    CustomerCreated,
    CustomerNamedScheduleUpdated,
    CustomerRenamed,
)
from customers.models import Customer, IngestAlias
from customers.providers import NewProviderConfiguration, add_configurations
from customers.selectors import get_customer
from customers.test_clocks import present_of

MAX_ALIASES = 2000
MAX_NAME = 160


def create_customer(
    *,
    name: str,
    ingest_aliases: Sequence[str] = (),
    custom_fields: dict[str, str] | None = None,
    test_clock_id: UUID | None = None,
    configurations: Callable[[UUID], Sequence[NewProviderConfiguration]] = lambda _customer_id: (),
    now: datetime,
) -> Customer:
    """A new customer; its name is cut at 160 characters. One on a test clock lives in that clock's time, for life.
    `configurations`: its billing provider configurations, given its id.

    Raises InvalidInput for unusable aliases and unknown clocks, Conflict where an alias belongs to another customer,
    archived or not, NotAllowed for a test clock in production.
    """
    if test_clock_id is not None:
        now = present_of(test_clock_id)
    with _alias_conflicts(), use_case():
        customer = Customer.objects.create(
            name=name[:MAX_NAME],
            custom_fields=custom_fields or {},
            test_clock_id=test_clock_id,
            created_at=now,
            updated_at=now,
        )
        _replace_aliases(customer, ingest_aliases)
        detail = {"name": customer.name, "ingest_aliases": list(ingest_aliases)}
        publish(
            CustomerCreated(
                customer_id=customer.pk,
                occurred_at=now,
                customer_name=customer.name,
                ingest_aliases=tuple(ingest_aliases),
            )
        )
        audit.record("customer.create", customer, at=now, detail=detail)
        where = "customer_billing_provider_configurations"
        add_configurations(new=configurations(customer.pk), now=now, where=where)
    return get_customer(customer_id=customer.pk)


def set_name(*, customer_id: UUID, name: str, now: datetime) -> Customer:
    """Renames a customer; the name is cut at 160 characters. Raises NotFound, InvalidInput for an archived one."""
    with use_case():
        customer = _lock(customer_id)
        detail = {"name": name[:MAX_NAME], "previous_name": customer.name}
        event = CustomerRenamed(
            customer_id=customer.pk, occurred_at=now, customer_name=name[:MAX_NAME], previous_name=customer.name
        )
        customer.name, customer.updated_at = event.customer_name, now
        customer.save(update_fields=["name", "updated_at"])
        publish(event)
        audit.record("customer.set_name", customer, at=now, detail=detail)
    return get_customer(customer_id=customer.pk)


def set_ingest_aliases(*, customer_id: UUID, ingest_aliases: Sequence[str], now: datetime) -> None:
    """Replaces the customer's whole set of aliases. Events sent earlier under a new alias count from now on.

    Raises NotFound; InvalidInput for an archived customer or unusable aliases; Conflict where another customer has one.
    """
    with _alias_conflicts(), use_case():
        customer = _lock(customer_id)
        previous = list(customer.aliases.values_list("alias", flat=True))
        if previous != list(ingest_aliases):
            _replace_aliases(customer, ingest_aliases)
            customer.updated_at = now
            customer.save(update_fields=["updated_at"])
            detail = {"ingest_aliases": list(ingest_aliases), "previous_ingest_aliases": previous}
            publish(
                CustomerAliasesChanged(
                    customer_id=customer.pk,
                    occurred_at=now,
                    ingest_aliases=tuple(ingest_aliases),
                    previous_ingest_aliases=tuple(previous),
                )
            )
            audit.record("customer.set_ingest_aliases", customer, at=now, detail=detail)


def update_config(
    *,
    customer_id: UUID,
    now: datetime,
    salesforce_account_id: str | None = None,
    leave_stripe_invoices_in_draft: bool | None = None,
    given: Collection[str] = ("salesforce_account_id",),
) -> None:
    """Sets, or with None clears, what is `given`. Raises NotFound, InvalidInput for an archived customer."""
    with use_case():
        customer = _lock(customer_id)
        before = {
            "salesforce_account_id": customer.salesforce_account_id or None,
            "leave_stripe_invoices_in_draft": customer.leave_stripe_invoices_in_draft,
        }
        if "salesforce_account_id" in given:
            customer.salesforce_account_id = salesforce_account_id or ""
        if "leave_stripe_invoices_in_draft" in given:
            customer.leave_stripe_invoices_in_draft = leave_stripe_invoices_in_draft
        customer.updated_at = now
        customer.save(update_fields=["salesforce_account_id", "leave_stripe_invoices_in_draft", "updated_at"])
        event = CustomerConfigChanged(
            customer_id=customer.pk,
            occurred_at=now,
            salesforce_account_id=customer.salesforce_account_id or None,
            leave_stripe_invoices_in_draft=customer.leave_stripe_invoices_in_draft,
        )
        publish(event)
        changed = {name: getattr(event, name) for name in given}
        previous = {f"previous_{name}": before[name] for name in given}
        audit.record("customer.update_config", customer, at=now, detail=changed | previous)


def archive_customer(*, customer_id: UUID, now: datetime, reason: str = "") -> Customer:
    """Archives a customer for good; its aliases stay taken. Doing it twice changes nothing. Raises NotFound.

    What it ends (contracts, their invoices) reacts to `customer.archived` in the same transaction, and counts as one
    act against the limit of whoever does it: raises NeedsApproval.
    """
    with use_case(), counted_as_one():
        customer = _lock(customer_id, even_archived=True)
        if customer.archived_at is None:
            customer.archived_at = customer.updated_at = now
            customer.save(update_fields=["archived_at", "updated_at"])
            publish(CustomerArchived(customer_id=customer.pk, occurred_at=now))
            audit.record("customer.archive", customer, at=now, reason=reason)
    return customer


def update_named_schedule(*, customer_id: UUID, now: datetime, **change: Any) -> None:
    """Sets a value of a customer's schedule (`core.named_schedules.set_value`). Raises NotFound, InvalidInput."""
    with use_case():
        customer = _lock(customer_id)
        made = set_value(customer.named_schedule_entries, now=now, **change)
        publish(
            CustomerNamedScheduleUpdated(
                customer_id=customer.pk,
                occurred_at=now,
                schedule_name=made.name,
                starting_at=made.starting_at,
                ending_before=made.ending_before,
                value=made.value,
            )
        )
        audit.record("customer.update_named_schedule", customer, at=now, detail=detail_of(made))


def _lock(customer_id: UUID, *, even_archived: bool = False) -> Customer:
    customer = Customer.objects.select_for_update(no_key=True).filter(pk=customer_id).first()
    if customer is None:
        raise NotFound(f"no customer {customer_id}", field="customer_id")
    if customer.archived_at is not None and not even_archived:
        raise InvalidInput("the customer is archived", field="customer_id")
    return customer


def _replace_aliases(customer: Customer, aliases: Sequence[str]) -> None:
    """The one writer of aliases; that each belongs to one customer is proven by `ingest_alias_once`."""
    require_transaction()
    _check_aliases(customer, aliases)
    customer.aliases.all().delete()
    # In the order of the unique index: two requests for the same aliases then wait for each other, never deadlock.
    rows = [IngestAlias(customer=customer, alias=alias, position=i) for i, alias in enumerate(aliases)]
    IngestAlias.objects.bulk_create(sorted(rows, key=lambda row: row.alias.encode()))


def _check_aliases(customer: Customer, aliases: Sequence[str]) -> None:
    if len(aliases) > MAX_ALIASES:
        raise InvalidInput(f"at most {MAX_ALIASES} aliases", field="ingest_aliases")
    if len(set(aliases)) != len(aliases):
        raise InvalidInput("an alias stands twice", field="ingest_aliases")
    ids: set[UUID] = set()
    for alias in aliases:
        try:
            ids.add(UUID(alias))
        except ValueError:
            continue
    if Customer.objects.filter(pk__in=ids - {customer.pk}).exists():
        raise Conflict("an alias is another customer's id", field="ingest_aliases")


@contextmanager
def _alias_conflicts() -> Iterator[None]:
    """Turns the database's refusal of a taken alias into a Conflict."""
    try:
        yield
    except IntegrityError as error:
        if violated(error) != "ingest_alias_once":
            raise
        message = "an alias belongs to another customer, active or archived"
        raise Conflict(message, field="ingest_aliases") from error
