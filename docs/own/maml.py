"""Model-agnostic meta-learning: weights that learn a new task in a few steps (Finn et al., 2017, arXiv:1703.03400).

An example is a task: {"support": {"inputs", "targets"}, "query": {"inputs", "targets"}}, with one more axis in front.
"""

import torch
from torch import nn
from torch.func import functional_call

import neurarium as nr
from neurarium.core.batches import unstack
from neurarium.data.sources import Stream
from neurarium.training.distributed import alone


class MAML(nr.Method):
    second_order = True

    def __init__(self, network, loss, rate=0.1, inner_steps=1, **descent):
        super().__init__()
        self.network, self.loss, self.rate, self.inner_steps = network, loss, rate, inner_steps
        self.descent = nr.Descent(network, **descent)

    def step(self, batch):
        return self.descent(self.meta_loss, batch)

    def meta_loss(self, tasks):
        with alone():  # the statistics of a task are its own, whatever other ranks do
            losses = [self.loss_at(self.adapted(each["support"]), each["query"]) for each in unstack(tasks)]
        return torch.stack(losses).sum(), len(losses)

    def adapted(self, support):
        """Return the weights after some steps on the support set, differentiable by the weights before them."""
        weights = dict(self.network.named_parameters())
        for _ in range(self.inner_steps):
            loss = self.loss_at(weights, support)
            gradients = torch.autograd.grad(loss, weights.values(), create_graph=True)
            weights = {n: w - self.rate * g for (n, w), g in zip(weights.items(), gradients, strict=True)}
        return weights

    def loss_at(self, weights, batch):
        buffers = {name: each.clone() for name, each in self.network.named_buffers()}  # statistics stay
        outputs = functional_call(self.network, {**weights, **buffers}, batch["inputs"])
        return self.loss(outputs, batch["targets"])


# -- an example -----------------------------------------------------------------------------------------------


def sines(chance, tasks=4, shots=10):
    """Return tasks y = a sin(x + b), each with an a and a b of its own."""
    height, shift = (
        1 + 4 * torch.rand(tasks, 1, 1, generator=chance),
        3 * torch.rand(tasks, 1, 1, generator=chance),
    )
    inputs = 10 * torch.rand(tasks, 2 * shots, 1, generator=chance) - 5
    targets = height * torch.sin(inputs + shift)
    halves = slice(0, shots), slice(shots, None)
    parts = [{"inputs": inputs[:, half], "targets": targets[:, half]} for half in halves]
    return {"support": parts[0], "query": parts[1]}


def example(steps=300):
    """Learn to learn sines; return the loss on new tasks without and with one step of adaptation."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(1, 40), nn.Tanh(), nn.Linear(40, 40), nn.Tanh(), nn.Linear(40, 1))
    method = MAML(network, nn.functional.mse_loss, rate=0.05, inner_steps=1, learning_rate=5e-3)
    nr.fit(method, Stream(sines, steps), epochs=1, progress=False)
    losses, new = [], sines(torch.Generator().manual_seed(9), tasks=50)
    for method.inner_steps in (0, 1):
        total, weight = method.meta_loss(new)
        losses.append(total.item() / weight)
    return losses


if __name__ == "__main__":
    before, after = example()
    print(f"squared error of new tasks: {before:.2f} as it is, {after:.2f} after one step on ten examples")
