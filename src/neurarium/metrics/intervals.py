"""Confidence intervals of metrics: by the bootstrap, and in closed form for proportions."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from statistics import NormalDist
from typing import Any

import numpy
import torch
from torch import Tensor

from neurarium.core import batches
from neurarium.core.errors import DataError, OptionError, ShapeError
from neurarium.core.seeds import numpy_generator
from neurarium.metrics.checks import tensor
from neurarium.metrics.choice import make_metric
from neurarium.metrics.metric import Metric
from neurarium.metrics.metric_set import MetricSet

CHUNK = 2_000_000


@dataclasses.dataclass(frozen=True)
class Interval:
    """An estimate with its confidence interval.

    Args:
        low, high: the bounds; NaN where they are not known.
        estimate: the value over the data as they are.
        level: the share of such intervals that hold the true value.
        undefined: how many resamples had no value (an AUC with one class) and were left out.
    """

    low: float
    high: float
    estimate: float
    level: float = 0.95
    undefined: int = 0

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def to_json(self) -> dict[str, float]:
        """Return the fields as plain values."""
        return dataclasses.asdict(self)

    def __str__(self) -> str:
        return f"{self.estimate:.4g} [{self.low:.4g}, {self.high:.4g}]"


def bootstrap(
    metric_function: Metric | str | Callable[[Any, Any], float],
    predictions: Any,
    targets: Any,
    *,
    weights: Any = None,
    groups: Any = None,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> Interval:
    """Return the percentile bootstrap interval of a metric (Efron and Tibshirani 1993, chapter 13).

    Examples are drawn with replacement `resamples` times; the bounds are quantiles of the metric over the resamples.
    They hold the chance in the choice of test examples, not in training. A proportion of 0 or 1, which every resample has
    too, gets Wilson's interval. Metrics of ours are computed under the counts
    of each resample as weights, without copying an example.

    Args:
        metric_function: a metric, its name in results, or `f(predictions, targets) -> float`.
        predictions, targets, weights: as the metric takes them.
        groups: `(batch,)` integers: examples of one group (a patient, a session) are drawn together.
        level: of confidence.
        resamples: how many.
        seed: of the draws.

    Raises:
        OptionError: a level or number of resamples that is not possible; a metric that is not one number.
        DataError: no examples.

    >>> interval = bootstrap("accuracy", torch.eye(2).repeat(50, 1), torch.tensor([0, 0, 1, 1] * 25))
    >>> interval.estimate, interval.low < 0.5 < interval.high
    (0.5, True)
    """
    if isinstance(metric_function, str):
        metric_function = make_metric(metric_function)
    if isinstance(metric_function, Metric):
        found = bootstrap_set(
            MetricSet({"metric": metric_function}), predictions, targets, weights=weights, groups=groups, level=level,
            resamples=resamples, seed=seed,
        )  # fmt: skip
        return found["metric"]
    if weights is not None:
        raise OptionError(
            "weights need a metric of ours", expected="a Metric or its name", received=metric_function
        )
    predictions, targets = tensor_nest(predictions), tensor_nest(targets)
    length = batches.size(targets)
    values = []
    for counts in drawn(length, groups, resamples=resamples, level=level, seed=seed):
        for row in counts:
            chosen = torch.arange(length).repeat_interleave(row)
            values.append(
                float(metric_function(batches.take(predictions, chosen), batches.take(targets, chosen)))
            )
    return percentile_interval(float(metric_function(predictions, targets)), numpy.array(values), level)


def bootstrap_set(
    metrics: MetricSet | Mapping[str, Metric],
    predictions: Any,
    targets: Any,
    *,
    weights: Any = None,
    groups: Any = None,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Interval]:
    """Return the bootstrap interval of each metric of a set, all over the same resamples.

    The arguments and errors are those of `bootstrap`.
    """
    metrics = metrics if isinstance(metrics, MetricSet) else MetricSet(metrics)
    examples = metrics.checked(predictions, targets, weights)
    estimates = {}
    for (name, each), checked in zip(metrics.items(), examples, strict=True):
        value = each.result(each.contribution(checked))
        if not isinstance(value, int | float):
            raise OptionError(
                f"the metric '{name}' is not one number", fix="bootstrap a metric with another average"
            )
        estimates[name] = float(value)
    values: dict[str, list[Tensor]] = {name: [] for name in metrics}
    if len(metrics):
        spans = [getattr(checked, "positions", 1) for checked in examples]
        length = len(examples[0]) // spans[0]
        for counts in drawn(length, groups, resamples=resamples, level=level, seed=seed):
            for (name, each), checked, span in zip(metrics.items(), examples, spans, strict=True):
                values[name].append(each.many(checked, _spread(counts, span, checked)))
    units = units_of(length, groups)[0] if len(metrics) else 0
    return {
        name: _widened(
            percentile_interval(estimates[name], torch.cat(rows).cpu().numpy(), level), metrics[name], units
        )
        for name, rows in values.items()
    }


def _widened(interval: Interval, metric: Metric, units: int) -> Interval:
    """Give a proportion of 0 or 1 Wilson's interval: that all of the examples are right, drawn again or not, says little."""
    low, high, estimate = interval.low, interval.high, interval.estimate
    if metric.proportion and low == high == estimate and estimate in (0.0, 1.0):
        return wilson(estimate * units, units, interval.level)
    return interval


