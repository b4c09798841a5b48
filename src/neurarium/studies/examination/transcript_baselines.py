"""Transcript baselines: what writing nothing, or always the same, reaches where a network transcribes."""

from __future__ import annotations

import collections
from collections.abc import Sequence
from typing import Any

import torch

from neurarium.core.seeds import generator
from neurarium.data.dataset import Dataset
from neurarium.data.transcripts import edits
from neurarium.metrics.error_rate import counted
from neurarium.studies.comparison.baselines import Baseline, measure
from neurarium.studies.prediction.seen import Seen

CANDIDATES, COMPARED = 50, 500  # transcripts that are tried; training transcripts that each is compared with


def transcript_baselines(
    data: Dataset, split: str, seen: Seen, *, resamples: int = 1000, seed: int = 0
) -> list[dict[str, Any]]:
    """Return what answers that hear nothing reach, as the report shows baselines.

    Writing nothing has a character error of 1. The same transcript for all is the one with the least character error on
    training: of the 50 most frequent, by their edits to a sample of 500.

    Args:
        data: `Waveform` -> `Transcript`.
        split: what is measured.
        seen: what the network said of it.

    Returns:
        A row per baseline: `kind`, `name`, `note`, `metrics`, `intervals`, and the `difference` of the network with its 95 %
        interval under the same resamples of the recordings.
    """
    truth = _texts(data.splits[split].targets, data.targets)
    training = _texts(data.train.targets, data.targets)
    best = nearest_to_all(training, seed)
    said = {"naive": counted([best] * len(truth), truth), "empty": counted([""] * len(truth), truth)}
    found = [
        Baseline(
            "naive", f"always “{best}”", f"the nearest to all of {len(training):,} training transcripts"
        ),
        Baseline("empty", "writing nothing", "no symbol for any recording"),
    ]
    measure(found, said, torch.zeros(len(truth), dtype=torch.int64), seen, data, split, resamples, seed)
    return [each.to_json() for each in found]


def nearest_to_all(texts: Sequence[str], seed: int = 0) -> str:
    """Return the text with the fewest edits to all others, among the frequent ones; of equal ones the more frequent.

    >>> nearest_to_all(["cat", "car", "cat", "a dog"])
    'cat'
    """
    counts = collections.Counter(texts)
    candidates = sorted(counts, key=lambda each: (-counts[each], each))[:CANDIDATES]
    order = torch.randperm(len(texts), generator=generator(seed, "transcript baselines"))[:COMPARED].tolist()
    sample = collections.Counter(texts[place] for place in order)
    return min(candidates, key=lambda each: sum(n * edits(each, other) for other, n in sample.items()))


def _texts(targets: torch.Tensor, spec: Any) -> list[str]:
    return [spec.text(row) for row in targets.tolist()]
