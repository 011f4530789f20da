"""Overrides through contracts.create and v2.contracts.edit, read back in v1 and v2, and their history."""

from typing import Any

import pytest
from metronome import BadRequestError, ConflictError, Metronome, NotFoundError

from tests.scenarios.world import USD, World

pytestmark = pytest.mark.calendar


@pytest.fixture
def world(sdk: Metronome) -> World:
    return World(sdk)


@pytest.fixture
def setting(world: World) -> tuple[str, str, str]:
    """A customer, a card, and a product on it priced by region, shown by project, tagged `model`."""
    metric = world.metric(groups=[["region", "project"]])
    product = world.product(
        metric, tags=["model", "fast"], pricing_group_key=["region"], presentation_group_key=["project"]
    )
    card = world.card()
    world.rate(card, product, price=100, pricing_group_values={"region": "us"})
    return world.customer(), card, product


def test_every_kind_of_override_is_read_back(world: World, setting: tuple[str, str, str]) -> None:
    customer, card, product = setting
    start, end = world.days_ago(5), world.days_ago(-5)
    specifier = {
        "product_id": product,
        "product_tags": ["model"],
        "pricing_group_values": {"region": "us"},
        "presentation_group_values": {"project": "a"},
        "exclude": [{"product_tags": ["slow"]}],
    }
    overrides: list[dict[str, Any]] = [
        {
            "type": "OVERWRITE",
            "starting_at": start,
            "override_specifiers": [{"product_id": product, "pricing_group_values": {"region": "us"}}],
            "overwrite_rate": {"rate_type": "TIERED", "tiers": [{"size": 5, "price": 1.5}, {"price": 1}]},
        },
        {
            "type": "MULTIPLIER",
            "starting_at": start,
            "ending_before": end,
            "multiplier": 0.8,
            "priority": 1,
            "override_specifiers": [specifier],
        },
        {
            "type": "TIERED",
            "starting_at": start,
            "priority": 2,
            "tiers": [{"size": 10, "multiplier": 0.9}, {"multiplier": 0.5}],
            "applicable_product_tags": ["model"],
        },
        {"starting_at": start, "entitled": False, "product_id": product},
        {
            "type": "MULTIPLIER",
            "starting_at": start,
            "multiplier": 0.1,
            "priority": 3,
            "is_commit_specific": True,
            "target": "COMMIT_RATE",
            "override_specifiers": [{"product_id": product, "any_commit_or_credit_ids": ["some"]}],
        },
    ]
    contract = world.open_contract(customer, card, overrides=overrides, multiplier_override_prioritization="EXPLICIT")
    read = world.sdk.v2.contracts.retrieve(contract_id=contract, customer_id=customer).data
    assert read.multiplier_override_prioritization == "EXPLICIT"
    assert [o.type for o in read.overrides] == ["OVERWRITE", "MULTIPLIER", "TIERED", None, "MULTIPLIER"]
    overwrite, multiplier, tiered, entitlement, specific = read.overrides
    assert overwrite.overwrite_rate.rate_type == "TIERED"
    assert [(t.size, t.price) for t in overwrite.overwrite_rate.tiers] == [(5, 1.5), (None, 1)]
    assert (multiplier.multiplier, multiplier.priority, multiplier.ending_before) == (0.8, 1, end)
    assert multiplier.override_specifiers[0].to_dict() == specifier
    assert [(t.size, t.multiplier) for t in tiered.override_tiers] == [(10, 0.9), (None, 0.5)]
    assert tiered.applicable_product_tags == ["model"]
    assert (entitlement.entitled, entitlement.product.id, entitlement.product.name) == (False, product, "Tokens")
    assert (specific.is_commit_specific, specific.target) == (True, "COMMIT_RATE")
    first = world.sdk.v1.contracts.retrieve(contract_id=contract, customer_id=customer).data
    assert [o.id for o in first.initial.overrides] == [o.id for o in read.overrides]
    assert first.current.overrides[0].rate_type == "TIERED"
    assert [(t.size, t.price) for t in first.current.overrides[0].tiers] == [(5, 1.5), (None, 1)]


