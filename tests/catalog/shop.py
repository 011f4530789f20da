"""Short words for what catalogue tests need over and over."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from metronome import Metronome

USD = "2714e483-4ff1-48e4-9e25-ac732e8f24f2"
START = datetime(2024, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def eur() -> str:
    return str(uuid.uuid5(uuid.UUID(USD), "EUR"))


def day(number: int) -> datetime:
    """Midnight `number` days after the start of 2024."""
    return START + number * DAY


class Shop:
    """Makes metrics, products, cards and rates through the SDK."""

    def __init__(self, sdk: Metronome) -> None:
        self.sdk = sdk

    def metric(self, *groups: list[str], **kwargs: Any) -> str:
        names = sorted({"units", *(name for group in groups for name in group)})
        body = {
            "name": "Units",
            "aggregation_type": "SUM",
            "aggregation_key": "units",
            "property_filters": [{"name": name, "exists": True} for name in names],
            "group_keys": list(groups),
        }
        return self.sdk.v1.billable_metrics.create(**body | kwargs).data.id

    def product(self, metric: str | None = None, **kwargs: Any) -> str:
        body = {"name": "Tokens", "type": "USAGE", "billable_metric_id": metric or self.metric()}
        return self.sdk.v1.contracts.products.create(**body | kwargs).data.id

    def card(self, **kwargs: Any) -> str:
        return self.sdk.v1.contracts.rate_cards.create(**{"name": "Standard"} | kwargs).data.id

    def rate(self, card: str, product: str, start: datetime = START, **kwargs: Any) -> Any:
        body = {"entitled": True, "rate_type": "FLAT", "starting_at": start}
        if "tiers" in kwargs:
            body["rate_type"] = "TIERED"
        added = self.sdk.v1.contracts.rate_cards.rates.add(rate_card_id=card, product_id=product, **body | kwargs)
        return added.data

    def rates(self, card: str, at: datetime, **kwargs: Any) -> list[Any]:
        return list(self.sdk.v1.contracts.rate_cards.rates.list(rate_card_id=card, at=at, **kwargs))

    def schedule(self, card: str, starting_at: datetime, **kwargs: Any) -> list[Any]:
        return self.sdk.v1.contracts.rate_cards.retrieve_rate_schedule(
            rate_card_id=card, starting_at=starting_at, **kwargs
        ).data
