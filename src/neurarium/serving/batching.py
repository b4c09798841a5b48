"""Batching: questions of many requests are gathered and answered together, in one thread."""

from __future__ import annotations

import asyncio
import collections
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from neurarium.core.errors import NeurariumError
from neurarium.serving.example import Example


class QueueFullError(NeurariumError):
    """More examples wait than the server holds."""


class Waiting(NamedTuple):
    """The examples of one request, and where their answers go."""

    examples: Sequence[Example]
    future: asyncio.Future[list[Any]]


class Batcher:
    """Gathers examples up to a number or a time, whichever comes first; while a batch is computed the next one fills.

    Args:
        answer: `answer(examples) -> answers`, called in a thread of its own, never twice at once.
        size: most examples per batch; a request with more is computed as one.
        delay: seconds that the first of a batch waits for others.
        queue: most examples that wait.
    """

    def __init__(self, answer: Callable[[Sequence[Example]], list[Any]], size: int, delay: float, queue: int):
        self.answer, self.size, self.delay, self.queue = answer, size, delay, queue
        self.waiting: collections.deque[Waiting] = collections.deque()
        self.count = self.batches = self.computed = 0
        self._busy = False
        self._timer: asyncio.TimerHandle | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="neurarium-serve")

    async def ask(self, examples: Sequence[Example]) -> list[Any]:
        """Return the answers to some examples.

        Raises:
            QueueFullError: too many wait already.
        """
        if self.count + len(examples) > self.queue and self.count:
            raise QueueFullError(f"{self.count} examples wait already")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[list[Any]] = loop.create_future()
        self.waiting.append(Waiting(examples, future))
        self.count += len(examples)
        if not self._busy:
            if self.count >= self.size or not self.delay:
                self._start(loop)
            elif self._timer is None:
                self._timer = loop.call_later(self.delay, self._start, loop)
        return await future

    def close(self) -> None:
        """End the thread, once what it computes is done."""
        self._thread.shutdown(wait=True)

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hand a batch to the thread, unless it is at work."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._busy or not self.waiting:
            return
        taken: list[Waiting] = []
        size = 0
        while self.waiting and (not taken or size + len(self.waiting[0].examples) <= self.size):
            each = self.waiting.popleft()
            self.count -= len(each.examples)
            if not each.future.cancelled():  # whoever asked has gone
                taken.append(each)
                size += len(each.examples)
        if not taken:
            return
        self._busy = True
        self.batches += 1
        self.computed += size
        examples = [example for each in taken for example in each.examples]
        work = loop.run_in_executor(self._thread, self.answer, examples)
        work.add_done_callback(lambda done: self._finish(loop, taken, done))

    def _finish(
        self, loop: asyncio.AbstractEventLoop, taken: list[Waiting], done: asyncio.Future[list[Any]]
    ) -> None:
        self._busy = False
        error = done.exception()
        start = 0
        for each in taken:
            end = start + len(each.examples)
            if not each.future.done():
                if error is not None:
                    each.future.set_exception(error)
                else:
                    each.future.set_result(done.result()[start:end])
            start = end
        self._start(loop)
