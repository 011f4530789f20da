"""The demo's sender: what it sends is accepted, at the pace of the story, and an outage loses nothing."""

import json
import random
import socket
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest

from core.clock import now
from demo import traffic
from demo.habits import HOURS, day_of
from demo.story import CUSTOMERS, LARGE, Calendar
from usage.intake import read_events
from usage.store import get_store

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)


def test_what_is_sent_is_accepted_and_bounded() -> None:
    rng = random.Random(7)
    for tick in range(200):
        start = NOON + timedelta(seconds=2 * tick)
        events = list(traffic.events_of(start, start + timedelta(seconds=2), 5, rng))
        read = read_events(events, now=start + timedelta(seconds=2))
        assert read.faults == ()
        assert len(read.events) == len(events) < 40


def test_tokens_flow_at_the_pace_of_the_story() -> None:
    rng = random.Random(11)
    sent = 0
    for tick in range(1200):
        start = NOON + timedelta(seconds=tick)
        for event in traffic.events_of(start, start + timedelta(seconds=1), 5, rng):
            if event["customer_id"] == "meridian-bank" and event["properties"].get("model") == LARGE:
                sent += int(event["properties"]["input_tokens"])
    [meridian] = [customer for customer in CUSTOMERS if customer.aliases[0] == "meridian-bank"]
    assert meridian.habit is not None
    calendar = Calendar(NOON)
    day = day_of(meridian, meridian.habit, calendar.today, calendar).amount(meridian.habit.models[LARGE][0])
    hours = HOURS[meridian.habit.rhythm]
    expected = day * hours[12] // sum(hours) * 1200 // 3600
    assert expected * 0.8 < sent < expected * 1.2


class Moody(BaseHTTPRequestHandler):
    """A server in trouble: refuses with 503 twice, then takes what comes."""

    got: list[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        self.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(503 if len(self.got) <= 2 else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        return


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def sender(url: str, said: list[str], key: str = "none") -> traffic.Traffic:
    client = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, trust_env=False)
    return traffic.Traffic(client, 5, now, said.append, random.Random(3))


def test_a_server_that_is_away_gets_the_same_batch_later(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic, "TICK", 0.1)
    monkeypatch.setattr(traffic, "FIRST_WAIT", 0.1)
    said: list[str] = []
    stop = threading.Event()
    sending = sender(f"http://127.0.0.1:{port}", said)
    thread = threading.Thread(target=sending.run, args=(stop,))
    thread.start()
    try:
        while not said:
            stop.wait(0.05)
        Moody.got = []
        with HTTPServer(("127.0.0.1", port), Moody) as server:
            for _ in range(5):
                server.handle_request()
    finally:
        stop.set()
        thread.join(10)
    assert not thread.is_alive()
    assert said[0].startswith("waiting for the server (ConnectError")
    assert "the server is back" in said
    assert Moody.got[0] == Moody.got[1] == Moody.got[2] != Moody.got[3]


def test_a_refused_key_ends_it(live_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic, "TICK", 0.1)
    said: list[str] = []
    with pytest.raises(PermissionError):
        sender(live_url, said, "tactus_live_wrong").run(threading.Event())
    assert said == []


def test_events_arrive(live_url: str, live_key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic, "TICK", 0.3)
    stop = threading.Event()
    said: list[str] = []
    sending = sender(live_url, said, live_key)
    thread = threading.Thread(target=sending.run, args=(stop,))
    thread.start()
    try:
        for _ in range(100):
            if sending.sent >= 5:
                break
            stop.wait(0.1)
    finally:
        stop.set()
        thread.join(10)
    assert said == []
    assert get_store().count() == sending.sent >= 5
