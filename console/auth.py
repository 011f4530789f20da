"""The one door to the console's pages: the Authorization header, and nothing else.

A page in somebody else's frame must not rely on cookies, and a request that carries only cookies must be worth
nothing: that is why these views need no CSRF token (a test asserts that a cookie alone gets a 401).
"""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from csp.constants import NONE
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt

from console.selectors.access import Viewer, embed_origins, find_viewer
from core.api.auth import bearer_token
from core.api.errors import describe
from core.clock import acting_on, now
from core.errors import NotAllowed, NotAuthenticated, TactusError
from core.transactions import reads_snapshot
from customers.test_clocks import clock_of

View = Callable[..., HttpResponse]
logger = logging.getLogger(__name__)


def console_view(*scopes: str) -> Callable[[View], View]:
    """A view of the console: called with a `Viewer` who holds all of `scopes`, its answer never stored by anyone.

    What is only looked at (GET) is read and rendered in one snapshot: its figures agree with each other.
    Refusals leave as a short page of their status; the script in the frame puts them into words beside a retry button.
    """

    def wrap(view: View) -> View:
        looked_at = reads_snapshot(view)

        @csrf_exempt
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            try:
                viewer = _viewer(request, scopes)
                answer = looked_at if request.method in ("GET", "HEAD") else view
                with acting_on(clock_of(viewer.customer_id)):
                    response = answer(request, viewer, *args, **kwargs)
            except TactusError as error:
                response = refusal(request, error)
            except Exception as error:
                known = describe(error)
                if known is None:
                    raise
                logger.warning("console: %s", known.message, exc_info=error)
                response = refusal(request, known)
            response["Cache-Control"] = "private, no-store"
            response["Vary"] = "Authorization, HX-Request"
            return response

        return guarded

    return wrap


def embeddable(response: HttpResponse) -> HttpResponse:
    """Lets pages of the registered origins, and no others, frame this response. X-Frame-Options cannot say that:
    left out.
    """
    origins = embed_origins()
    # django-csp's and Django's own hooks, as their decorators set them
    vars(response).update(_csp_replace={"frame-ancestors": origins or [NONE]}, xframe_options_exempt=True)
    return response


def refusal(request: HttpRequest, error: TactusError) -> HttpResponse:
    """A refusal as a small page of its own."""
    response = render(request, "console/refused.html", {"error": error}, status=error.status)
    if isinstance(error, NotAuthenticated):
        response["WWW-Authenticate"] = "Bearer"
    return response


def _viewer(request: HttpRequest, scopes: tuple[str, ...]) -> Viewer:
    token = bearer_token(request.headers.get("Authorization", ""))
    viewer = find_viewer(token, now=now()) if token else None
    if viewer is None:
        raise NotAuthenticated("This view opens inside the page that embeds it, and its session has ended.")
    if not all(viewer.may(scope) for scope in scopes):
        raise NotAllowed("This session was not given this part.")
    return viewer
