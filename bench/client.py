"""A sender that costs little: bodies are encoded beforehand, fresh ids are patched in, sockets stay open.

One thread serves all connections, each with one request under way: a closed loop, as N synchronous clients are.
"""

import random
import selectors
import socket
import time
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

SPREAD: Final = timedelta(days=15)
REGIONS: Final = ("us-east", "us-west", "eu-central", "ap-south")
TEMPLATES: Final = 400
_NEW: Final = b"@NEWNEWNEW@"
_OLD: Final = b"@OLDOLDOLD@"
_DIGITS: Final = len(_NEW)
_CUSTOMER: Final = "customer-{:05d}"
BIG: Final = "customer-big"


@dataclass(frozen=True, slots=True)
class Shape:
    """What is sent. `duplicates`: the share of events sent before; `skew`: the share of the one big customer."""

    batch: int = 100
    customers: int = 1000
    duplicates: float = 0.0
    skew: float = 0.0

    @property
    def repeated(self) -> int:
        """Events of each batch that were sent before."""
        return round(self.batch * self.duplicates)


@dataclass(slots=True)
class Run:
    """What became of it. `times`: seconds of each acknowledged request, in order; `marks`: events acknowledged by
    each whole second."""

    seconds: float = 0.0
    cpu: float = 0.0
    events: int = 0
    duplicates: int = 0
    times: "array[float]" = field(default_factory=lambda: array("d"))
    marks: list[int] = field(default_factory=list)

    def quantile(self, share: float) -> float:
        """A quantile of the times of requests, in milliseconds."""
        ordered = sorted(self.times)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 if ordered else 0.0


def event(name: str, token: str, chance: random.Random, shape: Shape, moment: datetime) -> str:
    """One event of a template; `token`, in `name` too, stands for eleven digits that every request has for itself."""
    ref = BIG if chance.random() < shape.skew else _CUSTOMER.format(chance.randrange(shape.customers))
    second = (moment - SPREAD * chance.random()).strftime("%Y-%m-%dT%H:%M:%S")
    return (
        f'{{"transaction_id":"{name}","customer_id":"{ref}","event_type":"completion",'
        f'"timestamp":"{second}.{chance.randrange(10**6):06d}Z","properties":{{"model":"m{chance.randrange(7)}",'
        f'"region":"{REGIONS[chance.randrange(4)]}","input_tokens":"{chance.randrange(5000)}",'
        f'"output_tokens":"{chance.randrange(900)}","request":"{token}"}}}}'
    )


def templates(run: str, shape: Shape, count: int = TEMPLATES) -> list[bytes]:
    """Bodies in which only the tokens are missing. The last events of each repeat its first ones, by the old token."""
    moment = datetime.now(UTC)
    found = []
    for number in range(count):
        seeds = [f"{run}/{number}/{slot}" for slot in range(shape.batch)]
        fresh = shape.batch - shape.repeated
        slots = [(slot, _NEW) for slot in range(fresh)] + [(slot, _OLD) for slot in range(shape.repeated)]
        events = [
            event(f"{run}-{token.decode()}-{slot:04d}", token.decode(), random.Random(seeds[slot]), shape, moment)
            for slot, token in slots
        ]
        found.append(f"[{','.join(events)}]".encode())
    return found


@dataclass(frozen=True, slots=True)
class Target:
    """Where to send to."""

    host: str
    port: int
    key: str


def fill_in(body: bytes, number: int, old: int = 0) -> bytes:
    """A template as the body of request `number`; its repetitions are of request `old`."""
    return body.replace(_NEW, b"%011d" % number).replace(_OLD, b"%011d" % old)


def drive(target: Target, run: str, shape: Shape, seconds: float, clients: int = 8) -> Run:
    """Sends for `seconds`. Raises RuntimeError for an answer other than 200."""
    host, port, key = target.host, target.port, target.key
    bodies = templates(run, shape)
    head = (
        f"POST /v1/ingest HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: "
    ).encode()
    found = Run()
    started, cpu = time.monotonic(), time.process_time()
    deadline = started + seconds
    requests, sent_at = 0, {}
    with selectors.DefaultSelector() as selector:

        def send(connection: socket.socket) -> None:
            nonlocal requests
            # A request repeats events of the one that used its template before; that was answered long ago.
            old = max(requests - TEMPLATES, requests % TEMPLATES)
            body = fill_in(bodies[requests % TEMPLATES], requests, old)
            sent_at[connection] = time.monotonic()
            connection.sendall(b"%b%d\r\n\r\n%b" % (head, len(body), body))
            requests += 1

        for connection in [socket.create_connection((host, port), timeout=60) for _ in range(clients)]:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(connection, selectors.EVENT_READ)
            send(connection)
        open_connections = clients
        while open_connections:
            for key_, _ in selector.select(30):
                connection = key_.fileobj  # type: ignore[assignment]
                answer = connection.recv(65536)
                if not answer.startswith(b"HTTP/1.1 200"):
                    raise RuntimeError(f"answered {answer[:300]!r}")
                moment = time.monotonic()
                found.times.append(moment - sent_at[connection])
                found.events += shape.batch
                while len(found.marks) < int(moment - started):
                    found.marks.append(found.events)
                if moment >= deadline:
                    selector.unregister(connection)
                    connection.close()
                    open_connections -= 1
                else:
                    send(connection)
    found.seconds, found.cpu = time.monotonic() - started, time.process_time() - cpu
    # The first round of the templates has nothing before it: its repetitions are of its own batch.
    found.duplicates = shape.repeated * (requests)
    return found


def rates(marks: Sequence[int], step: int) -> list[float]:
    """Events a second over each `step` seconds."""
    points = [0, *marks[step - 1 :: step]]
    return [(b - a) / step for a, b in pairwise(points)]
