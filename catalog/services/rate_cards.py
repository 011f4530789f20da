"""Writes of rate cards and their aliases."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import combinations
from typing import Any
from uuid import UUID

from catalog.events import RateCardAliasMovedAway, RateCardArchived, RateCardCreated, RateCardUpdated
from catalog.models import CreditType, CreditTypeConversion, RateCard, RateCardAlias
from core import audit
from core.audit import current_actor
from core.errors import InvalidInput, NotFound
from core.events import publish
from core.postgres.locks import advisory_xact_lock
from core.transactions import require_transaction, use_case
from engine.money import plain

USD = UUID("2714e483-4ff1-48e4-9e25-ac732e8f24f2")


@dataclass(frozen=True, slots=True)
class AliasWindow:
    """An alias over `[starting_at, ending_before)` in UTC, either end open for None."""

    name: str
    starting_at: datetime | None = None
    ending_before: datetime | None = None

    def overlaps(self, other: "AliasWindow") -> bool:
        """Whether both name a card at some instant."""
        return _before(self.starting_at, other.ending_before) and _before(other.starting_at, self.ending_before)

    def without(self, other: "AliasWindow") -> list["AliasWindow"]:
        """What is left of this window once `other` is taken out of it."""
        if not self.overlaps(other):
            return [self]
        left = []
        if other.starting_at is not None and _before(self.starting_at, other.starting_at):
            left.append(AliasWindow(self.name, self.starting_at, other.starting_at))
        if other.ending_before is not None and _before(other.ending_before, self.ending_before):
            left.append(AliasWindow(self.name, other.ending_before, self.ending_before))
        return left


@dataclass(frozen=True, slots=True)
class Conversion:
    """What one unit of a custom credit type costs, in the stored unit of the card's currency (cents for USD)."""

    custom_credit_type_id: UUID
    fiat_per_custom_credit: Decimal


def create_rate_card(
    *,
    name: str,
    description: str = "",
    fiat_credit_type_id: UUID = USD,
    aliases: Sequence[AliasWindow] = (),
    credit_type_conversions: Sequence[Conversion] = (),
    custom_fields: dict[str, str] | None = None,
    now: datetime,
) -> RateCard:
    """A new card in one currency. An alias that another card holds moves here for its window.

    Raises InvalidInput for an unknown currency or aliases that overlap.
    """
    with use_case():
        currency = CreditType.objects.filter(pk=fiat_credit_type_id, archived_at__isnull=True).first()
        if currency is None or not currency.is_currency:
            raise InvalidInput("must be the id of a currency", field="fiat_credit_type_id")
        card = RateCard.objects.create(
            name=name,
            description=description,
            fiat_credit_type=currency,
            custom_fields=custom_fields or {},
            created_at=now,
            created_by=current_actor().label,
        )
        _assign(card, aliases, now)
        _convert(card, credit_type_conversions, "credit_type_conversions")
        event = RateCardCreated(
            rate_card_id=card.pk, occurred_at=now, rate_card_name=name, currency=currency.code,
            aliases=_names(aliases),
        )  # fmt: skip
        publish(event)
        detail = {"name": name, "currency": currency.code, "aliases": _plain_aliases(aliases)}
        audit.record("rate_card.create", card, at=now, detail=detail)
    return card


def update_rate_card(
    *,
    rate_card_id: UUID,
    name: str | None = None,
    description: str | None = None,
    aliases: Sequence[AliasWindow] | None = None,
    add_credit_type_conversions: Sequence[Conversion] = (),
    now: datetime,
) -> RateCard:
    """Changes what is given. An alias that is named gets these windows only, taken from other cards; others stay.

    Existing contracts keep their card. Raises NotFound, and InvalidInput as `create_rate_card` does.
    """
    with use_case():
        card = lock_rate_card(rate_card_id)
        detail: dict[str, Any] = {}
        if name is not None:
            card.name = detail["name"] = name
        if description is not None:
            card.description = detail["description"] = description
        card.save(update_fields=["name", "description"])
        if aliases is not None:
            _assign(card, aliases, now)
            detail["aliases"] = _plain_aliases(aliases)
        if add_credit_type_conversions:
            _convert(card, add_credit_type_conversions, "add_credit_type_conversions")
            detail["credit_type_conversions"] = {
                str(entry.custom_credit_type_id): plain(entry.fiat_per_custom_credit)
                for entry in add_credit_type_conversions
            }
        publish(
            RateCardUpdated(
                rate_card_id=card.pk,
                occurred_at=now,
                rate_card_name=name,
                description=description,
                aliases=None if aliases is None else _names(aliases),
                converted_credit_type_ids=tuple(one.custom_credit_type_id for one in add_credit_type_conversions),
            )
        )
        audit.record("rate_card.update", card, at=now, detail=detail)
    return card


