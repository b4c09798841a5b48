"""Variants of a family: what they fix is no option of theirs, and a saved one is built again."""

from __future__ import annotations

import pytest
import torch

import neurarium as nr
from neurarium.core.errors import OptionError
from neurarium.core.members import find, table
from neurarium.core.options import coerce, parameters
from neurarium.core.recipe import Recipe, build, recipe_of
from neurarium.data import Classes, Dataset, Examples, Image
from neurarium.training.run import Run, _whole

VARIANTS = [name for name in table("network") if hasattr(find("network", name), "variant_of")]


@pytest.mark.parametrize("name", VARIANTS)
def test_what_is_fixed_is_no_option_and_what_is_saved_builds_it_again(name):
    builder = find("network", name)
    assert not set(builder.fixed) & set(parameters(builder))
    with torch.device("meta"):
        network = builder.for_data(Image(3, 224, 224), Classes(("a", "b", "c")))
        again = build(Recipe.from_json(_whole(recipe_of(network))))
    shapes = [{key: value.shape for key, value in each.state_dict().items()} for each in (network, again)]
    assert type(again) is builder and shapes[0] == shapes[1]


def test_a_fixed_option_is_refused_by_name():
    with pytest.raises(OptionError, match="blocks"):
        coerce(find("network", "resnet20"), {"blocks": "1,1"}, what="network 'resnet20'")


def test_a_run_of_a_variant_is_loaded_with_its_weights(tmp_path):
    pixels = torch.randn(24, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    examples = Examples({"inputs": pixels, "targets": torch.arange(24) % 2})
    data = Dataset("made", Image(3, 8, 8), Classes(("a", "b")), examples)
    run = nr.studies.train(data, "resnet20", steps=2, out=tmp_path / "run", progress=False)
    loaded = Run.load(tmp_path / "run").network.eval()
    with torch.no_grad():
        assert torch.equal(loaded(pixels), run.network.eval()(pixels))
