"""The sets that scikit-learn ships: what works on a machine with nothing. Their splits are fixed."""

from __future__ import annotations

from typing import Any

import numpy
import polars

from neurarium.data.assembly.arrays import arrays
from neurarium.data.assembly.tables import table
from neurarium.data.dataset import Dataset
from sklearn import datasets

SPLIT = 0  # the seed of the split; never the seed of a training


def digits(*, validation: float = 0.15, seed: int = SPLIT) -> Dataset:
    """Handwritten digits, 8 x 8 pixels of 17 shades."""
    pixels, labels = datasets.load_digits(return_X_y=True)
    stack = pixels.reshape(-1, 8, 8).astype(numpy.uint8)
    return arrays(stack, labels, validation=validation, task="classification", seed=seed)


def iris(*, validation: float = 0.15, seed: int = SPLIT) -> Dataset:
    """Iris flowers by four lengths."""
    return _table(datasets.load_iris(), "species", validation, seed)


def wine(*, validation: float = 0.15, seed: int = SPLIT) -> Dataset:
    """Wines by chemical analysis."""
    return _table(datasets.load_wine(), "grower", validation, seed)


def breast_cancer(*, validation: float = 0.15, seed: int = SPLIT) -> Dataset:
    """Tumors by measurements of cell nuclei."""
    return _table(datasets.load_breast_cancer(), "diagnosis", validation, seed)


def diabetes(*, validation: float = 0.15, seed: int = SPLIT) -> Dataset:
    """Progression of diabetes, in the units of the study."""
    return _table(datasets.load_diabetes(scaled=False), "progression", validation, seed)


def _table(bunch: Any, target: str, validation: float, seed: int) -> Dataset:
    columns = {name: bunch.data[:, number] for number, name in enumerate(bunch.feature_names)}
    named = hasattr(bunch, "target_names")
    values = numpy.asarray(bunch.target_names)[bunch.target].tolist() if named else bunch.target
    frame = polars.DataFrame({**columns, target: values})
    return table(
        frame, target, validation=validation, seed=seed, task="classification" if named else "regression"
    )
