"""Description: a run's specs as OpenAPI 3.1, so that clients and people know what to send and what comes back."""

from __future__ import annotations

from typing import Any

import neurarium
from neurarium.report.question import question
from neurarium.serving.predictor import Predictor
from neurarium.serving.schemas import made_of

ERRORS = {
    "400": "no JSON", "401": "no valid token", "408": "the request came too slowly", "413": "the request is too large",
    "415": "a type that is not read here", "422": "data that does not fit that of the training",
    "503": "too many requests wait",
}  # fmt: skip


def description(predictor: Predictor, name: str, token: bool) -> dict[str, Any]:
    """Return the OpenAPI document of a served run.

    Args:
        predictor: what answers.
        name: of the run.
        token: whether requests need one.
    """
    example = {"$ref": "#/components/schemas/Example"}
    several = {"type": "array", "items": example, "minItems": 1}
    content: dict[str, Any] = {"application/json": {"schema": {"oneOf": [example, several]}}}
    if media := predictor.reader.media:
        file = {"type": "string", "contentMediaType": f"{media}/*"}
        content["multipart/form-data"] = {"schema": {"type": "object", "properties": {"file": file}}}
        content[f"{media}/*"] = {"schema": file}
    answers = {"200": _response("predictions, one per example, in order", "Predictions")}
    answers |= {
        status: _response(text, "Error") for status, text in ERRORS.items() if token or status != "401"
    }
    found: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": f"neurarium: {name}",
            "description": f"Asked: {question(predictor.run)}.",
            "version": neurarium.__version__,
        },
        "paths": {
            "/predict": {
                "post": {"requestBody": {"required": True, "content": content}, "responses": answers}
            },
            "/health": {"get": {"responses": {"200": {"description": "the server works"}}}},
            "/metrics": {"get": {"responses": {"200": {"description": "counters as Prometheus text"}}}},
        },
        "components": {
            "schemas": {
                "Example": predictor.reader.schema(),
                "Prediction": prediction_schema(predictor),
                "Predictions": made_of(
                    {"predictions": {"type": "array", "items": {"$ref": "#/components/schemas/Prediction"}}}
                ),
                "Error": made_of({"error": made_of({"message": {"type": "string"}})}),
            }
        },
    }
    if token:
        found["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        found["security"] = [{"token": []}]
    return found


def prediction_schema(predictor: Predictor) -> dict[str, Any]:
    """Return the schema of one prediction: the answer, and what is worth a note."""
    schema = predictor.answers.schema()
    notes = {"type": "object", "description": "what was unseen in training, unreadable, or cut"}
    return {**schema, "properties": {**schema["properties"], "notes": notes}}


def _response(text: str, schema: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"description": text, "content": content}
