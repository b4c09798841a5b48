"""Traces: series that are watched for what is odd, as a `Dataset` of windows and what comes next."""

from __future__ import annotations

import hashlib
import math
import os
from pathlib import Path
from typing import Any, Literal

import numpy
import torch

from neurarium.core.errors import DataError, OptionError
from neurarium.core.files import sha256
from neurarium.core.wording import counted
from neurarium.data.dataset import Dataset, Decision
from neurarium.data.preparation.traces import Detector, Expected, TracePreparation
from neurarium.data.readers.trace_files import read_traces
from neurarium.data.specs import Series
from neurarium.data.trace import MEMORY, Trace

PROBATION, LONGEST = 0.15, 5000  # of NAB: the share that is learned from, of 5,000 moments at most
FEWEST, MOST_LEARNED = (
    20,
    0.6,
)  # windows to learn from; the share of a trace that may be learned from where it is short
THRESHOLD = 0.5
MOST = 50_000  # windows of a split; all moments are scored whatever is measured


class Traces(Dataset):
    """A dataset of windows that keeps the traces it was cut from, in `traces`."""

    traces: list[Trace]


def traces(
    source: Any,
    target: str | None = None,
    *,
    time: str | None = None,
    task: Literal["anomaly"] | None = None,
    labels: Any = None,
    window: int = 32,
    probation: float = PROBATION,
    validation: float = 0.2,
    detector: Detector = "forecast",
    threshold: float = THRESHOLD,
    name: str | None = None,
) -> Traces:
    """Read traces that are watched for anomalies.

    What comes first in each (`probation`) is learned from: its last fifth validates, what comes after it tests (of many windows
    50,000 at equal distances). Each window
    of values is scaled by the mean and deviation of what its trace had before, and the target is the value that came
    next, in the same units: no number knows of a later one.

    Args:
        source: a table of times and values, a folder of such CSV files, or values.
        target: the column of the values; the only one beside the time is found.
        time: the column of the times, which orders the rows.
        labels: a JSON file of windows by file (see `trace_files.read_traces`); they are never learned from.
        window: moments that a network sees.
        probation: the share of a trace, of 5,000 moments at most, that is learned from.
        validation: the share of these windows that validates, the latest.
        detector: "forecast" learns the next value, "reconstruction" the window itself.
        threshold: scores from it on are alarms.

    Returns:
        A dataset of `Series` -> `Expectation`.

    Raises:
        DataError: too short, constant, or unreadable traces.
        OptionError: shares or windows that are none.

    >>> traces(numpy.sin(numpy.arange(2000) / 5))
    Dataset(trace: Series -> Expectation; train 214, validation 54, test 1,700)
    """
    if window < 2 or not 0 < probation < 1 or not 0 <= validation < 1:
        raise OptionError(
            "a window or a share is wrong", expected="window >= 2, 0 < probation < 1, 0 <= validation < 1",
            received=f"window={window}, probation={probation}, validation={validation}",
        )  # fmt: skip
    found = read_traces(source, target, time, labels=labels)
    heads = [int(min(probation * len(each), probation * LONGEST)) for each in found]
    _require_enough(found, heads, window, probation)
    spec = Series(1, window)
    column = target or "value"
    alone = len(found) == 1
    preparation = TracePreparation(
        spec, Expected(column, 1 if detector == "forecast" else window), time, probation, detector, threshold,
        found[0].values[-MEMORY:] if alone else numpy.zeros(0), float(found[0].moments[-1]) if alone else 0.0,
    )  # fmt: skip
    windows = preparation.windows(found)
    parts: dict[str, list[torch.Tensor]] = {"train": [], "validation": [], "test": []}
    for place, (each, head) in enumerate(zip(found, heads, strict=True)):
        kept = head - round(validation * (head - window))
        parts["train"].append(windows.places(place, window, kept))
        parts["validation"].append(windows.places(place, max(window, kept), head))
        parts["test"].append(windows.places(place, head, len(each)))
    splits = {key: windows.examples(_thinned(torch.cat(part))) for key, part in parts.items()}
    dataset = Traces(
        name or _called(source), spec, preparation.target.spec, splits["train"],
        splits["validation"] if len(splits["validation"]) else None, splits["test"],
        preparation=preparation, decisions=_decisions(found, preparation),
        summary=_summary(found, splits, source),
    )  # fmt: skip
    dataset.traces = found
    return dataset


