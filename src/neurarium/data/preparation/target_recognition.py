"""Recognition of a target: whether its columns hold classes, several labels per row, quantities, or several of these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import polars

from neurarium.core.errors import DataError
from neurarium.data.dataset import Decision
from neurarium.data.preparation.label_sets import separator_of, sets_in_column, sets_of_columns
from neurarium.data.preparation.several_targets import SeveralTargets, TableTarget
from neurarium.data.preparation.targets import Labels, Quantities, label_names
from neurarium.data.readers.values import numbers, style_of, text

Task = Literal["classification", "regression", "labels"]
MANY = 20  # whole numbers with more different values than this are quantities


def recognise_target(
    frame: polars.DataFrame,
    columns: Sequence[str],
    task: Task | None,
    separator: str | None = None,
    types: Mapping[str, str] | None = None,
) -> tuple[Any, Decision]:
    """Find out whether the target is a class, several labels per row, a quantity, or several of these.

    Text and truth values are classes; numbers with a fraction are quantities; whole numbers are classes when at most
    20 different ones are there, each five times on average. Text that names several labels (see
    `label_sets.separator_of`) is cut into them. Of several columns those of numbers are quantities, the others are looked
    at one by one; quantities alone make one target.

    Args:
        frame: all rows.
        columns: the target columns.
        task: "classification", "regression" or "labels", where it is said.
        separator: what stands between labels, where it is said.
        types: of several target columns, those whose kind is said: "categorical" or "numeric".

    Raises:
        DataError: all missing, one class only, text that is no label, labels that are not 0 and 1.
    """
    if len(columns) == 1:
        return _single(frame, columns[0], task, separator)
    if task == "labels":
        reason = f"given: each of the {len(columns)} target columns says whether a row has that label"
        return sets_of_columns(frame, columns), Decision("task", "several labels", reason, "--task")
    if task == "regression":
        return _quantities(frame, columns), Decision("task", "regression", "several target columns", "--task")
    said = {"categorical": "classification", "boolean": "classification", "numeric": "regression"}
    asked: list[Any] = [
        said.get((types or {}).get(name, ""), task or ("regression" if _are_numbers(frame, name) else None))
        for name in columns
    ]
    found = [_single(frame, name, each, separator) for name, each in zip(columns, asked, strict=True)]
    if all(isinstance(part, Quantities) for part, _ in found):
        return _quantities(frame, columns), Decision("task", "regression", "several target columns", "--task")
    shown = ", ".join(f"{name}: {each.choice}" for name, (_, each) in zip(columns, found, strict=True))
    reason = (
        "each target column by itself; the loss is the sum of theirs, each divided by that of a blind guess"
    )
    parts = SeveralTargets(tuple(part for part, _ in found))  # type: ignore[misc]
    return parts, Decision("task", shown, reason, "--set types=COLUMN:categorical, --task")


def _are_numbers(frame: polars.DataFrame, name: str) -> bool:
    column = frame.get_column(name)
    if column.dtype != polars.String:
        return column.dtype.is_numeric()
    known = text(column, ()).drop_nulls()
    return bool(known.len()) and style_of(known) is not None


def _single(
    frame: polars.DataFrame, name: str, task: Task | None, separator: str | None
) -> tuple[TableTarget, Decision]:
    column = frame.get_column(name)
    if task in (None, "labels"):
        found = separator or separator_of(column)
        if found is None and task == "labels":
            raise DataError(
                f"the target '{name}' does not show what separates its labels",
                expected="several labels in some rows, such as red;large, or a column of zeros and ones for each label",
                received=", ".join(map(repr, column.drop_nulls().head(3).to_list())),
                fix="say it with labels_separator=';', or name several columns: --target a,b,c",
            )
        if found is not None:
            reason = (
                "given" if separator else f"cells of '{name}' hold several labels, separated by {found!r}"
            )
            override = "--task classification takes each cell as one class, --set labels_separator="
            return sets_in_column(column, found), Decision("task", "several labels", reason, override)
    if column.dtype == polars.List:
        raise DataError(
            f"the target '{name}' holds lists", expected="labels or numbers", received=str(column.dtype),
            fix="leave out task=: lists are several labels per row",
        )  # fmt: skip
    values = text(column, ()).drop_nulls()
    if not values.len():
        raise DataError(
            f"every value of the target '{column.name}' is missing",
            expected="labels or numbers",
            received=f"{column.len()} missing values",
            fix="choose another --target",
        )
    different = values.n_unique()
    chosen, reason = _task(column, values, different)
    if task is not None:
        chosen, reason = task, "given"
    decision = Decision("task", chosen, reason, "--task")
    if chosen == "regression":
        return _quantities(frame, [name]), decision
    return _labels(column.name, values, different), decision


def _task(column: polars.Series, values: polars.Series, different: int) -> tuple[str, str]:
    style = style_of(values) if column.dtype == polars.String else "plain"
    if style is None and different > MANY:
        _require_numbers_or_text(column, values)
    if column.dtype == polars.Boolean or style is None:
        return "classification", f"the target holds {different} different labels"
    known = numbers(values, style).drop_nulls()
    if (known != known.round()).any():
        return "regression", "the target holds numbers with a fraction"
    if different <= 2 or (different <= MANY and values.len() >= 5 * different):
        return "classification", f"the target holds {different} different whole numbers"
    return "regression", f"the target holds {different:,} different whole numbers in {values.len():,} rows"


def _require_numbers_or_text(column: polars.Series, values: polars.Series) -> None:
    """Raise a `DataError` where nearly every value is a number: the others are typing errors, not labels."""
    odd = values.filter(numbers(values).is_null())
    if odd.len() < 0.1 * values.len():
        row = int((text(column, ()) == odd[0]).fill_null(False).arg_max() or 0)
        raise DataError(
            f"the target '{column.name}' holds numbers, and {odd.len()} values that are none, the first in row {row + 1}",
            expected="numbers, or labels that repeat",
            received=", ".join(repr(value) for value in odd.head(3).to_list()),
            fix="mend these values, or count them as missing with missing=(..., 'VALUE')",
        )


def _labels(name: str, values: polars.Series, different: int) -> Labels:
    if different > max(MANY, values.len() // 2):
        raise DataError(
            f"the target '{name}' is text that hardly ever repeats",
            expected="labels of classes, or numbers",
            received=f"{different:,} different values in {values.len():,} rows, for example {values[0]!r}",
            fix="choose another --target"
            + (
                "; where it is to be written: --task translation or --task summarization"
                if _worded(values)
                else ""
            ),
        )
    names = label_names(values.unique().to_list())
    if len(names) < 2:
        raise DataError(
            f"the target '{name}' has one class only",
            expected="at least two classes",
            received=f"'{names[0]}' in all {values.len()} rows",
            fix="choose another --target, or add rows of another class",
        )
    return Labels(name, names)


def _worded(values: polars.Series) -> bool:
    """Say whether values are texts of several words, not names."""
    return float(values.head(1000).str.count_matches(r"\S+").mean() or 0) >= 3  # type: ignore[arg-type]


def _quantities(frame: polars.DataFrame, columns: Sequence[str]) -> Quantities:
    styles = []
    for name in columns:
        column = frame.get_column(name)
        known = text(column, ()).drop_nulls()
        style = style_of(known) if known.len() and column.dtype == polars.String else "plain"
        if not known.len() or style is None or column.dtype in (polars.Date, polars.Datetime):
            odd = known.filter(numbers(known).is_null()) if known.len() else known
            raise DataError(
                f"the target '{name}' does not hold numbers",
                expected="numbers, for regression",
                received=", ".join(repr(value) for value in odd.head(3).to_list()) or "missing values only",
                fix="task='classification', or choose another --target",
            )
        styles.append(style)
    return Quantities(tuple(columns), tuple(styles))
