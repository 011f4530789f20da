"""What stands in a header and in an attribute is an exact origin, whoever writes the row."""

import pytest
from django.db import IntegrityError, transaction

from console.models import EmbedOrigin
from console.services import register_origin
from core.clock import now
from core.errors import InvalidInput

ODD = (
    "https://a.example/", "http://a.example", "https://*.example", "https://a.example' x", 'https://a.example"', "*",
    "https://a.example; script-src *", "https://a.example https://b.example", "javascript:alert(1)", "https://u@a.example",
    "https://a.example\n", "https://<b>", "https://A.example", "https://é.example", "https://a..example", "",
)  # fmt: skip


@pytest.mark.django_db
def test_only_exact_origins_are_stored() -> None:
    for odd in ODD:
        with pytest.raises(InvalidInput):
            register_origin(origin=odd, now=now())
        with pytest.raises(IntegrityError), transaction.atomic():
            EmbedOrigin.objects.create(origin=odd, created_at=now())
    for good in ("https://app.example.com", "https://a-b.example:8443", "http://localhost:8000", "http://127.0.0.1"):
        assert register_origin(origin=good, now=now()).origin == good
