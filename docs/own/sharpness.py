"""An optimizer of one's own that evaluates the loss more than once: sharpness-aware minimization.

w <- w - rate * grad L(w + radius * g / |g|), g = grad L(w) (Foret et al., 2021, arXiv:2010.01412, equations 2 and 3).
`reevaluates = True` asks `Descent` for a closure. Whenever it is called, it leaves the mean gradient over micro-batches
and ranks in `.grad`, with the same dropout; running statistics move at the first call alone.
"""

from functools import partial

import torch

import neurarium as nr


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


# -- an example -----------------------------------------------------------------------------------------------


def example(epochs=6):
    """Train on digits; return the validation accuracy."""
    digits = nr.data.load("digits")
    network = nr.networks.MLP.for_data(digits.inputs, digits.targets, widths=(64,))
    method = nr.methods.Supervised(network, optimizer=partial(Sharpness, lr=0.1, momentum=0.9))
    return nr.fit(method, digits, epochs=epochs, progress=False).best["validation"]["accuracy"]


if __name__ == "__main__":
    print(f"validation accuracy {example():.3f}")
