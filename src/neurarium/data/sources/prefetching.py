"""Prefetching: a thread computes what comes next while the present is used; the order stays as it is."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

Item = TypeVar("Item")


def prefetched(items: Iterable[Item], depth: int = 1) -> Iterator[Item]:
    """Yield the items of an iterable, computed up to `depth` ahead by one thread; 0 computes them here.

    An exception of the iterable is raised here. The thread ends when the iterator is closed.

    >>> list(prefetched(iter([1, 2, 3])))
    [1, 2, 3]
    """
    if depth < 1:
        yield from items
        return
    ready: queue.Queue[tuple[str, Any]] = queue.Queue(depth)
    closed = threading.Event()

    def put(kind: str, value: Any) -> None:
        while not closed.is_set():
            try:
                return ready.put((kind, value), timeout=0.1)
            except queue.Full:
                continue

    def work() -> None:
        try:
            for item in items:
                put("item", item)
                del item
                if closed.is_set():
                    return
            put("end", None)
        except BaseException as error:
            put("error", error)

    worker = threading.Thread(target=work, name="prefetch", daemon=True)
    worker.start()
    try:
        while True:
            kind, value = ready.get()
            if kind == "end":
                return
            if kind == "error":
                raise value
            yield value
            del value
    finally:
        closed.set()
        worker.join()
