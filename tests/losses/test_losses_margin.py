"""The margin loss against its equation in NumPy."""

from __future__ import annotations

import numpy
import pytest
import torch

from neurarium.core.errors import OptionError
from neurarium.data.specs import Classes
from neurarium.losses import Margin, loss_for


def by_equation(lengths, present, upper=0.9, lower=0.1, absent=0.5):
    return (
        present * numpy.maximum(0, upper - lengths) ** 2
        + absent * (1 - present) * numpy.maximum(0, lengths - lower) ** 2
    ).sum(-1)


@pytest.mark.parametrize("options", [{}, {"upper": 0.8, "lower": 0.3, "absent": 0.2}])
def test_one_class_and_several_labels_are_the_equation(options):
    chance = numpy.random.default_rng(0)
    lengths = chance.uniform(0.01, 0.99, (12, 5))
    outputs = torch.logit(torch.from_numpy(lengths))
    classes = chance.integers(0, 5, 12)
    found = Margin(**options).elementwise(outputs, torch.from_numpy(classes))
    numpy.testing.assert_allclose(found, by_equation(lengths, numpy.eye(5)[classes], **options), atol=1e-12)
    labels = chance.integers(0, 2, (12, 5)).astype(float)
    found = Margin(several=True, **options).elementwise(outputs, torch.from_numpy(labels))
    numpy.testing.assert_allclose(found, by_equation(lengths, labels, **options), atol=1e-12)


def test_one_logit_stands_for_two_capsules_that_oppose():
    outputs, targets = torch.tensor([[0.8], [-2.0]], dtype=torch.float64), torch.tensor([1, 0])
    pair = torch.cat([-outputs / 2, outputs / 2], 1)
    assert torch.allclose(Margin().elementwise(outputs, targets), Margin().elementwise(pair, targets))


def test_sure_enough_costs_nothing_and_stops_pulling():
    outputs = torch.logit(torch.tensor([[0.95, 0.05, 0.02]])).requires_grad_()
    value = Margin()(outputs, torch.tensor([0])).total
    value.backward()
    assert value == 0 and not outputs.grad.any()


def test_it_is_chosen_by_name_and_wrong_margins_are_refused():
    assert loss_for(Classes(("a", "b", "c"), several=True), "margin").several
    for wrong in ({"upper": 0.1}, {"lower": -0.1}, {"absent": -1.0}):
        with pytest.raises(OptionError):
            Margin(**wrong)
