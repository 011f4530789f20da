"""What holds for the whole API, whichever view answers: body size, JSON errors, idempotency keys, the audit actor."""

import logging
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse, UnreadablePostError

from core import idempotency
from core.api.auth import bearer_token
from core.api.errors import NO_SUCH_ROUTE, describe, json_error, message, note
from core.audit import Actor, reset_actor, set_actor
from core.clock import now
from core.errors import InvalidInput, TactusError, TooLarge
from core.keys import find_live_key

logger = logging.getLogger(__name__)
Answer = HttpResponse | StreamingHttpResponse
API_PREFIXES = ("/v1/", "/v2/", "/tactus/")
_REPLACED = {404: NO_SUCH_ROUTE, 405: "method not allowed", 400: "bad request", 500: "internal error"}


class ApiMiddleware:
    """Stands around the API's routes only; other pages pass through untouched."""

    def __init__(self, get_response: Callable[[HttpRequest], Answer]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Answer:
        if not request.path_info.startswith(API_PREFIXES):
            return self.get_response(request)
        response: Answer
        try:
            response = self._answer(request)
        except (TactusError, RequestDataTooBig, UnreadablePostError, OperationalError, InterfaceError) as error:
            refusal = describe(error)
            note(error, refusal)
            response = json_error(refusal or TactusError("the request could not be read"))
        if response.status_code in _REPLACED and not response.get("Content-Type", "").startswith("application/"):
            response = message(response.status_code, _REPLACED[response.status_code])
        response.setdefault("Cache-Control", "no-store")
        return response

    def _answer(self, request: HttpRequest) -> Answer:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not (length.isascii() and length.isdecimal()):
            raise InvalidInput("is not a number of bytes", field="Content-Length")
        if len(length) > 15 or int(length) > settings.TACTUS_MAX_BODY_BYTES:
            raise TooLarge(f"the body is larger than {settings.TACTUS_MAX_BODY_BYTES} bytes")
        # The view names the API key later; whatever it sets ends with this.
        actor = set_actor(Actor(ip=request.META.get("REMOTE_ADDR") or None))
        try:
            key = request.headers.get("Idempotency-Key")
            if request.method != "POST" or key is None:
                return self.get_response(request)
            return self._once(request, key)
        finally:
            reset_actor(actor)

    def _once(self, request: HttpRequest, key: str) -> Answer:
        token = bearer_token(request.headers.get("Authorization", ""))
        api_key = find_live_key(token, now=now()) if token else None
        if api_key is None:  # the view says 401
            return self.get_response(request)
        request.api_key = api_key  # type: ignore[attr-defined]
        digest = idempotency.request_hash(request.method or "", request.get_full_path(), request.body)
        claim = idempotency.begin(api_key=api_key, key=key, digest=digest, now=now())
        if isinstance(claim, idempotency.StoredAnswer):
            return _replayed(claim)
        idempotency.set_current(claim)
        try:
            response = self.get_response(request)
        finally:
            idempotency.set_current(None)
        return _kept(claim, response)


def _kept(claim: idempotency.Claim, response: Answer) -> HttpResponse:
    """The answer, stored for repetitions unless it invites to try again."""
    if isinstance(response, StreamingHttpResponse):
        response = HttpResponse(b"".join(response), status=response.status_code, headers=response.headers)
    try:
        if response.status_code in (401, 403) or response.has_header("Retry-After"):
            idempotency.abandon(claim)
        else:
            content_type = response.get("Content-Type", "application/json")
            idempotency.finish(claim, idempotency.StoredAnswer(response.status_code, content_type, response.content))
    except (OperationalError, InterfaceError):
        # What was done is done, and the caller gets to know it; a repetition is told that it was carried out.
        logger.exception("the answer to an Idempotency-Key could not be stored")
    return response


def _replayed(answer: idempotency.StoredAnswer) -> HttpResponse:
    headers = {"Idempotent-Replayed": "true"}
    if answer.status >= 400:  # asking again gets the same
        headers["x-should-retry"] = "false"
    return HttpResponse(answer.body, status=answer.status, content_type=answer.content_type, headers=headers)
