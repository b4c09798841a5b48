"""Federated averaging over any local method (McMahan et al., 2017, arXiv:1602.05629, algorithm 1).

Clients' data stays with them; only weights travel. Ranks share the clients among them.
"""

import torch

import neurarium as nr
from neurarium.core.batches import map_tensors
from neurarium.data.sources import Minibatches, Stream
from neurarium.training import distributed


class Rounds(Stream):
    """A source: an epoch is a round, in which each client of this rank has minibatches of its own."""

    def __init__(self, clients, batch_size=32, seed=0):
        super().__init__(self.round, length=1)
        own = list(enumerate(clients))[distributed.rank() :: distributed.world()]
        self.clients = [Minibatches(each, batch_size, seed=seed + n, rank=0, world=1) for n, each in own]
        self.examples = sum(len(each) for each in clients)

    def round(self, chance):
        for client in self.clients:
            client.load_state_dict({"epoch": self.epoch, "position": 0})
        return [(client, len(client.examples) / self.examples) for client in self.clients]


class FedAvg(nr.Method):
    shardable = False

    def __init__(self, local):
        super().__init__()
        self.local = local

    @property
    def deployed(self):
        return self.local.deployed

    def begin(self, context):
        self.context = context
        super().begin(context)

    def step(self, batch):
        start = {name: each.clone() for name, each in self.weights().items()}
        mean = map_tensors(lambda each: torch.zeros_like(each, dtype=torch.float64), start)
        for client, share in batch:
            self.local.load_state_dict(start, strict=False)
            with distributed.alone():
                self.local.begin(self.context)  # a fresh optimizer per client and round
                for minibatch in client:
                    self.local.step(minibatch)
            mean = {name: mean[name] + share * each.double() for name, each in self.weights().items()}
        self.local.load_state_dict(map_tensors(distributed.total, mean), strict=False)
        return {}

    def weights(self):
        state = self.local.state_dict()
        return {name: each for name, each in state.items() if isinstance(each, torch.Tensor)}


# -- an example -----------------------------------------------------------------------------------------------


def example(rounds=8):
    """Train on digits that ten clients hold, of two classes each; return the accuracy on the test split."""
    digits, each = nr.data.load("digits"), nr.data.load("digits").train
    order = each.targets.argsort(stable=True)
    halves = [half for part in order.chunk(10) for half in part.chunk(2)]
    clients = [each.subset(torch.cat([halves[n], halves[n + 10]])) for n in range(10)]
    network = nr.networks.MLP.for_data(digits.inputs, digits.targets, widths=(64,))
    method = FedAvg(
        nr.methods.Supervised(network, targets=digits.targets, optimizer="sgd", learning_rate=0.05)
    )
    nr.fit(method, Rounds(clients), epochs=rounds, progress=False)
    return (network(digits.test.inputs).argmax(1) == digits.test.targets).float().mean().item()


if __name__ == "__main__":
    print(f"accuracy {example():.3f} of a network that never saw two clients' data in one place")
