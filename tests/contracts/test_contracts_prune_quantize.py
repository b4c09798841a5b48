"""Prune, quantize, fine-tune: plans recorded, so that another process rebuilds the network and fills it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import zoo
from prune_quantize import Prune, Quantize, matrices

from neurarium.core.codec import load_tree, save_tree
from neurarium.core.recipe import recipe_of
from neurarium.data.dataset import Dataset
from neurarium.data.examples import Examples
from neurarium.data.specs import Array, Classes
from neurarium.methods.supervised import Supervised
from neurarium.training.fitting import fit
from neurarium.transforms.transformation import transform

OWN, HERE = Path(__file__).parents[2] / "docs" / "own", Path(__file__).parent
SPARSITY, BITS = 0.5, 4

RELOAD = """
import sys
from neurarium.core.codec import load_tree, save_tree
from neurarium.training.run import Run
import torch
torch.set_num_threads(1)
folder = sys.argv[1]
with torch.no_grad():
    made = {k: Run.load(f"{folder}/{k}").network(x) for k, x in load_tree(f"{folder}/inputs").items()}
save_tree(f"{folder}/outputs", made)
"""


def data(kind: str) -> Dataset:
    splits = [Examples(zoo.batch(kind, count, seed)) for count, seed in ((96, 1), (32, 2))]
    return Dataset(kind, Array((zoo.FEATURES,)), Classes(("a", "b", "c")), *splits)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Train, prune, quantize, fine-tune each network, and reload all of them in a fresh process."""
    folder, networks = tmp_path_factory.mktemp("small"), {}
    for kind in zoo.KINDS:
        dense = zoo.network(kind)
        fit(Supervised(dense, learning_rate=0.03), data(kind), epochs=3, batch_size=16, progress=False)
        small = transform(transform(dense, Prune(SPARSITY)), Quantize(BITS))
        before = {place: weight.detach().clone() for place, _, _, weight in matrices(small)}
        method = Supervised(small, learning_rate=0.01)
        fit(method, data(kind), epochs=2, batch_size=16, progress=False, out=folder / kind)
        networks[kind] = (dense, small.eval(), before)
    save_tree(folder / "inputs", {kind: zoo.batch(kind, 16, 5)["inputs"] for kind in zoo.KINDS})
    places = os.pathsep.join([str(OWN), str(HERE)])
    environment = {**os.environ, "PYTHONPATH": places}
    subprocess.run([sys.executable, "-c", RELOAD, str(folder)], check=True, env=environment, timeout=120)
    return networks, load_tree(folder / "outputs")


@pytest.mark.parametrize("kind", zoo.KINDS)
def test_another_process_gives_bitwise_the_same_outputs(made, kind):
    networks, outputs = made
    with torch.no_grad():
        expected = networks[kind][1](zoo.batch(kind, 16, 5)["inputs"])
    assert torch.equal(outputs[kind], expected)


@pytest.mark.parametrize("kind", zoo.KINDS)
def test_zeros_are_there_and_survive_fine_tuning(made, kind):
    _, small, before = made[0][kind]
    for place, module, name, weight in matrices(small):
        pruned = ~module.parametrizations[name][0].mask
        assert int(pruned.sum()) >= int(SPARSITY * weight.numel()), place
        assert (weight[pruned] == 0).all() and (before[place][pruned] == 0).all(), place
    assert any(not torch.equal(weight, before[place]) for place, _, _, weight in matrices(small))


@pytest.mark.parametrize("kind", zoo.KINDS)
def test_values_lie_on_a_grid_of_so_many_levels(made, kind):
    small = made[0][kind][1]
    for place, module, name, weight in matrices(small):
        scale = module.parametrizations[name][1].scale
        levels = weight / scale
        assert torch.allclose(levels, levels.round(), atol=1e-4), place
        assert 2 < len(levels.round().unique()) <= 2**BITS, place


@pytest.mark.parametrize("kind", zoo.KINDS)
def test_the_original_stays_and_the_recipe_says_how(made, kind):
    dense, small, _ = made[0][kind]
    assert type(dense) is zoo.KINDS[kind].network and recipe_of(dense).options["outputs"] == 3
    assert all(float((w == 0).float().mean()) < 0.2 for _, _, _, w in matrices(dense))
    recipe = recipe_of(small).to_json()
    assert recipe["options"]["how"] == {"builder": "prune_quantize:Quantize", "options": {"bits": BITS}}
    inner = recipe["options"]["network"]["options"]
    assert inner["how"] == {"builder": "prune_quantize:Prune", "options": {"sparsity": SPARSITY}}
    assert set(inner["plan"]) == {place for place, _, _, _ in matrices(dense)}


def test_tied_weights_stay_tied():
    small = transform(transform(zoo.network("tied"), Prune(SPARSITY)), Quantize(BITS))
    first = small.first.parametrizations.weight.original
    assert small.second.parametrizations.weight.original is first
    assert torch.equal(small.first.weight, small.second.weight)
