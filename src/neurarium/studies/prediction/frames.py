"""Frames: what comes next at each step of new series, as a table with a row per step."""

from __future__ import annotations

from typing import Any

import polars

from neurarium.core.errors import OptionError
from neurarium.data.specs import Frames
from neurarium.studies.prediction.learner import learner_of
from neurarium.training.run import Run

SURE = 0.5


def predict_frames(run: Run, raw: Any, *, batch_size: int = 64) -> tuple[polars.DataFrame, dict[str, Any]]:
    """Say which notes come next, at each step of new piano rolls.

    Args:
        run: trained on frames.
        raw: rolls as of the training: a file, or arrays `(steps, 88)`.
        batch_size: rolls per batch.

    Returns:
        A row per step: `piece` and `step` (from 1), `prediction` (the notes above one half, with commas), `expected` (how
        many notes are expected: the sum of their probabilities); and the notes of the preparation.

    Raises:
        OptionError: the run says nothing of the next step.
    """
    from neurarium.studies.prediction.study import outputs_of

    if not isinstance(run.targets, Frames):
        raise OptionError(
            "the run says nothing of the next step", expected="a run on frames", received=run.targets
        )
    batch, notes = run.preparation.apply(raw)  # type: ignore[union-attr]
    shares = outputs_of(learner_of(run), batch["inputs"], batch_size=batch_size).float().sigmoid()
    names = run.targets.names  # type: ignore[union-attr]
    rows: dict[str, list[Any]] = {"piece": [], "step": [], "prediction": [], "expected": []}
    for piece, length in enumerate(batch["inputs"]["lengths"].tolist()):
        own = shares[piece, :length]
        rows["piece"] += [piece + 1] * length
        rows["step"] += list(range(1, length + 1))
        rows["prediction"] += [
            ", ".join(names[key] for key in step.nonzero().flatten().tolist()) for step in own > SURE
        ]
        rows["expected"] += own.sum(dim=1).tolist()
    return polars.DataFrame(rows), notes
