"""The base of API views, and health checks."""

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, ClassVar

from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.module_loading import import_string
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView
from structlog.contextvars import get_contextvars

from core.audit import Actor, set_actor
from core.clock import ActingClock, acting_on
from core.models import ApiKey
from core.transactions import snapshot


class ApiView(APIView):
    """A view with a scope. `resource` is the scope's first half; `access = "read"` marks a POST that only reads.

    What only reads is answered from one snapshot (core.transactions): figures on an answer agree with each other
    whatever is committed meanwhile. `own_snapshot`: the service behind the view takes it, because it writes afterwards.
    """

    resource: ClassVar[str] = ""
    access: ClassVar[str | None] = None
    own_snapshot: ClassVar[bool] = False
    in_machine_time: ClassVar[bool] = False
    """Whether it is about what runs out in real time, whoever the customer is (core.clock)."""
    is_bulk: ClassVar[bool] = False
    """Whether large bodies are what it is made for; elsewhere they mark a heavy write (core.api.request_limits)."""
    shares_commits: ClassVar[bool] = False
    """Whether its writes go through a group commit, which itself refuses what is too much: many may wait at once."""

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Ends the snapshot with the answer."""
        with ExitStack() as self._reading:
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if isinstance(request.auth, ApiKey):
            set_actor(
                Actor(
                    api_key_id=request.auth.pk,
                    ip=request.META.get("REMOTE_ADDR") or None,
                    request_id=str(get_contextvars().get("request_id", ""))[:64],
                    user_agent=request.META.get("HTTP_USER_AGENT", "")[:200].replace("\x00", ""),
                    label=request.auth.name,
                    is_limited=request.auth.adjustment_limit is not None,
                )
            )
        self._reading.enter_context(acting_on(self.clock_of(request)))
        if self._only_reads(request):
            if request.method == "POST":
                _ = request.data  # whoever sends it slowly keeps no snapshot open
            self.before_reading(request)
            if not self.own_snapshot:
                self._reading.enter_context(snapshot())

    def clock_of(self, request: Request) -> ActingClock | None:
        """The test clock of the customer whom the request is about: its present, in all that follows."""
        if not settings.TACTUS_TEST_CLOCKS or self.in_machine_time:
            return None
        customer_id = self.customer_of(request)
        return None if customer_id is None else import_string(settings.CLOCK_OF_CUSTOMER)(str(customer_id))

    def customer_of(self, request: Request) -> object:
        """The id of the customer whom the request names, as it is given, right or wrong; None for nobody's business."""
        body = request.data if request.method in ("POST", "PUT", "PATCH") else None
        named = body.get("customer_id") if isinstance(body, Mapping) else None
        return self.kwargs.get("customer_id") or named or request.query_params.get("customer_id")

    def before_reading(self, request: Request) -> None:
        """What has to be written so that the answer is up to date: here, before the snapshot is taken."""

    def _only_reads(self, request: Request) -> bool:
        return request.method in ("GET", "HEAD") or (self.access == "read" and request.method == "POST")

    def read_body(self, request: Request, serializer: type[Serializer[Any]]) -> dict[str, Any]:
        """The validated body. Raises a 400 that names each field at fault."""
        read = serializer(data=request.data)
        read.is_valid(raise_exception=True)
        return dict(read.validated_data)


def data(value: Any, status: int = 200) -> Response:
    """Metronome's success envelope."""
    return Response({"data": value}, status=status)


def listing(rows: list[Any], next_page: str | None) -> Response:
    """A page in the `next_page` styles."""
    return Response({"data": rows, "next_page": next_page})


def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> HttpResponse:
    """The process can work: PostgreSQL answers and the schema is migrated."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM django_migrations LIMIT 1")
    except Error:
        return JsonResponse({"status": "waiting for the database"}, status=503)
    return JsonResponse({"status": "ready"})