def _thinned(places: torch.Tensor) -> torch.Tensor:
    """Windows at equal distances where there are more than 50,000: neighbours say nearly the same."""
    return places[:: -(-len(places) // MOST)] if len(places) > MOST else places


def _require_enough(found: list[Trace], heads: list[int], window: int, probation: float) -> None:
    if all((each.values == each.values[0]).all() for each in found):
        raise DataError(
            "every trace is one constant, and nothing in it is odd", expected="values that vary",
            received=f"{found[0].values[0]:g} everywhere",
        )  # fmt: skip
    count = sum(max(0, head - window) for head in heads)
    if count < FEWEST:
        longest = max(len(each) for each in found)
        raise DataError(
            "there is too little to learn what is usual from",
            expected=f"{FEWEST} windows of {window} moments in the first {probation:.0%} of the traces",
            received=f"{count} windows; the longest trace has {longest:,} moments",
            fix=_enough(longest, window),
        )


def _enough(longest: int, window: int) -> str:
    """What makes a trace of so many moments long enough, at most 60 % of it learned from.

    >>> _enough(100, 32), _enough(60, 32), _enough(30, 32)
    ('--set probation=0.53', '--set window=8 --set probation=0.49', 'give a longer trace: 49 moments or more')
    """
    for narrow, words in ((window, ""), (8, "--set window=8 ")):
        share = math.ceil(100 * (narrow + FEWEST + 1) / longest) / 100
        if narrow <= window and share <= MOST_LEARNED:
            return f"{words}--set probation={share:g}"
    needed = math.ceil((min(window, 8) + FEWEST + 1) / MOST_LEARNED)
    return f"give a longer trace: {needed} moments or more"


def _called(source: Any) -> str:
    if not isinstance(source, str | os.PathLike):
        return "trace"
    return Path(source).resolve().stem


def _decisions(found: list[Trace], preparation: TracePreparation) -> list[Decision]:
    labelled = sum(len(each.windows) for each in found)
    listed = [
        Decision("detector", preparation.detector, "what a network expects, and how far it is from what came", "--set detector="),
        Decision("learned from", f"the first {preparation.probation:.0%}", "alarms come after it; what is odd in it is taken as usual", "--set probation="),
        Decision("window", preparation.spec.length, "moments that the network sees", "--set window="),
        Decision("scaling", "by what came before", "mean and deviation of the moments before, 8,000 at most: no look ahead", ""),
    ]  # fmt: skip
    if labelled:
        reason = "they judge, at the one threshold that is best for all traces as NAB does; nothing is learned from them"
        listed.append(Decision("labels", counted(labelled, "window"), reason, "--set labels=FILE"))
    else:
        reason = (
            "a score of 0.5: one residual in 1,000 was as large, or the value left the range of all before"
        )
        listed.append(Decision("threshold", preparation.threshold, reason, "--set threshold="))
    return listed


def _summary(found: list[Trace], splits: dict[str, Any], source: Any) -> dict[str, Any]:
    held: dict[str, Any] = {
        "traces": len(found),
        "moments": sum(map(len, found)),
        "labelled windows": sum(len(each.windows) for each in found),
        "splits": {key: len(part) for key, part in splits.items()},
    }
    path = Path(source) if isinstance(source, str | os.PathLike) else None
    if path is not None and path.is_file():
        held["sha256"] = sha256(path)
    else:
        digest = hashlib.sha256()
        for each in found:
            digest.update(each.values.tobytes())
        held["sha256"] = digest.hexdigest()
    return held
