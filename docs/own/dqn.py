"""Deep Q-learning: the policy feeds its own source (Mnih et al., 2015, doi:10.1038/nature14236, algorithm 1).

An environment has `actions`, `observation() -> inputs of one example`, `act(action) -> (reward, ended)` (it starts
again by itself), `state_dict()` and `load_state_dict(state)`.
"""

import copy
from collections import deque

import torch

import neurarium as nr
from neurarium.core.batches import stack, unstack
from neurarium.data.sources import Stream


class Replay(Stream):
    """A source: the policy acts once per batch, and the batch is drawn from what was seen."""

    def __init__(self, environment, policy, *, length, batch_size=32, capacity=1000, explore=0.3, seed=0):
        super().__init__(self.draw, length, seed=seed)
        self.environment, self.policy, self.explore = environment, policy, explore
        self.memory, self.batch_size = deque(maxlen=capacity), batch_size

    def draw(self, chance):
        now = self.environment.observation()
        with torch.no_grad():
            action = self.policy.eval()(stack([now])).argmax()
        if torch.rand((), generator=chance) < self.explore:
            action = torch.randint(self.environment.actions, (), generator=chance)
        self.policy.train()
        reward, ended = (torch.tensor(float(each)) for each in self.environment.act(int(action)))
        seen = {"now": now, "action": action, "reward": reward, "ended": ended}
        self.memory.append({**seen, "next": self.environment.observation()})
        chosen = torch.randint(len(self.memory), (self.batch_size,), generator=chance)
        return stack([self.memory[index] for index in chosen.tolist()])

    def state_dict(self):
        held = {"memory": stack(list(self.memory)), "environment": self.environment.state_dict()}
        return {**super().state_dict(), **held}

    def load_state_dict(self, state):
        super().load_state_dict(state)
        self.memory.extend(unstack(state["memory"]))
        self.environment.load_state_dict(state["environment"])


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


# -- an example -----------------------------------------------------------------------------------------------


class Corridor:
    """Places in a row; a step beyond the right end earns 1, and the next one starts at the left again."""

    actions, length = 2, 5

    def __init__(self):
        self.place = 0

    def observation(self):
        return torch.nn.functional.one_hot(torch.tensor(self.place), self.length).float()

    def act(self, action):
        self.place = max(self.place + (1 if action else -1), 0)
        ended = self.place == self.length
        self.place = 0 if ended else self.place
        return ended, ended

    def state_dict(self):
        return {"place": self.place}

    def load_state_dict(self, state):
        self.place = state["place"]


def example(steps=500):
    """Learn to walk to the right; return the values of both actions at each place."""
    torch.manual_seed(0)
    method = DQN(torch.nn.Linear(5, 2), learning_rate=0.05, schedule="cosine")
    nr.fit(method, Replay(Corridor(), method.network, length=steps, explore=0.5), epochs=1, progress=False)
    return method.network(torch.eye(5)).detach()


if __name__ == "__main__":
    print(f"value of left and right at each place (true for right: 0.9^4, 0.9^3, ..., 1):\n{example()}")
