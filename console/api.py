"""Starting, exchanging and ending embedded views."""

from typing import Any
from uuid import UUID

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from console import services
from console.options import COLORS, DASHBOARDS, HEX, IGNORED_COLORS, theme_of
from core.api.auth import bearer_token
from core.api.fields import IdField, Input, InstantField, TextField, parse_flag, parse_id
from core.api.views import ApiView, data
from core.clock import now
from core.errors import InvalidInput, NotAuthenticated
from customers.selectors import named_customer_id

STATUSES = ("VOID", "FINALIZED", "DRAFT", "FINALIZED_AND_DRAFT", "ALL")
OPTION_KEYS = (
    "show_zero_usage_line_items",
    "contract_id",
    "invoice_type",
    "invoice_status_filter",
    "hide_voided_invoices",
    "billable_status_filter",
    "hide_grant_name",
    "credit_ledger_credit_type_id",
)
START_PAGES = {
    "invoices": "/invoices", "usage": "/usage", "commits_and_credits": "/credits", "credits": "/credits",
}  # fmt: skip


class ColorInput(Input):
    """A colour of the dashboard to override."""

    name = TextField(maximum=40, required=False, allow_null=True)
    value = TextField(maximum=9, required=False, allow_null=True)

    def validate_name(self, name: str | None) -> str | None:
        if name is not None and name not in COLORS and name not in IGNORED_COLORS:
            raise serializers.ValidationError("is not a colour that can be overridden")
        return name

    def validate_value(self, value: str | None) -> str | None:
        if value is not None and not HEX.match(value):
            raise serializers.ValidationError("must be a hex colour like #14624a")
        return value


class OptionInput(Input):
    """An option of the dashboard."""

    key = TextField(maximum=60)
    value = TextField(maximum=200)


class GroupInput(Input):
    """What the host calls a group key and its values."""

    group_key_name = TextField()
    display_name = TextField(required=False, allow_null=True)
    value_display_names = serializers.DictField(required=False, allow_null=True)


class EmbeddableUrlInput(Input):
    """Which dashboard, of whom, and how it should look."""

    customer_id = IdField()
    dashboard = serializers.ChoiceField(sorted(DASHBOARDS))
    dashboard_options = serializers.ListField(child=OptionInput(), required=False, allow_null=True, max_length=50)
    color_overrides = serializers.ListField(child=ColorInput(), required=False, allow_null=True, max_length=50)
    bm_group_key_overrides = serializers.ListField(child=GroupInput(), required=False, allow_null=True, max_length=100)


class EndUserInput(Input):
    """Who looks, for the audit trail."""

    id = TextField(required=False, allow_null=True)
    name = TextField(required=False, allow_null=True)
    email = TextField(required=False, allow_null=True)


class SessionInput(Input):
    """Whose console (by id or ingest alias), in which origin, with which scopes."""

    customer_id = IdField(required=False, allow_null=True)
    ingest_alias = TextField(maximum=128, required=False, allow_null=True, help_text="Instead of customer_id.")
    origin = TextField(maximum=255, required=False, allow_null=True)
    scopes = serializers.ListField(child=TextField(maximum=40), required=False, allow_null=True, max_length=20)
    end_user = EndUserInput(required=False, allow_null=True)


class ExchangeInput(Input):
    """A code, or an embeddable URL's token."""

    code = TextField(maximum=200, required=False, allow_null=True)
    token = TextField(maximum=200, required=False, allow_null=True)
    parent_origin = TextField(maximum=255, minimum=0, required=False, allow_null=True)


class RevokeInput(Input):
    """One session, or all of a customer (by id or ingest alias)."""

    session_id = IdField(required=False, allow_null=True)
    customer_id = IdField(required=False, allow_null=True)
    ingest_alias = TextField(maximum=128, required=False, allow_null=True, help_text="Instead of customer_id.")


class UrlOutput(serializers.Serializer[Any]):
    """An embeddable URL."""

    url = serializers.CharField()


