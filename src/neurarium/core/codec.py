"""The one file codec: a tree of plain values and tensors as one safetensors file. No pickle, anywhere.

The tensors are stored under numbered keys; the tree that refers to them is JSON in the file's metadata. Shared storage
(tied weights) is written once and restored as shared; complex tensors are stored as real pairs; tuples, integer keys
and empty containers survive. A SHA-256 of the tree guards the metadata; safetensors checks its own layout.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save, save_file
from torch import Tensor

from neurarium.core.errors import ArtifactError
from neurarium.core.files import write_atomically

FORMAT_VERSION = 1
# what reading raises for bytes that are not what they say they are
DAMAGE = (
    SafetensorError, ValueError, KeyError, IndexError, TypeError, AttributeError, OSError, RuntimeError, MemoryError,
    OverflowError,
)  # fmt: skip


def save_tree(path: Path | str, tree: Any) -> None:
    """Write a tree (dicts, lists, tuples, numbers, strings, None, tensors) atomically.

    Raises:
        TypeError: the tree holds something else; its place is named.
    """
    stored, metadata = _flat(tree)
    _write(path, stored, metadata)


def to_bytes(tree: Any) -> bytes:
    """Return what `save_tree` would write, for another process.

    >>> from_bytes(to_bytes({"step": 3, "weights": (torch.ones(2), None)}))
    {'step': 3, 'weights': (tensor([1., 1.]), None)}
    """
    stored, metadata = _flat(tree)
    return save(stored, metadata=metadata)


def from_bytes(data: bytes) -> Any:
    """Return the tree of `to_bytes`."""
    length = int.from_bytes(data[:8], "little")  # of the JSON header that stands before the tensors
    metadata = json.loads(data[8 : 8 + length])["__metadata__"]
    return _decode(json.loads(metadata["tree"]), load(data), {})


def _flat(tree: Any) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return (tensors under numbers, metadata with the tree that refers to them)."""
    found: dict[tuple, tuple[str, Tensor]] = {}
    shape = json.dumps(_encode(tree, found, "state"), separators=(",", ":"))
    metadata = {
        "format": "neurarium",
        "format_version": str(FORMAT_VERSION),
        "tree": shape,
        "sha256": hashlib.sha256(shape.encode()).hexdigest(),
    }
    return dict(found.values()), metadata


def _write(path: Path | str, stored: dict[str, Tensor], metadata: dict[str, str]) -> None:
    def write(temporary: Path) -> None:
        try:
            # without tensors and metadata safetensors would write a header that it cannot read
            save_file(stored, str(temporary), metadata=metadata if stored or metadata else None)
        except SafetensorError as error:
            number = re.search(r"os error (\d+)", str(error))
            if number is None:
                raise
            raise OSError(int(number[1]), str(error)) from error  # a full disk is told as such

    write_atomically(path, write)


def load_tree(path: Path | str, *, device: str | torch.device = "cpu") -> Any:
    """Read what `save_tree` wrote.

    Raises:
        ArtifactError: missing, damaged, or not one of ours.
    """
    path = Path(path)
    if not path.is_file():
        raise ArtifactError(f"the file {path} is missing", fix="copy the whole folder, or train again")
    try:
        with safe_open(str(path), framework="pt", device=str(device)) as file:
            metadata = file.metadata() or {}
            shape = metadata.get("tree")
            if metadata.get("format") != "neurarium" or shape is None:
                raise ArtifactError(f"{path} is not a state file of neurarium", expected="format 'neurarium'")
            if int(metadata["format_version"]) > FORMAT_VERSION:
                raise ArtifactError(f"{path} is from a newer version", fix="pip install --upgrade neurarium")
            if hashlib.sha256(shape.encode()).hexdigest() != metadata.get("sha256"):
                raise ArtifactError(f"{path} is damaged: its tree does not match its checksum")
            return _decode(json.loads(shape), {key: file.get_tensor(key) for key in file.keys()}, {})  # noqa: SIM118
    except DAMAGE as error:
        raise ArtifactError(
            f"{path} is damaged: {error}", fix="restore it from a copy, or train again"
        ) from error


