"""Which requests a path in front of Django may answer: docs/guides/fast-paths.md."""

import io
from typing import Any

import pytest

from core.api.fast_path import is_ordinary, take_body

ORDINARY = {
    "REQUEST_METHOD": "POST",
    "CONTENT_TYPE": "application/json",
    "CONTENT_LENGTH": "2",
}


def test_an_ordinary_request() -> None:
    assert is_ordinary(ORDINARY)
    assert is_ordinary(ORDINARY | {"CONTENT_TYPE": "Application/JSON; charset=UTF-8"})


@pytest.mark.parametrize(
    "change",
    [
        {"REQUEST_METHOD": "GET"},
        {"REQUEST_METHOD": "PUT"},
        {"CONTENT_TYPE": "text/plain"},
        {"CONTENT_TYPE": "application/json; charset=latin-1"},
        {"HTTP_IDEMPOTENCY_KEY": "one"},
        {"CONTENT_LENGTH": ""},
        {"CONTENT_LENGTH": "0"},
        {"CONTENT_LENGTH": "-1"},
        {"CONTENT_LENGTH": "\N{ARABIC-INDIC DIGIT TWO}"},
        {"CONTENT_LENGTH": "1001"},
    ],
)
def test_what_is_left_to_the_whole_application(change: dict[str, str], settings: Any) -> None:
    settings.TACTUS_MAX_BODY_BYTES = 1000
    assert is_ordinary(ORDINARY)
    assert not is_ordinary(ORDINARY | change)


def test_where_https_is_asked_for_nothing_else_gets_in(settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert not is_ordinary(ORDINARY)
    assert not is_ordinary(ORDINARY | {"HTTP_X_FORWARDED_PROTO": "http"})
    assert is_ordinary(ORDINARY | {"HTTP_X_FORWARDED_PROTO": "https"})
    settings.SECURE_PROXY_SSL_HEADER = None
    assert not is_ordinary(ORDINARY | {"HTTP_X_FORWARDED_PROTO": "https"})


@pytest.mark.parametrize(("sent", "taken"), [(b"{}", b"{}"), (b"{}more", b"{}"), (b"{", None)])
def test_whoever_comes_next_reads_the_same_body(sent: bytes, taken: bytes | None) -> None:
    environ: dict[str, Any] = ORDINARY | {"wsgi.input": io.BytesIO(sent)}
    assert take_body(environ) == taken
    assert environ["wsgi.input"].read() == sent[:2]
