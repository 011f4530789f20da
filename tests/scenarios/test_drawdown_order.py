"""Which balance burns first, told through the API alone. Rules and tables: docs/algorithms/balances.md."""

from tests.scenarios.balance_world import BalanceWorld
from tests.scenarios.world import exact


def test_a_commit_for_one_region_burns_before_an_unrestricted_one_that_ends_earlier(balances: BalanceWorld) -> None:
    """Equal priority and cost. The specifier names no product, and restricts its commit all the same."""
    w = balances
    metric = w.metric(groups=[["region"]])
    product, card = w.product(metric, pricing_group_key=["region"]), w.card()
    for region in ("us-east-1", "eu-north-1"):
        w.rate(card, product, price=100, pricing_group_values={"region": region})
    customer = w.customer()
    regional = [{"pricing_group_values": {"region": "us-east-1"}}]
    bought = {"priority": 1, "invoiced": [(w.days_ago(5), 1000)]}
    w.open_contract(
        customer,
        card,
        commits=[
            w.prepaid(1000, w.days_ago(5), w.days_ago(-60), name="Everywhere", **bought),
            w.prepaid(1000, w.days_ago(5), w.days_ago(-300), name="us-east-1", specifiers=regional, **bought),
        ],
    )

    def left() -> dict[str, int]:
        return {row.name: int(exact(row.balance)) for row in w.held(customer)}

    w.use(customer, metric, 4, w.days_ago(2), region="us-east-1")
    assert left() == {"Everywhere": 1000, "us-east-1": 600}
    w.use(customer, metric, 3, w.days_ago(2), region="eu-north-1")
    assert left() == {"Everywhere": 700, "us-east-1": 600}
    w.use(customer, metric, 8, w.days_ago(2), region="us-east-1")
    assert left() == {"Everywhere": 500, "us-east-1": 0}
    [running] = [row for row in w.invoices(customer) if row.type == "USAGE"]
    applied = {exact(line.total) for line in running.line_items if line.type == "applied_commit_or_credit"}
    assert applied == {-1000, -200, -300}
    assert exact(running.total) == 0
