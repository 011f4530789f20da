"""What holds for every request of the console, before anything else looks at it."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

COOKIELESS = ("/console/", "/tactus/v1/embed/")


class CookielessMiddleware:
    """Takes the cookies off requests to the console: there, no code of ours or of a library can be led by one.

    Stands before the session middleware. Whoever looks is known by the Authorization header alone (`console.auth`).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith(COOKIELESS):
            request.META.pop("HTTP_COOKIE", None)
            request.COOKIES = {}
        return self.get_response(request)
