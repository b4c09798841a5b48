"""The whole split as one batch: what closed-form learners take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from neurarium.core import batches
from neurarium.data.examples import Examples, FileExamples


class Whole:
    """Yield all examples as one batch, once per epoch; every rank gets them all.

    Args:
        examples: the split.
        device: where the batch goes.

    >>> [len(batch["inputs"]) for batch in Whole(Examples({"inputs": torch.zeros(5, 2)}))]
    [5]
    """

    def __init__(self, examples: Examples | FileExamples, *, device: torch.device | str | None = None):
        self.examples, self.device, self.epoch = examples, device, 0

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[dict[str, Any]]:
        self.epoch += 1
        batch = self.examples.take(slice(None))
        yield batch if self.device is None else batches.to(batch, self.device)

    def state_dict(self) -> dict[str, Any]:
        return {"epoch": self.epoch}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.epoch = state["epoch"]