def save_tensors(
    path: Path | str, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None
) -> None:
    """Write named tensors as a plain safetensors file that any tool reads; tied ones are written once.

    The names that share a tensor are kept in the metadata under `aliases`.
    """
    stored: dict[str, Tensor] = {}
    aliases: dict[str, str] = {}
    seen: dict[tuple, str] = {}
    for name, tensor in tensors.items():
        key = _identity(tensor)
        if key in seen and tensor.numel():
            aliases[name] = seen[key]
        else:
            seen[key] = name
            stored[name] = tensor.detach().cpu().contiguous().clone()
    extra = dict(metadata or {})
    # an entry too many: their order differs from process to process, and equal weights are to be equal files
    if aliases:
        extra["aliases"] = json.dumps(aliases)
    _write(path, stored, extra)


def load_tensors(path: Path | str, *, device: str | torch.device = "cpu") -> dict[str, Tensor]:
    """Read a safetensors file as a dict of names to tensors, aliases restored.

    Raises:
        ArtifactError: missing, damaged, or another format (a pickle is never opened).
    """
    path = Path(path)
    if not path.is_file():
        raise ArtifactError(f"the file {path} is missing", fix="copy the whole folder, or train again")
    try:
        with safe_open(str(path), framework="pt", device=str(device)) as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            aliases = dict(json.loads((file.metadata() or {}).get("aliases", "{}")))
    except DAMAGE as error:
        raise ArtifactError(
            f"{path} is damaged or no safetensors file: {error}", fix="restore it from a copy, or train again"
        ) from error
    for name, original in aliases.items():
        if not isinstance(original, str) or original not in tensors:
            raise ArtifactError(f"{path} is damaged: '{name}' refers to the absent tensor '{original}'")
        tensors[name] = tensors[original]
    return tensors


def _identity(tensor: Tensor) -> tuple:
    lazy = (tensor.is_conj(), tensor.is_neg())  # views of one storage that read it differently
    return (
        tensor.data_ptr(),
        tuple(tensor.shape),
        tuple(tensor.stride()),
        tensor.dtype,
        str(tensor.device),
        *lazy,
    )


def _encode(value: Any, found: dict[tuple, tuple[str, Tensor]], place: str) -> Any:
    if isinstance(value, bool | int | str) or value is None:
        return value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else {"float": str(value)}
    if isinstance(value, Tensor):
        return _encode_tensor(value, found)
    if isinstance(value, Mapping):
        rows = [
            [_encode_key(key, place), _encode(each, found, f"{place}.{key}")] for key, each in value.items()
        ]
        return {"map": rows}
    if isinstance(value, list | tuple):
        parts = [_encode(each, found, f"{place}.{position}") for position, each in enumerate(value)]
        return {"tuple": parts} if isinstance(value, tuple) else {"list": parts}
    raise TypeError(
        f"{place} holds a {type(value).__qualname__}; state is numbers, strings, containers and tensors"
    )


def _encode_key(key: Any, place: str) -> Any:
    if isinstance(key, bool) or not isinstance(key, str | int):
        raise TypeError(f"{place} has a key of type {type(key).__qualname__}; keys are strings or integers")
    return key


def _encode_tensor(value: Tensor, found: dict[tuple, tuple[str, Tensor]]) -> dict[str, Any]:
    value = value.detach()
    key = _identity(value) if value.numel() else (len(found), "empty")
    if key not in found:
        stored = torch.view_as_real(value.resolve_conj()) if value.is_complex() else value
        found[key] = (str(len(found)), stored.cpu().contiguous().clone())
    encoded: dict[str, Any] = {"tensor": found[key][0]}
    if value.is_complex():
        encoded["complex"] = True
    return encoded


def _decode(value: Any, tensors: dict[str, Tensor], made: dict[str, Tensor]) -> Any:
    if not isinstance(value, dict):
        return value
    if "tensor" in value:
        name = value["tensor"]
        if name not in made:
            tensor = tensors[
                name
            ].clone()  # a view into the file may be unaligned, and sums then round differently
            made[name] = torch.view_as_complex(tensor) if value.get("complex") else tensor
        return made[name]
    if "map" in value:
        return {key: _decode(each, tensors, made) for key, each in value["map"]}
    if "list" in value:
        return [_decode(each, tensors, made) for each in value["list"]]
    if "tuple" in value:
        return tuple(_decode(each, tensors, made) for each in value["tuple"])
    return float(value["float"])
