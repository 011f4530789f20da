"""Reads of what is accruing."""

from billing.selectors.drafts import draft_views, period_rows
from billing.selectors.live_balances import BalanceFilter, balances_now, net_balance, pending_draws, priced_product_tags
from billing.selectors.previews import preview_invoices
from billing.selectors.what_if import Repriced, reprice_drafts
from billing.selectors.with_balance import DraftWithBalance, WithBalance, drafts_with_balance

__all__ = [
    "BalanceFilter",
    "DraftWithBalance",
    "Repriced",
    "WithBalance",
    "balances_now",
    "draft_views",
    "drafts_with_balance",
    "net_balance",
    "pending_draws",
    "period_rows",
    "preview_invoices",
    "priced_product_tags",
    "reprice_drafts",
]
