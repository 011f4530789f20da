"""Which names share the colours of a customer's charts: those of the whole plan, whatever a range shows of it."""

from uuid import UUID

from catalog.selectors import priced_group_values, priced_names
from console.ranges import PRODUCT
from contracts.selectors import list_contracts
from presentation.groups import GroupNames


def plan_names(*, customer_id: UUID, by: str, names: GroupNames | None = None) -> set[str]:
    """What the customer's rate cards price, as charts call it: products, or the values of the group key `by`.

    One query. A group key that nothing is priced by has no values here.
    """
    contracts = list_contracts(customer_id=customer_id).order_by()
    cards = contracts.filter(rate_card__isnull=False).values_list("rate_card_id", flat=True)
    if by == PRODUCT:
        return priced_names(rate_card_ids=cards)
    called = names or GroupNames()
    return {called.value(by, value) for value in priced_group_values(rate_card_ids=cards, key=by)}
