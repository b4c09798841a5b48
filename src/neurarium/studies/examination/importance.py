"""Permutation importance: how much worse a trained method gets when one column says nothing."""

from __future__ import annotations

import dataclasses
import statistics
import time
from typing import Any

import torch

from neurarium.core import batches
from neurarium.core.errors import RefusalError, unknown
from neurarium.core.seeds import derive, generator
from neurarium.data.examples import Examples
from neurarium.data.specs import Classes, Targets
from neurarium.metrics.choice import goal, make_metric
from neurarium.studies.prediction.learner import learner_of
from neurarium.studies.prediction.raw_columns import RawColumn, raw_columns, sampled
from neurarium.studies.prediction.seen import Seen, examples_for, predictions_of
from neurarium.training.method import Method
from neurarium.training.run import Run


@dataclasses.dataclass(frozen=True)
class Importance:
    """What each column is worth.

    Args:
        metric: what was measured; `base` is its value with all columns as they are.
        columns: their names, the most important first.
        drops: per column, by how much the metric got worse, one number per repeat (above 0: the column helps).
        split: which split of the data, and how many of its examples.
        left_out: columns that the time did not reach.
    """

    metric: str
    base: float
    columns: tuple[str, ...]
    drops: tuple[tuple[float, ...], ...]
    split: str
    examples: int
    left_out: tuple[str, ...] = ()

    @property
    def means(self) -> tuple[float, ...]:
        """The mean drop of each column."""
        return tuple(statistics.fmean(each) for each in self.drops)

    @property
    def spreads(self) -> tuple[float, ...]:
        """The standard deviation of each column's drop over the repeats; 0 for one repeat."""
        return tuple(statistics.stdev(each) if len(each) > 1 else 0.0 for each in self.drops)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {**dataclasses.asdict(self), "means": list(self.means), "spreads": list(self.spreads)}

    def __str__(self) -> str:
        width = max(map(len, self.columns), default=0)
        lines = [f"{self.metric} {self.base:.4g} on {self.examples:,} {self.split} examples; worse by"]
        for name, mean, spread in zip(self.columns, self.means, self.spreads, strict=True):
            lines.append(f"  {name:<{width}}  {mean:+.4f} ± {spread:.4f}")
        return "\n".join(lines)


def permutation_importance(
    trained: Run | Method,
    data: Any = None,
    *,
    split: str = "test",
    metric: str | None = None,
    repeats: int = 5,
    most: int = 4096,
    seconds: float | None = None,
    seed: int = 0,
) -> Importance:
    """Measure by how much a metric gets worse when a column's values are exchanged among the examples.

    `I_j = s - s(X with column j permuted)`, the sign turned for metrics that are minimized (Breiman 2001, section 10;
    Fisher, Rudin and Dominici, arXiv:1801.01489). All parts of a raw column (its value, its missing indicator, the parts
    of a date) are permuted together. Columns that say the same share their importance: each alone may look idle.

    Args:
        trained: a run, or a method.
        data: as `evaluate` takes it.
        split: "train", "validation" or "test".
        metric: its name in results; None: accuracy for classes, rmse for a quantity, r2 for several. Of several targets
            that of one, `price: rmse`; None: of the first.
        repeats: permutations per column.
        most: examples that are measured at most; more are sampled.
        seconds: of computing, after which no further column is begun; None for no limit.
        seed: of the permutations and the sample.

    Raises:
        RefusalError: the inputs have no columns (images).

    >>> import neurarium as nr
    >>> run = nr.studies.train(nr.data.load("iris"), "mlp", epochs=15, progress=False)
    >>> nr.studies.permutation_importance(run).columns[0].startswith("petal")
    True
    """
    method = learner_of(trained)
    _, split, examples = examples_for(trained, data, split)
    batch = examples.take(sampled(examples, most, seed))
    columns = raw_columns(getattr(trained, "preparation", None), batch["inputs"])
    if not columns:
        raise RefusalError("these inputs have no columns", fix="permutation importance is for tables")
    targets = getattr(method, "targets", None) or getattr(trained, "targets", None)
    name = metric or _usual(targets)
    sign = 1.0 if goal(name) == "max" else -1.0
    base = _measured(name, predictions_of(method, Examples(batch)))
    begun, late = time.thread_time(), []
    found: list[tuple[str, tuple[float, ...]]] = []
    for column in columns:
        if found and seconds is not None and time.thread_time() - begun > seconds:
            late.append(column.name)
            continue
        orders = _orders(batch, column, repeats, seed)
        seen = [predictions_of(method, Examples(_permuted(batch, column, order))) for order in orders]
        found.append((column.name, tuple(sign * (base - _measured(name, each)) for each in seen)))
    found.sort(key=lambda each: -statistics.fmean(each[1]))
    names, drops = tuple(each[0] for each in found), tuple(each[1] for each in found)
    return Importance(name, base, names, drops, split, batches.size(batch), tuple(late))


def _usual(targets: Any) -> str:
    if isinstance(targets, Targets):
        return f"{targets.names[0]}: {_usual(targets.parts[0])}"
    if isinstance(targets, Classes):
        return "accuracy"
    return "r2" if len(getattr(targets, "names", ())) > 1 else "rmse"


def _orders(batch: Any, column: RawColumn, repeats: int, seed: int) -> list[torch.Tensor]:
    """The permutations of a column: by its name, so that they do not depend on which columns there are."""
    source = generator(derive(seed, "importance"), column.name)
    return [torch.randperm(batches.size(batch), generator=source) for _ in range(repeats)]


def _permuted(batch: dict[str, Any], column: RawColumn, order: torch.Tensor) -> dict[str, Any]:
    return {**batch, "inputs": column.exchanged(batch["inputs"], order)}


def _measured(name: str, seen: Seen) -> float:
    said, truth = seen.predictions, seen.targets
    if isinstance(truth, dict):
        part, _, name = name.rpartition(": ")
        if part not in truth:
            raise unknown("target", part, truth)
        said, truth = said[part], truth[part]
    metric = make_metric(name)
    metric.update(said, truth, seen.weights)
    return float(metric.compute())
