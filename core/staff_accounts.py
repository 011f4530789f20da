"""Accounts of staff: one owner asks, another one carries it out; nobody sets somebody else's password (docs/adr/0022).

What is asked for are `registry.GatedAct`s, which `core.approvals.approve` carries out. Only `deactivate`, which takes
power away, needs nobody else. What the server's shell does stands in `core.staff`.
"""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError

from core import approvals, audit
from core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.models import ApprovalRequest
from core.password_links import want_link
from core.registry import ROLES
from core.staff import OWNER, lock_accounts, role_of
from core.transactions import use_case

MANAGE: Final = "core.manage_staff"
"""The permission to ask for accounts and to decide about them; no group has it, so owners do."""
DETAILS: Final = ("first_name", "last_name", "email")


def ask_new_account(
    *, username: str, first_name: str, last_name: str, email: str, role: str, reason: str, maker_id: int, now: datetime
) -> ApprovalRequest:
    """A request for an account whose owner then gets a link to their first password.

    Raises InvalidInput naming the field, and as `approvals.ask`.
    """
    wanted = {
        "username": username.strip(),
        "first_name": first_name.strip(),
        "last_name": last_name.strip(),
        "email": email.strip(),
        "role": role,
    }
    user = _new_user(wanted)
    name = user.get_full_name()
    return approvals.ask(
        act="user.create", subject=user, title=f"New account {user.username}{f' ({name})' if name else ''}, {role}",
        parameters=wanted, reason=reason, maker_id=maker_id, now=now,
    )  # fmt: skip


def ask_role(*, user_id: int, role: str, reason: str, maker_id: int, now: datetime) -> ApprovalRequest:
    """A request for another role. Raises InvalidInput where it is none or the same, and as `approvals.ask`."""
    user = _active(user_id)
    before = role_of(user)
    _check_role(role)
    if role == before:
        raise InvalidInput("is what they have already", field="role")
    return approvals.ask(
        act="user.change_role", subject=user, title=f"{user.username}: {before or 'no role'} becomes {role}",
        parameters={"role": role, "previous_role": before}, reason=reason, maker_id=maker_id, now=now,
        account_id=user.pk,
    )  # fmt: skip


def ask_details(
    *, user_id: int, first_name: str, last_name: str, email: str, reason: str, maker_id: int, now: datetime
) -> ApprovalRequest:
    """A request for another name or e-mail address. Raises InvalidInput naming the field, and as `approvals.ask`."""
    user = _active(user_id)
    before = {name: getattr(user, name) for name in DETAILS}
    wanted = {"first_name": first_name.strip(), "last_name": last_name.strip(), "email": email.strip()}
    if wanted == before:
        raise InvalidInput("this is what the account says already")
    _set_details(user, wanted)
    changed = " and ".join(
        word
        for word, names in (("name", DETAILS[:2]), ("e-mail", DETAILS[2:]))
        if any(wanted[name] != before[name] for name in names)
    )
    parameters = wanted | {f"previous_{name}": value for name, value in before.items()}
    return approvals.ask(
        act="user.change_details", subject=user, title=f"{user.username}: another {changed}", parameters=parameters,
        reason=reason, maker_id=maker_id, now=now, account_id=user.pk,
    )  # fmt: skip


def ask_reactivation(*, user_id: int, reason: str, maker_id: int, now: datetime) -> ApprovalRequest:
    """A request that somebody may sign in again, with a new password. Raises as `approvals.ask`."""
    user = _found(user_id)
    if user.is_active:
        raise Conflict("the account is active")
    return approvals.ask(
        act="user.reactivate", subject=user, title=f"{user.username} may sign in again",
        parameters={"role": role_of(user)}, reason=reason, maker_id=maker_id, now=now, account_id=user.pk,
    )  # fmt: skip


def ask_link(*, user_id: int, reason: str, maker_id: int, now: datetime) -> ApprovalRequest:
    """A request for a link to a new password, to the account's own address. Raises as `approvals.ask`."""
    user = _active(user_id)
    if not user.email:
        raise InvalidInput("the account has no e-mail address: ask for one first")
    return approvals.ask(
        act="user.send_link", subject=user, title=f"Link to a new password for {user.username}",
        parameters={"email": user.email}, reason=reason, maker_id=maker_id, now=now, account_id=user.pk,
    )  # fmt: skip


def deactivate(*, user_id: int, by_id: int, reason: str, now: datetime) -> User:
    """Nobody signs in with this account any more, and its sessions end with their next request. One owner may alone.

    Raises NotAllowed (also for oneself), NotFound, InvalidInput without a reason, Conflict where it is done or it is
    the last active owner.
    """
    if not reason.strip():
        raise InvalidInput("say why", field="reason")
    with use_case():
        lock_accounts()
        by = User.objects.filter(pk=by_id, is_active=True, is_staff=True).first()
        if by is None or not by.has_perm(MANAGE):
            raise NotAllowed("your role may not do this")
        user = _found(user_id)
        if user == by:
            raise NotAllowed("not your own account: another owner does it")
        if not user.is_active:
            raise Conflict("the account is inactive already")
        if user.is_superuser and not User.objects.filter(is_superuser=True, is_active=True).exclude(pk=user_id):
            raise Conflict("this is the last active owner")
        user.is_active = False
        user.save(update_fields=["is_active"])
        audit.record("user.deactivate", user, at=now, detail={"role": role_of(user)}, reason=reason.strip())
    return user


