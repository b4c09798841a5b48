"""Lead sentences: what the first sentences of a text are worth as its summary, beside one that was written."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from neurarium.metrics.intervals import drawn, percentile_interval
from neurarium.metrics.metric import Metric

COUNTS = (1, 3)
END = re.compile(r"(?<=[.!?…。])[\"'”’)\]]*\s+|\n+")


def lead(text: str, count: int) -> str:
    """Return the first sentences of a text: what ends with a full stop, an exclamation or a question mark, or a line.

    >>> lead("It rained. All day! Then the sun came.", 2)
    'It rained. All day!'
    """
    text, place = text.strip(), 0
    ends = list(END.finditer(text))
    place = ends[count - 1].end() if len(ends) >= count else len(text)
    return text[:place].strip()


def lead_baselines(
    sources: Sequence[str], wanted: Sequence[str], said: Sequence[str], metrics: Mapping[str, Metric], *,
    resamples: int = 1000, seed: int = 0,
) -> list[dict[str, Any]]:  # fmt: skip
    """Return what the first sentence, and the first three, reach as summaries, as the report shows baselines.

    Args:
        sources, wanted: the texts and their references.
        said: what the network wrote.
        metrics: how summaries are measured; the last one is the headline.

    Returns:
        A row per baseline: `kind`, `name`, `note`, `metrics`, `intervals`, and the `difference` of the network with its 95 %
        interval under the same resamples of the texts.

    See, Liu and Manning 2017, arXiv:1704.04368, section 5 (lead-3).
    """
    name, metric = list(metrics.items())[-1]
    began = time.thread_time()
    told = {count: [lead(text, count) for text in sources] for count in COUNTS}
    values = _resampled(metric, [said, *told.values()], wanted, resamples, seed)
    rows = []
    for number, (count, texts) in enumerate(told.items(), 1):
        found = {key: float(each.value(texts, wanted)) for key, each in metrics.items()}
        own, gap = values[number], values[0] - values[number]
        bounds = percentile_interval(found[name], own[1:].numpy(), 0.95) if resamples else None
        between = percentile_interval(float(gap[0]), gap[1:].numpy(), 0.95) if resamples else None
        rows.append({
            "kind": f"lead-{count}",
            "name": "the first sentence" if count == 1 else f"the first {count} sentences",
            "note": f"lead-{count}, of the text as it stands in the source",
            "difference": None if between is None else [between.estimate, between.low, between.high],
            "seconds": round(time.thread_time() - began, 2),
            "metrics": found,
            "intervals": {} if bounds is None else {name: [bounds.low, bounds.high]},
        })  # fmt: skip
    return rows


def _resampled(
    metric: Metric, models: Sequence[Sequence[str]], wanted: Sequence[str], resamples: int, seed: int
) -> torch.Tensor:
    """Return the metric of each model over all texts, then over each resample, `(models, 1 + resamples)`."""
    checked = [metric.check(list(each), list(wanted), None) for each in models]
    counts = [torch.ones(1, len(wanted), dtype=torch.int64)]
    if resamples:
        counts += list(drawn(len(wanted), resamples=resamples, level=0.95, seed=seed))
    return torch.stack([torch.cat([metric.many(each, some) for some in counts]) for each in checked])
