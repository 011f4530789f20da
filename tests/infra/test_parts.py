"""The supervisor's small parts, one by one."""

import os
import socket
from pathlib import Path

import pytest

from billing_site.broker import celery_broker_url, with_database
from billing_site.logs import redact
from billing_site.settings.secret import secret_key_in
from supervisor.files import OwnerLock, remembered_secret
from supervisor.place import Account, find_place, make_private, reachable
from supervisor.ports import choose_port
from supervisor.session import needs_servers
from supervisor.terminal import LogTail

STRANGER = Account(uid=54321, gid=54321, name="stranger")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
        ("rediss://:pw@host:6380/2", "rediss://:pw@host:6380/2"),
        ("unix:///run/v.sock?db=3&password=a%2Fb", "redis+socket://:a%2Fb@/run/v.sock?virtual_host=3"),
        ("unix://:pw@/run/v.sock", "redis+socket://:pw@/run/v.sock?virtual_host=0"),
    ],
)
def test_celery_broker_url(url: str, expected: str) -> None:
    assert celery_broker_url(url) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://:pw@127.0.0.1:6379/0", "redis://:pw@127.0.0.1:6379/4"),
        ("unix:///run/v.sock?db=0&password=p", "unix:///run/v.sock?db=4&password=p"),
    ],
)
def test_with_database(url: str, expected: str) -> None:
    assert with_database(url, 4) == expected


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["manage.py"], False),
        (["manage.py", "migrate", "--help"], False),
        (["manage.py", "check", "--deploy"], False),
        (["manage.py", "check", "--database", "default"], True),
        (["manage.py", "migrate"], True),
        (["manage.py", "create_api_key", "name"], True),
    ],
)
def test_needs_servers(argv: list[str], expected: bool) -> None:
    assert needs_servers(argv) is expected


def test_reachable_follows_the_modes_of_every_folder(tmp_path: Path) -> None:
    inner = tmp_path / "open" / "inner"
    inner.mkdir(parents=True)
    for folder in (tmp_path, tmp_path / "open", inner):
        folder.chmod(0o755)
    outside = all(parent.stat().st_mode & 0o001 for parent in tmp_path.parents)
    assert reachable(inner, STRANGER) is outside

    (tmp_path / "open").chmod(0o700)
    assert not reachable(inner, STRANGER)


def test_programs_are_copied_with_their_neighbours_where_the_account_cannot_reach_them(tmp_path: Path) -> None:
    base = tmp_path / "site-packages"
    (base / "package" / "bin").mkdir(parents=True)
    (base / "package" / "bin" / "program").write_text("#!")
    (base / "libs").mkdir()
    base.chmod(0o700)
    place = find_place(tmp_path / "var")
    try:
        there = place.programs(base, "package/bin", "libs", "absent")
        assert (there == base) is (os.geteuid() != 0)
        assert (there / "package" / "bin" / "program").read_text() == "#!"
        assert (there / "libs").is_dir()
        assert place.programs(base, "package/bin", "libs", "absent") == there
    finally:
        place.remove()


def test_make_private_refuses_a_folder_of_somebody_else(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("giving a folder to somebody else takes root; nobody else can set this case up")
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    os.chown(foreign, STRANGER.uid, STRANGER.gid)
    with pytest.raises(SystemExit, match="somebody else"):
        make_private(foreign, None)


def test_long_paths_still_have_short_sockets(tmp_path: Path) -> None:
    place = find_place(tmp_path / ("x" * 120))
    assert len(str(place.keeper_socket)) < 104
    place.remove()
    assert not place.sockets.exists()


def test_named_port_must_be_free_and_unnamed_ones_move_on(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setenv("PORT", str(port))
        with pytest.raises(SystemExit, match="not free"):
            choose_port("PORT", 8000, "127.0.0.1", set())
        monkeypatch.delenv("PORT")
        assert choose_port("PORT", port, "127.0.0.1", {port + 1}) > port + 1


def test_secrets_are_made_once_and_private(tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    first = remembered_secret(file, "a")
    assert remembered_secret(file, "b") != first
    assert remembered_secret(file, "a") == first
    assert file.stat().st_mode & 0o777 == 0o600
    assert secret_key_in(tmp_path) == secret_key_in(tmp_path)
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600


def test_owner_lock_admits_one(tmp_path: Path) -> None:
    first, second = OwnerLock(tmp_path / "lock"), OwnerLock(tmp_path / "lock")
    assert first.owner() is None
    assert first.take()
    assert not second.take()
    assert second.owner() == os.getpid()


def test_log_tail_shows_trouble_only(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    log.write_text("Error before we looked\n")
    tail = LogTail("web", log)
    with log.open("a") as file:
        file.write(
            "all is well\nTraceback (most recent call last):\n  raise ValueError\nValueError: 7\n[warning  ] half a li"
        )
    assert tail.new_lines() == ["ValueError: 7"]
    with log.open("a") as file:
        file.write("ne\n")
    assert tail.new_lines() == ["[warning  ] half a line"]


def test_logs_never_show_credentials() -> None:
    event = {
        "event": "GET /x?token=abc&page=2 with Bearer tactus_live_123 to redis://:hunter2@host/0 from http://127.0.0.1:8000/v1",
        "HTTP_AUTHORIZATION": "Bearer abc",
        "idempotency_key": "k",
        "customer": "acme",
    }
    shown = redact(None, "info", dict(event))
    text = str(shown)
    assert "page=2" in text
    assert "http://127.0.0.1:8000/v1" in text
    assert "http://127.0.0.1:8000/v1" in text
    assert shown["customer"] == "acme"
    for secret in ("abc", "tactus_live_123", "hunter2"):
        assert secret not in text
