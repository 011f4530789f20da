"""Bearer keys and scopes for Django REST framework."""

from typing import TYPE_CHECKING, Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from core.api.errors import KEY_NEEDED
from core.clock import now
from core.errors import NotAllowed, NotAuthenticated
from core.keys import find_live_key
from core.models import ApiKey

if TYPE_CHECKING:
    from rest_framework.views import APIView


def bearer_token(header: str) -> str | None:
    """The token of an `Authorization: Bearer …` header value."""
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


class ApiKeyAuthentication(BaseAuthentication):
    """Authenticates by API key. The caller becomes `request.user` and `request.auth`, an `ApiKey`."""

    def authenticate(self, request: Request) -> tuple[ApiKey, ApiKey] | None:
        token = bearer_token(request.META.get("HTTP_AUTHORIZATION", ""))
        if token is None:
            return None
        # ApiMiddleware may have looked it up already, for an idempotency key.
        key = getattr(request, "api_key", None) or find_live_key(token, now=now())
        if key is None:
            raise NotAuthenticated("the API key is unknown, revoked or expired")
        return key, key

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class HasScope(BasePermission):
    """The view names its `resource`.

    Safe methods and views with `access = "read"` need the scope `resource:read`, others `resource:write`.
    """

    def has_permission(self, request: Request, view: "APIView") -> bool:
        key: Any = request.auth
        if not isinstance(key, ApiKey):
            raise NotAuthenticated(KEY_NEEDED)
        if "*" in key.scopes:
            return True
        access = getattr(view, "access", None) or ("read" if request.method in ("GET", "HEAD", "OPTIONS") else "write")
        needed = f"{getattr(view, 'resource', '')}:{access}"
        # What may be written may be read.
        if needed in key.scopes or (access == "read" and needed.replace(":read", ":write") in key.scopes):
            return True
        raise NotAllowed(f"this API key lacks the scope {needed}")
