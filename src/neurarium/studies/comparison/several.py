"""Run comparison: several runs on the same examples: metrics, paired tests with Holm's correction, what differs between
the runs, and what each gets right that the other gets wrong."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy
import torch

from neurarium.core import batches
from neurarium.core.display import Displayed
from neurarium.core.errors import DataError, OptionError, unknown
from neurarium.data.dataset import Dataset
from neurarium.data.specs import Classes, NextToken, Quantity, Targets
from neurarium.metrics.choice import own_metrics
from neurarium.studies.comparison.pair import Comparison, compare
from neurarium.studies.decisions.calibration import Temperature
from neurarium.studies.evaluation.report import EvaluationReport
from neurarium.studies.evaluation.study import report_of
from neurarium.studies.pictures.thumbnails import picture
from neurarium.studies.planning.reading import read_again
from neurarium.studies.prediction.learner import learner_of
from neurarium.studies.prediction.seen import Seen, examples_for, predictions_of
from neurarium.training.run import Run

# of the command: where a run is and who is told of it changes nothing of what is learned
APART = {"data_sha256", "log"}
MOST = 12


@dataclasses.dataclass
class RunComparison(Displayed):
    """Several runs on the same examples; `print` shows it.

    Args:
        names: of the runs.
        split, examples: what they were measured on.
        metric: what the tests are about; `goal` says which way is better.
        reports: of each run, with intervals.
        pairs: the comparison of each pair, with its plain p-value.
        corrected: the p-values of the pairs after Holm's correction, in their order.
        differences: option or decision to the value of each run, where they differ.
        curves: of each run, part and metric to points (epoch, value).
        facts: of each run: `network`, `parameters`, `epochs`, `seconds`.
        disagreements: for each pair the examples that one has right and the other wrong (classes), or where their
            errors differ most (quantities).
    """

    names: tuple[str, ...]
    split: str
    examples: int
    metric: str
    goal: str | None
    reports: list[EvaluationReport]
    pairs: list[Comparison]
    corrected: list[float]
    differences: dict[str, list[Any]]
    curves: list[dict[str, list[tuple[float, float]]]]
    facts: list[dict[str, Any]]
    disagreements: list[dict[str, Any]]

    def better(self, number: int) -> str | None:
        """Return the better run of a pair, or None where the corrected test shows no difference."""
        pair = self.pairs[number]
        if (
            not self.corrected[number] < 1 - pair.difference.level
            or pair.goal is None
            or pair.first == pair.second
        ):
            return None
        return pair.names[(pair.first < pair.second) == (pair.goal == "max")]

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        pairs = [
            {**pair.to_json(), "p_corrected": p, "better": self.better(number)}
            for number, (pair, p) in enumerate(zip(self.pairs, self.corrected, strict=True))
        ]
        runs = [
            {"name": name, **facts, "metrics": report.metrics,
             "intervals": {key: [each.low, each.high] for key, each in report.intervals.items()}}
            for name, facts, report in zip(self.names, self.facts, self.reports, strict=True)
        ]  # fmt: skip
        return {
            "split": self.split,
            "examples": self.examples,
            "metric": self.metric,
            "runs": runs,
            "pairs": pairs,
            "differences": self.differences,
            "disagreements": self.disagreements,
        }

    def __str__(self) -> str:
        lines = [f"{len(self.names)} runs on {self.examples:,} {self.split} examples"]
        width = max(map(len, self.names))
        for name, report in zip(self.names, self.reports, strict=True):
            interval = report.intervals.get(self.metric)
            lines.append(
                f"  {name:<{width}}  {self.metric} {interval or format(report.metrics[self.metric], '.4g')}"
            )
        for number, (pair, p) in enumerate(zip(self.pairs, self.corrected, strict=True)):
            d = pair.difference
            verdict = f"{self.better(number)} is better" if self.better(number) else "no difference is shown"
            lines.append(
                f"  {pair.names[0]} - {pair.names[1]}: {d.estimate:+.4g} [{d.low:+.4g}, {d.high:+.4g}], p = {p:.3g}; {verdict}"
            )
        return "\n".join(lines)


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p-values for their number (Holm 1979): the i-th smallest of m becomes `max_(j <= i) min(1, (m - j + 1) p_j)`.

    The chance that any of the differences that are called significant is none stays below the level.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    found, largest = [math.nan] * len(p_values), 0.0
    known = [place for place, value in enumerate(p_values) if not math.isnan(value)]
    for rank, place in enumerate(sorted(known, key=lambda place: p_values[place])):
        largest = max(largest, min(1.0, (len(known) - rank) * p_values[place]))
        found[place] = largest
    return found


def compare_several(
    runs: Sequence[Run],
    data: Any = None,
    *,
    names: Sequence[str] | None = None,
    split: str = "test",
    metric: str | None = None,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> RunComparison:
    """Compare runs on the same examples, each pair with a paired test.

    Args:
        runs: two or more, each with its own preparation.
        data: as `evaluate` takes it; None for the data of each run's training, which must be the same.
        names: of the runs; those of their folders where None.
        split: "train", "validation" or "test".
        metric: what the tests are about; accuracy for classes and rmse for quantities where None. Of several targets
            one of them with its name, `price: rmse`; that of the first where None.
        level, resamples, seed: of the tests and intervals, see `compare`.

    Raises:
        OptionError: fewer than two runs, or an unknown metric.
        DataError: the runs were not measured on the same examples; the message says how these differ.

    >>> import neurarium as nr
    >>> iris = nr.data.load("iris")
    >>> runs = [nr.studies.train(iris, "mlp", options={"widths": w}, epochs=5, progress=False) for w in ("2", "64")]
    >>> found = compare_several(runs, iris)
    >>> found.examples, len(found.pairs), found.differences["network.widths"]
    (22, 1, ['(2,)', '(64,)'])
    """
    if len(runs) < 2:
        raise OptionError("one run alone cannot be compared", expected="two runs or more", received=len(runs))
    names = tuple(names or _names(runs))
    measured = [_measured(run, data, split) for run in runs]
    _check_same(names, measured, split)
    targets: Any = measured[0].targets
    reports = [
        report_of(each.seen, targets, name=each.name, split=split, resamples=min(resamples, 1000), seed=seed)
        for each in measured
    ]
    chosen = metric or reports[0].headline
    if chosen not in reports[0].metrics:
        raise unknown("metric of these runs", chosen, reports[0].metrics)
    measured, plain = _about(measured, chosen)
    seen = [each.seen for each in measured]
    own: Any = (own_metrics(targets) or {}).get(plain, plain)
    options: dict[str, Any] = {"metric": own, "level": level, "resamples": resamples, "seed": seed}
    places = [(i, j) for i in range(len(runs)) for j in range(i + 1, len(runs))]
    pairs = [
        compare(
            seen[i].predictions, seen[j].predictions, seen[i].targets, weights=seen[i].weights,
            names=(names[i], names[j]), **options,
        )
        for i, j in places
    ]  # fmt: skip
    return RunComparison(
        names=names,
        split=split,
        examples=len(seen[0].targets),
        metric=chosen,
        goal=pairs[0].goal,
        reports=reports,
        pairs=pairs,
        corrected=holm([each.p_value for each in pairs]),
        differences=differences([_said(run) for run in runs]),
        curves=[_curves(run) for run in runs],
        facts=[_facts(run) for run in runs],
        disagreements=[_disagreement(measured[i], measured[j], (names[i], names[j])) for i, j in places],
    )


@dataclasses.dataclass
class _Measured:
    name: str
    targets: Any
    seen: Seen
    dataset: Dataset | None
    rows: numpy.ndarray | None
    examples: Any


def _measured(run: Run, data: Any, split: str) -> _Measured:
    method = learner_of(run)
    held = data
    if held is None:
        held = run.data if run.data is not None else read_again(run)
    name, split, examples = examples_for(run, held, split)
    dataset = held if isinstance(held, Dataset) else None
    rows = None if dataset is None or split not in dataset.rows else numpy.asarray(dataset.rows[split])
    targets = getattr(method, "targets", None) or run.targets
    return _Measured(name, targets, predictions_of(method, examples), dataset, rows, examples)


def _about(measured: list[_Measured], metric: str) -> tuple[list[_Measured], str]:
    """Of several targets take the one that a metric `NAME: METRIC` is about."""
    targets = measured[0].targets
    for number, name in enumerate(getattr(targets, "names", ())):
        if not metric.startswith(f"{name}: ") or isinstance(targets, Classes):
            continue
        parts = []
        for each in measured:
            said, truth = each.seen.predictions, each.seen.targets
            if isinstance(targets, Targets):
                spec, said, truth = targets.parts[number], said[name], truth[name]
            else:
                spec, said, truth = Quantity((name,)), said[:, [number]], truth[:, [number]]
            seen = Seen(said, truth, each.seen.weights, None)
            parts.append(dataclasses.replace(each, targets=spec, seen=seen))
        return parts, metric.removeprefix(f"{name}: ")
    return measured, metric


def _check_same(names: Sequence[str], measured: Sequence[_Measured], split: str) -> None:
    """Refuse runs whose examples differ, and say how."""
    first = measured[0]
    for name, other in zip(names[1:], measured[1:], strict=True):
        how = _difference(first, other)
        if how:
            raise DataError(
                f"{names[0]} and {name} were not measured on the same {split} examples: {how}",
                expected=f"the same {batches.size(first.seen.targets):,} examples",
                fix="train both on the same data with the same --split, --test and --split-seed, or give both new data "
                "with --input FILE",
            )


def _difference(one: _Measured, two: _Measured) -> str:
    kinds = type(one.targets).__name__, type(two.targets).__name__
    if kinds[0] != kinds[1]:
        return f"one predicts {kinds[0].lower()}, the other {kinds[1].lower()}"
    if isinstance(one.targets, NextToken) and one.targets != two.targets:
        return f"they read other tokens, or other windows of them ({one.targets} and {two.targets})"
    labels = [tuple(getattr(each.targets, "names", ())) for each in (one, two)]
    if labels[0] != labels[1]:
        odd = sorted(set(labels[0]) ^ set(labels[1]))
        return f"their targets are others ({', '.join(map(str, odd[:5])) or 'in another order'})"
    hashes = [None if each.dataset is None else each.dataset.summary.get("sha256") for each in (one, two)]
    if all(hashes) and hashes[0] != hashes[1]:
        return f"their data are other files (SHA-256 {str(hashes[0])[:12]}..., {str(hashes[1])[:12]}...)"
    if one.rows is not None and two.rows is not None and not numpy.array_equal(one.rows, two.rows):
        common = len(numpy.intersect1d(one.rows, two.rows))
        return f"they have {common:,} of {len(one.rows):,} and {len(two.rows):,} rows in common, so their splits are others"
    if isinstance(one.targets, Targets):
        pairs = [(_about([each], f"{name}: ")[0][0] for each in (one, two)) for name in one.targets.names]
        return next((how for pair in pairs if (how := _difference(*pair))), "")
    truths = one.seen.targets, two.seen.targets
    if truths[0].shape != truths[1].shape:
        return f"there are {len(truths[0]):,} and {len(truths[1]):,} of them"
    same = torch.isclose(truths[0].double(), truths[1].double(), rtol=1e-4, atol=1e-6)
    if not bool(same.all()):
        return f"{int((~same).sum()):,} of {same.numel():,} targets are others"
    return ""


def _names(runs: Sequence[Run]) -> list[str]:
    found = [
        run.folder.name if run.folder is not None else f"run {number}" for number, run in enumerate(runs, 1)
    ]
    if len(set(found)) < len(found):
        found = [str(run.folder or name) for run, name in zip(runs, found, strict=True)]
    return found


def differences(said: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Return the keys whose values are not the same everywhere, with the value of each; None where it is not said.

    >>> differences([{"a": 1, "b": 2}, {"a": 1, "b": 3, "c": 4}])
    {'b': [2, 3], 'c': [None, 4]}
    """
    keys = list(dict.fromkeys(key for each in said for key in each))
    rows = {key: [each.get(key) for each in said] for key in keys}
    return {key: row for key, row in rows.items() if any(str(value) != str(row[0]) for value in row)}