def test_an_edit_adds_and_removes_and_is_remembered(world: World, setting: tuple[str, str, str]) -> None:
    customer, card, product = setting
    old = {"type": "MULTIPLIER", "multiplier": 0.5, "product_id": product, "starting_at": world.days_ago(5)}
    contract = world.open_contract(customer, card, overrides=[old])
    ids = {"contract_id": contract, "customer_id": customer}
    edit, get = world.sdk.v2.contracts.edit, world.sdk.v2.contracts.retrieve
    [first] = get(**ids).data.overrides
    made = edit(
        **ids,
        add_overrides=[old | {"multiplier": 0.7}],
        remove_overrides=[{"id": first.id}],
        update_contract_name="Renamed",
        uniqueness_key="once",
    ).data
    assert made.id == contract
    assert made.edit is not None
    [added] = made.edit.add_overrides
    assert (added.multiplier, made.edit.remove_overrides[0].id) == (0.7, first.id)
    read = get(**ids).data
    assert ([o.id for o in read.overrides], read.name) == ([added.id], "Renamed")
    versions = world.sdk.v1.contracts.retrieve(**ids).data
    assert [o.id for o in versions.initial.overrides] == [first.id]
    assert [o.id for o in versions.current.overrides] == [added.id]
    with pytest.raises(ConflictError, match="uniqueness key"):
        edit(**ids, add_overrides=[old], uniqueness_key="once")
    edit(**ids, update_contract_end_date=world.days_ago(-30))
    assert get(**ids).data.ending_before == world.days_ago(-30)
    history = world.sdk.v2.contracts.get_edit_history(**ids).data
    assert history[0].id == made.edit.id
    assert history[0].update_contract_name == "Renamed"
    assert history[0].uniqueness_key == "once"
    assert history[1].update_contract_end_date == world.days_ago(-30)


def test_an_edit_is_all_or_nothing(world: World, setting: tuple[str, str, str]) -> None:
    customer, card, product = setting
    good = {"type": "MULTIPLIER", "multiplier": 0.5, "product_id": product, "starting_at": world.days_ago(5)}
    contract = world.open_contract(customer, card)
    ids = {"contract_id": contract, "customer_id": customer}
    with pytest.raises(BadRequestError, match=r"add_overrides\.1\.product_id"):
        world.sdk.v2.contracts.edit(**ids, update_contract_name="No", add_overrides=[good, good | {"product_id": USD}])
    with pytest.raises(BadRequestError, match=r"remove_overrides\.0\.id"):
        world.sdk.v2.contracts.edit(**ids, add_overrides=[good], remove_overrides=[{"id": USD}])
    with pytest.raises(BadRequestError, match="nothing to change"):
        world.sdk.v2.contracts.edit(**ids)
    with pytest.raises(NotFoundError):
        world.sdk.v2.contracts.edit(contract_id=contract, customer_id=USD, add_overrides=[good])
    read = world.sdk.v2.contracts.retrieve(**ids).data
    assert (read.overrides, read.name) == ([], None)
    assert world.sdk.v2.contracts.get_edit_history(**ids).data == []


