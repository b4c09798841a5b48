"""Examination: all that a report shows beyond the metrics, computed once at the end of training and kept in the run."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy
import torch

from neurarium.core.errors import ArtifactError, OptionError
from neurarium.core.files import read_json, write_json
from neurarium.data.dataset import Dataset
from neurarium.data.specs import (
    Boxes,
    Classes,
    Expectation,
    Horizon,
    Mask,
    NextToken,
    Quantity,
    Spec,
    Tags,
    Targets,
    Text,
    Transcript,
)
from neurarium.studies.anomalies.study import watch
from neurarium.studies.comparison.baselines import fit_baselines
from neurarium.studies.evaluation.report import reports_of
from neurarium.studies.examination.channel_attention import channel_attention
from neurarium.studies.examination.diagnosis import calibration_of, curves_of, residuals_of, thresholds_of
from neurarium.studies.examination.forecast_examples import forecast_examples, naive_baselines
from neurarium.studies.examination.importance import permutation_importance
from neurarium.studies.examination.language_samples import language_samples
from neurarium.studies.examination.mistakes import errors_among
from neurarium.studies.examination.scene_examples import scene_examples
from neurarium.studies.examination.slices import slices_of
from neurarium.studies.examination.tag_examples import usual_tags, worst_sentences
from neurarium.studies.examination.trace_baselines import trace_baselines
from neurarium.studies.examination.transcript_baselines import transcript_baselines
from neurarium.studies.pictures.traces import trace_examples
from neurarium.studies.prediction.learner import intervals_of, learner_of
from neurarium.studies.prediction.raw_columns import raw_columns, sampled
from neurarium.studies.prediction.seen import Seen, examples_for, predictions_of
from neurarium.training.method import Method
from neurarium.training.run import Run

Extent = Literal["quick", "full"]
SECONDS = {"quick": 6.0, "full": 600.0}
FILE = "report.json"


def examine(run: Run, data: Any = None, *, extent: Extent = "quick") -> dict[str, Any]:
    """Compute what the report shows beyond the metrics: baselines, curves, slices, worst errors, importance.

    It changes nothing of the run's results, draws from no global random state, and keeps what it found in
    `run.examination` and, where the run has a folder, in `evaluation/report.json`, so that the page can be written again.

    Args:
        run: a trained run.
        data: the dataset; None for the data of the training.
        extent: "quick": a few seconds on a few ten thousand rows (samples of 20,000, three permutations a column, fewer
            trees where there are many classes; a part that would begin after 6 s of computing is left out, by name). "full": all of it.

    Returns:
        Plain values by part. `left_out` says which parts are not there, and why.

    Raises:
        OptionError: another extent.

    >>> import neurarium as nr
    >>> run = nr.studies.train(nr.data.load("iris"), "mlp", epochs=5, progress=False)
    >>> sorted(nr.studies.examine(run))[:4]
    ['baselines', 'calibration', 'columns', 'curves']
    """
    if extent not in SECONDS:
        raise OptionError("there is no such extent of a report", expected="quick or full", received=extent)
    begun, state = time.monotonic(), torch.get_rng_state()
    found = _Parts(time.thread_time() + SECONDS[extent])
    try:
        _examined(run, _dataset(run, data), extent, found)
    finally:
        torch.set_rng_state(state)
    held = {
        **found.held,
        "extent": extent,
        "seconds": round(time.monotonic() - begun, 2),
        "left_out": found.left_out,
    }
    run.examination = _plain(held)
    if run.folder is not None:
        write_json(run.folder / "evaluation" / FILE, {"format_version": 1, **run.examination})
    return run.examination


def examination_of(run: Run) -> dict[str, Any]:
    """Return what `examine` found, from memory or the run's folder; empty where it was not done.

    Raises:
        ArtifactError: the file is damaged.
    """
    path = None if run.folder is None else Path(run.folder) / "evaluation" / FILE
    if not run.examination and path is not None and path.is_file():
        held = read_json(path)
        if not isinstance(held, dict):
            raise ArtifactError(
                f"{path} is damaged", fix="write it again: neurarium report RUN --extent quick"
            )
        run.examination = held
    return run.examination


class _Parts:
    """The parts that were found, and those that were not, with the reason: a page shall never fail for one of them."""

    def __init__(self, deadline: float):
        self.deadline, self.held, self.left_out = deadline, {}, {}  # type: ignore[var-annotated]

    def add(self, name: str, compute: Callable[[], Any]) -> None:
        if time.thread_time() > self.deadline:
            self.left_out[name] = "the time for it was over; --report full takes the time"
            return
        try:
            value = compute()
        except Exception as error:  # an exotic spec or method shall cost its part, not the report
            self.left_out[name] = (str(error) or type(error).__name__).splitlines()[0]
            return
        if value:
            self.held[name] = value


def _dataset(run: Run, data: Any) -> Dataset:
    if data is None:
        data = run.data
    if data is None:
        from neurarium.studies.planning.reading import read_again

        data = read_again(run)
    if not isinstance(data, Dataset):
        raise OptionError(
            "a report needs the dataset of the run", expected="a Dataset", received=type(data).__name__
        )
    return data


def _scenes(run: Run, method: Method, data: Dataset, split: str) -> list[dict[str, str]]:
    """Examples of a split of masks or boxes, at the size of their files where there are some."""
    files = getattr(data.files.get(split), "path", None)
    return scene_examples(method, data.splits[split], run.preparation, told=data.told(split), files=files)


def _examined(run: Run, data: Dataset, extent: Extent, found: _Parts) -> None:
    full = extent == "full"
    if isinstance(run.targets, NextToken):
        found.add("samples", lambda: language_samples(run, data))
        return
    found.add("columns", lambda: columns_of(data, run.preparation))
    split = next((each for each in ("test", "validation") if each in data.splits), None)
    method = learner_of(run)
    targets: Any = getattr(method, "targets", None) or run.targets
    if isinstance(targets, Expectation):
        if split is not None:
            found.held["split"] = split
            found.add("baselines", lambda: trace_baselines(method, data, split))
        found.add("traces", lambda: _traces(run, data))
        found.held["anomalies"] = run.results.get("anomalies")
        return
    if split is not None and isinstance(targets, Mask | Boxes):
        found.add(
            "scenes",
            lambda: _scenes(run, method, data, split),
        )
        return
    if split is not None and isinstance(targets, Horizon):
        _of_forecasts(run, method, data.splits[split], targets, split, found)
        return
    if split is not None and isinstance(targets, Text):
        _of_texts(run, method, split, found)
        return
    if split is not None and isinstance(targets, Transcript):
        _of_transcripts(method, data, split, run.preparation, found)
        return
    if split is not None and isinstance(targets, Tags):
        _of_tags(method, data, split, targets, found)
        return
    if split is None or not isinstance(targets, Classes | Quantity | Targets):
        if split is not None:
            found.left_out["baselines and errors"] = (
                f"{type(targets).__name__} targets have no error per example"
            )
        return
    held: dict[str, Seen] = {}
    for each in dict.fromkeys(("validation", split)):
        if each in data.splits:
            held[each] = predictions_of(method, examples_for(run, data, each)[2])
    seen, checked = held[split], held.get("validation") if split == "test" else None
    found.held["split"] = split
    if not isinstance(targets, Targets):
        _of_target(run, data, (seen, checked), targets, split, full, found, "", intervals_of(run))
        return
    intervals, quantities = intervals_of(run), 0
    found.held["parts"] = parts = {}
    for name, spec in zip(targets.names, targets.parts, strict=True):
        own = None
        if isinstance(spec, Quantity):
            own, quantities = intervals and intervals.of(quantities), quantities + 1
        inside, both = _Parts(found.deadline), (_part(seen, name), checked and _part(checked, name))
        _of_target(run, _about(data, name, spec), both, spec, split, full, inside, name, own)
        parts[name] = inside.held
        found.left_out |= {f"{name}: {part}": why for part, why in inside.left_out.items()}


def _of_forecasts(run: Run, method: Any, examples: Any, targets: Horizon, split: str, found: _Parts) -> None:
    """Windows to look at, and the naive forecasts beside the network."""
    found.held["split"] = split
    if not hasattr(examples, "cut"):
        found.left_out["forecasts"] = "the examples are no windows of series"
        return
    intervals = intervals_of(run)
    found.add("forecasts", lambda: forecast_examples(method, examples, targets, run.preparation, intervals))
    found.add("baselines", lambda: naive_baselines(method, examples, targets))
    found.add("channel attention", lambda: channel_attention(method, examples, targets, run.inputs))


def _of_tags(method: Any, data: Dataset, split: str, targets: Tags, found: _Parts) -> None:
    """The usual tag of each word beside the network, and the sentences with the most wrong tags."""
    seen = predictions_of(method, data.splits[split])
    found.held["split"] = split
    found.add("baselines", lambda: usual_tags(data, split, seen))
    found.add("sentences", lambda: worst_sentences(data.splits[split], seen, targets, data.rows.get(split)))


def _of_texts(run: Run, method: Method, split: str, found: _Parts) -> None:
    """The first sentences beside summaries, and where the network looked while it wrote."""
    found.held["split"] = split
    found.add("baselines", lambda: reports_of(run)[split].beside)
    found.add("alignment", lambda: _alignment(run, method, split))


def _alignment(run: Run, method: Method, split: str) -> dict[str, Any] | None:
    """Where the network looked while it wrote a typical text of the split."""
    from neurarium.studies.prediction.alignment import alignments

    held = reports_of(run)[split].texts
    typical = [each for each in held if each["kind"] == "typical" and each["said"]]
    if not typical:
        return None
    chosen = typical[len(typical) // 2]
    return alignments(method, run.preparation, [chosen["source"]], [chosen["said"]])[0].to_json()


def _of_transcripts(method: Any, data: Dataset, split: str, preparation: Any, found: _Parts) -> None:
    """What hears nothing beside the network, and the recordings that were written down worst."""
    from neurarium.studies.examination.transcript_errors import transcript_errors

    examples, told = data.splits[split], data.told(split)
    found.held["split"] = split
    found.add("baselines", lambda: transcript_baselines(data, split, predictions_of(method, examples)))
    found.add("errors", lambda: [
        each.to_json() for each in transcript_errors(method, examples, preparation, told=told)
    ])  # fmt: skip


def _traces(run: Run, data: Any) -> list[dict[str, str]]:
    return trace_examples(watch(run, data.traces), run.preparation.threshold)


def _part(seen: Seen, name: str) -> Seen:
    return Seen(seen.predictions[name], seen.targets[name], seen.weights, None)


def _about(data: Dataset, name: str, spec: Spec) -> Dataset:
    """The same examples with one of their targets alone."""
    splits = {key: _OneTarget(split, name) for key, split in data.splits.items()}
    return Dataset(
        data.name, data.inputs, spec, preparation=data.preparation, rows=data.rows, files=data.files, **splits,  # type: ignore[arg-type]
    )  # fmt: skip


class _OneTarget:
    """A split of several targets, seen as one of a single target."""

    def __init__(self, examples: Any, name: str):
        self.examples, self.name = examples, name
        self.in_memory = getattr(examples, "in_memory", True)

    def __len__(self) -> int:
        return len(self.examples)

    @property
    def targets(self) -> Any:
        return self.examples.targets[self.name]

    def take(self, indices: Any) -> dict[str, Any]:
        taken = self.examples.take(indices)
        return {**taken, "targets": taken["targets"][self.name]}


def _of_target(
    run: Run, data: Dataset, both: tuple[Seen, Seen | None], targets: Any, split: str, full: bool, found: _Parts,
    name: str, intervals: Any,
) -> None:  # fmt: skip
    """What is found of one target: of several, `name` is its name."""
    seen, checked = both
    _from_predictions(intervals, seen, checked, targets, found)
    examples: Any = data.splits[split]
    told = data.told(split)
    found.add(
        "errors",
        lambda: [
            each.to_json() for each in errors_among(seen, targets, examples, run.preparation, told=told)
        ],
    )
    found.add("slices", lambda: _slices(run, seen, examples, targets, split, None if full else 20_000))
    found.add(
        "baselines",
        lambda: [
            each.to_json()
            for each in fit_baselines(
                data, run, split=split, full=full, seen=seen, seconds=60.0 if full else 3.0
            )
        ],
    )
    columns = raw_columns(run.preparation, examples.take([0])["inputs"])
    if len(columns) > 1 or (columns and not columns[0].parts):  # a text alone is all there is to look at
        found.add("importance", lambda: _importance(run, data, split, full, found.deadline, name))


def _from_predictions(intervals: Any, seen: Seen, checked: Seen | None, targets: Any, found: _Parts) -> None:
    if isinstance(targets, Classes):
        found.add("curves", lambda: curves_of(seen, targets))
        found.add("calibration", lambda: calibration_of(seen, checked, targets))
        if len(targets.names) == 2 and not targets.several and checked is not None:
            found.add("thresholds", lambda: thresholds_of(checked, seen, targets))
        return
    found.add("residuals", lambda: residuals_of(seen, targets, intervals))


def _slices(
    run: Run, seen: Seen, examples: Any, targets: Spec, split: str, most: int | None
) -> dict[str, Any]:
    places = sampled(examples, most or len(examples))
    taken = Seen(
        _taken(seen.predictions, places), seen.targets[places],
        None if seen.weights is None else seen.weights[places], None,
    )  # fmt: skip
    if getattr(examples, "in_memory", True):
        inputs: Any = examples.take(places)["inputs"]
    else:
        inputs = None  # images on disk have no columns: they are not decoded again for that
    return slices_of(taken, targets, inputs, run.preparation, split=split).to_json()


def _taken(predictions: Any, places: torch.Tensor) -> Any:
    return (
        {k: v[places] for k, v in predictions.items()}
        if isinstance(predictions, dict)
        else predictions[places]
    )


def _importance(
    run: Run, data: Dataset, split: str, full: bool, deadline: float, name: str = ""
) -> dict[str, Any]:
    left = max(2.0, deadline - time.thread_time())
    options: dict[str, Any] = {"repeats": 10, "most": 20_000} if full else {"repeats": 3, "most": 1024}
    examples: Any = data.splits[split]
    whole = examples
    if name:  # the network predicts all targets: the metric is of one
        whole = examples.examples
        options["metric"] = f"{name}: {'accuracy' if isinstance(data.targets, Classes) else 'rmse'}"
    found = permutation_importance(run, whole, seconds=left, **options)
    return dataclasses.replace(found, split=split).to_json()


def columns_of(data: Dataset, preparation: Any, most: int = 50_000) -> list[dict[str, Any]]:
    """Return what each raw column of the training split holds: kind, gaps, range and quartiles or categories."""
    if not getattr(data.train, "in_memory", True):
        return []
    inputs = data.train.take(sampled(data.train, most))["inputs"]
    found = []
    for column in raw_columns(preparation, inputs):
        row: dict[str, Any] = {"name": column.name, "kind": column.kind}
        if column.kind == "categorical":
            codes, names = column.codes(inputs)
            counts = numpy.bincount(codes, minlength=len(names))
            known_codes = [
                code
                for code in numpy.argsort(-counts, kind="stable")
                if counts[code] and names[code] is not None
            ]
            row |= {
                "missing": 1 - sum(int(counts[c]) for c in known_codes) / len(codes),
                "different": len(known_codes),
            }
            row["top"] = [[names[code], int(counts[code]) / len(codes)] for code in known_codes[:5]]
        elif (values := column.values(inputs)) is not None:
            known = values[~numpy.isnan(values)]
            row["missing"] = 1 - len(known) / len(values)
            if len(known):
                row["quartiles"] = [float(each) for each in numpy.quantile(known, [0, 0.25, 0.5, 0.75, 1])]
                told = [column.said(row["quartiles"][place]) for place in (0, 2, 4)]
                row |= {"said": told} if None not in told else {}
                counts, _ = numpy.histogram(known, bins=24)
                row["histogram"] = counts.tolist()
        found.append(row)
    return found


def _plain(value: Any) -> Any:
    """Numbers that are not finite become null: JSON has no word for them."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value
