"""The reader in front of Django and the serializers: whatever it takes, they take, and read the same."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rest_framework.exceptions import ValidationError

from core.api.fast_path import FlatReader
from core.api.fields import Input
from core.exact_json import BadJson, loads
from reservations.api.reservations import CommitInput, ReleaseInput, ReserveInput

KINDS = [ReserveInput, CommitInput, ReleaseInput]
READERS = {kind: FlatReader(kind) for kind in KINDS}
ID = "7c0d5516-b87c-4e25-bfb5-3182439c4c66"
NAMES = sorted({name for kind in KINDS for name in kind().fields} | {"other"})
PLAIN = {
    ReserveInput: b'{"customer_id":"%s","amount":5}' % ID.encode(),
    CommitInput: b'{"reservation_id":"%s","transaction_id":"call 1","amount":0.1}' % ID.encode(),
    ReleaseInput: b'{"reservation_id":"%s"}' % ID.encode(),
}
VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 3600, 3601, 10**29, 10**31, 10**70, 5.0, 0.1, "", "5", "1e3", " 5", "1_0", "NaN", ID,
    ID.upper(), ID.replace("-", ""), f"{{{ID}}}", ID[:-1], "é" * 128, "é" * 129, "a\nb", "a\x7fb", "a\x85b", "\u2028",
    "\x00", [], {}, [ID], {"amount": 1},
]  # fmt: skip


def agree(kind: type[Input], body: bytes) -> bool:
    """Compares the two; whether the flat one took it."""
    found = READERS[kind].read(body)
    if found is not None:
        try:
            strict = kind().run_validation(loads(body))
        except (BadJson, ValidationError) as error:
            raise AssertionError(f"taken by the flat reader only: {body!r}") from error
        assert {name: (type(value), value) for name, value in found.items()} == {
            name: (type(value), value) for name, value in strict.items()
        }
    return found is not None


@pytest.mark.parametrize("kind", KINDS)
def test_ordinary_bodies_are_taken(kind: type[Input]) -> None:
    assert agree(kind, PLAIN[kind])
    assert agree(kind, PLAIN[kind].replace(b":", b" :\n "))
    assert not agree(kind, PLAIN[kind].replace(b"}", b',"other":1}'))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ensure_ascii", [True, False])
def test_each_odd_value_in_each_field(kind: type[Input], ensure_ascii: bool) -> None:
    for name in NAMES:
        for value in VALUES:
            agree(kind, json.dumps(json.loads(PLAIN[kind]) | {name: value}, ensure_ascii=ensure_ascii).encode())


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"[]", b'"a"', b"{}", b"{", b'{"reservation_id"}', b"\xef\xbb\xbf" + PLAIN[ReleaseInput],
        PLAIN[ReleaseInput] + b"x", PLAIN[ReleaseInput][:-1] + b',"reservation_id":null}',
        PLAIN[ReleaseInput][:-1] + b"," + PLAIN[ReleaseInput][1:],
        PLAIN[ReleaseInput][:-1] + b', "reservation_id" : "%s"}' % ID.encode(),
        PLAIN[ReleaseInput].replace(b"r", b"\\u0072"), PLAIN[ReleaseInput][:-1] + b',"a\xff":1}', b"[" * 100_000,
    ],
)  # fmt: skip
def test_damaged_bodies_are_left_to_the_serializers(body: bytes) -> None:
    assert not any(agree(kind, body) for kind in KINDS)


@pytest.mark.parametrize("number", [b"1e5", b"1E-2", b"1e61", b"NaN", b"Infinity", b"-0", b"01", b"1." + b"0" * 80])
def test_numbers_are_read_exactly_or_not_at_all(number: bytes) -> None:
    agree(ReserveInput, PLAIN[ReserveInput].replace(b"5}", number + b"}"))
    agree(ReserveInput, PLAIN[ReserveInput].replace(b"5}", b'5,"ttl_seconds":' + number + b"}"))


@pytest.mark.parametrize("text", [b"a\nb", b"\xed\xa0\x80", b"\xc3\xa9", b"\xff", b"\xf0\x9f\x98\x80", b"\x7f"])
def test_bytes_of_a_text(text: bytes) -> None:
    agree(CommitInput, PLAIN[CommitInput].replace(b"call 1", text))


@given(
    st.sampled_from(KINDS),
    st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES) | st.text() | st.integers()), max_size=4),
    st.binary(max_size=2),
    st.integers(0, 200),
)
@example(ReleaseInput, [("reservation_id", ID), ("reservation_id", ID)], b"", 0)
def test_random_and_damaged_bodies(kind: type[Input], pairs: list[Any], damage: bytes, at: int) -> None:
    text = ",".join(f"{json.dumps(name)}:{json.dumps(value, ensure_ascii=False)}" for name, value in pairs)
    body = f"{{{text}}}".encode("utf-8", "surrogatepass")
    agree(kind, body)
    agree(kind, body[:at] + damage + body[at + 1 :])
