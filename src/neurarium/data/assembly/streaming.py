"""Streamed examples: a split of a table that is larger than memory, prepared row group by row group.

The order of an epoch is drawn from (seed, epoch) alone: the row groups are permuted, neighbours in that order fill a
buffer, and the buffer is permuted. So any place in an epoch is reached by reading one buffer, and nothing depends on
threads.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy
import polars
import torch
from torch import Tensor

from neurarium.core import batches
from neurarium.core.seeds import derive, generator
from neurarium.data.examples import Examples
from neurarium.data.preparation.tables import TablePreparation, read_weights
from neurarium.data.preparation.targets import Labels
from neurarium.data.readers.frames import read_frame
from neurarium.data.readers.parquet import ParquetTable, RowGroup

BUFFER = 128 << 20  # bytes of raw rows that are shuffled together
NAMES = ("test", "validation", "train")


@dataclasses.dataclass(frozen=True)
class HashSplit:
    """Splits by a hash of (seed, number of the row): the same row is in the same split wherever it is met.

    Args:
        validation, test: their shares.
        seed: decides which rows.

    >>> split = HashSplit(0.2, 0.1, seed=0)
    >>> [int(split.mask(name, 0, 1000).sum()) for name in NAMES]
    [101, 203, 696]
    """

    validation: float
    test: float
    seed: int

    def mask(self, name: str, first: int, rows: int) -> numpy.ndarray:
        """Return which of the rows `first ... first + rows - 1` belong to a split."""
        if name == "everything":
            return numpy.ones(rows, dtype=bool)
        chance = uniform(first, rows, self.seed, "split")
        low = {"test": 0.0, "validation": self.test, "train": self.test + self.validation}[name]
        high = {"test": self.test, "validation": self.test + self.validation, "train": 1.0}[name]
        return (chance >= low) & (chance < high)


def uniform(first: int, rows: int, seed: int, use: str) -> numpy.ndarray:
    """Return a number in [0, 1) for each row, from a hash of (seed, use, row): splitmix64, 53 bits of it."""
    x = numpy.arange(first + 1, first + rows + 1, dtype=numpy.uint64) * numpy.uint64(0x9E3779B97F4A7C15)
    x = x + numpy.uint64(derive(seed, "rows", use))
    x = (x ^ (x >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
    x = x ^ (x >> numpy.uint64(31))
    return (x >> numpy.uint64(11)).astype(numpy.float64) * 2.0**-53


class StreamedExamples:
    """A split of a Parquet table, prepared when it is taken.

    Args:
        table: the files.
        preparation: fitted already.
        split: which rows belong to which split.
        name: of the split; "everything" for all rows.
        counts: how many examples (rows of the split with a known target) each row group has.
        buffer: bytes of raw rows that are shuffled together.
    """

    in_memory = False
    finish = None

    def __init__(
        self,
        table: ParquetTable,
        preparation: TablePreparation,
        split: HashSplit,
        name: str,
        counts: Sequence[int],
        buffer: int = BUFFER,
    ):
        self.table, self.preparation, self.split, self.name = table, preparation, split, name
        self.counts, self.buffer = numpy.asarray(counts, dtype=numpy.int64), buffer
        self._starts = numpy.concatenate([[0], numpy.cumsum(self.counts)])
        self.largest_taken = 0  # row groups that were held at once, for tests

    def __len__(self) -> int:
        return int(self._starts[-1])

    def pieces(
        self, *, shuffle: bool, seed: int, epoch: int, start: int = 0
    ) -> Iterator[tuple[Tensor, dict[str, Any]]]:
        """Yield (places in the split, batch) of an epoch from its example `start` on, a buffer at a time."""
        passed = 0
        for number, window in enumerate(self.windows(shuffle=shuffle, seed=seed, epoch=epoch)):
            size = int(self.counts[window].sum())
            skip, passed = max(start - passed, 0), passed + size
            if skip >= size:
                continue
            self.largest_taken = max(self.largest_taken, len(window))
            order = None
            if shuffle:
                order = torch.randperm(size, generator=generator(seed, "order", epoch, number))
            yield batches.take(self._window(window, order), slice(skip, None))

    def windows(self, *, shuffle: bool, seed: int, epoch: int) -> Iterator[list[int]]:
        """Yield the row groups that are held together, in the order of an epoch."""
        filled = [number for number, count in enumerate(self.counts) if count]
        if shuffle:
            chance = generator(seed, "row groups", epoch)
            filled = [filled[place] for place in torch.randperm(len(filled), generator=chance).tolist()]
        room = self.buffer if shuffle else 0
        window: list[int] = []
        held = 0
        for number in filled:
            size = self.table.groups[number].bytes
            if window and held + size > room:
                yield window
                window, held = [], 0
            window.append(number)
            held += size
        if window:
            yield window

    def take(self, indices: Tensor | slice | Sequence[int]) -> dict[str, Any]:
        """Return the examples at the places as one batch; every row group they lie in is read once."""
        if isinstance(indices, slice):
            indices = range(*indices.indices(len(self)))
        wanted = numpy.asarray(indices, dtype=numpy.int64).reshape(-1)
        if not len(wanted):
            return batches.take(self.take([0]), slice(0, 0))
        wanted = numpy.where(wanted < 0, wanted + len(self), wanted)
        groups = numpy.searchsorted(self._starts, wanted, side="right") - 1
        order = numpy.argsort(groups, kind="stable")
        parts = []
        for number, places in itertools.groupby(order.tolist(), key=lambda place: groups[place]):
            inside = wanted[list(places)] - self._starts[number]
            parts.append(batches.take(self.encoded(int(number)), torch.from_numpy(inside)))
        back = torch.from_numpy(numpy.argsort(order, kind="stable"))
        return batches.take(batches.concatenate(parts), back)

    def __getitem__(self, indices: slice | int | Tensor | Sequence[int]) -> dict[str, Any]:
        return self.take([indices] if isinstance(indices, int) else indices)

    def subset(self, indices: Tensor | Sequence[int]) -> Examples:
        """Return some of the examples, held in memory."""
        return Examples(self.take(indices))

    @property
    def targets(self) -> Tensor:
        """The targets of all examples; only their columns are read."""
        target = self.preparation.target
        parts: list[Any] = [
            target.tensor(target.encode(self._rows(number, target.columns))[0])
            for number in range(len(self.counts))
            if self.counts[number]
        ]
        return torch.cat(parts)

    def encoded(self, number: int) -> dict[str, Any]:
        """Return the examples of one row group, prepared as a table in memory is."""
        frame, origin = self._rows(number), self._origin(self.table.groups[number])
        inputs, _ = self.preparation.transform(frame, origin)
        target = self.preparation.target
        batch: dict[str, Any] = {"inputs": inputs, "targets": target.tensor(target.encode(frame)[0])}
        if self.preparation.weights:
            batch["weights"] = read_weights(frame, self.preparation.weights, origin)
        return batch

    def _window(self, window: Sequence[int], order: Tensor | None) -> tuple[Tensor, dict[str, Any]]:
        """Return the examples of some row groups; each group is put where the order wants it, and forgotten."""
        places = torch.cat([torch.arange(self._starts[each], self._starts[each + 1]) for each in window])
        if order is None and len(window) == 1:
            return places, self.encoded(window[0])
        order = torch.arange(len(places)) if order is None else order
        where = torch.empty_like(order)
        where[order] = torch.arange(len(order))
        whole: dict[str, Any] = {}
        begin = 0
        for number in window:
            part = self.encoded(number)
            whole = whole or batches.map_tensors(
                lambda each: each.new_empty((len(order), *each.shape[1:])), part
            )
            end = begin + int(self.counts[number])
            for (_, large), (_, small) in zip(batches.tensors(whole), batches.tensors(part), strict=True):
                large.index_copy_(0, where[begin:end], small)
            begin = end
        return places[order], whole

    def _rows(self, number: int, columns: Sequence[str] | None = None) -> polars.DataFrame:
        """Read the rows of one group that are of this split and have a target."""
        group, target = self.table.groups[number], self.preparation.target
        mask = self.split.mask(self.name, group.first, group.rows)
        frame = self.table.read(group, columns).filter(polars.Series(mask))
        frame = read_frame(frame, self.preparation.reading).frame
        if frame.height == self.counts[number]:
            return frame
        return frame.filter(polars.Series(known(target, target.encode(frame)[0])))

    def _origin(self, group: RowGroup) -> str:
        return f"{group.path} (from its row {group.offset + 1:,} on)"


def known(target: Any, encoded: numpy.ndarray) -> numpy.ndarray:
    """Return which encoded targets are there."""
    return encoded >= 0 if isinstance(target, Labels) else ~numpy.isnan(encoded).any(axis=1)
