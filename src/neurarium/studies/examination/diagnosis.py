"""Diagnosis: the curves and tables that show how a trained method is right or wrong, from its predictions."""

from __future__ import annotations

import math
from typing import Any

import numpy
import torch
from torch import Tensor

from neurarium.data.specs import Classes, Quantity
from neurarium.metrics.choice import make_metric
from neurarium.metrics.curves import precision_recall_curve, roc_curve
from neurarium.studies.decisions.calibration import fit_temperature, quantile_reliability, reliability
from neurarium.studies.decisions.conformal import ConformalIntervals
from neurarium.studies.decisions.thresholds import choose_threshold
from neurarium.studies.examination.slices import point
from neurarium.studies.prediction.seen import Seen

POINTS, DRAWN = 120, 8
COSTS = ((1.0, 1.0), (5.0, 1.0), (1.0, 5.0))


def curves_of(seen: Seen, targets: Classes) -> list[dict[str, Any]]:
    """Return ROC and precision-recall points of each class against the rest, the most frequent eight of them.

    Each entry holds `name`, `auc`, `average_precision`, `share` (of positives), `roc` and `pr` as lists of (x, y).
    """
    counts = _positives(seen, targets).sum(dim=0)
    order = [1] if _binary(targets) else torch.argsort(counts, descending=True, stable=True).tolist()
    found: list[dict[str, Any]] = []
    for code in order:
        positive = _positives(seen, targets)[:, code]
        if not 0 < int(positive.sum()) < len(positive) or len(found) == DRAWN:
            continue
        scores = seen.predictions[:, code]
        roc = roc_curve(scores, positive, seen.weights)
        held = precision_recall_curve(scores, positive, seen.weights)
        x, y = roc.false_positive_rate, roc.true_positive_rate
        precision, recall = held.precision, held.recall
        steps = (recall[:-1] - recall[1:]).abs() * precision[:-1]
        found.append(
            {
                "name": targets.names[code],
                "auc": float(torch.trapezoid(y, x)),
                "average_precision": float(steps.sum()),
                "share": float(positive.double().mean()),
                "roc": _thinned(x, y),
                "pr": _thinned(recall, precision)[::-1],
            }
        )
    return found


def calibration_of(test: Seen, validation: Seen | None, targets: Classes, bins: int = 10) -> dict[str, Any]:
    """Return the reliability of a split, and of the same after a temperature fitted on validation."""
    positive = 1 if _binary(targets) else None
    found: dict[str, Any] = {
        "before": _reliability(test.predictions, test, bins, positive),
        "positive": targets.names[1] if positive else None,
        "several": targets.several,
    }
    if validation is not None:
        fitted = fit_temperature(
            _logits(validation.predictions, targets), validation.targets, validation.weights
        )
        logits = _logits(test.predictions, targets) / fitted.temperature
        cooled = torch.sigmoid(logits) if targets.several else torch.softmax(logits, dim=1)
        found |= {
            "temperature": fitted.temperature,
            "bounded": fitted.bounded,
            "after": _reliability(cooled, test, bins, positive),
            "log_loss": [
                make_metric("log_loss").value(each, test.targets, test.weights)
                for each in (test.predictions, cooled)
            ],
        }
    return found


def thresholds_of(validation: Seen, test: Seen | None, targets: Classes) -> dict[str, Any]:
    """Return the curves of F1, precision and recall over the threshold, and the best threshold for several costs.

    Chosen on validation; what the choice reaches on test stands beside it. `costs` rows hold what a missed positive and
    a false alarm cost, the threshold, and the mean cost on validation, on test, and on test at 0.5.
    """
    scores, truth = validation.predictions[:, 1], validation.targets
    grid = numpy.linspace(0.01, 0.99, 99)
    curve = {"threshold": grid.tolist(), **_decided(scores, truth, validation.weights, grid)}
    best = choose_threshold(scores, truth, goal="f1", weights=validation.weights)
    found: dict[str, Any] = {
        "positive": targets.names[1],
        "curve": curve,
        "f1": {"threshold": best.value, "validation": best.score},
    }
    if test is not None:
        at = numpy.array([best.value, 0.5])
        reached = _decided(test.predictions[:, 1], test.targets, test.weights, at)
        found["f1"] |= {"test": reached["f1"][0], "test_at_half": reached["f1"][1]}
    rows = []
    for missed, alarm in COSTS:
        chosen = choose_threshold(
            scores, truth, costs=((0.0, alarm), (missed, 0.0)), weights=validation.weights
        )
        row: dict[str, Any] = {
            "missed": missed,
            "alarm": alarm,
            "threshold": chosen.value,
            "validation": chosen.score,
        }
        costs = _costs(scores, truth, validation.weights, grid, missed, alarm)
        row["curve"] = costs
        if test is not None:
            at = numpy.array([chosen.value, 0.5])
            row["test"], row["test_at_half"] = _costs(
                test.predictions[:, 1], test.targets, test.weights, at, missed, alarm
            )
        rows.append(row)
    return {**found, "costs": rows}


