"""LoRA: what is held stays bitwise, what is learned is counted, merging gives the same, a run is rebuilt from its plan."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

import neurarium as nr
from neurarium.core.errors import OptionError, RefusalError
from neurarium.core.recipe import build, recipe_of
from neurarium.data.specs import Classes, Image, Series, Table, Tokens
from neurarium.transforms import LoRA, LowRankLinear, merge, transform

NETWORKS = {
    "mlp": (lambda: nr.networks.MLP(5, 3, widths=(8, 8)), torch.randn(6, 5)),
    "transformer": (
        lambda: nr.networks.Transformer.for_data(Tokens(30, 7), Classes(("a", "b", "c")), width=8, heads=2),
        {"tokens": torch.randint(1, 30, (6, 7)), "mask": torch.ones(6, 7, dtype=torch.bool)},
    ),
    "bert": (
        lambda: nr.networks.BERT(3, 30, width=8, heads=2, blocks=1),
        {"tokens": torch.randint(1, 30, (6, 7)), "mask": torch.ones(6, 7, dtype=torch.bool)},
    ),
    "decoder": (
        lambda: nr.networks.Decoder(30, 8, 8, 2, 2, feed_forward="swiglu", positions="rotary"),
        {"tokens": torch.randint(1, 30, (6, 7))},
    ),
    "lstm": (
        lambda: nr.networks.LSTM.for_data(Series(3, 7), Classes(("a", "b", "c")), width=5, embedding=4),
        {"series": torch.randn(6, 7, 3), "lengths": torch.tensor([7, 3, 1, 5, 2, 7])},
    ),
    "vit": (
        lambda: nr.networks.ViT.for_data(Image(3, 8, 8), Classes(("a", "b", "c")), width=8, heads=2, blocks=1),
        torch.randn(6, 3, 8, 8),
    ),
    "ft-transformer": (
        lambda: nr.networks.FTTransformer.for_data(Table(("a", "b")), Classes(("a", "b", "c")), width=8, heads=2),
        {"numeric": torch.randn(6, 2)},
    ),
}  # fmt: skip


def made(name, **options):
    torch.manual_seed(0)
    network, inputs = NETWORKS[name]
    network = network().eval()
    return network, transform(network, LoRA(**{"rank": 2, **options})), inputs


def learned(network):
    return {name: each for name, each in network.named_parameters() if each.requires_grad}


def stepped(network, inputs, count=3):
    """Train some steps on a fixed loss; return the state before."""
    before = copy.deepcopy(network.state_dict())
    optimizer = torch.optim.AdamW([p for p in network.parameters()], lr=0.05, weight_decay=0.5)
    network.train()
    for _ in range(count):
        optimizer.zero_grad()
        network(inputs).square().mean().backward()
        optimizer.step()
    network.eval()
    return before


@pytest.mark.parametrize("name", NETWORKS)
def test_nothing_changes_at_first_and_the_base_never(name):
    network, adapted, inputs = made(name)
    with torch.no_grad():
        start = network(inputs)
        torch.testing.assert_close(adapted(inputs), start, atol=1e-5, rtol=1e-5)
    before = stepped(adapted, inputs)
    moved = {key for key, value in adapted.state_dict().items() if not torch.equal(value, before[key])}
    assert moved and moved <= set(learned(adapted))
    assert any(key.endswith(".up") for key in moved)
    assert (adapted(inputs) - start).abs().max() > 1e-4
    original = network.state_dict()
    for key, value in adapted.state_dict().items():  # bitwise those of the network that was adapted
        if key not in learned(adapted) and not key.endswith((".down", ".up")):
            assert torch.equal(value, original[key.replace(".base.", ".")]), key


@pytest.mark.parametrize("name", NETWORKS)
def test_merged_it_is_the_network_it_was_with_the_same_outputs(name):
    network, adapted, inputs = made(name)
    stepped(adapted, inputs)
    merged = merge(adapted)
    with torch.no_grad():
        torch.testing.assert_close(merged(inputs), adapted(inputs), atol=1e-5, rtol=1e-4)
    assert set(merged.state_dict()) == set(network.state_dict())
    assert recipe_of(merged).to_json() == recipe_of(network).to_json()
    assert all(each.requires_grad for each in merged.parameters())
    assert merge(network) is network


def test_the_count_is_rank_times_inputs_and_outputs():
    _, adapted, _ = made("mlp", rank=3)
    # 5 -> 8 and 8 -> 8 are adapted, the head 8 -> 3 is learned as a whole
    assert sum(p.numel() for p in learned(adapted).values()) == 3 * (5 + 8) + 3 * (8 + 8) + 8 * 3 + 3
    _, adapted, _ = made("bert", modules=("*.query", "*.value"), learned=())
    assert set(learned(adapted)) == {f"blocks.0.attention.{each}.{part}" for each in ("query", "value") for part in ("down", "up")}  # fmt: skip
    assert sum(p.numel() for p in learned(adapted).values()) == 2 * 2 * (8 + 8)


def test_tied_heads_are_left_alone():
    network, adapted, _ = made("decoder")
    assert not any(name.startswith(("head", "embed")) for name in learned(adapted))
    assert adapted.head.weight is adapted.embed.weight
    with pytest.raises(RefusalError, match="shared with another layer"):
        transform(network, LoRA(modules=("head",)))
    with pytest.raises(RefusalError, match="shared with another layer"):
        transform(network, LoRA(learned=("embed",)))


def test_the_equation_is_the_papers():
    torch.manual_seed(0)
    layer = LowRankLinear(nn.Linear(4, 3), rank=2, alpha=6.0)
    nn.init.normal_(layer.up)
    inputs = torch.randn(5, 4)
    expected = inputs @ (layer.base.weight + 3 * layer.up @ layer.down).T + layer.base.bias
    torch.testing.assert_close(layer(inputs), expected)
    torch.testing.assert_close(layer.merged()(inputs), expected)


def test_recipe_and_plan_rebuild_it_bitwise():
    _, adapted, inputs = made("lstm")
    stepped(adapted, inputs)
    again = build(recipe_of(adapted).to_json()).eval()
    assert [type(each) for each in again.modules()] == [type(each) for each in adapted.modules()]
    assert set(learned(again)) == set(learned(adapted))
    again.load_state_dict(adapted.state_dict())
    assert torch.equal(again(inputs), adapted(inputs))


def test_the_start_depends_on_the_seed_alone():
    downs = [made("mlp", seed=seed)[1].body[0].down for seed in (0, 0, 1)]
    assert torch.equal(downs[0], downs[1]) and not torch.equal(downs[0], downs[2])


def test_running_statistics_of_held_norms_stay():
    network = nr.networks.MLP(5, 3, widths=(8,), normalization="batch")
    adapted = transform(network, LoRA(rank=2))
    before = stepped(adapted, torch.randn(16, 5) + 3)
    still = [key for key in before if "running" in key]
    assert still and all(torch.equal(adapted.state_dict()[key], before[key]) for key in still)


def test_a_shared_layer_is_exchanged_wherever_it_stands():
    shared = nn.Linear(3, 3)
    network = nn.ModuleDict({"one": shared, "two": nn.Sequential(shared)})
    adapted = transform(network, LoRA(rank=1))
    assert adapted["one"] is adapted["two"][0] and isinstance(adapted["one"], LowRankLinear)


def test_what_cannot_be_adapted_is_named():
    with pytest.raises(OptionError, match="too low a rank"):
        LoRA(rank=0)
    network, _, _ = made("bert")
    with pytest.raises(OptionError, match=r"(?s)'\*quory' matches no linear layer.*did you mean '\*query'"):
        transform(network, LoRA(modules=("*quory",)))
    with pytest.raises(OptionError, match=r"(?s)no part 'haed'.*did you mean 'head'"):
        transform(network, LoRA(learned=("haed",)))
    with pytest.raises(RefusalError, match=r"(?s)no linear layer.*MultiheadAttention"):
        transform(nn.MultiheadAttention(4, 2), LoRA())
    with pytest.raises(RefusalError, match="no linear layer"):
        transform(nr.networks.SmallCNN(1, 2, widths=(4,)), LoRA())


@pytest.mark.parametrize("name", ["bert", "mlp"])
def test_second_derivatives_and_examples_at_once(name):
    from torch.func import functional_call, grad, vmap
    from torch.nn.attention import SDPBackend, sdpa_kernel

    _, adapted, inputs = made(name)
    for each in adapted.modules():
        if isinstance(each, LowRankLinear):
            nn.init.normal_(each.up)
    chosen = learned(adapted)
    with sdpa_kernel(SDPBackend.MATH):
        first = torch.autograd.grad(adapted(inputs).square().sum(), list(chosen.values()), create_graph=True)
        sum(each.square().sum() for each in first).backward()
        assert all(torch.isfinite(each.grad).all() for each in chosen.values() if each.grad is not None)

        def loss(parameters, example):
            one = (
                {key: value[None] for key, value in example.items()}
                if isinstance(example, dict)
                else example[None]
            )
            return functional_call(adapted, parameters, (one,)).square().sum()

        detached = {key: value.detach() for key, value in chosen.items()}
        each = vmap(grad(loss), in_dims=(None, 0))(detached, inputs)
    for (key, value), whole in zip(each.items(), first, strict=True):
        torch.testing.assert_close(value.sum(0), whole.detach(), atol=1e-4, rtol=1e-3, msg=key)


@pytest.mark.slow
def test_compiled_in_place_it_gives_the_same_and_keeps_its_names():
    _, adapted, inputs = made("bert")
    expected, names = adapted(inputs).detach(), list(adapted.state_dict())
    adapted.compile()
    torch.testing.assert_close(adapted(inputs), expected, atol=1e-5, rtol=1e-4)
    assert list(adapted.state_dict()) == names
