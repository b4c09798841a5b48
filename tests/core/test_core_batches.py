"""Nested batches: the laws of taking, splitting, joining and stacking."""

from __future__ import annotations

from typing import NamedTuple

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some

from neurarium.core import batches
from neurarium.core.errors import ShapeError


class Pair(NamedTuple):
    first: torch.Tensor
    second: torch.Tensor


def nest(count: int) -> dict:
    """Return a batch of all kinds of containers, whose numbers tell the example they belong to."""
    numbers = torch.arange(count)
    return {
        "inputs": {"wide": numbers[:, None] * torch.ones(3), "flag": numbers % 2 == 0},
        "targets": (numbers, [numbers.double() + 0.5]),
        "pair": Pair(numbers, numbers + 1),
        "name": "kept",
        "temperature": torch.tensor(2.0),
    }


def equal(one, other) -> bool:
    pairs = zip(batches.tensors(one), batches.tensors(other), strict=True)
    return all(a[0] == b[0] and a[1].dtype == b[1].dtype and torch.equal(a[1], b[1]) for a, b in pairs)


@given(count=some.integers(1, 12), parts=some.integers(1, 15))
def test_parts_joined_are_the_whole(count, parts):
    batch = nest(count)
    found = batches.split({key: batch[key] for key in ("inputs", "targets", "pair")}, parts)
    sizes = [batches.size(part) for part in found]
    assert len(found) == min(count, parts) and max(sizes) - min(sizes) <= 1 and min(sizes) >= 1
    joined = batches.concatenate(found)
    assert equal(joined, {key: batch[key] for key in joined})
    assert isinstance(found[0]["pair"], Pair)


@given(count=some.integers(1, 8))
def test_stacking_undoes_unstacking(count):
    batch = {"a": torch.randn(count, 2, 3), "b": [torch.arange(count)]}
    assert equal(batches.stack(batches.unstack(batch)), batch)


@given(data=some.data())
def test_taken_examples_are_those_at_the_indices(data):
    batch = nest(7)
    chosen = data.draw(some.lists(some.integers(0, 6), max_size=9))
    for indices in (chosen, torch.tensor(chosen, dtype=torch.int64)):
        taken = batches.take(batch, indices)
        assert taken["targets"][0].tolist() == chosen
        assert taken["inputs"]["wide"][:, 2].tolist() == [float(each) for each in chosen]
        assert taken["pair"].second.tolist() == [each + 1 for each in chosen]
        assert taken["name"] == "kept" and float(taken["temperature"]) == 2.0


def test_slices_are_views():
    numbers = torch.zeros(5)
    batches.take({"x": numbers}, slice(1, 3))["x"].fill_(1.0)
    assert numbers.tolist() == [0, 1, 1, 0, 0]


def test_sizes_that_disagree_are_named():
    assert batches.size(nest(4)) == 4
    with pytest.raises(ShapeError, match="disagree") as error:
        batches.size({"inputs": {"a": torch.zeros(3)}, "targets": torch.zeros(2)})
    assert "inputs.a" in str(error.value) and "targets" in str(error.value)
    with pytest.raises(ShapeError, match="no tensor"):
        batches.size({"name": "nothing"})


def test_an_empty_share_has_a_stand_in_of_its_shapes():
    empty = batches.take(nest(4), slice(0, 0))
    assert batches.is_empty(empty) and not batches.is_empty(nest(1)) and not batches.is_empty({"a": 1})
    assert batches.split(empty, 3) == [empty] or equal(batches.split(empty, 3)[0], empty)
    made = batches.stand_in(empty)
    assert batches.size(made) == 1 and not batches.is_empty(made)
    assert made["inputs"]["wide"].shape == (1, 3) and made["inputs"]["flag"].dtype == torch.bool
    assert made["targets"][0].tolist() == [1]  # valid as a class, a length, a code


def test_names_are_dotted_and_in_order():
    names = [name for name, _ in batches.tensors(nest(2))]
    assert names == [
        "inputs.wide",
        "inputs.flag",
        "targets.0",
        "targets.1.0",
        "pair.0",
        "pair.1",
        "temperature",
    ]


def test_detached_and_moved_nests_keep_their_values():
    weight = torch.ones(2, requires_grad=True)
    nested = {"a": [weight * 2]}
    assert not batches.detach(nested)["a"][0].requires_grad
    assert torch.equal(batches.to(nested, "cpu")["a"][0], weight * 2)
