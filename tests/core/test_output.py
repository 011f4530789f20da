"""Which keys an answer has: null is written where a field says so, and nowhere else."""

from dataclasses import dataclass
from typing import Any

import pytest
from rest_framework import serializers

from core.api.output import FilledField, Output, told


class ThingOutput(Output):
    """One field of each sort."""

    always = serializers.CharField()
    nullable = serializers.CharField(allow_null=True)
    optional = serializers.CharField(required=False)
    cleared = serializers.CharField(required=False, allow_null=True)
    filled = FilledField()


@dataclass
class Thing:
    always: str = "a"
    nullable: str | None = None
    optional: str | None = None
    cleared: str | None = None
    filled: str = ""


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (Thing(), {"always": "a", "nullable": None, "cleared": None}),
        (
            Thing(optional="o", filled="f"),
            {"always": "a", "nullable": None, "cleared": None, "optional": "o", "filled": "f"},
        ),
        ({"always": "a", "nullable": None}, {"always": "a", "nullable": None}),
        ({"always": "a", "nullable": "n", "cleared": None}, {"always": "a", "nullable": "n", "cleared": None}),
        ({"always": "a", "nullable": "n", "optional": None, "filled": ""}, {"always": "a", "nullable": "n"}),
    ],
)
def test_what_has_no_value_is_left_out(given: Any, shown: dict[str, Any]) -> None:
    assert ThingOutput.of(given) == shown
    assert ThingOutput.of_each([given]) == [shown]


def test_what_was_emptied_is_named() -> None:
    assert told({"name": "n", "priority": None, "end": None}) == {"name": "n", "cleared": ["priority", "end"]}
    assert told({"name": "n"}) == {"name": "n"}
