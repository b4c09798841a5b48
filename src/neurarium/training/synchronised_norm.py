"""BatchNorm over the batch of all ranks, on any device (torch's own needs a GPU)."""

from __future__ import annotations

import torch
import torch.distributed.nn.functional as differentiable
from torch import Tensor, nn

from neurarium.training import distributed


class _Synchronised(nn.modules.batchnorm._BatchNorm):
    """A BatchNorm whose batch statistics are those of all ranks together; its state dict is unchanged."""

    def _check_input_dim(self, input: Tensor) -> None:
        """Any number of axes after the channels."""

    def forward(self, input: Tensor) -> Tensor:
        if not self.training or distributed.world() == 1:
            return super().forward(input)
        axes = [axis for axis in range(input.ndim) if axis != 1]
        count = torch.full((1,), float(input.numel() // input.shape[1]), device=input.device)
        own = torch.cat([input.float().sum(axes), input.float().square().sum(axes), count])
        total = differentiable.all_reduce(own)
        channels = input.shape[1]
        mean = total[:channels] / total[-1]
        variance = total[channels:-1] / total[-1] - mean.square()
        self._move_statistics(mean.detach(), variance.detach(), total[-1].detach())
        shape = [1, channels] + [1] * (input.ndim - 2)
        normal = (input - mean.view(shape)) * torch.rsqrt(variance.view(shape) + self.eps)
        if self.affine:
            normal = normal * self.weight.view(shape) + self.bias.view(shape)
        return normal.to(input.dtype)

    @torch.no_grad()
    def _move_statistics(self, mean: Tensor, variance: Tensor, count: Tensor) -> None:
        if not self.track_running_stats or self.running_mean is None:
            return
        self.num_batches_tracked.add_(1)
        momentum = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, momentum)
        self.running_var.lerp_(variance * count / (count - 1).clamp(min=1), momentum)


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
