"""Tagged: sentences whose words have tags, as a `Dataset` of `Tokens` -> `Tags`."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy
import torch

from neurarium.core.errors import DataError, OptionError, naming
from neurarium.core.wording import counted
from neurarium.data import splits
from neurarium.data.assembly.rereading import rereadable
from neurarium.data.dataset import Dataset, Decision
from neurarium.data.preparation.tagged import Letters, TaggedPreparation, WordLooks
from neurarium.data.preparation.tagged import Sentences as TaggedSentences
from neurarium.data.readers.conll import Columns, Sentences, marks_spans, read_sentences, tag_names

LONGEST = 256
SPELLED = 20  # letters of a word that are read


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
    letters: int = SPELLED,
    lowercase: bool | None = None,
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
        word_column, tag_column: of CoNLL columns, the first being 1; where nothing is said the file decides, see
            `conll_columns.layout_of`: the first and the last, of CoNLL-U the second and the fourth.
        vocabulary: words at most that are known by themselves; others are known by their looks.
        length: words per sentence, longer ones are cut; the longest of all sentences, 256 at most, where None. `predict`
            takes longer ones.
        letters: of a word that a network may read, of longer words the beginning and the end; 0 for words alone.
        lowercase: whether a word has one index however it is written; None for that where letters are read, which tell.
        encoding: of text, where it is not UTF-8.
        seed: decides the split.
        name: how reports call the dataset.

    Raises:
        DataError: no tags, one tag only, or what `read_sentences` refuses.
        OptionError: a negative number of letters.

    >>> rows = {"tokens": [["Anna", "sings"], ["a", "dog", "barks"]] * 9, "tags": [["N", "V"], ["D", "N", "V"]] * 9}
    >>> tagged(rows)
    Dataset(sentences: Words -> Tags; train 12, validation 3, test 3)
    """
    if letters < 0:
        raise OptionError("a word cannot have so many letters", expected="0 or more", received=letters)
    columns = Columns(word_column, tag_column, text, target, encoding)
    parts = {"train": read_sentences(source, columns)}
    for key, other in (("validation", validation), ("test", test)):
        if other is not None and not isinstance(other, int | float):
            with naming(other) if isinstance(other, str | Path) else contextlib.nullcontext():
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
            fix="name another column: --set tag_column=" if main.layout and main.layout.count > 2 else None,
        )
    longest = max(len(each) for part in parts.values() for each in part.words)
    preparation = TaggedPreparation(
        WordLooks.train(training, vocabulary, letters > 0 if lowercase is None else lowercase), names, length or min(longest, LONGEST), columns,
        Letters.train(training, letters) if letters else None,
    )  # fmt: skip
    decisions += _of_columns(main) + _told(preparation, training, parts, length)
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
    unseen = sum(not made.knows(word) for each in training for word in each)
    total = sum(map(len, training))
    shown = f"{len(made.words):,} words and {len(made.shapes):,} looks"
    reason = f"{unseen:,} of {total:,} training words came once and are known by shape and ending"
    reason += "; in lower case, the letters tell how it was: --set lowercase=false" if made.lowercase else ""
    sizes = [len(each) for part in parts.values() for each in part.words]
    cut = sum(size > preparation.length for size in sizes)
    why = "given" if length else f"the longest sentence has {max(sizes)}; {LONGEST} at most"
    why += f"; {counted(cut, 'longer one')} cut" if cut else ""
    spelled = preparation.letters
    return [
        Decision("words", shown, reason, "--set vocabulary="),
        *([_of_letters(spelled, training)] if spelled is not None else []),
        Decision("length", f"{preparation.length} words", why, "--set length="),
        Decision("tags", len(preparation.names), ", ".join(preparation.names[:20]), "the data"),
    ]


def _of_columns(read: Sentences) -> list[Decision]:
    """Say where words and tags stand in the file, and whether tags mark spans."""
    layout, found = read.layout, []
    if layout is not None:
        chosen = f"word {layout.word}, tag {layout.tag}"
        found.append(Decision("columns", chosen, layout.told, "--set word_column=, --set tag_column="))
    if read.tags is not None and marks_spans(read.tags):
        begun, odd = _spans(read.tags)
        reason = "B- begins a span, I- goes on with it"
        reason += (
            f"; {odd:,} begin with I- behind another type or none, as the script of CoNLL takes it"
            if odd
            else ""
        )
        found.append(Decision("spans", f"{begun:,} in the source", reason, "the data"))
    return found


def _spans(tags: Sequence[Sequence[str]]) -> tuple[int, int]:
    """Return how many spans begin, and how many of them by `I-` or `E-`."""
    begun = odd = 0
    for sentence in tags:
        for before, tag in zip(("O", *sentence), sentence, strict=False):
            first = tag[:2] in ("B-", "S-", "U-")
            loose = tag[:2] in ("I-", "E-", "L-") and (
                before[:2] not in ("B-", "I-") or before[2:] != tag[2:]
            )
            begun, odd = begun + (first or loose), odd + loose
    return begun, odd


def _of_letters(letters: Letters, training: list[list[str]]) -> Decision:
    longer = sum(len(word) > letters.most for each in training for word in each)
    reason = f"{len(letters.alphabet):,} different ones come twice or more in training"
    reason += f"; of {counted(longer, 'longer word')} the beginning and the end" if longer else ""
    return Decision("letters", f"{letters.most} of each word", reason, "--set letters=")


def _examples(preparation: TaggedPreparation, part: Sentences) -> TaggedSentences:
    size = preparation.length
    return TaggedSentences(
        {
            "inputs": preparation.encode(part.words, size),
            "targets": preparation.encode_tags(part.tags or [], part.origin, size),
        },
        part.words,
        preparation.letters,
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
