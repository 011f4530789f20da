"""What an invoice is to clients, from its draft on; and whether its billing period still accrues."""

from enum import StrEnum


class InvoiceType(StrEnum):
    """USAGE bills a stretch of time; SCHEDULED what was agreed for a date, and has no period."""

    USAGE = "USAGE"
    SCHEDULED = "SCHEDULED"


class InvoiceStatus(StrEnum):
    """A DRAFT is an open billing period; FINALIZED and VOID are documents."""

    DRAFT = "DRAFT"
    FINALIZED = "FINALIZED"
    VOID = "VOID"


class PeriodState(StrEnum):
    """OPEN accrues; CLOSED is billed by the document of the same id."""

    OPEN = "OPEN"
    CLOSED = "CLOSED"
