"""/openapi.json is complete and true: descriptions, problems, examples, and no violation."""

import json
from typing import Any

import jsonschema_rs
import pytest

from app.errors import TITLES
from tests.app.http.examples import FILE, taken, with_registry
from tests.app.http.service import Service, running


@pytest.fixture
def schema(service: Service) -> dict[str, Any]:
    answer = service.client.get("/openapi.json")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def operations(schema: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]


def test_every_operation_is_described_with_its_problems(schema):
    found = operations(schema)
    assert len(found) > 40
    for name, operation in found:
        assert operation["summary"], name
        assert operation["tags"], name
        assert len(operation["responses"]) > 0
        if "security" in operation:
            for status in ("401", "403", "503"):
                content = operation["responses"][status]["content"]
                assert "application/problem+json" in content, name
    assert "HTTPValidationError" not in schema["components"]["schemas"]
    assert set(schema["x-problem-types"]) == set(TITLES)


def test_references_resolve(schema):
    known = schema["components"]["schemas"]
    text = json.dumps(schema)
    for reference in set(_references(schema)):
        assert reference.removeprefix("#/components/schemas/") in known, reference
    assert "clr_" not in text.replace("clr_shown-once", "").replace("clr_…", "").replace(
        "clr_\\u2026", ""
    )


def _references(value: Any) -> list[str]:
    match value:
        case dict():
            own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            return own + [r for item in value.values() for r in _references(item)]
        case list():
            return [r for item in value for r in _references(item)]
        case _:
            return []


def test_the_examples_are_a_real_runs_and_current_in_shape(settings, tmp_path):
    with running(with_registry(settings, tmp_path)) as service:
        fresh = taken(service)
    committed = json.loads(FILE.read_text("utf-8"))
    assert _shape(committed) == _shape(fresh), "run: python -m tests.app.http.examples"


def _shape(value: Any, name: str = "") -> Any:
    """Keys and types; proofs and lists have as many items as the run happened to have."""
    match value:
        case dict():
            return {key: _shape(item, key) for key, item in value.items()}
        case list():
            return [_shape(value[0])] if value and name != "proof" else []
        case _:
            return type(value).__name__


def test_the_examples_fit_the_schema(schema, settings, tmp_path):
    checked = 0
    with running(with_registry(settings, tmp_path)) as service:
        fresh = taken(service)
    for name, example in fresh.items():
        method, path, *variant = name.split(" ", 2)
        operation = schema["paths"][path][method.lower()]
        content = operation["responses"][str(example["status"])]["content"]["application/json"]
        assert content["example"]
        root = {**content["schema"], "components": schema["components"]}
        jsonschema_rs.validator_for(root).validate(example["response"])
        if "request" in example:
            kind = "text/csv" if isinstance(example["request"], str) else "application/json"
            body = operation["requestBody"]["content"][kind]
            shown = body["examples"] if "examples" in body else {"usual": body["example"]}
            assert (variant or ["usual"])[0] in shown
            root = {**body["schema"], "components": schema["components"]}
            jsonschema_rs.validator_for(root).validate(example["request"])
        checked += 1
    assert checked >= 10
