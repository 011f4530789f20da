"""Who may do what in the back office: two groups as data, owners as superusers.

Groups get Django's `view_…` permissions and those that the apps declare (`core.registry.Permission`), which Django does
not make by itself because they are no permissions to edit a table: each stands for one act that calls one service.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db import connection

from core import audit
from core.errors import InvalidInput
from core.postgres.locks import advisory_xact_lock
from core.registry import ROLES, permissions_of, registrations
from core.transactions import require_transaction, use_case

OWNER = "owner"


SHELL: Final = "the server's shell"
"""Who did what no member of staff did, in the audit trail."""


def role_of(user: User) -> str:
    """The one role of a member of staff as people say it; empty without one."""
    return OWNER if user.is_superuser else ", ".join(sorted(group.name for group in user.groups.all()))


def lock_accounts() -> None:
    """Whoever changes accounts takes turns: who is an owner stays so until the end of the transaction."""
    advisory_xact_lock("staff", ["accounts"])


def roles_of(user: User) -> set[str]:
    """The roles somebody has; an owner has that one besides their groups'."""
    names = set(user.groups.values_list("name", flat=True))
    return names | {OWNER} if user.is_superuser else names


@dataclass(frozen=True, slots=True)
class StaffChange:
    """What `ensure_staff` did."""

    username: str
    role: str
    created: bool


def ensure_roles() -> None:
    """Makes the permissions and the groups be what the apps declare. Doing it again changes nothing."""
    with use_case():
        _write_roles()


def ensure_staff(
    *,
    username: str,
    role: str,
    password: str | None = None,
    full_name: str = "",
    email: str = "",
    now: datetime | None = None,
) -> StaffChange:
    """What the server's shell may do alone: a member of staff with exactly this role (`finance`, `support`, `owner`).

    Everybody else asks (`core.staff_accounts`). Without a password an existing one stays; a new person then cannot
    sign in. `now`: for the audit trail; where nobody says, the database does. Raises InvalidInput for an unknown role.
    """
    if role != OWNER and role not in ROLES:
        raise InvalidInput(f"must be one of {', '.join([*ROLES, OWNER])}", field="role")
    with use_case():
        _write_roles()
        lock_accounts()
        user, created = User.objects.get_or_create(username=username)
        before = "" if created else role_of(user)
        if created and now is not None:
            user.date_joined = now
        user.is_active = user.is_staff = True
        user.is_superuser = role == OWNER
        user.first_name, _, user.last_name = (
            full_name.partition(" ") if full_name else (user.first_name, "", user.last_name)
        )
        user.email = email or user.email
        if password is not None:
            user.set_password(password)
        elif created:
            user.set_unusable_password()
        user.save()
        user.groups.set(Group.objects.filter(name=role))
        detail = {"by": SHELL, "role": role, **({"changed": ["password"]} if password is not None else {})}
        at = now or _time_of_the_database()
        if created:
            audit.record("user.create", user, at=at, detail=detail)
        else:
            more = {"previous_role": before} if before != role else {}
            audit.record("user.change", user, at=at, detail=detail | more)
    return StaffChange(username, role, created)


def _time_of_the_database() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT transaction_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment


def _write_roles() -> None:
    require_transaction()
    for app in registrations():
        for one in app.permissions:
            kind = ContentType.objects.get_by_natural_key(app.label, one.model)
            Permission.objects.get_or_create(content_type=kind, codename=one.codename, defaults={"name": one.title})
    known = {
        f"{row.content_type.app_label}.{row.codename}": row for row in Permission.objects.select_related("content_type")
    }
    for role in ROLES:
        group, _ = Group.objects.get_or_create(name=role)
        group.permissions.set([known[name] for name in permissions_of(role)])
