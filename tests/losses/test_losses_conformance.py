"""One conformance suite over all losses."""

import pytest
import torch

import neurarium.losses as losses
from neurarium.core.errors import ShapeError
from neurarium.core.members import table
from neurarium.core.recipe import build, recipe_of

BATCH = 6


def numbers(*shape):
    return lambda generator: torch.randn(BATCH, *shape, generator=generator, dtype=torch.float64)


def indices(classes, *shape):
    return lambda generator: torch.randint(classes, (BATCH, *shape), generator=generator)


def bits(*shape):
    return lambda generator: torch.randint(2, (BATCH, *shape), generator=generator).double()


def counts(*shape):
    return lambda generator: torch.randint(5, (BATCH, *shape), generator=generator).double()


def shares(*shape):
    return lambda generator: torch.rand(BATCH, *shape, generator=generator, dtype=torch.float64).softmax(-1)


def labels(generator):
    drawn = torch.randint(1, 4, (BATCH, 3), generator=generator)
    drawn[0, 2:] = -1
    return drawn


# name: (options, outputs, targets)
CASES = {
    "mean-squared-error": ({}, numbers(3), numbers(3)),
    "mean-squared-error positions": ({}, numbers(4, 3), numbers(4, 3)),
    "mean-absolute-error": ({}, numbers(1), numbers()),
    "huber": ({"delta": 0.7}, numbers(2), numbers(2)),
    "quantile": ({"levels": (0.1, 0.5, 0.9)}, numbers(6), numbers(2)),
    "gaussian-nll": ({}, numbers(4), numbers(2)),
    "student-t-nll": ({}, numbers(6), numbers(2)),
    "student-t-nll fixed": ({"degrees": 3.0}, numbers(2), numbers()),
    "poisson-nll": ({}, numbers(2), counts(2)),
    "binary-cross-entropy": ({}, numbers(1), indices(2)),
    "binary-cross-entropy flat": ({"label_smoothing": 0.1}, numbers(), indices(2)),
    "binary-cross-entropy labels": ({"positive_weights": (1.0, 2.0, 3.0)}, numbers(3), bits(3)),
    "binary-cross-entropy weighted": ({"class_weights": (1.0, 3.0), "ignore_index": -1}, numbers(3), bits(3)),
    "cross-entropy": ({}, numbers(4), indices(4)),
    "cross-entropy shares": (
        {"label_smoothing": 0.1, "class_weights": (1.0, 2.0, 0.5, 1.0)},
        numbers(4),
        shares(4),
    ),
    "cross-entropy positions": ({"ignore_index": 3}, numbers(5, 4), indices(4, 5)),
    "cross-entropy image": ({"class_axis": 1}, numbers(4, 2, 3), indices(4, 2, 3)),
    "hinge": ({}, numbers(4), indices(4)),
    "hinge one logit": ({"squared": True}, numbers(1), indices(2)),
    "hinge weston-watkins": ({"form": "weston-watkins"}, numbers(4), shares(4)),
    "hinge labels": ({"several": True, "class_weights": (1.0, 2.0)}, numbers(3), bits(3)),
    "margin": ({}, numbers(4), indices(4)),
    "margin one logit": ({"label_smoothing": 0.1}, numbers(1), indices(2)),
    "margin labels": ({"several": True, "class_weights": (1.0, 2.0)}, numbers(3), bits(3)),
    "focal": ({"gamma": 2.0, "class_weights": (1.0, 2.0, 0.5)}, numbers(3), indices(3)),
    "focal one logit": ({"gamma": 0.5}, numbers(1), indices(2)),
    "focal labels": ({"several": True, "ignore_index": -1, "label_smoothing": 0.1}, numbers(3), bits(3)),
    "kl-divergence": ({}, numbers(4), shares(4)),
    "kl-divergence indices": ({"label_smoothing": 0.1}, numbers(4), indices(4)),
    "dice": ({}, numbers(1, 3, 3), indices(2, 3, 3)),
    "dice classes": ({"background": False}, numbers(4, 3, 3), indices(4, 3, 3)),
    "cross-entropy-dice": ({"mix": 0.3}, numbers(4, 3, 3), indices(4, 3, 3)),
    "tversky": ({"ignore_index": 2}, numbers(2, 5), indices(3, 5)),
    "contrastive": ({"margin": 3.0}, numbers(2, 4), indices(2)),
    "triplet": ({"squared": False}, numbers(3, 4), indices(2)),
    "ctc": ({}, numbers(7, 4), labels),
}


def case(name, dtype=torch.float64):
    options, outputs, targets = CASES[name]
    generator = torch.Generator().manual_seed(3)
    loss = getattr(losses, table("loss")[name.split(" ")[0]][0])(**options)
    outputs, targets = outputs(generator), targets(generator)
    targets = targets.to(dtype) if targets.is_floating_point() else targets
    return loss, outputs.to(dtype).requires_grad_(), targets


def gradient(total, outputs):
    return torch.autograd.grad(total, outputs)[0]


