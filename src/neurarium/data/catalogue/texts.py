"""Readers of the texts in the catalogue."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Literal

import numpy

from neurarium.core.errors import OptionError
from neurarium.data.assembly.language import dataset_of
from neurarium.data.assembly.tables import table
from neurarium.data.assembly.text_pairs import text_pairs
from neurarium.data.dataset import Dataset
from neurarium.data.preparation.language import LanguageKind
from neurarium.data.preparation.text import Kind, Truncation

KINDS = {
    "ABBR": "abbreviation", "DESC": "description", "ENTY": "entity",
    "HUM": "human", "LOC": "location", "NUM": "number",
}  # fmt: skip


def sst2(
    *, folder: Path, tokenizer: Kind | None = "words", vocabulary: int = 16000, length: int | None = None,
    truncate: Truncation | None = None,
) -> Dataset:  # fmt: skip
    """Sentences of film reviews, cut into words already, with the published training, validation and test files."""
    parts = {key: _tabbed(folder / f"{name}.tsv") for key, name in _FILES.items()}
    return _texts(parts, "text", "sentiment", tokenizer, vocabulary, length, truncate)


_FILES = {"train": "train", "validation": "dev", "test": "test"}
_SENTIMENT = {"0": "negative", "1": "positive"}


def tiny_shakespeare(
    *, folder: Path, tokenizer: LanguageKind | None = None, vocabulary: int = 8000, context: int | None = None
) -> Dataset:
    """Speeches of plays, the first 90 % to learn from and the rest to validate on, as nanoGPT cuts them."""
    said = (folder / "input.txt").read_text(encoding="utf-8")
    bound = int(0.9 * len(said))
    parts = {"train": [said[:bound]], "validation": [said[bound:]]}
    return dataset_of(parts, folder.name, tokenizer=tokenizer, vocabulary=vocabulary, context=context)


def trec(
    *, folder: Path, fine: bool = False, validation: float = 0.1, seed: int = 0,
    tokenizer: Kind | None = None, vocabulary: int = 8000, length: int | None = None,
    truncate: Truncation | None = None,
) -> Dataset:  # fmt: skip
    """Questions and the kind of their answer, with the published test file."""
    parts = {key: _questions(folder / f"TREC.{key}", fine) for key in ("train", "test")}
    order = numpy.random.default_rng(seed).permutation(len(parts["train"]))
    held = set(order[: round(validation * len(order))].tolist())
    rows = parts["train"]
    parts["train"] = [row for place, row in enumerate(rows) if place not in held]
    if held:
        parts["validation"] = [row for place, row in enumerate(rows) if place in held]
    return _texts(parts, "question", "answer", tokenizer, vocabulary, length, truncate)


def movie_review_polarity(
    *, folder: Path, fold: int = 0,
    tokenizer: Kind | None = None, vocabulary: int = 16000, length: int | None = None,
    truncate: Truncation | None = None,
) -> Dataset:  # fmt: skip
    """Long film reviews; the usual ten folds by their number: one tests, the next one validates."""
    if not 0 <= fold <= 9:
        raise OptionError("there is no such fold", expected="0 to 9", received=fold)
    parts: dict[str, list[tuple[str, str]]] = {"train": [], "validation": [], "test": []}
    with tarfile.open(folder / "review_polarity.tar.gz") as packed:
        for member in sorted(packed.getmembers(), key=lambda each: each.name):
            place = Path(member.name)
            if place.suffix != ".txt" or place.parent.name not in ("neg", "pos"):
                continue
            own = int(place.name[2]) - fold  # cv000 to cv099 are fold 0
            part = "test" if own == 0 else "validation" if own in (1, -9) else "train"
            stream = packed.extractfile(member)
            said = stream.read().decode("latin-1") if stream else ""
            parts[part].append((said, "negative" if place.parent.name == "neg" else "positive"))
    return _texts(parts, "text", "sentiment", tokenizer, vocabulary, length, truncate)


def multi30k(
    *, folder: Path, direction: Literal["de-en", "en-de"] = "de-en", test_set: Literal[2016, 2017] = 2016,
    task: Literal["translation"] = "translation", tokenizer: Kind | None = None, vocabulary: int = 8000,
    length: int | None = None, written_length: int | None = None, shared_vocabulary: bool = True,
    lowercase: bool = False,
) -> Dataset:  # fmt: skip
    """Captions in German and English, with the published files for training, validation and test."""
    own, other = direction.split("-")
    names = {"validation": "val", "test": f"test_{test_set}_flickr"}
    return text_pairs(
        folder / f"train.{own}.gz", parallel=folder / f"train.{other}.gz", task=task,
        **{key: folder / f"{name}.{own}.gz" for key, name in names.items()},
        tokenizer=tokenizer, vocabulary=vocabulary, length=length, written_length=written_length,
        shared_vocabulary=shared_vocabulary, lowercase=lowercase,
    )  # type: ignore[arg-type]  # fmt: skip


def _tabbed(path: Path) -> list[tuple[str, str]]:
    """Read `sentence<TAB>label`, quotes being characters like others."""
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = [line.rpartition("\t") for line in lines if line.strip()]
    return [(said, _SENTIMENT[label.strip()]) for said, _, label in pairs]


def _questions(path: Path, fine: bool) -> list[tuple[str, str]]:
    """Read `NUM:dist How far is it ...`."""
    lines = path.read_text(encoding="latin-1").splitlines()
    pairs = [line.partition(" ") for line in lines if line.strip()]
    return [(said, kind if fine else KINDS[kind.partition(":")[0]]) for kind, _, said in pairs]


def _texts(
    parts: dict[str, list[tuple[str, str]]],
    source: str,
    target: str,
    tokenizer: Kind | None,
    vocabulary: int,
    length: int | None,
    truncate: Truncation | None,
) -> Dataset:
    """Put the splits into one table of a text and a class."""
    rows = [pair for part in parts.values() for pair in part]
    bounds = numpy.cumsum([0, *(len(part) for part in parts.values())])
    split = {name: numpy.arange(bounds[place], bounds[place + 1]) for place, name in enumerate(parts)}
    columns = {source: [said for said, _ in rows], target: [label for _, label in rows]}
    return table(
        columns, target, split=split, text=(source,), task="classification",
        tokenizer=tokenizer, vocabulary=vocabulary, length=length, truncate=truncate,
    )  # fmt: skip
