import pytest
import torch
from torch.nn import functional

from neurarium.core.errors import OptionError
from neurarium.core.recipe import build, recipe_of
from neurarium.layers import GatedLinear

GATES = {"silu": functional.silu, "gelu": functional.gelu, "sigmoid": torch.sigmoid, "relu": torch.relu}


@pytest.mark.parametrize("name", GATES)
def test_agrees_with_the_equation(name):
    layer, inputs = GatedLinear(4, 6, activation=name), torch.randn(3, 5, 4)
    value = inputs @ layer.value.weight.T + layer.value.bias
    gate = GATES[name](inputs @ layer.gate.weight.T + layer.gate.bias)
    assert torch.allclose(layer(inputs), value * gate, atol=1e-6)


def test_recipe_and_refusal():
    layer = build(recipe_of(GatedLinear(4, 6, bias=False)).to_json())
    assert sum(parameter.numel() for parameter in layer.parameters()) == 48
    with pytest.raises(OptionError, match="silu"):
        GatedLinear(4, 6, activation="silou")