def test_every_loss_is_covered():
    apart = {"centres"}  # its targets are boxes: test_centres.py
    assert {name.split(" ")[0] for name in CASES} | apart == set(table("loss"))


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_extreme_outputs_stay_finite(name, dtype):
    loss, outputs, targets = case(name, dtype)
    for sign in (1.0, -1.0):
        extreme = (sign * 1e4 * outputs.detach().sign()).requires_grad_()
        total = loss.mean(extreme, targets)
        assert torch.isfinite(total)
        assert torch.isfinite(gradient(total, extreme)).all()


@pytest.mark.parametrize("name", CASES)
def test_equal_outputs_have_a_finite_gradient(name):
    loss, outputs, targets = case(name)
    level = torch.zeros_like(outputs).requires_grad_()
    assert torch.isfinite(gradient(loss(level, targets).total, level)).all()


@pytest.mark.parametrize("name", CASES)
def test_gradient_is_that_of_finite_differences(name):
    loss, outputs, targets = case(name)
    assert torch.autograd.gradcheck(lambda z: loss(z, targets).total, outputs)
    assert gradient(loss(outputs, targets).total, outputs).abs().max() > 1e-3


@pytest.mark.parametrize("name", CASES)
def test_sum_is_that_of_the_elements(name):
    loss, outputs, targets = case(name)
    total, weight = loss(outputs, targets)
    values = loss.elementwise(outputs, targets)
    assert values.shape[0] == BATCH
    assert torch.allclose(total, values.sum(), atol=1e-12)
    ones = loss(outputs, targets, weights=torch.ones(BATCH, dtype=torch.float64))
    assert torch.allclose(ones.total, total) and float(ones.weight) == pytest.approx(float(weight))
    halves = [loss(outputs[part], targets[part]) for part in (slice(0, 2), slice(2, None))]
    assert torch.allclose(sum(half.total for half in halves), total)
    assert float(sum(half.weight for half in halves)) == pytest.approx(float(weight))


@pytest.mark.parametrize("name", CASES)
def test_masked_is_absent(name):
    loss, outputs, targets = case(name)
    keep = torch.tensor([True, False, True, True, False, True])
    spoiled = outputs.detach().clone()
    spoiled[~keep] = float("nan")
    spoiled.requires_grad_()
    masked, absent = loss(spoiled, targets, mask=keep), loss(outputs[keep], targets[keep])
    assert torch.allclose(masked.total, absent.total, rtol=1e-12)
    assert float(masked.weight) == pytest.approx(float(absent.weight))
    found, expected = gradient(masked.mean(), spoiled), gradient(absent.mean(), outputs)
    assert torch.allclose(found, expected, atol=1e-12)
    assert (found[~keep] == 0).all()


@pytest.mark.parametrize("name", CASES)
def test_weight_two_is_a_duplicate(name):
    loss, outputs, targets = case(name)
    weights = torch.tensor([1.0, 2.0, 0.0, 3.0, 1.0, 1.0], dtype=torch.float64)
    chosen = torch.repeat_interleave(torch.arange(BATCH), weights.long())
    weighted, repeated = loss(outputs, targets, weights=weights), loss(outputs[chosen], targets[chosen])
    assert torch.allclose(weighted.total, repeated.total, rtol=1e-12)
    assert float(weighted.weight) == pytest.approx(float(repeated.weight))


@pytest.mark.parametrize("name", CASES)
def test_nothing_counted_is_zero(name):
    loss, outputs, targets = case(name)
    mean = loss.mean(outputs, targets, mask=torch.zeros(BATCH))
    assert mean == 0
    assert (gradient(mean, outputs) == 0).all()


@pytest.mark.parametrize("name", CASES)
def test_wrong_shapes_are_refused(name):
    loss, outputs, targets = case(name)
    with pytest.raises(ShapeError, match="received"):
        loss(outputs.unsqueeze(0).unsqueeze(0), targets[:, None] if name == "triplet" else targets)
    with pytest.raises(ShapeError, match="expected"):
        loss(outputs, targets, weights=torch.ones(BATCH + 1))
    with pytest.raises(ShapeError, match="mask"):
        loss(outputs, targets, mask=torch.ones(BATCH - 1))
    if name != "triplet":
        with pytest.raises(ShapeError, match="cannot compare"):
            loss(outputs, targets[:-1])


@pytest.mark.parametrize("name", CASES)
def test_recipe_builds_the_same_loss(name):
    loss, outputs, targets = case(name)
    again = build(recipe_of(loss).to_json())
    assert torch.equal(again(outputs, targets).total, loss(outputs, targets).total)
    assert again.state_dict() == {}


def test_weight_is_an_integer_where_nothing_is_weighted():
    for name in (
        "mean-squared-error",
        "binary-cross-entropy",
        "cross-entropy",
        "focal one logit",
        "kl-divergence",
    ):
        loss, outputs, targets = case(name)
        assert loss(outputs, targets).weight == BATCH
        assert type(loss(outputs, targets).weight) is int


def test_weights_over_positions():
    loss, outputs, targets = case("cross-entropy positions")
    values = loss.elementwise(outputs, targets)
    assert values.shape == (BATCH, 5)
    weights = torch.rand(BATCH, 5, dtype=torch.float64)
    counted = (targets != 3).double()
    total, weight = loss(outputs, targets, weights=weights)
    assert torch.allclose(total, (values * weights).sum())
    assert torch.allclose(weight, (counted * weights).sum())
