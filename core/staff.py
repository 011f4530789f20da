"""Who may do what in the back office: two groups as data, owners as superusers. See reliability.md 4.3.

Groups get Django's `view_…` permissions and those below, which Django does not make by itself because they are no
permissions to edit a table: each stands for one act that calls one service.
"""

from dataclasses import dataclass

from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType

from core.errors import InvalidInput
from core.transactions import require_transaction, use_case

ACTS: dict[str, str] = {
    "customers.rename_customer": "Can rename a customer",
    "customers.edit_aliases": "Can change a customer's ingest aliases",
    "customers.archive_customer": "Can archive a customer",
    "customers.view_as_customer": "Can open a customer's console, read-only",
    "catalog.add_rates": "Can add rates to a rate card",
    "contracts.change_end": "Can change a contract's end date",
    "contracts.archive_contract": "Can archive a contract",
    "invoices.void_invoice": "Can void an invoice",
    "invoices.regenerate_invoice": "Can regenerate a void invoice",
    "invoices.view_revenue": "Can see revenue over all customers",
    "balances.request_adjustment": "Can adjust balances and grant credits, within a limit alone",
    "balances.approve_adjustment": "Can decide on what others ask to adjust",
    "core.create_apikey": "Can create an API key",
    "core.revoke_apikey": "Can revoke an API key",
    "console.edit_origins": "Can change which origins may embed the console",
    "console.revoke_session": "Can revoke a console session",
}
_MODEL = {
    "customers": "customer",
    "catalog": "ratecard",
    "contracts": "contract",
    "invoices": "invoice",
    "balances": "adjustment",
    "core": "apikey",
    "console": "embedsession",
}

_DESK = (
    "customers.view_customer",
    "customers.view_ingestalias",
    "customers.rename_customer",
    "customers.edit_aliases",
    "customers.view_as_customer",
    "contracts.view_contract",
    "invoices.view_invoice",
    "invoices.view_invoiceline",
    "catalog.view_product",
    "catalog.view_ratecard",
    "catalog.view_billablemetric",
    "catalog.view_credittype",
    "usage.view_usageevent",
    "balances.view_balance",
    "balances.view_adjustment",
    "balances.request_adjustment",
)
ROLES: dict[str, tuple[str, ...]] = {
    "support": (*_DESK, "core.view_event"),
    "finance": (
        *_DESK,
        "customers.archive_customer",
        "catalog.add_rates",
        "contracts.change_end",
        "contracts.archive_contract",
        "invoices.void_invoice",
        "invoices.regenerate_invoice",
        "invoices.view_revenue",
        "balances.approve_adjustment",
        "balances.view_ledgercheck",
        "core.view_apikey",
        "core.view_event",
        "core.view_auditentry",
        "console.view_embedorigin",
        "console.view_embedsession",
    ),
}
OWNER = "owner"


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
    """Makes the permissions and the groups be what this module says. Doing it again changes nothing."""
    with use_case():
        _write_roles()


def ensure_staff(
    *, username: str, role: str, password: str | None = None, full_name: str = "", email: str = ""
) -> StaffChange:
    """A member of staff with exactly this role: `finance`, `support` or `owner` (may do everything).

    Without a password an existing one stays; a new person then cannot sign in. Raises InvalidInput for an unknown role.
    """
    if role != OWNER and role not in ROLES:
        raise InvalidInput(f"must be one of {', '.join([*ROLES, OWNER])}", field="role")
    with use_case():
        _write_roles()
        user, created = User.objects.get_or_create(username=username)
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
    return StaffChange(username, role, created)


def _write_roles() -> None:
    require_transaction()
    for name, title in ACTS.items():
        app, codename = name.split(".")
        kind = ContentType.objects.get_by_natural_key(app, _MODEL[app])
        Permission.objects.get_or_create(content_type=kind, codename=codename, defaults={"name": title})
    known = {
        f"{row.content_type.app_label}.{row.codename}": row for row in Permission.objects.select_related("content_type")
    }
    for role, names in ROLES.items():
        group, _ = Group.objects.get_or_create(name=role)
        group.permissions.set([known[name] for name in names])
