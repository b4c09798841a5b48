"""Turns: long answers are computed side by side, each for a moment at a time, in one thread."""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import torch

from neurarium.serving.batching import QueueFullError
from neurarium.serving.example import Example

MOMENT = 0.02  # seconds of a turn


class Done(NamedTuple):
    """Answers that are complete."""

    answers: Sequence[Any]


@dataclasses.dataclass
class Asked:
    """A request: its answers as they come, and who waits for all of them."""

    answers: list[Any]
    future: asyncio.Future[list[Any]]
    missing: int
    write: Callable[[Any], Any] | None = None


@dataclasses.dataclass
class Part:
    """Examples of a request, and the place of the first in it."""

    examples: Sequence[Example]
    place: int
    asked: Asked
    rows: int


@dataclasses.dataclass
class Turn:
    """Parts of one or more requests that are answered together; `steps` once it has begun."""

    parts: Sequence[Part]
    steps: Generator[Any, None, Any] | None = None

    @property
    def rows(self) -> int:
        return sum(each.rows for each in self.parts)

    @property
    def gone(self) -> bool:
        """Whether nobody waits for it: whoever asked has gone, or another example of the request failed."""
        return all(each.asked.future.done() for each in self.parts)


class Turns:
    """Answers examples side by side, so that a short one is not kept waiting by a long one; each as if it were alone.

    Args:
        begin: `begin(examples)` answers in steps; its value are the answers. Called and gone on with in a thread of its own,
            never twice at once.
        rows: `rows(example)`, how many places it takes.
        size: places; what would take more waits, and one that alone takes more is answered alone.
        queue: most examples that wait.
        moment: seconds of a turn; a step is never cut.
        together: most examples that are begun at once, of one request or of several that wait.
    """

    def __init__(
        self, begin: Callable[[Sequence[Example]], Generator[Any, None, Sequence[Any]]],
        rows: Callable[[Example], int], size: int, queue: int,
        moment: float = MOMENT, together: int = 1,
    ):  # fmt: skip
        self.begin, self.rows, self.size, self.queue = begin, rows, size, queue
        self.moment, self.together = moment, min(together, size)
        self.waiting: collections.deque[Part] = collections.deque()
        self.active: collections.deque[Turn] = collections.deque()
        self.count = self.batches = self.computed = 0
        self._busy = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="neurarium-serve")

    async def ask(self, examples: Sequence[Example], write: Callable[[Any], Any] | None = None) -> list[Any]:
        """Return the answers to some examples; `write` gets what each step yields, in the thread that computes.

        Raises:
            QueueFullError: too many wait already.
        """
        if self.count + len(examples) > self.queue and self.count:
            raise QueueFullError(f"{self.count} examples wait already")
        loop = asyncio.get_running_loop()
        asked = Asked([None] * len(examples), loop.create_future(), len(examples), write)
        for place in range(0, len(examples), self.together):
            taken = examples[place : place + self.together]
            self.waiting.append(Part(taken, place, asked, sum(map(self.rows, taken))))
        self.count += len(examples)
        if not self._busy:
            self._next(loop)
        return await asked.future

    def close(self) -> None:
        """End the thread, once its turn is over."""
        self._thread.shutdown(wait=True)

    def _next(self, loop: asyncio.AbstractEventLoop, latest: Sequence[Turn] = ()) -> None:
        """Let in what there are places for, put the latest turn behind them, and give the first its turn."""
        taken = sum(each.rows for each in (*self.active, *latest))
        entered: list[list[Part]] = []
        while self.waiting and (not taken or taken + self.waiting[0].rows <= self.size):
            each = self.waiting.popleft()
            self.count -= len(each.examples)
            if each.asked.future.done():  # whoever asked has gone
                continue
            taken += each.rows
            self.computed += len(each.examples)
            if entered and sum(len(part.examples) for part in (*entered[-1], each)) <= self.together:
                entered[-1].append(each)
            else:
                entered.append([each])
        self.batches += len(entered)
        self.active.extend(map(Turn, entered))
        self.active.extend(latest)
        self._busy = bool(self.active)
        if self._busy:
            turn = self.active.popleft()
            work = loop.run_in_executor(self._thread, self._go_on, turn)
            work.add_done_callback(lambda done: self._finish(loop, turn, done))

    def _go_on(self, turn: Turn) -> Done | None:
        """Compute for a moment; return the answers when they are complete."""
        until = time.monotonic() + self.moment
        with torch.no_grad():
            if turn.steps is None:
                turn.steps = self.begin([each for part in turn.parts for each in part.examples])
            while True:
                try:
                    said = next(turn.steps)
                except StopIteration as end:
                    return Done(end.value)
                write = turn.parts[0].asked.write
                if said and write is not None:  # pieces come one by one where examples are begun one by one
                    write(said)
                if time.monotonic() >= until:
                    return None

    def _finish(self, loop: asyncio.AbstractEventLoop, turn: Turn, done: asyncio.Future[Done | None]) -> None:
        error, latest = done.exception(), []
        if turn.gone:
            pass
        elif error is not None:
            for part in turn.parts:
                if not part.asked.future.done():
                    part.asked.future.set_exception(error)
        elif (result := done.result()) is None:
            latest = [turn]
        else:
            _hand_out(turn, list(result.answers))
        self._next(loop, latest)


def _hand_out(turn: Turn, answers: list[Any]) -> None:
    """Give each request its answers; one that has all of them is answered."""
    for part in turn.parts:
        count = len(part.examples)
        part.asked.answers[part.place : part.place + count], answers = answers[:count], answers[count:]
        part.asked.missing -= count
        if not part.asked.missing and not part.asked.future.done():
            part.asked.future.set_result(part.asked.answers)
