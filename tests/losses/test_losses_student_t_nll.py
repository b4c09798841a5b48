import torch
from torch.nn import functional

from neurarium.losses import StudentTNLL


def test_agrees_with_the_distribution_of_torch():
    outputs, targets = torch.randn(8, 6, dtype=torch.float64), torch.randn(8, 2, dtype=torch.float64)
    loss = StudentTNLL()
    expected = -loss.distribution(outputs).log_prob(targets).mean(-1)
    assert torch.allclose(loss.elementwise(outputs, targets), expected, rtol=0, atol=1e-10)
    first = torch.distributions.StudentT(
        2 + functional.softplus(outputs[:, 2]), outputs[:, 0], functional.softplus(outputs[:, 1]) + 1e-3
    )
    assert torch.allclose(
        -first.log_prob(targets[:, 0]), loss.elementwise(outputs[:, :3], targets[:, 0]), rtol=0, atol=1e-10
    )


def test_many_degrees_are_exact_in_single_precision():
    raw, targets = torch.tensor([[0.0, 1.0, 1e4]]), torch.tensor([0.5])
    single, double = StudentTNLL().mean(raw, targets), StudentTNLL().mean(raw.double(), targets.double())
    assert abs(single.double() - double) < 1e-5
    normal = torch.distributions.Normal(0.0, functional.softplus(torch.tensor(1.0)) + 1e-3)
    assert abs(single + normal.log_prob(targets)) < 1e-3


def test_an_outlier_costs_less_than_under_a_gaussian():
    far = torch.tensor([100.0])
    assert StudentTNLL(degrees=3.0).mean(torch.zeros(1, 2), far) < 25
