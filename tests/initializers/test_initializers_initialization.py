import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from neurarium.core.errors import OptionError
from neurarium.initializers import Constant, Gaussian, HeNormal, Orthogonal, initialize


def test_gates_of_recurrent_layers_are_matrices_of_their_own():
    for kind, gates in ((nn.LSTM, 4), (nn.GRU, 3), (nn.RNN, 1)):
        layer = kind(10, 12)
        initialize(layer, "orthogonal")
        for gate in layer.weight_hh_l0.detach().chunk(gates):
            assert torch.allclose(gate @ gate.T, torch.eye(12), atol=1e-5)
        initialize(layer, "glorot-normal")
        assert layer.weight_ih_l0.std().item() == pytest.approx((2 / 22) ** 0.5, rel=0.15)
        assert (layer.bias_ih_l0 == 0).all()
    cell = nn.LSTMCell(10, 12)
    initialize(cell, "orthogonal")
    assert torch.allclose(cell.weight_hh[:12] @ cell.weight_hh[:12].T, torch.eye(12), atol=1e-5)


def test_fans_of_groups_and_of_transposed_convolutions():
    grouped, transposed = nn.Conv1d(64, 64, 5, groups=64), nn.ConvTranspose1d(400, 64, 2)
    initialize(grouped, "lecun-normal")
    initialize(transposed, "lecun-normal")
    assert grouped.weight.std().item() == pytest.approx((1 / 5) ** 0.5, rel=0.1)
    assert transposed.weight.std().item() == pytest.approx((1 / 800) ** 0.5, rel=0.05)


def test_embeddings_have_one_active_input_and_keep_their_padding():
    embedding = nn.Embedding(200, 50, padding_idx=3)
    initialize(embedding, "lecun-normal")
    assert embedding.weight.std().item() == pytest.approx(1.0, rel=0.05)
    assert (embedding.weight[3] == 0).all()


def test_projections_of_torch_attention_and_stacks_of_matrices():
    attention = nn.MultiheadAttention(32, 4)
    initialize(attention, "orthogonal")
    for part in attention.in_proj_weight.detach().chunk(3):
        assert torch.allclose(part @ part.T, torch.eye(32), atol=1e-5)

    class StackedLinear(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(5, 400, 10))

    stacked = StackedLinear()
    initialize(stacked, "lecun-normal")
    assert stacked.weight.std().item() == pytest.approx((1 / 400) ** 0.5, rel=0.05)


def test_norms_and_raw_parameters_are_left_alone():
    class Scale(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.full((3, 4), 7.0))

    network = nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4), nn.BatchNorm1d(4), nn.PReLU(), Scale())
    assert initialize(network, "zeros") == ["0.weight", "0.bias"]
    assert (
        (network[1].weight == 1).all()
        and (network[3].weight == 0.25).all()
        and (network[4].weight == 7).all()
    )


def test_patterns_first_match_decides():
    network = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4), nn.LayerNorm(4))
    before = network[1].bias.clone()
    touched = initialize(network, {"1.bias": None, "0.*": Constant(3.0), "*.weight": "zeros"})
    assert touched == ["0.weight", "0.bias", "1.weight", "2.weight"]
    assert (network[0].weight == 3).all() and (network[0].bias == 3).all() and (network[1].weight == 0).all()
    assert torch.equal(network[1].bias, before)


def test_values_follow_from_name_and_seed_alone():
    small, large = nn.Sequential(nn.Linear(4, 4)), nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    state = torch.get_rng_state()
    initialize(small, HeNormal(), seed=5)
    initialize(large, HeNormal(), seed=5)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(small[0].weight, large[0].weight)
    assert not torch.equal(large[0].weight, large[1].weight)
    initialize(small, HeNormal(), seed=6)
    assert not torch.equal(small[0].weight, large[0].weight)


def test_biases_may_stay():
    layer = nn.Linear(3, 3)
    before = layer.bias.clone()
    assert initialize(layer, "he-normal", biases=None) == ["weight"]
    assert torch.equal(layer.bias, before)


def test_tied_weights_are_filled_once_and_parametrized_ones_below():
    tied = nn.ModuleDict({"embedding": nn.Embedding(9, 4), "head": nn.Linear(4, 9, bias=False)})
    tied["head"].weight = tied["embedding"].weight
    assert initialize(tied, Gaussian(0.5)) == ["embedding.weight"]
    layer = parametrizations.spectral_norm(nn.Linear(6, 6))
    assert "parametrizations.weight.original" in initialize(layer, Orthogonal(gain=3.0))
    original = layer.parametrizations.weight.original
    assert torch.allclose(original @ original.T, 9 * torch.eye(6), atol=1e-4)


def test_refusals():
    network = nn.Sequential(nn.Linear(2, 2))
    with pytest.raises(OptionError, match=r"did you mean '0\.weight'"):
        initialize(network, {"0.weigth": "zeros"})
    with pytest.raises(OptionError, match="he-normal"):
        initialize(network, "he-norml")
