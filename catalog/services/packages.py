"""Writes of packages and their aliases."""

from collections.abc import Sequence
from datetime import datetime
from itertools import combinations
from uuid import UUID

from django.db import IntegrityError

from catalog.events import PackageAliasMovedAway, PackageArchived, PackageCreated
from catalog.package_models import Package, PackageAlias
from catalog.services.rate_cards import AliasWindow
from core import audit
from core.constraints import violated
from core.errors import InvalidInput, NotFound, uniqueness_key_used
from core.events import publish
from core.postgres.locks import advisory_xact_lock
from core.transactions import require_transaction, use_case


def create_package(
    *,
    name: str,
    template: str,
    now: datetime,
    aliases: Sequence[AliasWindow] = (),
    uniqueness_key: str | None = None,
) -> Package:
    """A new package of terms that were checked (contracts.services.rehearse_contract); `template`: exact JSON.

    An alias that another package holds moves here for its window. Raises InvalidInput for aliases that overlap,
    Conflict for a uniqueness key that a package has which is not archived.
    """
    names = tuple(dict.fromkeys(alias.name for alias in aliases))
    try:
        with use_case():
            package = Package.objects.create(
                name=name,
                template=template,
                uniqueness_key=uniqueness_key,
                created_at=now,
                created_by=audit.current_actor().label,
            )
            _assign(package, aliases, names, now)
            publish(PackageCreated(package_id=package.pk, occurred_at=now, package_name=name, aliases=names))
            audit.record("package.create", package, at=now, detail={"name": name, "aliases": list(names)})
    except IntegrityError as error:
        if not violated(error).endswith("_uniqueness_key_once"):
            raise
        raise uniqueness_key_used() from error
    return package


def archive_package(*, package_id: UUID, now: datetime) -> Package:
    """Keeps a package from new contracts and releases its uniqueness key; its contracts go on. Twice changes nothing.

    Raises NotFound.
    """
    with use_case():
        package = Package.objects.select_for_update(no_key=True).filter(pk=package_id).first()
        if package is None:
            raise NotFound(f"no package {package_id}", field="package_id")
        if package.archived_at is None:
            package.archived_at = now
            package.save(update_fields=["archived_at"])
            publish(PackageArchived(package_id=package.pk, occurred_at=now))
            audit.record("package.archive", package, at=now)
    return package


def _assign(package: Package, aliases: Sequence[AliasWindow], names: tuple[str, ...], now: datetime) -> None:
    """The one writer of aliases; `package_alias_names_one_package` proves that each names one package at a time."""
    require_transaction()
    for index, alias in enumerate(aliases):
        if alias.starting_at and alias.ending_before and alias.starting_at >= alias.ending_before:
            raise InvalidInput("must be after starting_at", field=f"aliases.{index}.ending_before")
    for (_, one), (index, other) in combinations(enumerate(aliases), 2):
        if one.name == other.name and one.overlaps(other):
            raise InvalidInput("the same alias stands twice for the same time", field=f"aliases.{index}.name")
    advisory_xact_lock("package_alias", set(names))
    kept: list[PackageAlias] = []
    losers: dict[UUID, Package] = {}
    rows = PackageAlias.objects.select_related("package").filter(name__in=names).order_by("pk")
    for row in rows.select_for_update(of=("self",)):
        window = AliasWindow(row.name, row.starting_at, row.ending_before)
        left = [window]
        for taken in aliases:
            if taken.name == row.name:
                left = [piece for one in left for piece in one.without(taken)]
        if left != [window]:
            losers[row.package_id] = row.package
            row.delete()
            kept += [_row(row.package, piece) for piece in left]
    PackageAlias.objects.bulk_create([*kept, *(_row(package, alias) for alias in aliases)])
    for loser in losers.values():
        moved = PackageAliasMovedAway(package_id=loser.pk, occurred_at=now, to_package_id=package.pk, aliases=names)
        publish(moved)
        detail = {"to_package_id": str(package.pk), "aliases": list(names)}
        audit.record("package.lose_alias", loser, at=now, detail=detail)


def _row(package: Package, alias: AliasWindow) -> PackageAlias:
    return PackageAlias(
        package=package, name=alias.name, starting_at=alias.starting_at, ending_before=alias.ending_before
    )