class UrlEnvelope(serializers.Serializer[Any]):
    """`{"data": {"url"}}`."""

    data = UrlOutput()  # type: ignore[assignment]


class SessionOutput(serializers.Serializer[Any]):
    """A session and its single-use code."""

    session_id = IdField()
    code = serializers.CharField()
    expires_at = InstantField()


class SessionEnvelope(serializers.Serializer[Any]):
    """`{"data": {"code", …}}`."""

    data = SessionOutput()  # type: ignore[assignment]


class AccessOutput(serializers.Serializer[Any]):
    """An access token, and what the page needs to begin."""

    access_token = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="seconds")
    renewable = serializers.BooleanField()
    start = serializers.CharField()
    theme = serializers.DictField(child=serializers.CharField())


class AccessEnvelope(serializers.Serializer[Any]):
    """`{"data": {"access_token", …}}`."""

    data = AccessOutput()  # type: ignore[assignment]


class RevokedOutput(serializers.Serializer[Any]):
    """How many sessions were ended."""

    revoked = serializers.IntegerField()


class RevokedEnvelope(serializers.Serializer[Any]):
    """`{"data": {"revoked"}}`."""

    data = RevokedOutput()  # type: ignore[assignment]


class GetEmbeddableUrl(ApiView):
    """POST /v1/dashboards/getEmbeddableUrl: a page for an iframe, good for one hour; its token stands in the
    fragment.
    """

    resource, in_machine_time = "embed", True

    @extend_schema(
        request=EmbeddableUrlInput, responses=UrlEnvelope, operation_id="embeddableDashboard-v1", tags=["Dashboards"]
    )
    def post(self, request: Request) -> Response:
        body = self.read_body(request, EmbeddableUrlInput)
        dashboard = body["dashboard"]
        _, token = services.create_url_session(
            customer_id=body["customer_id"],
            api_key_id=request.auth.pk,
            scopes=DASHBOARDS[dashboard],
            options={
                "start": START_PAGES.get(dashboard, "/overview"),
                "theme": theme_of(
                    entry for entry in body.get("color_overrides") or () if entry.get("name") and entry.get("value")
                ),
                "groups": [read_group(entry) for entry in body.get("bm_group_key_overrides") or ()],
                "invoices": read_options(body.get("dashboard_options") or ()),
            },
            now=now(),
        )
        return data({"url": f"{settings.TACTUS_PUBLIC_URL}/console/embed#token={token}"})


class CreateEmbedSession(ApiView):
    """POST /tactus/v1/embed/sessions: a single-use code (60 s) that the host's page hands to the console's loader."""

    resource, in_machine_time = "embed", True

    @extend_schema(request=SessionInput, responses=SessionEnvelope, tags=["Console"])
    def post(self, request: Request) -> Response:
        body = self.read_body(request, SessionInput)
        session, code = services.create_embed_session(
            customer_id=named_customer(body),
            api_key_id=request.auth.pk,
            origin=body.get("origin") or "",
            scopes=body.get("scopes") or services.SCOPES,
            end_user={name: value for name, value in (body.get("end_user") or {}).items() if value},
            now=now(),
        )
        return data({"session_id": session.pk, "code": code, "expires_at": session.start_expires_at})


class RevokeSessions(ApiView):
    """POST /tactus/v1/embed/revoke: ends one session, or every session of a customer, at once."""

    resource, in_machine_time = "embed", True

    @extend_schema(request=RevokeInput, responses=RevokedEnvelope, tags=["Console"])
    def post(self, request: Request) -> Response:
        body = self.read_body(request, RevokeInput)
        is_named = body.get("customer_id") is not None or body.get("ingest_alias") is not None
        customer_id = named_customer(body) if is_named else None
        revoked = services.revoke_sessions(session_id=body.get("session_id"), customer_id=customer_id, now=now())
        return data({"revoked": revoked})


