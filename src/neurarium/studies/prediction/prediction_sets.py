"""Prediction sets of a run: the classes that hold the truth as often as promised, kept in the run and used by `predict`."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from neurarium.core.errors import ArtifactError, DataError, RefusalError
from neurarium.data.specs import Classes
from neurarium.studies.decisions.conformal import (
    ConformalSets,
    Coverage,
    SetScore,
    calibrate_sets,
    set_coverage,
)
from neurarium.studies.prediction.decision_rule import SETS, belonging, classes_of, keep, split_of
from neurarium.studies.prediction.learner import learner_of
from neurarium.studies.prediction.seen import examples_for, predictions_of
from neurarium.training.run import Run


class FoundSets(NamedTuple):
    """Calibrated sets, and how often they hold the truth on the test split (None where there is none)."""

    sets: ConformalSets
    test: Coverage | None


def choose_sets(
    run: Run,
    data: Any = None,
    *,
    level: float = 0.9,
    how: SetScore = "lac",
    per_class: bool = False,
    split: str = "validation",
) -> FoundSets:
    """Calibrate a run's prediction sets and keep them in `sets.json`: `predict` then has a column `prediction_set`.

    The share of sets that hold the truth is at least the level where the split is new to the network. The validation
    split has picked the best weights: the share on the test split, which is returned, says what that costs.

    Args:
        run: of classes, one per example.
        data: as `evaluate` takes it; None for the data of its training.
        level, how, per_class: as for `calibrate_sets`.
        split: which one is calibrated on.

    Raises:
        RefusalError: the run does not predict one class per example.
        OptionError: no such score, or a level outside (0, 1).
        DataError: there is no such split.

    >>> import neurarium as nr
    >>> run = nr.studies.train(nr.data.load("iris"), "mlp", epochs=30, progress=False)
    >>> found = choose_sets(run, level=0.8)
    >>> found.sets.level, found.test.size >= 1
    (0.8, True)
    """
    targets = classes_of(run)
    if targets.several:
        raise RefusalError(
            "prediction sets are of one class per example",
            received=f"{len(targets.names)} labels at once",
            fix="each label has a threshold of its own: neurarium thresholds RUN",
        )
    method = learner_of(run)
    seen = predictions_of(method, split_of(run, data, split))
    sets = calibrate_sets(seen.predictions, seen.targets, level=level, how=how, per_class=per_class)
    run.sets = sets
    if run.folder is not None:
        keep(run, SETS, {**sets.to_json(), "split": split, "classes": list(targets.names)})
    return FoundSets(sets, _measured(run, data, sets))


def _measured(run: Run, data: Any, sets: ConformalSets) -> Coverage | None:
    """How often the sets hold the truth on the test split."""
    try:
        seen = predictions_of(learner_of(run), examples_for(run, data, "test")[2])
    except DataError:  # no such split
        return None
    return set_coverage(sets.sets(seen.predictions), seen.targets)


def sets_of(run: Run) -> ConformalSets | None:
    """Return the sets that were calibrated for a run, or None.

    Raises:
        ArtifactError: the file is damaged, or belongs to other weights.
    """
    if run.sets is not None or run.folder is None or not (run.folder / SETS).is_file():
        return run.sets
    held = belonging(run, SETS, "neurarium calibrate --sets LEVEL")
    fields = ("how", "level", "thresholds", "calibration", "randomized")
    try:
        run.sets = ConformalSets.from_json({name: held[name] for name in fields})
    except (TypeError, ValueError, KeyError) as error:
        raise ArtifactError(
            f"{run.folder / SETS} is damaged",
            fix="delete it, or calibrate again: neurarium calibrate RUN --sets LEVEL",
        ) from error
    return run.sets


def named(sets: ConformalSets, targets: Classes, probabilities: Tensor) -> list[str]:
    """Return each example's set as names with commas, the likeliest first."""
    inside = sets.sets(probabilities)
    order = torch.argsort(probabilities, dim=1, descending=True, stable=True)
    return [
        ", ".join(str(targets.names[k]) for k in places if row[k])
        for places, row in zip(order.tolist(), inside.tolist(), strict=True)
    ]
