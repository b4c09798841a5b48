"""The common contract of networks and runs, on every network of the zoo, and on modules that were never made for it."""

from __future__ import annotations

import copy

import pytest
import torch
import zoo
from torch import nn

import neurarium as nr
from neurarium.core.errors import ArtifactError, NeurariumError, RefusalError
from neurarium.core.recipe import recorded
from neurarium.data.dataset import Dataset
from neurarium.data.examples import Examples
from neurarium.data.sources import Minibatches
from neurarium.data.specs import Array, Classes
from neurarium.methods.supervised import Supervised
from neurarium.training.callbacks.callback import Callback
from neurarium.training.context import Context
from neurarium.training.fitting import fit
from neurarium.training.run import Run

TARGETS = Classes(("a", "b", "c"))


def data(kind: str, *counts: int) -> Dataset:
    splits = [Examples(zoo.batch(kind, count, seed)) for seed, count in enumerate(counts, 1)]
    return Dataset(kind, Array((zoo.FEATURES,)), TARGETS, *splits)


@pytest.mark.parametrize("kind", zoo.KINDS)
def test_it_learns_is_saved_and_reloaded_bitwise(kind, tmp_path):
    method = Supervised(zoo.network(kind), learning_rate=0.05)
    run = fit(method, data(kind, 256, 96), epochs=20, batch_size=32, progress=False, out=tmp_path / "run")
    assert run.best["validation"]["accuracy"] > 0.75  # a guess: 1/3
    inputs = zoo.batch(kind, 20, 9)["inputs"]
    with torch.no_grad():
        assert torch.equal(Run.load(tmp_path / "run").network(inputs), run.network(inputs))


@pytest.mark.parametrize("kind", zoo.KINDS)
def test_it_resumes_bitwise_in_the_middle_of_an_epoch(kind, tmp_path):
    def method() -> Supervised:
        return Supervised(zoo.network(kind), learning_rate=0.03, average=0.9, schedule="cosine")

    def source() -> Minibatches:
        return Minibatches(Examples(zoo.batch(kind, 37)), 8, seed=3)

    def train(method: Supervised, **options):
        method.targets = TARGETS
        fit(method, source(), progress=False, keep="last", **options)

    whole, part, resumed = method(), method(), method()
    train(whole, epochs=2)
    with pytest.raises(Interrupted):  # the schedule knows of two epochs from the beginning
        train(part, epochs=2, out=tmp_path / "run", checkpoint_steps=1, callbacks=[Dies(at=6)])
    train(resumed, epochs=2, out=tmp_path / "run", resume=True)
    for name, each in whole.state_dict().items():
        if isinstance(each, torch.Tensor):
            assert torch.equal(each, resumed.state_dict()[name]), name
    ours, theirs = (each.descent.optimizers[0].state_dict()["state"] for each in (whole, resumed))
    assert all(torch.equal(ours[k]["exp_avg_sq"], theirs[k]["exp_avg_sq"]) for k in ours)


class Interrupted(Exception):
    """Stands for a process that ends without a word."""


class Dies(Callback):
    def __init__(self, at: int):
        self.at = at

    def step(self, loop, metrics):
        if loop.step == self.at:
            raise Interrupted


@pytest.mark.parametrize("kind", ["lstm", "transformer"])
def test_padding_never_changes_a_result(kind):
    """What stands in padded places, and how many there are, changes neither outputs nor gradients."""
    network = zoo.network(kind, dtype=torch.float64)
    inputs = zoo.batch(kind, 8, dtype=torch.float64)["inputs"]
    mask = inputs.get("mask")
    mask = torch.arange(zoo.LENGTH) < inputs["lengths"][:, None] if mask is None else mask
    assert (~mask).any() and mask.any(1).all()

    series = inputs["series"].clone().requires_grad_()
    outputs = network({**inputs, "series": series})
    outputs.square().sum().backward()
    assert (series.grad[~mask] == 0).all() and (series.grad[mask] != 0).any()

    noisy = torch.where(mask[..., None], inputs["series"], torch.full_like(inputs["series"], 1e6))
    assert torch.equal(network({**inputs, "series": noisy}), outputs)

    longer = {**inputs, "series": torch.cat([inputs["series"], torch.ones(8, 3, 3, dtype=torch.float64)], 1)}
    if "mask" in inputs:
        longer["mask"] = torch.cat([mask, torch.zeros(8, 3, dtype=torch.bool)], 1)
    assert torch.allclose(network(longer), outputs, atol=1e-12, rtol=0)


