"""Checks of predictions, targets and weights."""

from __future__ import annotations

import math

import numpy
import pytest
import torch

from neurarium.core.errors import DataError, NotFiniteError, ShapeError
from neurarium.metrics import AUC, MAE, Accuracy
from neurarium.metrics.checks import finite, tensor, weighting


def test_anything_like_an_array_becomes_a_tensor_without_gradient():
    leaf = torch.ones(2, requires_grad=True)
    assert not tensor(leaf * 2, "x").requires_grad
    assert tensor([1, 2], "x").tolist() == tensor(numpy.array([1, 2]), "x").tolist() == [1, 2]
    with pytest.raises(ShapeError, match="the scores are no array"):
        tensor(["a"], "scores")


def test_values_that_are_not_finite_are_counted():
    finite(x=torch.ones(3), y=torch.tensor([1, 2]))
    with pytest.raises(NotFiniteError, match="2 of 3 x are not finite"):
        finite(x=torch.tensor([1.0, math.nan, -math.inf]))


def test_weights_are_one_per_example():
    cpu = torch.device("cpu")
    assert weighting(None, 2, cpu).tolist() == [1.0, 1.0]
    assert weighting([0, 2], 2, cpu).tolist() == [0.0, 2.0]
    with pytest.raises(ShapeError, match="one weight per example"):
        weighting([1.0], 2, cpu)
    with pytest.raises(DataError, match="negative"):
        weighting([1.0, -1.0], 2, cpu)


def test_targets_are_needed():
    for metric in (Accuracy(), AUC(), MAE()):
        with pytest.raises(ShapeError, match="needs targets"):
            metric.update(torch.ones(2), None)


def test_a_gradient_is_not_kept_alive():
    metric = AUC()
    metric.update(torch.rand(4, requires_grad=True).sigmoid(), torch.tensor([0, 1, 0, 1]))
    assert not any(value.requires_grad for value in metric.state().values())
