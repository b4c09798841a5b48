"""Evaluation: how well a trained method does on a split, with bootstrap intervals."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import torch
from torch import Tensor

from neurarium.core import batches
from neurarium.core.display import Displayed
from neurarium.core.errors import DataError, OptionError, unknown
from neurarium.core.seeds import generator
from neurarium.data.dataset import Dataset
from neurarium.data.examples import Examples
from neurarium.data.preparation.text_pairs import TextExamples
from neurarium.data.sources.minibatches import Minibatches
from neurarium.data.specs import (
    ABSENT,
    Boxes,
    Classes,
    Horizon,
    Mask,
    Quantity,
    Spec,
    Tags,
    Targets,
    Text,
    spec_from_json,
)
from neurarium.metrics.choice import make_metric, metrics_for
from neurarium.metrics.confusion import ConfusionMatrix
from neurarium.metrics.curves import roc_curve
from neurarium.metrics.intervals import Interval, bootstrap_set
from neurarium.metrics.mean_average_precision import MeanAveragePrecision, MeanAveragePrecision50
from neurarium.metrics.metric_set import MetricSet
from neurarium.metrics.segmented import MaskDice, MaskIoU
from neurarium.studies.learner import evaluating, fields_of, learner_of
from neurarium.studies.reading import read_again
from neurarium.training.method import Method
from neurarium.training.run import Run

POINTS = 1500
PROBABILISTIC = frozenset(
    ("auc", "log_loss", "brier", "ece", "loss")
)  # of probabilities, however one decides
COUNTS = ("examples", "pixels", "boxes", "tokens")
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
HEADLINES = {
    "classification": "accuracy",
    "segmentation": "dice",
    "detection": "map_50",
    "language": "perplexity",
    "tagging": "accuracy",
    "frames": "frame_nll",
    "forecast": "mse",
    "transcript": "character_error_rate",
}


@dataclasses.dataclass
class EvaluationReport(Displayed):
    """What an evaluation found; `print` shows it.

    Args:
        name: of the data.
        split: of the data.
        examples: how many.
        targets: their spec.
        metrics: name to value; `loss` is the method's own.
        intervals: name to bootstrap interval (95 %, of 1,000 resamples of the examples; 200 for the AUC of much data).
        confusion: counts of targets (rows) by predictions (columns); None for quantities and several labels.
        per_class: class to `precision`, `recall`, `f1`, `examples`.
        pairs: of quantities, a sample of (target, prediction) per quantity; of two classes, points of the ROC curve.
        rule: how the run decides, where thresholds or costs were chosen for it; else by the largest probability.
        steps: of forecasts, the errors by step of the horizon, of the network and of the naive forecasts.
        texts: of texts that are written, typical and worst ones: `kind`, `source`, `wanted`, `said`, `metric`, `value`.
        parts: of several targets, the report of each by its name; `metrics` then holds theirs as `price: rmse`.
    """

    name: str
    split: str
    examples: int
    targets: Spec
    metrics: dict[str, float]
    intervals: dict[str, Interval]
    confusion: list[list[float]] | None = None
    per_class: dict[str, dict[str, float]] = dataclasses.field(default_factory=dict)
    pairs: dict[str, list[tuple[float, float]]] = dataclasses.field(default_factory=dict)
    parts: dict[str, EvaluationReport] = dataclasses.field(default_factory=dict)
    steps: dict[str, list[float]] = dataclasses.field(default_factory=dict)
    texts: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    rule: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain values; `from_json` takes them back."""
        intervals = {name: [each.low, each.high] for name, each in self.intervals.items()}
        held = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        parts = {name: each.to_json() for name, each in self.parts.items()}
        return {**held, "targets": self.targets.to_json(), "intervals": intervals, "parts": parts}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> EvaluationReport:
        """Rebuild from `to_json`; null stands for what is not a number."""
        metrics = {name: math.nan if each is None else each for name, each in value["metrics"].items()}
        bounds = {
            name: [math.nan if b is None else b for b in each] for name, each in value["intervals"].items()
        }
        intervals = {name: Interval(each[0], each[1], metrics[name]) for name, each in bounds.items()}
        targets = spec_from_json(value["targets"])
        parts = {name: cls.from_json(each) for name, each in value.get("parts", {}).items()}
        return cls(
            **{**value, "targets": targets, "metrics": metrics, "intervals": intervals, "parts": parts}
        )

    @property
    def headline(self) -> str:
        """The name of the metric that a person asks for first; of several targets that of the first.

        Of several quantities it has no unit: theirs may differ.
        """
        for name, part in self.parts.items():
            return f"{name}: {part.headline}"
        if "span_f1" in self.metrics:
            return "span_f1"
        if isinstance(self.targets, Text):
            return next((name for name in ("bleu", "rouge_l") if name in self.metrics), "perplexity")
        several = isinstance(self.targets, Quantity) and len(self.targets.names) > 1
        return "r2" if several else HEADLINES.get(getattr(self.targets, "kind", ""), "rmse")

    def __str__(self) -> str:
        lines = [f"{self.name}, {self.split}: {self.examples:,} examples"]
        width = max(map(len, self.metrics), default=0)
        for name, value in self.metrics.items():
            line = f"  {name:<{width}}  {value:>10.4g}"
            if name in self.intervals:
                line += f"  [{self.intervals[name].low:.4g}, {self.intervals[name].high:.4g}]"
            lines.append(line)
        for name, part in self.parts.items():
            shown = str(dataclasses.replace(part, metrics={}, intervals={})).partition("\n")[2].strip("\n")
            lines += ["", f"  {name}:", shown] if shown else []
        if self.per_class and len(self.per_class) <= 30:
            lines += ["", *_class_lines(self.per_class)]
        if self.confusion is not None and len(self.confusion) <= 12:
            lines += ["", *_confusion_lines(self.confusion, self.targets.names)]  # type: ignore[attr-defined]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)


