"""Model-agnostic meta-learning: weights that learn a new task in a few steps (Finn et al., 2017, arXiv:1703.03400).

An example is a task: {"support": {"inputs", "targets"}, "query": {"inputs", "targets"}}, with one more axis in front.
"""

import torch
from torch.func import functional_call

import neurarium as nr
from neurarium.core.batches import unstack
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
