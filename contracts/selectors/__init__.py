"""Reads of contracts."""

from contracts.selectors.cards import PriceInTime, covers, list_contracts_on_card, shielded_prices
from contracts.selectors.contracts import (
    billing_schedule,
    contracts_on_package,
    find_contract,
    get_contract,
    list_contracts,
    payer_of,
)
from contracts.selectors.edits import list_edits
from contracts.selectors.named_schedules import named_schedule_entries
from contracts.selectors.overrides import engine_override, engine_overrides, standing_overrides, with_overrides
from contracts.selectors.rate_schedule import ContractRate, list_contract_rates
from contracts.selectors.subscriptions import get_subscription, subscriptions_of
from contracts.selectors.usage_filters import usage_filter_spans, usage_filters_of

__all__ = [
    "ContractRate",
    "PriceInTime",
    "billing_schedule",
    "contracts_on_package",
    "covers",
    "engine_override",
    "engine_overrides",
    "find_contract",
    "get_contract",
    "get_subscription",
    "list_contract_rates",
    "list_contracts",
    "list_contracts_on_card",
    "list_edits",
    "named_schedule_entries",
    "payer_of",
    "shielded_prices",
    "standing_overrides",
    "subscriptions_of",
    "usage_filter_spans",
    "usage_filters_of",
    "with_overrides",
]
