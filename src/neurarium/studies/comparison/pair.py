"""Comparison: is one run better than another, or was it chance? Paired tests on the same examples."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Literal

import torch
from torch import Tensor

from neurarium.core import batches
from neurarium.core.display import Displayed
from neurarium.core.errors import DataError, OptionError, ShapeError
from neurarium.core.seeds import generator
from neurarium.metrics.accuracy import Accuracy
from neurarium.metrics.checks import tensor
from neurarium.metrics.choice import make_metric
from neurarium.metrics.intervals import Interval, drawn, percentile_interval
from neurarium.metrics.metric import Metric
from neurarium.studies.prediction.learner import learner_of
from neurarium.studies.prediction.seen import examples_for, predictions_of
from neurarium.training.method import Method
from neurarium.training.run import Run

Test = Literal["auto", "mcnemar", "permutation", "bootstrap"]
TESTS = {
    "mcnemar": "McNemar's exact test",
    "permutation": "paired permutation test",
    "bootstrap": "paired bootstrap",
}


@dataclasses.dataclass(frozen=True)
class Comparison(Displayed):
    """Two runs on the same examples.

    Args:
        metric: what was measured; `goal` says which way is better.
        names: of the two runs.
        first, second: the metric of each.
        difference: `first - second` with its paired bootstrap interval.
        p_value: the chance of a difference at least as large, were the two equally good.
        test: which test gave it.
        examples: how many there were.
        discordant: how many examples only the first, and only the second had right (classes only).
    """

    metric: str
    goal: str | None
    names: tuple[str, str]
    first: float
    second: float
    difference: Interval
    p_value: float
    test: str
    examples: int
    discordant: tuple[int, int] | None = None

    @property
    def significant(self) -> bool:
        """Whether the p-value is below `1 - level`."""
        return self.p_value < 1 - self.difference.level

    @property
    def better(self) -> str | None:
        """The name of the better run, or None when the test shows no difference (or no way is better)."""
        if not self.significant or self.goal is None or self.first == self.second:
            return None
        return self.names[(self.first < self.second) == (self.goal == "max")]

    def to_json(self) -> dict[str, Any]:
        """Return the fields, the better run among them, as plain values."""
        return {**dataclasses.asdict(self), "better": self.better}

    def __str__(self) -> str:
        one, two = self.names
        difference = self.difference
        lines = [
            f"{self.metric} over {self.examples:,} examples: {one} {self.first:.4g}, {two} {self.second:.4g}",
            f"difference {difference.estimate:+.4g} [{difference.low:+.4g}, {difference.high:+.4g}] "
            f"({difference.level:.0%} paired bootstrap)",
            f"p = {self.p_value:.3g} ({TESTS[self.test]})",
        ]
        if self.discordant is not None:
            lines.append(
                f"right only in {one}: {self.discordant[0]:,}; only in {two}: {self.discordant[1]:,}"
            )
        verdict = (
            f"{self.better} is better"
            if self.better
            else "no difference is shown, which is no proof of equality"
        )
        return "\n".join([*lines, verdict])


def compare(
    first: Any,
    second: Any,
    targets: Any,
    *,
    metric: Metric | str = "accuracy",
    test: Test = "auto",
    weights: Any = None,
    groups: Any = None,
    names: tuple[str, str] = ("first", "second"),
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Comparison:
    """Compare two runs' predictions on the same examples with a paired test.

    `mcnemar`: of the examples that exactly one run has right, each run has half if they are equally good: an exact
    binomial test (accuracy alone). `permutation`: the two predictions of each example are exchanged at random.
    `bootstrap`: examples are drawn with replacement; the p-value is twice the share of differences across zero. `auto`:
    McNemar for an accuracy without weights or groups, else the permutation test. The tests know the chance in the choice
    of test examples, not the chance in training: to compare two methods rather than two runs, train several seeds.

    Args:
        first, second: predictions, as the metric takes them.
        targets, weights: as the metric takes them.
        metric: a metric or its name in results.
        groups: `(batch,)` integers: examples of one group are exchanged and drawn together.
        names: of the two runs.
        level: of the interval and, as `1 - level`, of the test.
        resamples: how many permutations and bootstrap resamples.
        seed: of both.

    Raises:
        OptionError: the test does not fit the metric.
        ShapeError: the two runs predict different examples.

    >>> targets = torch.tensor([0, 1] * 20)
    >>> good, bad = torch.eye(2)[targets], torch.eye(2)[torch.zeros(40, dtype=torch.int64)]
    >>> compare(good, bad, targets, names=("net", "constant")).better
    'net'
    """
    chosen = make_metric(metric) if isinstance(metric, str) else metric
    name = metric if isinstance(metric, str) else type(metric).__name__
    pair = Pair(chosen, first, second, targets, weights, groups)
    exact = isinstance(chosen, Accuracy) and weights is None and groups is None
    kind = ("mcnemar" if exact else "permutation") if test == "auto" else test
    if kind not in TESTS or (kind == "mcnemar" and not exact):
        raise OptionError(
            f"the test '{kind}' does not fit", expected="permutation or bootstrap; mcnemar for accuracy without weights",
            received=f"{kind} with {name}",
        )  # fmt: skip
    values = pair.values(torch.ones(1, pair.length, dtype=torch.float64))
    one, two = float(values[0]), float(values[1])
    resampled = torch.cat(
        [
            pair.difference(counts)
            for counts in drawn(pair.length, groups, resamples=resamples, level=level, seed=seed)
        ]
    )
    difference = percentile_interval(one - two, resampled.numpy(), level)
    discordant = pair.discordant() if isinstance(chosen, Accuracy) else None
    if kind == "mcnemar" and discordant is not None:
        chance = mcnemar(*discordant)
    elif kind == "bootstrap":
        chance = crossing(resampled)
    else:
        chance = exchanged(pair, one - two, resamples=resamples, seed=seed)
    return Comparison(name, chosen.goal, names, one, two, difference, chance, kind, pair.length, discordant)


def compare_runs(
    first: Run | Method,
    second: Run | Method,
    data: Any = None,
    *,
    split: str = "test",
    metric: Metric | str | None = None,
    names: tuple[str, str] = ("first", "second"),
    **options: Any,
) -> Comparison:
    """Compare two trained runs on the same examples, each with its own preparation.

    Args:
        first, second: runs or methods.
        data: as `evaluate` takes it; None for the data of the runs' training.
        split: "train", "validation" or "test".
        metric: a metric or its name; None: accuracy for classes, rmse for quantities.
        names: of the two runs.
        **options: those of `compare`.

    Raises:
        DataError: the two runs were not measured on the same examples.

    >>> import neurarium as nr
    >>> iris = nr.data.load("iris")
    >>> networks = [nr.networks.MLP.for_data(iris.inputs, iris.targets, widths=(w,)) for w in (2, 64)]
    >>> runs = [nr.fit(nr.methods.Supervised(n), iris, epochs=5, progress=False) for n in networks]
    >>> compare_runs(*runs, iris).examples == len(iris.test)
    True
    """
    seen, targets = [], []
    for trained in (first, second):
        method = learner_of(trained)
        seen.append(predictions_of(method, examples_for(trained, data, split)[2]))
        targets.append(getattr(method, "targets", None))
    one, two = seen
    if one.targets.shape != two.targets.shape or not torch.equal(one.targets, two.targets):
        raise DataError(
            "the two runs were not measured on the same examples",
            expected=f"{len(one.targets):,} equal targets",
            received=f"{len(two.targets):,} targets, some others",
            fix="give both the same data=, and the same seed of the split when they are trained",
        )
    kind = getattr(targets[0], "kind", "classification")
    chosen = metric or ("rmse" if kind == "regression" else "accuracy")
    return compare(
        one.predictions,
        two.predictions,
        one.targets,
        metric=chosen,
        weights=one.weights,
        names=names,
        **options,
    )


class Pair:
    """Two runs' checked predictions, as 2 n examples: the first n of one run, the last n of the other."""

    def __init__(self, metric: Metric, first: Any, second: Any, targets: Any, weights: Any, groups: Any):
        joined = None if weights is None else torch.cat([tensor(weights, "weights")] * 2)
        self.metric = metric
        self.alone = metric.check(first, targets, weights)
        other = metric.check(second, targets, weights)
        if len(self.alone) != len(other):
            raise ShapeError(
                "the two runs predict different examples", expected=len(self.alone), received=len(other)
            )
        self.both = metric.check(_joined(first, second), _joined(targets, targets), joined)
        self.positions = getattr(self.alone, "positions", 1)
        self.length = len(self.alone) // self.positions
        if not self.length:
            raise DataError("there are no examples to compare", expected="one or more", received=0)
        self.groups = (
            None if groups is None else torch.unique(tensor(groups, "groups").cpu(), return_inverse=True)[1]
        )

    def values(self, counts: Tensor, exchange: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return both runs' metric for each weighting `(resamples, examples)`, examples exchanged where told so."""
        counts = counts.double()
        own = counts if exchange is None else counts * ~exchange
        other = counts - own
        one, two = torch.cat([own, other], dim=1), torch.cat([other, own], dim=1)
        return self._measured(one), self._measured(two)

    def difference(self, counts: Tensor, exchange: Tensor | None = None) -> Tensor:
        """Return first minus second for each weighting."""
        one, two = self.values(counts, exchange)
        return one - two

    def discordant(self) -> tuple[int, int]:
        """Return how many examples only the first run has right, and only the second."""
        right = self.metric.values(self.both) > 0.5  # type: ignore[attr-defined]
        one, two = right.reshape(2, -1)
        return int((one & ~two).sum()), int((two & ~one).sum())

    def _measured(self, weightings: Tensor) -> Tensor:
        device = getattr(getattr(self.both, "weights", None), "device", weightings.device)
        if self.positions > 1:
            weightings = weightings.repeat_interleave(self.positions, dim=1)
        return self.metric.many(self.both, weightings.to(device)).cpu()


def _joined(one: Any, two: Any) -> Any:
    """Join two sets of examples of any form a metric takes."""
    if isinstance(one, list | tuple):
        return [*one, *two]
    if isinstance(one, dict):
        return {key: _joined(value, two[key]) for key, value in one.items()}
    return batches.concatenate([tensor(one, "predictions"), tensor(two, "predictions")])


def mcnemar(first: int, second: int) -> float:
    """Return the p-value of McNemar's exact test (McNemar 1947): `min(1, 2 P(X <= min))`, X binomial of one half.

    Args:
        first, second: how many examples only the one, and only the other run has right.

    >>> mcnemar(1, 9)
    0.021484375
    """
    total, least = first + second, min(first, second)
    if total <= 1000:
        return min(1.0, 2 * sum(math.comb(total, k) for k in range(least + 1)) / 2**total)
    k = torch.arange(least + 1, dtype=torch.float64)
    size = torch.tensor(float(total), dtype=torch.float64)
    logs = torch.lgamma(size + 1) - torch.lgamma(k + 1) - torch.lgamma(size - k + 1) - total * math.log(2)
    return min(1.0, 2 * float(torch.logsumexp(logs, dim=0).exp()))


def crossing(differences: Tensor) -> float:
    """Return twice the share of bootstrap differences on the far side of zero; NaN when none is defined."""
    defined = differences[~differences.isnan()]
    if not len(defined):
        return math.nan
    tails = [int((defined <= 0).sum()), int((defined >= 0).sum())]
    return min(1.0, 2 * (min(tails) + 1) / (len(defined) + 1))


def exchanged(pair: Pair, observed: float, *, resamples: int, seed: int) -> float:
    """Return the p-value of the paired permutation test: `(1 + #{|d*| >= |d|}) / (1 + resamples)`."""
    if math.isnan(observed):
        return math.nan
    units = pair.length if pair.groups is None else int(pair.groups.max()) + 1
    source = generator(seed, "exchange")
    block = max(1, 1_000_000 // pair.length)
    found = []
    for start in range(0, resamples, block):
        exchange = torch.rand(min(block, resamples - start), units, generator=source) < 0.5
        exchange = exchange if pair.groups is None else exchange[:, pair.groups]
        found.append(pair.difference(torch.ones(exchange.shape), exchange))
    differences = torch.cat(found)
    defined = differences[~differences.isnan()].abs()
    # Equal differences may miss each other by rounding.
    return (1 + int((defined >= abs(observed) * (1 - 1e-9)).sum())) / (1 + len(defined))
