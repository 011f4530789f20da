"""What happened. Only `usage.store` reads or writes events; see its interface for the guarantees."""

from usage.store.postgres.models import UsageEvent

__all__ = ["UsageEvent"]
