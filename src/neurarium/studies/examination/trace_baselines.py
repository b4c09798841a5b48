"""Trace baselines: what saying the value before, or the mean of all before, reaches where the network is measured."""

from __future__ import annotations

from typing import Any

import torch

from neurarium.data.dataset import Dataset
from neurarium.studies.comparison.baselines import Baseline, measure
from neurarium.studies.prediction.seen import predictions_of
from neurarium.training.method import Method

AT_ONCE = 8192


def trace_baselines(
    method: Method, data: Dataset, split: str, *, resamples: int = 1000, seed: int = 0
) -> list[dict[str, Any]]:
    """Return the naive expectations of the moments of a split, as the report shows baselines.

    In deviations of what came before each moment the mean of it is 0, and the value before is the last of the window, cut as
    the network sees it. A network that says the window itself (reconstruction) has no value before: the mean alone stands
    beside it.

    Returns:
        A row per baseline: `kind`, `name`, `note`, `metrics`, `intervals`, and the `difference` of the network with its 95 %
        interval under the same resamples of the moments.
    """
    examples: Any = data.splits[split]
    truth = torch.as_tensor(examples.targets)
    said = {"naive": torch.zeros_like(truth)}
    found = [Baseline("naive", "saying the mean of all before", "0 deviations")]
    if truth.shape[1] == 1:
        parts = []
        for start in range(0, len(examples), AT_ONCE):
            inputs = examples.take(slice(start, start + AT_ONCE))["inputs"]
            parts.append(inputs["series"][torch.arange(len(inputs["lengths"])), inputs["lengths"] - 1])
        said["before"] = torch.cat(parts)
        found.append(Baseline("before", "repeating the value before", "the last of the window"))
    measure(found, said, truth, predictions_of(method, examples), data, split, resamples, seed)
    return [each.to_json() for each in found]
