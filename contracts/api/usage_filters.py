"""Usage filters on the wire: which usage of its customer a contract bills."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from contracts import services
from contracts.models import UsageFilter
from core.api.fields import IdField, Input, InstantField, TextField
from core.api.output import Output
from core.api.views import ApiView
from core.clock import now

MOST_VALUES = 1000


class UsageFilterInput(Input):
    """Only events whose property `group_key` is one of `group_values` count, from `starting_at` on."""

    group_key = TextField(maximum=200)
    group_values = serializers.ListField(child=TextField(maximum=200), min_length=1, max_length=MOST_VALUES)
    starting_at = InstantField(hour=True)


class SetUsageFilterInput(UsageFilterInput):
    """Of which contract."""

    customer_id = IdField()
    contract_id = IdField()


class UsageFilterOutput(Output):
    """A filter."""

    group_key = serializers.CharField()
    group_values = serializers.ListField(child=serializers.CharField())
    starting_at = InstantField()


class UsageFilterSpanOutput(UsageFilterOutput):
    """A filter, and where the next one begins."""

    ending_before = InstantField(required=False)


class UsageFiltersOutput(Output):
    """The first filter, those that came after it, and the one that holds now, or that comes first."""

    initial = UsageFilterOutput()
    current = UsageFilterOutput()
    updates = UsageFilterOutput(many=True)


class SetUsageFilter(ApiView):
    """POST /v1/contracts/setUsageFilter"""

    resource = "contracts"

    @extend_schema(request=SetUsageFilterInput, responses={200: None}, tags=["Contracts"])
    def post(self, request: Request) -> Response:
        """Have a contract bill only some of its customer's usage from a time on; drafts follow at once."""
        body = self.read_body(request, SetUsageFilterInput)
        services.set_usage_filter(
            contract_id=body["contract_id"], customer_id=body["customer_id"], new=new_filter(body), now=now()
        )
        return Response(None)


def new_filter(body: dict[str, Any]) -> services.NewUsageFilter:
    """A read filter as services take it; a value that stands twice stands once."""
    return services.NewUsageFilter(body["group_key"], tuple(dict.fromkeys(body["group_values"])), body["starting_at"])


def as_v1(rows: Sequence[UsageFilter], at: datetime) -> dict[str, Any] | None:
    """A contract's filters as v1 has them; None for none."""
    if not rows:
        return None
    current = next((row for row in reversed(rows) if row.starting_at <= at), rows[0])
    return {"initial": rows[0], "updates": list(rows[1:]), "current": current}


def as_v2(rows: Sequence[UsageFilter], end: datetime | None) -> list[dict[str, Any]]:
    """A contract's filters as v2 has them."""
    ends = [*(row.starting_at for row in rows[1:]), end][: len(rows)]
    return [
        {
            "group_key": row.group_key, "group_values": row.group_values, "starting_at": row.starting_at,
            "ending_before": ends_at,
        }
        for row, ends_at in zip(rows, ends, strict=True)
    ]  # fmt: skip
