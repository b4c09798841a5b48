"""Series: labelled time series as a `Dataset`, from .ts files, wide or long tables, or arrays."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy
import polars

from neurarium.core.errors import DataError, OptionError
from neurarium.core.files import sha256
from neurarium.core.wording import counted
from neurarium.data.assembly.partition import How, partition
from neurarium.data.assembly.rereading import rereadable
from neurarium.data.dataset import Dataset, Decision
from neurarium.data.examples import Examples
from neurarium.data.preparation.series import Scaling, SeriesPreparation, fit_series, require_channels
from neurarium.data.preparation.target_recognition import recognise_target
from neurarium.data.preparation.targets import Labels
from neurarium.data.readers.delimited import Reading
from neurarium.data.readers.encodings import missing_path
from neurarium.data.readers.frames import read_frame
from neurarium.data.readers.series_layout import Layout, is_ts, layout_of, read_collection
from neurarium.data.readers.series_stacks import is_stack, stacked_collections
from neurarium.data.readers.ts_format import Collection

FEW = 200  # series below which none are set aside for validation, unless it is asked for
TRAIN, TEST = "_TRAIN.ts", "_TEST.ts"


@rereadable
def series(
    source: Any,
    target: Any = None,
    *,
    test: Any = None,
    validation: Any = None,
    test_fraction: float = 0.15,
    split: str | Mapping[str, Sequence[int]] | None = None,
    task: Literal["series", "classification", "regression"] | None = None,
    series: str | None = None,
    time: str | None = None,
    drop: Sequence[str] = (),
    scaling: Scaling = "channels",
    seed: int = 0,
    name: str | None = None,
) -> Dataset:
    """Read series that have one class or quantity each.

    Args:
        source: a .ts file (`X_TRAIN.ts` takes `X_TEST.ts` beside it for the test; a folder of the two does too); a wide
            table, a row per series; a long one, a row per moment; an npz file of `x` `(examples, length)` or with channels
            first or last, and `y` (`x_test` and `y_test` are the test); a list of arrays `(length,)` or `(length, channels)`.
        target: the column of the labels; for arrays one label per series.
        test: a source of test series; without it `test_fraction` is set aside.
        validation: the fraction that validates, or a source of such series. None: 15 %, but none of fewer than 200 series.
        split: "stratified", "random", or the places of each split.
        task: "classification" or "regression", where the target could be either.
        series: of a long table, the column that says which series a row belongs to; `time` the one that orders them.
        drop: columns to leave out.
        scaling: "channels" by the mean and deviation of each channel over the training series, "series" by each series'
            own, "none".
        seed: decides the split.

    Returns:
        A dataset of `Series` -> `Classes` or `Quantity`. Gaps are filled by straight lines; series may differ in length.

    Raises:
        DataError: the source cannot be read, or holds too little.
        OptionError: no target, or options that contradict each other.

    >>> waves = [numpy.sin(numpy.arange(20) * (1 + each % 2)) for each in range(40)]
    >>> series(waves, [each % 2 for each in range(40)])
    Dataset(series: Series -> Classes; train 34, test 6)
    """
    path, test, pair = _paired(source, test, alone=isinstance(split, Mapping))
    if is_stack(path):
        return _of_stack(
            path, target, test, validation, test_fraction=test_fraction, split=split, task=task, series=series, time=time,
            drop=drop, scaling=scaling, seed=seed, name=name or _called(path).rpartition(".")[0],
        )  # fmt: skip
    layout, main = _read(path, target, series, time, drop)
    frame, column = _target_frame(main, layout, target)
    plan, decision = recognise_target(frame, [column], _task(task, main))
    if not hasattr(plan, "counts") or not hasattr(plan, "fitted"):
        raise OptionError("a series has one class or quantity", received=decision.choice)
    encoded, _ = plan.encode(frame)
    usable = numpy.flatnonzero(plan.known(encoded))
    fraction, told = _validation(validation, len(usable))
    how = How(fraction, 0.0 if test is not None else test_fraction, split, None, None, seed)
    rows, decisions = partition(polars.DataFrame(), encoded, usable, plan, how)
    plan = plan.fitted(encoded[rows["train"]])
    require_channels(main, main.values[0].shape[1], _called(path))
    preparation = fit_series(main, rows["train"], plan, scaling, layout)
    parts = {
        key: _examples(preparation, [main.values[row] for row in part], encoded[part])
        for key, part in rows.items()
        if len(part)
    }
    others = {"validation": None if _is_fraction(validation) else validation, "test": test}
    for key, other in others.items():
        if other is not None:
            parts[key] = _companion(preparation, other)
    return Dataset(
        name or _called(path), preparation.spec, plan.spec, parts["train"], parts.get("validation"), parts.get("test"),
        preparation=preparation,
        decisions=[*pair, decision, *told, *decisions, *_noted(main, preparation)],
        summary=_summary(main, plan, encoded, usable, parts, (path, test)), rows=dict(rows),
    )  # fmt: skip


def _of_stack(
    path: Path | str, target: Any, test: Any, validation: Any, *, name: str, **options: Any
) -> Dataset:
    """Read the series of an npz file, whose arrays may hold the other splits too."""
    columns = {"target": target, **{key: options.pop(key) for key in ("series", "time", "drop")}}
    for flag, value in columns.items():
        if value:
            raise OptionError(
                f"--{flag} names a column of a table, and {path} holds arrays",
                received=value,
                fix=f"leave out --{flag}",
            )
    held = stacked_collections(path)
    main = held.pop("train")
    given = {"validation": validation, "test": test}
    given |= {key: (each.values, each.labels) for key, each in held.items()}
    if options["task"] in (None, "series") and main.quantities:
        options["task"] = "regression"
    dataset = series(main.values, main.labels, name=name, **given, **options)
    sizes = main.values[0].shape
    reason = "a short side of channels beside a long one of moments" if sizes[1] > 1 else "one channel each"
    what = f"{len(main.values):,} series of {counted(sizes[1], 'channel')} and {sizes[0]} moments"
    dataset.decisions.insert(0, Decision("kind of inputs", what, reason, "--set kind=image, or array"))
    dataset.summary["sha256"] = hashlib.sha256(sha256(Path(path)).encode()).hexdigest()
    return dataset


def _paired(source: Any, test: Any, *, alone: bool) -> tuple[Any, Any, list[Decision]]:
    """Find the training file in a folder, and the test file of a training file by its name; `alone` wants no other."""
    if not isinstance(source, str | os.PathLike):
        return source, test, []
    path = Path(source)
    if path.is_dir():
        found = sorted(path.glob("*" + TRAIN))
        if len(found) != 1:
            raise DataError(
                f"{path} is no folder of one set of series",
                expected=f"one file that ends in {TRAIN}",
                received=", ".join(each.name for each in found[:5]) or "none",
                fix="name the file itself",
            )
        path = found[0]
    if not path.exists():
        raise missing_path(path)
    beside = path.with_name(path.name.removesuffix(TRAIN) + TEST)
    if test is None and not alone and path.name.endswith(TRAIN) and beside.is_file():
        reason = f"{path.name} has it beside it"
        return path, beside, [Decision("test series", beside.name, reason, "--test FILE or a share")]
    return path, test, []


def _read(
    source: Any, target: Any, series: str | None, time: str | None, drop: Sequence[str]
) -> tuple[Layout, Collection]:
    if isinstance(source, str | os.PathLike | polars.DataFrame | dict) and not is_ts(source):
        read = read_frame(source, Reading())
        layout = layout_of(read.frame, target, series, time, drop, read.origin)
        return layout, read_collection(read.frame, layout)
    for name, value in (("series", series), ("time", time), ("target", target if is_ts(source) else None)):
        if value is not None:
            raise OptionError(
                f"--{name} names a column of a table, and this source has none",
                received=f"--{name} {value}",
                fix=f"leave out --{name}",
            )
    return Layout(), read_collection(source, Layout())


def _target_frame(main: Collection, layout: Layout, target: Any) -> tuple[polars.DataFrame, str]:
    """Return the labels as a frame of one column, and its name."""
    labels: Any = main.labels
    column = layout.target or ("target" if main.quantities else "class")
    if labels is None:
        if target is None or isinstance(target, str):
            raise DataError(
                "the series have no labels, and there is nothing to learn",
                expected="@classLabel true in the header and a label behind the last colon; one per array",
                received="series alone",
                fix="add the labels; without them --task anomaly finds what is odd in one long series",
            )
        labels = [str(each) for each in target]
    if len(labels) != len(main.values):
        raise DataError(
            "the targets do not fit the series", expected=f"{len(main.values)} labels", received=len(labels)
        )
    return polars.DataFrame({column: [each if each not in ("", "?") else None for each in labels]}), column


def _task(task: str | None, main: Collection) -> Any:
    if task in (None, "series"):
        return "regression" if main.quantities else None
    return task


def _is_fraction(value: Any) -> bool:
    return value is None or isinstance(value, int | float)


def _validation(asked: Any, count: int) -> tuple[float, list[Decision]]:
    """Return the share that validates; a few series are all needed to learn from."""
    if not _is_fraction(asked):
        return 0.0, []
    if asked is not None:
        return float(asked), []
    if count >= FEW:
        return 0.15, []
    reason = f"{count} series are few: all are learned from, and the last weights are kept"
    return 0.0, [Decision("validation", "none", reason, "--validation 0.15")]


def _examples(
    preparation: SeriesPreparation, values: Sequence[numpy.ndarray], encoded: numpy.ndarray
) -> Examples:
    return Examples({"inputs": preparation.transform(values), "targets": preparation.target.tensor(encoded)})


def _companion(preparation: SeriesPreparation, source: Any) -> Examples:
    """Read the series of a split that has a source of its own; of arrays it is a pair with their labels."""
    labels = None
    if isinstance(source, tuple) and len(source) == 2:
        source, labels = source
    found = read_collection(source, preparation.layout, preparation.spec.channels)
    labels = found.labels if labels is None else [str(each) for each in labels]
    origin = _called(source)
    if labels is None:
        raise DataError(f"the series of {origin} have no labels", expected="labels as in the training series")
    require_channels(found, preparation.spec.channels, origin)
    return _examples(preparation, found.values, preparation.encode(labels, origin))


def _called(source: Any) -> str:
    if not isinstance(source, str | os.PathLike):
        return "series"
    return Path(source).name.removesuffix(TRAIN).removesuffix(".ts")


def _noted(main: Collection, preparation: SeriesPreparation) -> list[Decision]:
    """What was decided about gaps, lengths and scales."""
    gaps = sum(int(numpy.isnan(each).sum()) for each in main.values)
    lengths = [len(each) for each in main.values]
    ways = {
        "channels": "mean 0 and deviation 1 of each channel over the training series",
        "series": "mean 0 and deviation 1 of each channel within each series",
        "none": "values as they are",
    }
    found = [Decision("scaling", preparation.scaling, ways[preparation.scaling], "--set scaling=series")]
    if gaps:
        reason = "a straight line between the values beside a gap, the nearest value at the ends"
        found.append(Decision("gaps", f"{counted(gaps, 'value')} filled", reason, "fill them in the file"))
    if min(lengths) < max(lengths):
        reason = "padded to the longest of a split; networks see the lengths, so that padding changes nothing"
        found.append(Decision("lengths", f"{min(lengths)} to {max(lengths)}", reason, "cut them in the file"))
    return found


def _summary(
    main: Collection, plan: Any, encoded: numpy.ndarray, usable: numpy.ndarray, parts: Mapping[str, Examples],
    sources: tuple[Any, Any],
) -> dict[str, Any]:  # fmt: skip
    lengths = [len(each) for each in main.values]
    found: dict[str, Any] = {
        "series": len(main.values),
        "channels": main.values[0].shape[1],
        "length": str(lengths[0]) if min(lengths) == max(lengths) else f"{min(lengths)} to {max(lengths)}",
        "splits": {key: len(part) for key, part in parts.items()},
    }
    if isinstance(plan, Labels):
        found["classes"] = plan.counts(encoded[usable])
    files = [Path(each) for each in sources if isinstance(each, str | os.PathLike)]
    if files:
        held = "".join(sha256(each) for each in files if each.is_file())
        found["sha256"] = hashlib.sha256(held.encode()).hexdigest()
    return found
