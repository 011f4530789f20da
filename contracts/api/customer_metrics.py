"""`/v1/customers/{customer_id}/billable-metrics`: here, because contracts say what a customer pays for."""

from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.metrics import MetricOutput
from catalog.selectors import list_metrics, priced_metric_ids
from contracts.selectors import list_contracts
from core.api.fields import parse_flag, read_query
from core.api.output import PAGING, page_of
from core.api.paging import page_request, paginate
from core.api.views import ApiView, listing
from core.clock import now
from customers.selectors import require_customer


class CustomerMetrics(ApiView):
    """Billable metrics from a customer's side."""

    resource = "catalog"

    @extend_schema(
        parameters=[
            *PAGING,
            OpenApiParameter("on_current_plan", bool, description="Only what contracts in force price at the moment."),
            OpenApiParameter("include_archived", bool),
        ],
        responses=page_of(MetricOutput),
    )
    def get(self, request: Request, customer_id: UUID) -> Response:
        """List the metrics that count for a customer, newest first."""
        query = read_query(request, on_current_plan=parse_flag, include_archived=parse_flag)
        require_customer(customer_id=customer_id)
        found = list_metrics(include_archived=bool(query["include_archived"]))
        if query["on_current_plan"]:
            at = now()
            cards = list_contracts(customer_id=customer_id, covering_date=at).values_list("rate_card_id", flat=True)
            found = found.filter(pk__in=priced_metric_ids(rate_card_ids=[card for card in cards if card], at=at))
        rows, next_page = paginate(found, page_request(request))
        return listing(MetricOutput.of_each(rows), next_page)