def test_tied_weights_are_one_parameter_for_the_optimizer_and_after_reloading(tmp_path):
    method = Supervised(zoo.network("tied"), learning_rate=0.05)
    run = fit(method, data("tied", 64, 32), epochs=2, batch_size=16, progress=False, out=tmp_path / "run")
    assert [name for name, _ in method.descent.named()].count("first.weight") == 1
    assert "second.weight" not in [name for name, _ in method.descent.named()]
    network = Run.load(tmp_path / "run").network
    assert network.second.weight is network.first.weight
    assert torch.equal(network.first.weight, run.network.first.weight)
    assert not torch.equal(network.first.weight, zoo.network("tied").first.weight)


class Foreign(nn.Module):
    """A user's network that takes two arguments, and knows nothing of us."""

    def __init__(self, width: int):
        super().__init__()
        self.left, self.right = nn.Linear(4, width), nn.Linear(2, width)
        self.head = nn.Linear(width, 3)

    def forward(self, left, right):
        return self.head(torch.tanh(self.left(left) + self.right(right)))


@recorded
class Adapted(nn.Module):
    """The one-line adapter of docs/own/README.md."""

    def __init__(self, width: int = 6):
        super().__init__()
        self.network = Foreign(width)

    def forward(self, inputs):
        return self.network(inputs["left"], inputs["right"])


def plain_function(width: int) -> nn.Module:
    return nn.Sequential(nn.Linear(zoo.FEATURES, width), nn.Tanh(), nn.Linear(width, 3))


@pytest.mark.parametrize(
    ("kind", "build"),
    [("two-inputs", Adapted), ("mlp", lambda: nr.with_recipe(f"{__name__}:plain_function", width=6))],
)
def test_foreign_modules_are_trained_and_reloaded(kind, build, tmp_path):
    method = Supervised(build(), learning_rate=0.05)
    run = fit(method, data(kind, 64, 32), epochs=3, batch_size=16, progress=False, out=tmp_path / "run")
    inputs = zoo.batch(kind, 8, 5)["inputs"]
    with torch.no_grad():
        assert torch.equal(Run.load(tmp_path / "run").network(inputs), run.network(inputs))


def test_a_network_that_does_not_say_how_it_is_built_needs_itself_again(tmp_path):
    method = Supervised(plain_function(6), learning_rate=0.05)
    run = fit(method, data("mlp", 64, 32), epochs=1, batch_size=16, progress=False, out=tmp_path / "run")
    assert any(each.subject == "reloading" and each.choice == "needs network=" for each in run.decisions)
    with pytest.raises(ArtifactError, match="hand the module that was trained"):
        _ = Run.load(tmp_path / "run").network
    network = Run.load(tmp_path / "run", network=plain_function(6)).network
    inputs = zoo.batch("mlp", 8, 5)["inputs"]
    with torch.no_grad():
        assert torch.equal(network(inputs), run.network(inputs))


# ------------------------------------------------------------------------------------------------ the descent


def test_a_loss_that_does_not_depend_on_the_networks_is_an_error():
    descent = nr.Descent(zoo.network("mlp"))
    other = zoo.network("mlp", seed=5)
    for loss in (lambda x: (other(x).sum(), len(x)), lambda x: (x.sum(), len(x))):
        with pytest.raises(NeurariumError, match="no parameter received a gradient"):
            descent(loss, torch.ones(3, zoo.FEATURES))


def test_sharding_without_other_processes_is_refused():
    with pytest.raises(RefusalError, match="no other processes"):
        fit(Supervised(zoo.network("mlp")), data("mlp", 8), epochs=1, shard=True, progress=False)


def test_a_batch_that_counts_nothing_is_named():
    batch = zoo.batch("mlp", 4)
    method = Supervised(zoo.network("mlp"), targets=TARGETS)
    method.begin(Context())
    with pytest.raises(NeurariumError, match="the weights of the batch, whose sum is 0"):
        method.step({**batch, "weights": torch.zeros(4)})


def test_ready_gradients_are_followed_and_clipped():
    line = nn.Linear(2, 1, bias=False)
    nn.init.zeros_(line.weight)
    options = {"optimizer": "sgd", "learning_rate": 0.5, "optimizer_options": {"momentum": 0.0}}
    descent = nr.Descent(line, clip_norm=1.0, **options)
    descent.follow({"weight": torch.tensor([[3.0, 4.0]])})
    assert torch.allclose(line.weight, torch.tensor([[-0.3, -0.4]]))
    assert descent.updates == 1


def test_a_copy_of_a_method_learns_by_itself():
    method = Supervised(zoo.network("mlp"), targets=TARGETS, learning_rate=0.1)
    twin = copy.deepcopy(method)
    before = {name: each.clone() for name, each in method.named_parameters()}
    twin.begin(Context())
    twin.step(zoo.batch("mlp", 8))
    assert all(torch.equal(each, before[name]) for name, each in method.named_parameters())
    assert any(not torch.equal(each, before[name]) for name, each in twin.named_parameters())
    method.load_state_dict(twin.state_dict())
    assert all(torch.equal(a, b) for a, b in zip(method.parameters(), twin.parameters(), strict=True))
