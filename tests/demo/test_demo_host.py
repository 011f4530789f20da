"""The demo host's own guard: only its page may ask it for a code."""

from typing import Any

import pytest

from demo.host.app import DemoHost


def ask(**environ: str) -> tuple[str, bytes]:
    app = DemoHost(console="http://127.0.0.1:1", api="http://127.0.0.1:1", api_key="key", origin="http://localhost:2")
    seen: list[str] = []

    def start(status: str, headers: list[tuple[str, str]]) -> Any:
        seen.append(status)
        assert "frame-ancestors 'none'" in dict(headers)["Content-Security-Policy"]

    body = b"".join(app({"REQUEST_METHOD": "GET", "PATH_INFO": "/", "QUERY_STRING": "", **environ}, start))
    return seen[0], body


@pytest.mark.parametrize(
    ("environ", "status"),
    [
        ({}, "403 Forbidden"),
        ({"HTTP_X_TACTUS": "code", "HTTP_SEC_FETCH_SITE": "cross-site"}, "403 Forbidden"),
        ({"HTTP_X_TACTUS": "code", "HTTP_SEC_FETCH_SITE": "same-origin"}, "400 Bad Request"),
        ({"HTTP_X_TACTUS": "code", "QUERY_STRING": "customer=../keys"}, "400 Bad Request"),
    ],
)
def test_codes_are_for_its_own_page(environ: dict[str, str], status: str) -> None:
    assert ask(REQUEST_METHOD="POST", PATH_INFO="/billing/code", **environ)[0] == status


def test_it_says_so_when_tactus_is_away() -> None:
    status, body = ask()
    assert status == "502 Bad Gateway"
    assert b"Tactus does not answer" in body


def test_other_pages_do_not_exist() -> None:
    assert ask(PATH_INFO="/../app.py")[0] == "404 Not Found"
    assert ask(PATH_INFO="/host.css")[0] == "200 OK"
