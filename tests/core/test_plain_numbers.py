"""Amounts leave in plain notation, whatever wrote them."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.exact_json import dumps, plain_data, read_back
from engine.money import EXACT

NUMBER = re.compile(rb"-?(0|[1-9]\d*)(\.\d+)?")
ONE = UUID(int=1)


@dataclass
class Row:
    amount: Decimal


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_any_decimal_is_a_plain_number(value: Decimal) -> None:
    if abs(value.adjusted()) > 90:
        value = value.scaleb(-value.adjusted())
    text = dumps(value)
    assert NUMBER.fullmatch(text)
    assert Decimal(text.decode()) == value
    assert read_back(text.decode()) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [("1E+2", "100"), ("0E-10", "0"), ("1E-7", "0.0000001"), ("-0E+3", "0"), ("1.5E+1", "15"), ("2.50", "2.50")],
)
def test_numbers_are_written_as_people_write_them(value: str, text: str) -> None:
    assert dumps(Decimal(value)).decode() == text


def test_what_stands_around_such_a_number_is_the_same(api_key: str) -> None:
    at = datetime(2026, 1, 31, tzinfo=UTC)
    around = {"id": ONE, "at": at, "text": "7E-3", "rows": [Row(Decimal(5))], "none": None, "pair": (1, True)}
    ordinary = json.loads(dumps(around | {"n": Decimal(300)}))
    assert json.loads(dumps(around | {"n": Decimal("3E+2")})) == ordinary
    assert json.loads(dumps({"rows": [Row(Decimal("5E+1"))]})) == {"rows": [{"amount": 50}]}


EXPONENTS = st.sampled_from(["1E+2", "0E-10", "1E-7", "-3.5E+4", "12.50", "7"]).map(Decimal)
TEXTS = st.lists(st.sampled_from(["5E+1", '"', "\\", "E", ":", ",", "\n", "ü", "a"]), max_size=4).map("".join)


@given(st.recursive(EXPONENTS | TEXTS, lambda parts: st.lists(parts, max_size=4) | st.dictionaries(TEXTS, parts)))
def test_only_numbers_are_rewritten(value: object) -> None:
    text = dumps(value)
    assert read_back(text.decode()) == value
    outside = re.sub(rb'"(?:[^"\\]|\\.)*"', b"", text)
    assert b"E" not in outside


def test_prices_and_balances_have_no_exponent(http: httpx.Client) -> None:
    def post(path: str, body: str) -> httpx.Response:
        answer = http.post(path, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 200, answer.text
        return answer

    product = post("/v1/contract-pricing/products/create", '{"name": "P", "type": "FIXED"}').json()["data"]["id"]
    customer = post("/v1/customers", '{"name": "C"}').json()["data"]["id"]
    for amount in ("1E+3", "1e-12", "123e20", "0e-9"):
        post(
            "/v1/contracts/customerCredits/create",
            f'{{"customer_id": "{customer}", "product_id": "{product}", "priority": 1e-8, "access_schedule": '
            f'{{"schedule_items": [{{"amount": {amount}, "starting_at": "2026-01-01T00:00:00Z", '
            '"ending_before": "2027-01-01T00:00:00Z"}]}}',
        )
    listed = post(
        "/v1/contracts/customerBalances/list",
        f'{{"customer_id": "{customer}", "include_balance": true, "include_ledgers": true}}',
    ).text
    assert not re.search(r"\d[eE][+-]?\d+[,}\]]", listed)
    assert '"priority":0.00000001' in listed
    assert '"balance":12300000000000000000000' in listed
    assert '"balance":0.000000000001' in listed


@given(st.dictionaries(st.text("ab", max_size=2), st.decimals(allow_nan=False, allow_infinity=False, places=9)))
def test_events_hold_plain_text(amounts: dict[str, Decimal]) -> None:
    found = plain_data({name: value.normalize(EXACT) for name, value in amounts.items()})
    assert all("E" not in text and Decimal(text) == amounts[name] for name, text in found.items())
