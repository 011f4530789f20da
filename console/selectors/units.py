"""The units view: one of the customer's metrics over time, as it was counted rather than charged."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from catalog.models import BillableMetric
from catalog.selectors import list_metrics, priced_metric_ids
from console.options import group_names
from console.ranges import STEPS, Choice, UsageQuestion, preset_choices, read_question, step_choices
from console.selectors.access import Viewer
from console.selectors.palette import plan_names
from console.selectors.periods import billing_periods
from console.selectors.quantities import Quantities, draw, key_choices, quantities
from contracts.selectors import list_contracts
from presentation import formatting
from presentation.charts.stacked_bars import MAX_SERIES, StackedBars
from presentation.groups import GroupNames


@dataclass(frozen=True, slots=True)
class UnitsPanel:
    """The filter as it was understood, and the answer. `chart` is None where nothing counted; `note` says why columns
    do not add up, `hidden` how many parts the chart leaves out because of that.
    """

    question: UsageQuestion
    presets: tuple[Choice, ...]
    steps: tuple[Choice, ...]
    metrics: tuple[Choice, ...]
    keys: tuple[Choice, ...]
    chart: StackedBars | None
    headline: str
    days: str
    covers: str
    note: str
    hidden: int
    first_day: str
    last_day: str

    @property
    def is_custom(self) -> bool:
        """Whether the days are given rather than a preset."""
        return self.question.preset == "custom"


def plan_metrics(*, customer_id: UUID, now: datetime) -> list[BillableMetric]:
    """The metrics that the customer's contracts price, by name. Four queries."""
    cards = list_contracts(customer_id=customer_id).order_by().values_list("rate_card_id", flat=True)
    ids = priced_metric_ids(rate_card_ids=[card for card in cards if card], at=now)
    return list(list_metrics(include_archived=True).filter(pk__in=ids).order_by("name", "id"))


def units_panel(viewer: Viewer, query: dict[str, str], *, now: datetime) -> UnitsPanel:
    """The whole panel for a query string."""
    periods = billing_periods(customer_id=viewer.customer_id, now=now)
    question = read_question({"by": "", **query}, periods=periods, now=now)
    metrics = plan_metrics(customer_id=viewer.customer_id, now=now)
    names = group_names(viewer.options)
    metric = _chosen(metrics, question)
    found = _quantities(viewer, question, metric, names) if metric else None
    keys = key_choices(metric) if metric else {}
    among = (
        plan_names(customer_id=viewer.customer_id, by=found.keys[0], names=names)
        if found and len(found.keys) == 1
        else set()
    )
    days = formatting.period(question.start, question.end)
    return UnitsPanel(
        question=question,
        presets=tuple(preset_choices(periods, question)),
        steps=step_choices(question),
        metrics=tuple(Choice(str(m.pk), m.name, m == metric) for m in metrics),
        keys=(
            Choice("", "Nothing", question.by not in keys),
            *(
                Choice(word, " and ".join(names.key(part) for part in key).capitalize(), question.by == word)
                for word, key in keys.items()
            ),
        ),
        chart=draw(found, among) if found and not found.is_empty else None,
        headline=metric.name if metric else "Units",
        days=days,
        covers=f"{found.kind.covers}{days}" if found else days,
        note=found.note if found else "",
        hidden=max(0, len(found.wholes) + found.left_out - MAX_SERIES) if found and not found.kind.adds_up else 0,
        first_day=f"{question.start:%Y-%m-%d}",
        last_day=f"{question.end - STEPS['day']:%Y-%m-%d}",
    )


def units_table(
    viewer: Viewer, query: dict[str, str], *, now: datetime
) -> tuple[UsageQuestion, Quantities | None, GroupNames]:
    """The exact numbers behind the panel's chart, for the CSV; None where the customer's plan meters nothing."""
    periods = billing_periods(customer_id=viewer.customer_id, now=now)
    question = read_question({"by": "", **query}, periods=periods, now=now)
    metric = _chosen(plan_metrics(customer_id=viewer.customer_id, now=now), question)
    names = group_names(viewer.options)
    return question, _quantities(viewer, question, metric, names) if metric else None, names


def _chosen(metrics: list[BillableMetric], question: UsageQuestion) -> BillableMetric | None:
    """The metric asked for if it is one of the customer's, else the first."""
    return next((metric for metric in metrics if str(metric.pk) == question.show), metrics[0] if metrics else None)


def _quantities(viewer: Viewer, question: UsageQuestion, metric: BillableMetric, names: GroupNames) -> Quantities:
    return quantities(
        customer_id=viewer.customer_id,
        metric=metric,
        keys=key_choices(metric).get(question.by, ()),
        start=question.start,
        end=question.end,
        step=question.step,
        names=names,
    )