MULTIPLIER = {"type": "MULTIPLIER", "multiplier": 0.5}
FLAT = {"rate_type": "FLAT", "price": 1}
OVERWRITE = {"type": "OVERWRITE", "overwrite_rate": FLAT}
ENDING = [{"size": 1, "price": 1}]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (OVERWRITE | {"applicable_product_tags": ["model"]}, "applicable_product_tags"),
        ({"type": "OVERWRITE", "overwrite_rate": FLAT}, "product_id"),
        ({"type": "OVERWRITE", "override_specifiers": [{"product_id": "P"}]}, "overwrite_rate"),
        (
            OVERWRITE | {"override_specifiers": [{"pricing_group_values": {"region": "us"}}]},
            "override_specifiers.0.product_id",
        ),
        (
            {
                "type": "OVERWRITE",
                "overwrite_rate": FLAT,
                "override_specifiers": [{"product_id": "P", "pricing_group_values": {"cloud": "x"}}],
            },
            "override_specifiers.0.pricing_group_values",
        ),
        (
            {
                "type": "OVERWRITE",
                "overwrite_rate": FLAT,
                "override_specifiers": [{"product_id": "P", "presentation_group_values": {"project": "x"}}],
            },
            "override_specifiers.0.presentation_group_values",
        ),
        ({"type": "OVERWRITE", "product_id": "P", "overwrite_rate": {"rate_type": "FLAT"}}, "overwrite_rate.price"),
        (OVERWRITE | {"product_id": "P", "overwrite_rate": {"rate_type": "CUSTOM"}}, "overwrite_rate.rate_type"),
        (
            {"type": "OVERWRITE", "product_id": "P", "overwrite_rate": {"rate_type": "PERCENTAGE", "price": 0.1}},
            "overwrite_rate.rate_type",
        ),
        (
            OVERWRITE | {"product_id": "P", "overwrite_rate": {"rate_type": "TIERED", "tiers": ENDING}},
            "overwrite_rate.tiers",
        ),
        ({"type": "OVERWRITE", "product_id": "P", "overwrite_rate": FLAT | {"credit_type_id": "P"}}, "credit_type_id"),
        (MULTIPLIER | {"override_specifiers": [{"pricing_group_values": {"zone": "x"}}]}, "pricing_group_values"),
        (MULTIPLIER | {"override_specifiers": [{}]}, "override_specifiers"),
        (
            MULTIPLIER | {"override_specifiers": [{"product_id": "P", "billing_frequency": "ANNUAL"}]},
            "billing_frequency",
        ),
        (MULTIPLIER | {"product_id": "P", "override_specifiers": [{"product_tags": ["model"]}]}, "override_specifiers"),
        (MULTIPLIER | {"override_specifiers": [{"product_id": "P", "commit_ids": ["c"]}]}, "override_specifiers"),
        (MULTIPLIER | {"product_id": "P", "target": "COMMIT_RATE"}, "target"),
        (MULTIPLIER | {"multiplier": -1, "product_id": "P"}, "multiplier"),
        ({"type": "MULTIPLIER", "product_id": "P"}, "multiplier"),
        (MULTIPLIER | {"product_id": "P", "priority": 0}, "priority"),
        (MULTIPLIER | {"product_id": "P", "starting_at": "2026-01-01T00:30:00Z"}, "starting_at"),
        (MULTIPLIER | {"product_id": "P", "ending_before": "2020-01-01T00:00:00Z"}, "ending_before"),
        ({"type": "TIERED", "priority": 1, "tiers": [{"multiplier": 1}], "product_id": "P"}, "type"),
        ({"type": "TIERED", "tiers": [{"multiplier": 1}], "product_id": "P"}, "priority"),
        ({"multiplier": 0.5, "product_id": "P"}, "multiplier"),
        ({"product_id": "P"}, "type"),
    ],
)  # fmt: skip
def test_a_malformed_override_is_refused_by_name(
    world: World, setting: tuple[str, str, str], change: dict[str, Any], field: str
) -> None:
    customer, card, product = setting

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: filled(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [filled(inner) for inner in value]
        return product if value == "P" else value

    override = {"starting_at": world.days_ago(5)} | filled(change)
    with pytest.raises(BadRequestError) as refusal:
        world.open_contract(customer, card, overrides=[override])
    message = refusal.value.body["message"]  # type: ignore[index,call-overload]
    assert message.startswith("overrides.0.")
    assert field in message.partition(": ")[0]
    assert list(world.sdk.v1.contracts.list(customer_id=customer)) == []


def test_explicit_priorities(world: World, setting: tuple[str, str, str]) -> None:
    customer, card, product = setting
    one = MULTIPLIER | {"product_id": product, "starting_at": world.days_ago(5), "priority": 1}
    explicit = {"multiplier_override_prioritization": "EXPLICIT"}
    with pytest.raises(BadRequestError, match=r"overrides\.1\.priority"):
        world.open_contract(customer, card, overrides=[one, one | {"multiplier": 0.4}], **explicit)
    without = {key: value for key, value in one.items() if key != "priority"}
    with pytest.raises(BadRequestError, match=r"overrides\.0\.priority"):
        world.open_contract(customer, card, overrides=[without], **explicit)
    later = one | {"starting_at": world.days_ago(1)}
    ended = one | {"ending_before": world.days_ago(1)}
    tagged = MULTIPLIER | {"applicable_product_tags": ["model"], "starting_at": world.days_ago(5), "priority": 1}
    contract = world.open_contract(customer, card, overrides=[ended, later, tagged], **explicit)
    with pytest.raises(BadRequestError, match=r"add_overrides\.0\.priority"):
        world.sdk.v2.contracts.edit(contract_id=contract, customer_id=customer, add_overrides=[later])
