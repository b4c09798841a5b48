"""Streaming: an answer in pieces, each a line of JSON, while it is being computed."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

from neurarium.core.errors import UserError
from neurarium.serving.batching import QueueFullError
from neurarium.serving.example import Example
from neurarium.serving.refusals import Refusal, fields

LOG = logging.getLogger("neurarium.serving")
ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
FAILED = Refusal(500, "the server failed, which is our fault; its log says more")


def encoded(answer: Any) -> bytes:
    """Return JSON.

    Raises:
        Refusal: a number is not finite, which JSON does not have.
    """
    try:
        return ENCODER.encode(answer).encode()
    except ValueError as error:
        raise Refusal(500, "the network answers with numbers that are not finite") from error


def queue_full(error: QueueFullError) -> Refusal:
    """Make the refusal for too many that wait."""
    return Refusal(
        503, "too many requests wait", received=str(error), fix="ask again in a second", headers={"retry-after": "1"}
    )  # fmt: skip


async def streamed(turns: Any, example: Example) -> AsyncIterator[bytes]:
    """Yield `{"piece": ...}` again and again, then `{"predictions": [...]}`, a line each; ended early, nobody computes on.

    Raises:
        UserError: why there is no answer.
    """
    loop = asyncio.get_running_loop()
    pieces: asyncio.Queue[Any] = asyncio.Queue()
    asking = asyncio.ensure_future(
        turns.ask([example], lambda piece: loop.call_soon_threadsafe(pieces.put_nowait, piece))
    )
    asking.add_done_callback(lambda _: pieces.put_nowait(None))
    try:
        while (piece := await pieces.get()) is not None:
            yield encoded({"piece": piece}) + b"\n"
        try:
            answers = await asking
        except QueueFullError as error:
            raise queue_full(error) from error
        if isinstance(answers[0], UserError):
            raise answers[0]
        yield encoded({"predictions": answers}) + b"\n"
    finally:
        asking.cancel()


async def begun(lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Wait for the first line, so that a question without an answer is refused with its status.

    Raises:
        UserError: why there is none.
    """
    first = await anext(lines)

    async def all_of_them() -> AsyncIterator[bytes]:
        try:
            yield first
            async for line in lines:
                yield line
        finally:
            await lines.aclose()  # type: ignore[attr-defined]

    return all_of_them()


async def tell(lines: AsyncIterator[bytes], receive: Any, send: Any) -> None:
    """Send lines as they come, until whoever asked has gone."""
    kind = [(b"content-type", b"application/x-ndjson")]
    await send({"type": "http.response.start", "status": 200, "headers": kind})
    gone = asyncio.ensure_future(receive())  # nothing more is to come but the end
    try:
        async for line in lines:
            if gone.done():
                break
            await send({"type": "http.response.body", "body": line, "more_body": True})
    except Exception as error:  # the status is told already: the last line says it
        known = isinstance(error, UserError)
        if not known:
            LOG.exception("a prediction failed")
        told = encoded({"error": fields(error if known else FAILED)}) + b"\n"  # type: ignore[arg-type]
        await send({"type": "http.response.body", "body": told, "more_body": True})
    finally:
        gone.cancel()
        await lines.aclose()  # type: ignore[attr-defined]
    await send({"type": "http.response.body", "body": b""})
