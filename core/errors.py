"""What can go wrong with a request, in domain words.

`core.api.errors` turns each into its status and `{"message": …}`.
"""

from decimal import Decimal


class TactusError(Exception):
    """Base of the refusals that a caller can act on.

    `field` names the input at fault as a dotted path, if one is; `retry_after` is the number of seconds after which
    the same request may succeed, None where it never will.
    """

    status = 400

    def __init__(self, message: str, *, field: str | None = None, retry_after: int | None = None) -> None:
        self.field = field
        self.message = f"{field}: {message}" if field else message
        self.retry_after = retry_after
        super().__init__(self.message)


class InvalidInput(TactusError):
    """400: the request is malformed or asks for something that cannot be."""


class BatchRefused(InvalidInput):
    """400: several items of one batch are at fault. `errors` holds `{"index", "field", "message"}` dicts."""

    def __init__(self, message: str, errors: list[dict[str, object]]) -> None:
        super().__init__(message)
        self.errors = errors


class NotAuthenticated(TactusError):
    """401: no API key, or one that is unknown, revoked or expired."""

    status = 401


class NotCovered(TactusError):
    """402: the balance does not cover it. `available`: what it does cover, in its stored unit."""

    status = 402

    def __init__(self, message: str, *, available: Decimal) -> None:
        super().__init__(message)
        self.available = available


class NotAllowed(TactusError):
    """403: the key is good, but its scopes, or what it may give away alone, do not cover this."""

    status = 403


class NotFound(TactusError):
    """404: no such object, or not one that the caller may know of (the answer is the same)."""

    status = 404


class Conflict(TactusError):
    """409: the state of things forbids it. Permanent unless `retry_after` is given: the SDK is told not to retry."""

    status = 409


class Gone(TactusError):
    """What is asked for is not offered any more; the message says what is."""

    status = 410


class TooLarge(TactusError):
    """413: the body exceeds the accepted size."""

    status = 413


class RateLimited(TactusError):
    """429: too many requests."""

    status = 429

    def __init__(self, message: str, *, retry_after: int = 1) -> None:
        super().__init__(message, retry_after=retry_after)


class Unavailable(TactusError):
    """503: a part that this request needs is down for the moment; nothing was stored."""

    status = 503

    def __init__(self, message: str, *, retry_after: int = 1) -> None:
        super().__init__(message, retry_after=retry_after)


class TookTooLong(Unavailable):
    """503: the request took longer than one may; nothing was stored."""

    def __init__(self) -> None:
        super().__init__("the request took longer than it may, and nothing was stored; try again", retry_after=5)


def uniqueness_key_used() -> Conflict:
    """The one answer to a uniqueness key seen before, in the words that Metronome's clients know."""
    return Conflict("This uniqueness key has already been used.")
