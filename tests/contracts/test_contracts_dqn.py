"""DQN: the policy feeds its own source, whose memory is part of the state that a run resumes from."""

from __future__ import annotations

import pytest
import torch
import zoo
from dqn import DQN, Replay
from torch import nn

from neurarium.core import batches
from neurarium.training.fitting import fit

STATES, DISCOUNT = 4, 0.8


class Chain:
    """States in a row: left, right. A step beyond the right end earns 1 and ends; each other step costs nothing."""

    actions = 2

    def __init__(self):
        self.place = 0

    def observation(self):
        return torch.tensor(self.place)

    def act(self, action: int) -> tuple[float, bool]:
        self.place = max(self.place + (1 if action else -1), 0)
        ended = self.place == STATES
        self.place = 0 if ended else self.place
        return float(ended), ended

    def state_dict(self):
        return {"place": self.place}

    def load_state_dict(self, state):
        self.place = state["place"]


class Shown(nn.Module):
    """Show a place of the chain to a network of the zoo as the inputs that stand for it."""

    def __init__(self, kind: str):
        super().__init__()
        self.network = zoo.network(kind, outputs=2)
        self.pictures = zoo.batch(kind, STATES, seed=4)["inputs"]

    def forward(self, places: torch.Tensor) -> torch.Tensor:
        return self.network(batches.take(self.pictures, places))


def optimum() -> torch.Tensor:
    """Return the values of all states by value iteration."""
    values = torch.zeros(STATES)
    for _ in range(100):
        right = torch.cat([DISCOUNT * values[1:], torch.ones(1)])
        left = DISCOUNT * torch.cat([values[:1], values[:-1]])
        values = torch.maximum(left, right)
    return values


def make(kind: str, length: int) -> tuple[DQN, Replay]:
    method = DQN(Shown(kind), discount=DISCOUNT, optimizer="adam", learning_rate=0.02)
    return method, Replay(Chain(), method.network, length=length, batch_size=24, explore=0.7)


@pytest.mark.parametrize("kind", zoo.KINDS)
def test_values_become_those_of_value_iteration(kind):
    method, source = make(kind, 300)
    fit(method, source, epochs=1, progress=False)
    with torch.no_grad():
        values = method.network.eval()(torch.arange(STATES))
    assert torch.equal(values.argmax(1), torch.ones(STATES, dtype=torch.int64))  # always to the right
    assert float((values.amax(1) - optimum()).abs().max()) < 0.15


@pytest.mark.parametrize("kind", ["mlp", "cnn"])
def test_it_resumes_with_its_memory_bitwise(kind, tmp_path):
    whole, source = make(kind, 40)
    fit(whole, source, epochs=1, progress=False)

    part, begun = make(kind, 40)
    fit(part, begun, steps=25, progress=False, out=tmp_path / "run")
    resumed, later = make(kind, 40)
    fit(resumed, later, epochs=1, progress=False, out=tmp_path / "run", resume=True)

    assert len(later.memory) == len(source.memory) == 40
    for a, b in zip(later.memory, source.memory, strict=True):
        assert all(torch.equal(a[name], b[name]) for name in a)
    for name, each in whole.state_dict().items():
        if isinstance(each, torch.Tensor):
            assert torch.equal(each, resumed.state_dict()[name]), name


def test_target_follows_at_its_pace_and_stays_in_eval_mode():
    method, source = make("cnn", 40)
    start = method.target.fingerprint()
    for number, batch in enumerate(source, 1):
        method.train()
        method.step(batch)
        assert not method.target.network.training
        if number < method.refresh:
            assert method.target.fingerprint() == start
        if number == method.refresh:
            assert method.target.fingerprint() != start
            held, current = method.target.network.state_dict(), method.network.state_dict()
            assert all(torch.equal(held[name], current[name]) for name in current)
            break
