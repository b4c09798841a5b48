"""The decoder beside its equations in NumPy, its cache, its start."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neurarium.core.errors import OptionError, RefusalError, ShapeError
from neurarium.data.specs import Classes, NextToken, Table, Tokens
from neurarium.networks import Decoder

LLAMA = {"positions": "rotary", "norm": "rms", "feed_forward": "swiglu", "bias": False, "key_heads": 2}
CASES = {
    "gpt-2": {},
    "llama": LLAMA,
    "window": LLAMA | {"window": 3},
    "waves": {"positions": "sinusoidal", "feed_forward": "geglu", "tie": False},
    "post": {"normalization": "post"},
    "bag": {"positions": "none", "key_heads": 1},
}


def make(**options):
    torch.manual_seed(0)
    network = Decoder(30, **{"context": 16, "width": 16, "blocks": 2, "heads": 4} | options)
    with torch.no_grad():  # off the small start, so that every part counts
        for parameter in network.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return network.double().eval()


def layer_norm(x, layer):
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5) * layer["weight"] + layer["bias"]


def rms_norm(x, layer):
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6) * layer["weight"]


def turned(x):
    """Rotary turns of `(length, heads, dim)`, written pair by pair."""
    found, half = x.copy(), x.shape[2] // 2
    for place in range(len(x)):
        for k in range(half):
            angle = place * 10_000 ** (-2 * k / x.shape[2])
            a, b = x[place, :, k], x[place, :, k + half]
            found[place, :, k] = a * np.cos(angle) - b * np.sin(angle)
            found[place, :, k + half] = a * np.sin(angle) + b * np.cos(angle)
    return found


def by_hand(network, tokens, llama):
    """The logits of one text in plain NumPy, position by position."""
    state = {name: value.numpy() for name, value in network.state_dict().items()}

    def part(name):
        return {
            key.removeprefix(f"{name}."): value for key, value in state.items() if key.startswith(f"{name}.")
        }

    def linear(x, name):
        layer = part(name)
        return x @ layer["weight"].T + layer.get("bias", 0)

    norm = rms_norm if llama else layer_norm
    x = state["embed.weight"][tokens]
    x = x if llama else x + state["positions.table"][: len(tokens)]
    for number in range(len(network.blocks)):
        at, post = f"blocks.{number}", isinstance(network.normalize, torch.nn.Identity)
        first, second = part(f"{at}.normalize_attention"), part(f"{at}.normalize")
        seen = x if post else norm(x, first)
        q, k, v = (
            linear(seen, f"{at}.attention.{name}").reshape(len(x), -1, 4)
            for name in ("query", "key", "value")
        )
        if llama:
            q, k = turned(q), turned(k)
        mixed = np.zeros((len(x), 4, 4))
        for place in range(len(x)):
            for head in range(4):
                group = head * k.shape[1] // 4
                scores = k[: place + 1, group] @ q[place, head] / 2
                weights = np.exp(scores - scores.max())
                mixed[place, head] = weights / weights.sum() @ v[: place + 1, group]
        x = x + linear(mixed.reshape(len(x), 16), f"{at}.attention.out")
        x = norm(x, first) if post else x
        seen = x if post else norm(x, second)
        if llama:
            gate = linear(seen, f"{at}.feed_forward.rise.gate")
            inner = linear(seen, f"{at}.feed_forward.rise.value") * gate / (1 + np.exp(-gate))
        else:
            inner = torch.nn.functional.gelu(
                torch.from_numpy(linear(seen, f"{at}.feed_forward.rise"))
            ).numpy()
        x = x + linear(inner, f"{at}.feed_forward.fall")
        x = norm(x, second) if post else x
    return (x if post else norm(x, part("normalize"))) @ state["embed.weight"].T


@pytest.mark.parametrize("name", ["gpt-2", "llama", "post"])
def test_the_logits_are_those_of_numpy(name):
    network = make(**CASES[name])
    tokens = torch.randint(0, 30, (9,))
    with torch.no_grad():
        found = network({"tokens": tokens[None]})[0].numpy()
    np.testing.assert_allclose(found, by_hand(network, tokens.numpy(), name == "llama"), atol=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_what_follows_changes_nothing_and_the_cache_gives_the_same(name):
    network, tokens = make(**CASES[name]), torch.randint(0, 30, (3, 12))
    whole = network({"tokens": tokens})
    changed = tokens.clone()
    changed[:, 7:] = (changed[:, 7:] + 1) % 30
    assert torch.equal(network({"tokens": changed})[:, :7], whole[:, :7])
    assert (network({"tokens": changed})[:, 7:] - whole[:, 7:]).abs().max() > 1e-3
    cache = network.new_cache(3, 12)
    steps = torch.cat([network.advance(piece, cache) for piece in tokens.split((5, 1, 1, 3, 2), 1)], dim=1)
    torch.testing.assert_close(steps, whole, atol=1e-8, rtol=1e-8)


@pytest.mark.parametrize("name", CASES)
def test_padding_behind_the_text_changes_no_real_position(name):
    network, tokens = make(**CASES[name]), torch.randint(0, 30, (2, 8))
    mask = torch.arange(8) < torch.tensor([[8], [5]])
    padded = network({"tokens": tokens, "mask": mask})
    torch.testing.assert_close(padded[1, :5], network({"tokens": tokens[1:, :5]})[0])
    torch.testing.assert_close(padded[0], network({"tokens": tokens})[0])
    assert torch.isfinite(network({"tokens": tokens, "mask": torch.zeros_like(mask)})).all()


def test_float32_steps_are_the_logits_to_1e_5():
    network, tokens = make(**LLAMA).float(), torch.randint(0, 30, (2, 16))
    cache = network.new_cache(2, 16)
    steps = torch.cat([network.advance(piece, cache) for piece in tokens.split(1, dim=1)], dim=1)
    whole = network({"tokens": tokens})
    assert (steps - whole).abs().max() / whole.abs().max() < 1e-5


def test_the_head_is_the_embedding_where_they_are_tied():
    tied, free = Decoder(30, 16, 16, 2), Decoder(30, 16, 16, 2, tie=False)
    assert tied.head.weight is tied.embed.weight and free.head.weight is not free.embed.weight
    count = [sum(p.numel() for p in each.parameters()) for each in (tied, free)]
    assert count[1] - count[0] == 30 * 16


def test_it_starts_as_gpt_2():
    torch.manual_seed(0)
    network = Decoder(500, width=128, blocks=8)
    assert network.embed.weight.std().item() == pytest.approx(0.02, rel=0.05)
    block = network.blocks[3]
    for module, std in (
        (block.attention.query, 0.02),
        (block.attention.out, 0.005),
        (block.feed_forward.fall, 0.005),
    ):
        assert module.weight.std().item() == pytest.approx(std, rel=0.05) and module.bias.abs().max() == 0
    with torch.no_grad():
        logits = network({"tokens": torch.randint(0, 500, (4, 32))})
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), torch.randint(0, 500, (128,)))
    assert loss.item() == pytest.approx(np.log(500), abs=0.1)


def test_it_learns_a_rule_of_two_positions():
    torch.manual_seed(0)
    network = Decoder(5, context=12, width=32, blocks=2, heads=2)
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    for _ in range(150):
        tokens = torch.randint(0, 5, (32, 2))
        while tokens.shape[1] < 12:  # each token is the sum of the two before it
            tokens = torch.cat([tokens, tokens[:, -2:].sum(1, keepdim=True) % 5], dim=1)
        logits = network({"tokens": tokens[:, :-1]})[:, 1:]
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), tokens[:, 2:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.5  # chance is 1.61


def test_data_sizes_it_and_what_does_not_fit_is_named():
    network = Decoder.for_data(Tokens(30, 9), NextToken(30, 9), width=16, heads=2, blocks=1)
    assert network.vocabulary == 30 and network.context == 9
    with pytest.raises(ShapeError, match="longer"):
        network({"tokens": torch.zeros(1, 10, dtype=torch.int64)})
    with pytest.raises(ShapeError, match="wrong shape"):
        network({"tokens": torch.zeros(10, dtype=torch.int64)})
    with pytest.raises(OptionError, match="longer than the network has positions for"):
        Decoder.for_data(Tokens(30, 9), NextToken(30, 9), context=8)
    assert Decoder.for_data(Tokens(30, 9), NextToken(30, 9), context=8, positions="rotary").context == 8
    with pytest.raises(RefusalError, match="cannot take Table"):
        Decoder.for_data(Table(("a",)), NextToken(30, 9))
    with pytest.raises(RefusalError, match="cannot predict Classes"):
        Decoder.for_data(Tokens(30, 9), Classes(("no", "yes")))
    with pytest.raises(OptionError, match="follows from the data"):
        Decoder.for_data(Tokens(30, 9), NextToken(30, 9), vocabulary=3)
    with pytest.raises(OptionError, match="positions"):
        Decoder(30, positions="absolute")


@pytest.mark.parametrize("name", ["llama", "window"])
def test_second_derivatives_examples_at_once_and_export(name):
    from torch.func import functional_call, grad, vmap
    from torch.nn.attention import SDPBackend, sdpa_kernel

    network, tokens = make(**CASES[name]), torch.randint(0, 30, (3, 8))
    parameters = dict(network.named_parameters())
    with sdpa_kernel(SDPBackend.MATH):
        first = torch.autograd.grad(
            network({"tokens": tokens}).square().sum(), parameters.values(), create_graph=True
        )
        second = torch.autograd.grad(sum(each.square().sum() for each in first), parameters.values())
        assert all(torch.isfinite(each).all() and each.abs().max() > 0 for each in second)

        def loss(weights, example):
            return functional_call(network, weights, ({"tokens": example[None]},)).square().sum()

        weights = {key: value.detach() for key, value in parameters.items()}
        single = vmap(grad(loss), in_dims=(None, 0))(weights, tokens)
    for key, whole in zip(parameters, first, strict=True):
        torch.testing.assert_close(single[key].sum(0), whole.detach(), atol=1e-7, rtol=1e-7, msg=key)
    exported = torch.export.export(network, ({"tokens": tokens},)).module()
    torch.testing.assert_close(exported({"tokens": tokens}), network({"tokens": tokens}))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gpt-2", "window"])
def test_compiled_in_place_it_gives_the_same(name):
    network, tokens = make(**CASES[name]).float(), torch.randint(0, 30, (3, 8))
    expected, names = network({"tokens": tokens}).detach(), list(network.state_dict())
    network.compile()
    torch.testing.assert_close(network({"tokens": tokens}), expected, atol=1e-4, rtol=1e-4)
    assert list(network.state_dict()) == names
