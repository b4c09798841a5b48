"""Examples: one split of a dataset, prepared, indexable by batches.

`Examples` keeps everything in memory as one nested batch; `FileExamples` decodes on demand. Both answer
`len(examples)` and `examples.take(indices) -> batch`; `examples[a:b]` is a batch of a slice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from neurarium.core import batches


class Examples:
    """Examples held in memory.

    Args:
        batch: the nested batch of all examples: `inputs`, `targets`, and what else a method reads.
        finish: what is done to every taken batch (bytes to standardized floats); None for nothing.
    """

    in_memory = True

    def __init__(
        self, batch: dict[str, Any], *, finish: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    ):
        self.batch, self.finish = batch, finish
        self._length = batches.size(batch)

    def __len__(self) -> int:
        return self._length

    def take(self, indices: Tensor | slice | Sequence[int]) -> dict[str, Any]:
        """Return the examples at the indices as one batch."""
        taken = batches.take(self.batch, indices)
        return self.finish(taken) if self.finish else taken

    def __getitem__(self, indices: slice | int | Tensor | Sequence[int]) -> dict[str, Any]:
        return self.take([indices] if isinstance(indices, int) else indices)

    def subset(self, indices: Tensor | Sequence[int]) -> Examples:
        """Return some of the examples as a split of their own."""
        return Examples(batches.take(self.batch, indices), finish=self.finish)

    @property
    def inputs(self) -> Any:
        """All inputs as one nest."""
        return self.take(slice(None))["inputs"]

    @property
    def targets(self) -> Any:
        """All targets as one nest."""
        return self.batch["targets"]


class FileExamples:
    """Examples decoded from files when they are taken.

    Args:
        read: `read(index) -> one example` (a nest of tensors without a batch axis); must be picklable for workers.
        length: how many examples there are.
        targets: the targets of all examples (known without decoding).
        finish: as for `Examples`.
    """

    in_memory = False

    def __init__(
        self,
        read: Callable[[int], dict[str, Any]],
        length: int,
        *,
        targets: Any = None,
        finish: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
    ):
        self.read, self._length, self.targets, self.finish = read, length, targets, finish

    def __len__(self) -> int:
        return self._length

    def take(self, indices: Tensor | slice | Sequence[int]) -> dict[str, Any]:
        if isinstance(indices, slice):
            indices = range(*indices.indices(self._length))
        taken = batches.stack([self.read(int(index)) for index in indices])
        return self.finish(taken) if self.finish else taken

    def __getitem__(self, indices: slice | int | Tensor | Sequence[int]) -> dict[str, Any]:
        return self.take([indices] if isinstance(indices, int) else indices)

    def subset(self, indices: Tensor | Sequence[int]) -> FileExamples:
        chosen = torch.as_tensor(indices).tolist()
        targets = None if self.targets is None else batches.take(self.targets, chosen)
        return FileExamples(_Chosen(self.read, chosen), len(chosen), targets=targets, finish=self.finish)


class _Chosen:
    def __init__(self, read: Callable[[int], dict[str, Any]], chosen: list[int]):
        self.read, self.chosen = read, chosen

    def __call__(self, index: int) -> dict[str, Any]:
        return self.read(self.chosen[index])
