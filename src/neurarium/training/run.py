"""Run: what training leaves behind, in memory and as a folder that stands alone."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shutil
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import nn

import neurarium
from neurarium.core.codec import load_tensors, save_tensors
from neurarium.core.display import Displayed
from neurarium.core.errors import ArtifactError, UserError
from neurarium.core.files import read_json, read_yaml, sha256, write_json, write_text
from neurarium.core.options import parameters
from neurarium.core.recipe import Recipe, build, locate, plain, recipe_of
from neurarium.data.dataset import Dataset, Decision
from neurarium.data.specs import Spec, spec_from_json
from neurarium.training import distributed, sharding
from neurarium.training.rebuilding import rebuilding, require_sizes

FORMAT_VERSION = 1


class Run(Displayed):
    """What training leaves behind.

    Attributes:
        folder: where it is written; None for a run in memory.
        method: the trained method (after `fit`), or None (after `Run.load`, until it is asked for).
        inputs, targets: the specs of one example.
        preparation: the preprocessing, fitted on the training split.
        data: the dataset that it was trained on (after `fit`; a folder does not hold it).
        decisions: every automatic decision (plan.json).
        history: the rows of metrics.jsonl.
        results: the metrics of the splits that were evaluated, by split.
        reports, intervals: what `studies.train` measured and calibrated: a report by split, conformal intervals.
        examination: what `studies.examine` found for the report beyond that.
    """

    def __init__(self, folder: Path | None = None):
        self.folder = folder
        self.method: Any = None
        self.inputs: Spec | None = None
        self.targets: Spec | None = None
        self.preparation: Any = None
        self.data: Dataset | None = None
        self.decisions: list[Decision] = []
        self.history: list[dict[str, Any]] = []
        self.results: dict[str, Any] = {}
        self.reports: dict[str, Any] = {}
        self.intervals: Any = None
        self.examination: dict[str, Any] = {}
        self.rule: Any = None  # how `predict` decides, where `studies.choose_rule` chose it
        self.sets: Any = None  # conformal prediction sets, where `studies.choose_sets` calibrated some
        self.config: dict[str, Any] = {}
        self.seconds = 0.0
        self.best: dict[str, Any] = {}
        self.reason = ""
        self.interrupted = False
        self.summary: dict[str, Any] = {}
        self._network: nn.Module | None = None
        self._held: dict[str, Any] = {}  # config.yaml, of a run that was read

    # ------------------------------------------------------------------------------------------------- writing

    @classmethod
    def create(
        cls,
        folder: Path | None,
        method: Any,
        dataset: Dataset | None,
        decisions: list[Decision],
        *,
        config: dict[str, Any] | None = None,
        resume: bool = False,
    ) -> Run:
        """Begin a run: an empty folder, or the one that is resumed.

        Raises:
            UserError: the folder holds another run, or something else.
        """
        run = cls(folder)
        run.method, run.decisions, run.config = method, decisions, dict(config or {})
        run.data = dataset
        if dataset is not None:
            run.inputs, run.targets = dataset.inputs, dataset.targets
            run.preparation, run.summary = dataset.preparation, dataset.summary
        network_recipe = recipe_of(method.deployed)
        if network_recipe is None and distributed.first() and folder is not None:
            decisions.append(
                Decision(
                    "reloading",
                    "needs network=",
                    f"{type(method.deployed).__name__} does not say how it is built",
                    "build it with neurarium.with_recipe('package.module:function', ...)",
                )
            )
        if folder is not None and distributed.first():
            run._begin(resume)
        distributed.barrier()
        return run

    def _begin(self, resume: bool) -> None:
        folder = self.folder
        if folder is None:
            return
        if folder.exists() and not resume and any(folder.iterdir() if folder.is_dir() else [folder]):
            raise UserError(
                f"the folder {folder} is not empty",
                fix="choose another with --out, or go on with it by --resume",
            )
        for part in folder.glob(".*.part"):  # what a killed process left half-written
            part.unlink(missing_ok=True)
        for name in ("results.json", "calibration.json", "thresholds.json", "sets.json"):
            (folder / name).unlink(missing_ok=True)  # they tell of weights and a configuration that end here
        write_text(
            folder / "config.yaml", yaml.safe_dump(self._configuration(), sort_keys=False, allow_unicode=True)
        )
        if self.preparation is not None:
            self.preparation.save(folder / "preparation")
        self.write_plan()

    def _configuration(self) -> dict[str, Any]:
        recipe = recipe_of(self.method)
        network = recipe_of(self.method.deployed)
        return {
            "format_version": FORMAT_VERSION,
            "neurarium": neurarium.__version__,
            "command": self.config,
            "method": None if recipe is None else f"{recipe.builder}",
            "method_options": None if recipe is None else _plain_options(self.method, recipe),
            "network": None if network is None else _whole(network),
            "inputs": None if self.inputs is None else self.inputs.to_json(),
            "targets": None if self.targets is None else self.targets.to_json(),
            "environment": {"python": platform.python_version(), "torch": str(torch.__version__)},
        }

    def write_plan(self) -> None:
        """Write plan.json: every automatic decision, its reason, the option that overrides it."""
        if self.folder is not None:
            rows = [decision.to_json() for decision in self.decisions]
            write_json(self.folder / "plan.json", {"format_version": FORMAT_VERSION, "decisions": rows})

    def finish(self, loop: Any) -> None:
        """Take what the loop knows, and write weights, plan and results."""
        self.history = loop.recorder.rows
        self.seconds, self.reason, self.interrupted = loop.elapsed, loop.reason, loop.interrupted
        if loop.best is not None and loop.best.score is not None:
            row = next((row for row in self.history if row["step"] == loop.best.step), {})
            self.best = {"step": loop.best.step, "epoch": loop.best.epoch, **row}
        elif self.history:
            self.best = self.history[-1]
        state = sharding.whole(dict(self.method.deployed.state_dict()))
        if self.folder is None or not distributed.first():
            return
        tensors = {name: value for name, value in state.items() if isinstance(value, torch.Tensor)}
        save_tensors(self.folder / "weights.safetensors", tensors, {"format": "pt"})
        self.write_plan()
        self.write_results()

    def write_results(self) -> None:
        """Write results.json: metrics by split, seconds, and the hashes of the files that they belong to."""
        if self.folder is None:
            return
        write_json(
            self.folder / "results.json",
            {
                "format_version": FORMAT_VERSION,
                "metrics": self.results,
                "best": self.best,
                "seconds": round(self.seconds, 3),
                "ended": self.reason,
                "summary": self.summary,
                "weights_sha256": sha256(self.folder / "weights.safetensors"),
                "files_sha256": {name: sha256(self.folder / name) for name in self._guarded()},
            },
        )

    def _guarded(self) -> list[str]:
        """The files that say how raw data becomes predictions, beside the weights."""
        folder: Path = self.folder  # type: ignore[assignment]
        prepared = sorted(each for each in (folder / "preparation").glob("*") if each.is_file())
        return ["config.yaml", *(each.relative_to(folder).as_posix() for each in prepared)]

    # ------------------------------------------------------------------------------------------------- reading

    @classmethod
    def load(cls, folder: str | Path, *, network: nn.Module | None = None) -> Run:
        """Read a run folder; the network is built and filled when it is first used.

        Args:
            folder: the run's.
            network: for networks that do not say how they are built: one of the same shape.

        Raises:
            ArtifactError: a missing, damaged or altered file, or a folder that is no run.
        """
        from neurarium.data.preparation.loading import load_preparation

        folder = Path(folder)
        if not (folder / "config.yaml").is_file():
            raise ArtifactError(
                f"{folder} is not a run",
                expected="a folder with config.yaml, weights.safetensors, ...",
                received="no such folder" if not folder.exists() else "no config.yaml in it",
                fix="`neurarium runs` lists the runs that are there",
            )
        run = cls(folder)
        held = _read_config(folder / "config.yaml")
        if not isinstance(held.get("command") or {}, dict):
            raise ArtifactError(f"{folder / 'config.yaml'} is damaged: its command is no mapping of options")
        run.config, run._held = held.get("command") or {}, held
        try:
            run.inputs = spec_from_json(held["inputs"]) if held.get("inputs") else None
            run.targets = spec_from_json(held["targets"]) if held.get("targets") else None
            run.decisions = [Decision(**row) for row in read_json(folder / "plan.json")["decisions"]]
            run._read_results()
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ArtifactError(
                f"a file of the run {folder} is damaged: {error!r}",
                fix="restore it from a copy, or train again",
            ) from error
        if (folder / "preparation").is_dir():
            run.preparation = load_preparation(folder / "preparation")
            run._require_one_preparation()
        run.history = _read_lines(folder / "metrics.jsonl")
        run._network = network
        if network is not None:
            run._fill(network)
        return run

    def _read_results(self) -> None:
        path = self.folder / "results.json"  # type: ignore[operator]
        if not path.is_file():
            return
        held = read_json(path)
        self.results, self.best = held["metrics"], held["best"]
        self.seconds, self.reason, self.summary = held["seconds"], held["ended"], held.get("summary", {})
        self._weights_hash = held["weights_sha256"]
        for name, expected in held.get("files_sha256", {}).items():
            path = self.folder / name  # type: ignore[operator]
            if ".." in Path(name).parts or Path(name).is_absolute() or os.path.islink(path):
                raise ArtifactError(
                    f"results.json of the run {self.folder} names a file outside of it", received=name
                )
            if not os.path.isfile(path):  # unlike Path's, it answers for a name that is none too
                raise ArtifactError(
                    f"the file {path} is missing", fix="copy the whole folder, or train again"
                )
            if sha256(path) != expected:
                raise ArtifactError(
                    f"{path} was altered after training",
                    expected=f"SHA-256 {expected[:12]}...",
                    received=f"{sha256(path)[:12]}...",
                    fix="restore it from a copy, or train again; to rerun with other options, edit a copy elsewhere",
                )

    def _require_one_preparation(self) -> None:
        """The specs of config.yaml are those that the preparation gives: else one of them is of another run."""
        prepared = (
            getattr(self.preparation, "inputs", None),
            getattr(getattr(self.preparation, "target", None), "spec", None),
        )
        for kind, own, other in zip(
            ("inputs", "targets"), (self.inputs, self.targets), prepared, strict=True
        ):
            if own is not None and other is not None and own != other:
                raise ArtifactError(
                    f"config.yaml and preparation/ of the run {self.folder} are not of the same run: their {kind} differ",
                    fix="restore them from a copy, or train again",
                )

    @property
    def network(self) -> nn.Module:
        """The trained network, in eval mode.

        Raises:
            ArtifactError: the run was not finished, its weights were altered, or it does not say how it is built.
        """
        if self.method is not None:
            return self.method.deployed
        if self._network is None:
            recipe = self._held.get("network")
            if recipe is None:
                raise ArtifactError(
                    f"the run {self.folder} does not say how its network is built",
                    fix="in Python, hand the module that was trained to neurarium.load",
                )
            path = self.folder / "weights.safetensors"  # type: ignore[operator]
            self._require_weights(path)
            with rebuilding(self.folder, path):
                require_sizes(recipe.get("options"), path)
                network = build(Recipe.from_json(recipe))
                if not isinstance(network, nn.Module):
                    raise TypeError(f"{recipe.get('builder')} builds no network")
            self._fill(network)
            self._network = network
        return self._network

    def _require_weights(self, path: Path) -> None:
        if not path.is_file():
            raise ArtifactError(
                f"the run {self.folder} has no weights yet",
                fix=f"it was not finished: neurarium train --resume {self.folder}",
            )
        expected = getattr(self, "_weights_hash", None)
        if expected is not None and sha256(path) != expected:
            raise ArtifactError(
                f"{path} was altered after training",
                expected=f"SHA-256 {expected[:12]}...",
                received=f"{sha256(path)[:12]}...",
                fix="restore it from a copy, or train again",
            )

    def _fill(self, network: nn.Module) -> None:
        path = self.folder / "weights.safetensors"  # type: ignore[operator]
        self._require_weights(path)
        try:
            network.load_state_dict(load_tensors(path))
        except (RuntimeError, TypeError, ValueError, KeyError) as error:
            raise ArtifactError(f"the weights in {path} do not fit the network: {error}") from error
        network.eval()

    def remove(self) -> None:
        """Delete the run's folder."""
        if self.folder is not None:
            shutil.rmtree(self.folder)

    def __repr__(self) -> str:
        place = str(self.folder) if self.folder is not None else "in memory"
        seen = self.best.get("validation", {})
        told = ", ".join(f"{k} {v:.4g}" for k, v in list(seen.items())[:4] if isinstance(v, float))
        return f"Run({place}; {self.reason or 'not finished'}; validation: {told or 'none'})"


