"""Folders of texts: a folder per class with a text per file, with or without folders for the splits around them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy

from neurarium.core.errors import DataError
from neurarium.data.assembly.rereading import rereadable
from neurarium.data.dataset import Dataset
from neurarium.data.preparation.text import Kind, Truncation
from neurarium.data.readers.folders import split_folders
from neurarium.data.readers.text_folders import CLASS, TEXT, labelled_texts


@rereadable
def texts(
    source: Path | str,
    *,
    validation: float = 0.15,
    test_fraction: float = 0.15,
    split: str | Mapping[str, Any] | None = None,
    seed: int = 0,
    tokenizer: Kind | None = None,
    vocabulary: int = 8000,
    length: int | None = None,
    truncate: Truncation | None = None,
    encoding: str | None = None,
) -> Dataset:
    """Read a folder per class with a `.txt` file per text.

    Folders `train`, `validation` and `test` around the classes are the splits; else texts are set aside for both.

    Args:
        source: the folder.
        validation, test_fraction: the shares that are set aside where there is no such folder.
        split, seed: as for `table`.
        tokenizer, vocabulary, length, truncate: as for `table`.
        encoding: of the files, where it is not UTF-8.

    Returns:
        A dataset of `Tokens` -> `Classes`.

    Raises:
        DataError: no class folders, fewer than two classes, or a file that is no text.

    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp())
    >>> for number in range(20):
    ...     place = root / ("good" if number % 2 else "bad")
    ...     place.mkdir(exist_ok=True)
    ...     _ = (place / f"{number}.txt").write_text(f"text number {number}")
    >>> texts(root, tokenizer="words").targets.names
    ('bad', 'good')
    """
    root = Path(source)
    folders = split_folders(root)
    rows: dict[str, list[tuple[str, str]]] = {
        name: labelled_texts(folder, encoding) for name, folder in (folders or {"train": root}).items()
    }
    together = [pair for part in rows.values() for pair in part]
    classes = sorted({label for _, label in together})
    if len(classes) < 2:
        raise DataError(
            f"{root} has too few classes of texts",
            expected="two folders or more, each named as its class, with .txt files in it",
            received=f"{len(classes)}: {', '.join(classes) or 'none'}",
        )
    from neurarium.data.assembly.tables import table

    columns = {TEXT: [said for said, _ in together], CLASS: [label for _, label in together]}
    return table(
        columns, CLASS, text=(TEXT,), task="classification", seed=seed, name=root.resolve().name,
        tokenizer=tokenizer, vocabulary=vocabulary, length=length, truncate=truncate,
        **_parts(rows, split, validation, test_fraction, seed),
    )  # fmt: skip


def _parts(
    rows: Mapping[str, list[Any]], split: Any, validation: float, test: float, seed: int
) -> dict[str, Any]:
    """Return how the rows are split: as their folders say, with what they do not say set aside from training."""
    if len(rows) == 1 or split is not None:
        return {"validation": validation, "test_fraction": test, "split": split}
    bounds = numpy.cumsum([0, *(len(part) for part in rows.values())])
    found = {name: numpy.arange(bounds[place], bounds[place + 1]) for place, name in enumerate(rows)}
    if "validation" not in found and validation:
        order = numpy.random.default_rng(seed).permutation(found["train"])
        held = max(1, round(validation * len(order)))
        found |= {"train": numpy.sort(order[held:]), "validation": numpy.sort(order[:held])}
    return {"split": found}