class PublicView(ApiView):
    """Called by the console's own page: no API key and, above all, no cookie; what it presents is its only
    authority.
    """

    in_machine_time = True
    authentication_classes = ()
    permission_classes = ()


class Exchange(PublicView):
    """POST /tactus/v1/embed/exchange: a code, or the token of an embeddable URL, for an access token of 15 minutes."""

    @extend_schema(request=ExchangeInput, responses=AccessEnvelope, auth=[], tags=["Console"])
    def post(self, request: Request) -> Response:
        body = self.read_body(request, ExchangeInput)
        access = services.exchange(
            secret=body.get("code") or body.get("token") or "", parent_origin=body.get("parent_origin") or "", now=now()
        )
        return data(present(access))


class Renew(PublicView):
    """POST /tactus/v1/embed/renew with the access token: another one, while the hour of its URL lasts."""

    @extend_schema(request=None, responses=AccessEnvelope, auth=[], tags=["Console"])
    def post(self, request: Request) -> Response:
        return data(present(services.renew_access(token=presented(request), now=now())))


class End(PublicView):
    """POST /tactus/v1/embed/end with the access token: the page is going away."""

    @extend_schema(request=None, responses={204: None}, auth=[], tags=["Console"])
    def post(self, request: Request) -> Response:
        services.end_access(token=presented(request), now=now())
        return Response(status=204)


def named_customer(body: dict[str, Any]) -> UUID:
    """The id of the customer that this body names. Raises InvalidInput for both names or neither, NotFound."""
    return named_customer_id(customer_id=body.get("customer_id"), ingest_alias=body.get("ingest_alias"))


def presented(request: Request) -> str:
    """The bearer token of this request. Raises NotAuthenticated."""
    token = bearer_token(request.META.get("HTTP_AUTHORIZATION", ""))
    if token is None:
        raise NotAuthenticated("an access token is needed: Authorization: Bearer <token>")
    return token


def present(access: services.Access) -> dict[str, Any]:
    """An access token on the wire, with what the page needs to begin."""
    options = access.session.options
    return {
        "access_token": access.token,
        "expires_in": access.seconds,
        "renewable": access.renewable,
        "start": options.get("start") or "/overview",
        "theme": options.get("theme", {}),
    }


def read_group(entry: dict[str, Any]) -> dict[str, Any]:
    """One `bm_group_key_overrides` entry. Raises InvalidInput."""
    values = entry.get("value_display_names") or {}
    if len(values) > 500 or not all(isinstance(name, str) and len(name) <= 200 for name in values.values()):
        raise InvalidInput("must hold at most 500 names of at most 200 characters", field="value_display_names")
    return {"key": entry["group_key_name"], "name": entry.get("display_name") or "", "values": values}


def read_options(entries: Any) -> dict[str, Any]:
    """`dashboard_options` as one dict of what the invoice list heeds. Raises InvalidInput naming the option."""
    found: dict[str, Any] = {}
    for entry in entries:
        key, value = entry["key"], entry["value"]
        if key not in OPTION_KEYS:
            raise InvalidInput(f"{key} is not an option", field="dashboard_options")
        try:
            found[key] = _read_option(key, value)
        except ValueError as error:
            raise InvalidInput(f"{key} {error}", field="dashboard_options") from error
    return {key: value for key, value in found.items() if value is not None}


def _read_option(key: str, value: str) -> Any:
    if key in ("show_zero_usage_line_items", "hide_voided_invoices", "hide_grant_name"):
        return parse_flag(value)
    if key in ("contract_id", "credit_ledger_credit_type_id"):
        return str(parse_id(value))
    if key == "invoice_type":
        return _word(value, ("USAGE", "SCHEDULED"))
    return _word(value, STATUSES) if key == "invoice_status_filter" else None


def _word(value: str, words: tuple[str, ...]) -> str:
    if value.upper() not in words:
        raise ValueError(f"must be one of {', '.join(words)}")
    return value.upper()
