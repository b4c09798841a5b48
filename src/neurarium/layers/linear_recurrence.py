"""Linear recurrences over all steps of a sequence, with a backward pass that is such a recurrence too."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def linear_scan(keep: Tensor, take: Tensor, start: Tensor | None = None) -> Tensor:
    """Return `h_t = keep_t h_(t-1) + take_t` for all steps `t`, with `h_(-1) = start`.

    On processors the steps follow each other, three numbers read and one written for each state. Elsewhere, and where the
    code is compiled, pairs of neighbours are joined in ceil(log2(length)) rounds (Hillis and Steele 1986): (a, b) before
    (a', b') is (a a', a' b + b'). Both are differentiable any number of times: the gradient runs through the same
    recurrence from the end, `g_t = dL/dh_t + keep_(t+1) g_(t+1)`, and `dL/dkeep_t = g_t h_(t-1)`.

    Args:
        keep, take: `(batch, length, width)`.
        start: `(batch, width)`; zeros where there is none.

    Martin and Cundy 2018, arXiv:1709.04057.

    >>> half = torch.full((1, 3, 1), 0.5)
    >>> linear_scan(half, half).flatten().tolist()
    [0.5, 0.75, 0.875]
    """
    if start is not None:
        take = torch.cat([take[:, :1] + keep[:, :1] * start.unsqueeze(1), take[:, 1:]], dim=1)
    result: Tensor = _Recurrence.apply(keep, take, False)  # type: ignore[no-untyped-call]
    return result


class _Recurrence(torch.autograd.Function):
    """`y_t = keep_t y_(t-1) + take_t` with zeros before the first step, or `y_t = keep_t y_(t+1) + take_t` from the end."""

    generate_vmap_rule = True

    @staticmethod
    def forward(keep: Tensor, take: Tensor, backwards: bool) -> Tensor:
        if keep.device.type == "cpu" and not torch.compiler.is_compiling():
            return _one_by_one(keep, take, backwards)
        return _by_doubling(keep, take, backwards)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        keep, _, ctx.backwards = inputs
        ctx.save_for_backward(keep, output)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[Tensor, Tensor, None]:
        keep, states = ctx.saved_tensors
        following = _shifted(keep, not ctx.backwards)
        taken = _Recurrence.apply(following, gradients[0], not ctx.backwards)  # type: ignore[no-untyped-call]
        return taken * _shifted(states, ctx.backwards), taken, None


def _shifted(values: Tensor, back: bool) -> Tensor:
    """Move the steps by one, to the back or to the front, with zeros where none comes from."""
    none = torch.zeros_like(values[:, :1])
    parts = [values[:, 1:], none] if back else [none, values[:, :-1]]
    return torch.cat(parts, dim=1)


def _one_by_one(keep: Tensor, take: Tensor, backwards: bool) -> Tensor:
    steps = list(zip(keep.unbind(dim=1), take.unbind(dim=1), strict=True))
    state, states = torch.zeros_like(take[:, 0]), []
    for kept, taken in reversed(steps) if backwards else steps:
        state = torch.addcmul(taken, kept, state)
        states.append(state)
    return torch.stack(states[::-1] if backwards else states, dim=1)


def _by_doubling(keep: Tensor, take: Tensor, backwards: bool) -> Tensor:
    if backwards:
        return _by_doubling(keep.flip(1), take.flip(1), False).flip(1)
    reach = 1
    while reach < take.shape[1]:
        joined = torch.addcmul(take[:, reach:], keep[:, reach:], take[:, :-reach])
        take = torch.cat([take[:, :reach], joined], dim=1)
        keep = torch.cat([keep[:, :reach], keep[:, reach:] * keep[:, :-reach]], dim=1)
        reach *= 2
    return take
