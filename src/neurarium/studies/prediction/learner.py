"""Learner: the trained method of a run, whether it is in memory or has to be rebuilt from the run's folder."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from neurarium.core.errors import ArtifactError
from neurarium.core.files import read_json, sha256
from neurarium.core.recipe import Recipe, build, locate
from neurarium.networks.monte_carlo_dropout import MonteCarloDropout
from neurarium.networks.sizing import combination_for
from neurarium.studies.decisions.calibration import Temperature
from neurarium.studies.decisions.conformal import ConformalIntervals
from neurarium.training.context import Context
from neurarium.training.method import Method
from neurarium.training.rebuilding import rebuilding
from neurarium.training.run import Run

CALIBRATION = "calibration.json"


def learner_of(run: Run | Method) -> Method:
    """Return the trained method: the one in memory, or the one that the run's folder describes, with its weights.

    Raises:
        ArtifactError: a missing or altered file, or a method of several networks, which is not in the folder.
    """
    if isinstance(run, Method):
        return run
    if run.method is not None:
        return run.method
    held = run._held
    if not held.get("method"):
        raise ArtifactError(
            f"the run {run.folder} does not say which method it was trained with",
            fix="use the network: neurarium.load(folder).network",
        )
    network = run.network
    with rebuilding(run.folder):
        builder: Any = locate(held["method"])
        given = {builder.deployed_role: network, "targets": run.targets}
        options = _settled(dict(held.get("method_options") or {}), run)
        method = build(Recipe(held["method"], {**options, **given}))
        method.begin(Context(inputs=run.inputs, targets=run.targets, training=False))
    _calibrated(run, method)
    run.method = method.eval()
    return method


def _calibrated(run: Run, method: Method) -> None:
    """Divide the outputs by the temperature that `calibrate_run` found for these weights."""
    path = None if run.folder is None else run.folder / CALIBRATION
    if path is None or not path.is_file():
        return
    held, fix = read_json(path), f"calibrate again: neurarium calibrate {run.folder}; or delete the file"
    if held.get("weights_sha256") != sha256(path.parent / "weights.safetensors"):
        raise ArtifactError(f"{path} belongs to other weights than those in the run", fix=fix)
    temperature = held.get("temperature")
    if not isinstance(temperature, int | float) or not temperature > 0:
        raise ArtifactError(
            f"{path} is damaged", expected="a temperature above 0", received=temperature, fix=fix
        )
    setattr(method, method.deployed_role, Temperature(method.deployed, float(temperature)))


def with_dropout(run: Run, samples: int, *, seed: int = 0) -> Run:
    """Let a run predict by Monte-Carlo dropout: the mean over thinnings of its network (arXiv:1506.02142).

    Args:
        run: a trained run; its method's network is wrapped in place.
        samples: how many thinnings are averaged.
        seed: of the thinnings.

    Raises:
        RefusalError: the network has no dropout.
    """
    method = learner_of(run)
    network = method.deployed
    how = combination_for(run.targets, getattr(network, "distribution", None))  # type: ignore[arg-type]
    setattr(method, method.deployed_role, MonteCarloDropout(network, samples, how, seed=seed).eval())
    return run


def _settled(options: dict[str, Any], run: Run) -> dict[str, Any]:
    """Balanced class weights were computed from the training split: take what the plan says they were."""
    if options.get("class_weights") == "balanced":
        found = [each.choice for each in run.decisions if each.subject == "class weights"]
        options["class_weights"] = tuple(found[-1]) if found else None
    return options


@contextlib.contextmanager
def evaluating(method: nn.Module) -> Iterator[torch.device]:
    """Put a method into eval mode without gradients, and back; yield the device it is on."""
    modes = {module: module.training for module in method.modules()}
    method.eval()
    try:
        with torch.no_grad():
            yield next((each.device for each in method.parameters()), torch.device("cpu"))
    finally:
        for module, mode in modes.items():
            module.training = mode


def intervals_of(run: Run) -> ConformalIntervals | None:
    """Return the intervals that were calibrated at the end of training; None where there are none.

    Raises:
        ArtifactError: the file is damaged.
    """
    if run.intervals is None and run.folder is not None and (run.folder / "intervals.json").is_file():
        with rebuilding(run.folder):
            run.intervals = ConformalIntervals.from_json(fields_of(run.folder / "intervals.json"))
    return run.intervals


def fields_of(path: Path) -> dict[str, Any]:
    """Read a JSON file of a run, without the version of its format."""
    held = read_json(path)
    held.pop("format_version", None)
    return held
