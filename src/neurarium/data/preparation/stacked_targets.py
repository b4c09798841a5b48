"""Stacked targets: those that stand in a file of arrays beside its inputs, encoded as a training encoded its own."""

from __future__ import annotations

from typing import Any

import numpy
import polars
from torch import Tensor

from neurarium.data.preparation.targets import Labels, Target


def with_targets(
    found: tuple[dict[str, Any], dict[str, Any]], targets: numpy.ndarray | None, plan: Target
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return (batch, notes) with the targets in the batch, or in the notes why they are not.

    Args:
        found: the prepared inputs, and their notes.
        targets: `(examples,)` or `(examples, k)` as they stand in the file; None where it has none.
        plan: how the training encoded them.
    """
    batch, notes = found
    encoded, why = stacked_targets(targets, plan, notes["rows"])
    return (batch, {**notes, "targets": why}) if encoded is None else ({**batch, "targets": encoded}, notes)


def stacked_targets(targets: numpy.ndarray | None, plan: Target, count: int) -> tuple[Tensor | None, str]:
    """Return the encoded targets, or None and why; arguments as above, `count` how many examples there are.

    >>> stacked_targets(numpy.array([1, 0, 1]), Labels("target", ("0", "1")), 3)[0]
    tensor([1, 0, 1])
    >>> stacked_targets(numpy.array([1, 7]), Labels("target", ("0", "1")), 2)[1]
    'target 2 is missing, or of a class that training does not have: 7'
    """
    if targets is None:
        return None, "a file of inputs alone: it has no array y, labels or targets"
    if not hasattr(plan, "columns"):
        return None, "masks and boxes do not stand in a file of arrays"
    values = targets.reshape(len(targets), -1)
    if len(values) != count or values.shape[1] != len(plan.columns):
        wanted = f"{count} of {len(plan.columns)} each"
        return None, f"targets of shape {targets.shape} where {wanted} are needed"
    names = getattr(plan, "names", ())
    if isinstance(plan, Labels) and values.dtype.kind in "biuf" and not all(each.isdigit() for each in names):
        codes = values[:, 0].astype(numpy.int64)  # classes 0, 1, 2, ... that have been named
        values = numpy.array([names[code] if 0 <= code < len(names) else str(code) for code in codes])[
            :, None
        ]
    if values.dtype.kind == "f" and isinstance(plan, Labels) and (values == numpy.floor(values)).all():
        values = values.astype(numpy.int64)
    frame = polars.DataFrame({name: values[:, place] for place, name in enumerate(plan.columns)})
    encoded, _ = plan.encode(frame)
    bad = numpy.flatnonzero(~plan.known(encoded))
    if len(bad):
        said = frame.row(int(bad[0]))[0]
        return None, f"target {bad[0] + 1} is missing, or of a class that training does not have: {said}"
    return plan.tensor(encoded), ""
