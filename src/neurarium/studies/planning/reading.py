"""Reading: what a person names (a data set of the catalogue, a file, a folder) as a `Dataset`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from neurarium.core.errors import DataError, OptionError, naming, nearest
from neurarium.core.members import find, table
from neurarium.core.options import coerce, parameters
from neurarium.data.dataset import Dataset
from neurarium.studies.planning.source_kinds import held_by, kind_of

TABLE_ONLY = ("target", "columns", "group", "time", "text")
FORECAST_ONLY = ("horizon", "past", "future")
ASKED = (
    "target",
    "columns",
    "test",
    "validation",
    "split",
    "group",
    "time",
    "task",
    "split_seed",
    "image",
    "sound",
    "text",
    "folder",
    "masks",
    "boxes",
    "horizon",
    "series",
    "past",
    "future",
    "parallel",
)
LIKELY = ("target", "label", "class", "y", "outcome", "response")


def read_data(
    source: str | Path,
    *,
    target: str | None = None,
    columns: str | None = None,
    test: str | None = None,
    validation: str | float | None = None,
    split: str | None = None,
    group: str | None = None,
    time: str | None = None,
    task: str | None = None,
    split_seed: int | None = None,
    image: str | None = None,
    sound: str | None = None,
    folder: str | None = None,
    text: str | None = None,
    masks: str | None = None,
    boxes: str | None = None,
    horizon: int | None = None,
    series: str | None = None,
    past: str | None = None,
    future: str | None = None,
    parallel: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> Dataset:
    """Read a dataset by the name of its source.

    Args:
        source: a data set of the catalogue (`digits`), a folder of recordings, a table (CSV, JSON lines, Parquet, Arrow ..., packed or not), a
            pattern of tables (`parts/*.csv`) or a folder of them, a folder of images or texts with a folder per class, a folder
            of idx files, an npz file.
        target: the column to predict, several with commas; tables need it.
        columns: names with commas, for a table without a header.
        test, validation: a file or folder of its own, or the fraction that is set aside.
        split: "stratified", "random", "grouped" or "time".
        group, time: columns to split by.
        task: "classification", "regression", "labels" (several per row), "series" (a series per row), "translation" or
            "summarization" (of `text` into `target`, or of a file into `parallel`), or "transcription" (of recordings).
        split_seed: decides which examples are in which split.
        image: the column of a table that names image files, which are then the inputs.
        text: columns of texts, with commas; others are recognised.
        sound: the column of a table that names files of sound, which are then the inputs.
        folder: where these files are; by default beside the table.
        masks: a folder with a mask for each image: a class for each of its pixels.
        boxes: a COCO file or a CSV of the boxes in each image.
        series: of a table with a row per moment, the column that says which series a row belongs to.
        horizon: forecast so many steps of the target, by the column `time`; `series` says which series a row is of.
        past, future: columns whose values are known up to now, and beforehand; several with commas.
        parallel: the file of translations or summaries, line by line.
        options: further options of the reader, as text or values.

    Raises:
        DataError: there is no such source, or it cannot be read.
        OptionError: an option that such a source does not have.

    >>> read_data("iris")
    Dataset(iris: Table -> Classes; train 106, validation 22, test 22)
    """
    asked: dict[str, Any] = {
        "masks": masks, "boxes": boxes, "image": image, "sound": sound, "folder": folder, "text": text, "parallel": parallel,
        "horizon": horizon, "series": series, "past": past, "future": future,
        "target": target, "columns": columns, "split": split, "group": group, "time": time, "task": task,
        "seed": split_seed, **_parts(test, validation), **(options or {}),
    }  # fmt: skip
    asked = {name: value for name, value in asked.items() if value is not None}
    kind, reader = kind_of(source, asked)
    if kind in ("forecast", "catalogue") and asked.get("task") == "forecast":
        asked.pop("task")  # it has said which kind; no reader of series takes it
    _check(kind, reader, asked, str(source))
    if kind == "catalogue":
        from neurarium.data.catalogue.loading import load

        return load(str(source), **asked)
    if kind == "forecast":
        _require_time(asked, str(source))
    if kind == "table":
        return _table(Path(source), reader, asked)
    with naming(source):
        return reader(source, **coerce(reader, asked, what=f"the reader of {source}"))


def _parts(test: str | None, validation: str | float | None) -> dict[str, Any]:
    """A fraction or a source of its own, for each of the two splits."""
    found: dict[str, Any] = {}
    if test is not None:
        fraction = _fraction(test)
        found |= {"test": test} if fraction is None else {"test_fraction": fraction}
    if validation is not None:
        fraction = _fraction(validation)
        found["validation"] = validation if fraction is None else fraction
    return found


def _fraction(value: str | float) -> float | None:
    return float(value) if re.fullmatch(r"\s*\d*\.?\d+\s*", str(value)) else None


def _check(kind: str, reader: Callable[..., Any], asked: Mapping[str, Any], source: str) -> None:
    """Refuse what such a source does not have, and say why."""
    known = set(parameters(reader)) - ({"folder", "folder_name"} if kind == "catalogue" else set())
    for name in asked:
        if name in known:
            continue
        if name == "folder" and kind == "table":
            raise OptionError("--folder says where the images of a table are", received=f"--folder {asked[name]}",
                              fix="give --image COLUMN too: the column that names them")  # fmt: skip
        if kind.startswith("images with") and name in TABLE_ONLY:
            raise OptionError(
                f"--{name} is for tables, and the targets of {source} are {kind.split()[-1]}",
                received=f"--{name} {asked[name]}",
                fix=f"leave out --{name}",
            )
        flag = {"seed": "--split-seed", "test_fraction": "--test"}.get(name, f"--{name}")
        flag = (
            flag
            if name
            in (
                *TABLE_ONLY,
                *FORECAST_ONLY,
                "test",
                "test_fraction",
                "split",
                "task",
                "seed",
                "image",
                "sound",
                "folder",
            )
            else f"--set {name}"
        )
        if kind == "catalogue":
            problem, expected = f"the data set '{source}' comes with its target and its split", "none of that"
        else:
            problem = f"{flag} is for tables, and {source} holds {held_by(kind)}"
            expected = "text alone" if held_by(kind) == "text" else "a folder per class"
        if flag.startswith("--set"):
            near = nearest(name, known)
            fix = f"did you mean '{near}'?" if near else f"the options are {', '.join(sorted(known))}"
            raise OptionError(f"the reader of {source} has no option '{name}'", received=name, fix=fix)
        if name in FORECAST_ONLY and kind != "forecast":
            raise OptionError(
                f"{flag} is for series in time", received=f"{flag} {asked[name]}",
                fix="say how far to forecast, and by which column: --horizon N --time COLUMN",
            )  # fmt: skip
        raise OptionError(
            problem, expected=expected, received=f"{flag} {asked[name]}", fix=f"leave out {flag}"
        )


def _require_time(asked: Mapping[str, Any], source: str) -> None:
    """A forecast needs to know by what, and how far."""
    for name, flag, what in (
        ("horizon", "--horizon N", "how many steps to forecast"),
        ("time", "--time COLUMN", "the column of the time"),
    ):
        if asked.get(name) is None:
            raise OptionError(
                f"a forecast needs {what}", expected=f"{flag}", received=f"no --{name}",
                fix=f"for example: neurarium train {source} --time date --target value --horizon 24",
            )  # fmt: skip


def _table(path: Path, reader: Callable[..., Dataset], asked: dict[str, Any]) -> Dataset:
    target = asked.pop("target", None)
    if target is None:
        raise _no_target(path, asked)
    asked = {name: _mapping(value) if name == "types" else value for name, value in asked.items()}
    values = coerce(reader, asked, what=f"the reader of {path}")
    return reader(path, _target(path, target, values), **values)


def _target(path: Path, target: str, values: Mapping[str, Any]) -> Any:
    """One column, or several with commas; a single name may hold a comma itself."""
    if "," not in target:
        return target
    if target in _columns(path, values):
        return target
    return tuple(each.strip() for each in target.split(","))


def _columns(path: Path, values: Mapping[str, Any]) -> list[str]:
    from neurarium.data.readers.delimited import Reading
    from neurarium.data.readers.frames import read_frame
    from neurarium.data.readers.parquet import ParquetTable, parquet_parts

    parts = parquet_parts(path)
    if parts is not None:  # it may be too large to be read for its names
        return list(ParquetTable(parts).schema)
    names = values.get("columns")
    named = tuple(each.strip() for each in names.split(",")) if isinstance(names, str) else names
    chosen = {name: values[name] for name in ("separator", "quote", "encoding") if name in values}
    return read_frame(path, Reading(columns=named, **chosen)).frame.columns


def _no_target(path: Path, asked: Mapping[str, Any]) -> OptionError:
    columns = _columns(path, asked)
    likely = next((each for each in columns if each.lower() in LIKELY), columns[-1])
    return OptionError(
        "a table needs to be told which column to predict",
        expected=f"one of {', '.join(columns[:40])}" + (", ..." if len(columns) > 40 else ""),
        received="no --target",
        fix=f"for example --target {_quoted(likely)}",
    )


def _quoted(text: str) -> str:
    import shlex

    return shlex.quote(text)


def _mapping(value: Any) -> Any:
    """`zip:categorical,day:date:%d/%m/%Y` as a mapping; `=` may stand for the first colon."""
    if not isinstance(value, str):
        return value
    marks = [re.search("[:=]", each) for each in value.split(",") if each.strip()]
    pairs = [
        each.partition(mark[0] if mark else ":")
        for each, mark in zip(filter(str.strip, value.split(",")), marks, strict=True)
    ]
    if not all(middle for _, middle, _ in pairs):
        raise OptionError(
            "types are given as column:kind", expected="zip:categorical,day:date", received=value
        )
    return {name.strip(): kind.strip() for name, _, kind in pairs}


def with_letters(
    options: Mapping[str, Any], reader: Callable[..., Any], network: str | None
) -> dict[str, Any]:
    """Let a reader of tagged words leave out their letters where the network that was asked for does not read them.

    >>> from neurarium.data import tagged
    >>> with_letters({}, tagged, "gru"), with_letters({}, tagged, "bilstm-crf"), with_letters({}, tagged, None)
    ({'letters': 0}, {}, {})
    """
    unasked = network is not None and "letters" in parameters(reader) and "letters" not in options
    if not unasked or (network in table("network") and "alphabet" in parameters(find("network", network))):  # type: ignore[arg-type]
        return dict(options)
    return {**options, "letters": 0}


def read_again(run: Any) -> Dataset:
    """Read the data that a run was trained on, as its folder says, with the same splits.

    Raises:
        OptionError: the run does not say where its data is.
        DataError: the file has changed since, so that its splits are others.
    """
    from neurarium.studies.planning.assignment import reader_options
    from neurarium.studies.planning.transfer import with_tokenizer

    command = run.config or {}
    if not command.get("data"):
        raise OptionError(
            f"the run {run.folder} does not say where its data is",
            fix="give the data: evaluate(run, data), or `neurarium evaluate RUN --input FILE`",
        )
    _, reader = kind_of(command["data"], command)
    options = reader_options(command.get("set") or {}, reader, command.get("network"), command.get("method"))
    options = with_tokenizer(options, reader, command.get("weights"))
    planned = next((each.choice for each in run.decisions if each.subject == "network"), None)
    options = with_letters(
        options, reader, command.get("network") or planned
    )  # its default may be another now
    asked = {name: command.get(name) for name in ASKED}
    dataset = read_data(command["data"], **asked, options=options)
    before, now = run.summary.get("sha256"), dataset.summary.get("sha256")
    if before and now and before != now:
        raise DataError(
            f"{command['data']} has changed since the run {run.folder} was trained: its splits are others now",
            expected=f"SHA-256 {before[:12]}...",
            received=f"{now[:12]}...",
            fix="restore the file, or measure on another one with --input FILE",
        )
    return dataset
