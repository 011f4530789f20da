"""Response policies that depend on the part of the site."""

from collections.abc import Callable

from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.http import HttpRequest, HttpResponse

# The admin skin (django-unfold) runs Alpine expressions and inline styles and cannot do without these two. Nothing else
# may have them.
ADMIN_POLICY = {
    "default-src": [NONE],
    "script-src": [SELF, UNSAFE_EVAL, UNSAFE_INLINE],
    "style-src": [SELF, UNSAFE_INLINE],
    "img-src": [SELF, "data:"],
    "font-src": [SELF],
    "connect-src": [SELF],
    "form-action": [SELF],
    "base-uri": [NONE],
    "object-src": [NONE],
    "frame-ancestors": [NONE],
}


class AdminPolicyMiddleware:
    """Gives /admin/ the looser Content-Security-Policy that its skin needs, and only /admin/."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, with the policy of this part of the site."""
        response = self.get_response(request)
        if request.path.startswith("/admin/") and not hasattr(response, "_csp_config"):
            # The hook that django-csp's own decorators use.
            setattr(response, "_csp_config", ADMIN_POLICY)  # noqa: B010
            response["Cache-Control"] = "no-store"
        return response
