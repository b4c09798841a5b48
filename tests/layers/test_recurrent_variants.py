"""minGRU, minLSTM, layer-norm and projected LSTMs beside their equations step by step in NumPy."""

from __future__ import annotations

import numpy
import pytest
import torch

from neurarium.core.errors import OptionError
from neurarium.layers import Recurrent
from neurarium.layers.recurrent_variants import GatedDirection, MinimalDirection
from neurarium.networks import GRU, LSTM


def sigmoid(x):
    return 1 / (1 + numpy.exp(-x))


def positive(x):
    return numpy.where(x >= 0, x + 0.5, sigmoid(x))


def norm(x, layer):
    weight, bias = (each.detach().numpy() for each in (layer.weight, layer.bias))
    return (x - x.mean()) / numpy.sqrt(x.var() + layer.eps) * weight + bias


def made(kind, *options, **more):
    torch.manual_seed(0)
    return kind(*options, **more).double()


def arrays(module, *names):
    return [module.get_parameter(name).detach().numpy() for name in names]


def minimal_by_hand(layer, x):
    weight, bias = arrays(layer, "input.weight", "input.bias")
    state, states = numpy.zeros(layer.width), []
    for step in x:
        parts = numpy.split(weight @ step + bias, 3 if layer.cell == "min-lstm" else 2)
        if layer.cell == "min-gru":
            z = sigmoid(parts[0])
            state = (1 - z) * state + z * positive(parts[1])
        else:
            f, i = sigmoid(parts[0]), sigmoid(parts[1])
            state = f / (f + i) * state + i / (f + i) * positive(parts[2])
        states.append(state)
    return numpy.array(states)


def gated_by_hand(layer, x):
    w, u = arrays(layer, "input.weight", "recurrent.weight")
    normal = layer.cell == "layer-norm-lstm"
    state, memory, states = numpy.zeros(layer.outputs), numpy.zeros(layer.units), []
    for step in x:
        if normal:
            total = norm(w @ step, layer.of_input) + norm(u @ state, layer.of_state)
        else:
            total = w @ step + arrays(layer, "input.bias")[0] + u @ state
        i, f, g, o = numpy.split(total, 4)
        memory = sigmoid(f) * memory + sigmoid(i) * numpy.tanh(g)
        said = sigmoid(o) * numpy.tanh(norm(memory, layer.of_memory) if normal else memory)
        state = said if normal else arrays(layer, "project.weight")[0] @ said
        states.append(state)
    return numpy.array(states)


LAYERS = {
    "min-gru": lambda: made(MinimalDirection, 3, 4, "min-gru"),
    "min-lstm": lambda: made(MinimalDirection, 3, 4, "min-lstm", 1.0),
    "layer-norm-lstm": lambda: made(GatedDirection, 3, 4, "layer-norm-lstm"),
    "projected-lstm": lambda: made(GatedDirection, 3, 6, "projected-lstm", 1.0, 2),
}


@pytest.mark.parametrize("name", LAYERS)
def test_values_are_those_of_the_equations(name):
    layer = LAYERS[name]()
    x = numpy.random.default_rng(0).normal(size=(9, 3))
    expected = (minimal_by_hand if name.startswith("min") else gated_by_hand)(layer, x)
    found = layer(torch.tensor(x)[None])[0].detach().numpy()
    numpy.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("name", LAYERS)
def test_gradients_are_those_of_finite_differences(name):
    layer = LAYERS[name]()
    x = torch.randn(2, 4, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layer, (x,))
    parameters = dict(layer.named_parameters())

    def of(*values):
        return torch.func.functional_call(layer, dict(zip(parameters, values, strict=True)), (x.detach(),))

    assert torch.autograd.gradcheck(of, tuple(parameters.values()))


@pytest.mark.parametrize("name", LAYERS)
def test_reading_on_is_reading_at_once(name):
    layer = LAYERS[name]()
    x = torch.randn(2, 7, 3, dtype=torch.float64)
    states, after = layer.read(x)
    head, carried = layer.read(x[:, :3])
    tail, end = layer.read(x[:, 3:], carried)
    torch.testing.assert_close(torch.cat([head, tail], dim=1), states)
    torch.testing.assert_close(end, after)


@pytest.mark.parametrize("cell", LAYERS)
def test_they_stand_in_stacks_of_both_directions(cell):
    torch.manual_seed(0)
    layers = Recurrent(3, 4, cell, layers=2, bidirectional=True).eval()
    x = torch.randn(2, 5, 3)
    mask = torch.arange(5) < torch.tensor([[5], [3]])
    states = layers(x, mask)
    assert states.shape == (2, 5, layers.outputs) and (states[1, 3:] == 0).all()
    longer = layers(torch.cat([x, torch.randn(2, 4, 3)], dim=1), torch.nn.functional.pad(mask, (0, 4)))
    torch.testing.assert_close(longer[:, :5], states)


def test_networks_take_them_by_an_option():
    tokens = torch.tensor([[5, 2, 0], [7, 0, 0]])
    inputs = {"tokens": tokens, "mask": tokens != 0}
    for network in (
        GRU(3, vocabulary=10, cell="min-gru"),
        LSTM(3, vocabulary=10, cell="min-lstm"),
        LSTM(3, vocabulary=10, cell="layer-norm-lstm"),
        LSTM(3, vocabulary=10, cell="projected-lstm", projection=16, pooling="last"),
    ):
        assert network(inputs).shape == (2, 3)
    assert network.feature_dim == 32
    with pytest.raises(OptionError, match="no projection"):
        LSTM(3, vocabulary=10, projection=16)
    with pytest.raises(OptionError, match="no such cell"):
        Recurrent(3, 4, "max-gru")
