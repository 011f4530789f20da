"""Filters beside the lists: a closed set of choices, each a condition. Anything else in the address changes nothing."""

from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter

from core.clock import now


class ChosenFilter(DropdownFilter):
    """One of `options` (value, title); a subclass says what each value means."""

    options: ClassVar[tuple[tuple[str, str], ...]] = ()

    def lookups(self, request: HttpRequest, model_admin: Any) -> tuple[tuple[str, str], ...]:
        return self.options

    def condition(self, value: str) -> Q:
        """What `value`, one of the options, asks for."""
        return Q(**{self.parameter_name or "": value})

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        value = self.value()
        known = {key for key, _ in self.lookup_choices}
        return queryset.filter(self.condition(value)) if value in known else queryset


class ArchivedFilter(ChosenFilter):
    """For records that are archived rather than deleted."""

    title = "state"
    parameter_name = "state"
    options = (("living", "Not archived"), ("archived", "Archived"))

    def condition(self, value: str) -> Q:
        return Q(archived_at__isnull=value == "living")


class EndedFilter(ChosenFilter):
    """For what lives until it expires or is revoked."""

    title = "state"
    parameter_name = "state"
    options = (("live", "Live"), ("ended", "Ended"))

    def condition(self, value: str) -> Q:
        live = Q(revoked_at__isnull=True) & (Q(expires_at__isnull=True) | Q(expires_at__gt=now()))
        return live if value == "live" else ~live
