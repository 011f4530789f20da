"""Which constraint refused a write: the database decides, the service says it in the caller's words."""

from django.db import IntegrityError


def violated(error: IntegrityError) -> str:
    """The name of the constraint that `error` reports, empty if it names none."""
    diagnosis = getattr(error.__cause__, "diag", None)
    return getattr(diagnosis, "constraint_name", None) or ""
