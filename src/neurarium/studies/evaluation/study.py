"""Evaluation: how well a trained method does on a split, with bootstrap intervals."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import torch

from neurarium.core import batches
from neurarium.core.seeds import generator
from neurarium.data.specs import (
    ABSENT,
    Boxes,
    Classes,
    Expectation,
    Horizon,
    Mask,
    Quantity,
    Spec,
    Tags,
    Targets,
    Text,
)
from neurarium.metrics.choice import make_metric, metrics_for
from neurarium.metrics.confusion import ConfusionMatrix
from neurarium.metrics.curves import roc_curve
from neurarium.metrics.intervals import Interval, bootstrap_set
from neurarium.metrics.mean_average_precision import MeanAveragePrecision, MeanAveragePrecision50
from neurarium.metrics.metric_set import MetricSet
from neurarium.metrics.segmented import MaskDice, MaskIoU
from neurarium.metrics.span_f1 import is_span_scheme, spans_by_type
from neurarium.studies.evaluation.forecasting import forecast_report
from neurarium.studies.evaluation.report import EvaluationReport
from neurarium.studies.evaluation.text_quality import add_text_quality
from neurarium.studies.prediction.decision_rule import rule_of
from neurarium.studies.prediction.learner import learner_of
from neurarium.studies.prediction.seen import Seen, examples_for, predictions_of
from neurarium.training.method import Method
from neurarium.training.run import Run

POINTS = 1500
PROBABILISTIC = frozenset(
    ("auc", "log_loss", "brier", "ece", "loss")
)  # of probabilities, however one decides
SHOWN = {
    "classification": ("accuracy", "f1_macro", "auc", "balanced_accuracy", "log_loss"),
    "regression": ("rmse", "mae", "r2", "median_absolute_error"),
    "segmentation": ("dice", "iou", "accuracy"),
    "language": ("perplexity", "bits_per_character"),
    "tagging": ("accuracy", "span_f1"),
    "frames": ("frame_nll", "frame_accuracy"),
    "text": ("perplexity", "token_accuracy"),
    "transcript": ("character_error_rate", "word_error_rate", "transcript_error_rate"),
}


def evaluate(
    trained: Run | Method,
    data: Any = None,
    *,
    split: str = "test",
    boxes: str | Path | None = None,
    masks: str | Path | None = None,
    batch_size: int = 1024,
    resamples: int = 1000,
    seed: int = 0,
) -> EvaluationReport:
    """Measure a trained method; a run decides by the thresholds or costs that were chosen for it.

    Args:
        trained: a run, or a method.
        data: a `Dataset` (its `split` is taken), one of its splits, or raw data with targets in the original format
            (a path, a frame) for a run that holds its preparation; None for the data of the run's training.
        split: "train", "validation" or "test".
        boxes, masks: what is to be found in a folder of new images: a COCO file or a CSV; a folder of masks.
        batch_size: examples per batch.
        resamples: of the bootstrap; 0 leaves the intervals out.
        seed: of the bootstrap.

    Raises:
        DataError: no such split, no targets in the data, or the file of the training has changed.

    >>> import neurarium as nr
    >>> iris = nr.data.load("iris")
    >>> network = nr.networks.MLP.for_data(iris.inputs, iris.targets)
    >>> run = nr.fit(nr.methods.Supervised(network), iris, epochs=20, progress=False)
    >>> report = nr.studies.evaluate(run, iris)
    >>> report.metrics["accuracy"] > 0.8, report.metrics["accuracy"] in report.intervals["accuracy"]
    (True, True)
    """
    method = learner_of(trained)
    name, split, examples = examples_for(trained, data, split, boxes=boxes, masks=masks)
    targets: Any = getattr(method, "targets", None) or getattr(trained, "targets", None)
    if isinstance(targets, Horizon):
        return forecast_report(
            method, examples, targets, name=name, split=split, resamples=resamples, seed=seed
        )
    seen = predictions_of(method, examples, batch_size=batch_size)
    report = report_of(seen, targets, name=name, split=split, resamples=resamples, seed=seed)
    if isinstance(targets, Text):
        preparation = getattr(trained, "preparation", None)
        add_text_quality(report, method, preparation, examples, resamples=resamples, seed=seed)
    rule = rule_of(trained) if isinstance(trained, Run) and isinstance(targets, Classes) else None
    if rule is not None:
        _decide(
            report, dataclasses.replace(seen, predictions=rule.one_hot(seen.predictions)), resamples, seed
        )
        report.rule = str(rule)
    return report


def _decide(report: EvaluationReport, decided: Seen, resamples: int, seed: int) -> None:
    """Let what measures decisions measure those of a rule; what measures probabilities stays."""
    other = report_of(decided, report.targets, name="", split="", resamples=resamples, seed=seed)
    for name in set(report.metrics) - PROBABILISTIC:
        report.metrics[name] = other.metrics[name]
        if name in other.intervals:
            report.intervals[name] = other.intervals[name]
    for label, row in report.per_class.items():
        row |= {key: value for key, value in other.per_class[label].items() if key != "auc"}
    report.confusion = other.confusion


def report_of(
    seen: Seen, targets: Spec, *, name: str, split: str, resamples: int = 1000, seed: int = 0
) -> EvaluationReport:
    """Turn predictions into a report; of several targets, one report of each inside."""
    if isinstance(targets, Targets):
        return _side_by_side(seen, targets, name, split, resamples, seed)
    metrics = metrics_for(targets)  # type: ignore[arg-type]
    metrics.update(seen.predictions, seen.targets, seen.weights)
    values = {key: float(value) for key, value in metrics.compute().items()}
    if seen.loss is not None:
        values["loss"] = seen.loss
    intervals: dict[str, Interval] = {}
    if resamples:
        intervals = _intervals(seen, targets, metrics, resamples, seed)
    report = EvaluationReport(name, split, batches.size(seen.targets), targets, values, intervals)
    if isinstance(targets, Classes):
        _fill_classes(report, seen, targets)
    elif isinstance(targets, Mask):
        _fill_masks(report, seen, targets)
    elif isinstance(targets, Tags):
        _fill_tags(report, seen, targets)
    elif isinstance(targets, Boxes):
        _fill_boxes(report, seen, targets)
    elif isinstance(targets, Quantity):
        report.pairs = _sampled(seen, targets, seed)
        if isinstance(
            targets, Expectation
        ):  # the places of a window are one quantity: its last one is the moment
            report.pairs = {name: pairs for name, pairs in report.pairs.items() if name == targets.names[-1]}
        elif len(targets.names) > 1:
            found, bounds = _by_quantity(seen, targets, resamples, seed)
            report.metrics |= found
            report.intervals |= bounds
    return report


def _by_quantity(
    seen: Seen, targets: Quantity, resamples: int, seed: int
) -> tuple[dict[str, float], dict[str, Interval]]:
    """The metrics of each of several quantities, which may have different units, and their intervals."""
    metrics: dict[str, float] = {}
    bounds: dict[str, Interval] = {}
    for number, name in enumerate(targets.names):
        own = metrics_for(Quantity((name,)))  # type: ignore[arg-type]
        part = Seen(seen.predictions[:, [number]], seen.targets[:, [number]], seen.weights, None)
        own.update(part.predictions, part.targets, part.weights)
        metrics |= {f"{name}: {key}": float(value) for key, value in own.compute().items()}
        if resamples:
            held = _intervals(part, Quantity((name,)), own, resamples, seed)
            bounds |= {f"{name}: {key}": value for key, value in held.items()}
    return metrics, bounds


def _side_by_side(
    seen: Seen, targets: Targets, name: str, split: str, resamples: int, seed: int
) -> EvaluationReport:
    parts = {}
    for each, spec in zip(targets.names, targets.parts, strict=True):
        own = Seen(seen.predictions[each], seen.targets[each], seen.weights, None)
        parts[each] = report_of(own, spec, name=name, split=split, resamples=resamples, seed=seed)
    metrics = {f"{each}: {key}": value for each, part in parts.items() for key, value in part.metrics.items()}
    bounds = {
        f"{each}: {key}": value for each, part in parts.items() for key, value in part.intervals.items()
    }
    if seen.loss is not None:
        metrics["loss"] = seen.loss
    count = batches.size(seen.targets)
    return EvaluationReport(name, split, count, targets, metrics, bounds, parts=parts)


def _intervals(
    seen: Seen, targets: Spec, metrics: MetricSet, resamples: int, seed: int
) -> dict[str, Interval]:
    """Bootstrap the metrics that people quote; the AUC of much data, which sorts anew each time, by fewer resamples."""
    wanted = [name for name in metrics if name in SHOWN.get(getattr(targets, "kind", ""), ())]
    large = batches.size(seen.targets) * len(getattr(targets, "names", ())) > 30_000
    found: dict[str, Interval] = {}
    for names, count in (
        ([name for name in wanted if name != "auc"], resamples),
        ([name for name in wanted if name == "auc"], min(resamples, 200) if large else resamples),
    ):
        chosen = MetricSet({name: metrics[name].fresh() for name in names})
        found |= bootstrap_set(
            chosen, seen.predictions, seen.targets, weights=seen.weights, resamples=count, seed=seed
        )
    return {name: found[name] for name in wanted}


def _fill_classes(report: EvaluationReport, seen: Seen, targets: Classes) -> None:
    metric = ConfusionMatrix()
    metric.update(seen.predictions, seen.targets, seen.weights)
    found = metric.compute()
    for number, label in enumerate(targets.names):
        hits, alarms, misses = (
            float(found[key][number]) for key in ("true_positive", "false_positive", "false_negative")
        )
        report.per_class[label] = {
            "precision": hits / (hits + alarms) if hits + alarms else math.nan,
            "recall": hits / (hits + misses) if hits + misses else math.nan,
            "f1": 2 * hits / (2 * hits + alarms + misses) if hits + alarms + misses else math.nan,
            "examples": hits + misses,
        }
    if targets.several:
        for number, label in enumerate(targets.names):
            auc = make_metric("auc").value(
                seen.predictions[:, number], seen.targets[:, number].long(), seen.weights
            )
            report.per_class[label]["auc"] = float(auc)
        return
    report.confusion = found["matrix"].tolist()
    if len(targets.names) == 2 and len(torch.unique(seen.targets)) == 2:
        curve = roc_curve(seen.predictions[:, 1], seen.targets, seen.weights)
        places = torch.linspace(0, len(curve[0]) - 1, min(len(curve[0]), 300)).round().long()
        report.pairs["roc"] = list(zip(curve[0][places].tolist(), curve[1][places].tolist(), strict=True))


def _fill_masks(report: EvaluationReport, seen: Seen, targets: Mask) -> None:
    """The overlap of each class, and which pixels were taken for which."""
    table = seen.predictions if seen.weights is None else seen.predictions * seen.weights[:, None, None]
    table = table.sum(dim=0)
    dice, iou = MaskDice().each(table).tolist(), MaskIoU().each(table).tolist()
    rows, columns = table.sum(dim=1), table.sum(dim=0)
    for number, name in enumerate(targets.names):
        hits, there, said = (float(each) for each in (table[number, number], rows[number], columns[number]))
        report.per_class[name] = {
            "dice": dice[number],
            "iou": iou[number],
            "precision": hits / said if said else math.nan,
            "recall": hits / there if there else math.nan,
            "pixels": there,
        }
    report.confusion = table.tolist()


def _fill_tags(report: EvaluationReport, seen: Seen, targets: Tags) -> None:
    """The spans of each type, and which tag was taken for which, token by token."""
    if is_span_scheme(targets.names):
        report.spans = spans_by_type(seen.predictions, seen.targets, targets.names)
    count, known = len(targets.names), seen.targets != ABSENT
    cells = (seen.targets * count + seen.predictions)[known]
    table = torch.bincount(cells, minlength=count * count).reshape(count, count).double()
    rows, columns = table.sum(dim=1), table.sum(dim=0)
    for number, name in enumerate(targets.names):
        hits, there, said = (float(each) for each in (table[number, number], rows[number], columns[number]))
        report.per_class[name] = {
            "precision": hits / said if said else math.nan,
            "recall": hits / there if there else math.nan,
            "f1": 2 * hits / (there + said) if there + said else math.nan,
            "tokens": there,
        }
    report.confusion = table.tolist()


def _fill_boxes(report: EvaluationReport, seen: Seen, targets: Boxes) -> None:
    """The average precision of each class that has boxes."""
    whole, half = MeanAveragePrecision(), MeanAveragePrecision50()
    state = whole.contribution(whole.check(seen.predictions, seen.targets, seen.weights))
    at_all, at_half = whole.each(state), half.each(state)
    for number, name in enumerate(targets.names):
        report.per_class[name] = {
            "ap_50": float(at_half.get(number, math.nan)),
            "ap": float(at_all.get(number, math.nan)),
            "boxes": float((state["truth"][:, 0] == number).sum()),
        }


def _sampled(seen: Seen, targets: Quantity, seed: int) -> dict[str, list[tuple[float, float]]]:
    """A sample of (target, prediction) for the plots, the same for every run over the same examples."""
    truth, said = seen.targets.reshape(len(seen.targets), -1), seen.predictions.reshape(len(seen.targets), -1)
    chosen = torch.randperm(len(truth), generator=generator(seed, "pairs"))[:POINTS].sort().values
    pairs = {}
    for number, name in enumerate(targets.names):
        pairs[name] = list(zip(truth[chosen, number].tolist(), said[chosen, number].tolist(), strict=True))
    return pairs
