"""Products and their versions as the official SDK sees them."""

import uuid
from datetime import timedelta
from typing import Any

import httpx
import pytest
from metronome import BadRequestError, Metronome, NotFoundError

from core.clock import now
from core.models import AuditEntry, OutboxEvent
from tests.catalog.shop import Shop, day

CONVERSION = {"conversion_factor": 1024, "operation": "DIVIDE", "name": "MB to GB"}
ROUNDING = {"rounding_method": "ROUND_UP", "decimal_places": 2}


def test_a_usage_product_comes_back_whole(sdk: Metronome, shop: Shop) -> None:
    metric = shop.metric(["region", "cloud", "project"])
    product = shop.product(
        metric,
        name="Storage",
        pricing_group_key=["region", "cloud"],
        presentation_group_key=["project"],
        quantity_conversion=CONVERSION,
        quantity_rounding=ROUNDING,
        tags=["infra"],
        custom_fields={"sku": "1"},
        is_refundable=False,
    )
    found = sdk.v1.contracts.products.retrieve(id=product).data
    assert (found.type, found.updates, found.archived_at) == ("USAGE", [], None)
    assert found.custom_fields == {"sku": "1"}
    for state in (found.initial, found.current):
        assert (state.name, state.billable_metric_id, state.tags) == ("Storage", metric, ["infra"])
        assert (state.pricing_group_key, state.presentation_group_key) == (["region", "cloud"], ["project"])
        assert state.quantity_conversion.to_dict() == CONVERSION
        assert state.quantity_rounding.to_dict() == ROUNDING
        assert (state.is_refundable, state.created_by, state.starting_at) == (False, "test", None)


def test_a_fractional_factor_stays_exact(http: httpx.Client, shop: Shop) -> None:
    factor = "0.30000000000000000000000000000004"
    start = f'{{"name": "x", "type": "USAGE", "billable_metric_id": "{shop.metric()}", "quantity_conversion": '
    body = start + f'{{"conversion_factor": {factor}, "operation": "multiply"}}}}'
    answer = http.post(
        "/v1/contract-pricing/products/create",
        content=body,
        headers={"Content-Type": "application/json"},
    )
    read = http.post("/v1/contract-pricing/products/get", json=answer.json()["data"])
    assert f'"conversion_factor":{factor}' in read.text
    assert '"operation":"MULTIPLY"' in read.text


@pytest.mark.parametrize("kind", ["FIXED", "SUBSCRIPTION", "PRO_SERVICE"])
def test_other_types_are_stored_with_name_and_tags(sdk: Metronome, kind: str) -> None:
    product = sdk.v1.contracts.products.create(name="Plan", type=kind, tags=["a"]).data.id
    found = sdk.v1.contracts.products.retrieve(id=product).data
    assert (found.type, found.current.name, found.current.tags) == (kind, "Plan", ["a"])
    assert found.current.pricing_group_key is None


def test_professional_service_is_another_word_for_pro_service(sdk: Metronome) -> None:
    product = sdk.v1.contracts.products.create(name="Help", type="PROFESSIONAL_SERVICE").data.id
    assert sdk.v1.contracts.products.retrieve(id=product).data.type == "PRO_SERVICE"


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"type": "USAGE"}, "billable_metric_id: is needed for a USAGE product"),
        ({"type": "USAGE", "billable_metric_id": str(uuid.uuid4())}, "billable_metric_id: no such billable metric"),
        ({"type": "FIXED", "quantity_rounding": ROUNDING}, "quantity_rounding: does not apply to a FIXED product"),
        ({"type": "FIXED", "pricing_group_key": ["a"]}, "pricing_group_key: does not apply"),
        ({"type": "FIXED", "composite_tags": ["a"]}, "composite_tags: does not apply to a FIXED product"),
        ({"type": "COMPOSITE", "composite_product_ids": [str(uuid.uuid4())]}, "composite_product_ids: no product"),
        ({"type": "COMPOSITE", "exclude_free_usage": True}, "composite_product_ids: a COMPOSITE product needs"),
        ({"type": "FIXED", "tags": ["a", "a"]}, "tags: an entry stands twice"),
        ({"type": "THING"}, "type: must be one of"),
    ],
)
def test_what_does_not_fit_the_type(http: httpx.Client, extra: dict[str, Any], message: str) -> None:
    answer = http.post("/v1/contract-pricing/products/create", json={"name": "x", **extra})
    assert answer.status_code == 400
    assert message in answer.json()["message"]


