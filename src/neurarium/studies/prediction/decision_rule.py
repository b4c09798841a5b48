"""Decision rules: what a run does with its probabilities. Chosen on validation, saved in the run, used by `predict`.

Files in the run's folder say so: `calibration.json` (the temperature), `thresholds.json` (thresholds or costs), `sets.json`
(prediction sets). All name the weights that they belong to.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from neurarium.core.display import Displayed
from neurarium.core.errors import ArtifactError, DataError, RefusalError
from neurarium.core.files import read_json, sha256, write_json
from neurarium.data.specs import Classes, Targets
from neurarium.studies.decisions.calibration import Calibration, Temperature, calibrate
from neurarium.studies.decisions.thresholds import Costs, choose_costs, choose_threshold, choose_thresholds
from neurarium.studies.prediction.learner import CALIBRATION, learner_of
from neurarium.studies.prediction.seen import Seen, examples_for, predictions_of
from neurarium.training.run import Run

THRESHOLDS = "thresholds.json"
SETS = "sets.json"
VERSION = 1


@dataclasses.dataclass(frozen=True)
class DecisionRule(Displayed):
    """How probabilities become a decision.

    Args:
        goal: what was maximized, or `cost`.
        thresholds: of class 1, or of each label; empty where costs decide.
        costs: `costs[i][j]` of deciding j where the class is i; empty where thresholds decide.
        score, plain: on the split it was chosen on: with this rule, and by the largest probability (0.5).
        split, examples: that split.
    """

    goal: str
    thresholds: tuple[float, ...] = ()
    costs: tuple[tuple[float, ...], ...] = ()
    score: float = math.nan
    plain: float = math.nan
    split: str = "validation"
    examples: int = 0

    def decide(self, probabilities: Tensor) -> Tensor:
        """Return the class `(batch,)`, or 0 and 1 per label `(batch, labels)`.

        >>> DecisionRule("f1", thresholds=(0.2,)).decide(torch.tensor([[0.7, 0.3], [0.9, 0.1]])).tolist()
        [1, 0]
        """
        values = probabilities.double()
        if self.costs:
            return Costs(self.costs).decide(values)
        if len(self.thresholds) == 1 and values.shape[1] == 2:
            return (values[:, 1] > self.thresholds[0]).to(torch.int64)
        return (values > torch.tensor(self.thresholds, dtype=torch.float64)).to(torch.int64)

    def one_hot(self, probabilities: Tensor) -> Tensor:
        """Return the decisions in the shape of probabilities: 1 for what is decided, 0 else."""
        decided = self.decide(probabilities)
        if decided.ndim == 2:
            return decided.double()
        return torch.nn.functional.one_hot(decided, probabilities.shape[1]).double()

    def __str__(self) -> str:
        if self.thresholds:
            shown = ", ".join(f"{each:.4g}" for each in self.thresholds)
            return f"threshold{'s' if len(self.thresholds) > 1 else ''} {shown}, chosen for {self.goal}"
        return f"least expected {'cost' if self.goal == 'cost' else f'cost, chosen for {self.goal}'}"


def calibrate_run(run: Run, data: Any = None, *, split: str = "validation") -> Calibration:
    """Fit a run's temperature on its validation split and keep it: from here on its predictions are calibrated.

    It stands in `calibration.json`; the weights stay as they are. Thresholds and sets of the old probabilities are taken
    back.

    Args:
        run: of classes.
        data: as `evaluate` takes it; None for the data of its training.
        split: which one.

    Raises:
        RefusalError: the run predicts no classes.
        DataError: there is no such split.

    >>> import neurarium as nr
    >>> run = nr.studies.train(nr.data.load("iris"), "mlp", epochs=5, progress=False)
    >>> found = calibrate_run(run)
    >>> found.loss_after <= found.loss_before
    True
    """
    targets = classes_of(run)
    method = learner_of(run)
    role = method.deployed_role
    network: Any = method.deployed
    if isinstance(network, Temperature):  # calibrated before: anew, from the network itself
        network = network.network
    examples = split_of(run, data, split)
    wrapped, found = calibrate(network, examples, targets)
    setattr(method, role, wrapped.eval())
    if run.folder is not None:
        keep(run, CALIBRATION, {**dataclasses.asdict(found), "split": split})
        for name in (THRESHOLDS, SETS):
            (run.folder / name).unlink(missing_ok=True)
    run.rule = run.sets = None
    return found


def choose_rule(
    run: Run,
    data: Any = None,
    *,
    goal: str | None = None,
    costs: Sequence[Sequence[float]] | None = None,
    at_least: Mapping[str, float] | None = None,
    split: str = "validation",
) -> DecisionRule:
    """Choose how a run decides, on its validation split, and keep it in `thresholds.json`: `predict` uses it.

    Two classes get a threshold, several labels one each, several classes a factor per class, or the decision of least
    expected cost where costs are given.

    Args:
        run: of classes.
        data: as `evaluate` takes it; None for the data of its training.
        goal: maximized: `f1` (two classes and labels), `f1_macro` (several classes), ...; not with costs.
        costs: `costs[i][j]` of deciding j where the class is i.
        at_least: limits such as `{"recall": 0.95}`, for thresholds.
        split: which one.

    Raises:
        RefusalError: the run predicts no classes.
        OptionError: no such goal.
        DataError: no threshold keeps the limits.

    >>> import neurarium as nr
    >>> run = nr.studies.train(nr.data.load("wine"), "mlp", epochs=5, progress=False)
    >>> rule = choose_rule(run, goal="f1_macro")
    >>> rule.score >= rule.plain
    True
    """
    targets = classes_of(run)
    seen = predictions_of(learner_of(run), split_of(run, data, split))
    rule = _chosen(seen, targets, goal, costs, at_least)
    rule = dataclasses.replace(rule, split=split, examples=len(seen.targets))
    run.rule = rule
    if run.folder is not None:
        keep(run, THRESHOLDS, {**dataclasses.asdict(rule), "classes": list(targets.names)})
    return rule


def _chosen(seen: Seen, targets: Classes, goal: Any, costs: Any, at_least: Any) -> DecisionRule:
    options: dict[str, Any] = {"weights": seen.weights, "at_least": at_least, "costs": costs}
    if targets.several:
        found = choose_thresholds(
            seen.predictions, seen.targets, goal=goal or "f1", at_least=at_least, costs=costs
        )
        means = [
            sum(values) / len(found) for values in zip(*((e.score, e.plain) for e in found), strict=True)
        ]
        return DecisionRule(found[0].goal, tuple(each.value for each in found), (), *means)
    if len(targets.names) == 2:
        one = choose_threshold(seen.predictions, seen.targets, goal=goal or "f1", **options)
        return DecisionRule(one.goal, (one.value,), (), one.score, one.plain)
    if at_least:
        raise RefusalError(
            "limits are for thresholds, and several classes have none",
            received=dict(at_least),
            fix="give costs, or a goal such as f1_macro",
        )
    if costs is None:
        best = choose_costs(seen.predictions, seen.targets, goal=goal or "f1_macro", weights=seen.weights)
        return DecisionRule(
            goal or "f1_macro", (), best.matrix, best.score or math.nan, best.plain or math.nan
        )
    least = Costs(tuple(tuple(float(each) for each in row) for row in costs))
    plain = least.mean(seen.predictions.argmax(dim=1), seen.targets)
    return DecisionRule(
        "cost", (), least.matrix, least.mean(least.decide(seen.predictions), seen.targets), plain
    )


def rule_of(run: Run) -> DecisionRule | None:
    """Return the rule that was chosen for a run, or None.

    Raises:
        ArtifactError: the file is damaged, or belongs to other weights.
    """
    held = getattr(run, "rule", None)
    if held is not None or run.folder is None or not (run.folder / THRESHOLDS).is_file():
        return held
    found = belonging(run, THRESHOLDS, "neurarium thresholds")
    found.pop("classes", None)
    try:
        thresholds = tuple(float(each) for each in found.pop("thresholds"))
        costs = tuple(tuple(float(each) for each in row) for row in found.pop("costs"))
        run.rule = DecisionRule(**{**found, "thresholds": thresholds, "costs": costs})
    except (TypeError, ValueError, KeyError) as error:
        raise ArtifactError(
            f"{run.folder / THRESHOLDS} is damaged",
            fix="delete it, or choose again: neurarium thresholds RUN",
        ) from error
    return run.rule


def forget(run: Run) -> list[str]:
    """Take back what was calibrated and chosen; return the names of the files that are gone."""
    gone = []
    for name in (CALIBRATION, THRESHOLDS, SETS):
        path = None if run.folder is None else run.folder / name
        if path is not None and path.is_file():
            path.unlink()
            gone.append(name)
    run.rule = run.sets = None
    if run.method is not None and isinstance(run.method.deployed, Temperature):
        setattr(run.method, run.method.deployed_role, run.method.deployed.network)
    return gone


def belonging(run: Run, name: str, command: str) -> dict[str, Any]:
    """Read a file of a run that names its weights.

    Raises:
        ArtifactError: it belongs to other weights.
    """
    folder: Path = run.folder  # type: ignore[assignment]
    held = read_json(folder / name)
    held.pop("format_version", None)
    if held.pop("weights_sha256", None) != sha256(folder / "weights.safetensors"):
        raise ArtifactError(
            f"{folder / name} belongs to other weights than those in the run",
            fix=f"do it again: {command} {folder}; or delete the file",
        )
    return held


def keep(run: Run, name: str, content: Mapping[str, Any]) -> None:
    """Write a file of a run that names its weights; `belonging` reads it."""
    folder: Path = run.folder  # type: ignore[assignment]
    belongs = sha256(folder / "weights.safetensors")
    write_json(folder / name, {"format_version": VERSION, "weights_sha256": belongs, **content})


def classes_of(run: Run) -> Classes:
    """Return the classes that a run predicts.

    Raises:
        RefusalError: it predicts several targets, or none of classes.
    """
    targets: Any = getattr(learner_of(run), "targets", None) or run.targets
    if isinstance(targets, Targets):
        raise RefusalError(
            "a run of several targets has no probabilities of one set of classes",
            expected="a run of classes, or of several labels per row",
            received=f"a run of {', '.join(targets.names)}",
            fix="train a run of that target alone: --target COLUMN",
        )
    if not isinstance(targets, Classes):
        raise RefusalError(
            "only probabilities of classes are calibrated and decided on",
            expected="a run of classes",
            received=f"a run of {type(targets).__name__}",
            fix="of quantities `predict` gives calibrated intervals already",
        )
    return targets


def split_of(run: Run, data: Any, split: str) -> Any:
    """Return a split of a run's data that has examples."""
    found = examples_for(run, data, split)[2]
    if not len(found):
        raise DataError(f"the split {split} is empty", fix="choose another with split=")
    return found
