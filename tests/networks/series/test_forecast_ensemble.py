"""ForecastEnsemble: the mean of its members, each of which gets the gradient of its own loss; quantiles and Gaussians too."""

import pytest
import torch

import neurarium as nr
from neurarium.core.errors import OptionError
from neurarium.data.specs import Horizon
from neurarium.networks import DLinear, ForecastEnsemble


def test_it_says_the_mean_of_its_members():
    torch.manual_seed(0)
    network, x = ForecastEnsemble(2, 12, 5, members=("dlinear", "nlinear", "n-beats")), torch.randn(3, 12, 2)
    each = torch.stack([member({"series": x}) for member in network.networks])
    torch.testing.assert_close(network({"series": x}), each.mean(dim=0))
    assert network.ensemble_size == 3 and each.std(dim=0).min() > 0


def test_each_member_learns_by_its_own_loss():
    torch.manual_seed(0)
    batch = {"inputs": {"series": torch.randn(8, 12, 2)}, "targets": torch.randn(8, 5, 2)}
    network = ForecastEnsemble(2, 12, 5, members=("dlinear", "nlinear"))
    alone = DLinear(2, 12, 5)
    alone.load_state_dict(network.networks[0].state_dict())
    gradients = []
    for each, part in ((network, network.networks[0]), (alone, alone)):
        method = nr.methods.Supervised(each, loss="mean-squared-error", targets=Horizon(("a", "b"), 5))
        method.loss = nr.losses.MeanSquaredError()
        total, weight = method.total_loss(batch)
        (total / weight).backward()
        gradients.append(part.trend.each[0].weight.grad)
    torch.testing.assert_close(gradients[0], gradients[1] / 2)  # one of two: their mean is what is minimized


def test_a_gaussian_has_the_moments_of_the_mixture():
    torch.manual_seed(0)
    network, x = ForecastEnsemble(1, 12, 3, distribution="gaussian"), torch.randn(2, 12, 1)
    members = network.members({"series": x})
    means = members[..., 0]
    torch.testing.assert_close(network({"series": x})[..., 0], means.mean(dim=1))


@pytest.mark.parametrize("members", [(), ("mlp",)])
def test_what_is_no_forecaster_is_refused(members):
    with pytest.raises(OptionError, match="forecasting networks"):
        ForecastEnsemble(2, 12, 5, members=members)
