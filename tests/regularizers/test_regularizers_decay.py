import torch
from torch import nn
from torch.nn.utils import parametrizations

from neurarium.regularizers import decaying_parameters, is_normalization


def names(network, **options):
    return [name for name, _ in decaying_parameters(network, **options)]


def test_biases_norms_and_vectors_are_exempt():
    class MatrixNorm(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(3, 3))

    network = nn.Sequential(
        nn.Conv2d(3, 4, 3),
        nn.BatchNorm2d(4),
        nn.PReLU(4),
        nn.Flatten(),
        nn.Linear(4, 4),
        nn.LayerNorm((2, 2)),
        MatrixNorm(),
    )
    assert names(network) == ["0.weight", "4.weight"]


def test_recurrent_weights_and_stacked_biases():
    assert names(nn.LSTM(2, 3)) == ["weight_ih_l0", "weight_hh_l0"]
    stacked = nn.Module()
    stacked.weight, stacked.bias = nn.Parameter(torch.ones(2, 3, 4)), nn.Parameter(torch.ones(2, 4))
    assert names(stacked) == ["weight"]


def test_frozen_and_tied_and_parametrized():
    network = nn.ModuleDict({"embedding": nn.Embedding(5, 3), "head": nn.Linear(3, 5)})
    network["head"].weight = network["embedding"].weight
    assert names(network) == ["embedding.weight"]
    assert names(network, embeddings=False) == []
    network["embedding"].weight.requires_grad_(False)
    assert names(network) == []
    assert names(parametrizations.spectral_norm(nn.Linear(3, 3))) == ["parametrizations.weight.original"]


def test_what_is_a_normalization():
    assert is_normalization(nn.InstanceNorm1d(3)) and is_normalization(nn.RMSNorm(3))

    class NormalLinear(nn.Linear):
        pass

    assert not is_normalization(NormalLinear(2, 2))
