"""Preparation of traces: windows scaled by what came before them."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy

from neurarium.data.preparation.storage import save_preparation
from neurarium.data.specs import Expectation, Series
from neurarium.data.trace import MEMORY, Trace, Windows

Detector = Literal["forecast", "reconstruction"]


@dataclasses.dataclass(frozen=True)
class Expected:
    """What a network says of a window: the next value, or the window itself, in deviations of what came before.

    Args:
        column: of the values.
        count: how many numbers.
    """

    column: str
    count: int
    kind: ClassVar[str] = "expected"

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def spec(self) -> Expectation:
        names = (self.column,) if self.count == 1 else tuple(f"{self.column} {n}" for n in range(self.count))
        return Expectation(names, unit="deviations")

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, **dataclasses.asdict(self)}


@dataclasses.dataclass
class TracePreparation:
    """The preparation of traces.

    Args:
        spec: one channel, and the length of a window.
        target: what is said of a window.
        time: the column of the times; None for rows in their order.
        probation: the share of a trace (of 5,000 moments at most) that is learned from and has no alarm.
        detector: "forecast" or "reconstruction".
        threshold: scores from it on are alarms.
        context: the last values of the one trace of the training, `(moments,)`; empty where there were several.
        ended: the time of the last of them, as a number.
    """

    spec: Series
    target: Expected
    time: str | None
    probation: float
    detector: Detector
    threshold: float
    context: numpy.ndarray
    ended: float

    @property
    def inputs(self) -> Series:
        return self.spec

    def traces(self, raw: Any) -> list[Trace]:
        """Read traces from a file, a folder of files, a frame, or an array of values."""
        from neurarium.data.readers.trace_files import read_traces

        return read_traces(raw, self.target.column, self.time)

    def continued(self, trace: Trace) -> tuple[Trace, int]:
        """Return a trace with the context of the training before it, where it goes on from there, and how long that is."""
        later = len(self.context) and self.time is not None and trace.moments[0] > self.ended
        if not later:
            return trace, 0
        count = len(self.context)
        values = numpy.concatenate([self.context, trace.values])
        moments = numpy.concatenate([numpy.full(count, self.ended), trace.moments])
        return Trace(trace.name, [*[""] * count, *trace.times], moments, values), count

    def windows(self, traces: list[Trace]) -> Windows:
        return Windows(traces, self.spec.length, whole=self.detector == "reconstruction")

    def apply(self, raw: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Turn new traces into (batch, notes): a window and a target per moment but the first."""
        found = self.traces(raw)
        windows = self.windows(found)
        places = numpy.concatenate(
            [numpy.arange(windows.starts[n] + 1, windows.starts[n + 1]) for n in range(len(found))]
        )
        import torch

        batch = windows.examples(torch.from_numpy(places)).take(slice(None))
        return batch, {"rows": len(places), "origin": str(raw) if isinstance(raw, str | os.PathLike) else ""}

    def save(self, folder: Path | str) -> None:
        """Write preparation.json and preparation.safetensors into a folder."""
        content = {
            "length": self.spec.length, "target": self.target.to_json(), "time": self.time,
            "probation": self.probation, "detector": self.detector, "threshold": self.threshold, "ended": self.ended,
        }  # fmt: skip
        save_preparation(folder, "traces", content, {"context": self.context[-MEMORY:]})

    @classmethod
    def from_saved(cls, content: Mapping[str, Any], arrays: Mapping[str, numpy.ndarray]) -> TracePreparation:
        """Rebuild a preparation from its JSON and its arrays."""
        target = Expected(str(content["target"]["column"]), int(content["target"]["count"]))
        return cls(
            Series(1, int(content["length"])), target, content["time"], float(content["probation"]), content["detector"],
            float(content["threshold"]), arrays["context"], float(content["ended"]),
        )  # fmt: skip