def residuals_of(
    test: Seen, targets: Quantity, intervals: ConformalIntervals | None, groups: int = 10
) -> list[dict[str, Any]]:
    """Return, per quantity, the errors by tenths of the prediction, and how often the intervals hold the truth."""
    said, truth = point(test.predictions).double(), test.targets.reshape(len(test.targets), -1).double()
    low, high = intervals.interval(said) if intervals is not None else (None, None)
    found = []
    for number, name in enumerate(targets.names):
        order = torch.argsort(said[:, number], stable=True)
        rows = []
        for part in torch.tensor_split(order, min(groups, max(1, len(order) // 5))):
            gap = said[part, number] - truth[part, number]
            row = {
                "low": float(said[part[0], number]),
                "high": float(said[part[-1], number]),
                "examples": len(part),
                "bias": float(gap.mean()),
                "mae": float(gap.abs().mean()),
                "rmse": float(gap.square().mean().sqrt()),
            }
            if low is not None and high is not None:
                inside = (truth[part, number] >= low[part, number]) & (
                    truth[part, number] <= high[part, number]
                )
                row["covered"] = float(inside.double().mean())
            rows.append(row)
        entry: dict[str, Any] = {"name": name, "tenths": rows}
        if low is not None and high is not None and intervals is not None:
            inside = (truth[:, number] >= low[:, number]) & (truth[:, number] <= high[:, number])
            entry |= {
                "level": intervals.level,
                "covered": float(inside.double().mean()),
                "held": int(inside.sum()),
            }
            entry["width"] = float((high[:, number] - low[:, number]).mean())
        found.append(entry)
    if isinstance(test.predictions, dict) and "std" in test.predictions:
        held = quantile_reliability(test.predictions, test.targets)
        for number, entry in enumerate(found):
            entry["quantiles"] = [held["levels"].tolist(), held["frequency"][:, number].tolist()]
    return found


def _binary(targets: Classes) -> bool:
    return len(targets.names) == 2 and not targets.several


def _positives(seen: Seen, targets: Classes) -> Tensor:
    if targets.several:
        return (seen.targets > 0.5).long()
    return torch.nn.functional.one_hot(seen.targets.long(), len(targets.names))


def _thinned(x: Tensor, y: Tensor) -> list[tuple[float, float]]:
    """At most 120 points, spread evenly along the way from the first to the last."""
    length = (x.diff().abs() + y.diff().abs()).cumsum(0)
    if len(x) <= POINTS or not len(length):
        chosen = torch.arange(len(x))
    else:
        along = torch.cat([length.new_zeros(1), length])
        wanted = torch.linspace(0, float(along[-1]), POINTS, dtype=along.dtype)
        chosen = torch.searchsorted(along, wanted).clamp(max=len(x) - 1).unique()
    return [(round(a, 5), round(b, 5)) for a, b in zip(x[chosen].tolist(), y[chosen].tolist(), strict=True)]


def _logits(predictions: Tensor, targets: Classes) -> Tensor:
    held = predictions.double().clamp(1e-9, 1 - 1e-9)
    return torch.logit(held) if targets.several else held.log()


def _reliability(predictions: Tensor, seen: Seen, bins: int, positive: int | None) -> dict[str, Any]:
    if (
        predictions.shape == seen.targets.shape and predictions.ndim == 2
    ):  # several labels: each of them a decision
        flat = predictions.reshape(-1, 1)
        held = reliability(
            torch.cat([1 - flat, flat], dim=1), seen.targets.reshape(-1).long(), bins=bins, positive=1
        )
    else:
        held = reliability(predictions, seen.targets, seen.weights, bins=bins, positive=positive)
    plain = {
        key: [_known(each) for each in held[key].tolist()]
        for key in ("confidence", "frequency", "weight", "edges")
    }
    return {**plain, "error": float(held["error"])}


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _sums(
    scores: Tensor, truth: Tensor, weights: Tensor | None, grid: numpy.ndarray
) -> tuple[numpy.ndarray, ...]:
    """Weights of hits, false alarms, misses and of all, at each threshold."""
    held = scores.double().numpy()
    share = numpy.ones(len(held)) if weights is None else weights.double().numpy()
    positive = truth.numpy() == 1
    order = numpy.argsort(held, kind="stable")
    ranked = held[order]
    above = numpy.searchsorted(ranked, grid, side="right")
    hits = numpy.concatenate([numpy.cumsum((share * positive)[order][::-1])[::-1], [0.0]])[above]
    alarms = numpy.concatenate([numpy.cumsum((share * ~positive)[order][::-1])[::-1], [0.0]])[above]
    return hits, alarms, (share * positive).sum() - hits, numpy.full(len(grid), share.sum())


def _decided(
    scores: Tensor, truth: Tensor, weights: Tensor | None, grid: numpy.ndarray
) -> dict[str, list[float]]:
    hits, alarms, misses, _ = _sums(scores, truth, weights, grid)
    with numpy.errstate(invalid="ignore", divide="ignore"):
        precision = numpy.where(hits + alarms > 0, hits / (hits + alarms), 1.0)
        recall = numpy.where(hits + misses > 0, hits / (hits + misses), 0.0)
        f1 = numpy.where(2 * hits + alarms + misses > 0, 2 * hits / (2 * hits + alarms + misses), 0.0)
    return {"f1": f1.tolist(), "precision": precision.tolist(), "recall": recall.tolist()}


def _costs(
    scores: Tensor, truth: Tensor, weights: Tensor | None, grid: numpy.ndarray, missed: float, alarm: float
) -> list[float]:
    _, alarms, misses, total = _sums(scores, truth, weights, grid)
    return ((missed * misses + alarm * alarms) / total).tolist()
