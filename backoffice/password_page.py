"""Setting one's own password: by a link that was mailed, signed in with the old one. Nobody sets somebody else's."""

from typing import Any

import structlog
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.models import User
from django.contrib.auth.views import INTERNAL_RESET_SESSION_TOKEN, PasswordResetConfirmView
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from unfold.forms import AdminOwnPasswordChangeForm
from unfold.widgets import UnfoldAdminPasswordWidget

from core import audit
from core.clock import now
from core.errors import TactusError
from core.password_links import change_own_password, use_link

TEMPLATE = "admin/back_office/set_password.html"


class OwnPasswordForm(AdminOwnPasswordChangeForm):
    """One's own password, through the service."""

    def save(self, commit: bool = True) -> User:
        """Django's view calls it; it has checked the old password and the new one."""
        data = self.cleaned_data
        user = change_own_password(user_id=self.user.pk, old=data["old_password"], new=data["new_password1"], now=now())
        self.user: User = user
        return user


class LinkPasswordForm(SetPasswordForm):
    """A new password, twice."""

    def __init__(self, user: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        for name in ("new_password1", "new_password2"):
            self.fields[name].widget = UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"})


@method_decorator([sensitive_post_parameters(), never_cache], name="dispatch")
class LinkView(PasswordResetConfirmView):
    """What the mailed link leads to. Its token goes from the address into the session before anything is shown."""

    template_name = TEMPLATE
    form_class = LinkPasswordForm
    title = "Set your password"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The token is taken out of the address, so that no history, log or other site gets it."""
        if "token" in request.GET:
            # a session that is over is emptied when its user is looked up: before the token goes in, not after
            _ = request.user.is_authenticated
            request.session[INTERNAL_RESET_SESSION_TOKEN] = request.GET["token"][:200]
            return HttpResponseRedirect(request.path)
        return super().dispatch(request, uidb64=kwargs["uidb64"], token=self.reset_url_token)

    def get_user(self, uidb64: str) -> Any:
        """Only who may sign in."""
        user = super().get_user(uidb64)
        return user if user is not None and user.is_active and user.is_staff else None

    def form_valid(self, form: Any) -> HttpResponse:
        """One service call; nobody is signed in by it."""
        token = self.request.session.pop(INTERNAL_RESET_SESSION_TOKEN, "")
        acting = audit.set_actor(_actor(self.request, form.user))
        try:
            use_link(user_id=form.user.pk, token=token, password=form.cleaned_data["new_password1"], now=now())
        except TactusError as error:
            self.request.session[INTERNAL_RESET_SESSION_TOKEN] = token
            form.add_error(None, error.message.capitalize())
            return self.render_to_response(self.get_context_data(form=form), status=400)
        finally:
            audit.reset_actor(acting)
        context = {**self.site_context(), "title": "Your password is set", "done": True}
        return TemplateResponse(self.request, TEMPLATE, context)

    def form_invalid(self, form: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=400)

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        """A link that does not work any more says so with its status, too."""
        if not context.get("validlink", True):
            kwargs["status"] = 404
            context["title"] = "This link does not work"
        return super().render_to_response({**self.site_context(), **context}, **kwargs)

    def site_context(self) -> dict[str, Any]:
        """What the site's own pages for people who are not signed in get."""
        context: dict[str, Any] = (self.extra_context or {})["site"].each_context(self.request)
        return context


def _actor(request: HttpRequest, user: User) -> audit.Actor:
    return audit.Actor(
        user_id=user.pk,
        request_id=str(structlog.contextvars.get_contextvars().get("request_id", "")),
        ip=request.META.get("REMOTE_ADDR") or None,
        label=user.get_username(),
    )
