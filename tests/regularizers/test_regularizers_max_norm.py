import pytest
import torch

import neurarium as nr
from neurarium.core.errors import OptionError, RefusalError
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


def test_a_training_bounds_what_is_named_and_nothing_else():
    digits = nr.data.load("digits")

    def norms(**options):
        torch.manual_seed(0)
        network = nr.networks.MLP.for_data(digits.inputs, digits.targets, widths=(32,))
        method = nr.methods.Supervised(
            network, optimizer="sgd", learning_rate=1.0, regularizer="max-norm", regularizer_options={"limit": 1.0}, **options
        )  # fmt: skip
        nr.fit(method, digits, steps=100, progress=False)
        return {
            name: float(weight.detach().norm(dim=1).max())
            for name, weight in network.named_parameters()
            if weight.ndim == 2
        }

    everything = norms()
    assert len(everything) == 2 and max(everything.values()) <= 1 + 1e-6
    *others, head = everything
    named = norms(regularized=(head.rpartition(".")[0],))
    assert named[head] <= 1 + 1e-6 and min(named[each] for each in others) > 1.2
    with pytest.raises(OptionError, match="regularized weight's name 'heed'"):
        norms(regularized=("heed",))
