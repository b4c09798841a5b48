"""The contract of callbacks: four calls."""

from __future__ import annotations

from typing import Any


class Callback:
    """Looks at training; may ask it to stop with `loop.stop(reason)`.

    `loop` has `method`, `epoch`, `step`, `total` (steps in all or None), `length` (steps per epoch), `run`.
    """

    def start(self, loop: Any) -> None:
        """Before the first step."""

    def step(self, loop: Any, metrics: dict[str, Any]) -> None:
        """After each step; metrics are detached tensors: reading one waits for the device."""

    def evaluate(self, loop: Any, row: dict[str, Any]) -> None:
        """After each evaluation; the row is what metrics.jsonl gets."""

    def stop(self, loop: Any) -> None:
        """After the last step, whatever ended it."""

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs of this callback."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take the state back."""
