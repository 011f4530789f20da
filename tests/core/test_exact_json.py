"""JSON that loses no digit and lets nothing in that PostgreSQL cannot store."""

import contextlib
import json
import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.exact_json import BadJson, dumps, loads


def test_decimals_go_in_and_out_unchanged() -> None:
    text = b'{"price":0.30000000000000000000000000000001,"n":12345678901234567890}'
    assert loads(text) == {"price": Decimal("0.30000000000000000000000000000001"), "n": 12345678901234567890}
    assert dumps(loads(text)) == text


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20, places=12))
def test_any_amount_survives_the_round_trip(value: Decimal) -> None:
    assert Decimal(str(json.loads(dumps({"v": value}), parse_float=Decimal)["v"])) == value


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"NaN", b"[Infinity]", b"[-Infinity]", b"[1e400]", b"[1E+999999999]", b"[" + b"9" * 5000 + b"]",
        b'{"a":1,"a":2}', b'["\\u0000"]', b'{"\\u0000":1}', b'["\\ud800"]', b'{"a":{"b":"\\udfff"}}',
        b"[" * 40 + b"]" * 40, b"[" * 3000 + b"]" * 3000, b"[" * 100_000, b'{"a":' * 50 + b"1" + b"}" * 50,
        b"\xef\xbb\xbf{}", "ä".encode("latin-1"), '"ä"'.encode("utf-16"), b"'a'", b"[1,]", b"01",
    ],
)  # fmt: skip
def test_what_is_not_plain_json_is_refused(body: bytes) -> None:
    with pytest.raises(BadJson):
        loads(body)


@given(st.binary(max_size=200))
def test_random_bytes_never_raise_anything_else(body: bytes) -> None:
    with contextlib.suppress(BadJson):
        loads(body)


def test_a_duplicate_among_very_many_keys_is_found_in_no_time() -> None:
    body = "{" + ",".join(f'"{n}":0' for n in range(300_000)) + ',"299999":1}'
    began = time.monotonic()
    with pytest.raises(BadJson, match="'299999' stands twice"):
        loads(body.encode())
    assert time.monotonic() - began < 10


texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5)
leaves = st.none() | st.booleans() | st.integers(-(10**30), 10**30) | texts


def nodes(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3)


@given(st.recursive(leaves, nodes, max_leaves=10))
def test_what_python_writes_is_read_back(value: object) -> None:
    assert loads(json.dumps(value).encode()) == value
