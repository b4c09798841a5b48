"""Recurrent layers beside their equations in NumPy: values, and gradients by central differences."""

from __future__ import annotations

import numpy
import pytest
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from neurarium.core.errors import OptionError
from neurarium.layers import Recurrent
from neurarium.layers.recurrent import Direction

CASES = {
    "tanh": {"cell": "rnn"},
    "relu": {"cell": "rnn", "activation": "relu"},
    "lstm": {"cell": "lstm"},
    "gru": {"cell": "gru"},
    "gru before": {"cell": "gru", "reset": "before"},
    "gru take": {"cell": "gru", "update": "take"},
    "gru before take": {"cell": "gru", "reset": "before", "update": "take"},
}
MASK = torch.tensor([[True] * 5, [True, True, True, False, False]])


def sigmoid(values):
    return 1 / (1 + numpy.exp(-values))


def by_hand(case, weights, sequence):
    """The states of one sequence `(length, inputs)`, written as in the papers, one step after the other."""
    options = CASES[case]
    w, u, b, c = weights
    width = u.shape[1]
    state, memory, states = numpy.zeros(width), numpy.zeros(width), []
    for x in sequence:
        said, own = w @ x + b, u @ state + c
        if options["cell"] == "rnn":
            state = numpy.maximum(said + own, 0) if "activation" in options else numpy.tanh(said + own)
        elif options["cell"] == "lstm":
            i, f, g, o = numpy.split(said + own, 4)
            memory = sigmoid(f) * memory + sigmoid(i) * numpy.tanh(g)
            state = sigmoid(o) * numpy.tanh(memory)
        else:
            r, z = (
                sigmoid(s + o) for s, o in zip(numpy.split(said, 3)[:2], numpy.split(own, 3)[:2], strict=True)
            )
            if options.get("reset") == "before":
                new = numpy.tanh(said[2 * width :] + u[2 * width :] @ (r * state) + c[2 * width :])
            else:
                new = numpy.tanh(said[2 * width :] + r * own[2 * width :])
            state = (
                (1 - z) * state + z * new if options.get("update") == "take" else z * state + (1 - z) * new
            )
        states.append(state)
    return numpy.stack(states)


def weights_of(direction):
    parts = (
        direction.input.weight,
        direction.recurrent.weight,
        direction.input.bias,
        direction.recurrent.bias,
    )
    return [each.detach().numpy().copy() for each in parts]


