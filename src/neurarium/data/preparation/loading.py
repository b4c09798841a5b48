"""Loading of preparations: a saved one of any kind, by what its folder says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from neurarium.core.codec import load_tensors
from neurarium.core.errors import ArtifactError
from neurarium.core.files import read_json, sha256
from neurarium.data.dataset import Preparation
from neurarium.data.preparation.arrays import ArrayPreparation
from neurarium.data.preparation.dense import DensePreparation
from neurarium.data.preparation.forecasting import ForecastPreparation
from neurarium.data.preparation.images import ImagePreparation
from neurarium.data.preparation.language import LanguagePreparation
from neurarium.data.preparation.mixed import MixedPreparation
from neurarium.data.preparation.piano_rolls import PianoRollPreparation
from neurarium.data.preparation.series import SeriesPreparation
from neurarium.data.preparation.sounds import SoundPreparation
from neurarium.data.preparation.storage import FORMAT_VERSION, NAME
from neurarium.data.preparation.tables import TablePreparation
from neurarium.data.preparation.tagged import TaggedPreparation
from neurarium.data.preparation.text_pairs import TextPairPreparation
from neurarium.data.preparation.traces import TracePreparation

KINDS: dict[str, Any] = {
    "array": ArrayPreparation,
    "dense": DensePreparation,
    "forecast": ForecastPreparation,
    "image": ImagePreparation,
    "language": LanguagePreparation,
    "mixed": MixedPreparation,
    "piano rolls": PianoRollPreparation,
    "series": SeriesPreparation,
    "sound": SoundPreparation,
    "table": TablePreparation,
    "tagged": TaggedPreparation,
    "text-pairs": TextPairPreparation,
    "traces": TracePreparation,
}


def load_preparation(folder: Path | str) -> Preparation:
    """Read a saved preparation of any kind.

    Raises:
        ArtifactError: a file is missing, altered, or from a newer version.
    """
    folder = Path(folder)
    content = read_json(folder / f"{NAME}.json")
    if not isinstance(content, dict) or content.get("kind") not in KINDS:
        raise ArtifactError(f"{folder / NAME}.json is no preparation", expected=f"one of {', '.join(KINDS)}")
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
    kind = KINDS[content["kind"]]
    try:
        if hasattr(kind, "from_folder"):  # it has further files
            return kind.from_folder(folder, content, arrays)
        found = kind.from_saved(content, arrays)
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
