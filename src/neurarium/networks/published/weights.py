"""Weights: read by name from a safetensors or torch file, a folder, or a hub id. Nothing in them is executed."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import torch
from safetensors.torch import load_file
from torch import Tensor

from neurarium.core.errors import ArtifactError
from neurarium.core.hub import fetched, is_hub_id, settings

SAFE, TORCH = (".safetensors",), (".pth", ".pt", ".bin", ".ckpt")
NESTS = ("state_dict", "model", "model_state_dict", "weights")
HASHED = re.compile(r"-([0-9a-f]{8,64})\.[a-z]+$")  # torchvision's names carry the beginning of the hash
USUAL = ("model.safetensors", "weights.safetensors", "pytorch_model.bin")


class Weights(NamedTuple):
    """Weights by name; the files that they are from; the SHA-256 of these, joined where there are several; what the
    `config.json` beside them says."""

    state: dict[str, Tensor]
    origin: str
    sha256: str
    config: Mapping[str, Any] = MappingProxyType({})


def read_weights(source: str | Path, sha256: str | None = None) -> Weights:
    """Read weights.

    Args:
        source: a `.safetensors` file, a torch file (`.pth`, `.pt`, `.bin`: tensors alone are read, see below), a folder with
            one of them (`model.safetensors`, or an index of several), or a hub id such as `timm/resnet18.tv_in1k`.
        sha256: the hash that the file must have, or its beginning. A file named as torchvision names them
            (`resnet18-f37072fd.pth`) is checked against the hash in its name.

    Raises:
        ArtifactError: not there, damaged, of another hash, or a torch file that holds more than tensors: such a file is a
            program, and is not run.
        MissingDependencyError: a hub id without the `hub` extra.
    """
    path = Path(source)
    if path.is_dir():
        return _from_folder(path, sha256)
    if path.is_file():
        return _from_files([path], sha256)
    if is_hub_id(source) and not path.suffix.lower().endswith((*SAFE, *TORCH)):
        return _from_folder(fetched(str(source)), sha256)._replace(origin=str(source))
    raise ArtifactError(
        f"there are no weights at {source}",
        expected="a .safetensors or .pth file, a folder with one, or a hub id OWNER/NAME",
        received=str(source),
        fix="check the path" + (f"; the folder {path.parent} is there" if path.parent.is_dir() else ""),
    )


def _from_folder(folder: Path, sha256: str | None) -> Weights:
    index = next(iter(sorted(folder.glob("*.safetensors.index.json"))), None)
    if index is not None:
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
        # A name with a path in it could point anywhere: shards lie beside their index.
        return _from_files([folder / Path(name).name for name in names], sha256)
    found = [folder / name for name in USUAL if (folder / name).is_file()]
    found = found or [each for each in sorted(folder.iterdir()) if each.suffix.lower() in (*SAFE, *TORCH)]
    if len(found) != 1 and not (found and found[0].name in USUAL):
        raise ArtifactError(
            f"the folder {folder} does not hold one file of weights",
            expected=f"one of {', '.join(USUAL)}, or a single .safetensors or .pth file",
            received=", ".join(each.name for each in found) or "none",
            fix="name the file",
        )
    return _from_files(found[:1], sha256)


def _from_files(paths: list[Path], sha256: str | None) -> Weights:
    digest = hashlib.sha256()
    state: dict[str, Tensor] = {}
    for path in paths:
        if not path.is_file():
            raise ArtifactError(f"{path} is missing", fix="fetch all files of these weights")
        with path.open("rb") as file:
            own = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(own.encode()) if len(paths) > 1 else None
        said = HASHED.search(path.name)
        _check(path, own, said.group(1) if said else None)
        state |= _tensors(path)
    whole = digest.hexdigest() if len(paths) > 1 else own
    _check(paths[0], whole, sha256)
    origin = str(paths[0] if len(paths) == 1 else paths[0].parent)
    return Weights(state, origin, whole, settings(paths[0].parent / "config.json"))


def _check(path: Path, found: str, wanted: str | None) -> None:
    if wanted and not found.startswith(wanted.lower()):
        raise ArtifactError(
            f"{path.name} is not the file that its hash says",
            expected=f"SHA-256 {wanted}",
            received=found,
            fix="fetch it again: the download was cut short, or the file was changed",
        )


def _tensors(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix.lower() in SAFE:
            return load_file(path)
        held = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a damaged or foreign file makes its reader raise
        said = (str(error).splitlines() or [type(error).__name__])[0][:200]
        if said.startswith("Weights only load failed"):
            said = "it holds Python objects beside tensors, which could run code as they are loaded"
        raise ArtifactError(
            f"{path.name} holds no weights that can be read: {said}",
            expected="tensors by name, in a safetensors file or a torch file of tensors alone",
            fix="where it is a whole pickled network, load it where you trust it and save its state_dict()",
        ) from error
    for nest in NESTS:
        if isinstance(held, dict) and isinstance(held.get(nest), dict):
            held = held[nest]
    state = (
        {str(name): value for name, value in held.items() if isinstance(value, Tensor)}
        if isinstance(held, dict)
        else {}
    )
    if not state:
        raise ArtifactError(f"{path.name} holds no tensors by name", received=type(held).__name__)
    if all(name.startswith("module.") for name in state):  # saved from a network wrapped for several devices
        state = {name.removeprefix("module."): value for name, value in state.items()}
    return state
