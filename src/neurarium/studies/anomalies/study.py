"""Anomalies: what is odd in traces, moment by moment, and what that is worth by the NAB score."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy
import polars
import torch

from neurarium.core.errors import DataError
from neurarium.data.dataset import Decision
from neurarium.data.trace import Trace
from neurarium.studies.anomalies.nab_score import Judged, NabScore, nab_scores, probation_of
from neurarium.studies.anomalies.scores import anomaly_scores
from neurarium.studies.anomalies.windowed_gaussian import windowed_gaussian
from neurarium.studies.prediction.learner import evaluating, learner_of
from neurarium.training.method import Method
from neurarium.training.run import Run

AT_ONCE = 4096
RESULT = "anomalies"  # the name beside the splits in results.json


@dataclasses.dataclass(frozen=True)
class Watched:
    """A trace, what was expected of each moment, and how odd it was.

    Args:
        trace: as it was read.
        expected, scores: `(length,)` each.
        first: the first moment that can have an alarm: those before are the probation.
    """

    trace: Trace
    expected: numpy.ndarray
    scores: numpy.ndarray
    first: int

    def alarms(self, threshold: float) -> numpy.ndarray:
        """Return which moments are anomalies, `(length,)` bool."""
        return (self.scores >= threshold) & (numpy.arange(len(self.scores)) >= self.first)


def watch(run: Run, traces: Sequence[Trace]) -> list[Watched]:
    """Score every moment of traces; no score knows of what comes after it.

    One that goes on where the one trace of the training ended is scored with that before it, and has no probation.
    """
    preparation, method = run.preparation, learner_of(run)
    found = []
    for each in traces:
        whole, before = preparation.continued(each)
        expected = expected_of(method, preparation, whole)
        scores = anomaly_scores(whole.values, expected)[before:]
        first = 0 if before else probation_of(len(each), preparation.probation)
        found.append(Watched(each, expected[before:], scores, first))
    return found


def expected_of(method: Method, preparation: Any, trace: Trace) -> numpy.ndarray:
    """Return what the network expected of each moment, `(length,)`, in the units of the trace."""
    windows = preparation.windows([trace])
    places = windows.places(0, 0, len(trace))
    if not len(places):
        return trace.values.copy()
    outputs = []
    with evaluating(method) as device:
        for start in range(0, len(places), AT_ONCE):
            inputs = windows({"inputs": {"place": places[start : start + AT_ONCE]}})["inputs"]
            lengths = inputs["lengths"]
            said = method.predict({name: each.to(device) for name, each in inputs.items()}).cpu()
            if windows.whole:  # of a window that ends at its moment, the last one
                said = said.gather(1, (lengths - 1)[:, None])
            outputs.append(said[:, 0].double())
    deviations = torch.cat(outputs)
    values = deviations * windows.deviation[places] + windows.mean[places]
    return numpy.concatenate([trace.values[:1], values.numpy()])


def detect(run: Run, raw: Any) -> tuple[polars.DataFrame, dict[str, Any]]:
    """Find what is odd in new traces.

    Args:
        run: a run of traces.
        raw: a file of times and values, a folder of such, a frame, or values.

    Returns:
        A row per moment: `trace` where there are several, the time, `value`, `expected`, `score` from 0 to 1, `anomaly`;
        and the notes (`raw`).

    >>> import neurarium as nr
    >>> values = numpy.sin(numpy.arange(1500) / 5)
    >>> run = nr.studies.train(nr.data.traces(values), epochs=1, evaluate=False, progress=False)
    >>> values[1200] = 4.0
    >>> found, _ = detect(run, values)
    >>> found.columns, found["anomaly"][1200], found["score"][1200]
    (['time', 'value', 'expected', 'score', 'anomaly'], True, 1.0)
    """
    preparation = run.preparation
    watched = watch(run, preparation.traces(raw))
    frames = []
    for each in watched:
        said = each.trace
        times = said.times if preparation.time is not None else range(len(said))
        columns: dict[str, Any] = {preparation.time or "time": list(times), "value": said.values}
        columns |= {
            "expected": each.expected,
            "score": each.scores,
            "anomaly": each.alarms(preparation.threshold),
        }
        if len(watched) > 1:
            columns = {"trace": [said.name] * len(said), **columns}
        frames.append(polars.DataFrame(columns))
    return polars.concat(frames), {"rows": sum(map(len, frames))}


def judge(run: Run, traces: Sequence[Trace]) -> dict[str, Any]:
    """Judge a run by the labelled windows of its traces, beside the windowed Gaussian and the value before.

    The threshold of the standard profile becomes the run's.

    Returns:
        `nab_standard`, `nab_reward_low_fp`, `nab_reward_low_fn`, the same of `windowed_gaussian` and of `value_before` (our scores,
        with the value before in place of what the network expects), `threshold`, `windows`, `windows_found`, `false_alarms`;
        without labels the counts of `alarms`, of those of the value before, and of the moments.
    """
    watched = watch(run, traces)
    preparation = run.preparation
    if not any(each.trace.windows for each in watched):
        return {
            "threshold": preparation.threshold,
            "alarms": sum(int(each.alarms(preparation.threshold).sum()) for each in watched),
            "value_before_alarms": sum(
                int(_naive(each).alarms(preparation.threshold).sum()) for each in watched
            ),
            "moments": sum(len(each.scores) for each in watched),
        }
    ours = scored(watched, lambda each: each.scores)
    beside = scored(watched, lambda each: windowed_gaussian(each.trace.values))
    found: dict[str, Any] = {f"nab_{name}": each.score for name, each in ours.items()}
    found |= {f"windowed_gaussian_{name}": each.score for name, each in beside.items()}
    before = scored(watched, lambda each: _naive(each).scores)
    found |= {f"value_before_{name}": each.score for name, each in before.items()}
    best = ours["standard"]
    preparation.threshold = best.threshold
    found |= {
        "threshold": best.threshold,
        "windows": best.windows,
        "windows_found": best.found,
        "false_alarms": best.alarms,
    }
    if run.folder is not None:
        preparation.save(Path(run.folder) / "preparation")
    reason = f"of the best standard NAB score over {best.windows} labelled windows: {best.found} found, {best.alarms} false alarms"
    run.decisions[:] = [each for each in run.decisions if each.subject != "threshold"]
    run.decisions.append(
        Decision("threshold", f"{best.threshold:.4g}", reason, "--set threshold= without labels")
    )
    return found


def value_before(values: numpy.ndarray) -> numpy.ndarray:
    """Return the value before each one, `(length,)`: what is expected without a network; the first expects itself.

    >>> value_before(numpy.array([3.0, 5.0, 4.0])).tolist()
    [3.0, 3.0, 5.0]
    """
    return numpy.concatenate([values[:1], values[:-1]])


def _naive(watched: Watched) -> Watched:
    """The same trace, with the value before in place of what the network expected."""
    values = watched.trace.values
    expected = value_before(values)
    return dataclasses.replace(watched, expected=expected, scores=anomaly_scores(values, expected))


def scored(watched: Sequence[Watched], score: Callable[[Watched], numpy.ndarray]) -> dict[str, NabScore]:
    """Return the NAB scores of a detector over traces with labels.

    Raises:
        DataError: none has a labelled window.
    """
    if not any(each.trace.windows for each in watched):
        raise DataError("the traces have no labelled windows", expected="--set labels=FILE", received="none")
    return nab_scores([Judged(score(each), each.trace.windows) for each in watched])
