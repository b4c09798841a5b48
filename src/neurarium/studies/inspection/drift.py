"""Drift: do the rows that measure look like the rows that train?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy
import polars

from neurarium.studies.inspection.columns import identifiers
from neurarium.studies.inspection.finding import Finding, figure, listed
from neurarium.studies.inspection.sampling import codes, sample
from neurarium.studies.inspection.tables import Table

CERTAIN = 0.01  # of a corrected p-value
MOVED, FAR = 0.1, 0.25  # population stability index: some drift, much drift
TOLD_APART = 0.65  # AUC of a classifier that tells train from test
DOMAIN_ROWS = 8_000
SHARED = 50  # values of text that get a share of their own; the others are taken together


def facts(table: Table, most: int) -> dict[str, Any]:
    """Compare the training rows with those that measure.

    Per column: Kolmogorov-Smirnov for numbers, chi-squared for text, p-values corrected for their number (Holm), the
    population stability index over ten bins of the training rows; over all columns the AUC of a gradient-boosted
    classifier that tells the two apart, by cross-validation. A split drawn at random has no drift, and is not looked at.
    """
    split = table.evaluated
    if split is None or (split not in table.own and table.way not in ("time", "grouped", "given")):
        return {
            "looked_at": False,
            "reason": f"the {split} rows are drawn at random" if split else "one split",
        }
    train, other = (sample(table, key, most).frame for key in ("train", split))
    rows = [_column(name, train.get_column(name), other.get_column(name)) for name in _compared(table, split)]
    rows += _target(table, split)
    _holm(rows)
    rows.sort(key=lambda each: (-each["psi"], each["column"]))
    auc, error, used = _domain(table, split)
    return {
        "looked_at": True, "split": split, "columns": rows,
        "auc": auc, "auc_error": error, "rows": used,
    }  # fmt: skip


def findings(found: dict[str, Any]) -> Iterator[Finding]:
    """Yield what the comparison says."""
    if not found.get("looked_at"):
        return
    split = found["split"]
    for each in found["columns"]:
        if each["p"] >= CERTAIN or each["psi"] < MOVED:
            continue
        name = each["column"]
        yield Finding(
            "warning" if each["psi"] >= FAR else "note", "drift", name if " " in name else f"column {name}",
            f"{each['test']} {each['statistic']:.3f}, corrected p {_p(each['p'])}, stability index {each['psi']:.2f}"
            + (f"; {each['said']}" if each["said"] else ""),
            f"the {split} rows differ from the training rows: what was learned may not hold there",
            "find out why; a column that drifts by itself (a counter, a date) is better left out",
            {"statistic": each["statistic"], "p": each["p"], "psi": each["psi"]},
        )  # fmt: skip
    auc = found["auc"]
    if auc is not None and auc - 2 * found["auc_error"] > 0.55:
        worst = listed([each["column"] for each in found["columns"][:3]], 3)
        yield Finding(
            "warning" if auc >= TOLD_APART else "note", "domain", f"{split} rows",
            f"a classifier tells them from training rows with an AUC of {auc:.3f} (0.5 is chance); "
            f"what moved most: {worst}",
            "they were not drawn from the same source or time: expect another quality in use than in validation",
            "validate on rows like those of the test (--validation FILE, --time, --group)",
            {"auc": auc, "error": found["auc_error"]},
        )  # fmt: skip


def _compared(table: Table, split: str) -> list[str]:
    """Return the columns that are compared: not the names of rows, nor groups and times, which differ on purpose."""
    named = {*identifiers(table), table.group, table.time}
    named |= {name for name, kind in table.kinds.items() if kind.kind == "drop"}
    return [
        name
        for name in table.plain["train"].columns
        if name in table.plain[split].columns and name not in named
    ]


def _p(value: float) -> str:
    return "below 1e-12" if value < 1e-12 else f"{value:.2g}"


def _column(name: str, train: polars.Series, other: polars.Series) -> dict[str, Any]:
    if train.dtype == polars.String:
        return {"column": name, **_texts(train, other)}
    return {"column": name, **_numbers(*(each.to_numpy().astype(numpy.float64) for each in (train, other)))}


def _numbers(train: numpy.ndarray, other: numpy.ndarray) -> dict[str, Any]:
    from scipy.special import kolmogorov

    gaps = numpy.isnan(train).sum(), numpy.isnan(other).sum()
    a, b = numpy.sort(train[~numpy.isnan(train)]), numpy.sort(other[~numpy.isnan(other)])
    if not len(a) or not len(b):
        return {"test": "KS", "statistic": 0.0, "p": 1.0, "psi": 0.0, "said": ""}
    both = numpy.concatenate([a, b])
    below = [numpy.searchsorted(each, both, side="right") / len(each) for each in (a, b)]
    statistic = float(numpy.abs(below[0] - below[1]).max())
    weight = math.sqrt(len(a) * len(b) / (len(a) + len(b)))
    edges = numpy.unique(numpy.quantile(a, numpy.linspace(0.1, 0.9, 9)))
    shares = [numpy.bincount(numpy.searchsorted(edges, each), minlength=len(edges) + 1) for each in (a, b)]
    shares = [numpy.append(count, gap) for count, gap in zip(shares, gaps, strict=True)]
    said = f"median {figure(float(numpy.median(a)))} in train, {figure(float(numpy.median(b)))} there"
    return {
        "test": "KS", "statistic": statistic, "p": float(kolmogorov(statistic * weight)), "psi": _psi(*shares),
        "said": said,
    }  # fmt: skip


def _texts(train: polars.Series, other: polars.Series) -> dict[str, Any]:
    from scipy.special import chdtrc

    place = codes(polars.concat([train, other]))
    counts = [
        numpy.bincount(each, minlength=int(place.max()) + 1) for each in numpy.split(place, [train.len()])
    ]
    order = numpy.argsort(-(counts[0] + counts[1]), kind="stable")
    kept, rest = order[:SHARED], order[SHARED:]
    table = numpy.stack([numpy.append(count[kept], count[rest].sum()) for count in counts]).astype(float)
    table = table[:, table.sum(axis=0) > 0]
    frequent = table.sum(axis=0) * min(table.sum(axis=1)) / table.sum() >= 5  # the rule for chi-squared
    pooled = numpy.column_stack([table[:, frequent], table[:, ~frequent].sum(axis=1)])
    pooled = pooled[:, pooled.sum(axis=0) > 0]
    expected = pooled.sum(axis=1, keepdims=True) * pooled.sum(axis=0) / pooled.sum()
    statistic = float(((pooled - expected) ** 2 / expected).sum())
    freedom = pooled.shape[1] - 1
    unseen = other.drop_nulls().filter(~other.drop_nulls().is_in(train.unique().to_list()))
    said = f"{unseen.n_unique()} values unseen in training ({unseen.len():,} rows)" if unseen.len() else ""
    size = math.sqrt(statistic / pooled.sum())
    return {
        "test": "chi-squared, effect", "statistic": size, "p": float(chdtrc(freedom, statistic)) if freedom else 1.0,
        "psi": _psi(pooled[0], pooled[1]), "said": said,
    }  # fmt: skip


def _psi(train: numpy.ndarray, other: numpy.ndarray) -> float:
    """Return the population stability index, sum (b - a) ln(b / a); half a row stands for none."""
    a, b = (numpy.maximum(each, 0.5) / max(1.0, each.sum()) for each in (train, other))
    keep = (train > 0) | (other > 0)
    return float(((b - a) * numpy.log(b / a))[keep].sum())


def _target(table: Table, split: str) -> list[dict[str, Any]]:
    if split not in table.encoded or "train" not in table.encoded:
        return []
    train, other = table.encoded["train"], table.encoded[split]
    name = f"target {table.targets[0]}"
    if table.classes is None:
        return [{"column": name, **_numbers(train, other)}]
    parts = [polars.Series([table.classes[code] for code in each if code >= 0]) for each in (train, other)]
    if not min(part.len() for part in parts):
        return []
    return [{"column": name, **_texts(*parts)}]


def _holm(rows: list[dict[str, Any]]) -> None:
    """Correct the p-values for their number, in place (Holm 1979)."""
    highest = 0.0
    for place, each in enumerate(sorted(rows, key=lambda row: row["p"])):
        highest = max(highest, min(1.0, each["p"] * (len(rows) - place)))
        each["p"] = highest


def _domain(table: Table, split: str) -> tuple[float | None, float, int]:
    """Return (AUC, its standard error, rows) of a classifier that tells the splits apart, out of fold."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score

    parts = [sample(table, key, DOMAIN_ROWS) for key in ("train", split)]
    names = _compared(table, split)
    if min(len(part.rows) for part in parts) < 30 or not names:
        return None, 0.0, 0
    whole = polars.concat([part.frame.select(names) for part in parts])
    columns = [
        codes(each) if each.dtype == polars.String else numpy.clip(each.to_numpy(), -1e30, 1e30)
        for each in whole.get_columns()
    ]
    inputs = numpy.column_stack(columns).astype(numpy.float64)
    label = numpy.repeat([0, 1], [len(part.rows) for part in parts])
    fold = numpy.concatenate([part.fold for part in parts])
    guess = numpy.full(len(label), numpy.nan)
    for number in range(3):
        test = fold == number
        if test.any() and len(numpy.unique(label[~test])) == 2:
            model = HistGradientBoostingClassifier(
                max_iter=40, learning_rate=0.15, max_leaf_nodes=15, early_stopping=False, random_state=0
            )
            # each fold has a level of its own, which must not count
            guess[test] = _ranks(model.fit(inputs[~test], label[~test]).predict_proba(inputs[test])[:, 1])
    known = numpy.isfinite(guess)
    if len(numpy.unique(label[known])) < 2:
        return None, 0.0, 0
    auc = float(roc_auc_score(label[known], guess[known]))
    return auc, _error(auc, label[known]), int(known.sum())


def _ranks(values: numpy.ndarray) -> numpy.ndarray:
    return polars.Series(values).rank().to_numpy() / len(values)


def _error(auc: float, label: numpy.ndarray) -> float:
    """Return the standard error of an AUC (Hanley and McNeil 1982)."""
    one, none = int(label.sum()), int((label == 0).sum())
    first, second = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = auc * (1 - auc) + (one - 1) * (first - auc**2) + (none - 1) * (second - auc**2)
    return math.sqrt(max(0.0, variance) / (one * none))
