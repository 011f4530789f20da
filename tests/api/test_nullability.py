"""Null and required in our description, held against the reference description where a copy of it is there."""

import json
import re
from typing import Any

import pytest

from tests.described import description, nodes, resolved
from tests.reference import DESCRIPTION, needs_description

pytestmark = needs_description
LATER = {"/v1/ingest"}
"""Answers that only Tactus gives a body."""


def answers(doc: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """The schemas of answers, by method and path without the names of its parameters."""
    found = {}
    for path, methods in doc["paths"].items():
        for method, operation in methods.items():
            for status, answer in operation.get("responses", {}).items() if isinstance(operation, dict) else ():
                schema = answer.get("content", {}).get("application/json", {}).get("schema")
                if status == "200" and schema is not None:
                    found[method, re.sub(r"\{\w+\}", "{}", path)] = schema
    return found


@pytest.fixture(scope="module")
def both() -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """What both describe: name, our parts by path, theirs."""
    theirs, ours = json.loads(DESCRIPTION.read_text()), description()
    asked = answers(theirs)
    return [
        (f"{name[0]} {name[1]}", dict(nodes(schema, ours)), dict(nodes(asked[name], theirs)))
        for name, schema in answers(ours).items()
        if name in asked and name[1] not in LATER
    ]


def says_what_it_is(part: dict[str, Any]) -> bool:
    """A schema without a type allows anything, null too."""
    return bool(part.get("type") or part.get("properties"))


def test_null_can_come_only_where_clients_expect_it(both: list[tuple[str, dict[str, Any], dict[str, Any]]]) -> None:
    assert len(both) > 40
    found = [
        f"{name} {path}"
        for name, ours, theirs in both
        for path, part in ours.items()
        if part.get("nullable") and path in theirs and says_what_it_is(theirs[path])
        if not theirs[path].get("nullable")
    ]
    assert found == []


def test_what_clients_rely_on_is_always_there(both: list[tuple[str, dict[str, Any], dict[str, Any]]]) -> None:
    found = [
        f"{name} {path}.{key}"
        for name, ours, theirs in both
        for path, part in ours.items()
        if path in theirs and part.get("properties")
        for key in theirs[path].get("required", ())
        if key not in part.get("required", ())
    ]
    assert found == []


def test_a_reference_beside_nullable_is_what_it_refers_to() -> None:
    doc = {"components": {"schemas": {"Thing": {"type": "object", "properties": {"id": {"type": "string"}}}}}}
    beside = {"$ref": "#/components/schemas/Thing", "nullable": True}
    assert "nullable" not in resolved(beside, doc)
    assert [path for path, _ in nodes({"type": "array", "items": beside}, doc)] == ["", "[]", "[].id"]