def archive_rate_card(*, rate_card_id: UUID, now: datetime) -> RateCard:
    """Keeps a card from new contracts; existing ones go on. Doing it twice changes nothing. Raises NotFound."""
    with use_case():
        card = lock_rate_card(rate_card_id, even_archived=True)
        if card.archived_at is None:
            card.archived_at = now
            card.save(update_fields=["archived_at"])
            publish(RateCardArchived(rate_card_id=card.pk, occurred_at=now))
            audit.record("rate_card.archive", card, at=now)
    return card


def lock_rate_card(rate_card_id: UUID, *, even_archived: bool = False) -> RateCard:
    """The card, locked for this transaction. Raises NotFound, and InvalidInput for an archived card."""
    require_transaction()
    card = RateCard.objects.select_for_update(no_key=True).filter(pk=rate_card_id).first()
    if card is None:
        raise NotFound(f"no rate card {rate_card_id}", field="rate_card_id")
    if card.archived_at is not None and not even_archived:
        raise InvalidInput("the rate card is archived", field="rate_card_id")
    return card


def _convert(card: RateCard, conversions: Sequence[Conversion], path: str) -> None:
    """The one writer of conversions: they are only added. The caller holds the card's lock."""
    require_transaction()
    units = CreditType.objects.filter(archived_at__isnull=True, is_currency=False).in_bulk(
        [entry.custom_credit_type_id for entry in conversions]
    )
    known = set(card.conversions.values_list("custom_credit_type_id", flat=True))
    for index, entry in enumerate(conversions):
        if entry.custom_credit_type_id not in units:
            raise InvalidInput("no such custom pricing unit", field=f"{path}.{index}.custom_credit_type_id")
        if entry.custom_credit_type_id in known:
            message = "the card converts this unit already; conversions cannot be changed"
            raise InvalidInput(message, field=f"{path}.{index}.custom_credit_type_id")
        known.add(entry.custom_credit_type_id)
    CreditTypeConversion.objects.bulk_create(
        CreditTypeConversion(
            rate_card=card,
            custom_credit_type_id=entry.custom_credit_type_id,
            fiat_per_custom_credit=entry.fiat_per_custom_credit,
        )
        for entry in conversions
    )


def _assign(card: RateCard, aliases: Sequence[AliasWindow], now: datetime) -> None:
    """The one writer of aliases; that each names one card at a time is proven by `rate_card_alias_names_one_card`."""
    require_transaction()
    for index, alias in enumerate(aliases):
        if not _before(alias.starting_at, alias.ending_before):
            raise InvalidInput("must be after starting_at", field=f"aliases.{index}.ending_before")
    for (_, one), (index, other) in combinations(enumerate(aliases), 2):
        if one.name == other.name and one.overlaps(other):
            raise InvalidInput("the same alias stands twice for the same time", field=f"aliases.{index}.name")
    names = {alias.name for alias in aliases}
    advisory_xact_lock("rate_card_alias", names)
    kept: list[RateCardAlias] = []
    losers: dict[UUID, RateCard] = {}
    rows = RateCardAlias.objects.select_related("rate_card").filter(name__in=names).order_by("pk")
    for row in rows.select_for_update(of=("self",)):
        window = AliasWindow(row.name, row.starting_at, row.ending_before)
        pieces = [] if row.rate_card_id == card.pk else _left_of(window, aliases)
        if pieces == [window]:
            continue
        if row.rate_card_id != card.pk:
            losers[row.rate_card_id] = row.rate_card
        row.delete()
        kept += [_row(row.rate_card, piece) for piece in pieces]
    RateCardAlias.objects.bulk_create([*kept, *(_row(card, alias) for alias in aliases)])
    for loser in losers.values():
        publish(
            RateCardAliasMovedAway(
                rate_card_id=loser.pk, occurred_at=now, to_rate_card_id=card.pk, aliases=_names(aliases)
            )
        )
        detail = {"to_rate_card_id": str(card.pk), "aliases": _plain_aliases(aliases)}
        audit.record("rate_card.lose_alias", loser, at=now, detail=detail)


def _left_of(window: AliasWindow, taken: Sequence[AliasWindow]) -> list[AliasWindow]:
    pieces = [window]
    for other in taken:
        if other.name == window.name:
            pieces = [left for piece in pieces for left in piece.without(other)]
    return pieces


def _row(card: RateCard, alias: AliasWindow) -> RateCardAlias:
    return RateCardAlias(
        rate_card=card, name=alias.name, starting_at=alias.starting_at, ending_before=alias.ending_before
    )


def _before(start: datetime | None, end: datetime | None) -> bool:
    """Whether an open or given start lies before an open or given end."""
    return start is None or end is None or start < end


def _plain_aliases(aliases: Sequence[AliasWindow]) -> list[dict[str, str | None]]:
    return [
        {
            "name": alias.name,
            "starting_at": alias.starting_at.isoformat() if alias.starting_at else None,
            "ending_before": alias.ending_before.isoformat() if alias.ending_before else None,
        }
        for alias in aliases
    ]


def _names(aliases: Sequence[AliasWindow]) -> tuple[str, ...]:
    """Each alias once, in their order."""
    return tuple(dict.fromkeys(alias.name for alias in aliases))
