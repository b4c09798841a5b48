"""Targets of a table: labels as class codes, quantities standardized; the same rules for training, test and new files."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Union

import numpy
import polars
import torch
from torch import Tensor

from neurarium.core.errors import DataError
from neurarium.data.dataset import Decision
from neurarium.data.readers.values import finite, numbers, style_of, text
from neurarium.data.specs import Classes, Quantity

if TYPE_CHECKING:
    from neurarium.data.preparation.label_sets import LabelSets
    from neurarium.data.preparation.several_targets import SeveralTargets

Task = Literal["classification", "regression", "labels"]
MANY = 20  # whole numbers with more different values than this are quantities


@dataclasses.dataclass(frozen=True)
class Labels:
    """A column of labels.

    Args:
        column: its name.
        names: the classes, in the order of their codes.
    """

    column: str
    names: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def spec(self) -> Classes:
        return Classes(self.names, column=self.column)

    def encode(self, frame: polars.DataFrame) -> tuple[numpy.ndarray, dict[str, str]]:
        """Return (class codes, labels that were matched by rule); -1 stands for missing, -2 for an unknown label."""
        values = text(frame.get_column(self.column), ())
        matched = {label: match(label, self.names) for label in values.drop_nulls().unique().to_list()}
        positions = {name: code for code, name in enumerate(self.names)}
        codes = {label: positions[name] if name else -2 for label, name in matched.items()}
        encoded = values.replace_strict(codes, default=-1, return_dtype=polars.Int64).fill_null(-1)
        return encoded.to_numpy(), {a: b for a, b in matched.items() if b and a != b}

    def known(self, encoded: numpy.ndarray) -> numpy.ndarray:
        """Return which rows have a target."""
        return encoded >= 0

    def fitted(self, values: numpy.ndarray) -> Labels:
        return self

    def counts(self, encoded: numpy.ndarray) -> dict[str, int]:
        """Return how often each class comes."""
        counted = numpy.bincount(encoded, minlength=len(self.names)).tolist()
        return dict(zip(self.names, counted, strict=True))

    def tensor(self, encoded: numpy.ndarray) -> Tensor:
        return torch.from_numpy(numpy.array(encoded, dtype=numpy.int64))

    def to_json(self) -> dict[str, Any]:
        return {"kind": "labels", "column": self.column, "names": list(self.names)}


@dataclasses.dataclass(frozen=True)
class Quantities:
    """Columns of quantities.

    Args:
        columns: their names.
        styles: how their numbers are written.
        mean, scale: of the training rows; empty before they are fitted.
    """

    columns: tuple[str, ...]
    styles: tuple[str, ...]
    mean: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()

    @property
    def spec(self) -> Quantity:
        return Quantity(self.columns, self.mean, self.scale)

    def encode(self, frame: polars.DataFrame) -> tuple[numpy.ndarray, dict[str, str]]:
        """Return (float64 values `(rows, columns)` with NaN for missing, nothing)."""
        pairs = zip(self.columns, self.styles, strict=True)
        parts = [finite(numbers(frame.get_column(name), style), "the target") for name, style in pairs]
        return numpy.stack(parts, axis=1), {}

    def known(self, encoded: numpy.ndarray) -> numpy.ndarray:
        """Return which rows have a target."""
        return ~numpy.isnan(encoded).any(axis=1)

    def counts(self, encoded: numpy.ndarray) -> dict[str, int]:
        return {}

    def fitted(self, values: numpy.ndarray) -> Quantities:
        """Return a copy with the mean and scale of training values `(rows, columns)`.

        Raises:
            DataError: a column is constant.
        """
        mean, scale = values.mean(axis=0), values.std(axis=0)
        for name, column, spread in zip(self.columns, values.T, scale, strict=True):
            if column.min() == column.max() or not spread > 0:
                raise DataError(
                    f"the target '{name}' is constant in the training rows",
                    expected="a quantity that varies",
                    received=f"{column[0]:g} in all {len(column)} rows",
                    fix="choose another --target",
                )
        return dataclasses.replace(self, mean=tuple(mean.tolist()), scale=tuple(scale.tolist()))

    def tensor(self, encoded: numpy.ndarray) -> Tensor:
        return self.spec.standardized(torch.from_numpy(numpy.array(encoded)))

    def to_json(self) -> dict[str, Any]:
        return {"kind": "quantities", **dataclasses.asdict(self)}


Target = Labels | Quantities
TableTarget = Union[Labels, Quantities, "LabelSets", "SeveralTargets"]


def target_from_json(value: dict[str, Any]) -> Any:
    """Rebuild a target from its JSON form."""
    from neurarium.data.preparation.label_sets import LabelSets
    from neurarium.data.preparation.several_targets import SeveralTargets

    value = dict(value)
    kind = value.pop("kind")
    if kind == "labels":
        return Labels(value["column"], tuple(value["names"]))
    if kind == "label sets":
        return LabelSets(tuple(value["columns"]), tuple(value["names"]), value["separator"])
    if kind == "transcripts":
        from neurarium.data.preparation.transcripts import Transcripts

        return Transcripts(value["column"], tuple(value["symbols"]), int(value["longest"]))
    if kind in ("masks", "boxes"):
        from neurarium.data.preparation.dense import BoxTarget, MaskTarget

        listed: dict[str, Any] = {
            key: tuple(each) if isinstance(each, list) else each for key, each in value.items()
        }
        return (MaskTarget if kind == "masks" else BoxTarget)(**listed)
    if kind == "expected":
        from neurarium.data.preparation.traces import Expected

        return Expected(**value)
    if kind == "several":
        return SeveralTargets(tuple(target_from_json(each) for each in value["parts"]))
    return Quantities(**{key: tuple(each) for key, each in value.items()})


def match(label: str, names: Sequence[str]) -> str | None:
    """Return the class a label means: the same text; else but for a trailing full stop; else but for case or ".0".

    >>> match("<=50K.", ("<=50K", ">50K")), match("YES", ("no", "yes")), match("maybe", ("no", "yes"))
    ('<=50K', 'yes', None)
    """
    if label in names:
        return label
    for simple in (_bare, lambda name: _bare(name).casefold()):
        found = [name for name in names if simple(name) == simple(label)]
        if len(found) == 1:
            return found[0]
    return None


def _bare(label: str) -> str:
    label = label.strip().rstrip(".").strip()
    return label[:-2] if label.endswith(".0") else label


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
    from neurarium.data.preparation.label_sets import sets_of_columns
    from neurarium.data.preparation.several_targets import SeveralTargets

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
    from neurarium.data.preparation.label_sets import separator_of, sets_in_column

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
            fix="choose another --target",
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


def label_names(found: Sequence[str]) -> tuple[str, ...]:
    """Return classes in the order of their codes: numbers by size, else by name; "yes" and "yes." are one class.

    >>> label_names(["10", "9"]), label_names(["yes.", "no", "yes"])
    (('9', '10'), ('no', 'yes'))
    """
    bare = {_bare(label) for label in found}
    if len(bare) < len(found):
        found = sorted({min((each for each in found if _bare(each) == one), key=len) for one in bare})
    try:
        return tuple(sorted(found, key=lambda label: (float(label), label)))
    except ValueError:
        return tuple(sorted(found))


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