@pytest.mark.parametrize(
    ("keys", "field"),
    [
        ({"pricing_group_key": ["region"]}, "pricing_group_key"),
        ({"presentation_group_key": ["cloud"]}, "presentation_group_key"),
        ({"pricing_group_key": ["region", "cloud"], "presentation_group_key": ["project"]}, "pricing_group_key"),
        ({"pricing_group_key": ["region"], "presentation_group_key": ["region"]}, "pricing_group_key"),
    ],
)
def test_group_keys_must_be_one_of_the_metrics(shop: Shop, keys: dict[str, Any], field: str) -> None:
    metric = shop.metric(["region", "cloud"], ["project"])
    with pytest.raises(BadRequestError) as refusal:
        shop.product(metric, **keys)
    assert refusal.value.body["message"].startswith(f"{field}: ")
    shop.product(metric, pricing_group_key=["cloud", "region"])
    shop.product(metric, pricing_group_key=["region"], presentation_group_key=["cloud"])
    shop.product(metric, presentation_group_key=["project"])
    shop.product(metric, pricing_group_key=["region", "cloud"], presentation_group_key=["cloud"])


def test_updates_take_effect_in_order_of_time_whatever_the_order_of_adding(sdk: Metronome, shop: Shop) -> None:
    first, second = shop.metric(), shop.metric()
    product = shop.product(first, name="One", tags=["a"])
    update = sdk.v1.contracts.products.update
    future = now().replace(minute=0, second=0, microsecond=0) + timedelta(days=30)

    update(product_id=product, starting_at=future, name="Future")
    update(product_id=product, starting_at=day(20), tags=["b"], quantity_rounding=ROUNDING)
    update(product_id=product, starting_at=day(10), name="Ten", billable_metric_id=second)

    found = sdk.v1.contracts.products.retrieve(id=product).data
    assert (found.initial.name, found.initial.tags, found.initial.billable_metric_id) == ("One", ["a"], first)
    current = found.current
    assert (current.name, current.tags, current.billable_metric_id) == ("Ten", ["b"], second)
    assert current.starting_at == day(20)
    assert current.quantity_rounding.decimal_places == 2
    assert [(u.starting_at, u.name, u.tags, u.billable_metric_id) for u in found.updates] == [
        (day(10), "Ten", None, second),
        (day(20), None, ["b"], None),
        (future, "Future", None, None),
    ]
    assert all(u.created_by == "test" and u.created_at for u in found.updates)


def test_two_updates_of_one_hour_the_later_one_wins(sdk: Metronome, shop: Shop) -> None:
    product = shop.product(name="One")
    for name in ("Two", "Three"):
        sdk.v1.contracts.products.update(product_id=product, starting_at=day(0), name=name)
    assert sdk.v1.contracts.products.retrieve(id=product).data.current.name == "Three"


def test_null_takes_conversion_and_rounding_away(sdk: Metronome, shop: Shop) -> None:
    product = shop.product(quantity_conversion=CONVERSION, quantity_rounding=ROUNDING)
    sdk.v1.contracts.products.update(
        product_id=product, starting_at=day(0), quantity_conversion=None, quantity_rounding=None
    )
    found = sdk.v1.contracts.products.retrieve(id=product).data
    assert found.initial.quantity_conversion.conversion_factor == 1024
    assert (found.current.quantity_conversion, found.current.quantity_rounding) == (None, None)


