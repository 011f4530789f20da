"""What waits on the desk of the owners in the demo: the story's people, who never sign in, and what they ask for."""

from datetime import datetime, timedelta

from django.contrib.auth.models import User

from balances.selectors.adjustments import limit_of
from core import approvals, audit
from core.models import ApprovalRequest
from core.staff import ensure_staff
from core.staff_accounts import ask_new_account, ask_role
from engine.invoice_states import InvoiceStatus
from invoices.models import InvoiceListing

SELLER = "lumen.example"
PEOPLE = (
    ("priya", "Priya Nair", "owner"),
    ("tomas", "Tomas Lind", "owner"),
    ("grace", "Grace Okafor", "finance"),
    ("leo", "Leo Martins", "support"),
)
"""Username, name, role. They have no password: nobody can sign in as one of them."""


def fill_desk(*, now: datetime) -> None:
    """People, an account that two owners made, and three requests that wait. Doing it again changes nothing."""
    for username, name, role in PEOPLE:
        if not User.objects.filter(username=username).exists():
            address = f"{username}@{SELLER}"
            ensure_staff(username=username, role=role, full_name=name, email=address, now=now - timedelta(days=40))
    if ApprovalRequest.objects.exists():
        return
    asking = audit.set_actor(audit.Actor(user_id=User.objects.get(username="priya").pk, label="priya"))
    try:
        _ask(now)
    finally:
        audit.reset_actor(asking)


def _ask(now: datetime) -> None:
    ids = dict(User.objects.values_list("username", "pk"))
    made = ask_new_account(
        username="ines", first_name="Ines", last_name="Moreau", email=f"ines@{SELLER}", role="support",
        reason="Joins the support desk on Monday", maker_id=ids["priya"], now=now - timedelta(days=2, hours=3),
    )  # fmt: skip
    deciding = audit.set_actor(audit.Actor(user_id=ids["tomas"], label="tomas"))
    try:
        approvals.approve(
            request_id=made.pk, decider_id=ids["tomas"], note="Met her on Friday", now=now - timedelta(days=2)
        )
    finally:
        audit.reset_actor(deciding)
    ask_new_account(
        username="sam", first_name="Sam", last_name="Whitfield", email=f"sam@{SELLER}", role="finance",
        reason="Closes the books while Grace is on leave", maker_id=ids["priya"], now=now - timedelta(hours=5),
    )  # fmt: skip
    ask_role(
        user_id=ids["leo"], role="finance", reason="Moves to the finance team this month", maker_id=ids["priya"],
        now=now - timedelta(hours=2),
    )  # fmt: skip
    _ask_void(now - timedelta(hours=1))


def _ask_void(now: datetime) -> None:
    """Finance wants the largest invoice void, which is more than finance may do alone."""
    grace = User.objects.get(username="grace")
    limit = limit_of(grace)
    issued = InvoiceListing.objects.filter(status=InvoiceStatus.FINALIZED, credit_type__code="USD", total__gt=limit)
    invoice = issued.select_related("customer", "contract").order_by("-total").first()
    if invoice is None:
        return
    asking = audit.set_actor(audit.Actor(user_id=grace.pk, label="grace"))
    try:
        approvals.ask(
            act="invoice.void", subject=invoice, title=f"Void invoice: {invoice}", parameters={},
            reason="Sent to the old address; they ask for one to the new company", worth=invoice.total, limit=limit,
            maker_id=grace.pk, now=now,
        )  # fmt: skip
    finally:
        audit.reset_actor(asking)
