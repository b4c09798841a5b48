"""Measurement: what a trained run is worth on validation and test, written into its folder."""

from __future__ import annotations

import torch

from neurarium.core.batches import size
from neurarium.core.files import write_json
from neurarium.data.dataset import Dataset, Decision
from neurarium.data.specs import Classes, Expectation, Horizon, Quantity, Spec, Targets, Text
from neurarium.studies.anomalies.study import RESULT, judge
from neurarium.studies.decisions.conformal import calibrate_intervals
from neurarium.studies.decisions.thresholds import choose_thresholds
from neurarium.studies.evaluation.forecasting import measure_forecasts
from neurarium.studies.evaluation.study import report_of
from neurarium.studies.evaluation.text_quality import add_text_quality, decoding
from neurarium.studies.prediction.seen import Seen, predictions_of
from neurarium.training import distributed
from neurarium.training.method import Method
from neurarium.training.run import Run

LEVEL = 0.9


def measure(run: Run, data: Dataset) -> None:
    """Evaluate a finished run on validation and test, calibrate intervals, and write both into its folder."""
    method = run.method
    run.reports = {}
    splits: list[str] = [split for split in ("validation", "test") if split in data.splits]
    if type(method).evaluate is Method.evaluate:
        splits = []
    if isinstance(data.targets, Horizon):
        measure_forecasts(run, data, splits)
        splits = []
    for split in splits:
        seen = predictions_of(method, data.splits[split])
        targets = getattr(method, "targets", None) or data.targets
        last = split == splits[-1] and distributed.first()  # the one that is quoted
        report = report_of(seen, targets, name=data.name, split=split, resamples=1000 if last else 0)
        if isinstance(targets, Text):
            resamples = 1000 if last else 0
            add_text_quality(report, method, run.preparation, data.splits[split], resamples=resamples)
            if last and (told := decoding(targets, len(data.splits[split]))):
                run.decisions.append(told)
        run.reports[split], run.results[split] = report, report.metrics
        if split == "validation":
            _calibrate(run, seen, targets)
            _choose_thresholds(run, seen, targets)
    if isinstance(data.targets, Expectation):
        run.results[RESULT] = judge(run, data.traces)  # type: ignore[attr-defined]
    if run.folder is not None and distributed.first():
        for split, report in run.reports.items():
            write_json(run.folder / "evaluation" / f"{split}.json", {"format_version": 1, **report.to_json()})
        if run.intervals is not None:
            write_json(run.folder / "intervals.json", {"format_version": 1, **run.intervals.to_json()})
        run.write_plan()
        run.write_results()


def _calibrate(run: Run, seen: Seen, targets: Spec) -> None:
    """Calibrate intervals of the quantities, the only target or some of several."""
    predictions, truth = seen.predictions, seen.targets
    if isinstance(targets, Targets):
        names = [
            name
            for name, part in zip(targets.names, targets.parts, strict=True)
            if isinstance(part, Quantity)
        ]
        if not names:
            return
        predictions, truth = (
            torch.cat([each[name] for name in names], dim=1) for each in (predictions, truth)
        )
    elif not isinstance(targets, Quantity):
        return
    run.intervals = calibrate_intervals(predictions, truth, level=LEVEL)
    run.decisions.append(
        Decision(
            "intervals",
            f"{LEVEL:.0%} by split conformal prediction",
            f"calibrated on {size(seen.targets):,} validation examples, which also picked the best weights: expect a "
            "little less than that share",
            "studies.calibrate_intervals on a split of its own",
        )
    )


def _choose_thresholds(run: Run, seen: Seen, targets: Spec) -> None:
    """Say at which probability each of several labels is best taken as given; predictions stay with one half."""
    if not isinstance(targets, Classes) or not targets.several:
        return
    found = choose_thresholds(seen.predictions, seen.targets, weights=seen.weights)
    chosen = ", ".join(f"{name} {each.value:.3g}" for name, each in zip(targets.names, found, strict=True))
    reason = "of best F1 on the validation split, label by label; `prediction` takes labels above 0.5"
    run.decisions.append(Decision("thresholds", chosen, reason, "decide by the columns probability_LABEL"))
    for name, each in zip(targets.names, found, strict=True):
        run.reports["validation"].per_class[name]["threshold"] = each.value
