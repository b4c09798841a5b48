"""Tables: one call from a file, a frame or an array of rows and columns to a `Dataset`."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy
import polars
import torch

from neurarium.core.errors import DataError, OptionError, unknown
from neurarium.core.wording import counted
from neurarium.data.assembly.mixed import Parts, finish_of, with_images, with_parts
from neurarium.data.assembly.partition import How, partition
from neurarium.data.assembly.rereading import rereadable
from neurarium.data.assembly.streamed import streamable
from neurarium.data.dataset import Dataset, Decision
from neurarium.data.examples import Examples
from neurarium.data.preparation.label_sets import LabelSets
from neurarium.data.preparation.numeric import Scaling
from neurarium.data.preparation.several_targets import SeveralTargets, TableTarget
from neurarium.data.preparation.tables import TablePreparation, fit_columns, read_weights, told_scaling
from neurarium.data.preparation.target_recognition import Task, recognise_target
from neurarium.data.preparation.targets import Labels
from neurarium.data.preparation.text import Kind as Tokenizing
from neurarium.data.preparation.text import Truncation
from neurarium.data.readers.columns import Kind, recognise
from neurarium.data.readers.delimited import Read, Reading
from neurarium.data.readers.frames import read_frame
from neurarium.data.readers.parts import named_after
from neurarium.data.readers.values import MISSING, spellings
from neurarium.data.splits import Rows


@rereadable
@streamable
def table(
    source: Any,
    target: Any,
    *,
    columns: Sequence[str] | str | None = None,
    test: Any = None,
    validation: Any = 0.15,
    test_fraction: float = 0.15,
    split: str | Mapping[str, Any] | None = None,
    group: str | None = None,
    time: str | None = None,
    task: Task | None = None,
    drop: Sequence[str] = (),
    types: Mapping[str, str] | None = None,
    weights: str | None = None,
    seed: int = 0,
    scaling: Scaling = "quantile",
    indicators: bool = True,
    text: Sequence[str] = (),
    image: Sequence[str] = (),
    tokenizer: Tokenizing | None = None, vocabulary: int = 8000, length: int | None = None,
    truncate: Truncation | None = None, image_size: int | None = None,
    separator: str | None = None, quote: str | None = None, encoding: str | None = None,
    missing: Sequence[str] | None = None, skip: int = 0,
    broken: Literal["refuse", "quarantine"] = "refuse",
    labels_separator: str | None = None,
    name: str | None = None,
    stream: bool | None = None, sample: int = 200_000, buffer: int = 128 << 20,
) -> Dataset:  # fmt: skip
    """Read a table, split it, and prepare it by what its training rows show.

    Args:
        source: a path (CSV, TSV and relatives, JSON lines, a JSON array, Parquet, Arrow or Feather; each packed by gzip,
            bzip2, xz or zstd, or in a zip archive), a pattern of paths, a folder of parts or a list of paths; a pandas
            or polars frame, a NumPy array `(rows, columns)`, a dict of columns, a list of dicts.
        target: the column to predict (several: a tuple, each a class, labels or a quantity), or an array with one value
            per row.
        columns: names, for a source without a header.
        test: a source of test rows (or a pair of inputs and an array of targets); without it `test_fraction` of the
            rows are set aside.
        validation: the fraction of rows that validate, or a source of validation rows; 0 for none.
        test_fraction: the fraction of rows that test, where no `test` is given; 0 for none.
        split: "stratified" (default for classes), "random" (default for quantities), "time", "grouped", or the rows
            of each split: `{"train": [...], "validation": [...], "test": [...]}`.
        group: the column whose groups stay together; no input.
        time: the column by which later rows test and earlier ones train; no input, unless `types` names it.
        task: "classification" or "regression", where the target could be either; "labels" for several labels per row.
        drop: columns to leave out.
        types: kinds of columns: "numeric", "categorical", "boolean", "date", "date:%d/%m/%Y",
            "time", "duration", "list", "list:;", "hashed", "hashed:4096", "text", "image", "drop".
        weights: the column of example weights; no input.
        seed: decides the split.
        scaling: of numeric columns: "quantile" (normal scores), "robust" (by quartiles, cut smoothly: RealMLP's), "standard", "none".
        indicators: whether gaps in a numeric column become an input of their own.
        text: columns of texts; others are recognised (three words per value, mostly different ones).
        image: columns of paths of images; others are recognised (such files are there).
        tokenizer: of texts: "byte-pair" (needs the extra `text`) or "words", or a folder with a published one;
            `vocabulary` tokens at most, `length` per text (by default the 95th percentile of training texts, 256 at most, or
            2,048 where one text is all that a row has and a pass reads no more than 20 million).
        truncate: what is kept of longer texts: "head", "tail", or by default "head-tail", half of each.
        image_size: pixels of the sides of images in columns; by default those of the data, 64 at most.
        separator, quote, encoding, missing, skip, broken: how text is read, where it is not found out rightly; see
            `Reading`.
        labels_separator: what stands between the labels of a row (";", "|", ..., "json"), where it is not found out.
        name: how reports call the dataset.
        stream: never hold the table in memory (Parquet only); None does so where it needs more than a quarter of the
            free memory. Then at most 200,000 rows each validate and test, unless shares other than 0.15 are given.
        sample: of a streamed table, the training rows that quantiles and categories are fitted on.
        buffer: of a streamed table, the bytes of raw rows that are shuffled together.

    Returns:
        A dataset of `Table` (`Mixed` with texts or images) -> `Classes`, `Quantity` or `Targets`; `dataset.decisions` says what was decided and how to override
        it, `dataset.summary` what was noticed, `dataset.rows` which rows of the source are in which split.

    Raises:
        DataError: the source cannot be read, or does not hold what was asked for.
        OptionError: options that are wrong, or contradict each other.

    >>> frame = {"height": [1.5, 1.6, 1.7, 1.8] * 10, "sex": ["f", "f", "m", "m"] * 10}
    >>> table(frame, target="sex")
    Dataset(table: Table -> Classes; train 28, validation 6, test 6)
    """
    reading = _reading(columns, separator, quote, encoding, missing, skip, broken)
    source, target = _joined(source, target, reading)
    read = read_frame(source, reading)
    targets = _target_columns(read, target, reading)
    kinds = {**(types or {}), **dict.fromkeys(text, "text"), **dict.fromkeys(image, "image")}
    roles = {each for each in (group, time, weights) if each}
    _check_columns(read, targets, [*drop, *(set(kinds) - set(targets if len(targets) > 1 else ())), *roles])
    plan, decision = recognise_target(read.frame, targets, task, labels_separator, kinds)
    main = _part(read, plan)
    others = _others(validation, test, read, targets, reading, plan)
    if not read.header and reading.columns is None:
        reading = dataclasses.replace(reading, columns=tuple(read.frame.columns))
    left_out = {*targets, *drop, *(roles - set(kinds))}
    features = [each for each in read.frame.columns if each not in left_out]
    how = How(_fraction(validation), 0.0 if "test" in others else test_fraction, split, group, time, seed)
    rows, split_decisions = partition(main.frame, main.encoded, main.usable, plan, how)
    found = with_images(_kinds(main.frame[rows["train"]], features, kinds, reading), main.frame, main.folder)
    preparation, left = _fit(main, plan, found, rows["train"], reading, scaling, indicators, weights)
    how_parts = Parts(tokenizer, vocabulary, length, truncate, image_size)
    preparation, told = with_parts(preparation, main.frame, rows["train"], found, main.folder, how_parts)
    parts, quarantined = _examples(preparation, main, rows, others)
    decisions = [*read.decisions, decision, *main.decisions, *split_decisions, *_reports(found), *left, *told]
    decisions += [*told_scaling(scaling), *(each for other in others.values() for each in other.decisions)]
    summary = _summary(read, main, found, parts, plan, reading) | quarantined
    summary["constant"] = [each.subject.removeprefix("column ") for each in left]
    rows = {**rows, **{key: other.usable for key, other in others.items()}}
    return Dataset(
        name or _called(source), preparation.inputs, preparation.target.spec,
        parts["train"], parts.get("validation"), parts.get("test"),
        preparation=preparation, decisions=decisions, summary=summary, rows=rows,
    )  # fmt: skip


@dataclasses.dataclass
class _Part:
    """Rows of one source: the frame, the encoded target of each, and the rows whose target is known."""

    frame: polars.DataFrame
    encoded: numpy.ndarray
    usable: numpy.ndarray
    origin: str
    decisions: list[Decision]

    @property
    def folder(self) -> Path | None:
        """Where the files that its rows name are looked for first."""
        path = Path(self.origin)
        return path if path.is_dir() else path.parent if path.is_file() else None


def _part(read: Read, plan: TableTarget) -> _Part:
    for column in plan.columns:
        if column not in read.frame.columns:
            raise unknown(f"column in {read.origin}:", column, read.frame.columns, error=DataError)
    encoded, matched = plan.encode(read.frame)
    _require_known(read, plan, encoded)
    known = plan.known(encoded)
    if not known.any():
        raise DataError(
            f"every value of the target in {read.origin} is missing", fix="choose another --target"
        )
    decisions = []
    if matched:
        shown = ", ".join(f"{label!r} is {name!r}" for label, name in sorted(matched.items())[:4])
        reason = "labels that differ by blanks, a trailing full stop or case are the same class"
        decisions.append(Decision(f"labels of {read.origin}", shown, reason, "mend the labels in the file"))
    if not known.all():
        reason = "a row without a target teaches nothing and measures nothing"
        choice = f"{counted(int((~known).sum()), 'row')} left out"
        decisions.append(Decision(f"missing targets of {read.origin}", choice, reason, "fill the target in"))
    return _Part(read.frame, encoded, numpy.flatnonzero(known), read.origin, decisions)


def _require_known(read: Read, plan: TableTarget, encoded: numpy.ndarray) -> None:
    if isinstance(plan, SeveralTargets):
        for part, values in plan.pieces(encoded):
            _require_known(read, part, values)
    if not isinstance(plan, Labels | LabelSets):
        return
    strange = numpy.flatnonzero((encoded if encoded.ndim == 1 else encoded.min(axis=1)) == -2)
    if len(strange):
        label = read.frame.get_column(plan.columns[0])[int(strange[0])]
        raise DataError(
            f"{read.origin} holds labels that the training rows do not have, the first in row {strange[0] + 1}",
            expected=f"one of {', '.join(plan.names[:20])}",
            received=f"{label!r} ({len(strange)} such rows)",
            fix="mend the labels, or remove these rows",
        )


def _target_columns(read: Read, target: Any, reading: Reading) -> list[str]:
    names = [target] if isinstance(target, str | int | numpy.integer) else list(target)
    available, found = read.frame.columns, []
    for each in names:
        if not isinstance(each, str) and -len(available) <= int(each) < len(available):
            each = available[int(each)]
        if each not in available and read.suspicious_header and reading.columns is None:
            raise DataError(
                f"there is no column '{each}' in {read.origin}: its first line looks like data, not like names",
                expected="a header line with the names of the columns",
                received=", ".join(available[:8]),
                fix="give one name per column with --columns a,b,c",
            )
        if each not in available:
            hint = None if read.header else "give one name per column with --columns a,b,c"
            raise unknown(f"column in {read.origin}:", str(each), available, error=DataError, fix=hint)
        found.append(str(each))
    if not found or len(set(found)) < len(found):
        raise OptionError(
            "the target is no list of different columns", received=target, fix="name one column"
        )
    if len(found) == len(available):
        raise DataError(
            f"{read.origin} has no column beside the target",
            expected="at least one input column",
            received=f"the column {', '.join(available)}",
            fix="if there are more, the separator was not found out: give it with separator=",
        )
    return found


def _check_columns(read: Read, targets: Sequence[str], names: Sequence[str]) -> None:
    if read.frame.height < 2:
        raise DataError(f"{read.origin} has too few rows", expected="at least 2 rows", received="1 row")
    for each in names:
        if each not in read.frame.columns:
            raise unknown(f"column in {read.origin}:", each, read.frame.columns, error=DataError)
        if each in targets:
            raise OptionError(
                f"column '{each}' is the target and cannot be dropped, typed, or given another role",
                expected="another column",
                received=each,
            )


def _kinds(
    frame: polars.DataFrame, features: Sequence[str], types: Mapping[str, str], reading: Reading
) -> list[Kind]:
    kinds = [recognise(frame.get_column(each), reading.missing, types.get(each)) for each in features]
    if all(kind.kind == "drop" for kind in kinds):  # better a doubtful column than none
        counting = [
            dataclasses.replace(kind, kind="numeric") for kind in kinds if "count or name" in kind.reason
        ]
        return counting or kinds
    return kinds


def _fit(
    main: _Part,
    plan: TableTarget,
    kinds: Sequence[Kind],
    train: numpy.ndarray,
    reading: Reading,
    scaling: Scaling,
    indicators: bool,
    weights: str | None,
) -> tuple[TablePreparation, list[Decision]]:
    kept = [kind for kind in kinds if kind.kind not in ("drop", "text", "image")]
    fitted = fit_columns(main.frame, train, kept, reading, main.origin, scaling, indicators)
    others = any(kind.kind in ("text", "image") for kind in kinds)
    if not fitted.numeric and not fitted.categorical and not others:
        raise DataError(
            f"no column of {main.origin} is left to learn from",
            expected="a column of numbers or categories that varies",
            received="; ".join(f"{kind.name}: {kind.reason or 'constant'}" for kind in kinds[:8]) or "none",
            fix="types={'column': 'categorical'} keeps a column that was left out",
        )
    target = plan.fitted(main.encoded[train])
    columns = tuple(main.frame.columns)
    return TablePreparation(
        columns, reading, fitted.numeric, fitted.categorical, target, weights
    ), fitted.decisions


def _examples(
    preparation: TablePreparation, main: _Part, rows: Rows, others: Mapping[str, _Part]
) -> tuple[dict[str, Examples], dict[str, Any]]:
    quarantined: list[dict[str, str]] = []

    def whole(part: _Part) -> Examples:
        preparation.require(part.frame.columns, part.origin)
        inputs, notes = preparation.transform(part.frame, part.origin)
        quarantined.extend(notes.get("quarantined", ()))
        batch: dict[str, Any] = {"inputs": inputs, "targets": preparation.target.tensor(part.encoded)}
        if preparation.weights:
            batch["weights"] = read_weights(part.frame, preparation.weights, part.origin)
        return Examples(batch, finish=finish_of(preparation))

    together = whole(main)
    parts = {key: together.subset(torch.from_numpy(chosen)) for key, chosen in rows.items()}
    parts |= {key: whole(other).subset(torch.from_numpy(other.usable)) for key, other in others.items()}
    return parts, {"quarantined": quarantined} if quarantined else {}


def _reports(kinds: Sequence[Kind]) -> list[Decision]:
    """The decisions on columns that a person may take otherwise: plain ones together, the others one by one."""
    found = []
    for what, kind in (("numbers", "numeric"), ("categories", "categorical")):
        plain = [
            each.name for each in kinds if each.kind == kind and each.style == "plain" and not each.doubtful
        ]
        if plain:
            shown = ", ".join(plain[:12]) + (f", ... ({len(plain)} in all)" if len(plain) > 12 else "")
            reason = (
                "their values are numbers" if kind == "numeric" else "text that repeats: up to 10,000 names"
            )
            found.append(Decision(f"columns of {what}", shown, reason, "--set types=COLUMN:KIND"))
    for each in kinds:
        if each.doubtful or each.kind not in ("numeric", "categorical") or each.style != "plain":
            choice = "left out" if each.kind == "drop" else each.kind
            written = each.style not in ("", "plain", "truth") and each.kind != "drop"
            choice += f" ({each.style})" if written else ""
            found.append(
                Decision(f"column {each.name}", choice, each.reason, f"--set types={each.name}:KIND")
            )
    return found


def _summary(
    read: Read,
    main: _Part,
    kinds: Sequence[Kind],
    parts: Mapping[str, Examples],
    plan: TableTarget,
    reading: Reading,
) -> dict[str, Any]:
    frame = read.frame
    present = dict.fromkeys(kind.kind for kind in kinds)
    summary: dict[str, Any] = {
        "rows": frame.height,
        "columns": frame.width,
        "kinds": {kind: [each.name for each in kinds if each.kind == kind] for kind in present},
        "splits": {key: len(part) for key, part in parts.items()},
        "missing": _gaps(frame, reading),
        "duplicated_rows": frame.height - frame.n_unique(),
        **read.facts,
    }
    if counts := plan.counts(main.encoded[main.usable]):
        summary["classes"] = counts
    return summary


def _gaps(frame: polars.DataFrame, reading: Reading) -> dict[str, int]:
    """How many values are missing, for each column that lacks any."""
    tokens = spellings(reading.missing)
    found = {}
    for column in frame.get_columns():
        gaps = column.null_count()
        if column.dtype == polars.String:
            gaps += int(column.is_in(tokens).sum())
        if gaps:
            found[column.name] = gaps
    return found


def _joined(source: Any, target: Any, reading: Reading) -> tuple[Any, Any]:
    """Put an array of targets beside its inputs: `table(X, y)`, and a pair `test=(X, y)`."""
    values = target.detach().cpu().numpy() if hasattr(target, "detach") else target
    if not hasattr(values, "dtype") or getattr(values, "ndim", 1) == 0:
        return source, target
    frame = read_frame(source, reading).frame
    values = numpy.asarray(values)
    names = ["target"] if values.ndim == 1 else [f"target {number}" for number in range(values.shape[1])]
    if len(values) != frame.height or set(names) & set(frame.columns):
        raise DataError(
            "the array of targets does not fit the inputs",
            expected=f"{frame.height} values, and no input column '{names[0]}'",
            received=f"shape {values.shape}, columns {', '.join(frame.columns[:8])}",
        )
    added = read_frame(dict(zip(names, values.reshape(len(values), -1).T, strict=True)), Reading()).frame
    return frame.hstack(added), tuple(names)


def _others(
    validation: Any, test: Any, read: Read, targets: Sequence[str], reading: Reading, plan: TableTarget
) -> dict[str, _Part]:
    """Read the splits that have a source of their own."""
    given = {"validation": validation, "test": test}
    return {
        key: _part(_companion(each, read, targets, reading), plan)
        for key, each in given.items()
        if each is not None and not isinstance(each, int | float)
    }


def _companion(source: Any, read: Read, targets: Sequence[str], reading: Reading) -> Read:
    """Read the rows of another split: a source of its own, or a pair of inputs and targets."""
    like = [read.frame.columns, [each for each in read.frame.columns if each not in targets]]
    if isinstance(source, tuple) and len(source) == 2:
        inputs = read_frame(source[0], reading, like=like[1:]).frame
        source = _joined(inputs, numpy.asarray(source[1]), reading)[0]
    return read_frame(source, reading, like=like)


def _reading(
    columns: Any,
    separator: Any,
    quote: Any,
    encoding: Any,
    missing: Sequence[str] | None,
    skip: int,
    broken: str,
) -> Reading:
    tokens = MISSING if missing is None else tuple(missing)
    return Reading(_names(columns), separator, quote, encoding, tokens, skip, broken)


def _names(columns: Sequence[str] | str | None) -> tuple[str, ...] | None:
    if columns is None:
        return None
    listed = columns.split(",") if isinstance(columns, str) else columns
    return tuple(str(each).strip() for each in listed)


def _fraction(validation: Any) -> float:
    return float(validation) if isinstance(validation, int | float) else 0.0


def _called(source: Any) -> str:
    if isinstance(source, str | os.PathLike):
        return named_after(source)
    if isinstance(source, list | tuple) and source and isinstance(source[0], str | os.PathLike):
        return named_after(source[0])
    return "table"
