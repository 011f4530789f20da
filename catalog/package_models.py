"""Packages: contracts that are agreed on the same terms by many, with relative dates."""

import uuid

from django.db import models
from django.db.models import F, Q


class Package(models.Model):
    """Terms of contracts yet to be made. They never change (a trigger in catalog/sql proves it): archive, make anew."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200)
    # a contract's body as it was asked for, dates as offsets, each part with an id: exact JSON (core.exact_json.dumps)
    template = models.TextField(editable=False)
    uniqueness_key = models.CharField(max_length=128, null=True, blank=True)  # noqa: DJ001 - NULLs do not collide
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=160, default="")
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["uniqueness_key"], condition=Q(archived_at__isnull=True), name="package_uniqueness_key_once"
            )
        ]

    def __str__(self) -> str:
        return self.name


class PackageAlias(models.Model):
    """A name that points at one package at a time, by schedule (an exclusion constraint in catalog/sql proves it)."""

    id = models.BigAutoField(primary_key=True)
    package = models.ForeignKey(Package, on_delete=models.PROTECT, related_name="aliases")
    name = models.CharField(max_length=128, db_index=True)
    starting_at = models.DateTimeField(null=True)
    ending_before = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "package aliases"
        ordering = [F("starting_at").asc(nulls_first=True), "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(starting_at__isnull=True)
                | Q(ending_before__isnull=True)
                | Q(starting_at__lt=F("ending_before")),
                name="package_alias_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return self.name
