"""Arrays: NumPy arrays and tensors in memory as a `Dataset` of `Array` or `Image` examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy
import polars
import torch
from torch import Tensor

from neurarium.core.errors import DataError
from neurarium.data.assembly.partition import How, partition
from neurarium.data.assembly.rereading import rereadable
from neurarium.data.dataset import Dataset, Decision
from neurarium.data.examples import Examples, FileExamples
from neurarium.data.preparation.arrays import ArrayPreparation, require_finite
from neurarium.data.preparation.images import ImagePreparation
from neurarium.data.preparation.statistics import moments
from neurarium.data.preparation.target_recognition import recognise_target
from neurarium.data.preparation.targets import Labels, Quantities, Target
from neurarium.data.readers.delimited import Reading
from neurarium.data.readers.frames import read_frame
from neurarium.data.readers.stacks import as_stack, as_tensor, as_volumes
from neurarium.data.specs import Array, Image
from neurarium.data.splits import Rows

Pair = tuple[Any, Any]
StackKind = Literal["array", "image", "volume"]
AVERAGED = {
    "image": (0, 2, 3),
    "volume": (0, 2, 3, 4),
    "array": (0,),
}  # a number per channel; of an array one per place


@rereadable
def arrays(
    inputs: Any,
    targets: Any,
    *,
    test: Pair | None = None,
    validation: float | Pair = 0.15,
    test_fraction: float = 0.15,
    split: str | Mapping[str, Sequence[int]] | None = None,
    task: Literal["classification", "regression"] | None = None,
    kind: StackKind | None = None,
    standardize: bool = True,
    classes: Sequence[str] | None = None,
    seed: int = 0,
    name: str = "arrays",
) -> Dataset:
    """Make a dataset of arrays or tensors in memory.

    Args:
        inputs: `(examples, ...)` numbers.
        targets: `(examples,)` classes (numbers or names) or quantities, or `(examples, k)` quantities.
        test: (inputs, targets) of test examples; without it `test_fraction` is set aside.
        validation: a fraction, or (inputs, targets) of validation examples.
        test_fraction: the fraction that tests, where no `test` is given.
        split: "stratified", "random", or the rows of each split.
        task: "classification" or "regression", where the targets could be either.
        kind: "image" for `(examples, channels, height, width)` (channels last, or none, are understood), "volume" for
            `(examples, channels, depth, height, width)` (likewise), else "array"; by default bytes of three or four
            axes, and floats of four, are images, and five axes are volumes.
        standardize: whether inputs are standardized by the training examples: each number of an array, each channel
            of an image or volume.
        classes: names of the classes 0, 1, 2, ...
        seed: decides the split.

    Raises:
        DataError: shapes that do not fit, numbers that are not finite, one class only, too few examples.

    >>> arrays(numpy.random.rand(100, 8), numpy.arange(100) % 2)
    Dataset(arrays: Array -> Classes; train 70, validation 15, test 15)
    """
    stacked = as_tensor(inputs)
    chosen = kind or _usual(stacked)
    main, frame = _checked(stacked, targets, chosen)
    plan, decision = recognise_target(frame, frame.columns, task)
    encoded = _encoded(plan, frame)
    companions = {}
    for split_name, pair in (("validation", validation), ("test", test)):
        if pair is not None and not isinstance(pair, int | float):
            other, other_frame = _checked(as_tensor(pair[0]), pair[1], chosen)
            if other.shape[1:] != main.shape[1:]:
                raise DataError(
                    f"the {split_name} inputs have another shape than the training inputs",
                    expected=tuple(main.shape[1:]),
                    received=tuple(other.shape[1:]),
                )
            companions[split_name] = (other, _encoded(plan, other_frame))
    fraction = float(validation) if isinstance(validation, int | float) else 0.0
    how = How(fraction, 0.0 if test is not None else test_fraction, split, None, None, seed)
    rows, decisions = partition(polars.DataFrame(), encoded, numpy.arange(len(encoded)), plan, how)
    dataset = assemble(name, main, encoded, rows, companions, plan, chosen, standardize, classes)
    dataset.decisions = [
        Decision("kind of inputs", chosen, f"shape {tuple(stacked.shape)}", "--set kind="),
        decision,
        *decisions,
    ]
    return dataset


def assemble(
    name: str,
    inputs: Tensor,
    encoded: numpy.ndarray,
    rows: Rows,
    companions: Mapping[str, tuple[Tensor, numpy.ndarray]],
    plan: Target,
    kind: StackKind,
    standardize: bool = True,
    classes: Sequence[str] | None = None,
) -> Dataset:
    """Fit a preparation on training examples, and put the splits of a dataset together."""
    if isinstance(plan, Quantities):
        plan = plan.fitted(encoded[rows["train"]])
    elif classes is not None:
        plan = _named(plan, classes)
    mean, scale = moments(inputs, rows["train"], AVERAGED[kind])
    if kind == "volume":
        mean, scale = (each.reshape(-1, 1, 1, 1) for each in (mean, scale))
    if not standardize:
        mean, scale = numpy.zeros_like(mean), numpy.ones_like(scale)
    preparation: ImagePreparation | ArrayPreparation
    if kind == "image":
        preparation = ImagePreparation(
            Image(*inputs.shape[1:]), mean, scale, plan, inputs.dtype == torch.uint8
        )
    else:
        preparation = ArrayPreparation(Array(tuple(inputs.shape[1:])), mean, scale, plan)

    def examples(values: Tensor, codes: numpy.ndarray) -> Examples:
        if isinstance(preparation, ImagePreparation):
            return Examples({"inputs": values, "targets": plan.tensor(codes)}, finish=preparation.finish())
        return Examples({"inputs": preparation.transform(values), "targets": plan.tensor(codes)})

    parts = {
        split: examples(inputs.index_select(0, torch.from_numpy(part)), encoded[part])
        for split, part in rows.items()
    }
    parts |= {split: examples(*pair) for split, pair in companions.items()}
    return collected(name, preparation, parts, encoded, rows)


def collected(
    name: str,
    preparation: ImagePreparation | ArrayPreparation,
    parts: Mapping[str, Examples | FileExamples],
    encoded: numpy.ndarray,
    rows: Rows,
) -> Dataset:
    """Make the dataset of prepared splits, with its summary."""
    plan = preparation.target
    summary: dict[str, Any] = {
        "examples": len(encoded),
        "splits": {key: len(part) for key, part in parts.items()},
    }
    if isinstance(plan, Labels):
        counts = numpy.bincount(encoded, minlength=len(plan.names)).tolist()
        summary["classes"] = dict(zip(plan.names, counts, strict=True))
    return Dataset(
        name,
        preparation.inputs,
        plan.spec,
        parts["train"],
        parts.get("validation"),
        parts.get("test"),
        preparation=preparation,
        summary=summary,
        rows=dict(rows),
    )


def _usual(stacked: Tensor) -> StackKind:
    if stacked.ndim == 5:
        return "volume"
    return "image" if stacked.ndim == 4 or (stacked.ndim == 3 and stacked.dtype == torch.uint8) else "array"


def _checked(inputs: Tensor, targets: Any, kind: StackKind) -> tuple[Tensor, polars.DataFrame]:
    if kind == "image":
        inputs = as_stack(inputs)
    else:
        inputs = (as_volumes(inputs) if kind == "volume" else inputs).to(torch.float32)
    values = numpy.asarray(targets.detach().cpu() if hasattr(targets, "detach") else targets)
    values = values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
    if 0 in inputs.shape:
        raise DataError(
            "the inputs hold nothing",
            expected="examples of at least one number",
            received=f"shape {tuple(inputs.shape)}",
        )
    if inputs.ndim < 2 or values.ndim not in (1, 2) or len(values) != len(inputs):
        raise DataError(
            "the inputs and targets do not fit together",
            expected="inputs (examples, ...) and as many targets, (examples,) or (examples, k)",
            received=f"inputs {tuple(inputs.shape)}, targets {values.shape}",
        )
    require_finite(inputs)
    names = ["target"] if values.ndim == 1 else [f"target {number}" for number in range(values.shape[1])]
    frame = read_frame(dict(zip(names, values.reshape(len(values), -1).T, strict=True)), Reading()).frame
    return inputs, frame


def _encoded(plan: Target, frame: polars.DataFrame) -> numpy.ndarray:
    encoded, _ = plan.encode(frame)
    bad = (encoded < 0) if isinstance(plan, Labels) else numpy.isnan(encoded).any(axis=1)
    if bad.any():
        first = int(numpy.flatnonzero(bad)[0])
        raise DataError(
            f"target {first} is missing, or of a class that the training examples do not have",
            expected=", ".join(plan.names[:20]) if isinstance(plan, Labels) else "numbers",
            received=frame.row(first)[0],
        )
    return encoded


def _named(plan: Target, classes: Sequence[str]) -> Labels:
    if not isinstance(plan, Labels) or any(
        not each.isdigit() or int(each) >= len(classes) for each in plan.names
    ):
        raise DataError(
            "the names of classes do not fit the targets",
            expected=f"targets 0 to {len(classes) - 1}",
            received=", ".join(getattr(plan, "names", ("quantities",))[:20]),
        )
    return Labels(plan.column, tuple(classes[int(each)] for each in plan.names))
