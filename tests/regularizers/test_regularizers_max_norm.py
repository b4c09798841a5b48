import pytest
import torch

from neurarium.core.errors import RefusalError
from neurarium.regularizers import MaxNorm


def test_units_are_projected_onto_the_ball():
    weight = torch.randn(6, 3, 2, 2) * torch.linspace(0.1, 2, 6)[:, None, None, None]
    before = weight.clone()
    MaxNorm(2.0).proximal_(weight, 0.1)
    lengths, were = weight.flatten(1).norm(dim=1), before.flatten(1).norm(dim=1)
    assert torch.allclose(lengths, were.clamp(max=2.0))
    assert torch.equal(weight[were <= 2.0], before[were <= 2.0]) and (were > 2).any() and (were <= 2).any()


def test_it_has_no_penalty():
    with pytest.raises(RefusalError, match="proximal"):
        MaxNorm().penalty([("w", torch.ones(2, 2))])
