"""Passwords are set by the owners of the accounts: with a link that is mailed to them once, or with their old one.

That a link is wanted is a row (`PasswordLink`); the link is made when it is sent and stands nowhere. It ends when it is
used, after PASSWORD_RESET_TIMEOUT, and with any change of the account's address or password.
"""

import logging
from datetime import datetime, timedelta
from smtplib import SMTPException
from typing import Final
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlencode, urlsafe_base64_encode

from core import audit
from core.errors import InvalidInput, NotAllowed
from core.jobs import enqueue
from core.models import PasswordLink
from core.staff import SHELL
from core.transactions import require_transaction, use_case

logger = logging.getLogger(__name__)

NO_MAIL: Final = "django.core.mail.backends.dummy.EmailBackend"
AT_ONCE: Final = 5
"""How many mails one turn of the sweep sends: a server that does not answer costs EMAIL_TIMEOUT each."""
GIVE_UP: Final = timedelta(hours=24)


def mail_is_set_up() -> bool:
    """Whether this installation can send mail (EMAIL_URL)."""
    return bool(settings.EMAIL_BACKEND != NO_MAIL)


def want_link(*, user: User, now: datetime) -> None:
    """Has a link sent to the account's address once the use case commits; without mail the server prints one."""
    require_transaction()
    if mail_is_set_up() and user.email:
        PasswordLink.objects.filter(user=user, try_at__isnull=False).update(try_at=None)
        PasswordLink.objects.create(user=user, wanted_at=now, try_at=now)
        enqueue("core.send_password_links")


def newest_link(user: User) -> PasswordLink | None:
    """What became of the link that was wanted last."""
    return PasswordLink.objects.filter(user=user).first()


def send_links(*, now: datetime) -> int:
    """Sweep: sends what is wanted; returns how many. Twice at once sends once; what fails is tried again, for a day."""
    due = PasswordLink.objects.filter(try_at__lte=now).order_by("try_at").values_list("pk", flat=True)
    return sum(_send(key, now) for key in list(due[:AT_ONCE]))


def print_link(*, username: str, now: datetime) -> str:
    """A link for whoever sits at the server. Raises InvalidInput for no such active account."""
    with use_case():
        user = User.objects.filter(username=username, is_active=True, is_staff=True).first()
        if user is None:
            raise InvalidInput(f"no active account {username}", field="username")
        audit.record("user.print_link", user, at=now, detail={"by": SHELL})
    return link_of(user)


def link_of(user: User) -> str:
    """The address under which the owner of the account sets a password. Secret: it stands in no log and no table."""
    page = reverse("admin:set_password", args=[urlsafe_base64_encode(force_bytes(user.pk))])
    # in the query, where logs blank it (billing_site.logs)
    return f"{settings.TACTUS_PUBLIC_URL}{page}?{urlencode({'token': default_token_generator.make_token(user)})}"


def use_link(*, user_id: int, token: str, password: str, now: datetime) -> User:
    """The password of whoever has the link; it is used up. Raises NotAllowed for a bad one, InvalidInput."""
    with use_case():
        user = User.objects.select_for_update().filter(pk=user_id, is_active=True, is_staff=True).first()
        if user is None or not default_token_generator.check_token(user, token):
            raise NotAllowed("this link does not work any more")
        _set_password(user, password)
        audit.record("user.set_password", user, at=now)
    return user


def change_own_password(*, user_id: int, old: str, new: str, now: datetime) -> User:
    """One's own password, with the one before. Raises NotAllowed, InvalidInput naming the field."""
    with use_case():
        user = User.objects.select_for_update().filter(pk=user_id, is_active=True, is_staff=True).first()
        if user is None or not user.check_password(old):
            raise NotAllowed("the old password is another one", field="old_password")
        _set_password(user, new)
        audit.record("user.change_password", user, at=now)
    return user


def _set_password(user: User, password: str) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise InvalidInput(" ".join(error.messages), field="new_password1") from error
    user.set_password(password)
    user.save(update_fields=["password"])


def _send(key: UUID, now: datetime) -> int:
    with use_case():
        row = PasswordLink.objects.select_for_update(skip_locked=True, of=("self",)).select_related("user")
        link = row.filter(pk=key, try_at__lte=now).first()
        if link is None:
            return 0
        user = link.user
        is_over = now >= link.wanted_at + GIVE_UP or not (user.is_active and user.is_staff and user.email)
        link.tries += 1
        # taken: nobody else sends it meanwhile
        link.try_at = None if is_over else now + timedelta(minutes=min(2**link.tries, 60))
        link.save()
    if is_over:
        return 0
    try:
        _mail(user)
    except (SMTPException, OSError) as error:
        # its text may name what was sent
        logger.warning("a link to a password could not be sent and is tried again: %s", type(error).__name__)
        return 0
    with use_case():
        PasswordLink.objects.filter(pk=key).update(sent_at=now, try_at=None)
        audit.record("user.link_sent", user, at=now)
    return 1


def _mail(user: User) -> None:
    context = {
        "user": user,
        "link": link_of(user),
        "hours": settings.PASSWORD_RESET_TIMEOUT // 3600,
        "site": settings.TACTUS_COMPANY_NAME,
    }
    body = render_to_string("mail/password_link.txt", context)
    EmailMessage(f"Your password at {settings.TACTUS_COMPANY_NAME}'s billing", body, to=[user.email]).send()
