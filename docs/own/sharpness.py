"""An optimizer of one's own that evaluates the loss more than once: sharpness-aware minimization.

w <- w - rate * grad L(w + radius * g / |g|), g = grad L(w) (Foret et al., 2021, arXiv:2010.01412, equations 2 and 3).
`reevaluates = True` asks `Descent` for a closure. Whenever it is called, it leaves the mean gradient over micro-batches
and ranks in `.grad`, with the same dropout; running statistics move at the first call alone.
"""

import torch


class Sharpness(torch.optim.SGD):
    reevaluates = True

    def __init__(self, parameters, radius=0.05, **options):
        super().__init__(parameters, **options)
        self.radius = radius

    @torch.no_grad()
    def step(self, closure):
        loss = closure()
        moved = [each for group in self.param_groups for each in group["params"] if each.grad is not None]
        held = [each.clone() for each in moved]
        length = torch.stack([each.grad.norm() for each in moved]).norm()
        for each in moved:
            each.add_(each.grad * (self.radius / length))
        closure()
        for each, before in zip(moved, held, strict=True):
            each.copy_(before)
        super().step()
        return loss
