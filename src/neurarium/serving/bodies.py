"""Bodies: what a request brings, read within limits of size and time, as checked examples."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from neurarium.core.errors import DataError
from neurarium.serving.refusals import Refusal
from neurarium.serving.settings import Settings

DEEPEST = 32  # arrays and objects within each other; a float image has four
JSON, FORM = "application/json", "multipart/form-data"
NESTING = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]')


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value; null stands for a missing one")


DECODER = json.JSONDecoder(parse_constant=_no_constant)


async def read_body(receive: Any, length: str, settings: Settings) -> bytes:
    """Read a request's body; the time that it takes is bounded by the protocol.

    Args:
        receive: of ASGI.
        length: what the request says of its size; empty where it says nothing.
        settings: the limits.

    Raises:
        Refusal: 413 too large, 400 the one who asked has gone.
    """
    if length.isdigit() and int(length) > settings.limit:
        raise too_large(settings)
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise Refusal(400, "the connection was closed before the request was whole", close=True)
        part, more = message.get("body", b""), message.get("more_body", False)
        size += len(part)
        if size > settings.limit:
            raise too_large(settings)
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def too_large(settings: Settings) -> Refusal:
    """Make the refusal of a body over the limit."""
    return Refusal(
        413, "the request is too large", expected=f"at most {settings.limit:,} bytes", fix="send fewer examples at once",
        close=True,
    )  # fmt: skip


def questions(body: bytes, content_type: str, media: str = "") -> list[Any]:
    """Return the examples of a body, one or several, still unchecked.

    Args:
        body: JSON, a form with files, or the bytes of one file.
        content_type: as the request says.
        media: "image" or "audio" where the run takes such files; else empty.

    Raises:
        Refusal: 400 no JSON, 415 another type.
        DataError: no example in it.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if media and kind == FORM:
        found: list[Any] = files_of(body, content_type)
    elif media and (kind.startswith(f"{media}/") or kind == "application/octet-stream"):
        found = [body]
    elif kind == JSON or kind.endswith("+json"):
        value = read_json(body)
        found = value if _are_several(value) else [value]
    else:
        raise Refusal(
            415, "the body has a type that is not read here", received=kind or "no content-type",
            expected=f"{JSON}, {FORM} or {media}/*" if media else JSON,
        )  # fmt: skip
    if not found or found == [b""]:
        raise DataError("the request holds no example", expected="one or more", received="none")
    return found


def read_json(body: bytes) -> Any:
    """Parse JSON strictly: no NaN, no depth that costs more than it says.

    Raises:
        Refusal: 400, with the place of the first error.
    """
    if body.count(b"[") + body.count(b"{") > DEEPEST and _depth(body) > DEEPEST:
        raise Refusal(400, "the JSON is nested too deeply", expected=f"at most {DEEPEST} levels")
    try:
        return DECODER.decode(body.decode())
    except UnicodeDecodeError as error:
        raise Refusal(400, "the body is no JSON: it is not UTF-8", received=f"byte {error.start}") from error
    except (ValueError, RecursionError) as error:
        raise Refusal(400, f"the body is no JSON: {error}", expected="JSON") from error


def files_of(body: bytes, content_type: str) -> list[bytes]:
    """Return the contents of the files of a form (multipart/form-data), in their order.

    Raises:
        Refusal: 400 no form.

    >>> body = b'--x\\r\\nContent-Disposition: form-data; name="image"; filename="a"\\r\\n\\r\\nbytes\\r\\n--x--\\r\\n'
    >>> files_of(body, "multipart/form-data; boundary=x")
    [b'bytes']
    """
    found = re.search(r'boundary="?([^";,\r\n]{1,70})"?', content_type)
    if found is None:
        raise Refusal(400, "the form has no boundary", expected=f"{FORM}; boundary=...")
    mark = b"\r\n--" + found[1].encode("latin-1")
    parts = (b"\r\n" + body).split(mark)
    if len(parts) < 3 or not parts[-1].startswith(b"--"):
        raise Refusal(400, "the form is not whole", expected="parts between boundaries, and a closing one")
    files = []
    for part in parts[1:-1]:
        head, mark_, content = part.partition(b"\r\n\r\n")
        if mark_ and re.search(rb"content-disposition:[^\r\n]*filename", head, re.IGNORECASE):
            files.append(content)
    return files


def _are_several(value: Any) -> bool:
    """An array of objects is several examples; so is an array of texts. Bare numbers are one example."""
    if not isinstance(value, list):
        return False
    return not value or all(isinstance(each, Mapping) for each in value) or not _is_numbers(value)


def _is_numbers(value: Any) -> bool:
    while isinstance(value, list) and value:
        value = value[0]
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _depth(body: bytes) -> int:
    deepest = depth = 0
    for found in NESTING.finditer(body):
        mark = found[0]
        if mark in (b"[", b"{"):
            depth += 1
            deepest = max(deepest, depth)
            if deepest > DEEPEST:
                break
        elif mark in (b"]", b"}"):
            depth -= 1
    return deepest
