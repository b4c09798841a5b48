"""Files of traces: a CSV of times and values, a folder of such, and the labelled windows beside them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy
import polars

from neurarium.core.errors import DataError, OptionError, unknown
from neurarium.core.files import read_json
from neurarium.data.readers.delimited import Reading
from neurarium.data.readers.encodings import missing_path
from neurarium.data.readers.frames import read_frame
from neurarium.data.readers.values import date_formats, dates, finite, numbers, style_of, text, times
from neurarium.data.trace import Trace

ISO = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S")
LABELS = ("combined_windows.json", "windows.json", "labels.json")


def read_traces(source: Any, target: str | None, time: str | None, *, labels: Any = None) -> list[Trace]:
    """Read one trace or a folder of them.

    Args:
        source: a table of times and values, a folder of CSV files (and folders of them), a frame, or an array of values.
        target: the column of the values.
        time: the column that orders them; None takes the rows as they come.
        labels: a JSON file of windows by file, `{"a.csv": [["2014-04-10 07:15:00", "2014-04-11 16:45:00"]]}`, or such a
            mapping; of a folder it is found beside the files; of one file those of its collection will do, where one name ends in its own.

    Raises:
        DataError: columns that are not there, values that are none, windows of files or times that are not there.
    """
    frames: dict[str, Any]
    base: Path | None = None
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        if not path.exists():
            raise missing_path(path)
        files = sorted(path.rglob("*.csv")) if path.is_dir() else [path]
        if not files:
            raise DataError(
                f"there is no trace in {path}", expected="CSV files of times and values", received="none"
            )
        base = path if path.is_dir() else path.parent
        frames = {str(each.relative_to(base).as_posix()): each for each in files}
    elif isinstance(source, Mapping) and source and all(isinstance(each, bytes) for each in source.values()):
        frames, base = (
            {name: polars.read_csv(each, infer_schema=False) for name, each in source.items()},
            None,
        )
    else:
        frames, base = {"trace": _frame(source, target)}, None
    windows = _windows(
        labels, base if isinstance(source, str | os.PathLike) and Path(source).is_dir() else None
    )
    if len(frames) == 1:
        windows = _own(windows, next(iter(frames)))
    for name in sorted(set(windows) - set(frames)):
        raise unknown(
            "labelled trace", name, frames, error=DataError, fix="name files by their path below the folder"
        )  # fmt: skip
    formats = list(ISO)  # and those of the times of the files before
    return [_trace(name, each, target, time, windows.get(name, ()), formats) for name, each in frames.items()]


def _frame(source: Any, target: str | None) -> Any:
    """An array of values becomes a frame of one column."""
    values = source.detach().cpu().numpy() if hasattr(source, "detach") else source
    if isinstance(values, numpy.ndarray | list):
        return polars.DataFrame({target or "value": numpy.asarray(values, dtype=numpy.float64).reshape(-1)})
    return values


def _windows(labels: Any, folder: Path | None) -> dict[str, Sequence[Sequence[str]]]:
    if labels is None and folder is not None:
        places = [
            each / name for each in (folder, folder / "labels", folder.parent / "labels") for name in LABELS
        ]
        labels = next((each for each in places if each.is_file()), None)
    if labels is None:
        return {}
    held = labels if isinstance(labels, Mapping) else read_json(Path(labels))
    pairs = (
        isinstance(held, Mapping)
        and all(isinstance(each, list | tuple) for each in held.values())
        and all(len(pair) == 2 for each in held.values() for pair in each if isinstance(pair, list | tuple))
        and all(isinstance(pair, list | tuple) for each in held.values() for pair in each)
    )
    if not pairs:
        raise DataError(
            f"{labels if not isinstance(labels, Mapping) else 'the labels'} are no windows",
            expected='{"file.csv": [["first time", "last time"], ...], ...}', received=str(held)[:100],
        )  # fmt: skip
    return dict(held)


def _own(windows: dict[str, Sequence[Sequence[str]]], name: str) -> dict[str, Sequence[Sequence[str]]]:
    """Of the labels of a whole collection those of one of its files, by its path there or by its name alone.

    >>> _own({"real/a.csv": [("1", "2")], "real/b.csv": []}, "a.csv")
    {'a.csv': [('1', '2')]}
    """
    if name in windows:
        return {name: windows[name]}
    same = [each for each in windows if each.rsplit("/", 1)[-1] == name]
    return {name: windows[same[0]]} if len(same) == 1 else windows


def _trace(
    name: str, source: Any, target: str | None, time: str | None, windows: Sequence[Sequence[str]], formats: list[str],
) -> Trace:  # fmt: skip
    frame = read_frame(source, Reading()).frame
    for column in (target, time):
        if column is not None and column not in frame.columns:
            raise unknown(f"column in {name}:", column, frame.columns, error=DataError)
    target = target or _only(frame, time, name)
    said = frame.get_column(time) if time is not None else polars.Series(range(frame.height))
    moments = _moments(said, formats) if time is not None else numpy.arange(float(frame.height))
    values = _values(frame.get_column(target), name)
    order = arrival(moments)
    shown = said.cast(polars.String).gather(order).to_list()
    values, moments = values[order], moments[order]
    known = ~numpy.isnan(values)
    latest = numpy.maximum.accumulate(numpy.where(known, numpy.arange(len(values)), -1))
    values = values[
        numpy.where(latest < 0, int(numpy.argmax(known)), latest)
    ]  # a gap holds the value before it
    placed = [_placed(each, moments, name, said, formats) for each in windows]
    return Trace(
        name, shown, moments, values, tuple((first, last) for first, last, _ in placed), int((~known).sum()),
        sum(beyond for _, _, beyond in placed),
    )  # fmt: skip


def arrival(moments: numpy.ndarray) -> numpy.ndarray:
    """Return the order in which rows came: that of the file, backwards where times fall, by time where they jump about.

    A clock that is set back for an hour, as in autumn, leaves the rows as they are.

    >>> arrival(numpy.array([1.0, 2.0, 1.5, 3.0, 4.0, 5.0])).tolist(), arrival(numpy.array([3.0, 2.0, 1.0])).tolist()
    ([0, 1, 2, 3, 4, 5], [2, 1, 0])
    """
    steps = numpy.diff(moments)
    back = float((steps < 0).mean()) if len(steps) else 0.0
    if back > 0.9:
        return numpy.arange(len(moments))[::-1]
    return numpy.arange(len(moments)) if back <= max(0.01, 1.5 / max(1, len(steps))) else numpy.argsort(moments, kind="stable")  # fmt: skip


def _moments(said: polars.Series, formats: list[str]) -> numpy.ndarray:
    """Return times as numbers; formats that fitted before are tried first, since there are hundreds to try."""
    if said.dtype == polars.String and not said.null_count():
        for style in formats:
            found = dates(said, style)
            if not found.null_count() and found.dtype in (polars.Date, polars.Datetime):
                return found.cast(polars.Datetime("us")).dt.epoch("us").cast(polars.Float64).to_numpy()
        if style_of(said) is None and (fitting := date_formats(said)):
            formats.append(fitting[0])
    return times(said)


def _only(frame: polars.DataFrame, time: str | None, name: str) -> str:
    others = [each for each in frame.columns if each != time]
    if len(others) != 1:
        raise OptionError(
            f"{name} has several columns, and one is to be watched", expected=f"one of {', '.join(others[:20])}",
            received="no --target", fix=f"for example --target {others[-1]}",
        )  # fmt: skip
    return others[0]


def _values(column: polars.Series, name: str) -> numpy.ndarray:
    known = text(column, ()).drop_nulls()
    style = style_of(known) if column.dtype == polars.String and known.len() else "plain"
    if not known.len() or style is None:
        odd = known.filter(numbers(known).is_null())
        raise DataError(
            f"the column '{column.name}' of {name} holds no numbers" if not known.len() else
            f"the column '{column.name}' of {name} holds a value that is no number",
            expected="a number per moment, or nothing for a gap", received=repr(odd[0]) if odd.len() else "gaps alone",
        )  # fmt: skip
    return finite(numbers(column, style), f"the column '{column.name}'")


def _placed(
    window: Sequence[str], moments: numpy.ndarray, name: str, said: polars.Series, formats: list[str]
) -> tuple[int, int, bool]:
    """Turn the times of a window into places: the first moment not before its start, the last not behind its end; and whether a
    part of it lies outside of the trace."""
    texts = said.dtype == polars.String
    ends = (
        _moments(polars.Series("window", list(map(str, window))), formats)
        if texts
        else numpy.array(window, float)
    )
    after, exact = numpy.flatnonzero(moments >= ends[0]), numpy.flatnonzero(moments == ends[1])
    before = numpy.flatnonzero(moments <= ends[1])
    first = int(after[0]) if len(after) else len(moments)
    last = int(exact[0]) if len(exact) else int(before[-1]) if len(before) else -1
    if first > last:
        raise DataError(
            f"a window of {name} holds no moment", expected=f"times from {said[0]} to {said[-1]}",
            received=f"{window[0]} to {window[1]}", fix="look at the year, the zone and the file of the labels",
        )  # fmt: skip
    return first, last, bool(ends[0] < moments.min() or ends[1] > moments.max())
