"""A file may name only what was made to be built: a stranger's run folder calls nothing else."""

from __future__ import annotations

import functools

import pytest
import torch
import yaml

import neurarium as nr
from neurarium.core.errors import ArtifactError
from neurarium.core.files import sha256
from neurarium.core.recipe import Recipe, build, locate, plain, recipe_of, recorded, with_recipe
from neurarium.core.trust import buildable, may_build

REFUSED = (
    "os:system",
    "builtins:eval",
    "builtins:open",
    "subprocess:run",
    "subprocess:Popen",
    "shutil:rmtree",
    "pickle:loads",
    "pathlib:Path",
    "torch:load",
    "torch.hub:load",
    "torch.nn.functional:torch.hub.load",
    "numpy:load",
    "sklearn.datasets:fetch_openml",
    "neurarium.core.files:write_text",
    "neurarium.core.recipe:locate",
    "neurarium.training.run:Run",
)


@recorded
class Scale:
    def __init__(self, factor: float = 2.0):
        self.factor = factor


def tower(width: int):
    """Build a network, as a user's own function does."""
    return torch.nn.Sequential(torch.nn.Linear(3, width), torch.nn.ReLU(), torch.nn.Linear(width, 2))


@pytest.mark.parametrize("address", REFUSED)
def test_what_was_not_made_to_be_built_is_refused(address):
    with pytest.raises(ArtifactError, match=f"may not name '{address}'"):
        locate(address)


def test_what_was_made_to_be_built_is_found():
    for thing in (
        Scale,
        tower,
        torch.nn.Linear,
        torch.nn.functional.relu,
        torch.optim.AdamW,
        nr.networks.MLP,
    ):
        assert may_build(thing)
        assert locate(f"{thing.__module__}:{thing.__qualname__}") is thing
    assert build(recipe_of(Scale(3.0))).factor == 3.0
    assert with_recipe(f"{__name__}:tower", width=5)[0].out_features == 5


def test_a_function_of_an_installed_package_is_built_when_it_is_marked(monkeypatch):
    monkeypatch.setattr(tower, "__module__", "numpy.linalg")
    assert not may_build(tower)
    assert may_build(buildable(lambda: tower(3)))


def test_nested_builders_are_looked_at_too():
    inner = {"builder": "os:getcwd", "options": {}}
    with pytest.raises(ArtifactError, match="os:getcwd"):
        build(Recipe(f"{__name__}:Scale", {"factor": inner}))
    with pytest.raises(ArtifactError, match="os:getcwd"):
        build(Recipe(f"{__name__}:Scale", {"factor": {**inner, "partial": True}}))


def test_partials_come_back():
    options = plain({"optimizer": functools.partial(torch.optim.SGD, lr=0.5)})
    rebuilt = build(Recipe(f"{__name__}:Scale", {"factor": options["optimizer"]}))
    assert rebuilt.factor.func is torch.optim.SGD
    assert rebuilt.factor.keywords == {"lr": 0.5}


def forge(folder, network):
    """Alter what a run says of its network, and its hash too, as who means harm would."""
    path, results = folder / "config.yaml", folder / "results.json"
    before = sha256(path)
    held = yaml.safe_load(path.read_text(encoding="utf-8"))
    held["network"] = network
    path.write_text(yaml.safe_dump(held), encoding="utf-8")
    results.write_text(results.read_text(encoding="utf-8").replace(before, sha256(path)), encoding="utf-8")


def test_a_forged_run_folder_calls_nothing(tmp_path):
    wine = nr.data.load("wine")
    network = nr.networks.Perceptron.for_data(wine.inputs, wine.targets)
    nr.fit(nr.methods.Supervised(network), wine, epochs=1, progress=False, out=tmp_path / "run")
    made = tmp_path / "made by the file"
    for builder, options in (
        ("pathlib:Path.write_text", {"self": str(made), "data": "x"}),
        ("os:mkdir", {"path": str(made)}),
    ):
        forge(tmp_path / "run", {"builder": builder, "options": options})
        with pytest.raises(ArtifactError, match="may not name"):
            _ = nr.load(tmp_path / "run").network
    assert not made.exists()
    forge(tmp_path / "run", {"builder": f"{__name__}:tower", "options": {"width": 4}})
    with pytest.raises(
        ArtifactError, match="do not fit"
    ):  # what may be built is built, so the others were refused
        _ = nr.load(tmp_path / "run").network
