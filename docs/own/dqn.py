"""Deep Q-learning: the policy feeds its own source (Mnih et al., 2015, doi:10.1038/nature14236, algorithm 1).

An environment has `actions`, `observation() -> inputs of one example`, `act(action) -> (reward, ended)` (it starts
again by itself), `state_dict()` and `load_state_dict(state)`.
"""

import copy
from collections import deque

import torch

import neurarium as nr
from neurarium.core import batches


class Replay:
    """A source: the policy acts once per batch, and the batch is drawn from what was seen."""

    def __init__(self, environment, policy, *, length, batch_size=32, capacity=1000, explore=0.3, seed=0):
        self.environment, self.policy, self.length, self.batch_size = environment, policy, length, batch_size
        self.explore, self.memory, self.position = explore, deque(maxlen=capacity), 0
        self.chance = torch.Generator().manual_seed(seed)

    def __len__(self):
        return self.length

    def __iter__(self):
        while self.position < self.length:
            self.position += 1
            self.memory.append(self.experience())
            chosen = torch.randint(len(self.memory), (self.batch_size,), generator=self.chance)
            yield batches.stack([self.memory[index] for index in chosen.tolist()])
        self.position = 0

    @torch.no_grad()
    def experience(self):
        now = self.environment.observation()
        action = self.policy.eval()(batches.stack([now])).argmax()
        if torch.rand((), generator=self.chance) < self.explore:
            action = torch.randint(self.environment.actions, (), generator=self.chance)
        self.policy.train()
        reward, ended = (torch.tensor(float(each)) for each in self.environment.act(int(action)))
        later = self.environment.observation()
        return {"now": now, "action": action, "reward": reward, "ended": ended, "next": later}

    def state_dict(self):
        state = {"position": self.position, "chance": self.chance.get_state()}
        return {**state, "world": self.environment.state_dict(), "memory": batches.stack(list(self.memory))}

    def load_state_dict(self, state):
        self.position, self.memory = (
            state["position"],
            deque(batches.unstack(state["memory"]), self.memory.maxlen),
        )
        self.chance.set_state(state["chance"])
        self.environment.load_state_dict(state["world"])


class DQN(nr.Method):
    def __init__(self, network, discount=0.9, refresh=10, **descent):
        super().__init__()
        self.network, self.discount, self.refresh = network, discount, refresh
        self.target = nr.Frozen(copy.deepcopy(network), carried=True)
        self.descent = nr.Descent(network, **descent)

    def step(self, batch):
        value = self.target(batch["next"]).amax(1)
        goal = batch["reward"] + self.discount * (1 - batch["ended"]) * value
        metrics = self.descent(self.loss, {**batch, "goal": goal.detach()})
        if self.descent.updates % self.refresh == 0:
            self.target.follow(self.network)
        return metrics

    def loss(self, batch):
        taken = self.network(batch["now"]).gather(1, batch["action"][:, None])[:, 0]
        return (taken - batch["goal"]).square().sum(), len(taken)
