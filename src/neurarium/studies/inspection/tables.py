"""Tables as they are looked at: the raw columns of every split, what they hold, and the target."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy
import polars

from neurarium.core.errors import UserError
from neurarium.data.assembly.mixed import with_images
from neurarium.data.assembly.streamed import parquet_to_stream
from neurarium.data.dataset import Dataset
from neurarium.data.preparation.target_recognition import recognise_target
from neurarium.data.preparation.targets import Labels, Quantities
from neurarium.data.readers.columns import Kind, recognise
from neurarium.data.readers.delimited import Reading
from neurarium.data.readers.files import read_files
from neurarium.data.readers.frames import read_frame
from neurarium.data.readers.values import MISSING, dates, numbers, text

ORDER = ("train", "validation", "test")
TEXT = (".csv", ".tsv", ".txt", ".data")
STREAMED = 200_000  # rows that are looked at of a table too large for memory
LARGE_FILE = 200_000_000  # bytes above which text is not read a second time, to see its blanks


@dataclasses.dataclass
class Table:
    """The splits of a table.

    Args:
        name: how it is called.
        frames: the raw columns of each split, blanks around values taken away, missing values null.
        rows: for each split, the row of its source that each row was (from 0).
        own: the splits that came from a source of their own.
        way: how the other splits were made ("stratified", "random", "grouped", "time"), "" where nothing was split.
        targets: the target columns; none where nothing is to be predicted.
        plan: classes or quantities; None where the target could not be understood.
        kinds: what each input column holds, as the training rows show.
        group, time: columns of that role.
        untouched: text columns as they stand in the file, for the blanks around their values.
        sampled: of a table too large for memory, how many rows are here, and of how many.
    """

    name: str
    frames: dict[str, polars.DataFrame]
    rows: dict[str, numpy.ndarray]
    own: tuple[str, ...]
    way: str
    targets: tuple[str, ...]
    plan: Labels | Quantities | None
    kinds: dict[str, Kind]
    group: str | None = None
    time: str | None = None
    untouched: polars.DataFrame | None = None
    sampled: tuple[int, int] | None = None

    @cached_property
    def plain(self) -> dict[str, polars.DataFrame]:
        """The input columns of each split as numbers (dates: days) or text."""
        return {key: self._plain(frame) for key, frame in self.frames.items()}

    def _plain(self, frame: polars.DataFrame) -> polars.DataFrame:
        return polars.DataFrame(
            [
                readable(frame.get_column(name), kind)
                for name, kind in self.kinds.items()
                if name in frame.columns
            ]
        )

    @cached_property
    def encoded(self) -> dict[str, numpy.ndarray]:
        """The target of each split: class codes (below 0: missing or unknown), or quantities (NaN: missing)."""
        if self.plan is None:
            return {}
        found = {}
        for key, frame in self.frames.items():
            if set(self.plan.columns) <= set(frame.columns):
                values = self.plan.encode(frame)[0]
                found[key] = values if values.ndim == 1 else values[:, 0]
        return found

    @property
    def classes(self) -> tuple[str, ...] | None:
        """The names of the classes; None for quantities."""
        return self.plan.names if isinstance(self.plan, Labels) else None

    @property
    def evaluated(self) -> str | None:
        """The split that measures: test, else validation."""
        return next((key for key in ("test", "validation") if key in self.frames), None)


def aims(table: Table) -> list[Table]:
    """Return the table once for each of its targets, with the plan of that one; none where nothing is understood."""
    if table.plan is None:
        return []
    if len(table.targets) == 1:
        return [table]
    plans = {name: _plan(table.frames["train"], (name,), None) for name in table.targets}
    return [
        dataclasses.replace(table, targets=(name,), plan=plan)
        for name, plan in plans.items()
        if plan is not None
    ]


def readable(column: polars.Series, kind: Kind) -> polars.Series:
    """Return a column as float64 where it holds numbers, truth values or dates, else as text."""
    if kind.kind in ("numeric", "boolean") or (kind.kind == "drop" and column.dtype.is_numeric()):
        return numbers(column, kind.style)
    if kind.kind == "date":
        read = dates(column, kind.style)
        return read.dt.epoch("us").cast(polars.Float64) / 86.4e9 if read.dtype.is_temporal() else read
    return text(column, MISSING)


def of_dataset(dataset: Dataset) -> Table:
    """Look at the table a dataset was read from.

    Raises:
        UserError: the source cannot be read again.
    """
    reread = dataset.rereading
    options = dict(reread.options)
    source = reread.source[0] if reread.source else options.pop("source")
    targets = reread.source[1] if len(reread.source) > 1 else options.pop("target")
    plan = getattr(dataset.preparation, "target", None)
    if hasattr(targets, "dtype") and not isinstance(targets, str):
        source, targets = _beside(source, targets, options)
    table = of_source(source, targets, options, name=dataset.name)
    way = next((str(each.choice) for each in dataset.decisions if each.subject == "split"), "given")
    known = isinstance(plan, Labels | Quantities)
    return split(table, dataset, plan if known else table.plan, way) if dataset.rows else table


def of_source(source: Any, target: Any, options: Mapping[str, Any], *, name: str | None = None) -> Table:
    """Look at a table as it stands, before anything is split.

    Args:
        source: whatever `nr.data.table` takes.
        target: a column, several, or None.
        options: of `nr.data.table`.
        name: how it is called.

    Raises:
        UserError: it is no table.
    """
    reading = _reading(options)
    called = name or (Path(source).name if isinstance(source, str | os.PathLike) else "table")
    source, sampled = bounded(source, options.get("stream"))
    main = read_frame(source, reading).frame
    targets = _names(target, main)
    like = [main.columns, [each for each in main.columns if each not in targets]]
    frames = {"train": main}
    for key in ("validation", "test"):
        other = options.get(key)
        if other is not None and not isinstance(other, int | float | tuple):
            frames[key] = read_frame(other, reading, like=like).frame
    group, time = options.get("group"), options.get("time")
    left = {*targets, *(options.get("drop") or ()), *([options["weights"]] if options.get("weights") else [])}
    kinds = _kinds(main, [each for each in main.columns if each not in left], options.get("types") or {})
    beside = Path(source).parent if isinstance(source, str | os.PathLike) else None
    kinds = dict(zip(kinds, with_images(list(kinds.values()), main, beside), strict=True))
    plan = _plan(main, targets, options.get("task"))
    rows = {key: numpy.arange(frame.height) for key, frame in frames.items()}
    own = tuple(key for key in frames if key != "train")
    raw = _untouched(source, reading)
    return Table(called, frames, rows, own, "", targets, plan, kinds, group, time, raw, sampled)


def bounded(source: Any, stream: Any = None) -> tuple[Any, tuple[int, int] | None]:
    """Return a source that fits into memory: of a Parquet table that does not, some rows, drawn by a hash of their values."""
    large = parquet_to_stream(source, None if stream is None else str(stream).lower() == "true")
    if large is None or large.rows <= STREAMED:
        return source, None
    limit = int(STREAMED / large.rows * 2**64)
    parts = []
    for group in large.groups:
        rows = large.read(group)
        parts.append(rows.filter(rows.hash_rows(seed=1) < limit))
    frame = polars.concat(parts)
    return frame, (frame.height, large.rows)


def split(table: Table, dataset: Dataset, plan: Labels | Quantities | None, way: str) -> Table:
    """Cut a table as a dataset is cut; rows whose target is missing are left out, as in training."""
    whole, frames, rows = table.frames["train"], {}, {}
    for key in ORDER:
        if key in dataset.rows:
            places = numpy.asarray(dataset.rows[key])
            of = table.frames[key] if key in table.own else whole
            frames[key], rows[key] = of[places], places
    types = {name: kind.kind for name, kind in table.kinds.items() if kind.reason == "given"}
    kinds = _kinds(frames["train"], list(table.kinds), types)
    kinds |= {name: kind for name, kind in table.kinds.items() if kind.kind == "image"}
    return dataclasses.replace(table, frames=frames, rows=rows, plan=plan, way=way, kinds=kinds)


def _beside(
    source: Any, targets: Any, options: Mapping[str, Any]
) -> tuple[polars.DataFrame, tuple[str, ...]]:
    """Put an array of targets beside the inputs as columns."""
    frame = read_frame(source, _reading(options)).frame
    values = numpy.asarray(targets.detach().cpu() if hasattr(targets, "detach") else targets)
    names = ("target",) if values.ndim == 1 else tuple(f"target {place}" for place in range(values.shape[1]))
    columns = values.reshape(len(values), -1).T
    added = [polars.Series(name, each.tolist()) for name, each in zip(names, columns, strict=True)]
    return frame.with_columns(added), names


def _reading(options: Mapping[str, Any]) -> Reading:
    columns = options.get("columns")
    named = columns.split(",") if isinstance(columns, str) else columns
    chosen = {key: options[key] for key in ("separator", "quote", "encoding", "skip") if options.get(key)}
    missing = options.get("missing")
    tokens = (
        MISSING if missing is None else tuple(missing.split(",") if isinstance(missing, str) else missing)
    )
    names = None if named is None else tuple(str(each).strip() for each in named)
    return Reading(columns=names, missing=tokens, **chosen)


def _plan(frame: polars.DataFrame, targets: tuple[str, ...], task: Any) -> Labels | Quantities | None:
    """Say what is predicted: of several columns of different kinds, the first."""
    for columns in (targets, targets[:1]):
        try:
            plan: Any = recognise_target(frame, columns, task)[0] if columns else None
        except UserError:
            continue
        if isinstance(plan, Labels | Quantities):
            return plan
    return None


def _names(target: Any, frame: polars.DataFrame) -> tuple[str, ...]:
    from neurarium.core.errors import DataError, unknown

    if target is None:
        return ()
    given = [target] if isinstance(target, str | int | numpy.integer) else list(target)
    names = [each if isinstance(each, str) else frame.columns[int(each)] for each in given]
    for name in names:
        if name not in frame.columns:
            raise unknown("column", name, frame.columns, error=DataError)
    return tuple(names)


def _kinds(frame: polars.DataFrame, names: list[str], types: Mapping[str, str]) -> dict[str, Kind]:
    found = {}
    for name in names:
        wanted = types.get(name)
        found[name] = recognise(frame.get_column(name), MISSING, None if wanted == "drop" else wanted)
    return found


def _untouched(source: Any, reading: Reading) -> polars.DataFrame | None:
    """Read a text file once more, as it stands; None for what is no such file."""
    if not isinstance(source, str | os.PathLike) or not Path(source).is_file():
        return None
    if Path(source).suffix.lower() not in TEXT or Path(source).stat().st_size > LARGE_FILE:
        return None
    try:
        return read_files(source, reading).frame
    except UserError:
        return None
