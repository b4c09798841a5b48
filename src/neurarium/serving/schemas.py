"""Schemas: the few forms of JSON Schema that descriptions of examples and answers are made of."""

from __future__ import annotations

from typing import Any

NUMBER: dict[str, Any] = {"type": "number"}
TEXT: dict[str, Any] = {"type": "string"}
TIME: dict[str, Any] = {"type": ["string", "number"]}


def made_of(properties: dict[str, Any], required: list[str] | None = None) -> dict[str, Any]:
    """Return the schema of an object; all of its properties are required where nothing else is said."""
    needed = list(properties) if required is None else required
    return {"type": "object", "properties": properties, "required": needed}


def list_of(items: dict[str, Any], description: str = "", **more: Any) -> dict[str, Any]:
    """Return the schema of an array."""
    said = {"description": description} if description else {}
    return {"type": "array", "items": items, **said, **more}


def file_of(media: str, description: str) -> dict[str, Any]:
    """Return the schema of a file in base64.

    >>> file_of("image", "a picture")["contentMediaType"]
    'image/*'
    """
    return {
        "type": "string", "contentEncoding": "base64", "contentMediaType": f"{media}/*", "description": description,
    }  # fmt: skip
