"""Muon against the iteration in NumPy and against torch's, and which weights it takes."""

from __future__ import annotations

import math

import numpy
import pytest
import torch
from torch import nn
from training_helpers import examples, regression

from neurarium.core.errors import OptionError
from neurarium.training.descent import Descent
from neurarium.training.optimizers.building import filter_names
from neurarium.training.optimizers.muon import Muon, orthogonalize
from neurarium.training.optimizers.state import load_state

SHAPES = [(6, 4), (4, 6), (8, 3, 3, 3), (4, 8, 5), (2, 3, 2, 2, 2)]


def iterated(matrix: numpy.ndarray) -> numpy.ndarray:
    """Apply a s + b s^3 + c s^5 five times to the singular values themselves: no products of the matrix."""
    left, values, right = numpy.linalg.svd(matrix, full_matrices=False)
    values = values / math.sqrt((values**2).sum())
    for _ in range(5):
        values = 3.4445 * values - 4.7750 * values**3 + 2.0315 * values**5
    return left @ numpy.diag(values) @ right


def drawn(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (5, 5), (1, 7)])
def test_the_iteration_is_that_of_the_singular_values(shape):
    matrix = drawn(*shape)
    found = orthogonalize(matrix, dtype=torch.float64).numpy()
    assert numpy.abs(found - iterated(matrix.numpy())).max() < 1e-10
    rough = orthogonalize(matrix)
    assert rough.dtype == torch.bfloat16
    assert numpy.abs(rough.double().numpy() - found).max() < 0.03


def test_nothing_stays_nothing():
    assert torch.equal(orthogonalize(torch.zeros(3, 2)), torch.zeros(3, 2, dtype=torch.bfloat16))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("nesterov", [True, False])
def test_three_steps_are_those_of_the_equations(shape, nesterov):
    start, gradients = drawn(*shape), [drawn(*shape) + turn for turn in range(3)]
    weight = nn.Parameter(start.clone())
    optimizer = Muon([weight], lr=0.1, momentum=0.9, weight_decay=0.5, nesterov=nesterov)
    held, wanted = numpy.zeros(shape), start.numpy().copy()
    rows, columns = shape[0], math.prod(shape[1:])
    for gradient in gradients:
        weight.grad = gradient.clone()
        optimizer.step()
        held = 0.9 * held + 0.1 * gradient.numpy()
        along = 0.1 * gradient.numpy() + 0.9 * held if nesterov else held
        move = math.sqrt(max(1, rows / columns)) * iterated(along.reshape(rows, columns)).reshape(shape)
        wanted = (1 - 0.1 * 0.5) * wanted - 0.1 * move
    assert numpy.abs(weight.detach().numpy() - wanted).max() < 0.01  # the products are in bfloat16
    assert numpy.abs(start.numpy() - wanted).max() > 0.1


@pytest.mark.parametrize("rule", [None, "match_rms_adamw"])
@pytest.mark.parametrize("shape", [(6, 4), (4, 6)])
def test_matrices_move_as_torchs_moves_them_to_the_bit(shape, rule):
    ours, theirs = (nn.Parameter(drawn(*shape).float()) for _ in range(2))
    options = {"lr": 0.05, "weight_decay": 0.1, "adjust_lr_fn": rule}
    optimizers = Muon([ours], **options), torch.optim.Muon([theirs], **options)
    for turn in range(4):
        for weight, optimizer in zip((ours, theirs), optimizers, strict=True):
            weight.grad = drawn(*shape).float() * (turn + 1) + turn
            optimizer.step()
    assert torch.equal(ours, theirs)
    assert not torch.equal(ours, drawn(*shape).float())