def _spread(counts: Tensor, positions: int, examples: Any) -> Tensor:
    """Give each position of an example (a pixel) the example's count, on the examples' device."""
    device = getattr(getattr(examples, "weights", None), "device", counts.device)
    counts = counts.to(device)
    return counts.repeat_interleave(positions, dim=1) if positions > 1 else counts


def drawn(length: int, groups: Any = None, *, resamples: int, level: float, seed: int) -> Iterator[Tensor]:
    """Yield how often each example was drawn, in blocks of `(resamples, length)` int64.

    The counts of one resample are multinomial: `length` draws, each example equally likely; with groups as many draws
    as there are groups.
    """
    if not 0 < level < 1 or resamples < 1:
        raise OptionError(
            "this bootstrap is not possible",
            expected="0 < level < 1, resamples >= 1",
            received=(level, resamples),
        )
    if length == 0:
        raise DataError("there are no examples to draw from", expected="one or more", received=0)
    units, owner = units_of(length, groups)
    source = numpy_generator(seed, "bootstrap")
    block = max(1, CHUNK // length)
    for start in range(0, resamples, block):
        rows = min(block, resamples - start)
        draws = source.integers(0, units, size=(rows, units))
        draws += (numpy.arange(rows) * units)[:, None]
        counts = torch.from_numpy(numpy.bincount(draws.ravel(), minlength=rows * units).reshape(rows, units))
        yield counts if owner is None else counts[:, owner]


def units_of(length: int, groups: Any) -> tuple[int, Tensor | None]:
    """Return how many units are drawn, and which one each example belongs to where these are groups.

    Raises:
        ShapeError: not one group per example.
    """
    if groups is None:
        return length, None
    owner = torch.unique(tensor(groups, "groups").cpu(), return_inverse=True)[1]
    if owner.shape != (length,):
        raise ShapeError("one group per example is needed", expected=(length,), received=tuple(owner.shape))
    return int(owner.max()) + 1, owner


def percentile_interval(estimate: float, values: numpy.ndarray, level: float) -> Interval:
    """Return the interval between the quantiles of resampled values; NaN bounds when fewer than half are defined."""
    defined = values[~numpy.isnan(values)]
    undefined = len(values) - len(defined)
    if len(defined) < len(values) / 2 or not len(defined):
        return Interval(math.nan, math.nan, estimate, level, undefined)
    low, high = numpy.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), estimate, level, undefined)


def wilson(successes: float, trials: float, level: float = 0.95) -> Interval:
    """Return the Wilson score interval of a proportion (Wilson 1927); it holds at 0 and 1 and for few trials.

    `(p + z^2 / 2n +- z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n)`.

    Raises:
        OptionError: more successes than trials, or a level outside (0, 1).

    >>> print(wilson(10, 10))
    1 [0.7225, 1]
    """
    if not 0 <= successes <= trials or not 0 < level < 1:
        raise OptionError(
            "this proportion is not possible",
            expected="0 <= successes <= trials and 0 < level < 1",
            received=(successes, trials, level),
        )
    if trials == 0:
        return Interval(0.0, 1.0, math.nan, level)
    z = NormalDist().inv_cdf((1 + level) / 2)
    share = successes / trials
    center = share + z * z / (2 * trials)
    half = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    low = 0.0 if successes == 0 else (center - half) / scale
    high = 1.0 if successes == trials else (center + half) / scale
    return Interval(low, high, share, level)


def tensor_nest(value: Any) -> Any:
    """Turn arrays of a nest into tensors."""
    if isinstance(value, dict):
        return {key: tensor_nest(each) for key, each in value.items()}
    return tensor(value, "predictions")
