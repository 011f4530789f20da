from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from uuid import uuid4

import pytest

from billing.types import CurrencyView
from presentation import formatting

USD = CurrencyView(uuid4(), "USD (cents)", "USD", 0, 2)
EUR = CurrencyView(uuid4(), "EUR", "EUR", 2, 0)
JPY = CurrencyView(uuid4(), "JPY", "JPY", 0, 0)


@pytest.mark.parametrize(
    ("amount", "currency", "figure", "exact"),
    [
        ("124018", USD, "1,240.18", "1,240.18"),
        ("124018.5", USD, "1,240.19", "1,240.185"),
        ("-50.25", USD, "\N{MINUS SIGN}0.50", "\N{MINUS SIGN}0.5025"),
        ("0.0025", USD, "0.000025", "0.000025"),  # too small for a cent, and yet it is there
        ("0", USD, "0.00", "0.00"),
        ("12.345", EUR, "12.35", "12.345"),
        ("1234.5", JPY, "1,235", "1,234.5"),
    ],
)
def test_amounts_are_rounded_to_coins_but_never_vanish(
    amount: str, currency: CurrencyView, figure: str, exact: str
) -> None:
    shown = formatting.money(Decimal(amount), currency)
    assert (shown.figure, shown.exact) == (figure, exact)


def test_unit_prices_keep_every_digit() -> None:
    assert formatting.price(Decimal("0.00025"), USD) == "0.0000025 USD"


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [
        ("2026-11-01", "2026-12-01", "1\N{EN DASH}30 Nov 2026"),
        ("2026-11-01", "2026-11-02", "1 Nov 2026"),
        ("2026-10-15", "2026-11-15", "15 Oct \N{EN DASH} 14 Nov 2026"),
        ("2026-12-15", "2027-01-15", "15 Dec 2026 \N{EN DASH} 14 Jan 2027"),
        ("2026-11-01T06:00", "2026-11-01T09:00", "1 Nov 2026, 06:00\N{EN DASH}09:00"),
        ("2026-11-01T06:00", "2026-12-01T00:00", "1 Nov 2026, 06:00 \N{EN DASH} 1 Dec 2026, 00:00"),
    ],
)
def test_spans_name_the_days_that_they_hold(start: str, end: str, text: str) -> None:
    at, until = (datetime.fromisoformat(part).replace(tzinfo=UTC) for part in (start, end))
    assert formatting.period(at, until) == text


@pytest.mark.parametrize(
    ("now", "before", "text"),
    [("118", "100", "18 % higher"), ("50", "100", "50 % lower"), ("100.2", "100", "level"), ("5", "0", "")],
)
def test_change_is_said_in_words(now: str, before: str, text: str) -> None:
    assert formatting.change(Decimal(now), Decimal(before)).replace(formatting.SPACE, " ") == text


def test_shares() -> None:
    assert formatting.percent(Decimal(1), Decimal(3)).replace(formatting.SPACE, " ") == "33 %"
    assert formatting.percent(Decimal(1), Decimal(10000)).replace(formatting.SPACE, " ") == "under 1 %"
    assert formatting.percent(Decimal(0), Decimal(0)) == ""


def test_ledger_amounts_keep_every_digit_with_the_small_ones_apart() -> None:
    for cents, figure, tail in (
        ("12345", "123.45", ""),
        ("-12345.678", f"{formatting.MINUS}123.45", "678"),
        ("0", "0.00", ""),
    ):
        shown = formatting.exact(Decimal(cents), USD)
        assert (shown.figure, shown.tail) == (figure, tail)
    units = CurrencyView(USD.credit_type_id, "credits", "", 0, 0)
    assert formatting.exact(Decimal("1500.25"), units) == formatting.Exact("1,500", ".25")
    assert formatting.exact(Decimal(1500), units) == formatting.Exact("1,500", "")


def test_access_is_told_in_days_and_its_end_to_the_hour() -> None:
    start, noon = datetime(2026, 10, 17, 15, tzinfo=UTC), datetime(2026, 12, 2, 12, tzinfo=UTC)
    midnight = datetime(2026, 12, 3, tzinfo=UTC)
    for end in (noon, midnight):
        assert formatting.access(start, end) == "17 Oct \N{EN DASH} 2 Dec 2026"
        assert formatting.last_day(end) == "2 Dec 2026"
    assert formatting.through(noon) == "on 2 Dec 2026 at 12:00 UTC"
    assert formatting.through(midnight) == "at the end of 2 Dec 2026"


def test_an_empty_period_is_its_day_and_an_open_one_only_begins() -> None:
    start, noon = datetime(2026, 10, 17, tzinfo=UTC), datetime(2026, 12, 2, 12, tzinfo=UTC)
    assert formatting.period(noon, noon) == "2 Dec 2026"
    assert formatting.window(start, None) == "from 17 Oct 2026"
    assert formatting.window(start, noon) == "17 Oct 2026 until 2 Dec 2026, 12:00"


def test_what_begins_or_ends_at_midnight_is_told_by_its_day() -> None:
    midnight = datetime(2026, 11, 1, tzinfo=UTC)
    assert formatting.detail(midnight) == "1 Nov 2026"
    assert formatting.detail(midnight + timedelta(hours=10)) == "1 Nov 2026, 10:00"
    assert formatting.detail("acme") == "acme"


def test_times_are_told_in_utc() -> None:
    late = datetime(2026, 11, 1, 1, tzinfo=timezone(timedelta(hours=2)))
    assert formatting.instant(late) == "31 Oct 2026, 23:00"
    assert (formatting.day(None), formatting.instant(None)) == (formatting.DASH, formatting.DASH)


@pytest.mark.parametrize(
    ("stored", "currency", "plain"),
    [("-50.25", USD, "-0.5025"), ("100", USD, "1.00"), ("1234.5", JPY, "1234.5"), ("0", EUR, "0.00")],
)
def test_spreadsheets_get_numbers(stored: str, currency: CurrencyView, plain: str) -> None:
    assert str(formatting.plain_amount(Decimal(stored), currency)) == plain
    assert formatting.to_minor_units(Decimal(plain), currency) == Decimal(stored)
