"""What invoices ask for instalments: in all, what was agreed."""

from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.calendar import Frequency
from engine.document import CountedLine, document_view
from engine.money import Currency, fiat, plain, round_total, rounded_with, total
from engine.schedules import Distribution, Share, recurring_items, whole_shares
from tests.engine.strategies import START, quick
from tests.engine.tables import at, table

currencies = st.sampled_from([fiat("USD"), fiat("EUR"), fiat("JPY")])
amounts = st.decimals(0, 10**6, places=6)
ROWS = table("schedules", "whole shares")


@pytest.mark.parametrize("row", ROWS, ids=[row["instalments"] for row in ROWS])
def test_whole_shares(row: dict[str, str]) -> None:
    cells = [cell.split(":") for cell in row["instalments"].split()]
    shares = [Share(Decimal(exact), Decimal(asked[0]) if asked else None) for exact, *asked in cells]
    assert [plain(whole) for whole in whole_shares(shares, fiat(row["currency"]))] == row["asked"].split()


def test_a_thousand_cents_in_twelve_parts() -> None:
    items = recurring_items(
        frequency=Frequency.MONTHLY, distribution=Distribution.DIVIDED, starting_at=START,
        ending_before=at("2026-01-01T00"), unit_price=Decimal(1000), quantity=Decimal(1), currency=fiat("USD"),
    )  # fmt: skip
    assert whole_shares([Share(item.amount) for item in items], fiat("USD")) == [*[83] * 11, 87]


@quick
@given(st.lists(amounts, min_size=1, max_size=24), currencies, st.randoms(use_true_random=False))
def test_invoiced_in_whichever_order_they_sum_to_what_was_agreed(
    exact: list[Decimal], currency: Currency, random: Random
) -> None:
    """Each is asked for as it is worked out when its invoice is made; the order of dates need not be that."""
    shares = [Share(amount) for amount in exact]
    agreed = round_total(total(exact), currency)
    for index in random.sample(range(len(shares)), len(shares)):
        found = whole_shares(shares, currency)
        assert total(found) == agreed
        assert all(whole >= 0 and round_total(whole, currency) == whole for whole in found)
        shares[index] = Share(exact[index], found[index])
    assert total(share.invoiced or Decimal(0) for share in shares) == agreed


@quick
@given(st.lists(amounts, min_size=2, max_size=12), amounts, currencies)
def test_invoice_and_document_ask_for_the_same(exact: list[Decimal], other: Decimal, currency: Currency) -> None:
    """One instalment beside another line on each invoice: lines + rounding = total = the document's."""
    for amount, whole in zip(exact, whole_shares([Share(one) for one in exact], currency), strict=True):
        made = rounded_with(total([amount, other]), [(amount, whole)], currency)
        assert total([amount, other, made.rounding]) == made.total
        view = document_view([CountedLine(other), CountedLine(amount, whole=whole)], currency)
        assert Decimal(view.total).scaleb(-currency.places) == made.total
        assert Decimal(view.lines[1].amount).scaleb(-currency.places) == whole
