"""Predictors: what turns raw new data into a table, by what a run predicts. Another kind of targets is another row."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, NamedTuple

import polars

from neurarium.data.specs import Spec

Predict = Callable[..., tuple[polars.DataFrame, dict[str, Any]]]


class Predictor(NamedTuple):
    """How runs of one kind of targets predict.

    Args:
        function: `module:function` below `neurarium.studies`, from (run, raw data) to (table, notes).
        rows: what the rows of one example are called, where it has several.
        example: the column that says which example a row belongs to, where there is one; it is said of no example alone.
    """

    function: str
    rows: str = ""
    example: str = ""

    def load(self) -> Predict:
        """Return the function."""
        module, _, name = self.function.partition(":")
        found: Predict = getattr(importlib.import_module(f"neurarium.studies.{module}"), name)
        return found


# The targets that need more than one pass of a network over a batch; all others: `prediction.COLUMNS`.
PREDICTORS: dict[str, Predictor] = {
    "Boxes": Predictor("prediction.scenes:predict_scenes", "boxes", "file"),
    "Expectation": Predictor("anomalies.study:detect", "moments", "trace"),
    "Frames": Predictor("prediction.frames:predict_frames", "steps", "piece"),
    "Horizon": Predictor("prediction.future:predict_future", "forecast"),
    "Mask": Predictor("prediction.scenes:predict_scenes"),
    "NextToken": Predictor("prediction.language_scores:score_texts"),
    "Tags": Predictor("prediction.tagging:predict_tags", "words", "sentence"),
    "Text": Predictor("prediction.translation:translate_with_notes"),
}


def predictor_of(targets: Spec | None) -> Predictor | None:
    """Return how runs of such targets predict; None where a network's outputs are turned into columns.

    >>> from neurarium.data.specs import Classes, Tags
    >>> predictor_of(Tags(("N", "V"), 4)).rows, predictor_of(Classes(("no", "yes")))
    ('words', None)
    """
    return PREDICTORS.get(type(targets).__name__)
