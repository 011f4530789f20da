"""Reads about customers."""

from collections.abc import Collection
from uuid import UUID

from django.db.models import QuerySet

from core.errors import InvalidInput, NotFound
from core.postgres.snapshot_cache import Changes
from customers.models import Customer, IngestAlias


def customer_changes(customer_id: UUID) -> Changes:
    """What is noted of a customer: aliases, contracts, subscriptions, overrides, balances and invoices that changed."""
    return Changes("customers_change", "customer_id = %s", (customer_id,))


def get_customer(*, customer_id: UUID, field: str | None = None) -> Customer:
    """The customer, archived or not, with its aliases. Raises NotFound, naming `field` if given."""
    found = list_customers(archived=None).filter(pk=customer_id).first()
    if found is None:
        raise NotFound(f"no customer {customer_id}", field=field)
    return found


def require_customer(*, customer_id: UUID, field: str | None = None) -> None:
    """Raises NotFound, naming `field` if given, unless there is such a customer, archived or not. One small query."""
    if not Customer.objects.filter(pk=customer_id).exists():
        raise NotFound(f"no customer {customer_id}", field=field)


def get_active_customer(*, customer_id: UUID, field: str | None = None) -> Customer:
    """The customer if it may still be given something. Raises NotFound, or InvalidInput for an archived one."""
    found = get_customer(customer_id=customer_id, field=field)
    if found.archived_at is not None:
        raise InvalidInput("the customer is archived", field=field)
    return found


def named_customer_id(*, customer_id: UUID | None, ingest_alias: str | None) -> UUID:
    """The id of the customer whom a request names by its id or by an ingest alias, exactly one of the two.

    An id is not looked up. Raises InvalidInput for both or neither, NotFound for an alias of nobody.
    """
    if (customer_id is None) is (ingest_alias is None):
        raise InvalidInput("give either customer_id or ingest_alias", field="customer_id")
    if customer_id is not None:
        return customer_id
    found = IngestAlias.objects.filter(alias=ingest_alias).values_list("customer_id", flat=True).first()
    if found is None:
        raise NotFound("no customer has this alias", field="ingest_alias")
    return found


def list_customers(
    *,
    archived: bool | None = False,
    customer_ids: Collection[UUID] | None = None,
    ingest_alias: str | None = None,
    salesforce_account_ids: Collection[str] | None = None,
) -> QuerySet[Customer]:
    """Customers with their aliases (two queries): active ones, archived ones, or all for `archived=None`."""
    rows = Customer.objects.prefetch_related("aliases")
    if archived is not None:
        rows = rows.filter(archived_at__isnull=not archived)
    if customer_ids is not None:
        rows = rows.filter(pk__in=customer_ids)
    if ingest_alias is not None:
        rows = rows.filter(aliases__alias=ingest_alias)
    if salesforce_account_ids is not None:
        rows = rows.filter(salesforce_account_id__in=salesforce_account_ids)
    return rows


def ids_by_ingest_name(*, names: Collection[str]) -> dict[str, UUID]:
    """Whose events arrive under each of `names`, an id or an alias, byte for byte; names of nobody are left out.

    Two queries.
    """
    found = dict(IngestAlias.objects.filter(alias__in=names).values_list("alias", "customer_id"))
    ids = [UUID(name) for name in names if _is_plain_id(name)]
    found.update((str(pk), pk) for pk in Customer.objects.filter(pk__in=ids).values_list("pk", flat=True))
    return found


def _is_plain_id(name: str) -> bool:
    """Whether the name is spelled as ids are, so that it can be one."""
    try:
        return str(UUID(name)) == name
    except ValueError:
        return False
