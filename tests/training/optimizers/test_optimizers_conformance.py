"""All optimizers by name: each descends, each goes on bitwise from a checkpoint, decay spares biases and norms."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from training_helpers import StopAt, descend, difference, examples, network, regression, source

import neurarium as nr
from neurarium.core.errors import OptionError, RefusalError
from neurarium.losses import MeanSquaredError
from neurarium.training.descent import Descent
from neurarium.training.optimizers import TORCH
from neurarium.training.optimizers.building import FUSED, build_optimizers, names, spared, sparse_names

DENSE = [name for name in names() if name != "sparse-adam"]


def embedded(**options):
    """A method with an embedding whose gradients are sparse, and data for it."""
    torch.manual_seed(0)
    table = nn.Sequential(nn.Embedding(10, 4, sparse=True), nn.Flatten(), nn.Linear(8, 1))
    inputs = torch.randint(0, 10, (32, 2), generator=torch.Generator().manual_seed(0))
    batch = {"inputs": inputs, "targets": inputs.float().sum(1, keepdim=True) / 10}
    return nr.methods.Supervised(table, loss=MeanSquaredError(), **options), batch


def test_every_optimizer_of_torch_has_a_name():
    classes = {
        name for name in dir(torch.optim)
        if isinstance(getattr(torch.optim, name), type) and issubclass(getattr(torch.optim, name), torch.optim.Optimizer)
    }  # fmt: skip
    assert classes - {"Optimizer", "Muon"} == set(
        TORCH.values()
    )  # of Muon the house has its own: test_muon.py
    assert "muon" in names()


@pytest.mark.parametrize("name", DENSE)
def test_each_takes_decreasing_steps(name):
    batch = examples(64)[:]
    losses = descend(regression(optimizer=name), batch, 30)
    assert losses[1] < losses[0]
    assert losses[-1] < (0.99 if name == "radam" else 0.95) * losses[0]


@pytest.mark.parametrize("name", DENSE)
def test_each_goes_on_bitwise_from_a_checkpoint(name, tmp_path):
    def trained(out, **options):
        method = regression(optimizer=name, schedule="cosine", dropout=0.2)
        return nr.fit(method, source(), steps=9, out=out, progress=False, checkpoint_steps=3, **options)

    whole = trained(None)
    broken = trained(tmp_path / "run", callbacks=[StopAt(5)])
    assert difference(whole.method.state_dict(), broken.method.state_dict()) is not None
    resumed = trained(tmp_path / "run", resume=True)
    assert difference(whole.method.state_dict(), resumed.method.state_dict()) is None


@pytest.mark.parametrize("name", ["adam", "lbfgs", "muon", "sam"])
def test_state_survives_the_codec_without_fit(name, tmp_path):
    batch = examples(32)[:]
    method, other = regression(optimizer=name), regression(seed=5, optimizer=name)
    descend(method, batch, 4)
    nr.core.codec.save_tree(tmp_path / "state", dict(method.state_dict()))
    other.load_state_dict(nr.core.codec.load_tree(tmp_path / "state"))
    assert descend(method, batch, 3) == descend(other, batch, 3)
    assert difference(method.state_dict(), other.state_dict()) is None


@pytest.mark.parametrize("name", DENSE)
def test_fused_kernels_are_used_where_they_exist(name):
    method = regression(optimizer=name)
    method.descent.begin()
    fused = [group.get("fused") for each in method.descent.optimizers for group in each.param_groups]
    assert all(fused) if name in FUSED else fused[0] is None


def test_fused_and_plain_adam_agree():
    batch = examples(64)[:]
    fused, plain = (
        regression(optimizer="adam", optimizer_options=options)
        for options in ({}, {"fused": False, "foreach": False})
    )
    for one, two in zip(descend(fused, batch, 20), descend(plain, batch, 20), strict=True):
        assert one == pytest.approx(two, rel=1e-5)


def test_adamw_takes_the_step_of_the_paper():
    weight = nn.Parameter(torch.tensor([[2.0, -3.0]], dtype=torch.float64))
    holder = nn.Module()
    holder.weight = weight
    descent = Descent(holder, optimizer="adamw", learning_rate=0.1, weight_decay=0.5)
    descent.follow([torch.tensor([[0.3, 0.3]], dtype=torch.float64)])
    # decoupled decay (arXiv:1711.05101, algorithm 2), then a step of one rate along the sign
    assert torch.allclose(
        weight, torch.tensor([[2.0, -3.0]], dtype=torch.float64) * (1 - 0.1 * 0.5) - 0.1, atol=1e-7
    )


def test_weight_decay_spares_biases_and_norms():
    torch.manual_seed(0)
    body = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm((2, 4)), nn.Linear(4, 2))
    holder = nn.Module()
    holder.body, holder.member_bias = body, nn.Parameter(torch.ones(2, 3))
    with torch.no_grad():
        for each in holder.parameters():
            each.fill_(1.0)
    descent = Descent(
        holder, optimizer="sgd", learning_rate=0.1, weight_decay=0.5, optimizer_options={"momentum": 0.0}
    )
    descent.begin()
    descent.follow([torch.zeros_like(each) for each in holder.parameters()])
    found = {name: each.unique().item() for name, each in holder.named_parameters()}
    assert found == pytest.approx(
        {
            "member_bias": 1.0,
            "body.0.weight": 0.95,
            "body.0.bias": 1.0,
            "body.1.weight": 1.0,  # a norm over two axes: its weight has two axes, and is spared all the same
            "body.1.bias": 1.0,
            "body.2.weight": 0.95,
            "body.2.bias": 1.0,
        }
    )


def test_all_is_decayed_when_a_partial_says_so():
    method = regression(optimizer=lambda parameters: torch.optim.SGD(parameters, lr=0.1, weight_decay=0.5))
    before = [each.detach().clone() for each in method.parameters()]
    method.descent.follow([torch.zeros_like(each) for each in method.parameters()])
    assert all(
        torch.allclose(each, 0.95 * old) for each, old in zip(method.parameters(), before, strict=True)
    )


def test_muon_takes_the_matrices_and_adamw_the_rest():
    method = regression(optimizer="muon", learning_rate=0.02)
    method.descent.begin()
    muon, adamw = method.descent.optimizers
    assert [p.ndim for group in muon.param_groups for p in group["params"]] == [2, 2]
    assert [p.ndim for group in adamw.param_groups for p in group["params"]] == [1, 1]
    assert (muon.param_groups[0]["lr"], adamw.param_groups[0]["lr"]) == (0.02, pytest.approx(0.003))


def test_sparse_adam_moves_the_rows_that_were_seen_and_adamw_the_rest():
    method, batch = embedded(optimizer="sparse-adam", learning_rate=1e-2)
    batch["inputs"] %= 5
    table = method.network[0].weight.detach().clone()
    losses = descend(method, batch, 50)
    moved = (method.network[0].weight != table).any(dim=1)
    assert moved.tolist() == [True] * 5 + [False] * 5
    assert losses[-1] < 0.5 * losses[0]
    assert [type(each).__name__ for each in method.descent.optimizers] == ["SparseAdam", "AdamW"]


@pytest.mark.parametrize("name", ["sgd", "adagrad"])
def test_others_that_follow_sparse_gradients(name):
    method, batch = embedded(optimizer=name, learning_rate=1e-2, accumulate=2)
    losses = descend(method, batch, 30)
    assert losses[-1] < 0.9 * losses[0]


def test_sparse_gradients_are_refused_by_name_where_they_cannot_be():
    with pytest.raises(RefusalError, match="no parameter has such"):
        regression(optimizer="sparse-adam").descent.begin()
    method, _ = embedded(optimizer="adam")
    with pytest.raises(RefusalError, match="'adam' cannot follow sparse gradients"):
        method.descent.begin()
    method, _ = embedded(optimizer="sparse-adam", clip_norm=1.0)
    with pytest.raises(RefusalError, match="neither clipped nor scaled"):
        method.descent.begin()


def test_names_are_found_by_module():
    body = nn.Sequential(nn.Embedding(3, 2, sparse=True), nn.BatchNorm1d(2), nn.Linear(2, 2))
    named = list(body.named_parameters())
    assert sparse_names([body], named) == {"0.weight"}
    assert spared([body], named) == {"1.weight", "1.bias", "2.bias"}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"optimizer": "adma"}, "did you mean 'adam"),
        ({"optimizer": "adam", "optimizer_options": {"beta": 1}}, "betas"),
        ({"optimizer": "rprop", "weight_decay": 0.1}, "weight_decay"),
        ({"optimizer": "sgd", "learning_rate": 0.0}, "above 0"),
        ({"optimizer": "sam", "optimizer_options": {"radius": 0.0}}, "above 0"),
    ],
)
def test_what_cannot_be_is_refused(options, told):
    with pytest.raises(OptionError, match=told):
        regression(**options).descent.begin()


def test_a_rate_is_needed_for_nothing():
    for name in DENSE:
        built = build_optimizers(name, list(network().named_parameters()))
        assert all(group["lr"] > 0 for each in built for group in each.param_groups)
