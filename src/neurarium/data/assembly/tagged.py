"""Tagged: sentences whose words have tags, as a `Dataset` of `Tokens` -> `Tags`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy
import torch

from neurarium.core.errors import DataError, OptionError
from neurarium.core.wording import counted
from neurarium.data import splits
from neurarium.data.assembly.rereading import rereadable
from neurarium.data.dataset import Dataset, Decision
from neurarium.data.preparation.tagged import Sentences as TaggedSentences
from neurarium.data.preparation.tagged import TaggedPreparation, WordLooks
from neurarium.data.readers.conll import Columns, Sentences, read_sentences, tag_names

LONGEST = 256


@rereadable
def tagged(
    source: Any,
    *,
    task: Literal["tagging"] = "tagging",
    text: str = "tokens",
    target: str = "tags",
    test: Any = None,
    validation: float | Any = 0.15,
    test_fraction: float = 0.15,
    split: str | Mapping[str, Sequence[int]] | None = None,
    word_column: int = 1,
    tag_column: int = 0,
    vocabulary: int = 20000,
    length: int | None = None,
    encoding: str | None = None,
    seed: int = 0,
    name: str | None = None,
) -> Dataset:
    """Read sentences and the tag of each word.

    Args:
        source: CoNLL columns, a table of lists, JSON lines, or what holds them; see `conll.read_sentences`.
        task: "tagging"; what asked for this reader.
        text, target: the columns of words and tags of a table.
        test, validation: a file of its own; else shares of the sentences.
        test_fraction: the share that tests where no file does.
        split: "random", or the sentences of each split.
        word_column, tag_column: of CoNLL columns, the first being 1; 0 is the last. `.conllu` files: 2 and 4.
        vocabulary: words at most that are known by themselves; others are known by their looks.
        length: words per sentence, longer ones are cut; the longest of all sentences, 256 at most, where None. `predict`
            takes longer ones.
        encoding: of text, where it is not UTF-8.
        seed: decides the split.
        name: how reports call the dataset.

    Raises:
        DataError: no tags, one tag only, or what `read_sentences` refuses.

    >>> rows = {"tokens": [["Anna", "sings"], ["a", "dog", "barks"]] * 9, "tags": [["N", "V"], ["D", "N", "V"]] * 9}
    >>> tagged(rows)
    Dataset(sentences: Tokens -> Tags; train 12, validation 3, test 3)
    """
    columns = Columns(word_column, tag_column, text, target, encoding)
    parts = {"train": read_sentences(source, columns)}
    for key, other in (("validation", validation), ("test", test)):
        if other is not None and not isinstance(other, int | float):
            parts[key] = read_sentences(other, columns)
    main = parts["train"]
    rows, decisions = _rows(len(main.words), parts, validation, test_fraction, split, seed)
    words, tags = main.words, main.tags or []
    training = [words[place] for place in rows["train"]]
    names = tag_names([tags[place] for place in rows["train"]])
    if len(names) < 2:
        raise DataError(
            f"all words of {main.origin} have one tag",
            expected="two different tags or more",
            received=", ".join(names) or "none",
        )
    longest = max(len(each) for part in parts.values() for each in part.words)
    preparation = TaggedPreparation(
        WordLooks.train(training, vocabulary), names, length or min(longest, LONGEST), columns
    )
    decisions += _told(preparation, training, parts, length)
    made = {key: _examples(preparation, part) for key, part in parts.items()}
    together = made.pop("train")
    held = {key: together.subset(torch.from_numpy(chosen)) for key, chosen in rows.items()} | made
    dataset = Dataset(
        name or _called(source), preparation.inputs, preparation.targets, held["train"],
        held.get("validation"), held.get("test"), preparation=preparation, decisions=decisions,
        summary=_summary(parts, preparation), rows=rows,
    )  # fmt: skip
    return dataset


def _rows(
    count: int, parts: Mapping[str, Any], validation: Any, test: float, split: Any, seed: int
) -> tuple[dict[str, numpy.ndarray], list[Decision]]:
    if isinstance(split, Mapping):
        return {key: numpy.asarray(each, dtype=numpy.int64) for key, each in split.items()}, []
    if split not in (None, "random"):
        raise OptionError("sentences are split at random", expected="random", received=split)
    shares = {
        "validation": 0.0 if "validation" in parts else float(validation or 0),
        "test": 0.0 if "test" in parts else test,
    }
    if not any(shares.values()):
        return {"train": numpy.arange(count)}, []
    decision = Decision("split", "random", "sentences do not depend on one another", "--validation, --test")
    return splits.random(count, shares, seed), [decision]


def _told(
    preparation: TaggedPreparation,
    training: list[list[str]],
    parts: Mapping[str, Sentences],
    length: int | None,
) -> list[Decision]:
    made = preparation.tokenizer
    unseen = sum(word not in made._words for each in training for word in each)
    total = sum(map(len, training))
    shown = f"{len(made.words):,} words and {len(made.shapes):,} looks"
    reason = f"{unseen:,} of {total:,} training words came once and are known by shape and ending"
    sizes = [len(each) for part in parts.values() for each in part.words]
    cut = sum(size > preparation.length for size in sizes)
    why = "given" if length else f"the longest sentence has {max(sizes)}; {LONGEST} at most"
    why += f"; {counted(cut, 'longer one')} cut" if cut else ""
    return [
        Decision("words", shown, reason, "--set vocabulary="),
        Decision("length", f"{preparation.length} words", why, "--set length="),
        Decision("tags", len(preparation.names), ", ".join(preparation.names[:20]), "the data"),
    ]


def _examples(preparation: TaggedPreparation, part: Sentences) -> TaggedSentences:
    size = preparation.length
    return TaggedSentences(
        {
            "inputs": preparation.encode(part.words, size),
            "targets": preparation.encode_tags(part.tags or [], part.origin, size),
        },
        part.words,
    )


def _summary(parts: Mapping[str, Sentences], preparation: TaggedPreparation) -> dict[str, Any]:
    digest = hashlib.sha256()
    for part in parts.values():
        digest.update(part.content or repr((part.words, part.tags)).encode())
    return {
        "sentences": sum(len(part.words) for part in parts.values()),
        "words": sum(len(each) for part in parts.values() for each in part.words),
        "tags": list(preparation.names),
        "sha256": digest.hexdigest(),
    }


def _called(source: Any) -> str:
    return Path(source).stem if isinstance(source, str | Path) else "sentences"