def evaluate(
    trained: Run | Method,
    data: Any = None,
    *,
    split: str = "test",
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
    name, split, examples = examples_for(trained, data, split)
    targets: Any = getattr(method, "targets", None) or getattr(trained, "targets", None)
    if isinstance(targets, Horizon):
        from neurarium.studies.forecasting import forecast_report

        return forecast_report(
            method, examples, targets, name=name, split=split, resamples=resamples, seed=seed
        )
    seen = predictions_of(method, examples, batch_size=batch_size)
    report = report_of(seen, targets, name=name, split=split, resamples=resamples, seed=seed)
    if isinstance(targets, Text):
        from neurarium.studies.text_quality import add_text_quality

        preparation = getattr(trained, "preparation", None)
        add_text_quality(report, method, preparation, examples, resamples=resamples, seed=seed)
    from neurarium.studies.decision_rule import rule_of

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


@dataclasses.dataclass
class Seen:
    """What a method said of a split: predictions, targets and weights of all examples on the CPU, and the mean loss."""

    predictions: Any
    targets: Any
    weights: Tensor | None
    loss: float | None


def predictions_of(method: Method, examples: Any, *, batch_size: int = 1024) -> Seen:
    """Run a method's `evaluate` over a split.

    Raises:
        DataError: the method measures nothing on such data.
    """
    parts, totals = [], []
    with evaluating(method) as device:
        size = min(batch_size, method.measured_at_once())
        for batch in Minibatches(examples, size, shuffle=False, device=device, rank=0, world=1):
            found = method.evaluate(batch)
            if found is None:
                continue
            parts.append(batches.to((found.predictions, found.targets), "cpu"))
            parts[-1] += (None if found.weights is None else found.weights.cpu(),)
            if found.loss is not None:
                totals.append([float(found.loss[0]), float(found.loss[1])])
    if not parts:
        raise DataError(
            "there is nothing to measure", fix=f"{type(method).__name__} has no metrics on such data"
        )
    predictions = batches.concatenate([each[0] for each in parts])
    weights = None if parts[0][2] is None else torch.cat([each[2] for each in parts])
    loss = sum(total for total, _ in totals) / sum(weight for _, weight in totals) if totals else None
    return Seen(predictions, batches.concatenate([each[1] for each in parts]), weights, loss)


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
        if len(targets.names) > 1:
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
    """Which tag was taken for which, token by token."""
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
            "boxes": float((state["truth"] == number).sum()),
        }


