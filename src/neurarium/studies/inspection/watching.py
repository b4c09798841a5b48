"""Watching: traces that are looked at for anomalies, whose labels, stamps or stretches teach or judge the wrong thing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy

from neurarium.data.trace import Trace
from neurarium.studies.anomalies.nab_score import probation_of
from neurarium.studies.inspection.finding import Finding, listed, share
from neurarium.studies.inspection.histories import FAR, FEW, LEVEL, STUCK, lies_at_floor, longest_run, spread

LABELLED, MOSTLY = (
    0.2,
    0.5,
)  # shares of the moments that are labelled, from which it is said, and is a warning
TWICE = 0.01  # the share of stamps that stand twice from which it is a warning
MISSING = 0.05  # the share of moments without a value from which it is said; a third is a warning
LAPSE = 1.5  # usual steps that lie between two moments where some are missing


def findings(dataset: Any, facts: dict[str, Any]) -> Iterator[Finding]:
    """Yield what was noticed in traces.

    Args:
        dataset: of `data.traces`: `Series` -> `Expectation`.
        facts: what is told beside the findings goes there, as `traces`.
    """
    traces: Sequence[Trace] = getattr(dataset, "traces", ())
    if not traces:
        return
    preparation = dataset.preparation
    heads = [probation_of(len(each), preparation.probation) for each in traces]
    labelled = sum(int(_labelled(each).sum()) for each in traces)
    moments = sum(map(len, traces))
    facts["traces"] = {
        "traces": len(traces), "moments": moments, "windows": sum(len(each.windows) for each in traces),
        "labelled": labelled / moments, "learned_from": sum(heads) / moments,
    }  # fmt: skip
    yield from _learned(traces, heads, preparation.spec.length, len(dataset.train))
    if facts["traces"]["windows"]:
        yield from _labels(traces, heads, labelled / moments)
    if preparation.time is not None:
        yield from _stamps(traces)
    yield from _values(traces, heads)


def _labelled(trace: Trace) -> numpy.ndarray:
    """Return which moments a window holds, `(length,)` bool."""
    found: numpy.ndarray = numpy.zeros(len(trace), dtype=numpy.bool_)
    for first, last in trace.windows:
        found[first : last + 1] = True
    return found


def _learned(traces: Sequence[Trace], heads: list[int], window: int, count: int) -> Iterator[Finding]:
    """What there is to learn the usual from."""
    short = [each.name for each, head in zip(traces, heads, strict=True) if head <= window]
    if short:
        yield Finding(
            "warning", "short", _names(short), f"what comes first of {_these(short, traces)} holds no window of {window:,} moments",
            "nothing is learned of it: it is watched by what others taught", "a larger --set probation=0.5, or --set window=8",
            {"traces": len(short)}, tuple(short[:20]),
        )  # fmt: skip
    if count < FEW:
        yield Finding(
            "warning", "few windows", "traces", f"there are {count:,} windows to learn from",
            "so few show hardly what is usual and what is chance", "a larger --set probation=0.5, a smaller --set window=, or more of the past",
            {"windows": count},
        )  # fmt: skip


def _labels(traces: Sequence[Trace], heads: list[int], part: float) -> Iterator[Finding]:
    """Labelled windows that judge wrongly."""
    early = [
        (each.name, window) for each, head in zip(traces, heads, strict=True) for window in each.windows if window[1] < head
    ]  # fmt: skip
    if early:
        shown = listed([f"{name} from moment {first + 1:,}" for name, (first, _) in early], 3)
        yield Finding(
            "warning", "labels", "labelled windows", f"{_count(early, 'window')} within what is learned from: {shown}",
            "what is odd there is learned as usual, has no alarm, and counts for nothing", "a smaller --set probation=, or begin the trace earlier",
            {"windows": len(early)}, tuple(name for name, _ in early[:20]),
        )  # fmt: skip
    beyond = [each.name for each in traces if each.beyond]
    if beyond:
        total = sum(each.beyond for each in traces)
        yield Finding(
            "warning", "labels", "labelled windows", f"{total:,} begin before the first moment of their trace or end behind the last: {listed(beyond, 3)}",
            "only the part inside counts; a wrong clock or file moves all windows", "look at the times of the labels and their zone",
            {"windows": total}, tuple(beyond[:20]),
        )  # fmt: skip
    if part > LABELLED:
        yield Finding(
            "warning" if part > MOSTLY else "note", "labels", "labelled windows", f"they hold {share(part, 1)} of the moments",
            "what is odd is rare: so wide windows find any alarm right (those of NAB hold a tenth)", "windows around the events alone",
            {"share": part},
        )  # fmt: skip


def _stamps(traces: Sequence[Trace]) -> Iterator[Finding]:
    """Times that come twice, go back, or leave moments out."""
    steps = [numpy.diff(each.moments) for each in traces]
    count = sum(map(len, steps)) or 1
    twice = [int((each == 0).sum()) for each in steps]
    back = [int((each < 0).sum()) for each in steps]
    if sum(twice):
        where = [each.name for each, number in zip(traces, twice, strict=True) if number]
        yield Finding(
            "warning" if sum(twice) > TWICE * count else "note", "duplicate stamps", _names(where),
            f"{sum(twice):,} moments have the time of the one before ({share(sum(twice), count)})",
            "both are watched, in the order of the file: two sensors in one column look like jumps", "one file per sensor, or keep one row per time",
            {"moments": sum(twice)}, tuple(where[:20]),
        )  # fmt: skip
    if sum(back):
        where = [each.name for each, number in zip(traces, back, strict=True) if number]
        yield Finding(
            "note", "clock", _names(where), "times go back " + ("once" if sum(back) == 1 else f"{sum(back):,} times"), "the rows are taken as they come, as when a clock is put back",
            "write times with their offset (+01:00) where the order is wrong", {"times": sum(back)}, tuple(where[:20]),
        )  # fmt: skip
    missing, where = 0, []
    for each, step in zip(traces, steps, strict=True):
        usual = float(numpy.median(step)) if len(step) else 0.0
        wide = step[step > LAPSE * usual] if usual > 0 else step[:0]
        if len(wide):
            missing += int(numpy.round(wide / usual - 1).sum())
            where.append(each.name)
    if missing > MISSING * (count + missing):
        yield Finding(
            "note", "gaps", _names(where), f"some {missing:,} moments are missing between others ({share(missing, count + missing)}), at the usual step",
            "moments are watched one after the other: what lies behind a gap looks like a jump", "add rows with an empty value: they hold the value before",
            {"moments": missing}, tuple(where[:20]),
        )  # fmt: skip


def _values(traces: Sequence[Trace], heads: list[int]) -> Iterator[Finding]:
    """Values that are not there, stand still, or leave what was learned."""
    moments, filled = sum(map(len, traces)), sum(each.filled for each in traces)
    if filled > MISSING * moments:
        where = [each.name for each in traces if each.filled]
        yield Finding(
            "warning" if filled > moments / 3 else "note", "missing", _names(where), f"{filled:,} moments ({share(filled, moments)}) have no value",
            "they hold the value before, so that standing still is learned as usual", "fill them in, or leave these rows out",
            {"moments": filled}, tuple(where[:20]),
        )  # fmt: skip
    still = [each.name for each in traces if numpy.ptp(each.values) == 0]
    if still:
        yield Finding(
            "warning", "constant", _names(still), f"all values of {_these(still, traces)} are equal", "nothing in it is odd, and nothing is learned of it",
            "leave it out", {"traces": len(still)}, tuple(still[:20]),
        )  # fmt: skip
    moving = [(each, head) for each, head in zip(traces, heads, strict=True) if each.name not in still]
    quiet = [each.name for each, head in moving if head > 1 and numpy.ptp(each.values[:head]) == 0]
    if quiet:
        yield Finding(
            "warning", "constant start", _names(quiet), f"what is learned from {_these(quiet, traces)} is one value, and later ones differ",
            "every change after it is an alarm", "a larger --set probation=0.5, or begin the trace later", {"traces": len(quiet)}, tuple(quiet[:20]),
        )  # fmt: skip
    yield from _each(moving, {*quiet})


def _each(moving: list[tuple[Trace, int]], quiet: set[str]) -> Iterator[Finding]:
    """Stretches, outliers and levels of the traces that move."""
    runs = {each.name: longest_run(each.values) for each, _ in moving}
    stuck = [
        each.name for each, _ in moving
        if runs[each.name] > max(12.0, STUCK * len(each)) and not lies_at_floor(each.values) and each.name not in quiet
    ]  # fmt: skip
    if stuck:
        longest = max(stuck, key=lambda name: runs[name])
        yield Finding(
            "note", "stuck", _names(stuck), f"values stand still, for up to {runs[longest]:,} moments" + (f" ({longest})" if len(stuck) > 1 else ""),
            "a sensor that stands still is no alarm: nothing happens as expected", "look at that part; empty cells are gaps",
            {"moments": runs[longest]}, tuple(stuck[:20]),
        )  # fmt: skip
    far: dict[str, int] = {}
    moved: dict[str, float] = {}
    for each, head in moving:
        start, later = each.values[:head], each.values[head:]
        if each.name in quiet or len(start) < 2 or not len(later):
            continue
        apart = numpy.abs(start - numpy.median(start)) > FAR * max(spread(start), 1e-9)
        if spread(start) > 0 and apart.any():
            far[each.name] = int(apart.sum())
        distance = float(later.mean() - start.mean()) / float(start.std())
        if abs(distance) > LEVEL:
            moved[each.name] = distance
    if far:
        yield Finding(
            "note", "outliers", _names(list(far)),
            f"{sum(far.values()):,} values of what is learned from lie over {FAR:g} usual deviations from the median",
            "what is odd there is learned as usual, and later ones like it have no alarm", "begin the trace where it is usual, or --set probation=",
            {"values": sum(far.values())}, tuple(list(far)[:20]),
        )  # fmt: skip
    if moved:
        widest = max(moved, key=lambda name: abs(moved[name]))
        side = "above" if moved[widest] > 0 else "below"
        yield Finding(
            "note", "level", _names(list(moved)), f"the mean lies {abs(moved[widest]):.1f} deviations {side} that of what is learned from, later on"
            + (f" ({widest})" if len(moved) > 1 else ""),
            "a change of level is an alarm where it begins; scales follow it slowly", "a larger --set probation= where the new level is usual",
            {"deviations": moved[widest]}, tuple(list(moved)[:20]),
        )  # fmt: skip


def _names(names: list[str]) -> str:
    return f"trace {names[0]}" if len(names) == 1 else f"{len(names):,} traces"


def _these(names: list[str], traces: Sequence[Trace]) -> str:
    return (
        "the trace" if len(traces) == 1 else f"{len(names):,} of {len(traces):,} traces ({listed(names, 3)})"
    )


def _count(held: Sequence[Any], word: str) -> str:
    return f"{len(held):,} {word} lies" if len(held) == 1 else f"{len(held):,} {word}s lie"
