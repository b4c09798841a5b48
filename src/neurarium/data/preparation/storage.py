"""Saved preparations: a folder with preparation.json and, where there are arrays, preparation.safetensors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy
import torch

from neurarium.core.codec import load_tensors, save_tensors
from neurarium.core.errors import ArtifactError
from neurarium.core.files import read_json, sha256, write_json
from neurarium.data.dataset import Preparation

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


def load_preparation(folder: Path | str) -> Preparation:
    """Read a saved preparation of any kind.

    Raises:
        ArtifactError: a file is missing, altered, or from a newer version.
    """
    from neurarium.data.preparation.arrays import ArrayPreparation
    from neurarium.data.preparation.dense import DensePreparation
    from neurarium.data.preparation.forecasting import ForecastPreparation
    from neurarium.data.preparation.images import ImagePreparation
    from neurarium.data.preparation.language import LanguagePreparation
    from neurarium.data.preparation.mixed import MixedPreparation
    from neurarium.data.preparation.piano_rolls import PianoRollPreparation
    from neurarium.data.preparation.series import SeriesPreparation
    from neurarium.data.preparation.sounds import SoundPreparation
    from neurarium.data.preparation.tables import TablePreparation
    from neurarium.data.preparation.tagged import TaggedPreparation
    from neurarium.data.preparation.text_pairs import TextPairPreparation
    from neurarium.data.preparation.traces import TracePreparation

    kinds: dict[str, Any] = {
        "table": TablePreparation, "image": ImagePreparation, "array": ArrayPreparation, "mixed": MixedPreparation,
        "dense": DensePreparation, "series": SeriesPreparation, "language": LanguagePreparation,
        "tagged": TaggedPreparation, "piano rolls": PianoRollPreparation, "text-pairs": TextPairPreparation,
        "forecast": ForecastPreparation,
        "sound": SoundPreparation, "traces": TracePreparation,
    }  # fmt: skip
    folder = Path(folder)
    content = read_json(folder / f"{NAME}.json")
    if not isinstance(content, dict) or content.get("kind") not in kinds:
        raise ArtifactError(f"{folder / NAME}.json is no preparation", expected=f"one of {', '.join(kinds)}")
    if (
        not isinstance(content.get("format_version", 0), int)
        or content.get("format_version", 0) > FORMAT_VERSION
    ):
        raise ArtifactError(f"{folder} is from a newer version", fix="pip install --upgrade neurarium")
    stored = folder / f"{NAME}.safetensors"
    arrays = {name: tensor.numpy() for name, tensor in load_tensors(stored).items()}
    if sha256(stored) != content.get("sha256"):
        raise ArtifactError(
            f"{stored} was altered: its hash is not the one recorded",
            expected=content.get("sha256"),
            received=sha256(stored),
            fix="restore it from a copy, or train again",
        )
    try:
        if hasattr(kinds[content["kind"]], "from_folder"):  # it has further files
            return kinds[content["kind"]].from_folder(folder, content, arrays)
        found = kinds[content["kind"]].from_saved(content, arrays)
        if content["kind"] == "table":
            found.apply(
                {name: [None] for name in found.sources}
            )  # a row of gaps: what is damaged shows now, and here
        return found
    except ArtifactError:
        raise
    except Exception as error:  # numbers and names from a file can be anything
        raise ArtifactError(
            f"{folder / NAME}.json is damaged: {error!r}", fix="restore it from a copy"
        ) from error
