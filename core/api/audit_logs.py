"""`/v1/auditLogs`: what was done, by whom, to what, with what was there before."""

import json
from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.fields import InstantField, parse_id, parse_instant, read_query
from core.api.output import PAGING, Output, page_of
from core.api.paging import page_request, paginate
from core.api.views import ApiView, listing
from core.audit import list_entries
from core.errors import InvalidInput
from core.events import titles
from core.models import AuditEntry

NOBODY = UUID(int=0)
"""The id of the system itself: what it does when its time has come."""


class ActorOutput(Output):
    """An API key, a member of staff, or the system itself."""

    id = serializers.CharField()
    name = serializers.CharField()
    email = serializers.CharField(required=False)


class RequestOutput(Output):
    """The request that it was done by; "" for none."""

    id = serializers.CharField()
    ip = serializers.CharField(required=False)
    user_agent = serializers.CharField(required=False)


class AuditLogOutput(Output):
    """An entry. `detail` and `reason` are Tactus's own: what changed, `previous_…` being what was there before."""

    id = serializers.CharField()
    timestamp = InstantField()
    actor = ActorOutput()
    request = RequestOutput()
    resource_type = serializers.CharField()
    resource_id = serializers.CharField()
    action = serializers.CharField()
    status = serializers.CharField()
    description = serializers.CharField()
    detail = serializers.DictField()
    reason = serializers.CharField(required=False)


class AuditLogs(ApiView):
    """GET /v1/auditLogs"""

    resource, in_machine_time = "audit", True

    @extend_schema(
        parameters=[
            *PAGING,
            OpenApiParameter("starting_on", str, description="RFC 3339, included; not with next_page."),
            OpenApiParameter("ending_before", str, description="RFC 3339, excluded; not with next_page."),
            OpenApiParameter("resource_type", str, description="With resource_id."),
            OpenApiParameter("resource_id", str, description="With resource_type."),
            OpenApiParameter("sort", str, enum=["date_asc", "date_desc"], description="date_asc unless given."),
        ],
        responses=page_of(AuditLogOutput),
        tags=["Audit logs"],
    )
    def get(self, request: Request) -> Response:
        """List what was done. `next_page` is null at the end; the same request later begins where you say."""
        query = read_query(
            request,
            starting_on=parse_instant,
            ending_before=parse_instant,
            resource_type=str,
            resource_id=parse_id,
            sort=_sort,
        )
        if (query["resource_type"] is None) is not (query["resource_id"] is None):
            missing = "resource_id" if query["resource_id"] is None else "resource_type"
            raise InvalidInput("resource_type and resource_id are given together", field=missing)
        page = page_request(request)
        for name in ("starting_on", "ending_before"):
            if page.after is not None and query[name] is not None:
                raise InvalidInput("not together with next_page", field=name)
        direction = query.pop("sort") or ""
        rows, next_page = paginate(list_entries(**query), page, order=(f"{direction}at", f"{direction}id"))
        return listing([_present(row) for row in rows], next_page)


def _sort(text: str) -> str:
    """The sign of a sort order. Raises ValueError."""
    try:
        return {"date_asc": "", "date_desc": "-"}[text.lower()]
    except KeyError:
        raise ValueError("must be one of date_asc, date_desc") from None


def _present(row: AuditEntry) -> dict[str, Any]:
    title = titles().get(row.action, row.action)
    told = ", ".join(f"{name}: {_text(value)}" for name, value in row.detail.items())
    request = {"id": row.request_id, "ip": row.ip, "user_agent": row.user_agent or None}
    return AuditLogOutput.of(
        {
            "id": str(row.pk),
            "timestamp": row.at,
            "actor": _actor(row),
            "request": {name: value for name, value in request.items() if value is not None},
            "resource_type": row.subject_type,
            "resource_id": str(row.subject_id),
            "action": row.action,
            "status": "success",
            "description": f"{title} ({told})" if told else title,
            "detail": row.detail,
            **({"reason": row.reason} if row.reason else {}),
        }
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _actor(row: AuditEntry) -> dict[str, str]:
    if row.api_key is not None:
        return {"id": str(row.api_key_id), "name": row.api_key.name}
    if row.user is not None:
        shown = {"id": str(UUID(int=row.user.pk)), "name": row.user.get_full_name() or row.user.get_username()}
        return shown | ({"email": row.user.email} if row.user.email else {})
    return {"id": str(NOBODY), "name": "Tactus"}
