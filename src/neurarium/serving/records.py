"""Records: answers from the tables that `studies.predict` makes of whole series, sentences and texts."""

from __future__ import annotations

import datetime
import math
from typing import Any

from neurarium.data.specs import Expectation, Frames, Horizon, Tags, Text
from neurarium.serving.schemas import NUMBER, TEXT, TIME, list_of, made_of
from neurarium.studies.prediction.predictors import predictor_of


class Records:
    """Answers by the rows that `neurarium predict` writes: one per example, or several under one name.

    Args:
        predictor: the run and its targets.
    """

    def __init__(self, predictor: Any):
        self.run = predictor.run
        held = predictor_of(self.run.targets)
        if held is None:
            raise TypeError(f"no table is made of {type(self.run.targets).__name__}")
        self.kind, self.predict = held, held.load()

    def __call__(self, raw: Any) -> list[dict[str, Any]]:
        """Return the answers to raw data as `studies.predict` takes it."""
        frame, _ = self.predict(self.run, raw)
        rows = [{name: plain(value) for name, value in row.items()} for row in frame.to_dicts()]
        if not self.kind.rows:
            return rows
        number = self.kind.example
        if number not in frame.columns:  # all of them are of the one example that was asked
            return [{self.kind.rows: rows}]
        parts: dict[Any, list[dict[str, Any]]] = {}
        for row in rows:
            parts.setdefault(row.pop(number), []).append(row)
        return [{self.kind.rows: each} for each in parts.values()]

    def schema(self) -> dict[str, Any]:
        """Return the schema of one answer."""
        row = ROWS[type(self.run.targets)](self.run)
        return made_of({self.kind.rows: list_of(row)}) if self.kind.rows else row


def plain(value: Any) -> Any:
    """Return a value of a table as JSON has it: moments as ISO 8601, null for what is no number.

    >>> plain(datetime.date(2024, 5, 1)), plain(float("nan"))
    ('2024-05-01', None)
    """
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _tags(run: Any) -> dict[str, Any]:
    return made_of({"word": TEXT, "prediction": {"enum": list(run.targets.names)}, "probability": NUMBER})


def _moments(run: Any) -> dict[str, Any]:
    said = {"value": NUMBER, "expected": NUMBER, "score": NUMBER, "anomaly": {"type": "boolean"}}
    return made_of({run.preparation.time or "time": TIME, **said})


def _steps(run: Any) -> dict[str, Any]:
    return made_of({"step": NUMBER, "prediction": TEXT, "expected": NUMBER})


def _forecast(run: Any) -> dict[str, Any]:
    """A time, and what is said of each target; bounds and quantiles where the run has them."""
    roles, names = run.preparation.roles, run.targets.names
    starts = [""] if len(names) == 1 else [f"{name}_" for name in names]
    stamp = {**({roles.series: TEXT} if roles.series else {}), roles.time: TIME}
    said = {f"{start}prediction": NUMBER for start in starts}
    return {**made_of({**stamp, **said}), "additionalProperties": NUMBER}


ROWS: dict[type, Any] = {
    Expectation: _moments,
    Frames: _steps,
    Horizon: _forecast,
    Tags: _tags,
    Text: lambda run: made_of({"prediction": TEXT, "score": NUMBER}),
}
