"""Federated averaging over any local method (McMahan et al., 2017, arXiv:1602.05629, algorithm 1).

Clients' data stays with them; only weights travel. Ranks share the clients among them.
"""

import torch

import neurarium as nr
from neurarium.core.batches import map_tensors
from neurarium.data.sources import Minibatches
from neurarium.training import distributed


class Rounds:
    """A source: one round per epoch, in which each client of this rank yields its own minibatches."""

    def __init__(self, clients, batch_size=32, seed=0):
        own = list(enumerate(clients))[distributed.rank() :: distributed.world()]
        self.clients = [Minibatches(each, batch_size, seed=seed + n, rank=0, world=1) for n, each in own]
        self.examples, self.round = sum(len(each) for each in clients), 0

    def __len__(self):
        return 1

    def __iter__(self):
        for client in self.clients:
            client.load_state_dict({"epoch": self.round, "position": 0})
        self.round += 1
        yield [(client, len(client.examples) / self.examples) for client in self.clients]

    def state_dict(self):
        return {"round": self.round}

    def load_state_dict(self, state):
        self.round = state["round"]


class FedAvg(nr.Method):
    shardable = False

    def __init__(self, local):
        super().__init__()
        self.local = local

    @property
    def deployed(self):
        return self.local.deployed

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
        mean = map_tensors(distributed.total, mean)
        self.local.load_state_dict(mean, strict=False)
        return {}

    def weights(self):
        return {
            name: each for name, each in self.local.state_dict().items() if isinstance(each, torch.Tensor)
        }

    def begin(self, context):
        self.context = context
        super().begin(context)
