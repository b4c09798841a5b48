"""Length buckets: batches of sequences of like lengths, cut where the longest of a batch ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from neurarium.core.errors import OptionError
from neurarium.core.seeds import generator
from neurarium.data.dataset import Decision
from neurarium.data.specs import Series, Spec, Tokens, Waveform
from neurarium.data.token_windows import TokenWindows

POOL = 32  # batches that are sorted by length at once
WORTH = 0.1  # the share of all positions that has to be saved
PART = 4096  # examples whose lengths are counted at once


class Buckets:
    """Batches of like lengths, with the padding cut behind the longest of each.

    A random order is cut into pools of `pool` batches; each pool is sorted by length (equal ones stay in random order)
    and cut into batches; the batches of all pools are shuffled. All chance comes from (seed, epoch): a resumed epoch goes
    on with the same batches, and each rank takes its part of the same batch, cut at the longest of all ranks.

    Args:
        lengths: real positions per example, `(examples,)` int64.
        full: positions per example with padding.
        cut: `cut(batch, longest) -> batch` without the positions from `longest` on.
        pool: a larger one saves more padding and mixes less.

    Raises:
        OptionError: a pool of no batch.

    >>> buckets = Buckets(torch.tensor([9, 1, 8, 2]), 9, cut_sequences, pool=2)
    >>> order = buckets.order(torch.tensor([0, 1, 2, 3]), 2, seed=0, epoch=0)
    >>> sorted(sorted(pair) for pair in order.reshape(2, 2).tolist()), buckets.wasted(order, 2)
    ([[0, 2], [1, 3]], 0.09...)
    """

    def __init__(
        self,
        lengths: Tensor,
        full: int,
        cut: Callable[[dict[str, Any], int], dict[str, Any]],
        pool: int = POOL,
    ):
        if pool < 1:
            raise OptionError("the pool of length buckets is too small", expected="1 or more", received=pool)
        self.lengths, self.full, self.cut, self.pool = lengths, full, cut, pool

    def order(self, order: Tensor, batch_size: int, *, seed: int, epoch: int) -> Tensor:
        """Return the order of an epoch whose batches are of like lengths; the examples of a short last batch stay last."""
        whole = len(order) // batch_size * batch_size
        head = order[:whole]
        head = head[torch.argsort(self.lengths[head], stable=True)]
        place = torch.empty_like(order)
        place[order] = torch.arange(len(order))
        head = head[torch.argsort(place[head] // (self.pool * batch_size), stable=True)]
        mixed = torch.randperm(whole // batch_size, generator=generator(seed, "buckets", epoch))
        return torch.cat([head.reshape(-1, batch_size)[mixed].flatten(), order[whole:]])

    def longest(self, places: Tensor) -> int:
        """Return where the longest of some examples ends; 1 at least."""
        return max(int(self.lengths[places].max()), 1) if len(places) else 1

    def wasted(self, order: Tensor, batch_size: int, *, cut: bool = True) -> float:
        """Return the share of padding among the positions of an epoch in this order; with cut=False of whole rows."""
        taken = len(order) * self.full
        if cut:
            taken = sum(self.longest(part) * len(part) for part in order.split(batch_size))
        return 1 - float(self.lengths[order].sum()) / max(taken, 1)


def cut_sequences(batch: dict[str, Any], longest: int) -> dict[str, Any]:
    """Return the batch of `Tokens` or `Series` inputs without the positions from `longest` on."""
    inputs = {key: each if each.ndim == 1 else each[:, :longest] for key, each in batch["inputs"].items()}
    return {**batch, "inputs": inputs}


def cut_with_targets(batch: dict[str, Any], longest: int) -> dict[str, Any]:
    """The same where each position has a target of its own (`Spec.every_step`)."""
    return {**cut_sequences(batch, longest), "targets": batch["targets"][:, :longest]}


def cut_sound(batch: dict[str, Any], longest: int) -> dict[str, Any]:
    """Return the batch of a `Waveform` spec without the samples from `longest` on."""
    inputs = batch["inputs"]
    return {**batch, "inputs": {**inputs, "waveform": inputs["waveform"][:, :longest]}}


def buckets_for(
    examples: Any,
    inputs: Spec | None,
    batch_size: int,
    seed: int,
    *,
    targets: Spec | None = None,
    wanted: bool | None = None,
) -> tuple[Buckets | None, list[Decision]]:
    """Return the buckets of a split of sequences, where they save padding, and the decision.

    Args:
        targets: their spec; those of every step are cut too.
        wanted: True for buckets whatever they save, False for none, None to decide.

    Raises:
        OptionError: they were asked for, and the inputs are no sequences held in memory.
    """
    held = getattr(examples, "in_memory", False) and hasattr(examples, "batch")
    fits = isinstance(inputs, Tokens | Series | Waveform) and held and not isinstance(examples, TokenWindows)
    if wanted and not fits:
        raise OptionError(
            "length buckets are for texts, series and sounds that are held in memory",
            expected="texts, series or sounds of different lengths",
            received="windows of a text, all of one length"
            if isinstance(examples, TokenWindows)
            else f"{type(inputs).__name__} inputs",
            fix="leave out --buckets",
        )
    if wanted is False or not fits:
        return None, []
    if hasattr(examples, "lengths"):  # of two texts each, whose `finish` cuts both
        buckets = Buckets(examples.lengths, examples.full, lambda batch, longest: batch)
    else:
        cut = cut_with_targets if getattr(targets, "every_step", False) else cut_sequences
        if isinstance(inputs, Waveform):
            cut = cut_sound
        buckets = Buckets(_lengths(examples), inputs.length, cut)  # type: ignore[union-attr]
    plain = torch.randperm(len(examples), generator=generator(seed, "order", 0))
    before = buckets.wasted(plain, batch_size, cut=False)
    after = buckets.wasted(buckets.order(plain, batch_size, seed=seed, epoch=0), batch_size)
    saved = 1 - (1 - before) / (1 - after) if after < 1 else 0.0
    if not wanted and saved < WORTH:
        return None, []
    reason = f"padding falls from {before:.0%} to {after:.0%} of the positions: {saved:.0%} less to compute"
    return buckets, [Decision("length buckets", "batches of like lengths", reason, "--no-buckets")]


def _lengths(examples: Any) -> Tensor:
    parts = [torch.zeros(0, dtype=torch.int64)]
    for first in range(0, len(examples), PART):
        inputs = examples.take(slice(first, first + PART))["inputs"]
        parts.append(inputs["mask"].sum(dim=1) if "mask" in inputs else inputs["lengths"])
    return torch.cat(parts)
