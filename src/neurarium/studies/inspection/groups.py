"""Groups and time: rows that belong together on both sides of a split, and training rows later than test rows."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy
import polars

from neurarium.core.errors import UserError
from neurarium.data.readers.values import times
from neurarium.studies.inspection.finding import Finding, share
from neurarium.studies.inspection.sampling import codes
from neurarium.studies.inspection.tables import Table

NAMES = re.compile(
    r"(^|[_\s-])(id|key|uuid|guid|group|patient|subject|person|user|customer|client|household|family|session|device|"
    r"speaker|author|site|hospital|school|store|vehicle|machine|animal|plot|batch|file|video|scene)([_\s-]?(id|no|nr|"
    r"number|key|name|code))?$",
    re.IGNORECASE,
)
ALIKE = 0.3  # how much rows of one group share their target (intraclass correlation) before it is a warning


def findings(table: Table) -> Iterator[Finding]:
    """Yield groups and times that a split does not keep apart."""
    split = table.evaluated
    if split is None:
        return
    if table.group is not None:
        yield from _given(table, table.group)
    else:
        for name in table.kinds:
            yield from _candidate(table, name, split)
    yield from _time(table, split)


def _texts(table: Table, name: str, split: str) -> polars.Series:
    return table.frames[split].get_column(name).cast(polars.String)


def _given(table: Table, name: str) -> Iterator[Finding]:
    others = [key for key in ("validation", "test") if key in table.frames]
    train = _texts(table, name, "train").drop_nulls()
    for key in others:
        if name not in table.frames[key].columns:
            continue
        other = _texts(table, name, key).drop_nulls()
        crossing = other.is_in(train.unique().to_list())
        if crossing.any():
            groups, rows = other.filter(crossing).n_unique(), int(crossing.sum())
            yield Finding(
                "error", "group leak", f"column {name}",
                f"{groups:,} of {other.n_unique():,} groups of the {key} rows stand in the training rows too "
                f"({rows:,} rows, {share(rows, other.len())})",
                "a network that knows the group knows the answer: the measured quality is too high",
                f"split by groups: --group {name} without a test file of its own, or mend the files",
                {"groups": groups, "rows": rows},
            )  # fmt: skip


def _candidate(table: Table, name: str, split: str) -> Iterator[Finding]:
    """Columns with many values, each in several rows, on both sides of the split: rows may belong together by them."""
    frame = table.frames["train"]
    if table.way == "grouped" or name not in table.frames[split].columns or name == table.time:
        return
    column = _texts(table, name, "train").drop_nulls()
    different, named = column.n_unique(), bool(NAMES.search(name))
    if column.len() < 50 or not 20 <= different <= column.len() / 2 or different < column.len() / 200:
        return
    if not named and frame.get_column(name).dtype != polars.String:
        return
    if table.plain["train"].get_column(name).dtype == polars.Float64 and not named:
        return
    known = column.unique().to_list()
    other = _texts(table, name, split).drop_nulls()
    crossing = int(other.is_in(known).sum())
    if not other.len() or crossing < 0.1 * other.len():
        return
    alike = _alike(table, name)
    grave = alike >= ALIKE
    seen = (
        f"{different:,} values in {column.len():,} training rows, {share(crossing, other.len())} of the {split} rows "
        "share theirs with a training row"
    )
    if alike:
        seen += f"; rows of one value are alike in the target by {alike:.2f} (1 is equal, 0 is chance)"
    yield Finding(
        "warning" if grave else "note", "group candidate", f"column {name}", seen,
        "if its values are people, devices or places that will be new in use, the measured quality is too high",
        f"--group {name} keeps the rows of one value in one split", {"values": different, "crossing": crossing,
        "alike": round(alike, 3)},
    )  # fmt: skip


def _alike(table: Table, name: str) -> float:
    """Return the intraclass correlation of the target (ANOVA), the mean over the classes."""
    if "train" not in table.encoded:
        return 0.0
    target = table.encoded["train"]
    group = codes(_texts(table, name, "train"))
    known = target >= 0 if table.classes is not None else numpy.isfinite(target)
    target, group = target[known], numpy.unique(group[known], return_inverse=True)[1]
    columns = [target] if table.classes is None else [(target == code) * 1.0 for code in numpy.unique(target)]
    sizes = numpy.bincount(group).astype(numpy.float64)
    count, rows = len(sizes), len(target)
    if count < 2 or rows <= count:
        return 0.0
    typical = (rows - (sizes**2).sum() / rows) / (count - 1)
    between = within = 0.0
    for values in columns:
        mean = numpy.bincount(group, values) / sizes
        between += float((sizes * (mean - values.mean()) ** 2).sum()) / (count - 1)
        within += float(((values - mean[group]) ** 2).sum()) / (rows - count)
    whole = between + (typical - 1) * within
    return max(0.0, (between - within) / whole) if whole else 0.0


def _time(table: Table, split: str) -> Iterator[Finding]:
    if table.time is not None:
        yield from _overlap(table, table.time, split)
        return
    if table.way == "time":
        return
    for name, kind in table.kinds.items():
        if kind.kind == "date":
            later = _later(table.plain["train"].get_column(name), table.plain[split].get_column(name))
            if later:
                yield Finding(
                    "note", "time candidate", f"column {name}",
                    f"{share(later, 1)} of the training rows are later than the middle of the {split} rows",
                    "if you will predict what comes later, such a split lets the network see the future",
                    f"--time {name} tests on the latest rows", {"later": round(later, 4)},
                )  # fmt: skip


def _later(train: polars.Series, other: polars.Series) -> float:
    middle = other.median()
    known = train.drop_nulls()
    if middle is None or not known.len():
        return 0.0
    return float((known > middle).sum()) / known.len()


def _overlap(table: Table, name: str, split: str) -> Iterator[Finding]:
    try:
        train, other = (times(table.frames[key].get_column(name)) for key in ("train", split))
    except (UserError, polars.exceptions.PolarsError):
        yield Finding(
            "error", "time", f"column {name}", "it gives no time for every row",
            "rows without a time can be put on neither side", "choose another column with --time",
        )  # fmt: skip
        return
    late = int((train >= other.min()).sum())
    if late:
        yield Finding(
            "error", "time leak", f"column {name}",
            f"{late:,} of {len(train):,} training rows ({share(late, len(train))}) are not earlier than the first of "
            f"the {split} rows",
            "the network sees the future of what it is measured on: the measured quality is too high",
            f"split by time: --time {name} without a test file of its own, or mend the files",
            {"late": late, "rows": len(train)},
        )  # fmt: skip
