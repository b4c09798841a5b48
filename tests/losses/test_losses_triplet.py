import pytest
import torch
from torch.nn import functional

from neurarium.core.errors import OptionError
from neurarium.losses import Triplet


def test_agrees_with_torch():
    triplets = torch.randn(9, 3, 4, dtype=torch.float64)
    expected = functional.triplet_margin_with_distance_loss(
        *triplets.unbind(1), margin=0.8, distance_function=lambda a, b: (a - b).norm(dim=1)
    )
    assert torch.allclose(Triplet(0.8).mean(triplets), expected, rtol=0, atol=1e-10)


def test_squared_distances_are_those_of_the_paper():
    triplets = torch.randn(9, 3, 4, dtype=torch.float64)
    anchor, positive, negative = triplets.unbind(1)
    expected = (0.2 + ((anchor - positive) ** 2).sum(1) - ((anchor - negative) ** 2).sum(1)).clamp(min=0)
    assert torch.allclose(Triplet(0.2, squared=True).elementwise(triplets), expected, rtol=0, atol=1e-10)
    with pytest.raises(OptionError):
        Triplet(0.0)
