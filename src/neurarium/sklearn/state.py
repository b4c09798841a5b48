"""State: what a fitted estimator's pickle holds instead of torch's classes: names, numbers and safetensors bytes."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from neurarium.core import batches
from neurarium.core.codec import from_bytes, to_bytes
from neurarium.core.recipe import Recipe, build, locate, plain, recipe_of
from neurarium.data.preparation.loading import load_preparation
from neurarium.data.specs import spec_from_json
from neurarium.training.context import Context
from neurarium.training.method import Method

FORMAT_VERSION = 1


def packed(held: Mapping[str, Any]) -> dict[str, Any]:
    """Return an estimator's attributes with its modules, preparation and specs as plain values and bytes.

    Raises:
        TypeError: a network does not say how it is built.
    """
    found = dict(held)
    learner, preparation, specs = (
        found.pop(f"_{name}", None) for name in ("learner", "preparation", "specs")
    )
    if isinstance(found.get("network"), nn.Module):
        found["network"] = {"packed": _module(found["network"])}
    if learner is not None:
        found["_packed"] = to_bytes(
            {
                "format_version": FORMAT_VERSION,
                "learner": _learner(learner, double=found.get("precision") == "float64"),
                "specs": [spec.to_json() for spec in specs or ()],
            }
        )
        found["_files"] = _files(preparation)
    return found


def unpacked(held: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes that `packed` was given, the modules built anew and filled."""
    found = dict(held)
    if isinstance(found.get("network"), Mapping):
        found["network"] = _built(from_bytes(found["network"]["packed"]))
    if "_packed" in found:
        content = from_bytes(found.pop("_packed"))
        inputs, targets = (spec_from_json(each) for each in content["specs"])
        found["_specs"] = (inputs, targets)
        found["_learner"] = _relearned(content["learner"], inputs, targets)
        found["_preparation"] = _prepared(found.pop("_files"))
    return found


def _module(module: nn.Module) -> bytes:
    return to_bytes(_content(module))


def _content(module: nn.Module) -> dict[str, Any]:
    recipe = recipe_of(module)
    if recipe is None:
        raise TypeError(
            f"the network {type(module).__name__} does not say how it is built, and cannot be pickled; decorate its "
            "class with neurarium.recorded, or build it with neurarium.with_recipe('package.module:function', ...)"
        )
    return {"recipe": recipe.to_json(), "weights": dict(module.state_dict()), "training": module.training}


def _built(content: Mapping[str, Any]) -> nn.Module:
    network: nn.Module = build(Recipe.from_json(content["recipe"]))
    network.load_state_dict(content["weights"])
    return network.train(content["training"])


def _learner(method: Method, *, double: bool) -> dict[str, Any]:
    """A method by its builder, the options that predictions depend on, and its network; float32 holds what was
    trained so."""
    recipe = recipe_of(method)
    if recipe is None:
        raise TypeError(
            f"the method {type(method).__name__} does not say how it is built; decorate it with @recorded"
        )
    content = _content(method.deployed)
    if not double:
        content["weights"] = batches.map_tensors(
            lambda each: each.float() if each.is_floating_point() else each, content["weights"]
        )
    options = {}
    for name in ("loss", "loss_options"):
        if recipe.options.get(name) is not None:
            options[name] = plain(recipe.options[name])
    return {"method": recipe.builder, "options": options, **content}


def _relearned(content: Mapping[str, Any], inputs: Any, targets: Any) -> Method:
    builder: Any = locate(content["method"])
    given = {builder.deployed_role: _built(content), "targets": targets}
    method: Method = build(Recipe(content["method"], {**content["options"], **given}))
    method.begin(Context(inputs=inputs, targets=targets, training=False))
    method.double().eval()
    return method


def _files(preparation: Any) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        preparation.save(Path(folder))
        return {each.name: each.read_bytes() for each in sorted(Path(folder).iterdir())}


def _prepared(files: Mapping[str, bytes]) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / Path(name).name).write_bytes(content)
        return load_preparation(folder)
