import pytest
import torch
from torch import nn

from neurarium.core.errors import OptionError, RefusalError
from neurarium.layers import normalize_spectrum


def test_largest_singular_value_is_one():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 5))
    nn.init.normal_(network[3].weight, std=2.0)
    assert torch.linalg.matrix_norm(network[3].weight, 2) > 10
    assert normalize_spectrum(network, iterations=20) == ["0", "3"]
    for _ in range(5):
        network(torch.randn(2, 3, 8, 8))
    for layer in (network[0], network[3]):
        assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1.0, abs=0.02)
    network.eval()
    left, right = torch.randn(64, 288), torch.randn(64, 288)
    moved = (network[3](left) - network[3](right)).norm(dim=1)
    assert (moved <= 1.02 * (left - right).norm(dim=1)).all()


def test_once_alone_and_not_on_nothing():
    network = nn.Sequential(nn.Linear(2, 2))
    normalize_spectrum(network)
    with pytest.raises(RefusalError, match="no layer"):
        normalize_spectrum(network)
    with pytest.raises(OptionError):
        normalize_spectrum(nn.Linear(2, 2), iterations=0)
