"""Dataset: what is learned from. Splits, specs, and the preparation that was fitted on the training split alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from neurarium.core.display import Displayed
from neurarium.core.errors import DataError
from neurarium.data.examples import Examples, FileExamples
from neurarium.data.specs import Spec

Told = Callable[[int], str]


@runtime_checkable
class Preparation(Protocol):
    """The preprocessing: fitted once, saved with the model as a folder, applied again to raw data."""

    def apply(self, raw: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Turn raw data (a path, a frame, an array) into (batch, notes). `targets` are in the batch if raw has them.

        `notes` names what a person should know: `{"unseen": {...}, "quarantined": [...], "raw": frame}`.
        """
        ...

    def save(self, folder: Path) -> None:
        """Write JSON and safetensors files into the folder."""
        ...


class Decision:
    """One automatic decision: what was chosen, why, and the option that overrides it (a row of plan.json)."""

    def __init__(self, subject: str, choice: Any, reason: str, override: str = ""):
        self.subject, self.choice, self.reason, self.override = subject, choice, reason, override

    def to_json(self) -> dict[str, Any]:
        return {
            "subject": self.subject,
            "choice": self.choice,
            "reason": self.reason,
            "override": self.override,
        }


class Dataset(Displayed):
    """What is learned from.

    Args:
        name: how reports call it.
        inputs, targets: specs of one example.
        train, validation, test: the splits; validation and test may be None.
        preparation: fitted on `train` alone; None for tensors that come prepared.
        decisions: the automatic decisions made while reading.
        summary: plain facts for the report (rows, columns, classes, quarantined files, hash of the data).
        rows: per split, the places its examples have in the source (integers), where the reader knows them.
        files: per split, what says which file an example is, where each has one.
    """

    def __init__(
        self,
        name: str,
        inputs: Spec,
        targets: Spec,
        train: Examples | FileExamples,
        validation: Examples | FileExamples | None = None,
        test: Examples | FileExamples | None = None,
        *,
        preparation: Preparation | None = None,
        decisions: list[Decision] | None = None,
        summary: dict[str, Any] | None = None,
        rows: dict[str, Any] | None = None,
        files: dict[str, Told] | None = None,
    ):
        if len(train) == 0:
            raise DataError(f"the training split of {name} is empty")
        self.name, self.inputs, self.targets = name, inputs, targets
        self.train, self.validation, self.test = train, validation, test
        self.preparation = preparation
        self.decisions = list(decisions or [])
        self.summary = dict(summary or {})
        self.rows = dict(rows or {})
        self.files = dict(files or {})
        self.rereading: Any = None  # how to read it again with other splits; readers set it

    @property
    def splits(self) -> dict[str, Examples | FileExamples]:
        """The splits that are there, by name."""
        named = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: split for name, split in named.items() if split is not None}

    def told(self, split: str) -> Told:
        """Return what says where an example of a split stands in the source: its file, else its row, else nothing.

        >>> import neurarium as nr
        >>> nr.data.load("iris").told("test")(0)
        'row 3 of the source'
        """
        file, rows = self.files.get(split), self.rows.get(split)

        def say(place: int) -> str:
            if file is not None:
                return file(place)
            if rows is not None and place < len(rows):
                return f"row {int(rows[place]) + 1} of the source"
            return ""

        return say

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name} {len(split):,}" for name, split in self.splits.items())
        return f"Dataset({self.name}: {type(self.inputs).__name__} -> {type(self.targets).__name__}; {sizes})"
