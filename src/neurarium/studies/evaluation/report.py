"""The report of an evaluation: figures of a split with their intervals, as values, as text and as JSON."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from neurarium.core.display import Displayed
from neurarium.data.specs import Expectation, Quantity, Spec, Text, spec_from_json
from neurarium.metrics.intervals import Interval
from neurarium.studies.prediction.learner import fields_of
from neurarium.training.run import Run

COUNTS = ("examples", "pixels", "boxes", "tokens", "spans")
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
        spans: of tags that mark spans, type to `precision`, `recall`, `f1`, `spans`.
        pairs: of quantities, a sample of (target, prediction) per quantity; of two classes, points of the ROC curve.
        rule: how the run decides, where thresholds or costs were chosen for it; else by the largest probability.
        steps: of forecasts, the errors by step of the horizon, of the network and of the naive forecasts.
        texts: of texts that are written, typical and worst ones: `kind`, `source`, `wanted`, `said`, `metric`, `value`.
        beside: of summaries, what the first sentences of the texts reach; rows as `studies.examine` has baselines.
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
    spans: dict[str, dict[str, float]] = dataclasses.field(default_factory=dict)
    pairs: dict[str, list[tuple[float, float]]] = dataclasses.field(default_factory=dict)
    parts: dict[str, EvaluationReport] = dataclasses.field(default_factory=dict)
    steps: dict[str, list[float]] = dataclasses.field(default_factory=dict)
    texts: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    beside: list[dict[str, Any]] = dataclasses.field(default_factory=list)
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
        several = several and not isinstance(
            self.targets, Expectation
        )  # one quantity at the places of a window
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
        if self.spans and len(self.spans) <= 30:
            lines += ["", *_class_lines(self.spans, "spans of")]
        if self.per_class and len(self.per_class) <= 30:
            lines += ["", *_class_lines(self.per_class)]
        if self.confusion is not None and len(self.confusion) <= 12:
            lines += ["", *_confusion_lines(self.confusion, self.targets.names)]  # type: ignore[attr-defined]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)


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


def _class_lines(per_class: dict[str, dict[str, float]], head: str = "class") -> list[str]:
    width = max(len(head), *(len(name) for name in per_class))
    first = next(iter(per_class.values()))
    if "examples" not in first:  # masks, boxes and tags have measures of their own
        lines = [f"  {head:<{width}}" + "".join(f"  {key:>9}" for key in first)]
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
