"""Protocol: HTTP whose requests are bounded in time and whose heads in size, so that a slow one holds no connection."""

from __future__ import annotations

import asyncio
import functools
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

SLOW, LARGE = b"408 Request Timeout", b"431 Request Header Fields Too Large"
PROBLEMS = {SLOW: b"the request came too slowly", LARGE: b"the head of the request is too large"}


def bounded(seconds: float, most: int) -> Any:
    """Return uvicorn's protocol for requests that arrive within `seconds`, with heads of at most `most` bytes."""
    return functools.partial(BoundedProtocol, seconds=seconds, most=most)


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1, with a bound on the time of a request and on the bytes of its head.

    Args:
        seconds: from the beginning of a connection, or of a request on it, to the end of the request.
        most: bytes of a head.
    """

    def __init__(self, *arguments: Any, seconds: float, most: int, **options: Any):
        super().__init__(*arguments, **options)
        self.seconds, self.most, self.received = seconds, most, 0
        self.in_head = True
        self.deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._begin()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._begin()

    def on_headers_complete(self) -> None:
        self.in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._end()
        super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        self.received = self.received + len(data) if self.in_head else 0
        super().data_received(data)
        if self.in_head and self.received > self.most:
            self._refuse(LARGE)

    def _begin(self) -> None:
        self.in_head = True
        if self.deadline is None:
            self.deadline = self.loop.call_later(self.seconds, self._refuse, SLOW)

    def _end(self) -> None:
        if self.deadline is not None:
            self.deadline.cancel()
            self.deadline = None

    def _refuse(self, status: bytes) -> None:
        self._end()
        if self.transport.is_closing():
            return
        problem = PROBLEMS[status]
        body = b'{"error":{"message":"%s","problem":"%s"}}' % (problem, problem)
        head = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d" % len(body)
        self.transport.write(b"HTTP/1.1 " + status + b"\r\n" + head + b"\r\n\r\n" + body)
        self.transport.close()
