"""The back office's site: Django's admin in unfold's skin, with our home page, search and pages across apps."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import update_wrapper
from importlib import import_module
from typing import Any, cast
from uuid import UUID

import structlog
from django.apps import apps
from django.conf import settings
from django.contrib.auth.views import PasswordChangeView
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import SimpleTemplateResponse, TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import cached_property
from unfold.sites import UnfoldAdminSite

from backoffice.password_page import LinkView, OwnPasswordForm
from core import audit
from core.clock import ActingClock, acting_clock, acting_on, now
from core.registry import ROLES, permissions_of
from core.transactions import reads_snapshot
from customers.models import Customer
from customers.test_clocks import clock_of

LONGEST_QUERY = 200


class BackOffice(UnfoldAdminSite):
    """Every view of it runs as its member of staff: services record who did it without being told."""

    enable_nav_sidebar = True
    index_title = "Home"

    @cached_property
    def wiring(self) -> Any:
        """`backoffice.pages`, read late: the apps' admin modules register themselves here while they load."""
        return import_module("backoffice.pages")

    @property
    def pages(self) -> dict[str, Callable[[HttpRequest, Any], dict[str, Any]]]:
        """What records' pages show from several apps."""
        contexts: dict[str, Callable[[HttpRequest, Any], dict[str, Any]]] = self.wiring.CONTEXTS
        return contexts

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """What every page knows: besides unfold's, the test clock whose present it shows."""
        clock = acting_clock()
        return {**super().each_context(request), "test_clock": clock}

    @property
    def foretell(self) -> Callable[..., list[str]]:
        """What the confirm page of a gated action says of its worth and of who decides."""
        told: Callable[..., list[str]] = self.wiring.foretell
        return told

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:
        """Django's guard, then the actor of the audit trail, and refusals as pages of this site.

        What is only looked at (GET) is read and rendered in one snapshot, unless a service behind the view takes it.
        """
        looked_at = view if getattr(view, "own_snapshot", False) else reads_snapshot(rendered(view))

        def as_staff(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            token = audit.set_actor(actor_of(request))
            stack = ExitStack()
            try:
                if has_nul(request):  # PostgreSQL would refuse the query
                    return self.refusal(request, 400, "Not understood", "The address contains a NUL character.")
                stack.enter_context(acting_on(clock_of_page(request, kwargs.get("object_id"))))
                answer = looked_at if request.method in ("GET", "HEAD") else view
                return answer(request, *args, **kwargs)
            except PermissionDenied:
                return self.refusal(request, 403, *self.who_may(request))
            except Http404:
                return self.refusal(request, 404, "Not found", "There is nothing at this address, or not any more.")
            finally:
                stack.close()
                audit.reset_actor(token)

        return super().admin_view(update_wrapper(as_staff, view), cacheable)

    @property
    def lists(self) -> dict[str, Any]:
        """The menu's lists of records (core.admin.options)."""
        found: dict[str, Any] = self.wiring.lists()
        return found

    def who_may(self, request: HttpRequest) -> tuple[str, str]:
        """Title and reason of a refusal: which roles may do what this person may not."""
        if request.user.is_superuser:
            return "Not possible here", "No role can do this in the back office."
        permission = self._needed(request)
        if permission is None or request.user.has_perm(permission):
            return "Not for your role", "Ask an owner if you should be able to do this."
        roles = [role for role in ROLES if permission in permissions_of(role)]
        return (
            "Not for your role",
            f"This is for {' and '.join([*roles, 'owners'])}. Ask an owner if you should be able to.",
        )

    def _needed(self, request: HttpRequest) -> str | None:
        """The permission that a page asks for: an action's, or that of the menu's line it belongs to."""
        name = request.resolver_match.url_name if request.resolver_match else None
        for screen in self._registry.values():
            add_form = getattr(screen, "add_form", None)
            if add_form is not None and name == f"{screen.opts.app_label}_{screen.opts.model_name}_add":
                return str(add_form.permission)
            for action in getattr(screen, "record_actions", ()):
                if action.url_name(screen.opts) == name:
                    return str(action.permission)
        if (asked := getattr(getattr(request.resolver_match, "func", None), "permission", None)) is not None:
            return str(asked)
        link = self.wiring.link_at(request.path)
        return link.permission if link else None

    def refusal(self, request: HttpRequest, status: int, title: str, reason: str) -> TemplateResponse:
        """A page that says why not, with the way back."""
        context = {**self.each_context(request), "title": title, "reason": reason}
        return TemplateResponse(request, "admin/back_office/refused.html", context, status=status)

    def get_urls(self) -> list[URLPattern]:
        """Our own pages before the rest: Django's last pattern takes any path.

        Without Django's redirect to records' pages elsewhere: ours have none, and it fails for types without records.
        """
        own = [path(route, self.admin_view(view), name=name) for route, view, name in self.wiring.ROUTES]
        link = path("password/<uidb64>/", LinkView.as_view(extra_context={"site": self}), name="set_password")
        return [link, *own] + [route for route in super().get_urls() if getattr(route, "name", "") != "view_on_site"]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """The home page."""
        request.current_app = self.name
        context = {
            **self.each_context(request),
            "title": self.index_title,
            **self.wiring.home_context(request, now=now()),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/back_office/home.html", context)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """One's own password, through its service; Django's view keeps this session and ends the others."""
        context = {**self.each_context(request), **(extra_context or {})}
        done = reverse(f"{self.name}:password_change_done")
        request.current_app = self.name
        view = PasswordChangeView.as_view(
            form_class=OwnPasswordForm, success_url=done, extra_context=context,
            template_name="registration/password_change_form.html",
        )  # fmt: skip
        return cast("HttpResponse", view(request))

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The command palette (Ctrl+K): what one typed name, id, alias or number means. Nothing is cached."""
        term = request.GET.get("s", "").strip()[:LONGEST_QUERY]
        if not term:
            return HttpResponse()
        template = "results_palette" if "extended" in request.GET else "results_plain"
        context = {"results": self.wiring.find(request, term), "term": term}
        return TemplateResponse(
            request, f"admin/back_office/{template}.html", context, headers={"HX-Trigger": "search"}
        )


def rendered(view: Callable[..., Any]) -> Callable[..., Any]:
    """The view, with its template rendered at once: lists read as they are rendered."""

    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        response = view(request, *args, **kwargs)
        return response.render() if isinstance(response, SimpleTemplateResponse) else response

    return answer


def clock_of_page(request: HttpRequest, object_id: object) -> ActingClock | None:
    """The test clock of the customer whose record's page this is: what it shows and does is of that clock's present."""
    if not settings.TACTUS_TEST_CLOCKS or object_id is None or request.resolver_match is None:
        return None
    app, _, rest = str(request.resolver_match.url_name).partition("_")
    try:
        model = apps.get_model(app, rest.partition("_")[0])
        key = UUID(str(object_id))
    except (LookupError, ValueError):
        return None
    if model is Customer:
        return clock_of(key)
    if not any(field.name == "customer" for field in model._meta.get_fields()):
        return None
    customer_id = model.objects.filter(pk=key).values_list("customer_id", flat=True).first()
    return customer_id and clock_of(customer_id)


def own_snapshot(view: Callable[..., Any]) -> Callable[..., Any]:
    """Marks a view behind which a service takes the snapshot itself, because it writes after reading."""
    vars(view)["own_snapshot"] = True
    return view


def has_nul(request: HttpRequest) -> bool:
    """Whether path or query hold a character that no text in PostgreSQL can."""
    texts = (text for name, values in request.GET.lists() for text in (name, *values))
    return "\x00" in request.path or any("\x00" in text for text in texts)


def actor_of(request: HttpRequest) -> audit.Actor:
    """The member of staff behind this request, as the audit trail names people."""
    return audit.Actor(
        user_id=request.user.pk,
        request_id=str(structlog.contextvars.get_contextvars().get("request_id", "")),
        ip=request.META.get("REMOTE_ADDR") or None,
        user_agent=request.META.get("HTTP_USER_AGENT", "")[:200].replace("\x00", ""),
        label=request.user.get_username(),
    )
