"""Every method of Metronome's SDK that has a route here, once through a whole world, validated strictly.

No answer that the SDK's types do not allow; each field that a route takes is sent, and what was sent is seen again: it
is shown as it was sent, or it changes what is read. What can be neither stands in UNSEEN, with the reason.
"""

from collections.abc import Iterator

import httpx
import pytest
from metronome import Metronome

from tests.api.strict import (
    agreements,
    balances,
    billing,
    custom_fields,
    dated,
    edits,
    filters,
    hierarchies,
    packages,
    thresholds,
)
from tests.api.strict.catalogue import open_shop
from tests.api.strict.tour import METHODS, Tour, supported
from tests.conftest import BASE

pytestmark = pytest.mark.django_db
UNSEEN = {
    "v1.customers.create": {
        f"billing_config.{name}": "kept as the configuration's: tests/scenarios/test_billing_providers.py"
        for name in (
            "aws_customer_account_id",
            "aws_customer_id",
            "aws_is_subscription_product",
            "aws_product_code",
            "aws_region",
            "stripe_collection_method",
        )
    },
    "v1.contracts.create": {"transition.future_invoice_behavior": "no true-up here: tests/scenarios/test_charges.py"},
    "v1.customers.invoices.list": {
        "include_historical_commit_invoices": "there are none yet",
        "webhook_notification_id": "a hint why the caller asks",
    },
    "v1.customers.invoices.list_breakdowns": {"limit": "pages are of time: 35 days, or 24 hours"},
    "v1.usage.list": {"next_page": "pages are of many customers: tests/usage/test_usage_api.py"},
    "v1.dashboards.get_embeddable_url": dict.fromkeys(
        ("dashboard", "color_overrides", "dashboard_options", "bm_group_key_overrides"),
        "what the page looks like: tests/console/test_embed_api.py",
    ),
}
"""By method: fields that no answer shows and that choose nothing, with all that is in them."""


@pytest.fixture
def tour(api_key: str, wsgi: httpx.WSGITransport) -> Iterator[Tour]:
    """Nothing called so far."""
    with httpx.Client(transport=wsgi) as client:
        sdk = Metronome(
            base_url=BASE, bearer_token=api_key, http_client=client, max_retries=0, _strict_response_validation=True
        )
        yield Tour(sdk)


def test_every_method_is_answered_as_its_types_say_and_ignores_nothing(tour: Tour) -> None:
    shop = open_shop(tour)
    whole = agreements.agree(tour, shop, billing.customer(tour))
    agreements.add_by_edit(tour, shop, whole)
    little = agreements.agree_on_little(tour, shop)
    commit, credit = balances.own_balances(tour, shop, little)
    for alias in ("acme-ag", "little"):
        billing.use(tour, shop, alias)
    billing.quantities(tour, shop, little)
    edits.edit_balances(tour, shop, little)
    edits.edit_recurring(tour, whole)
    seats = edits.edit_subscriptions(tour, whole)
    edits.edit_terms(tour, whole)
    edits.edit_own(tour, shop, little, commit, credit)
    balances.entry_by_hand(tour, little, credit)
    balances.entry_of_a_seat(tour, whole)
    balances.read_balances(tour, shop, little, commit, credit)
    balances.seat_balances(tour, whole, seats)
    balances.end_balances(tour, little, commit, credit)
    billing.contracts(tour, shop, little)
    billing.preview(tour, shop, little)
    billing.invoices(tour, whole, shop.unit)
    dated.agree_by_date(tour, shop)
    hierarchies.agree_on_a_hierarchy(tour, shop)
    filters.agree_on_filters(tour, shop)
    packages.agree_on_packages(tour, shop)
    thresholds.agree_on_thresholds(tour, shop)
    custom_fields.keys_and_values(tour, whole.customer)
    custom_fields.log(tour, whole.customer)
    edits.ends_before_final_invoices(tour, whole)
    billing.dashboard(tour, little)
    tour.refuse_strangers()
    assert tour.faults == []
    assert METHODS.keys() - tour.sent.keys() == set(), "methods that have a route, and that nobody called"
    fields = {(name, ".".join(where)) for name in METHODS for where in supported(name)}
    sent, seen = (
        {(name, ".".join(where)) for name, group in places.items() for where in group}
        for places in (tour.sent, tour.seen)
    )
    allowed = {(name, field) for name, field in fields if field.startswith(tuple(UNSEEN.get(name, ())))}
    assert sorted(fields - sent - allowed) == [], "fields that a route takes, and that nobody sent"
    assert sorted(fields - seen - allowed) == [], "fields that were sent, and that nothing shows"
    stale = {(name, field) for name, group in UNSEEN.items() for field in group} - (fields - seen)
    assert sorted(stale) == [], "fields that are shown after all"
