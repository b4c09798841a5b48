"""Tables larger than memory: statistics in bounded passes over the row groups of Parquet files, examples on demand."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy
import polars
import torch

from neurarium.core.errors import DataError, OptionError, RefusalError, unknown
from neurarium.data.assembly.streaming import BUFFER, NAMES, HashSplit, StreamedExamples, known, uniform
from neurarium.data.dataset import Dataset, Decision
from neurarium.data.examples import Examples
from neurarium.data.preparation.numeric import Scaling
from neurarium.data.preparation.tables import (
    Fitted,
    TablePreparation,
    fit_columns,
    read_weights,
    told_scaling,
)
from neurarium.data.preparation.target_recognition import recognise_target
from neurarium.data.preparation.targets import Labels, Quantities, Target, label_names
from neurarium.data.readers.columns import Kind, recognise
from neurarium.data.readers.delimited import Reading
from neurarium.data.readers.frames import read_frame
from neurarium.data.readers.parquet import ParquetTable, parquet_parts
from neurarium.data.readers.parts import named_after
from neurarium.data.readers.room import free_memory
from neurarium.data.readers.values import text

Task = Literal["classification", "regression"] | None
SHARE = 0.25  # of the free memory: a table that needs more is streamed
SAMPLE = 200_000  # training rows that quantiles and categories are fitted on
MEASURED = 200_000  # rows of validation and test each, at most, unless shares are given
USUAL = 0.15  # share of validation and test
SMALL = 64 << 20  # bytes of files that are never streamed by themselves
LABELS = 10_000  # more different labels are no classes
LARGEST = 1 << 30  # bytes of one row group: it is read as a whole


def parquet_to_stream(source: Any, stream: bool | None) -> ParquetTable | None:
    """Return the Parquet table to be streamed: one that is asked for, or one too large for the free memory.

    Raises:
        OptionError: a source that is no Parquet table was asked to be streamed.
    """
    parts = None if stream is False else parquet_parts(source)
    if parts is None:
        if stream:
            raise OptionError(
                "only Parquet tables are streamed",
                expected="a Parquet file, a folder of them, or a pattern",
                received=source if isinstance(source, str | Path) else type(source).__name__,
                fix="write the table as Parquet, or leave out stream=true",
            )
        return None
    if stream is None and sum(each.stat().st_size for each in parts) < SMALL:
        return None  # whatever is free: such a file is small
    table = ParquetTable(parts)
    return table if stream or table.bytes > SHARE * free_memory() else None


def streamable(reader: Callable[..., Dataset]) -> Callable[..., Dataset]:
    """Decorate the reader of tables: a Parquet table that is too large for memory is streamed instead.

    Raises:
        OptionError: an option that needs all rows at once.
    """

    @functools.wraps(reader)
    def read(source: Any, target: Any, **options: Any) -> Dataset:
        table = parquet_to_stream(source, options.get("stream"))
        if table is None:
            return reader(source, target, **options)
        for name, usual in (("group", None), ("time", None), ("columns", None), ("split", "random")):
            if (value := options.get(name)) not in (None, usual):
                raise OptionError(
                    f"a streamed table takes no {name}=: that needs all rows at once",
                    expected="a split by a hash of the row's number",
                    received=f"{name}={value if isinstance(value, str) else type(value).__name__}",
                    fix=f"leave out {name}; --validation and --test may name files; stream=false holds it in memory",
                )
        known_here = set(inspect.signature(streamed_table).parameters)
        chosen = {name: value for name, value in options.items() if name in known_here}
        return streamed_table(table, target, asked=bool(options.get("stream")), **chosen)

    return read


@dataclasses.dataclass
class _Counts:
    """What a pass over the target found.

    Args:
        groups: per split, how many examples each row group has.
        labels: how often each label came.
        moments: of quantities in training rows: count, mean, sum of squared deviations, least, greatest.
    """

    groups: dict[str, list[int]]
    labels: dict[str, int]
    moments: list[numpy.ndarray]


def streamed_table(
    table: ParquetTable,
    target: Any,
    *,
    validation: Any = None,
    test: Any = None,
    test_fraction: float | None = None,
    task: Task = None,
    drop: Sequence[str] = (),
    types: Mapping[str, str] | None = None,
    weights: str | None = None,
    seed: int = 0,
    scaling: Scaling = "quantile",
    indicators: bool = True,
    missing: Sequence[str] | None = None,
    name: str | None = None,
    asked: bool = False,
    buffer: int = BUFFER,
    sample: int = SAMPLE,
) -> Dataset:
    """Read a Parquet table that is never in memory as a whole.

    A row is in the split that a hash of (seed, its number) says. Quantiles, categories and kinds of columns come from
    a seeded sample of training rows; labels, and the mean and scale of quantities, from all of them.

    Args:
        table: the files.
        target: the column to predict, or several.
        validation, test_fraction: shares; at most 200,000 rows each where None. Or `test`, `validation`: a source.
        asked: the user asked for streaming.
        buffer: bytes of raw rows that are shuffled together.
        sample: training rows that are sampled.
        task, drop, types, weights, seed, scaling, indicators, missing, name: as for `nr.data.table`.

    Raises:
        DataError: the files cannot be read, or do not hold what was asked for.
    """
    target = [target] if isinstance(target, str) else list(target)
    reading = Reading() if missing is None else Reading(missing=tuple(missing))
    _check(table, target, [*drop, *(types or {}), *([weights] if weights else [])])
    split = _split(table, validation, None if test is None else 0.0, test_fraction, seed)
    sampled = _sampled(table, split, seed, sample, reading)
    sought, decision = _target(sampled, target, task)
    counts = _count(table, split, sought, reading)
    plan = _whole_target(sought, counts, table)
    train = numpy.flatnonzero(known(plan, plan.encode(sampled)[0]))
    left_out = {*target, *drop, *({weights} - {None} - set(types or {}))}
    kinds = [
        recognise(sampled[train].get_column(each), reading.missing, (types or {}).get(each))
        for each in table.schema
        if each not in left_out
    ]
    fitted = _fitted(table, sampled, train, kinds, reading, scaling, indicators)
    preparation = TablePreparation(
        tuple(table.schema), reading, fitted.numeric, fitted.categorical, plan, weights
    )
    if scaling == "standard":
        _exact_scales(table, split, preparation)
    parts: dict[str, Any] = {
        part: StreamedExamples(table, preparation, split, part, counts.groups[part], buffer)
        for part in ("train", "validation", "test")
        if part == "train" or any(counts.groups[part])
    }
    parts |= _companions({"validation": validation, "test": test}, preparation, buffer)
    decisions = [
        _why(table, asked),
        decision,
        *_decisions(parts, len(train), table, buffer),
        *_doubtful(kinds),
        *told_scaling(scaling),
    ]
    return Dataset(
        name or named_after(table.paths[0] if len(table.paths) == 1 else table.paths[0].parent),
        preparation.inputs, plan.spec, parts["train"], parts.get("validation"), parts.get("test"),
        preparation=preparation, decisions=[*decisions, *fitted.decisions],
        summary=_summary(table, kinds, parts, counts, plan),
    )  # fmt: skip


def _target(sampled: polars.DataFrame, target: list[str], task: Task) -> tuple[Labels | Quantities, Decision]:
    plan, decision = recognise_target(sampled, target, task)
    if not isinstance(plan, Labels | Quantities):
        raise RefusalError(
            "a streamed table has one target: a class, or quantities",
            expected="one class column, or columns of numbers",
            received=f"{decision.choice} in {', '.join(target)}",
            fix="choose one --target, or stream=False where the table fits into memory",
        )
    return plan, decision


def _fitted(
    table: ParquetTable,
    sampled: polars.DataFrame,
    train: numpy.ndarray,
    kinds: Sequence[Kind],
    reading: Reading,
    scaling: Scaling,
    indicators: bool,
) -> Fitted:
    kept = [each for each in kinds if each.kind not in ("drop", "text", "image")]
    fitted = fit_columns(sampled, train, kept, reading, table.origin, scaling, indicators)
    if fitted.numeric or fitted.categorical:
        return fitted
    raise DataError(
        f"no column of {table.origin} is left to learn from",
        expected="a column of numbers or categories that varies",
        received="; ".join(f"{kind.name}: {kind.reason or 'constant'}" for kind in kinds[:8]) or "none",
    )


def _check(table: ParquetTable, target: Sequence[str], names: Sequence[str]) -> None:
    for each in (*target, *names):
        if each not in table.schema:
            raise unknown(f"column in {table.origin}:", each, table.schema, error=DataError)
    for each in names:
        if each in target:
            raise OptionError(
                f"column '{each}' is the target and cannot be dropped, typed, or given another role",
                expected="another column",
                received=each,
            )
    largest = max((each.bytes for each in table.groups), default=0)
    if not table.rows:
        raise DataError(f"{table.origin} has no rows", expected="at least one row and one column")
    if largest > LARGEST:
        raise DataError(
            f"a row group of {table.origin} is too large to be read as a whole",
            expected=f"row groups of at most {LARGEST / 1e9:.1f} GB, without compression",
            received=f"{largest / 1e9:.1f} GB",
            fix="write it with smaller ones: polars.scan_parquet(OLD).sink_parquet(NEW, row_group_size=100_000)",
        )


def _split(
    table: ParquetTable, validation: Any, test: float | None, test_fraction: float | None, seed: int
) -> HashSplit:
    usual = min(USUAL, MEASURED / table.rows)
    shares = [
        float(validation) if isinstance(validation, int | float) else usual if validation is None else 0.0,
        test if test is not None else usual if test_fraction is None else test_fraction,
    ]
    if any(not 0 <= each < 1 for each in shares) or sum(shares) >= 1:
        raise OptionError(
            "the shares of the splits leave nothing to train on",
            expected="shares from 0 to 1, whose sum is below 1",
            received=f"validation {shares[0]:g}, test {shares[1]:g}",
        )
    return HashSplit(shares[0], shares[1], seed)


def _sampled(
    table: ParquetTable, split: HashSplit, seed: int, wanted: int, reading: Reading
) -> polars.DataFrame:
    """One pass over all columns: a sample of the training rows; infinite numbers are found anywhere."""
    share = min(1.0, wanted / (table.rows * (1 - split.validation - split.test)))
    parts = []
    for group in table.groups:
        frame = table.read(group)
        _require_finite(frame, group.path, group.offset, reading)
        mask = split.mask("train", group.first, group.rows)
        if share < 1:
            mask &= uniform(group.first, group.rows, seed, "sample") < share
        parts.append(frame.filter(polars.Series(mask)))
    return read_frame(polars.concat(parts), reading).frame


def _require_finite(frame: polars.DataFrame, path: Path, offset: int, reading: Reading) -> None:
    if {"inf", "-inf"} & {each.lower() for each in reading.missing}:
        return
    floats = [name for name, kind in frame.schema.items() if kind.is_float()]
    found = frame.select(polars.col(floats).is_infinite().any())
    for name in floats:
        if found[name][0]:
            row = int(frame[name].is_infinite().fill_null(False).arg_max() or 0)
            raise DataError(
                f"column '{name}' of {path} holds an infinite number in row {offset + row + 1}",
                expected="finite numbers, or missing values",
                received=str(frame[name][row]),
                fix=f"mend the value, or drop=('{name}',)",
            )


def _count(table: ParquetTable, split: HashSplit, plan: Target, reading: Reading) -> _Counts:
    """One pass over the columns of the target: examples of each split by row group, labels, moments."""
    found = _Counts({name: [] for name in NAMES}, {}, [])
    for group in table.groups:
        frame = read_frame(table.read(group, plan.columns), reading).frame
        if isinstance(plan, Labels):
            values = text(frame.get_column(plan.column), ())
            there = values.is_not_null().to_numpy()
            for label, count in values.drop_nulls().alias("label").value_counts(name="count").iter_rows():
                found.labels[label] = found.labels.get(label, 0) + count
            if len(found.labels) > LABELS:
                raise DataError(
                    f"the target '{plan.column}' has more than {LABELS:,} different values",
                    expected="labels of classes, or numbers",
                    received=f"for example {next(iter(found.labels))!r}",
                    fix="task='regression' for numbers, or choose another --target",
                )
        else:
            encoded = plan.encode(frame)[0]
            there = known(plan, encoded)
            training = there & split.mask("train", group.first, group.rows)
            found.moments = _merged(found.moments, encoded[training])
        for name in NAMES:
            mask = split.mask(name, group.first, group.rows)
            found.groups[name].append(int((mask & there).sum()))
    return found


def _merged(moments: list[numpy.ndarray], values: numpy.ndarray) -> list[numpy.ndarray]:
    """Merge the moments of two groups exactly (Chan, Golub and LeVeque 1983, equation 2.1)."""
    if not len(values):
        return moments
    count, mean = numpy.float64(len(values)), values.mean(axis=0)
    new = [count, mean, ((values - mean) ** 2).sum(axis=0), values.min(axis=0), values.max(axis=0)]
    if not moments:
        return new
    total, apart = moments[0] + count, mean - moments[1]
    return [
        total,
        moments[1] + apart * count / total,
        moments[2] + new[2] + apart**2 * moments[0] * count / total,
        numpy.minimum(moments[3], new[3]),
        numpy.maximum(moments[4], new[4]),
    ]


def _whole_target(plan: Target, counts: _Counts, table: ParquetTable) -> Target:
    """Give the target what all rows say: each label, or the mean and scale of training rows."""
    if not sum(counts.groups["train"]):
        raise DataError(
            f"every value of the target in {table.origin} is missing", fix="choose another --target"
        )
    if isinstance(plan, Labels):
        return dataclasses.replace(plan, names=label_names(list(counts.labels)))
    count, mean, squares, least, greatest = counts.moments
    for name, low, high in zip(plan.columns, least, greatest, strict=True):
        if low == high:
            raise DataError(
                f"the target '{name}' is constant in the training rows",
                expected="a quantity that varies",
                received=f"{low:g} in all {int(count)} rows",
                fix="choose another --target",
            )
    scale = numpy.sqrt(squares / count)
    return dataclasses.replace(plan, mean=tuple(mean.tolist()), scale=tuple(scale.tolist()))


def _exact_scales(table: ParquetTable, split: HashSplit, preparation: TablePreparation) -> None:
    """One pass over the numeric columns: the mean and deviation of all training rows."""
    columns = [each for each in preparation.numeric if each.value]
    sources = list(dict.fromkeys(each.source for each in columns))
    moments: dict[str, list[numpy.ndarray]] = {}
    for group in table.groups:
        mask = split.mask("train", group.first, group.rows)
        if not mask.any():
            continue
        frame = table.read(group, sources).filter(polars.Series(mask))
        frame = read_frame(frame, preparation.reading).frame
        for each in columns:
            raw = each.read(frame.get_column(each.source), table.origin)
            moments[each.name] = _merged(moments.get(each.name, []), raw[~numpy.isnan(raw)])
    for each in columns:
        count, mean, squares, *_ = moments[each.name]
        old, spread = (each.knots, each.scores), numpy.sqrt(squares / count)
        each.knots, each.scores = numpy.array([mean]), numpy.array([spread])
        edges = (numpy.array(each.edges) * old[1][0] + old[0][0] - mean) / spread
        each.edges = tuple(edges.astype(numpy.float32).astype(float).tolist())


def _companions(sources: Mapping[str, Any], preparation: TablePreparation, buffer: int) -> dict[str, Any]:
    given = {name: each for name, each in sources.items() if not isinstance(each, int | float | None)}
    return {name: _companion(each, preparation, buffer) for name, each in given.items()}


def _companion(source: Any, preparation: TablePreparation, buffer: int) -> Examples | StreamedExamples:
    """A split that has a source of its own: streamed where it is large Parquet, else in memory."""
    other = parquet_to_stream(source, None)
    if other is not None:
        preparation.require(list(other.schema), other.origin)
        split = HashSplit(0.0, 0.0, 0)
        target: Any = preparation.target  # a label or quantities: `_target` refuses the others
        counts = _count(other, split, target, preparation.reading).groups["train"]
        return StreamedExamples(other, preparation, split, "everything", counts, buffer)
    read = read_frame(source, preparation.reading, like=[preparation.columns])
    preparation.require(read.frame.columns, read.origin)
    encoded = preparation.target.encode(read.frame)[0]
    rows = known(preparation.target, encoded)
    if not rows.any():
        raise DataError(f"no row of {read.origin} has a known target", fix="give rows with targets")
    inputs, _ = preparation.transform(read.frame, read.origin)
    batch: dict[str, Any] = {"inputs": inputs, "targets": preparation.target.tensor(encoded)}
    if preparation.weights:
        batch["weights"] = read_weights(read.frame, preparation.weights, read.origin)
    return Examples(batch).subset(torch.from_numpy(numpy.flatnonzero(rows)))


def _why(table: ParquetTable, asked: bool) -> Decision:
    reason = "asked for"
    if not asked:
        reason = f"its {table.bytes / 1e9:.1f} GB are more than {SHARE:.0%} of the {free_memory() / 1e9:.1f} GB of free memory"
    return Decision("reading", "streamed", reason, "--set stream=false")


def _decisions(parts: Mapping[str, Any], sampled: int, table: ParquetTable, buffer: int) -> list[Decision]:
    sizes = ", ".join(f"{name} {len(part):,}" for name, part in parts.items())
    rows = round(buffer / max(table.bytes / table.rows, 1))
    return [
        Decision(
            "split",
            f"by a hash of the row's number: {sizes}",
            "a row's split is known without reading the others",
            "--validation, --test, --split-seed",
        ),
        Decision(
            "statistics",
            f"quantiles and categories of {sampled:,} training rows",
            f"a sample by hash, of {len(parts['train']):,}; labels, means and scales are of all",
            "--set sample=",
        ),
        Decision(
            "shuffling",
            f"row groups, then {min(rows, table.rows):,} rows together",
            f"a buffer of {buffer >> 20} MB of the {len(table.groups):,} row groups, in a new order every epoch",
            "--set buffer=BYTES",
        ),
    ]


def _doubtful(kinds: Sequence[Kind]) -> list[Decision]:
    return [
        Decision(
            f"column {kind.name}",
            "left out" if kind.kind in ("drop", "text", "image") else kind.kind,
            kind.reason,
            f"--set types={kind.name}:KIND",
        )
        for kind in kinds
        if kind.doubtful
    ]


def _summary(
    table: ParquetTable, kinds: Sequence[Kind], parts: Mapping[str, Any], counts: _Counts, plan: Target
) -> dict[str, Any]:
    present = dict.fromkeys(kind.kind for kind in kinds)
    summary: dict[str, Any] = {
        "rows": table.rows,
        "columns": len(table.schema),
        "kinds": {kind: [each.name for each in kinds if each.kind == kind] for kind in present},
        "splits": {name: len(part) for name, part in parts.items()},
        "format": "parquet",
        "streamed": True,
        "row_groups": len(table.groups),
        "sha256": table.fingerprint,
    }
    if isinstance(plan, Labels):
        summary["classes"] = {each: counts.labels.get(each, 0) for each in plan.names}
    return summary
