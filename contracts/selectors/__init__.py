"""Reads of contracts."""

from contracts.selectors.cards import PriceInTime, covers, list_contracts_on_card, shielded_prices
from contracts.selectors.contracts import billing_schedule, find_contract, get_contract, list_contracts
from contracts.selectors.edits import list_edits
from contracts.selectors.overrides import engine_override, engine_overrides, standing_overrides, with_overrides

__all__ = [
    "PriceInTime",
    "billing_schedule",
    "covers",
    "engine_override",
    "engine_overrides",
    "find_contract",
    "get_contract",
    "list_contracts",
    "list_contracts_on_card",
    "list_edits",
    "shielded_prices",
    "standing_overrides",
    "with_overrides",
]
