"""Draft totals for staff lists: refreshed in small batches, oldest first, never on a final invoice."""

from datetime import timedelta
from decimal import Decimal

import pytest

from billing.models import BillingPeriod
from billing.services import draft_totals
from billing.services.draft_totals import refresh_draft_totals
from invoices.models import InvoiceListing
from tests.admin.world import World, bring_up_to_date, sign_up


def test_drafts_get_their_total_and_when(world: World) -> None:
    assert refresh_draft_totals(now=world.now) == 1
    draft = world.draft
    assert (draft.draft_total, draft.draft_total_at) == (Decimal(125), world.now)
    assert not BillingPeriod.objects.filter(state="CLOSED", draft_total_at__isnull=False).exists()


def test_fresh_totals_are_left_alone(world: World) -> None:
    refresh_draft_totals(now=world.now)
    assert refresh_draft_totals(now=world.now + timedelta(minutes=9)) == 0
    assert refresh_draft_totals(now=world.now + timedelta(minutes=10)) == 1


def test_batches_take_the_oldest_first(world: World) -> None:
    for n in range(3):
        sign_up(world.card, f"More {n}", world.now.replace(day=1, hour=0, minute=0))
    bring_up_to_date(world.now)
    assert refresh_draft_totals(now=world.now, limit=3) == 3
    assert InvoiceListing.objects.filter(status="DRAFT", draft_total_at__isnull=True).count() == 1
    assert refresh_draft_totals(now=world.now, limit=3) == 1
    assert refresh_draft_totals(now=world.now, limit=3) == 0


def test_a_draft_that_cannot_be_composed_holds_nobody_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    sign_up(world.card, "Other", world.now.replace(day=1, hour=0, minute=0))
    bring_up_to_date(world.now)
    broken, compute = world.draft.pk, draft_totals.compute_invoice

    def fails_for_one(row: BillingPeriod, **kwargs: object) -> object:
        if row.pk == broken:
            raise KeyError("rate")
        return compute(row, **kwargs)

    monkeypatch.setattr(draft_totals, "compute_invoice", fails_for_one)
    assert refresh_draft_totals(now=world.now) == 2
    totals = dict(InvoiceListing.objects.filter(status="DRAFT").values_list("pk", "draft_total"))
    assert totals.pop(broken) is None
    assert list(totals.values()) == [Decimal(0)]
    assert refresh_draft_totals(now=world.now) == 0
