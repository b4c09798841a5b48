"""Inputs: what scikit-learn's users hold (arrays, lists, pandas and polars frames) as one polars frame with kinds."""

from __future__ import annotations

from typing import Any

import numpy
import polars
from sklearn.utils.validation import check_array, validate_data

from neurarium.data.readers.delimited import Reading
from neurarium.data.readers.frames import read_frame

NUMERIC, CATEGORICAL = "numeric", "categorical"


def frame_of(estimator: Any, inputs: Any, *, reset: bool) -> polars.DataFrame:
    """Check inputs as scikit-learn does, and return them as a frame whose columns have names.

    Args:
        estimator: gets `n_features_in_` and `feature_names_in_`, or is asked for them.
        inputs: `(rows, columns)` numbers, or a frame of any columns.
        reset: whether this is the training data.

    Raises:
        ValueError: no rows, other columns than in training, infinite numbers.
        TypeError: sparse matrices, values that are neither numbers nor text.
    """
    if is_frame(inputs):
        validate_data(estimator, inputs, reset=reset, skip_check_array=True)
        if hasattr(inputs, "iloc"):
            inputs = inputs.set_axis([str(name) for name in inputs.columns], axis=1)
        if inputs.shape[0] == 0 or inputs.shape[1] == 0:
            check_array(numpy.empty(inputs.shape))  # raises in scikit-learn's words
        return inputs if isinstance(inputs, polars.DataFrame) else read_frame(inputs, Reading()).frame
    array = validate_data(
        estimator, inputs, reset=reset, dtype="numeric", ensure_all_finite="allow-nan", order="F"
    )
    return polars.DataFrame({f"x{number}": array[:, number] for number in range(array.shape[1])})


def is_frame(inputs: Any) -> bool:
    """Tell whether the inputs have columns with names and types of their own."""
    return hasattr(inputs, "columns") and hasattr(inputs, "shape") and not hasattr(inputs, "tocsr")


def kinds_of(inputs: Any, frame: polars.DataFrame) -> dict[str, str]:
    """Return the kinds that types tell: numbers are numeric, pandas and polars categories are categorical.

    Here, unlike in a file, a type is the word of whoever made the frame: whole numbers are no row numbers. Text is
    looked at as in files.
    """
    kinds = {name: NUMERIC for name, kind in frame.schema.items() if kind.is_numeric()}
    if hasattr(inputs, "iloc") and is_frame(inputs):
        types = {str(name): str(kind) for name, kind in inputs.dtypes.items()}
        kinds |= {name: CATEGORICAL for name, kind in types.items() if kind == "category"}
    for name, kind in frame.schema.items():
        if kind in (polars.Categorical, polars.Enum):
            kinds[name] = CATEGORICAL
    return kinds
