"""Description: a run's specs as OpenAPI 3.1, so that clients and people know what to send and what comes back."""

from __future__ import annotations

from typing import Any

import neurarium
from neurarium.data.specs import Classes, Quantity, Targets
from neurarium.serving.mixed_rows import MixedRows, Picture
from neurarium.serving.pixels import Images
from neurarium.serving.predictor import Predictor
from neurarium.serving.rows import Category, Number, Rows
from neurarium.studies.learner import intervals_of
from neurarium.studies.prediction_sets import sets_of

MANY = 200  # categories that are listed
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
    if isinstance(predictor.reader, Images):
        file = {"type": "string", "contentMediaType": "image/*"}
        content["multipart/form-data"] = {"schema": {"type": "object", "properties": {"image": file}}}
        content["image/*"] = {"schema": file}
    answers = {"200": _response("predictions, one per example, in order", "Predictions")}
    answers |= {
        status: _response(text, "Error") for status, text in ERRORS.items() if token or status != "401"
    }
    found: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": f"neurarium: {name}", "version": neurarium.__version__},
        "paths": {
            "/predict": {
                "post": {"requestBody": {"required": True, "content": content}, "responses": answers}
            },
            "/health": {"get": {"responses": {"200": {"description": "the server works"}}}},
            "/metrics": {"get": {"responses": {"200": {"description": "counters as Prometheus text"}}}},
        },
        "components": {
            "schemas": {
                "Example": example_schema(predictor),
                "Prediction": prediction_schema(predictor),
                "Predictions": _object(
                    {"predictions": {"type": "array", "items": {"$ref": "#/components/schemas/Prediction"}}}
                ),
                "Error": _object({"error": _object({"message": {"type": "string"}})}),
            }
        },
    }
    if token:
        found["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        found["security"] = [{"token": []}]
    return found


def example_schema(predictor: Predictor) -> dict[str, Any]:
    """Return the schema of one example."""
    reader = predictor.reader
    if isinstance(reader, Rows):
        columns = {name: _column(reader, name) for name in reader.readers}
        row = {**_object(columns), "additionalProperties": True}
        if isinstance(reader, MixedRows) and reader.preparation.alone:
            row["description"] = "or the text alone, as a JSON string"
        return row
    shape = " x ".join(map(str, reader.shape))
    if isinstance(reader, Images):
        channels, height, width = reader.shape
        image = {
            "description": f"base64 of an image file of any size, or {height} x {width} pixels of {channels} channels",
            "oneOf": [
                {"type": "string", "contentEncoding": "base64", "contentMediaType": "image/*"},
                {"type": "array"},
            ],
        }
        return _object({"image": image})
    return _object({"array": {"type": "array", "description": f"numbers of shape {shape}"}})


def prediction_schema(predictor: Predictor) -> dict[str, Any]:
    """Return the schema of one prediction."""
    bounds = intervals_of(predictor.run) is not None
    targets = predictor.targets
    if isinstance(targets, Targets):
        parts = zip(targets.names, targets.parts, strict=True)
        schema = _object({name: _said(part, bounds) for name, part in parts})
    else:
        schema = _said(targets, bounds)
    if sets_of(predictor.run) is not None:
        schema["properties"]["prediction_set"] = {"type": "string", "description": "classes with commas"}
    notes = {"type": "object", "description": "categories unseen in training, text that is no number"}
    schema["properties"]["notes"] = notes
    return schema


def _said(targets: Classes | Quantity, bounds: bool) -> dict[str, Any]:
    """The schema of what is said of one target."""
    number = {"type": "number"}
    if isinstance(targets, Classes):
        label: dict[str, Any] = {"type": "string"} if targets.several else {"enum": list(targets.names)}
        shares = _object({name: {"type": "number", "minimum": 0, "maximum": 1} for name in targets.names})
        return _object({"prediction": label, "probabilities": shares})
    names = [""] if len(targets.names) == 1 else [f"{name}_" for name in targets.names]
    kinds = ["prediction", *(("low", "high") if bounds else ())]
    return _object({f"{name}{kind}": number for name in names for kind in kinds})


def _column(reader: Rows, name: str) -> dict[str, Any]:
    read = reader.readers[name]
    if isinstance(read, Number):
        fill = next((each.fill for each in reader.preparation.numeric if each.source == name), None)
        kind = ["number", "null"] if read.style == "plain" else ["number", "boolean", "string", "null"]
        return {"type": kind, "examples": [] if fill is None else [fill]}
    if isinstance(read, Category):
        known = sorted(read.known)
        return {
            "type": ["string", "number", "boolean", "null"],
            "description": f"{len(known)} categories; another one counts as unseen",
            "examples": known[:MANY],
        }
    if isinstance(read, Picture):
        return {
            "type": ["string", "null"],
            "contentEncoding": "base64",
            "contentMediaType": "image/*",
            "description": "base64 of an image file of any size",
        }
    return {"type": ["string", "null"], "description": "dates or text, as in the data of the training"}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _response(text: str, schema: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"description": text, "content": content}
