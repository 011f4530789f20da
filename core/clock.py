"""The only clock of Tactus. Views, tasks and commands read it; everything below takes the time as an argument."""

from datetime import UTC, datetime


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(UTC)