def test_an_update_must_fit_every_later_state_too(sdk: Metronome, shop: Shop) -> None:
    grouped, plain = shop.metric(["region"]), shop.metric()
    product = shop.product(plain)
    update = sdk.v1.contracts.products.update
    update(product_id=product, starting_at=day(10), billable_metric_id=grouped, pricing_group_key=["region"])
    with pytest.raises(BadRequestError, match="pricing_group_key"):
        update(product_id=product, starting_at=day(20), billable_metric_id=plain)
    with pytest.raises(BadRequestError, match="presentation_group_key"):
        update(product_id=product, starting_at=day(5), presentation_group_key=["region"])
    assert len(sdk.v1.contracts.products.retrieve(id=product).data.updates) == 1


def test_updates_that_cannot_be(sdk: Metronome, shop: Shop) -> None:
    usage, fixed = shop.product(), sdk.v1.contracts.products.create(name="Fee", type="FIXED").data.id
    update = sdk.v1.contracts.products.update
    with pytest.raises(BadRequestError, match="nothing to change"):
        update(product_id=usage, starting_at=day(0))
    with pytest.raises(BadRequestError, match="starting_at: must be on the hour"):
        update(product_id=usage, starting_at="2024-01-01T00:30:00Z", name="x")
    with pytest.raises(BadRequestError, match="billable_metric_id: does not apply to a FIXED product"):
        update(product_id=fixed, starting_at=day(0), billable_metric_id=shop.metric())
    with pytest.raises(NotFoundError):
        update(product_id=str(uuid.uuid4()), starting_at=day(0), name="x")
    update(product_id=fixed, starting_at=day(0), name="Other fee")
    assert sdk.v1.contracts.products.retrieve(id=fixed).data.current.name == "Other fee"


def test_archiving_and_the_list_filter(sdk: Metronome, shop: Shop) -> None:
    kept, gone = shop.product(), shop.product()
    assert sdk.v1.contracts.products.archive(product_id=gone).data.id == gone
    sdk.v1.contracts.products.archive(product_id=gone)
    assert sdk.v1.contracts.products.retrieve(id=gone).data.archived_at is not None

    def ids(**query: Any) -> set[str]:
        return {row.id for row in sdk.v1.contracts.products.list(**query)} & {kept, gone}

    assert ids() == {kept}
    assert ids(archive_filter="NOT_ARCHIVED") == {kept}
    assert ids(archive_filter="ARCHIVED") == {gone}
    assert ids(archive_filter="ALL") == {kept, gone}
    with pytest.raises(BadRequestError, match="archived"):
        sdk.v1.contracts.products.update(product_id=gone, starting_at=day(0), name="x")
    with pytest.raises(NotFoundError):
        sdk.v1.contracts.products.archive(product_id=str(uuid.uuid4()))
    with pytest.raises(NotFoundError):
        sdk.v1.contracts.products.retrieve(id=str(uuid.uuid4()))


def test_pages_and_their_cost(sdk: Metronome, shop: Shop, django_assert_num_queries) -> None:
    made = [shop.product() for _ in range(5)]
    for product in made:
        sdk.v1.contracts.products.update(product_id=product, starting_at=day(1), name="New")
    pages = []
    with django_assert_num_queries(3):  # key, products, versions
        page = sdk.v1.contracts.products.list(limit=2)
    while page.data and len(pages) < 3:
        pages.append([row.id for row in page.data][:2])
        page = page.get_next_page() if page.has_next_page() else page
    assert [row for some in pages for row in some][:5] == made[::-1]


def test_every_write_is_told(sdk: Metronome, shop: Shop) -> None:
    product = shop.product()
    sdk.v1.contracts.products.update(product_id=product, starting_at=day(0), name="New")
    sdk.v1.contracts.products.archive(product_id=product)
    names = list(OutboxEvent.objects.filter(subject_id=product).order_by("id").values_list("name", flat=True))
    assert names == ["product.created", "product.updated", "product.archived"]
    actions = list(AuditEntry.objects.filter(subject_id=product).order_by("id").values_list("action", flat=True))
    assert actions == ["product.create", "product.update", "product.archive"]
