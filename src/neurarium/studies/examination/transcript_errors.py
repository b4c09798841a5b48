"""Transcript errors: the recordings of a split that were written down worst."""

from __future__ import annotations

from typing import Any

import torch

from neurarium.data.dataset import Told
from neurarium.data.transcripts import edits
from neurarium.studies.decoding.ctc import transcribed
from neurarium.studies.examination.mistakes import WorstError, shown_inputs
from neurarium.studies.prediction.learner import evaluating
from neurarium.studies.prediction.study import outputs_of
from neurarium.training.method import Method

AT_ONCE = 64


def transcript_errors(
    method: Method, examples: Any, preparation: Any, *, count: int = 12, told: Told | None = None
) -> list[WorstError]:
    """Return the recordings with the most characters to change, per character that was said; of equal ones the surest.

    Args:
        method: trained, of transcripts.
        examples: the split.
        preparation: of the run.
        count: how many.
        told: says where an example stands in the source.
    """
    targets: Any = method.targets
    found: list[tuple[float, int, str, str, float]] = []
    for first in range(0, len(examples), AT_ONCE):
        batch = examples.take(slice(first, min(first + AT_ONCE, len(examples))))
        with evaluating(method):
            said, sure = transcribed(outputs_of(method, batch["inputs"]).float(), targets)
        for number, row in enumerate(batch["targets"].tolist()):
            truth = targets.text(row)
            share = edits(said[number], truth) / max(len(truth), 1)
            if share:
                found.append((share, first + number, truth, said[number], sure[number]))
    worst = sorted(found, key=lambda each: (-each[0], -each[4], each[1]))[:count]
    if not worst:
        return []
    inputs = examples.take(torch.tensor([each[1] for each in worst]))["inputs"]
    shown = shown_inputs(inputs, preparation, len(worst))
    return [
        WorstError(
            place, truth, said or "(nothing)", sure, share, *shown[number],
            told(place) if told else "", "edits",
        )
        for number, (share, place, truth, said, sure) in enumerate(worst)
    ]  # fmt: skip