def _said(run: Run) -> dict[str, Any]:
    """What was asked for, how the network is built, and what was decided."""
    from neurarium.core.recipe import recipe_of

    command = {key: value for key, value in run.config.items() if key not in APART and key != "set"}
    network: Any = run.network
    calibrated = {}
    if isinstance(network, Temperature):
        held: Any = network.temperature
        calibrated = {"calibrated: temperature": f"{held.item():.4g}"}
        network = network.network
    recipe = recipe_of(network)
    options = (
        {} if recipe is None else {"network": recipe.builder.rpartition(":")[2], **_flat(recipe.options)}
    )
    decided = {
        f"decided: {each.subject}": each.choice for each in run.decisions if each.subject != "parameters"
    }
    found = {
        **{f"--{key.replace('_', '-')}": value for key, value in command.items()},
        **{f"--set {key}": value for key, value in (run.config.get("set") or {}).items()},
        **{
            key if key == "network" else f"network.{key}": value
            for key, value in options.items()
            if key not in (run.config.get("set") or {})
        },
        **calibrated,
        **decided,
    }
    return {key: _text(value) for key, value in found.items()}


def _flat(options: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in options.items() if key not in ("network", "networks")}


def _text(value: Any) -> str:
    text = str(tuple(value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 200 else f"{text[:197]}..."


def _curves(run: Run) -> dict[str, list[tuple[float, float]]]:
    found: dict[str, list[tuple[float, float]]] = {}
    for row in run.history:
        for part in ("train", "validation"):
            for name, value in row.get(part, {}).items():
                if isinstance(value, int | float):
                    found.setdefault(f"{part}/{name}", []).append((float(row["epoch"]), float(value)))
    return found


def _facts(run: Run) -> dict[str, Any]:
    plan = {each.subject: each.choice for each in run.decisions}
    return {
        "network": str(plan.get("network") or type(run.network).__name__),
        "parameters": sum(each.numel() for each in run.network.parameters() if each.requires_grad),
        "epochs": run.history[-1]["epoch"] if run.history else 0,
        "seconds": run.seconds,
    }


def _disagreement(one: _Measured, two: _Measured, names: tuple[str, str]) -> dict[str, Any]:
    """The examples on which two runs part: rows, the truth, what each said."""
    targets = one.targets
    found: dict[str, Any] = {"names": list(names), "first": [], "second": [], "both_wrong": None}
    if isinstance(targets, Classes) and not targets.several:
        said = [each.seen.predictions.max(dim=1) for each in (one, two)]
        truth = one.seen.targets
        right = [each.indices == truth for each in said]
        found["both_wrong"] = int((~right[0] & ~right[1]).sum())
        for key, mask, sure in (
            ("first", right[0] & ~right[1], said[1].values),
            ("second", right[1] & ~right[0], said[0].values),
        ):
            places = mask.nonzero()[:, 0]
            order = places[sure[places].argsort(descending=True)]
            found[f"{key}_count"] = len(places)
            for place in order[:MOST].tolist():
                words = [targets.names[int(each.indices[place])] for each in said]
                chances = [float(each.values[place]) for each in said]
                found[key].append(_example(one, place, targets.names[int(truth[place])], words, chances))
    elif isinstance(targets, Quantity):
        errors = [
            (each.seen.predictions - each.seen.targets).abs().reshape(len(each.seen.targets), -1).mean(1)
            for each in (one, two)
        ]
        for key, gain in (("first", errors[1] - errors[0]), ("second", errors[0] - errors[1])):
            found[f"{key}_count"] = int((gain > 0).sum())
            for place in gain.argsort(descending=True)[:MOST].tolist():
                values = [_values(each, place) for each in (one.seen.predictions, two.seen.predictions)]
                found[key].append(_example(one, place, _values(one.seen.targets, place), values, []))
    return found


def _values(tensor: Any, place: int) -> str:
    return ", ".join(f"{each:.5g}" for each in tensor[place].reshape(-1).tolist())


def _example(
    measured: _Measured, place: int, truth: str, said: list[str], chances: list[float]
) -> dict[str, Any]:
    row = None if measured.rows is None else int(measured.rows[place])
    return {"place": place, "row": row, "truth": truth, "said": said, "chances": chances}


def pictures_of(run: Run, places: Sequence[int], split: str) -> dict[int, str]:
    """Return some examples of a split as data addresses of small PNGs, where a run's inputs are images."""
    if type(run.inputs).__name__ != "Image" or not places:
        return {}
    data = run.data if run.data is not None else read_again(run)
    batch: Any = data.splits[split].take(torch.tensor(list(places)))
    inputs = batch["inputs"]
    if not isinstance(inputs, torch.Tensor) or inputs.ndim != 4 or inputs.shape[1] not in (1, 3):
        return {}
    inputs = inputs.float()
    low, high = inputs.amin(dim=(1, 2, 3), keepdim=True), inputs.amax(dim=(1, 2, 3), keepdim=True)
    shares = ((inputs - low) / (high - low).clamp(min=1e-12) * 255).round().to(torch.uint8)
    return {place: picture(shares[number].numpy()) for number, place in enumerate(places)}
