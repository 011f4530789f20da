"""Rate cards and their aliases as the official SDK sees them."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Barrier
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from metronome import BadRequestError, Metronome, NotFoundError

from catalog import services
from catalog.models import CreditType, RateCard, RateCardAlias
from core.clock import now
from core.models import AuditEntry, OutboxEvent
from tests.catalog.shop import USD, Shop, day, eur


def windows(sdk: Metronome, card: str) -> list[tuple[str, datetime | None, datetime | None]]:
    aliases = sdk.v1.contracts.rate_cards.retrieve(id=card).data.aliases
    return [(alias.name, alias.starting_at, alias.ending_before) for alias in aliases]


def test_a_card_comes_back_whole(sdk: Metronome) -> None:
    made = sdk.v1.contracts.rate_cards.create(
        name="Standard",
        description="All of it",
        fiat_credit_type_id=eur(),
        aliases=[{"name": "std", "starting_at": day(0), "ending_before": day(10)}],
        custom_fields={"region": "eu"},
    ).data.id
    card = sdk.v1.contracts.rate_cards.retrieve(id=made).data
    assert (card.id, card.name, card.description) == (made, "Standard", "All of it")
    assert (card.fiat_credit_type.id, card.fiat_credit_type.name) == (eur(), "EUR")
    assert (card.custom_fields, card.credit_type_conversions, card.created_by) == ({"region": "eu"}, [], "test")
    assert windows(sdk, made) == [("std", day(0), day(10))]


def test_the_currency_is_usd_unless_said(sdk: Metronome, shop: Shop) -> None:
    card = sdk.v1.contracts.rate_cards.retrieve(id=shop.card()).data
    assert card.fiat_credit_type.to_dict() == {"id": USD, "name": "USD (cents)"}
    for other in (str(uuid.uuid4()), str(CreditType.objects.create(name="Tokens").pk)):
        with pytest.raises(BadRequestError, match="fiat_credit_type_id: must be the id of a currency"):
            shop.card(fiat_credit_type_id=other)


def test_name_and_description_change_apart(sdk: Metronome, shop: Shop) -> None:
    card = shop.card(name="Old", description="Old words", aliases=[{"name": "kept"}])
    sdk.v1.contracts.rate_cards.update(rate_card_id=card, name="New")
    sdk.v1.contracts.rate_cards.update(rate_card_id=card, description="")
    found = sdk.v1.contracts.rate_cards.retrieve(id=card).data
    assert (found.name, found.description) == ("New", "")
    assert windows(sdk, card) == [("kept", None, None)]


def test_an_alias_moves_to_the_card_it_was_given_last(sdk: Metronome, shop: Shop) -> None:
    old = shop.card(aliases=[{"name": "standard"}, {"name": "other"}])
    new = shop.card(aliases=[{"name": "standard"}])
    assert windows(sdk, old) == [("other", None, None)]
    assert windows(sdk, new) == [("standard", None, None)]
    moved = OutboxEvent.objects.get(name="rate_card.alias_moved_away", subject_id=old)
    assert moved.payload["to_rate_card_id"] == new


@pytest.mark.parametrize(
    ("taken", "left"),
    [
        ((None, None), []),
        ((day(10), None), [(day(0), day(10))]),
        ((None, day(10)), [(day(10), day(30))]),
        ((day(10), day(20)), [(day(0), day(10)), (day(20), day(30))]),
        ((day(0), day(30)), []),
        ((day(-5), day(5)), [(day(5), day(30))]),
        ((day(25), day(35)), [(day(0), day(25))]),
        ((day(30), None), [(day(0), day(30))]),
        ((None, day(0)), [(day(0), day(30))]),
    ],
)
def test_the_older_cards_schedule_gives_way_where_they_overlap(
    sdk: Metronome, shop: Shop, taken: tuple[Any, Any], left: list[tuple[Any, Any]]
) -> None:
    old = shop.card(aliases=[{"name": "std", "starting_at": day(0), "ending_before": day(30)}])
    window = {"starting_at": taken[0], "ending_before": taken[1]}
    new = shop.card()
    alias = {"name": "std"} | {key: value for key, value in window.items() if value}
    sdk.v1.contracts.rate_cards.update(rate_card_id=new, aliases=[alias])
    assert windows(sdk, old) == [("std", *part) for part in left]
    assert windows(sdk, new) == [("std", *taken)]


def test_open_windows_split_around_a_closed_one(sdk: Metronome, shop: Shop) -> None:
    old = shop.card(aliases=[{"name": "std"}])
    shop.card(aliases=[{"name": "std", "starting_at": day(1), "ending_before": day(2)}])
    assert windows(sdk, old) == [("std", None, day(1)), ("std", day(2), None)]


def test_naming_an_alias_again_replaces_its_windows_on_the_card(sdk: Metronome, shop: Shop) -> None:
    card = shop.card(aliases=[{"name": "a"}, {"name": "b"}])
    sdk.v1.contracts.rate_cards.update(
        rate_card_id=card,
        aliases=[{"name": "a", "ending_before": day(5)}, {"name": "a", "starting_at": day(9)}],
    )
    assert sorted(windows(sdk, card), key=str) == [("a", None, day(5)), ("a", day(9), None), ("b", None, None)]


@pytest.mark.parametrize(
    ("aliases", "message"),
    [
        ([{"name": "a", "starting_at": day(2), "ending_before": day(1)}], "aliases.0.ending_before: must be after"),
        ([{"name": "a", "starting_at": day(1), "ending_before": day(1)}], "aliases.0.ending_before: must be after"),
        ([{"name": "a"}, {"name": "b"}, {"name": "a", "starting_at": day(1)}], "aliases.2.name: the same alias"),
    ],
)
def test_aliases_that_cannot_be(shop: Shop, aliases: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(BadRequestError, match=message):
        shop.card(aliases=aliases)
    assert not RateCard.objects.exists()


def test_the_database_itself_refuses_one_alias_for_two_cards(db: None, shop: Shop) -> None:
    cards = [RateCard.objects.get(pk=shop.card()) for _ in range(2)]
    RateCardAlias.objects.create(rate_card=cards[0], name="std", ending_before=day(1))
    RateCardAlias.objects.create(rate_card=cards[1], name="std", starting_at=day(1))
    RateCardAlias.objects.create(rate_card=cards[1], name="Std")
    for start, end in [(None, None), (day(0), day(1)), (day(5), day(6))]:
        with pytest.raises(IntegrityError, match="rate_card_alias_names_one_card"), transaction.atomic():
            RateCardAlias.objects.create(rate_card=cards[0], name="std", starting_at=start, ending_before=end)


@pytest.mark.django_db(transaction=True)
def test_cards_that_claim_one_alias_at_once_never_share_it() -> None:
    cards = [services.create_rate_card(name=f"card {i}", now=now()).pk for i in range(6)]
    together = Barrier(len(cards))

    def claim(number: int) -> None:
        try:
            together.wait(10)
            alias = services.AliasWindow("wanted")
            services.update_rate_card(rate_card_id=cards[number], aliases=[alias], now=now())
        finally:
            connection.close()

    with ThreadPoolExecutor(len(cards)) as pool:
        list(pool.map(claim, range(len(cards))))
    assert RateCardAlias.objects.filter(name="wanted").count() == 1


def test_archived_cards_are_read_but_not_listed_or_changed(sdk: Metronome, shop: Shop) -> None:
    kept, gone = shop.card(), shop.card()
    assert sdk.v1.contracts.rate_cards.archive(id=gone).data.id == gone
    sdk.v1.contracts.rate_cards.archive(id=gone)
    assert sdk.v1.contracts.rate_cards.retrieve(id=gone).data.id == gone
    assert [row.id for row in sdk.v1.contracts.rate_cards.list()] == [kept]
    product = shop.product()
    with pytest.raises(BadRequestError, match="rate_card_id: the rate card is archived"):
        sdk.v1.contracts.rate_cards.update(rate_card_id=gone, name="x")
    with pytest.raises(BadRequestError, match="rate_card_id: the rate card is archived"):
        shop.rate(gone, product, price=1)


def test_unknown_cards_are_a_404(sdk: Metronome) -> None:
    nothing = str(uuid.uuid4())
    cards = sdk.v1.contracts.rate_cards
    for call in (
        lambda: cards.retrieve(id=nothing),
        lambda: cards.update(rate_card_id=nothing, name="x"),
        lambda: cards.archive(id=nothing),
        lambda: cards.rates.list(rate_card_id=nothing, at=day(0)),
        lambda: cards.retrieve_rate_schedule(rate_card_id=nothing, starting_at=day(0)),
    ):
        with pytest.raises(NotFoundError, match=nothing):
            call()


@pytest.mark.parametrize("unit", [str(uuid.UUID(int=1)), USD])
def test_only_custom_units_are_converted(shop: Shop, sdk: Metronome, unit: str) -> None:
    conversion = {"custom_credit_type_id": unit, "fiat_per_custom_credit": 8}
    refusal = r"credit_type_conversions\.0\.custom_credit_type_id: no such custom pricing unit"
    with pytest.raises(BadRequestError, match=refusal):
        shop.card(credit_type_conversions=[conversion])
    with pytest.raises(BadRequestError, match=f"add_{refusal}"):
        sdk.v1.contracts.rate_cards.update(rate_card_id=shop.card(), add_credit_type_conversions=[conversion])


def test_pages_and_their_cost(sdk: Metronome, shop: Shop, django_assert_num_queries) -> None:
    made = [shop.card(aliases=[{"name": f"alias {i}"}]) for i in range(5)]
    with django_assert_num_queries(4):  # key, cards with their currency, aliases, conversions
        page = sdk.v1.contracts.rate_cards.list(limit=3)
    assert [row.id for row in page] == made[::-1]


def test_every_write_is_told(sdk: Metronome, shop: Shop) -> None:
    card = shop.card()
    sdk.v1.contracts.rate_cards.update(rate_card_id=card, name="New")
    shop.rate(card, shop.product(), price="1.50")
    sdk.v1.contracts.rate_cards.archive(id=card)
    names = list(OutboxEvent.objects.filter(subject_id=card).order_by("id").values_list("name", flat=True))
    assert names == ["rate_card.created", "rate_card.updated", "rate_card.rates_added", "rate_card.archived"]
    entries = AuditEntry.objects.filter(subject_id=card).order_by("id")
    verbs = ["rate_card.create", "rate_card.update", "rate_card.add_rates", "rate_card.archive"]
    assert [entry.action for entry in entries] == verbs
    assert entries[2].detail["rates"][0]["price"] == "1.5"


def test_pricing_units_are_listed_by_name_in_pages(sdk: Metronome) -> None:
    found = list(sdk.v1.pricing_units.list(limit=7))
    names = [unit.name for unit in found]
    assert names == sorted(names)
    assert len(names) == 20
    assert {unit.id: unit.name for unit in found}[USD] == "USD (cents)"
    assert all(unit.is_currency for unit in found)
    stored = {unit.code: (unit.places, unit.minor_digits) for unit in CreditType.objects.all()}
    assert stored.pop("USD") == (0, 2)
    assert set(stored.values()) == {(2, 0)}
