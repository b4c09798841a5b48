"""One conformance suite over all regularizers: the proximal point is what its definition says."""

import hypothesis
import pytest
import torch
from hypothesis import strategies

from neurarium.core.errors import OptionError
from neurarium.core.members import find, table
from neurarium.core.recipe import build, recipe_of
from neurarium.regularizers import L1, L2, ElasticNet, MaxNorm

PENALTIES = [L1(0.3), L2(0.7), ElasticNet(0.3, 0.2)]


def test_all_are_covered():
    assert set(table("regularizer")) == {"l1", "l2", "elastic-net", "max-norm"}


@pytest.mark.parametrize("regularizer", PENALTIES)
@hypothesis.settings(max_examples=25, deadline=None)
@hypothesis.given(value=strategies.floats(-3, 3), step=strategies.floats(0, 2))
def test_proximal_point_minimizes_its_definition(regularizer, value, step):
    weight = torch.tensor([[value]], dtype=torch.float64)
    regularizer.proximal_(weight, step)
    grid = torch.linspace(-4, 4, 16_001, dtype=torch.float64)
    costs = (
        0.5 * (grid - value) ** 2
        + step
        * torch.stack(
            [regularizer.l1 * grid.abs() + regularizer.l2 * grid**2]
            if isinstance(regularizer, ElasticNet)
            else [regularizer.strength * (grid.abs() if isinstance(regularizer, L1) else grid**2)]
        )[0]
    )
    assert abs(weight.item() - grid[costs.argmin()].item()) < 1e-3


@pytest.mark.parametrize("regularizer", PENALTIES)
def test_penalty_has_the_gradient_of_finite_differences(regularizer):
    first, second = (torch.randn(3, 2, dtype=torch.float64, requires_grad=True) for _ in range(2))
    assert torch.autograd.gradcheck(lambda a, b: regularizer.penalty([("a", a), ("b", b)]), (first, second))
    assert torch.allclose(
        regularizer.penalty([("a", first), ("b", second)]),
        regularizer.penalty([("a", first)]) + regularizer.penalty([("b", second)]),
    )
    assert regularizer.penalty([]) == 0


@pytest.mark.parametrize("regularizer", [*PENALTIES, MaxNorm(1.0)])
def test_proximal_step_is_in_place_and_unseen_by_autograd(regularizer):
    weight = torch.nn.Parameter(10 * torch.randn(4, 3))
    before, storage = weight.detach().clone(), weight.data_ptr()
    regularizer.proximal_(weight, 0.1)
    assert weight.data_ptr() == storage and weight.grad is None and weight.grad_fn is None
    assert (weight.abs() < before.abs()).all()
    with pytest.raises(OptionError, match="step size"):
        regularizer.proximal_(weight, -0.1)


@pytest.mark.parametrize("regularizer", [*PENALTIES, MaxNorm(1.0)])
def test_no_step_changes_nothing_but_a_constraint(regularizer):
    weight = 0.1 * torch.randn(4, 3)
    before = weight.clone()
    regularizer.proximal_(weight, 0.0)
    assert torch.equal(weight, before)


@pytest.mark.parametrize("regularizer", [*PENALTIES, MaxNorm(1.0)])
def test_recipe(regularizer):
    again = build(recipe_of(regularizer).to_json())
    left, right = torch.randn(3, 2), torch.zeros(3, 2)
    right.copy_(left)
    regularizer.proximal_(left, 0.2)
    again.proximal_(right, 0.2)
    assert torch.equal(left, right) and repr(again) == repr(regularizer)


def test_named_parameters_and_one_parameter_are_the_same():
    first, second = torch.randn(3, 2), torch.randn(4, 2)
    alone = first.clone(), second.clone()
    L1(0.3).proximal_([("a", first), ("b", second)], 0.5)
    for parameter in alone:
        L1(0.3).proximal_(parameter, 0.5)
    assert torch.equal(first, alone[0]) and torch.equal(second, alone[1])


def test_how():
    assert [each.how for each in (L1(), L2(), ElasticNet(), MaxNorm())] == [
        "proximal",
        "penalty",
        "proximal",
        "proximal",
    ]
    assert L1(how="penalty").how == "penalty"


def test_negative_strengths_are_refused():
    for name in ("l1", "l2", "elastic-net", "max-norm"):
        with pytest.raises(OptionError):
            find("regularizer", name)(-1.0)
