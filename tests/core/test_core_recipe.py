"""Recipes: how a thing was built, as plain values that build it again."""

from __future__ import annotations

import functools
import json
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some
from torch import nn

from neurarium.core.errors import ArtifactError, UnknownOptionError
from neurarium.core.recipe import Recipe, build, locate, plain, recipe_of, recorded, with_recipe


@recorded
class Leaf:
    def __init__(self, size: int, *, scale: float = 1.0, **more: Any):
        self.size, self.scale, self.more = size, scale, more


@recorded
class Branch:
    def __init__(self, *, leaves: Any = (), first: Any = None, named: Any = None):
        self.leaves, self.first, self.named = leaves, first, named


@recorded
class Twig(Leaf):
    def __init__(self, size: int):
        super().__init__(size, scale=2.0)


@recorded
class Layer(nn.Module):
    def __init__(self, width: int = 3):
        super().__init__()
        self.line = nn.Linear(width, width)


def function(width: int = 2) -> nn.Linear:
    return nn.Linear(width, width)


def through_json(recipe: Recipe | None) -> Recipe:
    assert recipe is not None
    return Recipe.from_json(json.loads(json.dumps(recipe.to_json())))


@given(
    size=some.integers(),
    scale=some.floats(allow_nan=False),
    more=some.dictionaries(some.just("extra"), some.text()),
)
def test_what_was_given_is_recorded_and_rebuilt(size, scale, more):
    leaf = Leaf(size, scale=scale, **more)
    assert recipe_of(leaf).options == {"size": size, "scale": scale, **more}
    again = build(through_json(recipe_of(leaf)))
    assert (again.size, again.scale, again.more) == (size, scale, more)


def test_arguments_are_recorded_by_name_however_they_were_given():
    defaults = {"scale": 1.0}
    for leaf in (Leaf(3), Leaf(size=3), Leaf(3, scale=1.0)):
        assert {**defaults, **recipe_of(leaf).options} == {"size": 3, "scale": 1.0}
        assert build(through_json(recipe_of(leaf))).scale == 1.0


def test_recorded_things_nest():
    tree = Branch(leaves=[Leaf(1), Leaf(2, scale=0.5)], first=Branch(first=Leaf(3)), named={"a": Leaf(4)})
    again = build(through_json(recipe_of(tree)))
    assert [leaf.size for leaf in again.leaves] == [1, 2] and again.leaves[1].scale == 0.5
    assert again.first.first.size == 3 and again.named["a"].size == 4
    assert plain(again) == plain(tree)


def test_a_subclass_records_itself_and_not_its_base():
    twig = Twig(5)
    assert recipe_of(twig) == Recipe(f"{__name__}:Twig", {"size": 5})
    assert build(recipe_of(twig)).scale == 2.0


def test_partials_and_functions_are_options_too():
    tree = Branch(
        leaves=[functools.partial(Leaf, scale=3.0), nn.functional.relu, nn.Tanh], first=torch.tensor(2.5)
    )
    again = build(through_json(recipe_of(tree)))
    assert again.leaves[0](7).scale == 3.0
    assert again.leaves[1](torch.tensor(-1.0)) == 0 and isinstance(again.leaves[2](), nn.Tanh)
    assert again.first == 2.5


def test_modules_keep_their_recipe_out_of_their_state():
    layer = Layer(2)
    assert set(layer.state_dict()) == {"line.weight", "line.bias"}
    assert recipe_of(layer).options == {"width": 2}
    assert build(recipe_of(layer)).line.in_features == 2


def test_foreign_things_are_recorded_by_address():
    line = with_recipe(f"{__name__}:function", width=4)
    assert line.in_features == 4
    assert recipe_of(line) == Recipe(f"{__name__}:function", {"width": 4})
    assert recipe_of(nn.Linear(2, 2)) is None


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("no_such_module:thing", "cannot be found"),
        (f"{__name__}:no_such_thing", "cannot be found"),
        (f"{__name__}:Leaf.no.such", "cannot be found"),
        ("", "cannot be found"),
    ],
)
def test_builders_that_are_not_there_are_named(address, message):
    with pytest.raises(ArtifactError, match=message):
        locate(address)


def test_options_that_the_builder_refuses_are_an_error():
    with pytest.raises(ArtifactError, match="refuses its recorded options"):
        build(Recipe(f"{__name__}:Layer", {"depth": 3}))


def test_what_is_not_plain_is_refused():
    with pytest.raises(TypeError, match="neither plain"):
        recipe_of(Branch(first=object())).to_json()
    with pytest.raises(TypeError):
        Leaf()  # the constructor's own complaint comes first


@recorded
class Trunk:
    def __init__(self, *, depth: int = 1, **leaf: Any):
        self.leaf = Layer(**leaf) if leaf else None
        self.depth = depth


def test_an_unknown_option_is_told_with_the_nearest_right_one():
    with pytest.raises(
        UnknownOptionError, match=r"Layer has no option 'widht'[\s\S]*one of width[\s\S]*'width'\?"
    ):
        Layer(widht=3)  # type: ignore[call-arg]
    with pytest.raises(TypeError):  # it is Python's own kind of error too
        Layer(widht=3)  # type: ignore[call-arg]
    with pytest.raises(ArtifactError, match="refuses its recorded options"):
        build(Recipe(recipe_of(Layer()).builder, {"widht": 3}))  # type: ignore[union-attr]


def test_what_is_passed_on_is_told_by_the_names_of_both():
    with pytest.raises(UnknownOptionError, match=r"Trunk has no option 'widht'[\s\S]*one of depth, width\n"):
        Trunk(widht=3)
    with pytest.raises(UnknownOptionError, match=r"did you mean 'depth'\?"):
        Trunk(dept=3)
    assert recipe_of(Trunk(width=2, depth=4)).options == {"width": 2, "depth": 4}  # type: ignore[union-attr]
