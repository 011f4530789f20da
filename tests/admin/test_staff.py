"""`manage.py create_staff`, and how the back office writes things."""

from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import CommandError, call_command

from core.admin.export import cell, safe_text
from core.errors import InvalidInput
from core.registry import ROLES, permissions_of
from core.staff import ensure_roles, ensure_staff
from presentation import formatting, markup

USD = SimpleNamespace(name="USD (cents)", code="USD", places=0, minor_digits=2)
EUR = SimpleNamespace(name="EUR", code="EUR", places=2, minor_digits=0)


def create_staff(*args: str) -> str:
    out = StringIO()
    call_command("create_staff", *args, stdout=out)
    return out.getvalue()


def test_groups_are_made_once(db: None) -> None:
    create_staff()
    permissions = Permission.objects.count()
    create_staff()
    assert sorted(Group.objects.values_list("name", flat=True)) == sorted(ROLES)
    assert Permission.objects.count() == permissions


def test_a_group_is_set_right_again(db: None) -> None:
    ensure_roles()
    support = Group.objects.get(name="support")
    support.permissions.set(Permission.objects.filter(codename="void_invoice"))
    ensure_roles()
    names = {
        f"{row.content_type.app_label}.{row.codename}" for row in support.permissions.select_related("content_type")
    }
    assert names == permissions_of("support")


def test_a_new_person_gets_a_password_once(db: None) -> None:
    said = create_staff("maria", "--role", "finance", "--name", "Maria Silva", "--email", "maria@example.com")
    password = said.split()[-1]
    maria = User.objects.get(username="maria")
    assert maria.check_password(password)
    assert (maria.get_full_name(), maria.email, maria.is_staff, maria.is_superuser) == (
        "Maria Silva", "maria@example.com", True, False,
    )  # fmt: skip
    assert create_staff("maria", "--role", "support") == "maria (support) updated\n"
    maria.refresh_from_db()
    assert maria.check_password(password)
    assert [group.name for group in maria.groups.all()] == ["support"]
    assert maria.get_full_name() == "Maria Silva"


def test_a_given_password_is_set(db: None) -> None:
    create_staff("joe", "--role", "owner", "--password", "first-secret")
    create_staff("joe", "--role", "owner", "--password", "second-secret")
    joe = User.objects.get(username="joe")
    assert joe.check_password("second-secret")
    assert joe.is_superuser


def test_an_owner_who_becomes_support_loses_everything_else(db: None) -> None:
    ensure_staff(username="joe", role="owner")
    ensure_staff(username="joe", role="support")
    assert User.objects.get(username="joe").get_all_permissions() == permissions_of("support")


def test_unknown_roles_are_refused(db: None) -> None:
    with pytest.raises(InvalidInput):
        ensure_staff(username="joe", role="king")
    with pytest.raises(CommandError):
        create_staff("joe", "--role", "king")
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        ((2026, 1, 1), (2026, 2, 1), "1\N{EN DASH}31 Jan 2026"),
        ((2026, 1, 15), (2026, 2, 15), "15 Jan \N{EN DASH} 14 Feb 2026"),
        ((2025, 12, 15), (2026, 1, 15), "15 Dec 2025 \N{EN DASH} 14 Jan 2026"),
        ((2026, 1, 1), (2026, 1, 2), "1 Jan 2026"),
        ((2026, 1, 1, 6), (2026, 1, 2, 6), "1 Jan 2026, 06:00 \N{EN DASH} 2 Jan 2026, 06:00"),
    ],
)
def test_periods_are_said_as_people_say_them(start: tuple[int, ...], end: tuple[int, ...], said: str) -> None:
    assert formatting.period(datetime(*start, tzinfo=UTC), datetime(*end, tzinfo=UTC)) == said


@pytest.mark.parametrize(
    ("amount", "unit", "said"),
    [
        ("123456", USD, "1,234.56 USD"),
        ("0.5", USD, "0.005 USD"),
        ("-50", USD, "\N{MINUS SIGN}0.50 USD"),
        ("0.00012345678", USD, "0.000001\N{HORIZONTAL ELLIPSIS} USD"),
        ("1234.5", EUR, "1,234.50 EUR"),
    ],
)
def test_amounts_are_exact_or_say_that_they_are_cut(amount: str, unit: SimpleNamespace, said: str) -> None:
    assert formatting.money_text(Decimal(amount), unit) == said


def test_how_long_ago() -> None:
    now = datetime(2026, 3, 20, 12, tzinfo=UTC)
    ago = {
        seconds: formatting.ago(datetime.fromtimestamp(now.timestamp() - seconds, UTC), now)
        for seconds in (0, 59, 60, 7200, 86400, 172800)
    }
    assert list(ago.values()) == ["0 s ago", "59 s ago", "1 min ago", "2 h ago", "1 day ago", "2 days ago"]
    assert formatting.ago(None, now) == "never"


def test_names_in_cells_are_escaped() -> None:
    assert str(markup.badge("<b>", "ok")) == '<span class="bo-badge bo-ok">&lt;b&gt;</span>'
    assert "&lt;b&gt;" in markup.link("/x", "<b>")


def test_csv_cells() -> None:
    assert cell(Decimal("1E-7")) == "0.0000001"
    assert cell(Decimal(-5)) == "-5"
    assert cell(None) == ""
    assert cell(datetime(2026, 3, 1, tzinfo=UTC)) == "2026-03-01T00:00:00Z"
    assert safe_text("a=b") == "a=b"
