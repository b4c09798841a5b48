"""Slices: the groups of examples on which a trained method does worst, with what chance explains of it."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterator
from statistics import NormalDist
from typing import Any

import numpy
import torch
from torch import Tensor

from neurarium.core.errors import RefusalError
from neurarium.data.specs import Classes, Quantity, Spec
from neurarium.metrics.intervals import wilson
from neurarium.studies.prediction.learner import learner_of
from neurarium.studies.prediction.raw_columns import raw_columns, sampled
from neurarium.studies.prediction.seen import Seen, examples_for, predictions_of
from neurarium.training.method import Method
from neurarium.training.run import Run

BINS, CATEGORIES, PARENTS = 4, 12, 10


@dataclasses.dataclass(frozen=True)
class Slice:
    """One group of examples.

    Args:
        name: what they share ("age 17 to 28, sex = Male").
        examples: how many.
        value: the mean error of the group, with its 95 % interval `low` to `high`.
        p_value: the chance of a gap to the rest at least as large, were there none; of all groups that were looked at
            together (Bonferroni).
    """

    name: str
    examples: int
    value: float
    low: float
    high: float
    p_value: float


@dataclasses.dataclass(frozen=True)
class Slices:
    """The worst groups.

    Args:
        measure: what `value` is: "error rate", "share of wrong labels", "mean absolute error".
        overall: its value over all examples; `low`, `high` its 95 % interval.
        worst: the worst groups first, by the lower end of their interval.
        tried: how many groups were looked at.
        split, examples, least: on what, and the smallest group that counts.
    """

    measure: str
    overall: float
    low: float
    high: float
    worst: tuple[Slice, ...]
    tried: int
    split: str
    examples: int
    least: int

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return dataclasses.asdict(self)

    def __str__(self) -> str:
        width = max((len(each.name) for each in self.worst), default=0)
        head = f"{self.measure} {self.overall:.4g} over {self.examples:,} {self.split} examples; {self.tried} groups"
        rows = [
            f"  {each.name:<{width}}  {each.value:.4g} [{each.low:.4g}, {each.high:.4g}]  {each.examples:>7,}  "
            f"p = {each.p_value:.2g}"
            for each in self.worst
        ]
        return "\n".join([head, *rows])


def worst_slices(
    trained: Run | Method,
    data: Any = None,
    *,
    split: str = "test",
    count: int = 12,
    least: int | None = None,
    most: int = 20_000,
    seed: int = 0,
) -> Slices:
    """Find the groups of examples on which a trained method does worst.

    Looked at: each true and each predicted class; each category, and each quarter of the values, of every raw column;
    missing values; and pairs of these but the classes, made greedily: the ten worst crossed with all others, kept where a
    pair is worse than both its parts. Each group is tested against the rest (Welch; for shares the two-proportion z-test), and
    the p-values are multiplied by the number of groups looked at.

    Args:
        trained: a run, or a method.
        data: as `evaluate` takes it.
        split: "train", "validation" or "test".
        count: how many groups are told.
        least: the smallest group that counts; None: 1 % of the examples, at least 20.
        most: examples looked at; more are sampled.
        seed: of the sample.

    Raises:
        RefusalError: targets that have no error per example.

    >>> import neurarium as nr
    >>> run = nr.studies.train(nr.data.load("iris"), "mlp", epochs=5, progress=False)
    >>> nr.studies.worst_slices(run, least=5).measure
    'error rate'
    """
    method = learner_of(trained)
    _, split, examples = examples_for(trained, data, split)
    batch = examples.take(sampled(examples, most, seed))
    from neurarium.data.examples import Examples

    seen = predictions_of(method, Examples(batch))
    targets: Any = getattr(method, "targets", None) or getattr(trained, "targets", None)
    return slices_of(
        seen,
        targets,
        batch["inputs"],
        getattr(trained, "preparation", None),
        split=split,
        count=count,
        least=least,
    )


def slices_of(
    seen: Seen,
    targets: Spec,
    inputs: Any,
    preparation: Any,
    *,
    split: str,
    count: int = 12,
    least: int | None = None,
) -> Slices:
    """Find the worst groups, given the predictions for these inputs."""
    errors, measure = errors_of(seen, targets)
    least = max(20, math.ceil(0.01 * len(errors))) if least is None else least
    names: list[str] = []
    masks: list[numpy.ndarray] = []
    known: set[bytes] = set()
    for name, mask in [*classes_of(seen, targets), *groups(inputs, preparation)]:
        key = mask.tobytes()
        if least <= mask.sum() < len(mask) and key not in known:  # two columns may say the same
            known.add(key)
            names.append(name)
            masks.append(mask)
    tried = len(names)
    alone = {name for name, _ in classes_of(seen, targets)}
    free = [place for place, name in enumerate(names) if name not in alone]
    shares = measure != "mean absolute error"
    single = numpy.array(masks, dtype=bool).reshape(len(masks), len(errors))
    pairs, looked = _pairs([names[place] for place in free], single[free], errors, least, shares)
    tried += looked
    found = [
        _slice(name, mask, errors, tried, shares) for name, mask in [*zip(names, masks, strict=True), *pairs]
    ]
    found.sort(key=lambda each: (-each.low, each.name))
    overall = float(errors.mean())
    low, high = _bounds(errors, shares)
    worst = tuple(each for each in found if each.value > overall)[:count]
    return Slices(measure, overall, low, high, worst, tried, split, len(errors), least)


def errors_of(seen: Seen, targets: Spec) -> tuple[numpy.ndarray, str]:
    """Return the error of each example `(batch,)`, and what it is called."""
    if isinstance(targets, Classes) and isinstance(seen.predictions, Tensor):
        if targets.several:
            wrong = (seen.predictions > 0.5) != (seen.targets > 0.5)
            return wrong.double().mean(dim=1).numpy(), "share of wrong labels"
        return (seen.predictions.argmax(dim=1) != seen.targets).double().numpy(), "error rate"
    if isinstance(targets, Quantity):
        gap = (point(seen.predictions) - seen.targets.reshape(len(seen.targets), -1)).abs().double()
        if gap.shape[1] > 1:  # quantities of other units: each in its own deviations
            gap = gap / torch.tensor(targets.scale or (1.0,) * gap.shape[1], dtype=torch.float64)
        return gap.mean(dim=1).numpy(), "mean absolute error"
    raise RefusalError(
        f"{type(targets).__name__} targets have no error per example", expected="classes or quantities"
    )


def point(predictions: Any) -> Tensor:
    """Return the point prediction of quantities `(batch, quantities)`."""
    held = predictions["mean"] if isinstance(predictions, dict) else predictions
    return held.reshape(len(held), -1)


def classes_of(seen: Seen, targets: Spec) -> Iterator[tuple[str, numpy.ndarray]]:
    """Yield (name, which examples) of each true and each predicted class; they are not crossed with others."""
    if isinstance(targets, Classes) and not targets.several:
        said = seen.predictions.argmax(dim=1)
        for code, label in enumerate(targets.names):
            yield f"true class = {label}", (seen.targets == code).numpy()
            yield f"predicted class = {label}", (said == code).numpy()
    elif isinstance(targets, Classes):
        for code, label in enumerate(targets.names):
            yield f"label {label} present", (seen.targets[:, code] > 0.5).numpy()


def groups(inputs: Any, preparation: Any) -> Iterator[tuple[str, numpy.ndarray]]:
    """Yield (name, which examples) of every group of columns: categories, quarters of numbers, gaps."""
    for column in raw_columns(preparation, inputs):
        if column.kind == "categorical":
            yield from _categories(column.name, *column.codes(inputs))
        elif (values := column.values(inputs)) is not None:
            yield from _quarters(column.name, values, column.said)


def _categories(
    name: str, codes: numpy.ndarray, names: list[str | None]
) -> Iterator[tuple[str, numpy.ndarray]]:
    counts = numpy.bincount(codes, minlength=len(names))
    for code in numpy.argsort(-counts, kind="stable")[: CATEGORIES + 1]:
        if counts[code]:
            shown = names[min(code, len(names) - 1)]
            yield (f"{name} is missing" if shown is None else f"{name} = {shown}"), codes == code


def _quarters(
    name: str, values: numpy.ndarray, said: Callable[[float], str | None]
) -> Iterator[tuple[str, numpy.ndarray]]:
    gaps = numpy.isnan(values)
    if gaps.any():
        yield f"{name} is missing", gaps
    known = values[~gaps]
    if not len(known):
        return
    distinct = numpy.unique(known)
    if len(distinct) <= BINS:
        for each in distinct:
            yield f"{name} = {said(each) or f'{each:g}'}", values == each
        return
    edges = numpy.unique(numpy.quantile(known, numpy.linspace(0, 1, BINS + 1), method="nearest"))
    for start, stop in itertools.pairwise(edges):
        last = stop == edges[-1]
        mask = (values >= start) & ((values <= stop) if last else (values < stop))
        low, high = (said(each) or _plain(each) for each in (start, stop))
        yield f"{name} {low} {'to' if last else 'to below'} {high}", mask


def _plain(value: float) -> str:
    return f"{value:,.0f}" if value == round(value) and abs(value) >= 1000 else f"{value:.5g}"


def _pairs(
    names: list[str], masks: numpy.ndarray, errors: numpy.ndarray, least: int, shares: bool
) -> tuple[list[tuple[str, numpy.ndarray]], int]:
    """Cross the worst single groups with all others; keep pairs that are worse than both parts."""
    if len(names) < 2:
        return [], 0
    sizes = masks.sum(axis=1)
    means = masks @ errors / sizes
    lows = numpy.array([_bounds(errors[mask], shares)[0] for mask in masks])
    parents = [
        int(each) for each in numpy.argsort(-lows, kind="stable")[:PARENTS] if means[each] > errors.mean()
    ]
    found, looked, seen = [], 0, set()
    for parent in parents:
        both = masks & masks[parent]
        together = both.sum(axis=1)
        worse = numpy.divide(both @ errors, together, out=numpy.zeros(len(names)), where=together > 0)
        for other in range(len(names)):
            key = frozenset((parent, other))
            fits = least <= together[other] < min(sizes[parent], sizes[other])
            if key in seen or other == parent or not fits:
                continue
            seen.add(key)
            looked += 1
            if worse[other] > max(means[parent], means[other]):
                found.append((f"{names[parent]}, {names[other]}", both[other]))
    return found, looked


def _slice(name: str, mask: numpy.ndarray, errors: numpy.ndarray, tried: int, shares: bool) -> Slice:
    inside, outside = errors[mask], errors[~mask]
    low, high = _bounds(inside, shares)
    if shares:  # the variance of both, were they equal
        spread = errors.var() * (1 / len(inside) + 1 / len(outside))
    else:
        spread = inside.var() / max(1, len(inside) - 1) + outside.var() / max(1, len(outside) - 1)
    gap = abs(inside.mean() - outside.mean())
    chance = math.erfc(gap / math.sqrt(2 * spread)) if spread > 0 else float(gap == 0)
    return Slice(name, len(inside), float(inside.mean()), low, high, min(1.0, chance * tried))


def _bounds(errors: numpy.ndarray, shares: bool) -> tuple[float, float]:
    if shares and set(numpy.unique(errors)) <= {0.0, 1.0}:
        found = wilson(float(errors.sum()), float(len(errors)))
        return found.low, found.high
    reach = NormalDist().inv_cdf(0.975) * errors.std() / math.sqrt(max(1, len(errors) - 1))
    return max(0.0, float(errors.mean() - reach)), float(errors.mean() + reach)
