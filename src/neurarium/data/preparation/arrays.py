"""Preparation of arrays in memory: each number standardized by its training mean and deviation."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy
import torch
from torch import Tensor

from neurarium.core.errors import DataError
from neurarium.data.preparation.stacked_targets import with_targets
from neurarium.data.preparation.storage import save_preparation
from neurarium.data.preparation.stored_targets import target_from_json
from neurarium.data.preparation.targets import Target
from neurarium.data.readers.npz import pair_of
from neurarium.data.readers.stacks import as_tensor
from neurarium.data.specs import Array


@dataclasses.dataclass
class ArrayPreparation:
    """The preparation of arrays.

    Args:
        spec: the shape of one example.
        mean, scale: of the training examples, in the shape of one example, or `(channels, 1, 1, 1)` of volumes; zeros and
            ones leave the inputs alone.
        target: how targets are encoded.
    """

    spec: Array
    mean: numpy.ndarray
    scale: numpy.ndarray
    target: Target

    @property
    def inputs(self) -> Array:
        return self.spec

    def transform(self, inputs: Tensor) -> Tensor:
        """Return `(examples, *shape)` standardized, float32."""
        mean = torch.from_numpy(self.mean.astype(numpy.float32))
        inverse = torch.from_numpy((1 / self.scale).astype(numpy.float32))
        return torch.sub(inputs, mean).mul_(inverse)

    def apply(self, raw: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Turn new arrays (an array, a tensor, or an npz or npy file) into (batch, notes); volumes may have their channels last.

        Targets are in the batch where an npz file has them beside its inputs.

        Raises:
            DataError: another shape, or a number that is not finite.
        """
        if isinstance(raw, str | os.PathLike):
            raw, targets = pair_of(Path(raw))
            return with_targets(self.apply(raw), targets, self.target)
        inputs = self._arranged(as_tensor(raw).to(torch.float32))
        if tuple(inputs.shape[1:]) != self.spec.shape:
            raise DataError(
                "the arrays have another shape than those the model was trained on",
                expected=f"(examples, {', '.join(map(str, self.spec.shape))})",
                received=f"shape {tuple(inputs.shape)}",
            )
        require_finite(inputs)
        return {"inputs": self.transform(inputs)}, {"rows": len(inputs)}

    def _arranged(self, inputs: Tensor) -> Tensor:
        """Give one example its first axis; move the channels of volumes to where the training has them."""
        shape = self.spec.shape
        if tuple(inputs.shape) in (shape, shape[1:] if len(shape) == 4 else shape):
            inputs = inputs[None]
        if len(shape) == 4 and tuple(inputs.shape[1:]) != shape and inputs.ndim in (4, 5):
            inputs = inputs[:, None] if inputs.ndim == 4 else inputs.permute(0, 4, 1, 2, 3)
        return inputs

    def save(self, folder: Path | str) -> None:
        """Write preparation.json and preparation.safetensors into a folder."""
        content = {"shape": list(self.spec.shape), "target": self.target.to_json()}
        save_preparation(folder, "array", content, {"mean": self.mean, "scale": self.scale})

    @classmethod
    def from_saved(cls, content: Mapping[str, Any], arrays: Mapping[str, numpy.ndarray]) -> ArrayPreparation:
        """Rebuild a preparation from its JSON and its arrays."""
        target = target_from_json(content["target"])
        return cls(Array(tuple(content["shape"])), arrays["mean"], arrays["scale"], target)


def require_finite(inputs: Tensor) -> None:
    """Raise a `DataError` that names the first example with a number that is not finite."""
    if inputs.dtype == torch.uint8 or not inputs.numel():
        return
    bad = ~torch.isfinite(inputs).flatten(1).all(dim=1)
    if bad.any():
        first = int(bad.nonzero()[0])
        odd = inputs[first][~torch.isfinite(inputs[first])][0].item()
        raise DataError(
            f"example {first} of the inputs holds a number that is not finite",
            expected="finite numbers",
            received=f"{odd} ({int(bad.sum())} such examples)",
            fix="mend these examples; gaps in tables are handled by nr.data.table",
        )
