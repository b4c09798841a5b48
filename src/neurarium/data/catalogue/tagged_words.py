"""Readers of the tagged sentences in the catalogue, with their published files for training, validation and test."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from neurarium.data.assembly.tagged import SPELLED, tagged
from neurarium.data.dataset import Dataset


def wnut17(
    *, folder: Path, vocabulary: int = 20000, length: int | None = None, letters: int = SPELLED,
    lowercase: bool | None = None,
) -> Dataset:  # fmt: skip
    """Posts of several sites, and the rare names in them: what the training names, the test hardly does."""
    return tagged(
        folder / "wnut17train.conll", validation=folder / "emerging.dev.conll", test=folder / "emerging.test.annotated",
        vocabulary=vocabulary, length=length, letters=letters, lowercase=lowercase,
    )  # fmt: skip


def english_ewt(
    *, folder: Path, tags: Literal["universal", "treebank"] = "universal", vocabulary: int = 20000,
    length: int | None = None, letters: int = SPELLED,
    lowercase: bool | None = None,
) -> Dataset:  # fmt: skip
    """Sentences of web pages and the part of speech of each word: 17 universal ones, or 50 of the Penn Treebank."""
    parts = {name: folder / f"en_ewt-ud-{name}.conllu" for name in ("train", "dev", "test")}
    return tagged(
        parts["train"], validation=parts["dev"], test=parts["test"], tag_column=4 if tags == "universal" else 5,
        vocabulary=vocabulary, length=length, letters=letters, lowercase=lowercase,
    )  # fmt: skip
