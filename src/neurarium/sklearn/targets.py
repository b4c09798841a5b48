"""Targets: scikit-learn's labels, label indicators and quantities as the specs and tensors of the house."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy
import torch
from torch import Tensor

from neurarium.data.preparation.targets import Labels, Quantities
from neurarium.data.specs import Classes, Quantity


@dataclasses.dataclass
class Encoded:
    """Targets of all rows, encoded.

    Args:
        spec: what a network is sized by.
        values: `(rows,)` class codes, or `(rows, k)` labels or standardized quantities.
        plan: the same for a preparation; None for several labels.
    """

    spec: Classes | Quantity
    values: Tensor
    plan: Labels | Quantities | None


def classes(codes: numpy.ndarray, names: numpy.ndarray) -> Encoded:
    """Encode class codes `(rows,)`, or an indicator `(rows, labels)` of several labels at once."""
    texts = tuple(str(name) for name in names)
    if codes.ndim == 2:
        values = torch.from_numpy(codes.astype(numpy.float32))
        return Encoded(Classes(texts, several=True, column="label"), values, None)
    plan = Labels("target", texts)
    return Encoded(Classes(texts, column="target"), torch.from_numpy(codes.astype(numpy.int64)), plan)


def quantities(values: numpy.ndarray, train: numpy.ndarray, weights: numpy.ndarray | None) -> Encoded:
    """Standardize quantities `(rows, k)` float64 by the (weighted) mean and deviation of the training rows."""
    seen, share = values[train], None if weights is None else weights[train]
    mean = numpy.average(seen, axis=0, weights=share)
    scale = numpy.sqrt(numpy.average((seen - mean) ** 2, axis=0, weights=share))
    scale = numpy.where(scale > 1e-12 * (1 + numpy.abs(mean)), scale, 1.0)
    names = tuple(["target"] if values.shape[1] == 1 else [f"target {k}" for k in range(values.shape[1])])
    plan = Quantities(names, ("plain",) * len(names), tuple(mean.tolist()), tuple(scale.tolist()))
    return Encoded(plan.spec, torch.from_numpy((values - mean) / scale), plan)


def plain(values: Any) -> numpy.ndarray:
    """Return an array of plain Python objects where a dtype needs more than NumPy to be read back."""
    array = numpy.asarray(values)
    return array.astype(object) if array.dtype.kind not in "biufOSU" else array
