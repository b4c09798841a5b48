"""Histories: the latest rows of series, to be forecast, and traces, to be looked through for what is odd."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars

from neurarium.core.errors import DataError, unknown
from neurarium.data.preparation.forecasting import ForecastPreparation
from neurarium.data.preparation.traces import TracePreparation
from neurarium.data.readers.frames import from_columns
from neurarium.serving.example import Example
from neurarium.serving.schemas import NUMBER, TEXT, TIME, list_of, made_of
from neurarium.serving.series import numbers_of


class Histories:
    """Reads the latest rows of one or several series, in the format of the training.

    Args:
        preparation: the run's.
    """

    media, alone = "", True

    def __init__(self, preparation: ForecastPreparation):
        self.preparation = preparation

    def parse(self, value: Any, place: str) -> Example:
        """Check one example: `{"rows": [{column: value, ...}, ...]}`.

        Raises:
            DataError: no rows, a missing column.
        """
        return Example(frame_of(value, self.preparation.sources, place))

    def collate(self, examples: Sequence[Example]) -> tuple[polars.DataFrame, dict[int, DataError]]:
        """Return the rows of the one example."""
        return examples[0].value, {}

    def schema(self) -> dict[str, Any]:
        """Return the schema of one example."""
        roles = self.preparation.roles
        number = {"type": ["number", "null"]}
        columns = {roles.time: TIME, **({roles.series: TEXT} if roles.series else {})}
        row = made_of({**columns, **dict.fromkeys(roles.columns, number)})
        said = f"the latest {self.preparation.lookback} steps or more"
        if roles.future:
            said += f", and {self.preparation.horizon} to come with {', '.join(roles.targets)} null"
        return made_of({"rows": list_of(row, said, minItems=self.preparation.lookback)})

    def blank(self) -> None:
        return None


class Traces:
    """Reads traces: rows of times and values, or values alone.

    Args:
        preparation: the run's.
    """

    media, alone = "", True

    def __init__(self, preparation: TracePreparation):
        self.preparation = preparation
        self.column, self.time = preparation.target.column, preparation.time

    def parse(self, value: Any, place: str) -> Example:
        """Check one trace: `{"rows": [...]}`, `{"values": [...]}` or the values alone.

        Raises:
            DataError: no rows, a missing column, values that are no numbers; times that are missing.
        """
        if isinstance(value, Mapping) and "rows" in value:
            names = [self.column, *((self.time,) if self.time else ())]
            return Example(frame_of(value, names, place))
        if self.time is not None:
            row = f'{{"{self.time}": ..., "{self.column}": ...}}'
            raise DataError(f"{place} has no times", expected=f'{{"rows": [{row}, ...]}}')
        values = value.get("values") if isinstance(value, Mapping) else value
        return Example(polars.DataFrame({self.column: numbers_of(values, place, 1).ravel()}))

    def collate(self, examples: Sequence[Example]) -> tuple[polars.DataFrame, dict[int, DataError]]:
        """Return the rows of the one trace."""
        return examples[0].value, {}

    def schema(self) -> dict[str, Any]:
        """Return the schema of one example."""
        if self.time is None:
            return made_of({"values": list_of(NUMBER, "the trace, from its beginning")})
        return made_of({"rows": list_of(made_of({self.time: TIME, self.column: NUMBER}), minItems=2)})

    def blank(self) -> None:
        return None


def frame_of(value: Any, names: Sequence[str], place: str) -> polars.DataFrame:
    """Return the rows of an example as a frame of the columns that a run reads; null where a row does not say one.

    Raises:
        DataError: no rows, or a column that none of them has, with the nearest name.

    >>> frame_of({"rows": [{"day": "2024-05-01", "load": 1}, {"day": "2024-05-02"}]}, ("day", "load"), "it").rows()
    [('2024-05-01', 1), ('2024-05-02', None)]
    """
    rows = value.get("rows") if isinstance(value, Mapping) else None
    if not isinstance(rows, list) or not rows or not all(isinstance(row, Mapping) for row in rows):
        raise DataError(f"{place} holds no rows", expected='{"rows": [{"column": value, ...}, ...]}')
    there = dict.fromkeys(str(name) for row in rows for name in row)
    for name in names:
        if name not in there:
            raise unknown(f"column in {place}:", name, there, error=DataError)
    columns = {name: [row.get(name) for row in rows] for name in names}
    for name, values in columns.items():
        odd = next((each for each in values if isinstance(each, list | Mapping)), None)
        if odd is not None:
            raise DataError(
                f"column '{name}' of {place} holds no plain value", expected="text, a number or null"
            )
    return from_columns(columns)
