"""Muon: momentum, orthogonalized, so that every direction of a matrix moves by as much."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, Literal

import torch
from torch import Tensor

from neurarium.core.errors import OptionError

COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # steepest at zero; singular values end in (0.7, 1.2), not at one


def orthogonalize(
    matrix: Tensor,
    steps: int = 5,
    coefficients: tuple[float, float, float] = COEFFICIENTS,
    least: float = 1e-7,
    dtype: torch.dtype = torch.bfloat16,
) -> Tensor:
    r"""Bring all singular values of a matrix near one, and keep its singular vectors, by products of matrices alone.

    .. math:: X_0 = M / \max(\lVert M \rVert_F, \epsilon), \qquad
              X_{t+1} = a X_t + (b A + c A^2) X_t, \quad A = X_t X_t^\top

    Args:
        matrix: M, `(rows, columns)`.
        steps: of the iteration.
        coefficients: a, b, c.
        least: epsilon.
        dtype: of the products.

    Returns:
        `(rows, columns)` of that dtype.

    Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks".

    >>> found = orthogonalize(torch.tensor([[3.0, 0.0], [0.0, 0.1]]), dtype=torch.float64)
    >>> found.diagonal().round(decimals=1).tolist()  # 30 to 1 becomes nearly equal
    [0.7, 1.1]
    """
    a, b, c = coefficients
    tall = matrix.shape[0] > matrix.shape[1]
    found = matrix.to(dtype, copy=True)
    found = found.T if tall else found
    found.div_(found.norm().clamp(min=least))
    for _ in range(steps):
        gram = found @ found.T
        found = torch.addmm(found, torch.addmm(gram, gram, gram, beta=b, alpha=c), found, beta=a)
    return found.T if tall else found


class Muon(torch.optim.Optimizer):
    r"""Step along the orthogonalized momentum of each matrix, of each convolution's filters too.

    .. math:: B \leftarrow \mu B + (1 - \mu) g, \qquad O = \mathrm{orthogonalize}((1 - \mu) g + \mu B), \qquad
              w \leftarrow (1 - \eta \lambda) w - \eta \, s \, O

    with s = sqrt(max(1, rows / columns)). A convolution's filters `(out, in, ...)` are the matrix `(out, in * ...)` that
    multiplies each patch; torch's Muon takes matrices alone, and what it does with these is done here to the bit.

    Args:
        parameters: of two axes or more, or groups of such.
        lr: eta.
        weight_decay: lambda.
        momentum: mu.
        nesterov: orthogonalize B itself where false.
        ns_coefficients, eps, ns_steps: of the iteration (see `orthogonalize`).
        adjust_lr_fn: `original` for the s above; `match_rms_adamw` for s = 0.2 sqrt(max(rows, columns)), whose steps are as long
            as AdamW's (arXiv:2502.16982, equation 4).

    Raises:
        OptionError: a parameter with fewer than two axes, an unknown scale.

    Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks".
    """

    def __init__(
        self,
        parameters: Iterable[Any],
        lr: float = 0.02,
        weight_decay: float = 0.0,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = COEFFICIENTS,
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: Literal["original", "match_rms_adamw"] | None = None,
    ):
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise OptionError(
                "'adjust_lr_fn' of Muon is unknown",
                expected="original or match_rms_adamw",
                received=adjust_lr_fn,
            )
        options = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }
        super().__init__(parameters, options)
        for each in (each for group in self.param_groups for each in group["params"]):
            if each.ndim < 2:
                raise OptionError(
                    "Muon moves matrices and filters", expected="two axes or more", received=tuple(each.shape)
                )

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:  # type: ignore[override]
        """Move every parameter that has a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for each in group["params"]:
                if each.grad is not None:
                    self._move(each, each.grad, group)
        return loss

    def _move(self, parameter: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[parameter]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(gradient, memory_format=torch.preserve_format)
        held = state["momentum_buffer"]
        held.lerp_(gradient, 1 - group["momentum"])
        wanted = gradient.lerp(held, group["momentum"]) if group["nesterov"] else held
        matrix = wanted.flatten(1)
        update = orthogonalize(matrix, group["ns_steps"], tuple(group["ns_coefficients"]), group["eps"])
        parameter.mul_(1 - group["lr"] * group["weight_decay"])
        parameter.add_(
            update.reshape(parameter.shape), alpha=-group["lr"] * _scale(matrix, group["adjust_lr_fn"])
        )


def _scale(matrix: Tensor, rule: str | None) -> float:
    rows, columns = matrix.shape
    return (
        0.2 * math.sqrt(max(rows, columns))
        if rule == "match_rms_adamw"
        else math.sqrt(max(1, rows / columns))
    )