def _sampled(seen: Seen, targets: Quantity, seed: int) -> dict[str, list[tuple[float, float]]]:
    """A sample of (target, prediction) for the plots, the same for every run over the same examples."""
    truth, said = seen.targets.reshape(len(seen.targets), -1), seen.predictions.reshape(len(seen.targets), -1)
    chosen = torch.randperm(len(truth), generator=generator(seed, "pairs"))[:POINTS].sort().values
    pairs = {}
    for number, name in enumerate(targets.names):
        pairs[name] = list(zip(truth[chosen, number].tolist(), said[chosen, number].tolist(), strict=True))
    return pairs


def examples_for(trained: Run | Method, data: Any, split: str) -> tuple[str, str, Any]:
    """Find what to measure on: (name of the data, name of the split, examples)."""
    if data is None:
        if not isinstance(trained, Run):
            raise OptionError("a method does not hold its data", fix="give evaluate(method, data)")
        data = trained.data if trained.data is not None else read_again(trained)
    if isinstance(data, Dataset):
        if split not in data.splits:
            held = next((each for each in ("test", "validation") if each in data.splits), None)
            fix = f"measure another one: --split {held}" if held else "train with --validation 0.15"
            raise unknown(f"split of {data.name}:", split, data.splits, error=DataError, fix=fix)
        return data.name, split, data.splits[split]
    if hasattr(data, "take"):
        return "data", split, data
    if isinstance(data, dict) and "inputs" in data:
        return "data", split, Examples(data)
    preparation: Any = getattr(trained, "preparation", None)
    if hasattr(preparation, "windows"):  # series: every window of the new ones
        return str(data) if not hasattr(data, "shape") else "data", "new data", preparation.windows(data)
    if preparation is None:
        raise OptionError(
            "raw data needs the preparation of a run", fix="give a run that was trained on a dataset"
        )
    batch, notes = preparation.apply(data)
    if "targets" not in batch:
        why = notes.get("targets", "images lie in no folder named as their class")
        raise DataError(
            "this data cannot be evaluated without its targets", expected="the target column", received=why,
            fix="`neurarium predict` needs no targets",
        )  # fmt: skip
    name = str(data) if not hasattr(data, "shape") else "data"
    if "texts" in notes:
        return name, "new data", TextExamples(batch, *notes["texts"])
    return name, "new data", Examples(batch)


def reports_of(run: Run) -> dict[str, EvaluationReport]:
    """Return the reports of the splits that were measured at the end of training, by split.

    Raises:
        ArtifactError: a file is damaged.
    """
    if not run.reports and run.folder is not None:
        for split in ("validation", "test"):
            path = run.folder / "evaluation" / f"{split}.json"
            if path.is_file():
                run.reports[split] = EvaluationReport.from_json(fields_of(path))
    return run.reports


def _class_lines(per_class: dict[str, dict[str, float]]) -> list[str]:
    width = max(5, *(len(name) for name in per_class))
    first = next(iter(per_class.values()))
    if "examples" not in first:  # masks, boxes and tags have measures of their own
        lines = [f"  {'class':<{width}}" + "".join(f"  {key:>9}" for key in first)]
        for name, row in per_class.items():
            shown = (f"{v:>11,.0f}" if k in COUNTS else f"{v:>11.4f}" for k, v in row.items())
            lines.append(f"  {name:<{width}}" + "".join(shown))
        return lines
    more = [key for key in ("auc", "threshold") if all(key in row for row in per_class.values())]
    heads = "".join(f"  {key:>9}" for key in more)
    lines = [f"  {'class':<{width}}  precision  recall      f1  examples{heads}"]
    for name, row in per_class.items():
        numbers = (
            f"{row['precision']:>9.4f}  {row['recall']:>6.4f}  {row['f1']:>6.4f}  {row['examples']:>8,.0f}"
        )
        numbers += "".join(f"  {row[key]:>9.4f}" for key in more)
        lines.append(f"  {name:<{width}}  {numbers}")
    return lines


def _confusion_lines(matrix: list[list[float]], names: tuple[str, ...]) -> list[str]:
    cells = [[f"{value:,.0f}" for value in row] for row in matrix]
    width = max(len(cell) for row in [*cells, list(names)] for cell in row)
    left = max(len(name) for name in names)
    head = "  " + " " * left + "  " + "  ".join(f"{name:>{width}}" for name in names)
    rows = [
        f"  {name:<{left}}  " + "  ".join(f"{c:>{width}}" for c in row)
        for name, row in zip(names, cells, strict=True)
    ]
    return ["  confusion: rows are the truth, columns what was predicted", head, *rows]
