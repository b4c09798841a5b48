"""A target as the file of a preparation holds it, rebuilt by its kind."""

from __future__ import annotations

from typing import Any

from neurarium.data.preparation.dense_targets import BoxTarget, MaskTarget
from neurarium.data.preparation.label_sets import LabelSets
from neurarium.data.preparation.several_targets import SeveralTargets
from neurarium.data.preparation.targets import Labels, Quantities
from neurarium.data.preparation.traces import Expected
from neurarium.data.preparation.transcripts import Transcripts


def target_from_json(value: dict[str, Any]) -> Any:
    """Rebuild a target from its JSON form."""
    value = dict(value)
    kind = value.pop("kind")
    if kind == "labels":
        return Labels(value["column"], tuple(value["names"]))
    if kind == "label sets":
        return LabelSets(tuple(value["columns"]), tuple(value["names"]), value["separator"])
    if kind == "transcripts":
        return Transcripts(value["column"], tuple(value["symbols"]), int(value["longest"]))
    if kind in ("masks", "boxes"):
        listed: dict[str, Any] = {
            key: tuple(each) if isinstance(each, list) else each for key, each in value.items()
        }
        return (MaskTarget if kind == "masks" else BoxTarget)(**listed)
    if kind == "expected":
        return Expected(**value)
    if kind == "several":
        return SeveralTargets(tuple(target_from_json(each) for each in value["parts"]))
    return Quantities(**{key: tuple(each) for key, each in value.items()})
