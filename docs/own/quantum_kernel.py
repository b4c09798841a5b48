"""A closed-form learner: ridge regression on the fidelity of quantum states, solved in one step over all examples.

Each number x_j turns one qubit: |x> = (x)_j [cos(x_j / 2), sin(x_j / 2)]. The kernel is the fidelity |<x|y>|^2
(Havlicek et al., 2019, arXiv:1804.11326), the coefficients solve (K + ridge * I) a = y.
"""

import torch

import neurarium as nr
from neurarium.core.errors import ShapeError
from neurarium.data.sources import Whole


@nr.recorded
class FidelityMachine(torch.nn.Module):
    """f(x) = sum_i a_i |<x|x_i>|^2; the support examples x_i and the coefficients are buffers: they are its weights."""

    def __init__(self, features: int, support: int, outputs: int = 1):
        super().__init__()
        self.register_buffer("support", torch.zeros(support, features))
        self.register_buffer("coefficients", torch.zeros(support, outputs))

    def forward(self, inputs):
        if not isinstance(inputs, torch.Tensor) or inputs.shape[1:] != self.support.shape[1:]:
            raise ShapeError("each number turns one qubit", expected=f"(batch, {self.support.shape[1]})")
        return self.fidelity(inputs, self.support) @ self.coefficients

    def fidelity(self, left, right):
        return (self.state(left) @ self.state(right).T).square()

    def state(self, inputs):
        state = inputs.new_ones(len(inputs), 1)
        for angle in inputs.unbind(1):
            qubit = torch.stack([torch.cos(angle / 2), torch.sin(angle / 2)], dim=1)
            state = (state[:, :, None] * qubit[:, None, :]).flatten(1)
        return state


class KernelRidge(nr.Method):
    def __init__(self, network, ridge=1e-3):
        super().__init__()
        self.network, self.ridge = network, ridge

    def source(self, examples, *, device=None, **_):
        return Whole(examples, device=device)

    def step(self, batch):
        kernel = self.network.fidelity(batch["inputs"], batch["inputs"])
        kernel = kernel + self.ridge * torch.eye(len(kernel), device=kernel.device)
        self.network.support.copy_(batch["inputs"])
        self.network.coefficients.copy_(torch.linalg.solve(kernel, batch["targets"]))
        return {"loss": (self.network(batch["inputs"]) - batch["targets"]).square().mean()}


# -- an example -----------------------------------------------------------------------------------------------


def example(count=60):
    """Learn cos(a) sin(b) from examples; return the greatest error on new ones."""
    torch.manual_seed(0)
    inputs, new = 3 * torch.rand(count, 2), 3 * torch.rand(200, 2)
    wave = lambda x: x[:, :1].cos() * x[:, 1:].sin()  # noqa: E731
    method = KernelRidge(FidelityMachine(2, count))
    examples = nr.data.examples.Examples({"inputs": inputs, "targets": wave(inputs)})
    nr.fit(method, method.source(examples), epochs=1, progress=False)
    return (method.network(new) - wave(new)).abs().max().item()


if __name__ == "__main__":
    print(f"greatest error {example():.3f}")
