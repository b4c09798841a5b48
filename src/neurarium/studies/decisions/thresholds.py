"""Thresholds and costs: which decision to take, given probabilities. Chosen on the validation split."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from neurarium.core.errors import DataError, OptionError, ShapeError, unknown
from neurarium.metrics.checks import tensor
from neurarium.metrics.choice import make_metric
from neurarium.metrics.classified import Classified, Decided, Probable, first_largest
from neurarium.metrics.confusion import ConfusionMetric, Counts, confusion, counts, divide
from neurarium.metrics.curves import steps


def _correlation(c: Counts) -> Tensor:
    top = c.true_positive * c.true_negative - c.false_positive * c.false_negative
    sides = (c.true_positive + c.false_positive) * (c.true_positive + c.false_negative)
    sides = sides * (c.true_negative + c.false_positive) * (c.true_negative + c.false_negative)
    return divide(top, sides.sqrt(), 0.0)


def _recall(c: Counts) -> Tensor:
    return divide(c.true_positive, c.true_positive + c.false_negative, 0.0)


def _specificity(c: Counts) -> Tensor:
    return divide(c.true_negative, c.true_negative + c.false_positive, 0.0)


GOALS: dict[str, Callable[[Counts], Tensor]] = {
    "accuracy": lambda c: (c.true_positive + c.true_negative) / torch.stack(c).sum(dim=0),
    "balanced_accuracy": lambda c: (_recall(c) + _specificity(c)) / 2,
    "f1": lambda c: divide(
        2 * c.true_positive, 2 * c.true_positive + c.false_positive + c.false_negative, 0.0
    ),
    "mcc": _correlation,
    "precision": lambda c: divide(c.true_positive, c.true_positive + c.false_positive, 0.0),
    "recall": _recall,
    "specificity": _specificity,
}


@dataclasses.dataclass(frozen=True)
class Threshold:
    """A threshold chosen on validation: positive where `probability > value`.

    Args:
        value: halfway between two probabilities that occur.
        goal: what was maximized, or `cost`.
        score: what it reached there (for `cost`: the mean cost per example).
        plain: what a threshold of 0.5 reaches.
        candidates, scores: the curve it was chosen from, `(candidates,)` each, rising in the threshold.
    """

    value: float
    goal: str
    score: float
    plain: float
    candidates: Tensor = dataclasses.field(repr=False, compare=False)
    scores: Tensor = dataclasses.field(repr=False, compare=False)

    def decide(self, probabilities: Any) -> Tensor:
        """Return 0 or 1 for probabilities of class 1, `(batch,)` or `(batch, 2)`."""
        values = tensor(probabilities, "probabilities")
        values = values[:, 1] if values.ndim == 2 and values.shape[1] == 2 else values.reshape(len(values))
        return (values.double() > self.value).to(torch.int64)

    def __str__(self) -> str:
        return f"threshold {self.value:.4g}: {self.goal} {self.score:.4g} (at 0.5: {self.plain:.4g})"


def choose_threshold(
    probabilities: Any,
    targets: Any,
    *,
    goal: str = "f1",
    costs: Sequence[Sequence[float]] | None = None,
    at_least: Mapping[str, float] | None = None,
    weights: Any = None,
) -> Threshold:
    """Choose the threshold on the probability of class 1 that is best on a validation split.

    Every threshold that can make a difference is tried, one between each two neighbouring probabilities. Of equally good
    ones the nearest to 0.5 is taken. What it reaches here flatters it: measure on the test split.

    Args:
        probabilities: of class 1 `(batch,)`, or `(batch, 2)`.
        targets: `(batch,)` of 0 and 1.
        goal: one of `GOALS`, maximized.
        costs: `((cost of 0 taken as 0, 0 as 1), (1 as 0, 1 as 1))`: minimize the mean cost instead.
        at_least: lower limits such as `{"recall": 0.95}`; the best among the thresholds that keep them.
        weights: `(batch,)`.

    Raises:
        OptionError: no such goal.
        DataError: no threshold keeps the limits, or no examples.

    >>> found = choose_threshold(torch.tensor([0.1, 0.2, 0.3, 0.4]), torch.tensor([0, 1, 0, 1]))
    >>> round(found.value, 4), found.score
    (0.15, 0.8)
    """
    examples: Classified = Decided().check(probabilities, targets, weights)
    if examples.several or examples.scores.shape[1] != 2:
        raise ShapeError("a threshold needs two classes", expected="probabilities (batch,) of class 1")
    if not examples.weights.sum() > 0:
        raise DataError("there are no examples to choose on", expected="one or more", received=len(examples))
    candidates, found = _candidates(examples)
    scores = _objective(found, goal, costs)
    signed = torch.where(
        _allowed(found, at_least or {}), -scores if costs is not None else scores, -torch.inf
    )
    ties = signed >= signed.max() - 1e-12
    place = int(torch.where(ties, (candidates - 0.5).abs(), torch.inf).argmin())
    table = counts(confusion(examples))
    plain = _objective(Counts(*(each[1:] for each in table)), goal, costs)
    kind = "cost" if costs is not None else goal
    return Threshold(float(candidates[place]), kind, float(scores[place]), float(plain), candidates, scores)


def _candidates(examples: Classified) -> tuple[Tensor, Counts]:
    """Return all thresholds that differ in what they let in, rising, and the counts of class 1 at each."""
    scores, positive = examples.scores[:, 1].double(), examples.targets == 1
    kept = examples.weights > 0
    found = steps(scores[kept], positive[kept], examples.weights[kept][None])
    highest, lowest = found.thresholds[:1], found.thresholds[-1:]
    # From above the highest probability (nothing is positive) to below the lowest (everything is).
    above = torch.cat([highest.new_ones(1), found.thresholds])
    below = torch.cat([found.thresholds, torch.where(lowest > 0, 0.0, -1.0)])
    true, false = (
        torch.cat([each.new_zeros(1), each[0]]) for each in (found.true_positive, found.false_positive)
    )
    all_counts = Counts(true, false, false[-1] - false, true[-1] - true)
    return ((above + below) / 2).flip(0), Counts(*(each.flip(0) for each in all_counts))


def _goal(name: str) -> Callable[[Counts], Tensor]:
    if name not in GOALS:
        raise unknown("goal of a threshold", name, GOALS)
    return GOALS[name]


def _objective(found: Counts, goal: str, costs: Sequence[Sequence[float]] | None) -> Tensor:
    """Return the goal, or the mean cost, at each candidate."""
    if costs is None:
        return _goal(goal)(found)
    matrix = torch.tensor(costs, dtype=torch.float64)
    if matrix.shape != (2, 2):
        raise ShapeError(
            "the costs of two classes are a 2 x 2 table", expected=(2, 2), received=tuple(matrix.shape)
        )
    (keep, alarm), (miss, hit) = matrix.tolist()
    total = keep * found.true_negative + alarm * found.false_positive
    total = total + miss * found.false_negative + hit * found.true_positive
    return total / torch.stack(found).sum(dim=0)


def _allowed(found: Counts, limits: Mapping[str, float]) -> Tensor:
    """Return which candidates keep all limits."""
    allowed = torch.ones_like(found.true_positive, dtype=torch.bool)
    for name, limit in limits.items():
        allowed &= _goal(name)(found) >= limit - 1e-12
    if not bool(allowed.any()):
        best = {name: round(float(_goal(name)(found).max()), 4) for name in limits}
        raise DataError(
            "no threshold keeps the limits", expected=dict(limits), received=f"each alone at most {best}"
        )
    return allowed


def choose_thresholds(probabilities: Any, targets: Any, **options: Any) -> list[Threshold]:
    """Choose one threshold per label, each by itself: probabilities and targets `(batch, labels)`.

    The options are those of `choose_threshold`.
    """
    probabilities, targets = tensor(probabilities, "probabilities"), tensor(targets, "targets")
    if probabilities.ndim != 2 or targets.shape != probabilities.shape:
        raise ShapeError("one threshold per label needs (batch, labels)", received=tuple(targets.shape))
    return [
        choose_threshold(p, t, **options)
        for p, t in zip(probabilities.unbind(1), targets.unbind(1), strict=True)
    ]


@dataclasses.dataclass(frozen=True)
class Costs:
    """What each decision costs for each class, and the decision of least expected cost.

    Args:
        matrix: `(classes, decisions)`: `matrix[i][j]` is the cost of deciding j where the class is i. There may be more
            decisions than classes ("ask a person").
        goal, score, plain: where it was chosen: what was maximized, what it reached, what the largest probability reaches.
    """

    matrix: tuple[tuple[float, ...], ...]
    goal: str | None = None
    score: float | None = None
    plain: float | None = None

    def expected(self, probabilities: Any) -> Tensor:
        """Return the expected cost of each decision, `(batch, decisions)`: `sum_i p_i matrix[i][j]`."""
        values = tensor(probabilities, "probabilities").double()
        values = torch.stack([1 - values, values], dim=1) if values.ndim == 1 else values
        matrix = torch.tensor(self.matrix, dtype=torch.float64, device=values.device)
        if values.shape[1] != len(matrix):
            raise ShapeError("the costs have other classes", expected=len(matrix), received=values.shape[1])
        return values @ matrix

    def decide(self, probabilities: Any) -> Tensor:
        """Return the decision of least expected cost, `(batch,)`; of equal ones the lowest index.

        >>> Costs(((0.0, 1.0, 0.2), (5.0, 0.0, 0.2))).decide(torch.tensor([[0.99, 0.01], [0.5, 0.5], [0.1, 0.9]])).tolist()
        [0, 2, 1]
        """
        return first_largest(-self.expected(probabilities))

    def mean(self, decisions: Any, targets: Any) -> float:
        """Return the mean cost of decisions `(batch,)` where the classes are `targets` `(batch,)`."""
        matrix = torch.tensor(self.matrix, dtype=torch.float64)
        return float(
            matrix[
                tensor(targets, "targets").cpu().long(), tensor(decisions, "decisions").cpu().long()
            ].mean()
        )


def choose_costs(
    probabilities: Any, targets: Any, *, goal: str = "f1_macro", weights: Any = None, rounds: int = 3
) -> Costs:
    """Choose the cost of missing each class so that the decisions of least cost are best on a validation split.

    Deciding by `argmax_k factor_k p_k` is the decision of least expected cost when missing class k costs `factor_k`. The
    factors are changed one by one over a grid from 1/32 to 32, while the goal rises; they start at 1, so that it never
    falls below that of the largest probability on this split.

    Args:
        probabilities: `(batch, classes)`, targets `(batch,)`, weights `(batch,)`.
        goal: a metric read off the confusion matrix: `f1_macro`, `balanced_accuracy`, `mcc`, `recall_macro`, ...
        rounds: passes over the classes.

    Raises:
        OptionError: a goal that is not read off the confusion matrix.

    >>> p, y = torch.tensor([[0.9, 0.1], [0.7, 0.3], [0.6, 0.4], [0.8, 0.2]]), torch.tensor([0, 1, 1, 0])
    >>> found = choose_costs(p, y)
    >>> found.score, found.decide(p).tolist()
    (1.0, [0, 1, 1, 0])
    """
    metric = make_metric(goal)
    if not isinstance(metric, ConfusionMetric) or metric.goal is None:
        raise OptionError(
            "this goal cannot choose costs",
            expected="a metric of the confusion matrix, such as f1_macro",
            received=goal,
        )
    examples: Classified = Probable().check(probabilities, targets, weights)
    if examples.several:
        raise ShapeError("costs need one class per example", fix="use choose_thresholds for several labels")
    factors = torch.ones(examples.scores.shape[1], dtype=torch.float64, device=examples.scores.device)
    plain = best = _reached(metric, examples, factors)
    grid = torch.logspace(-5, 5, 61, base=2.0, dtype=torch.float64).tolist()
    for _ in range(rounds):
        before = best
        for label in range(len(factors)):
            trials = [
                torch.cat([factors[:label], factors.new_tensor([f]), factors[label + 1 :]]) for f in grid
            ]
            reached = [_reached(metric, examples, trial) for trial in trials]
            place = max(range(len(grid)), key=lambda index: reached[index])
            if reached[place] > best + 1e-12:
                best, factors = reached[place], trials[place]
        if best <= before + 1e-12:
            break
    sizes = factors.tolist()
    rows = tuple(tuple(0.0 if i == j else f for j in range(len(sizes))) for i, f in enumerate(sizes))
    return Costs(rows, goal, best, plain)


def _reached(metric: ConfusionMetric, examples: Classified, factors: Tensor) -> float:
    """Return the metric of deciding by the largest weighted probability; NaN counts as lowest."""
    classes = len(factors)
    cells = examples.targets * classes + first_largest(examples.scores.double() * factors)
    flat = torch.zeros(classes * classes, dtype=torch.float64, device=factors.device)
    value = float(
        metric.result({"matrix": flat.index_add_(0, cells, examples.weights).reshape(classes, classes)})
    )
    return value if value == value else -float("inf")