# --- what a second person's approval carries out (core.approvals.approve) ---------------------------------------------


def make_account(_subject_id: UUID, parameters: dict[str, Any], reason: str, now: datetime) -> User:
    """The account as it was asked for; it has no password until its owner sets one. Raises InvalidInput, NotAllowed."""
    with use_case():
        _begin()
        user = _new_user(parameters)
        user.date_joined = now
        user.set_unusable_password()
        user.save(force_insert=True)
        _give_role(user, parameters["role"])
        approvals.made_account(user)
        audit.record("user.create", user, at=now, detail=_told({"role": parameters["role"]}), reason=reason)
        want_link(user=user, now=now)
    return user


def change_role(subject_id: UUID, parameters: dict[str, Any], reason: str, now: datetime) -> User:
    """Raises Conflict where the role is another one by now."""
    with use_case():
        _begin()
        user = _active(_number(subject_id))
        if role_of(user) != parameters["previous_role"]:
            raise Conflict("the role was changed meanwhile; it has to be asked for again")
        _give_role(user, parameters["role"])
        detail = {"role": parameters["role"], "previous_role": parameters["previous_role"]}
        audit.record("user.change_role", user, at=now, detail=_told(detail), reason=reason)
    return user


def change_details(subject_id: UUID, parameters: dict[str, Any], reason: str, now: datetime) -> User:
    """Raises Conflict where name or e-mail are others by now, InvalidInput."""
    with use_case():
        _begin()
        user = _active(_number(subject_id))
        if any(getattr(user, name) != parameters[f"previous_{name}"] for name in DETAILS):
            raise Conflict("the account was changed meanwhile; it has to be asked for again")
        _set_details(user, parameters)
        user.save(update_fields=DETAILS)
        changed = {name: value for name, value in parameters.items() if name.removeprefix("previous_") in DETAILS}
        audit.record("user.change_details", user, at=now, detail=_told(changed), reason=reason)
    return user


def reactivate(subject_id: UUID, parameters: dict[str, Any], reason: str, now: datetime) -> User:
    """Active again, with the role that was shown; the old password is gone. Raises Conflict."""
    with use_case():
        _begin()
        user = _found(_number(subject_id))
        if user.is_active or role_of(user) != parameters["role"]:
            raise Conflict("the account was changed meanwhile; it has to be asked for again")
        user.is_active = True
        user.set_unusable_password()
        user.save(update_fields=["is_active", "password"])
        audit.record("user.reactivate", user, at=now, detail=_told({"role": parameters["role"]}), reason=reason)
        want_link(user=user, now=now)
    return user


def send_link(subject_id: UUID, parameters: dict[str, Any], reason: str, now: datetime) -> User:
    """Raises Conflict where the account's address is another one by now."""
    with use_case():
        _begin()
        user = _active(_number(subject_id))
        if user.email != parameters["email"]:
            raise Conflict("the address was changed meanwhile; it has to be asked for again")
        audit.record("user.send_link", user, at=now, detail=_told({}), reason=reason)
        want_link(user=user, now=now)
    return user


def _begin() -> None:
    """Only as what a second person approved: whatever calls it."""
    if not approvals.is_approved():
        raise NotAllowed("a second person decides this")
    lock_accounts()


def _told(detail: dict[str, Any]) -> dict[str, Any]:
    """With both people in it: the other one is the actor."""
    return detail | {"asked_by": approvals.asked_by()}


def _number(subject_id: UUID) -> int:
    return audit.number_of(subject_id) or 0


def _found(user_id: int) -> User:
    user = User.objects.filter(pk=user_id, is_staff=True).first()
    if user is None:
        raise NotFound("no such account")
    return user


def _active(user_id: int) -> User:
    user = _found(user_id)
    if not user.is_active:
        raise Conflict("the account is inactive: it has to be made active again first")
    return user


def _new_user(wanted: dict[str, Any]) -> User:
    """Not saved. Raises InvalidInput naming the field."""
    _check_role(wanted["role"])
    user = User(username=wanted["username"], is_staff=True)
    if User.objects.filter(username__iexact=user.username).exists():
        raise InvalidInput("another account has this name", field="username")
    _set_details(user, wanted)
    return user


def _set_details(user: User, wanted: dict[str, Any]) -> None:
    for name in DETAILS:
        setattr(user, name, wanted[name])
    if not user.email:
        raise InvalidInput("is needed: the link to a password goes there", field="email")
    if User.objects.filter(email__iexact=user.email).exclude(pk=user.pk).exists():
        raise InvalidInput("another account has this address", field="email")
    try:
        user.clean_fields(exclude=["password"])
    except ValidationError as error:
        name, texts = next(iter(error.message_dict.items()))
        raise InvalidInput(texts[0], field=name) from error


def _check_role(role: str) -> None:
    if role not in (*ROLES, OWNER):
        raise InvalidInput(f"must be one of {', '.join([*ROLES, OWNER])}", field="role")


def _give_role(user: User, role: str) -> None:
    """Exactly this one: permissions that somebody has besides go."""
    user.is_superuser = role == OWNER
    user.save(update_fields=["is_superuser"])
    user.groups.set(Group.objects.filter(name=role))
    user.user_permissions.clear()
