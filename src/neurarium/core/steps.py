"""Steps: long work that can be paused, as a generator whose value is the result."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar

Result = TypeVar("Result")


def finish(steps: Generator[Any, None, Result]) -> Result:
    """Do all that is left and return the result.

    >>> def squares(count):
    ...     found = []
    ...     for number in range(count):
    ...         found.append(number**2)
    ...         yield
    ...     return found
    >>> finish(squares(3))
    [0, 1, 4]
    """
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value
