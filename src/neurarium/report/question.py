"""The question: in a sentence, what a dataset or a run asks of a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from neurarium.data.specs import (
    Boxes,
    Classes,
    Expectation,
    Frames,
    Horizon,
    Mask,
    NextToken,
    Quantity,
    Tags,
    Targets,
    Text,
    Transcript,
    Unlabeled,
)

if TYPE_CHECKING:
    from neurarium.data.dataset import Dataset
    from neurarium.training.run import Run

SOURCES = {
    "Image": "an image",
    "Tokens": "a text",
    "Words": "a sentence",
    "Series": "a series",
    "Waveform": "a recording",
}
SHOWN = 8


def question(asked: Dataset | Run) -> str:
    """Say what is to be told from what; columns, classes and quantities are named while they are few.

    >>> import neurarium as nr
    >>> question(nr.data.load("iris"))
    'to tell, from 4 columns, which of 3 classes “species” it is (setosa, versicolor, virginica)'
    """
    targets = asked.targets
    if isinstance(targets, Text):
        return (
            f"to read a text and write its {'summary' if targets.task == 'summarization' else 'translation'}"
        )
    if isinstance(targets, Unlabeled):
        return f"to learn what {_source(asked)} looks like"
    if isinstance(targets, Horizon):
        step, past = asked.summary.get("step", "a step"), getattr(asked.inputs, "lookback", "")
        return f"to tell, from {past} steps of {step}, the next {targets.length} of {_named(targets.names)}"
    return f"to tell, from {_source(asked)}, {_told(asked)}"


def _told(asked: Dataset | Run) -> str:
    targets = asked.targets
    if isinstance(targets, Classes):
        return _class(targets)
    if isinstance(targets, Expectation):
        many = asked.summary.get("traces", "some")
        one = "one trace, and so what is odd in it"
        return f"what comes next in {one if many == 1 else f'{many} traces, and so what is odd in them'}"
    if isinstance(targets, Quantity):
        return "the value of " + _named(targets.names, 6)
    if isinstance(targets, Mask):
        return f"which of {len(targets.names)} classes each pixel is ({_named(targets.names)})"
    if isinstance(targets, Boxes):
        many = f"{len(targets.names)} classes are" if len(targets.names) > 1 else "one class are"
        return f"where things of {many} ({_named(targets.names)})"
    if isinstance(targets, NextToken):
        return f"which of {targets.vocabulary:,} tokens comes next"
    if isinstance(targets, Tags):
        return f"which of {len(targets.names)} tags each of its words has ({_named(targets.names)})"
    if isinstance(targets, Frames):
        return f"which of {len(targets.names)} notes the next frame holds, at every step"
    if isinstance(targets, Transcript):
        return f"what is said, in {len(targets.symbols)} symbols"
    if isinstance(targets, Targets):
        return ", ".join(targets.names[:-1]) + f" and {targets.names[-1]}"
    return f"{type(targets).__name__} targets"


def _class(targets: Classes) -> str:
    count = len(targets.names)
    listed = ", ".join(targets.names) if count <= 6 and sum(map(len, targets.names)) < 70 else ""
    column = f" “{targets.column}”" if targets.column and targets.column not in ("class", "target") else ""
    what = f"which of {count} labels apply" if targets.several else f"which of {count} classes{column} it is"
    return what + (f" ({listed})" if listed else "")


def _source(asked: Dataset | Run) -> str:
    """Say what one example is."""
    kind, kinds = type(asked.inputs).__name__, asked.summary.get("kinds")
    if kind in ("Tokens", "Words"):
        return SOURCES[kind]
    if isinstance(kinds, Mapping):
        known = sum(
            len(each) for name, each in kinds.items() if name != "drop" and isinstance(each, list | tuple)
        )
        return f"{known} columns" if known != 1 else "one column"
    if kind == "Image":
        return f"an image of {asked.inputs.height} × {asked.inputs.width} pixels"  # type: ignore[union-attr]
    if kind == "Array" and len(asked.inputs.shape) == 4:  # type: ignore[union-attr]
        return f"a volume of {' × '.join(map(str, asked.inputs.shape[1:]))} places"  # type: ignore[union-attr]
    return SOURCES.get(kind, "its inputs")


def _named(names: Sequence[str], most: int = SHOWN) -> str:
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")
