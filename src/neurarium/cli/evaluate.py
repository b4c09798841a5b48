"""`neurarium evaluate`: how well a run does, on its own splits or on another file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neurarium.cli import arguments as a
from neurarium.cli.folders import find_run
from neurarium.cli.output import Output, escape, table
from neurarium.core.errors import OptionError
from neurarium.core.files import sha256
from neurarium.report.words import number

if TYPE_CHECKING:
    from neurarium.studies.evaluation.report import EvaluationReport

Input = Annotated[
    Path | None,
    typer.Option(
        "--input", "-i", metavar="FILE", help="Data with targets, in the original format.", show_default=False
    ),
]
SplitName = Annotated[
    str | None,
    typer.Option(
        "--split",
        metavar="SPLIT",
        help="train, validation or test of the training data; test by default.",
        show_default=False,
    ),
]


def evaluate(
    run: a.RunName,
    input: Input = None,
    split: SplitName = None,
    boxes: a.Boxes = None,
    masks: a.Masks = None,
    dropout_samples: a.DropoutSamples = None,
    as_json: a.Json = False,
    quiet: a.Quiet = False,
    debug: a.Debug = False,
) -> None:
    """Measure a run: metrics with bootstrap intervals, per class, the confusion matrix.

    Example: neurarium evaluate runs/adult-1 --input newer.csv
    Example: neurarium evaluate runs/photos-1 --input newer/ --boxes newer.json
    """
    if input is not None and split is not None:
        raise OptionError(
            "a split is of the training data, and --input is other data", fix="give one of them"
        )
    if input is None and (boxes or masks):
        raise OptionError(
            "masks and boxes are of other images",
            expected="--input FOLDER beside them",
            received="--boxes" if boxes else "--masks",
            fix="give the folder of the images: --input FOLDER",
        )
    from neurarium.studies.evaluation.study import evaluate as measure
    from neurarium.studies.prediction.learner import with_dropout
    from neurarium.training.run import Run

    output = Output(as_json, quiet)
    folder = find_run(run)
    trained = Run.load(folder)
    if dropout_samples is not None:
        trained = with_dropout(trained, dropout_samples)
    report = measure(trained, input, split=split or "test", boxes=boxes, masks=masks)
    if input is not None and _learned_from(trained, input):
        output.note(
            "the run learned from rows of this data: these figures are too good; those of --split test are not"
        )
    _show(report, output)
    output.finish(
        {
            "run": folder,
            "data": report.name,
            "split": report.split,
            "examples": report.examples,
            "metrics": report.metrics,
            "intervals": {name: [each.low, each.high] for name, each in report.intervals.items()},
            "per_class": report.per_class,
            **({"spans": report.spans} if report.spans else {}),
            "confusion": report.confusion,
            "rule": report.rule or None,
            "classes": list(getattr(report.targets, "names", ())),
        }
    )


def _learned_from(run: Any, input: Path) -> bool:
    """Say whether an input is the training data itself: the same path, or a file of the same bytes."""
    held = run.config or {}
    if held.get("data") and Path(str(held["data"])).resolve() == input.resolve():
        return True
    return input.is_file() and bool(held.get("data_sha256")) and sha256(input) == held["data_sha256"]


def _show(report: EvaluationReport, output: Output) -> None:
    output.say(f"\n[bold]{escape(report.name)}[/]  {report.split}, {report.examples:,} examples")
    metrics = table("", "value", "95 % interval" if report.intervals else "", right=(1,))
    for name, value in report.metrics.items():
        bounds = report.intervals.get(name)
        bold = "[bold]" if name == report.headline else ""
        shown = f"{number(bounds.low)} to {number(bounds.high)}" if bounds else ""
        metrics.add_row(f"{bold}{name}", f"{bold}{number(value)}", shown)
    output.say(metrics)
    if report.rule:
        output.say(f"[dim]decided by {escape(report.rule)} (neurarium thresholds); AUC, losses and calibration are of "
                   "the probabilities[/]")  # fmt: skip
    for name, part in report.parts.items():
        if part.per_class:
            output.say(f"[bold]{escape(name)}[/]")
            output.say(_classes(part))
    if report.spans:
        output.say(_own("spans of", report.spans))
    if report.per_class:
        output.say(_classes(report))
    if report.confusion is not None and len(report.confusion) <= 12:
        output.say(_matrix(report.confusion, report.targets))


def _classes(report: EvaluationReport) -> Any:
    if "examples" not in next(
        iter(report.per_class.values())
    ):  # masks, boxes and tags have measures of their own
        return _own("class", report.per_class)
    made = table("class", "precision", "recall", "f1", "examples", right=(1, 2, 3, 4))
    for name, row in list(report.per_class.items())[:50]:
        values = [number(row[key]) for key in ("precision", "recall", "f1")]
        made.add_row(escape(name), *values, f"{row['examples']:,.0f}")
    return made


def _own(head: str, rows: dict[str, dict[str, float]]) -> Any:
    from neurarium.studies.evaluation.report import COUNTS

    keys = list(next(iter(rows.values())))
    made = table(head, *keys, right=tuple(range(1, len(keys) + 1)))
    for name, row in list(rows.items())[:50]:
        made.add_row(escape(name), *(f"{row[k]:,.0f}" if k in COUNTS else number(row[k]) for k in keys))
    return made


def _matrix(counts: list[list[float]], targets: Any) -> Any:
    names = [escape(name) for name in targets.names]
    made = table("truth \\ predicted", *names, right=tuple(range(1, len(names) + 1)))
    for place, (name, row) in enumerate(zip(names, counts, strict=True)):
        cells = [f"{value:,.0f}" for value in row]
        cells[place] = f"[bold]{cells[place]}[/]"
        made.add_row(name, *cells)
    return made
