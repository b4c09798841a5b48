"""Sharpness-aware minimization: step by the gradient at the worst point nearby."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from neurarium.core.errors import OptionError


class SharpnessAware(torch.optim.Optimizer):
    r"""Minimize the worst loss within a ball around the weights.

    .. math:: \hat\epsilon = \rho \, g / \lVert g \rVert_2, \qquad w \leftarrow w - \eta \, \nabla L(w + \hat\epsilon)

    (Foret et al., 2021, arXiv:2010.01412, equations 2 and 3; `adaptive` scales by :math:`|w|`, Kwon et al., 2021,
    arXiv:2102.11600, equation 5.) The loss is evaluated twice per step; `Descent` gives the closure for it.

    Args:
        parameters: tensors or parameter groups.
        base: the optimizer that takes the step, a class of `torch.optim`.
        radius: :math:`\rho`, in units of the weights.
        adaptive: scale the ball per weight.
        **options: for the base optimizer (`lr`, `momentum`, ...).

    Raises:
        OptionError: `step` is called without a closure, or the radius is not above 0.
    """

    reevaluates = True

    def __init__(
        self,
        parameters: Iterable[Any],
        base: type[torch.optim.Optimizer] = torch.optim.SGD,
        radius: float = 0.05,
        adaptive: bool = False,
        **options: Any,
    ):
        if radius <= 0:
            raise OptionError(
                "the radius of sharpness-aware minimization", expected="above 0", received=radius
            )
        self.base = base(parameters, **options)
        self.radius, self.adaptive = radius, adaptive
        super().__init__(self.base.param_groups, self.base.defaults)
        self.param_groups = self.base.param_groups
        self.state = self.base.state

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor:  # type: ignore[override]
        """Evaluate, climb to the worst point nearby, evaluate there, come back, step."""
        if closure is None:
            raise OptionError(
                "sharpness-aware minimization re-evaluates the loss", fix="pass a closure to step()"
            )
        with torch.enable_grad():
            loss = closure()
        moved = [each for group in self.param_groups for each in group["params"] if each.grad is not None]
        original = [each.clone() for each in moved]
        scales = [each.abs() if self.adaptive else torch.ones_like(each) for each in moved]
        norm = torch.linalg.vector_norm(
            torch.stack([(scale * each.grad).norm() for scale, each in zip(scales, moved, strict=True)])
        )
        for each, scale in zip(moved, scales, strict=True):
            each.add_(scale.square() * each.grad, alpha=float(self.radius / (norm + 1e-12)))
        with torch.enable_grad():
            closure()
        for each, before in zip(moved, original, strict=True):
            each.copy_(before)
        self.base.step()
        return loss

    def state_dict(self) -> dict[str, Any]:
        return self.base.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.base.load_state_dict(state_dict)
        self.param_groups, self.state = self.base.param_groups, self.base.state
