"""What holds for the whole API, whichever view answers: body size, JSON errors, idempotency keys, the audit actor."""

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, UnreadablePostError

from core import idempotency
from core.api.auth import bearer_token
from core.api.errors import NO_SUCH_ROUTE, describe, json_error, message
from core.audit import Actor, reset_actor, set_actor
from core.clock import now
from core.errors import TactusError, TooLarge
from core.keys import find_live_key

API_PREFIXES = ("/v1/", "/v2/", "/tactus/")
_REPLACED = {404: NO_SUCH_ROUTE, 405: "method not allowed", 400: "bad request", 500: "internal error"}


class ApiMiddleware:
    """Stands around the API's routes only; other pages pass through untouched."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(API_PREFIXES):
            return self.get_response(request)
        try:
            response = self._answer(request)
        except TactusError as error:
            response = json_error(error)
        except (RequestDataTooBig, UnreadablePostError) as error:
            response = json_error(describe(error) or TactusError("the body could not be read"))
        if response.status_code in _REPLACED and not response.get("Content-Type", "").startswith("application/"):
            response = message(response.status_code, _REPLACED[response.status_code])
        response.setdefault("Cache-Control", "no-store")
        return response

    def _answer(self, request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not length.isdigit() or int(length) > settings.TACTUS_MAX_BODY_BYTES:
            raise TooLarge(f"the body is larger than {settings.TACTUS_MAX_BODY_BYTES} bytes")
        actor = set_actor(Actor(ip=request.META.get("REMOTE_ADDR") or None))
        try:
            key = request.headers.get("Idempotency-Key")
            if request.method != "POST" or key is None:
                return self.get_response(request)
            return self._once(request, key)
        finally:
            reset_actor(actor)

    def _once(self, request: HttpRequest, key: str) -> HttpResponse:
        token = bearer_token(request.headers.get("Authorization", ""))
        api_key = find_live_key(token, now=now()) if token else None
        if api_key is None:  # the view says 401
            return self.get_response(request)
        request.api_key = api_key  # type: ignore[attr-defined]
        digest = idempotency.request_hash(request.method or "", request.get_full_path(), request.body)
        claim = idempotency.begin(api_key=api_key, key=key, digest=digest, now=now())
        if isinstance(claim, idempotency.StoredAnswer):
            response = HttpResponse(claim.body, status=claim.status, content_type=claim.content_type)
            response["Idempotent-Replayed"] = "true"
            return response
        idempotency.set_current(claim)
        try:
            response = self.get_response(request)
        finally:
            idempotency.set_current(None)
        if response.status_code in (401, 403, 429, 503):
            idempotency.abandon(claim)
        else:
            content_type = response.get("Content-Type", "application/json")
            idempotency.finish(claim, idempotency.StoredAnswer(response.status_code, content_type, response.content))
        return response
