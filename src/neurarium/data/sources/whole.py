"""The whole split as one batch: what closed-form learners take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from neurarium.data.examples import Examples, FileExamples


class Whole:
    """Yield all examples as one batch, once per epoch.

    >>> import torch
    >>> [len(batch["inputs"]) for batch in Whole(Examples({"inputs": torch.zeros(5, 2)}))]
    [5]
    """

    def __init__(self, examples: Examples | FileExamples):
        self.examples, self.epoch = examples, 0

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[dict[str, Any]]:
        yield self.examples.take(slice(None))
        self.epoch += 1

    def state_dict(self) -> dict[str, Any]:
        return {"epoch": self.epoch}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.epoch = state["epoch"]
