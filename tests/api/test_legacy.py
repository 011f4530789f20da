"""What Metronome's SDK still has and Metronome itself has left behind says so, and what takes its place."""

import re
from typing import Any

import httpx
import pytest

from billing_site.legacy import SUCCESSORS
from tests.conftest import BASE
from tests.sdk_methods import sdk_methods

SOMEBODY = "3f9b6d5e-0a6c-4f0e-9b0b-0d6f6a3c1c11"
LEGACY = re.compile(r"^v1\.(plans|credit_grants|customers\.plans|customers\.billing_config)\.|\.(amend|add_charge)$")
OTHERS = ("schedule_pro_services_invoice", "upsert_avalara_credentials")
METHODS = [one for one in sdk_methods() if LEGACY.search(one.name) or one.name.endswith(OTHERS)]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_each_answers_410_and_names_its_successor(http: httpx.Client, method: Any) -> None:
    url = re.sub(r"\{[^}]+\}", SOMEBODY, method.path)
    answer = http.request(method.verb, url, json={} if method.verb == "post" else None)
    assert answer.status_code == 410, (url, answer.text)
    assert answer.json()["message"].startswith(f"{url} is not part of Tactus; use ")
    assert answer.headers["x-should-retry"] == "false"


def test_all_of_them_are_asked() -> None:
    assert len(METHODS) >= len(SUCCESSORS)


def test_nobody_without_a_key_hears_it(wsgi: httpx.WSGITransport, db: None) -> None:
    with httpx.Client(transport=wsgi, base_url=BASE) as nobody:
        assert nobody.get("/v1/plans").status_code == 401
