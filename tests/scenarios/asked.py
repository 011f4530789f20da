"""Requests in raw JSON, for what the SDK has no types for."""

from typing import Any

import httpx


def posted(http: httpx.Client, path: str, body: dict[str, Any], status: int = 200) -> Any:
    """What the API answers to this body; the SDK has no types for `exclude`."""
    answer = http.post(path, json=body)
    assert answer.status_code == status, answer.text
    return answer.json().get("data", answer.json()) if answer.content else None


def wire(value: Any) -> Any:
    """The same as JSON."""
    if isinstance(value, dict):
        return {name: wire(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [wire(inner) for inner in value]
    return value.isoformat() if hasattr(value, "isoformat") else value
