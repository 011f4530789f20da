"""Reads of what is accruing."""

from billing.selectors.drafts import draft_views, period_rows
from billing.selectors.live_balances import BalanceFilter, balances_now, net_balance, pending_draws, priced_product_tags
from billing.selectors.previews import preview_invoices
from billing.selectors.what_if import Repriced, reprice_drafts

__all__ = [
    "BalanceFilter",
    "Repriced",
    "balances_now",
    "draft_views",
    "net_balance",
    "pending_draws",
    "period_rows",
    "preview_invoices",
    "priced_product_tags",
    "reprice_drafts",
]
