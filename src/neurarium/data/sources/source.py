"""The contract of sources."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Source(Protocol):
    """Anything that yields batches: minibatches, windows, episodes, replay fed by a policy, rounds of clients.

    `iter(source)` yields what is left of the current epoch and then moves to the next one; `len(source)` is the number
    of batches of a whole epoch. `state_dict()` says which epoch and batch come next, so that a resumed run goes on
    with the very next batch. All chance is drawn from (seed, epoch, example).
    """

    def __iter__(self) -> Iterator[Any]: ...

    def __len__(self) -> int: ...

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: dict[str, Any]) -> None: ...
