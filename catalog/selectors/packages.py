"""Reads of packages."""

from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from catalog.package_models import Package
from core.errors import InvalidInput, NotFound


def get_package(*, package_id: UUID) -> Package:
    """The package, archived or not, with its aliases. Raises NotFound."""
    package = Package.objects.prefetch_related("aliases").filter(pk=package_id).first()
    if package is None:
        raise NotFound(f"no package {package_id}", field="package_id")
    return package


def list_packages(*, archive_filter: str = "NOT_ARCHIVED") -> QuerySet[Package]:
    """Packages with their aliases: NOT_ARCHIVED, ARCHIVED or ALL."""
    rows = Package.objects.prefetch_related("aliases")
    return rows if archive_filter == "ALL" else rows.filter(archived_at__isnull=archive_filter == "NOT_ARCHIVED")


def package_for(*, package_id: UUID | None, alias: str | None, starting_at: datetime) -> Package:
    """The package that a contract from `starting_at` on is made of, by id or by what the alias names then.

    Raises InvalidInput where there is none, or it is archived.
    """
    if package_id is not None:
        package = Package.objects.filter(pk=package_id).first()
        if package is None:
            raise InvalidInput("no such package", field="package_id")
        if package.archived_at is not None:
            raise InvalidInput("the package is archived", field="package_id")
        return package
    named = Q(aliases__starting_at__isnull=True) | Q(aliases__starting_at__lte=starting_at)
    named &= Q(aliases__ending_before__isnull=True) | Q(aliases__ending_before__gt=starting_at)
    package = Package.objects.filter(named, aliases__name=alias, archived_at__isnull=True).first()
    if package is None:
        raise InvalidInput("names no package when the contract starts", field="package_alias")
    return package
