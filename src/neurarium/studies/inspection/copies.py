"""Copies: examples that are there more than once, in one split, across splits, with several targets."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from neurarium.core import batches
from neurarium.data.dataset import Dataset
from neurarium.studies.inspection.finding import Finding, listed, share

SOME, MANY = 0.01, 0.1  # shares of the examples that measure, from which it is a warning and an error
CHUNK = 1024


def findings(dataset: Dataset, facts: dict[str, Any], most: int) -> Iterator[Finding]:
    """Yield examples of equal inputs.

    Args:
        dataset: whose splits are tensors in memory.
        facts: how many were looked at goes there, as `copies`.
        most: examples per split that are looked at.
    """
    places: dict[bytes, list[tuple[str, int, bytes]]] = defaultdict(list)
    measured = 0
    for name, split in dataset.splits.items():
        held = getattr(split, "batch", None)
        if not isinstance(held, dict) or held.get("inputs") is None:
            return
        count = min(len(split), most)
        measured += 0 if name == "train" else count
        for number, (inputs, targets) in enumerate(_digests(held, count)):
            places[inputs].append((name, number, targets))
    facts["copies"] = {name: min(len(split), most) for name, split in dataset.splits.items()}
    groups = [each for each in places.values() if len(each) > 1]
    yield from _across([each for each in groups if len({name for name, _, _ in each}) > 1], measured)
    yield from _inside(groups, min(len(dataset.train), most))
    if getattr(dataset.targets, "kind", "") == "classification":
        yield from _torn([each for each in groups if len({targets for _, _, targets in each}) > 1])


def _digests(held: dict[str, Any], count: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield what the inputs and the targets of each example are known by."""
    for start in range(0, count, CHUNK):
        part = batches.take(held, slice(start, min(start + CHUNK, count)))
        inputs, targets = _flat(part["inputs"]), _flat(part.get("targets"))
        for row in range(min(CHUNK, count - start)):
            yield _digest(inputs, row), _digest(targets, row)


def _flat(nest: Any) -> list[Any]:
    found = [each for _, each in batches.tensors(nest)] if nest is not None else []
    return [
        each.cpu().contiguous().numpy()
        for each in found
        if isinstance(each, Tensor) and each.dtype != torch.bfloat16
    ]


def _digest(parts: list[Any], row: int) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for each in parts:
        digest.update(each[row].tobytes())
    return digest.digest()


def _across(groups: list[list[tuple[str, int, bytes]]], measured: int) -> Iterator[Finding]:
    count = sum(name != "train" for each in groups for name, _, _ in each)
    if not count:
        return
    part = count / max(measured, 1)
    shown = listed([" = ".join(f"{name} {place + 1}" for name, place, _ in each[:2]) for each in groups], 3)
    yield Finding(
        "error" if part >= MANY else "warning" if part >= SOME else "note", "duplicates across splits", "splits",
        f"{count:,} of {measured:,} validation and test examples ({share(count, measured)}) have an equal one in another split: "
        f"{shown}",
        "what was learned by heart counts as understood: the measured quality is too high",
        "remove them from one side", {"examples": count, "measured": measured},
    )  # fmt: skip


def _inside(groups: list[list[tuple[str, int, bytes]]], total: int) -> Iterator[Finding]:
    extra = sum(max(sum(name == "train" for name, _, _ in each) - 1, 0) for each in groups)
    if extra >= SOME * total:
        yield Finding(
            "note", "duplicates", "train", f"{extra:,} of {total:,} training examples ({share(extra, total)}) repeat another",
            "repeated examples count more than once", "remove them, unless they are as frequent in life", {"repeated": extra},
        )  # fmt: skip


def _torn(groups: list[list[tuple[str, int, bytes]]]) -> Iterator[Finding]:
    if groups:
        shown = listed(
            [" and ".join(f"{name} {place + 1}" for name, place, _ in each[:2]) for each in groups], 3
        )
        yield Finding(
            "warning", "conflicting labels", "targets", f"{len(groups):,} inputs stand with different targets: {shown}",
            "no network can be right on all of them", "look at them, and mend the labels", {"inputs": len(groups)},
        )  # fmt: skip
