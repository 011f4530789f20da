"""What is as it should be is no warning."""

import pytest
import structlog

from billing_site.logs import leave_out_expired


def test_a_wake_up_that_expired_is_dropped() -> None:
    with pytest.raises(structlog.DropEvent):
        leave_out_expired(None, "warning", {"event": "task_revoked", "expired": True, "task": "usage.roll"})


@pytest.mark.parametrize("event", [{"event": "task_revoked", "expired": False}, {"event": "task_failed"}])
def test_everything_else_is_told(event: dict[str, object]) -> None:
    assert leave_out_expired(None, "warning", dict(event)) == event
