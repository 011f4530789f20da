"""How long an event takes from its 200 until customers see it: one small event after another, while others ingest."""

import http.client
import json
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

PAUSE = 0.5
PATIENCE = 10.0


def watch(url: str, key: str, ids: dict[str, str], seconds: float) -> list[float]:
    """Milliseconds from each event's 200 until both the usage API and the draft invoice show it.

    `ids`: "customer", "draft" (its invoice) and "metric", which sums `input_tokens`.
    """
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port or 0, timeout=60)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def ask(method: str, path: str, body: object = None) -> Any:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != http.client.OK:
            raise RuntimeError(f"{path} answered {answer.status}: {text[:300]!r}")
        return json.loads(text, parse_float=Decimal) if text else None

    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    question = {
        "window_size": "NONE",
        "starting_on": today.replace(day=1).isoformat(),
        "ending_before": (today + timedelta(days=2)).isoformat(),
        "customer_ids": [ids["customer"]],
        "billable_metrics": [{"id": ids["metric"]}],
    }

    def used() -> Decimal:
        rows = ask("POST", "/v1/usage", question)["data"]
        return sum((Decimal(row["value"] or 0) for row in rows), Decimal(0))

    def owed() -> Decimal:
        invoice = ask("GET", f"/v1/customers/{ids['customer']}/invoices/{ids['draft']}")["data"]
        return Decimal(invoice["total"])

    found: list[float] = []
    deadline = time.monotonic() + seconds
    usage, spend = used(), owed()
    while time.monotonic() < deadline:
        moment = datetime.now(UTC)
        event = {
            "transaction_id": f"watch-{moment.timestamp()}",
            "customer_id": ids["customer"],
            "event_type": "completion",
            "timestamp": moment.isoformat(),
            "properties": {"input_tokens": "1", "model": "m0", "region": "us-east", "output_tokens": "1"},
        }
        ask("POST", "/v1/ingest", [event])
        accepted = time.monotonic()
        usage += 1
        spend += 1
        while not (used() == usage and owed() == spend):
            if time.monotonic() - accepted > PATIENCE:
                raise RuntimeError("an accepted event was not seen")
        found.append((time.monotonic() - accepted) * 1000)
        time.sleep(PAUSE)
    return found
