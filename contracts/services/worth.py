"""What a change of a contract throws away of its drafts, counted against the limit of whoever makes it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.utils.module_loading import import_string

from contracts.models import Contract
from core.approvals import count_alone, is_counted
from engine.money import ZERO, subtract

OpenWorth = Callable[[Contract, datetime], Decimal | None]


@contextmanager
def counting_lost_drafts(contract: Contract, *, act: str, now: datetime) -> Iterator[None]:
    """Around a change that drops drafts or cuts them: counts what they bill less after it than before.

    Both are composed, the contract is locked. Costs nothing where nobody's limit is asked. Raises NeedsApproval.
    """
    if not is_counted():
        yield
        return
    open_worth: OpenWorth = import_string(settings.OPEN_WORTH)
    before = open_worth(contract, now)
    yield
    after = open_worth(contract, now)
    worth = None if before is None or after is None else max(ZERO, subtract(before, after))
    count_alone(act=act, subject=contract, worth=worth, now=now)