@pytest.fixture
def sequence():
    return torch.randn(2, 5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def layers(case, **more):
    torch.manual_seed(1)
    return Recurrent(3, 4, **CASES[case], **more).double()


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("case", CASES)
def test_states_are_those_of_the_equations(case, fused, sequence):
    made = layers(case)
    expected = by_hand(case, weights_of(made.forwards[0]), sequence[0].numpy())
    if fused:
        states = made(sequence, MASK)
    else:
        with sdpa_kernel(SDPBackend.MATH):
            states = made(sequence, MASK)
    numpy.testing.assert_allclose(states[0].detach().numpy(), expected, atol=1e-12)
    short = by_hand(case, weights_of(made.forwards[0]), sequence[1, :3].numpy())
    numpy.testing.assert_allclose(states[1, :3].detach().numpy(), short, atol=1e-12)
    assert (states[1, 3:] == 0).all()
    assert torch.equal(made.last(states, MASK)[1], states[1, 2])


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("case", CASES)
def test_gradients_are_those_of_the_equations(case, fused, sequence):
    made = layers(case)
    weights = weights_of(made.forwards[0])
    direction = numpy.random.default_rng(0).standard_normal((5, 4))
    if fused:
        states = made(sequence[:1], MASK[:1])
    else:
        with sdpa_kernel(SDPBackend.MATH):
            states = made(sequence[:1], MASK[:1])
    (states[0] * torch.from_numpy(direction)).sum().backward()
    held = made.forwards[0]
    found = [held.input.weight, held.recurrent.weight, held.input.bias, held.recurrent.bias]
    step = 1e-6
    for place, parameter in enumerate(found):
        numeric = numpy.zeros_like(weights[place])
        for index in numpy.ndindex(numeric.shape):
            values = []
            for sign in (1, -1):
                moved = [each.copy() for each in weights]
                moved[place][index] += sign * step
                values.append((by_hand(case, moved, sequence[0].numpy()) * direction).sum())
            numeric[index] = (values[0] - values[1]) / (2 * step)
        numpy.testing.assert_allclose(parameter.grad.numpy(), numeric, atol=1e-7)


@pytest.mark.parametrize("case", ["tanh", "lstm", "gru"])
def test_torchs_own_layers_say_the_same(case, sequence):
    made = layers(case, layers=2, bidirectional=True)
    kind = {"tanh": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[case]
    other = kind(3, 4, num_layers=2, bidirectional=True, batch_first=True).double()
    for suffix, stack in (("", made.forwards), ("_reverse", made.backwards)):
        for number, each in enumerate(stack):
            for part, module in (("ih", each.input), ("hh", each.recurrent)):
                getattr(other, f"weight_{part}_l{number}{suffix}").data.copy_(module.weight)
                getattr(other, f"bias_{part}_l{number}{suffix}").data.copy_(module.bias)
    packed = nn.utils.rnn.pack_padded_sequence(sequence, torch.tensor([5, 3]), batch_first=True)
    expected, _ = nn.utils.rnn.pad_packed_sequence(other(packed)[0], batch_first=True)
    torch.testing.assert_close(made(sequence, MASK), expected, atol=1e-12, rtol=0)


def test_the_two_roles_of_the_update_gate_are_one_another_with_its_rows_negated(sequence):
    keep, take = layers("gru"), layers("gru take")
    assert not torch.allclose(keep(sequence, MASK), take(sequence, MASK))
    with torch.no_grad():
        for module in (take.forwards[0].input, take.forwards[0].recurrent):
            module.weight[4:8].neg_()
            module.bias[4:8].neg_()
    torch.testing.assert_close(keep(sequence, MASK), take(sequence, MASK), atol=1e-14, rtol=0)


@pytest.mark.parametrize("case", CASES)
def test_padding_changes_nothing_whatever_it_holds(case, sequence):
    made = layers(case, layers=2, bidirectional=True)
    longer = torch.cat([sequence, torch.full((2, 4, 3), 7.0, dtype=torch.float64)], dim=1)
    longer[1, 3:] = -5
    mask = nn.functional.pad(MASK, (0, 4))
    found, expected = made(longer, mask), made(sequence, MASK)
    torch.testing.assert_close(found[:, :5], expected, atol=1e-12, rtol=0)
    assert (found[:, 5:] == 0).all()
    torch.testing.assert_close(made.last(found, mask), made.last(expected, MASK), atol=1e-12, rtol=0)


def test_the_forget_bias_starts_where_it_is_told():
    made = Recurrent(3, 4, "lstm", forget_bias=2.0).forwards[0]
    assert (made.input.bias[4:8] + made.recurrent.bias[4:8]).tolist() == [2.0] * 4
    assert made.input.bias[:4].abs().max() < 1
    left = Recurrent(3, 4, "lstm", forget_bias=0.0).forwards[0]
    assert left.input.bias[4:8].abs().max() <= 0.5


def test_a_replaced_module_is_called(sequence):
    """A quantizer or an adapter replaces `recurrent`: the fused kernel would not see it."""

    class Doubled(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def forward(self, inputs):
            return 2 * self.inner(inputs)

    made = layers("lstm")
    before = made(sequence, MASK)
    held = made.forwards[0]
    weights = weights_of(held)
    held.recurrent = Doubled(held.recurrent)
    after = made(sequence, MASK)
    expected = by_hand("lstm", [weights[0], 2 * weights[1], weights[2], 2 * weights[3]], sequence[0].numpy())
    numpy.testing.assert_allclose(after[0].detach().numpy(), expected, atol=1e-12)
    assert (after - before).abs().max() > 1e-3


@pytest.mark.parametrize(
    "options", [{"cell": "lstmm"}, {"activation": "gelu"}, {"reset": "never"}, {"update": "z"}, {"layers": 0}]
)
def test_wrong_options_are_typed_errors(options):
    with pytest.raises(OptionError):
        Recurrent(3, 4, **options)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_autocast_keeps_the_fused_kernel(cell, monkeypatch):
    torch.manual_seed(0)
    layer, sequence = Recurrent(12, 16, cell), torch.randn(4, 9, 12)
    mask = torch.ones(4, 9, dtype=torch.bool)
    exact = layer(sequence, mask)
    exact.square().sum().backward()
    wanted = layer.forwards[0].recurrent.weight.grad.clone()
    layer.zero_grad()

    def refuse(*_):
        raise AssertionError("step by step")

    monkeypatch.setattr(Direction, "_stepwise", refuse)
    with torch.autocast("cpu", torch.bfloat16):
        states = layer(sequence, mask)
    states.float().square().sum().backward()
    found = layer.forwards[0].recurrent.weight.grad
    assert states.dtype == torch.bfloat16 and found.dtype == torch.float32
    assert 0 < float((states.float() - exact).abs().max()) < 0.02
    assert float((found - wanted).norm() / wanted.norm()) < 0.03
