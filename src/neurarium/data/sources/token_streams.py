"""Token streams: a long text read on from batch to batch, for networks that remember what they have read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from neurarium.core.errors import OptionError
from neurarium.data.sources.place import place_of, share_of
from neurarium.data.token_windows import TokenWindows


class TokenStreams:
    """Cut a text into as many streams as a batch has rows, and yield the next window of all of them.

    Row i of a batch goes on where row i of the batch before ended. What a network remembers of it is kept in `memory` by
    whoever learns: a tensor with a row per stream, None at the beginning of an epoch. It is part of the source's state, so
    that a resumed run, and each process of several, goes on with its own.

    Args:
        examples: the text; `examples.length` tokens are read per batch.
        batch_size: streams over all ranks together; fewer where the text is too short for so many.
        seed: has no effect: the order of a text is its own.
        rank, world: which of the streams are this process's; by default those of torch.distributed.
        device: where batches go.

    Raises:
        OptionError: a batch size below 1, or fewer streams than processes.

    >>> text = TokenWindows(torch.arange(13, dtype=torch.int32), 3)
    >>> [batch["inputs"]["tokens"].tolist() for batch in TokenStreams(text, batch_size=2)]
    [[[0, 1, 2], [6, 7, 8]], [[3, 4, 5], [9, 10, 11]]]
    """

    def __init__(
        self, examples: TokenWindows, batch_size: int = 32, *, seed: int = 0,
        rank: int | None = None, world: int | None = None, device: torch.device | str | None = None,
    ):  # fmt: skip
        if batch_size < 1:
            raise OptionError("the batch size is too small", expected="1 or more", received=batch_size)
        self.examples = examples
        rank, world = place_of(rank, world)
        predicted = len(examples.tokens) - 1
        count = max(1, min(batch_size, predicted // examples.length))
        if count < world:
            raise OptionError(
                "the text is too short for so many processes",
                expected=f"{count} at most",
                received=world,
                fix="a shorter context: --set context=",
            )
        self.device = torch.device(device) if device is not None else torch.device("cpu")
        self.epoch = self.position = 0
        self.memory: Tensor | None = None
        self.column = predicted // count  # tokens that are predicted per stream
        low, high = share_of(count, rank, world)
        rows = [examples.tokens[row * self.column : (row + 1) * self.column + 1] for row in range(low, high)]
        self._rows = torch.stack(rows).to(self.device)

    def __len__(self) -> int:
        return -(-self.column // self.examples.length)

    def state_dict(self) -> dict[str, Any]:
        return {"epoch": self.epoch, "position": self.position, "memory": self.memory}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.epoch, self.position = state["epoch"], state["position"]
        memory = state["memory"]
        self.memory = None if memory is None else memory.to(self.device)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        length = self.examples.length
        for number in range(self.position, len(self)):
            self.position = number + 1
            part = self._rows[:, number * length : (number + 1) * length + 1].long()
            yield {"inputs": {"tokens": part[:, :-1]}, "targets": part[:, 1:]}
        self.epoch, self.position, self.memory = self.epoch + 1, 0, None
