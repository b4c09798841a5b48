"""Storage of preparations: a folder with preparation.json and, where there are arrays, preparation.safetensors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy
import torch

from neurarium.core.codec import save_tensors
from neurarium.core.files import sha256, write_json

FORMAT_VERSION = 1
NAME = "preparation"


def save_preparation(
    folder: Path | str, kind: str, content: Mapping[str, Any], arrays: Mapping[str, numpy.ndarray]
) -> None:
    """Write a preparation; the JSON comes last and holds the hash of the arrays, so that the two cannot be mixed up.

    Args:
        folder: made if absent.
        kind: "table", "mixed", "image", "dense", "array", "series", "traces" or "sound".
        content: plain values.
        arrays: kept exactly, float64 as float64.
    """
    folder = Path(folder)
    stored = folder / f"{NAME}.safetensors"
    save_tensors(
        stored, {name: torch.from_numpy(numpy.ascontiguousarray(each)) for name, each in arrays.items()}
    )
    head = {"format_version": FORMAT_VERSION, "kind": kind, "sha256": sha256(stored)}
    write_json(folder / f"{NAME}.json", {**head, **content})
