"""Whatever fits the description or nearly does, by schemathesis: never a server error, every refusal says why."""

import os

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from metronome import Metronome
from schemathesis import GenerationMode

from core.exact_json import loads
from tests import described
from tests.scenarios.world import World

# FUZZ_EXAMPLES=100 pytest tests/api/test_fuzz.py looks harder.
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "3"))


@pytest.fixture
def known(sdk: Metronome) -> dict[str, str]:
    """Ids that exist, by the names they have in paths and bodies."""
    world = World(sdk)
    metric, product, card = world.priced(tiers=[{"size": 1, "price": 1}, {"price": 2}])
    customer = world.customer(ingest_aliases=["alias"])
    contract = world.open_contract(customer, card, 20, "WEEKLY")
    world.use(customer, metric, 3, world.days_ago(19))
    world.run_due_work()
    invoice = world.invoices(customer)[0]
    return {
        "customer_id": customer,
        "contract_id": contract,
        "rate_card_id": card,
        "product_id": product,
        "billable_metric_id": metric.id,
        "metric_id": metric.id,
        "invoice_id": invoice.id,
        "line_id": invoice.line_items[0].id,
    }


# An `id` in a body is that of what the path is about.
SUBJECTS = {
    "invoices": "invoice_id", "billable-metrics": "metric_id", "products": "product_id", "rate-cards": "rate_card_id",
    "customers": "customer_id",
}  # fmt: skip


def about_what_exists(case: schemathesis.Case, known: dict[str, str]) -> schemathesis.Case:
    """The request, from now on with ids that exist."""
    case.path_parameters = {name: known.get(name, value) for name, value in (case.path_parameters or {}).items()}
    subject = next((known[name] for part, name in SUBJECTS.items() if part in case.path), None)
    if isinstance(case.body, dict):
        ids = known | ({"id": subject} if subject else {})
        case.body = {name: ids.get(name, value) for name, value in case.body.items()}
    return case


def test_no_request_is_a_server_error(known: dict[str, str], api_key: str) -> None:
    from billing_site.wsgi import application

    faults: list[str] = []
    headers = {"Authorization": f"Bearer {api_key}"}
    schema = schemathesis.openapi.from_wsgi("/openapi.json", application)
    for found in schema.get_all_operations():

        @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(case=st.one_of(found.ok().as_strategy(generation_mode=mode) for mode in GenerationMode))
        def hold(case: schemathesis.Case) -> None:
            for prepare in (lambda: case, lambda: about_what_exists(case, known)):
                answer = prepare().call(headers=headers)
                assert answer.status_code < 500, f"{case.method} {case.formatted_path}: {answer.text}"
                wrong = described.faults(case.method, case.formatted_path, answer.content, answer.status_code)
                assert not wrong, wrong
                if answer.status_code >= 400:
                    assert loads(answer.content)["message"]

        try:
            hold()
        except AssertionError as fault:
            faults.append(f"{fault} {fault.__notes__}")
    assert faults == []