def _whole(recipe: Recipe) -> dict[str, Any]:
    """Return a recipe with the defaults of its builder: a saved model must not change with a later version's."""
    found = recipe.to_json()
    for name, parameter in parameters(locate(recipe.builder)).items():
        if name not in found["options"] and parameter.default is not parameter.empty:
            with contextlib.suppress(TypeError):
                found["options"][name] = plain(parameter.default)
    return found


def _plain_options(method: Any, recipe: Recipe) -> dict[str, Any]:
    """Return a method's options but for its networks; what cannot be written as JSON is left out."""
    networks = {id(network) for descent in method.descents() for network in descent.networks}
    found = {}
    for name, value in recipe.options.items():
        if id(value) not in networks:
            with contextlib.suppress(TypeError):
                found[name] = plain(value)
    return found


def _read_config(path: Path) -> dict[str, Any]:
    held = read_yaml(path)
    if not isinstance(held, dict) or not isinstance(held.get("format_version"), int):
        raise ArtifactError(
            f"{path} is not the configuration of a run", expected="format_version and what follows"
        )
    if held["format_version"] > FORMAT_VERSION:
        raise ArtifactError(f"{path} is from a newer version", fix="pip install --upgrade neurarium")
    return held


def _read_lines(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
    except (ValueError, OSError, RecursionError) as error:
        raise ArtifactError(
            f"{path} is damaged: {error}", fix="restore it from a copy, or train again"
        ) from error
