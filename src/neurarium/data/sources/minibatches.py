"""Shuffled minibatches of a split, resumable at any batch, the same with any number of workers and ranks."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from neurarium.core import batches
from neurarium.core.errors import OptionError
from neurarium.core.seeds import generator
from neurarium.data.assembly.streaming import StreamedExamples
from neurarium.data.augmentation.chance import Chance
from neurarium.data.examples import Examples, FileExamples
from neurarium.data.sources.buckets import Buckets
from neurarium.data.sources.place import place_of, share_of
from neurarium.data.sources.prefetching import prefetched
from neurarium.data.sources.streamed import streamed_batches

CHUNK_BYTES = 2 << 20  # rows gathered in one call: more pays for the call, less stays in the cache (measured)


class Minibatches:
    """Yield the examples of a split in batches.

    Args:
        examples: the split.
        batch_size: examples per batch over all ranks together; the last batch of an epoch may be shorter, but for a
            single example that is left over: it joins the batch before.
        seed: order and augmentation are drawn from (seed, epoch, example).
        shuffle: a new order every epoch.
        augment: `augment(batch, chance) -> batch`; see `Chance`.
        drop_last: leave the short last batch out.
        workers: processes that decode files; examples in memory never use any.
        rank, world: which part of every batch is this process's; by default those of torch.distributed.
        device: where batches go.
        buckets: batches of like lengths, without what is padding in all of their examples; see `Buckets`.

    Raises:
        OptionError: a batch size below 1.

    >>> source = Minibatches(Examples({"inputs": torch.arange(5)}), batch_size=2, seed=0)
    >>> sorted(int(x) for batch in source for x in batch["inputs"])
    [0, 1, 2, 3, 4]
    """

    def __init__(
        self,
        examples: Examples | FileExamples | StreamedExamples,
        batch_size: int = 128,
        *,
        seed: int = 0,
        shuffle: bool = True,
        augment: Callable[[dict[str, Any], Chance], dict[str, Any]] | None = None,
        drop_last: bool = False,
        workers: int = 0,
        rank: int | None = None,
        world: int | None = None,
        device: torch.device | str | None = None,
        buckets: Buckets | None = None,
    ):
        if batch_size < 1:
            raise OptionError("the batch size is too small", expected="1 or more", received=batch_size)
        self.rank, self.world = place_of(rank, world)
        self.examples, self.batch_size, self.seed, self.shuffle = examples, batch_size, seed, shuffle
        self.augment, self.drop_last, self.workers = augment, drop_last, workers
        self.buckets = buckets
        self.device = torch.device(device) if device is not None else torch.device("cpu")
        self.epoch = self.position = 0
        self._resident: Any = None
        self._loader: Any = None
        self._wanted: list[list[int]] = []
        self._places: Tensor | None = None  # of the batch that was yielded last, where the order is not held

    def __len__(self) -> int:
        whole, left = divmod(len(self.examples), self.batch_size)
        alone = (
            left == 1 and whole > 0
        )  # joins the batch before: normalization has no statistics of one example
        return whole + (left > 0 and not alone and not self.drop_last)

    def state_dict(self) -> dict[str, Any]:
        return {"epoch": self.epoch, "position": self.position}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.epoch, self.position = state["epoch"], state["position"]

    def order(self) -> Tensor:
        """Return the order of the current epoch: a permutation drawn from (seed, epoch)."""
        count = len(self.examples)
        if not self.shuffle:
            return torch.arange(count)
        order = torch.randperm(count, generator=generator(self.seed, "order", self.epoch))
        if self.buckets is None:
            return order
        return self.buckets.order(order, self.batch_size, seed=self.seed, epoch=self.epoch)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for batch in self._batches(self.position, len(self)):
            self.position += 1
            yield batch
        self.epoch, self.position = self.epoch + 1, 0

    def latest(self) -> Tensor:
        """Return the places in the split of the examples of the batch that was yielded last."""
        if self._places is not None:
            return self._places
        return self.order()[slice(*self._bounds(self.position - 1))]

    def _batches(self, start: int, stop: int) -> Iterator[dict[str, Any]]:
        if isinstance(self.examples, StreamedExamples):
            return self._from_stream(start, stop)
        yields = self._from_memory if self.examples.in_memory else self._from_files
        return yields(self.order(), start, stop)

    def _bounds(self, number: int) -> tuple[int, int]:
        """Return where this rank's part of batch `number` lies in the order."""
        first, last = self._extent(number)
        if self.world == 1:
            return first, last
        low, high = share_of(last - first, self.rank, self.world)
        return first + low, first + high

    def _extent(self, number: int) -> tuple[int, int]:
        """Return where batch `number` of all ranks lies in the order."""
        first = number * self.batch_size
        is_last = number == len(self) - 1 and not self.drop_last
        return first, len(self.examples) if is_last else first + self.batch_size

    def _from_memory(self, order: Tensor, start: int, stop: int) -> Iterator[dict[str, Any]]:
        batch = self._on_device()
        order = order.to(self.device)
        per_chunk = self._batches_per_chunk(batch)
        for first in range(start, stop, per_chunk):
            numbers = range(first, min(first + per_chunk, stop))
            begin, end = self._extent(numbers[0])[0], self._extent(numbers[-1])[1]
            chunk = batches.take(batch, order[begin:end])
            for number in numbers:
                low, high = self._bounds(number)
                part = batches.take(chunk, slice(low - begin, high - begin))
                part = self._finished(part, order[low:high], number)
                yield self._cut(part, order, number)

    def _from_files(self, order: Tensor, start: int, stop: int) -> Iterator[dict[str, Any]]:
        wanted = [order[slice(*self._bounds(number))].tolist() for number in range(start, stop)]
        examples: Any = self.examples
        if self.workers:
            loaded = iter(self._processes(wanted))
        else:  # one batch ahead, read while the present one is learned from
            loaded = prefetched((examples.take(indices) for indices in wanted), depth=1)
        for number, (indices, batch) in enumerate(zip(wanted, loaded, strict=True), start):
            yield self._finished(batches.to(batch, self.device), torch.tensor(indices), number)

    def _processes(self, wanted: list[list[int]]) -> Any:
        """Return the loader whose processes live as long as this source; `wanted` are the batches of its next round."""
        if self._loader is None:
            self._wanted = []
            self._loader = torch.utils.data.DataLoader(
                _Whole(self.examples),  # type: ignore[arg-type]
                batch_sampler=self._wanted,
                num_workers=self.workers,
                collate_fn=_same,  # type: ignore[arg-type]
                pin_memory=self.device.type == "cuda",
                prefetch_factor=4,
                worker_init_fn=_deaf,
                generator=generator(self.seed, "loader"),  # or it would draw from the global stream
                multiprocessing_context=_context(),
                persistent_workers=True,
            )
        self._wanted[:] = wanted
        return self._loader

    def _from_stream(self, start: int, stop: int) -> Iterator[dict[str, Any]]:
        spans = [self._bounds(number) for number in range(start, stop)]
        how = {"shuffle": self.shuffle, "seed": self.seed, "epoch": self.epoch}
        parts = streamed_batches(self.examples, spans, **how)  # type: ignore[arg-type]
        for number, (places, batch) in enumerate(parts, start):
            self._places = places
            yield self._finished(batches.to(batch, self.device), places, number)

    def _finished(self, batch: dict[str, Any], indices: Tensor, number: int) -> dict[str, Any]:
        if self.examples.finish and not isinstance(self.examples, FileExamples):
            batch = self.examples.finish(batch)
        if self.augment is not None:
            batch = self.augment(batch, Chance(self.seed, self.epoch, indices, number))
        return batch

    def _cut(self, batch: dict[str, Any], order: Tensor, number: int) -> dict[str, Any]:
        """Leave out what is padding in all examples of a batch, those of other ranks too."""
        if self.buckets is None:
            return batch
        return self.buckets.cut(batch, self.buckets.longest(order[slice(*self._extent(number))].cpu()))

    def _on_device(self) -> Any:
        """The whole split where the batches are wanted: copied there once, not batch by batch."""
        if self.device.type == "cpu":
            return self.examples.batch  # type: ignore[union-attr]
        if self._resident is None:
            self._resident = batches.to(self.examples.batch, self.device)  # type: ignore[union-attr]
        return self._resident

    def _batches_per_chunk(self, batch: Any) -> int:
        count = max(len(self.examples), 1)
        row = sum(tensor.numel() * tensor.element_size() for _, tensor in batches.tensors(batch)) / count
        return max(1, int(CHUNK_BYTES / max(row * self.batch_size, 1)))


def _context() -> Any:
    """A way to start processes that copies no threads: a forked copy of a thread pool waits for ever for its threads."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["torch.utils.data", "neurarium.data.assembly.on_demand"]
    )  # once, not per worker
    return context


def _deaf(worker: int) -> None:
    """Leave Ctrl-C to the main process, which ends after its step: a terminal sends it to the workers too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class _Whole(torch.utils.data.Dataset):
    """What a loader worker sees: lists of indices in, whole batches out."""

    def __init__(self, examples: FileExamples):
        self.examples = examples

    def __len__(self) -> int:
        return len(self.examples)

    def __getitems__(self, indices: list[int]) -> dict[str, Any]:
        return self.examples.take(indices)


def _same(batch: dict[str, Any]) -> dict[str, Any]:
    return batch
