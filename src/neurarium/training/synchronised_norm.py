"""BatchNorm over the batch of all ranks, on any device and twice differentiable (torch's own is neither)."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from neurarium.training import distributed


class _Sum(torch.autograd.Function):
    """The sum over ranks. The objective is a sum over ranks too, so its gradient is the sum of their gradients."""

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        total = value.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return _Sum.apply(gradients[0].contiguous())


class _Synchronised(nn.modules.batchnorm._BatchNorm):
    """A BatchNorm whose batch statistics are those of all ranks together; its state dict is unchanged."""

    def _check_input_dim(self, input: Tensor) -> None:
        """Any number of axes after the channels."""

    def forward(self, input: Tensor) -> Tensor:
        if not self.training or distributed.world() == 1:
            return super().forward(input)
        mean, variance, count = _statistics(input)
        self._move_statistics(mean.detach(), variance.detach(), count)
        shape = [1, -1] + [1] * (input.ndim - 2)
        normal = (input - mean.view(shape)) * torch.rsqrt(variance.view(shape) + self.eps)
        if self.affine:
            normal = normal * self.weight.view(shape) + self.bias.view(shape)
        return normal.to(input.dtype)

    @torch.no_grad()
    def _move_statistics(self, mean: Tensor, variance: Tensor, count: Tensor) -> None:
        if not self.track_running_stats or self.running_mean is None or self.running_var is None:
            return
        seen = 0.0
        if self.num_batches_tracked is not None:
            seen = float(self.num_batches_tracked.add_(1))
        momentum = 1 / seen if self.momentum is None else self.momentum
        unbiased = variance * count / (count - 1).clamp(min=1)
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), momentum)
        self.running_var.lerp_(unbiased.to(self.running_var.dtype), momentum)


def _statistics(input: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return mean, variance and count per channel over all ranks.

    Each rank sends its mean, its sum of squared deviations and its count in a row of its own, so that nothing is lost
    by subtracting large numbers (Chan, Golub and LeVeque, 1983, equation 2.1).
    """
    values = input.to(torch.promote_types(input.dtype, torch.float32)).transpose(0, 1).flatten(1)
    count = 0 if distributed.is_absent() else values.shape[1]
    mean = values.sum(1) / max(values.shape[1], 1)
    deviation = (values - mean[:, None]).square().sum(1)
    own = torch.cat([values.new_full((1,), count), mean, deviation * (count > 0)])
    row = torch.zeros(distributed.world(), 1, dtype=own.dtype, device=own.device)
    row[distributed.rank()] = 1
    rows = _Sum.apply(row * own)
    counts, means, deviations = rows.split([1, len(mean), len(mean)], dim=1)
    total = counts.sum().detach()
    overall = (counts * means).sum(0) / total
    variance = (deviations + counts * (means - overall).square()).sum(0) / total
    return overall, variance, total


_CLASSES: dict[type, type] = {}


def synchronise(network: nn.Module) -> int:
    """Turn every BatchNorm of a network into a synchronised one, in place; return how many."""
    count = 0
    for module in network.modules():
        if type(module) in (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d):
            kind = type(module)
            if kind not in _CLASSES:
                _CLASSES[kind] = type(f"Synchronised{kind.__name__}", (_Synchronised, kind), {})
            module.__class__ = _CLASSES[kind]
            count += 1
    return count
