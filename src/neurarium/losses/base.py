"""Loss: what all losses share: per-example values, and their sum with weights and masks."""

from __future__ import annotations

import abc
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from neurarium.core.errors import ShapeError


class Sum(NamedTuple):
    """A loss that is not divided yet, so that micro-batches, ranks and masks add up right.

    Args:
        total: scalar, the weighted sum of the per-example values.
        weight: what to divide by: an integer when nothing is weighted or masked, else a scalar tensor.
    """

    total: Tensor
    weight: int | Tensor

    def mean(self) -> Tensor:
        """Return total / weight; zero (with zero gradients) when nothing was counted."""
        if isinstance(self.weight, Tensor):
            return self.total / torch.where(self.weight == 0, torch.ones_like(self.weight), self.weight)
        return self.total / max(self.weight, 1)


class Loss(nn.Module, abc.ABC):
    """The base of all losses: `loss(outputs, targets, weights, mask) -> Sum(total, weight)`.

    total = sum_i s_i v_i,  weight = sum_i s_i c_i, with v_i the value of example (or position) i, s_i its sample
    weight (0 where masked) and c_i what it counts: 1, or its class weight, or 0 for an ignored index.

    A member defines `align` (checks the shapes and brings them to one form) and `values`.

    Attributes:
        tasks: what the loss can learn: `binary`, `multiclass`, `multilabel`, `regression`.
        outputs_per_target: how many numbers a network must give for each number (or class) of the targets.
    """

    tasks: ClassVar[tuple[str, ...]] = ()
    outputs_per_target: int = 1
    # A mask with more axes than the values blanks parts of an example (pixels of an image).
    masks_parts: ClassVar[bool] = False

    @abc.abstractmethod
    def align(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Check the shapes and return both in the form that `values` takes, example and position axes first.

        Raises:
            ShapeError: the shapes do not fit.
        """

    @abc.abstractmethod
    def values(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the values of aligned outputs and targets: `(batch,)` or `(batch, positions)`."""

    def counted(self, outputs: Tensor, targets: Tensor) -> Tensor | None:
        """Return what each aligned example counts, in the shape of the values; None when each counts 1."""
        return None

    def elementwise(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return one value per example or position: `(batch,)` or `(batch, positions)`."""
        return self.values(*self.align(outputs, targets))

    def forward(
        self, outputs: Tensor, targets: Tensor, weights: Tensor | None = None, mask: Tensor | None = None
    ) -> Sum:
        """Return the sum and its weight.

        Args:
            outputs, targets: as the member says.
            weights: sample weights `(batch,)` or in the shape of the values.
            mask: True (or 1) where an example or position counts, shaped like weights. What is masked is absent: even
                a NaN there changes neither the sum nor any gradient.

        Raises:
            ShapeError: shapes that do not fit.
        """
        outputs, targets = self.align(outputs, targets)
        if weights is None and mask is None:
            return self.unweighted(outputs, targets)
        if mask is not None:
            mask = mask.to(torch.bool)
            outputs, targets = blank(outputs, mask), blank(targets, mask)
        values = self.values(outputs, targets)
        scale = torch.ones_like(values)
        if mask is not None:
            if self.masks_parts and mask.ndim > values.ndim:
                mask = mask.flatten(values.ndim).any(-1)
            scale = scale * spread(mask, values.shape, "mask")
        if weights is not None:
            scale = scale * spread(weights, values.shape, "weights")
        counted = self.counted(outputs, targets)
        return Sum((values * scale).sum(), (scale if counted is None else scale * counted).sum())

    def unweighted(self, outputs: Tensor, targets: Tensor) -> Sum:
        """Return the sum over aligned tensors where nothing is weighted or masked (the fast path)."""
        values, counted = self.values(outputs, targets), self.counted(outputs, targets)
        return Sum(values.sum(), values.numel() if counted is None else counted.sum())

    def mean(
        self, outputs: Tensor, targets: Tensor, weights: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        """Return the mean over what counts: `loss(...).mean()`."""
        return self(outputs, targets, weights, mask).mean()


def precise(outputs: Tensor) -> Tensor:
    """Return outputs in at least float32: half precision overflows in sums."""
    return outputs.float() if outputs.dtype in (torch.float16, torch.bfloat16) else outputs


def constant(buffer: Tensor, values: tuple[float, ...], like: Tensor) -> Tensor:
    """Return constants in the type of `like`: the float32 buffer, which moves with the module, or a fresh tensor where
    that would round (float64 everywhere is no way out: some devices do not have it)."""
    return buffer if buffer.dtype == like.dtype == torch.float32 else like.new_tensor(values)


def blank(tensor: Tensor, mask: Tensor) -> Tensor:
    """Put zeros where the mask (over the first axes) is False, so that nothing there reaches a gradient."""
    _check_leading(mask, tensor.shape, "mask")
    spreading = mask.reshape(mask.shape + (1,) * (tensor.ndim - mask.ndim))
    return torch.where(spreading, tensor, torch.zeros_like(tensor))


def spread(given: Tensor, shape: torch.Size, what: str) -> Tensor:
    """Give weights over the first axes the shape of the values."""
    _check_leading(given, shape, what)
    return given.reshape(given.shape + (1,) * (len(shape) - given.ndim)).expand(shape)


def mismatch(
    loss: Loss, expected: str, outputs: Tensor, targets: Tensor | None, fix: str | None = None
) -> ShapeError:
    """Make the error for outputs and targets that do not fit."""
    shown = "none" if targets is None else f"{tuple(targets.shape)} {targets.dtype}"
    return ShapeError(
        f"{type(loss).__name__} cannot compare these outputs and targets",
        expected=expected,
        received=f"outputs {tuple(outputs.shape)} {outputs.dtype}, targets {shown}",
        fix=fix,
    )


def _check_leading(given: Tensor, shape: torch.Size, what: str) -> None:
    if given.ndim == 0 or given.shape != shape[: given.ndim]:
        raise ShapeError(
            f"the {what} do not fit the examples"
            if what == "weights"
            else f"the {what} does not fit the examples",
            expected=f"{tuple(shape)} or its first axes, such as {tuple(shape[:1])}",
            received=tuple(given.shape),
        )