def test_the_layout_in_memory_changes_nothing():
    start, gradient = drawn(8, 4, 3, 3).float(), drawn(8, 4, 3, 3).float().cos()
    moved = []
    for layout in (torch.contiguous_format, torch.channels_last):
        weight = nn.Parameter(start.clone().to(memory_format=layout))
        weight.grad = gradient.clone().to(memory_format=layout)
        optimizer = Muon([weight], lr=0.1)
        for _ in range(2):
            optimizer.step()
        assert weight.is_contiguous(memory_format=layout)
        moved.append(weight.detach())
    assert torch.allclose(*moved, atol=1e-6)


def test_filters_and_matrices_are_muons_and_the_rest_adamws():
    net = nn.Module()
    net.stem = nn.Conv2d(3, 8, 3)
    net.apart = nn.Conv2d(8, 8, 3, groups=8)  # eight rows of nine numbers each: no matrix
    net.series = nn.ConvTranspose1d(4, 6, 3)
    net.norm, net.hidden, net.head = nn.BatchNorm2d(8), nn.Linear(8, 8), nn.Linear(8, 2)
    net.places = nn.Parameter(torch.zeros(1, 5, 8))
    named = list(net.named_parameters())
    assert filter_names([net], named) == {"stem.weight", "series.weight"}
    descent = Descent(net, optimizer="muon")
    descent.begin()
    muon, adamw = descent.optimizers
    names = {id(p): name for name, p in named}
    taken = {names[id(p)] for group in muon.param_groups for p in group["params"]}
    assert taken == {"stem.weight", "series.weight", "hidden.weight"}
    rest = {names[id(p)] for group in adamw.param_groups for p in group["params"]}
    assert rest == {name for name, _ in named} - taken


def test_filters_move_in_all_directions_alike():
    """A gradient of rank one and a little noise: Adam's step has one large singular value, Muon's has them all near one."""
    spread = {}
    for name in ("adamw", "muon"):
        net = nn.Conv2d(4, 8, 3, bias=False)
        before = net.weight.detach().clone()
        descent = Descent(net, optimizer=name, learning_rate=0.01, weight_decay=0.0)
        descent.follow([torch.ones(8, 4, 3, 3) + 0.01 * drawn(8, 4, 3, 3).float()])
        values = torch.linalg.svdvals((net.weight.detach() - before).flatten(1))
        spread[name] = float(values[-1] / values[0])
    assert spread["adamw"] < 1e-3
    assert spread["muon"] > 0.02


def test_mistakes_have_messages():
    with pytest.raises(OptionError, match="two axes or more"):
        Muon([nn.Parameter(torch.zeros(3))])
    with pytest.raises(OptionError, match="original or match_rms_adamw"):
        Muon([nn.Parameter(torch.zeros(3, 3))], adjust_lr_fn="other")
    method = regression(optimizer="muon", optimizer_options={"ns_stepps": 3})
    with pytest.raises(OptionError, match="ns_steps"):
        method.step(examples(8)[:])


def test_filters_go_on_bitwise_from_a_state():
    def moved(weight: nn.Parameter, optimizer: Muon, turns: range) -> torch.Tensor:
        for turn in turns:
            weight.grad = (drawn(8, 4, 3, 3).float() * (turn + 1)).sin().to(memory_format=torch.channels_last)
            optimizer.step()
        return weight.detach()

    start = drawn(8, 4, 3, 3).float().to(memory_format=torch.channels_last)
    whole, first = (nn.Parameter(start.clone()) for _ in range(2))
    wanted = moved(whole, Muon([whole]), range(4))
    before = Muon([first])
    second = nn.Parameter(moved(first, before, range(2)).clone())
    after = Muon([second])
    state = before.state_dict()
    state["state"][0]["momentum_buffer"] = state["state"][0][
        "momentum_buffer"
    ].contiguous()  # as a file holds it
    load_state(after, state)
    assert torch.equal(moved(second, after, range(2, 4)), wanted)
    fresh = nn.Parameter(before.param_groups[0]["params"][0].detach().clone())
    assert not torch.equal(moved(fresh, Muon([fresh]), range(2, 4)), wanted)
