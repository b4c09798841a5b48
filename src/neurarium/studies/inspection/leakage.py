"""Leakage: columns that give the target away, each judged alone by what it predicts of rows it was not fitted on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy
import polars

from neurarium.studies.inspection.finding import Finding, drop
from neurarium.studies.inspection.sampling import Sample, codes, sample
from neurarium.studies.inspection.tables import Table

SURE, LIKELY = 0.999, 0.98  # scores of one column alone: 0 is chance, 1 is perfect
FOLDS = 3


def scores(table: Table, most: int) -> list[dict[str, Any]]:
    """Return for each input column how well it alone predicts the target, the best first.

    A shallow tree for numbers and the most frequent target of each value for text, on three folds of at most `most`
    training rows. Classes: balanced accuracy, scaled so that chance is 0; quantities: R^2.
    """
    if "train" not in table.encoded:
        return []
    drawn = sample(table, "train", most)
    target = table.encoded["train"][drawn.rows]
    known = target >= 0 if table.classes is not None else numpy.isfinite(target)
    if known.sum() < 10 * FOLDS:
        return []
    drawn = Sample(drawn.rows[known], drawn.frame.filter(known), drawn.fold[known])
    target = target[known]
    found = []
    for column in drawn.frame.get_columns():
        score = _score(column, target, drawn.fold, table.classes is not None)
        same = _same(column, target, table)
        found.append({"column": column.name, "score": round(score, 4), "same": same})
    return sorted(found, key=lambda each: (-float(str(each["score"])), str(each["column"])))


def findings(table: Table, scored: list[dict[str, Any]]) -> Iterator[Finding]:
    """Yield the columns that give the target away."""
    measure = "balanced accuracy above chance" if table.classes is not None else "R²"
    for each in scored:
        name, score, same = str(each["column"]), float(each["score"]), str(each["same"])
        if not same and score < LIKELY:
            continue
        seen = f"it alone predicts the target with a score of {score:.3f} ({measure}; 1 is perfect)"
        yield Finding(
            "error" if same or score >= SURE else "warning", "leak", f"column {name}",
            f"{seen}; {same}" if same else seen,
            "it seems to be made from the target, or known only after it: in use it will not be there",
            f"{drop(name)}, unless it is known when you predict", {"score": score},
        )  # fmt: skip


def _score(column: polars.Series, target: numpy.ndarray, fold: numpy.ndarray, classes: bool) -> float:
    guess = numpy.zeros(len(target))
    for number in range(FOLDS):
        test, train = fold == number, fold != number
        if not test.any() or not train.any():
            continue
        predict = _by_value if column.dtype == polars.String else _by_tree
        guess[test] = predict(column, target, train, test, classes)
    return _balanced(guess, target) if classes else _r2(guess, target)


def _by_tree(
    column: polars.Series, target: numpy.ndarray, train: numpy.ndarray, test: numpy.ndarray, classes: bool
) -> numpy.ndarray:
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    values = column.to_numpy().astype(numpy.float64)
    values = numpy.clip(values, -1e30, 1e30).reshape(-1, 1).astype(numpy.float32)
    limits = {"min_samples_leaf": 3, "random_state": 0}
    if classes:
        leaves = max(16, 4 * len(numpy.unique(target)))
        tree = DecisionTreeClassifier(max_leaf_nodes=leaves, class_weight="balanced", **limits)
    else:
        tree = DecisionTreeRegressor(max_leaf_nodes=128, **limits)
    result: numpy.ndarray = tree.fit(values[train], target[train]).predict(values[test])
    return result


def _by_value(
    column: polars.Series, target: numpy.ndarray, train: numpy.ndarray, test: numpy.ndarray, classes: bool
) -> numpy.ndarray:
    """Predict the class that is over-represented most at a value, or the mean there."""
    place = codes(column)
    count = int(place.max()) + 1
    sizes = numpy.bincount(place[train], minlength=count)
    if not classes:
        sums = numpy.bincount(place[train], target[train], minlength=count)
        middle = float(target[train].mean())
        return numpy.where(sizes > 0, sums / numpy.maximum(sizes, 1), middle)[place[test]]
    names, label = numpy.unique(target, return_inverse=True)
    frequent = numpy.bincount(label[train], minlength=len(names))
    votes = numpy.zeros((count, len(names)))
    numpy.add.at(votes, (place[train], label[train]), 1.0)
    best = (votes / numpy.maximum(frequent, 1)).argmax(axis=1)
    chosen = numpy.where(sizes > 0, best, int(frequent.argmax()))
    result: numpy.ndarray = names[chosen[place[test]]]
    return result


def _balanced(guess: numpy.ndarray, target: numpy.ndarray) -> float:
    names, counts = numpy.unique(target, return_counts=True)
    names = names[counts >= FOLDS]
    if len(names) < 2:
        return 0.0
    recall = float(numpy.mean([(guess[target == name] == name).mean() for name in names]))
    return max(0.0, (recall - 1 / len(names)) / (1 - 1 / len(names)))


def _r2(guess: numpy.ndarray, target: numpy.ndarray) -> float:
    spread = float(((target - target.mean()) ** 2).sum())
    return max(0.0, 1 - float(((target - guess) ** 2).sum()) / spread) if spread else 0.0


def _same(column: polars.Series, target: numpy.ndarray, table: Table) -> str:
    """Say in which way a column is the target itself; empty where it is not."""
    if table.classes is not None:
        if column.n_unique() != len(numpy.unique(target)):
            return ""
        pairs = numpy.unique(numpy.stack([codes(column), target.astype(numpy.int64)]), axis=1).shape[1]
        if pairs == column.n_unique():
            return "each of its values stands for one class"
        return ""
    if column.dtype == polars.String or column.null_count() or column.n_unique() < 3:
        return ""
    values = column.to_numpy()
    if numpy.array_equal(values, target):
        return "it equals the target in every row"
    if not numpy.isfinite(values).all():
        return ""
    straight = abs(float(numpy.corrcoef(values, target)[0, 1]))
    if straight > 1 - 1e-9:
        return "the target is a linear function of it"
    ranks = [polars.Series(each).rank().to_numpy() for each in (values, target)]
    if abs(float(numpy.corrcoef(ranks[0], ranks[1])[0, 1])) > 1 - 1e-6:
        return "it puts all rows into the order of the target"
    return ""
