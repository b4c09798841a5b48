"""Preparation of tagged words: indices of words, of the looks of rare ones, and of tags."""

from __future__ import annotations

import collections
import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy
import torch
from torch import Tensor

from neurarium.core import batches
from neurarium.core.errors import ArtifactError, DataError
from neurarium.core.files import sha256, write_text
from neurarium.data.examples import Examples
from neurarium.data.preparation.storage import save_preparation
from neurarium.data.readers.conll import Columns, read_sentences
from neurarium.data.specs import ABSENT, Tags, Tokens, Words

PADDING, UNKNOWN = 0, 1
RARE = 1  # words that come so often in training, or less, are known by their looks
TOKENIZER = "tokenizer.json"


def looks(word: str) -> tuple[str, str, str]:
    """Return how a word looks, from close to coarse: shape and three last letters, shape and two, shape alone.

    The shape names kinds of characters, equal neighbours once: X upper case, x lower case, 9 digits, others themselves.

    >>> looks("McDonalds"), looks("1,200")
    (('XxXx lds', 'XxXx ds', 'XxXx'), ('9,9 200', '9,9 00', '9,9'))
    """
    shape = ""
    for letter in word:
        kind = "9" if letter.isdigit() else "X" if letter.isupper() else "x" if letter.isalpha() else letter
        shape += kind if not shape.endswith(kind) else ""
    end = word.lower()
    return f"{shape} {end[-3:]}", f"{shape} {end[-2:]}", shape


class WordLooks:
    """Words to indices: a frequent word by itself, any other by how it looks.

    A word that training did not have, or had once, gets the index of its looks (see `looks`), the closest that training
    had among its rare words; so names, numbers and endings of unseen words say what they say.

    Args:
        words, shapes: those with indices 2, 3, ...; shapes behind words.
        lowercase: whether words are known by themselves in lower case; how they look never is.

    >>> made = WordLooks.train([["a", "cat"], ["a", "cat"], ["a", "Paris"]], 10)
    >>> made.words, made.encode(["cat", "Berlin", "x1"])
    (('a', 'cat'), [3, 4, 1])
    """

    def __init__(self, words: Sequence[str], shapes: Sequence[str], lowercase: bool = False):
        self.words, self.shapes, self.lowercase = tuple(words), tuple(shapes), lowercase
        self._words = {word: code for code, word in enumerate(self.words, start=2)}
        self._shapes = {shape: code for code, shape in enumerate(self.shapes, start=2 + len(self.words))}

    @classmethod
    def train(cls, sentences: Sequence[Sequence[str]], vocabulary: int, lowercase: bool = False) -> WordLooks:
        """Take the frequent words, and the looks of the others."""
        own = str.lower if lowercase else str
        counts = collections.Counter(own(word) for each in sentences for word in each)
        ordered = sorted(counts, key=lambda word: (-counts[word], word))
        words = [word for word in ordered if counts[word] > RARE][: max(vocabulary - 2, 0)]
        known = set(words)
        rare = {word for each in sentences for word in each if own(word) not in known}
        shapes: collections.Counter[str] = collections.Counter()
        for word in rare:
            shapes.update(looks(word))
        coarse = {looks(word)[2] for word in rare}
        kept = [each for each in shapes if shapes[each] > 1 or each in coarse]
        return cls(words, sorted(kept), lowercase)

    @property
    def size(self) -> int:
        return 2 + len(self.words) + len(self.shapes)

    def encode(self, words: Sequence[str]) -> list[int]:
        """Return the index of each word."""
        own = str.lower if self.lowercase else str
        return [self._words.get(own(word)) or self._of_looks(word) for word in words]

    def knows(self, word: str) -> bool:
        """Return whether a word is known by itself."""
        return (word.lower() if self.lowercase else word) in self._words

    def _of_looks(self, word: str) -> int:
        return next((self._shapes[each] for each in looks(word) if each in self._shapes), UNKNOWN)


class Letters:
    """Words to indices of their letters; of a longer word the beginning and the end, half of each.

    A letter that training had once, or never, is unknown. Case counts.

    Args:
        alphabet: the letters with indices 2, 3, ...
        most: letters per word.

    >>> made = Letters.train([["abba", "ab"]], 3)
    >>> made.alphabet, made.table(["ab", "xbba"]).tolist()
    (('a', 'b'), [[2, 3, 0], [1, 3, 2]])
    """

    def __init__(self, alphabet: Sequence[str], most: int):
        self.alphabet, self.most = tuple(alphabet), most
        self._codes = {letter: code for code, letter in enumerate(self.alphabet, start=2)}

    @classmethod
    def train(cls, sentences: Sequence[Sequence[str]], most: int) -> Letters:
        """Take the letters that come more than once."""
        counts = collections.Counter(letter for each in sentences for word in each for letter in word)
        return cls(sorted(letter for letter in counts if counts[letter] > RARE), most)

    @property
    def size(self) -> int:
        return 2 + len(self.alphabet)

    def table(self, words: Sequence[str]) -> Tensor:
        """Return the letters of each word, `(words, most)` int32, 0 behind the last."""
        found = numpy.full((len(words), self.most), PADDING, dtype=numpy.int32)
        end = self.most // 2
        for place, word in zip(found, words, strict=True):
            if len(word) > self.most:
                word = word[: self.most - end] + word[len(word) - end :]
            place[: len(word)] = [self._codes.get(letter, UNKNOWN) for letter in word]
        return torch.from_numpy(found)


@dataclasses.dataclass
class TaggedPreparation:
    """Sentences to indices of words, of their letters, and of tags.

    Args:
        tokenizer: fitted on training sentences.
        names: the tags.
        length: words per sentence in training; what is predicted may be longer.
        columns: where words and tags stand in files.
        letters: fitted likewise; None for words alone.
    """

    tokenizer: WordLooks
    names: tuple[str, ...]
    length: int
    columns: Columns
    letters: Letters | None = None
    kind: ClassVar[str] = "tagged"

    @property
    def inputs(self) -> Tokens:
        size = self.tokenizer.size
        if self.letters is None:
            return Tokens(size, self.length, PADDING)
        return Words(size, self.length, PADDING, self.letters.size, self.letters.most)

    @property
    def targets(self) -> Tags:
        return Tags(self.names, self.length)

    def encode(self, words: Sequence[Sequence[str]], length: int | None = None) -> Tensor:
        """Return word indices `(sentences, length)` int32; padded to the longest where no length is given."""
        return _padded([self.tokenizer.encode(each) for each in words], length, PADDING)

    def encode_tags(self, tags: Sequence[Sequence[str]], origin: str, length: int | None = None) -> Tensor:
        """Return tag indices `(sentences, length)` int32, -1 behind the last.

        Raises:
            DataError: a tag that training does not have.
        """
        codes = {name: code for code, name in enumerate(self.names)}
        odd = next(((row, tag) for row, each in enumerate(tags, 1) for tag in each if tag not in codes), None)
        if odd is not None:
            raise DataError(
                f"sentence {odd[0]} of {origin} has a tag that no training sentence has",
                expected=", ".join(self.names[:30]),
                received=odd[1],
                fix="mend the tag, or move a sentence with it to the training part",
            )
        return _padded([[codes[tag] for tag in each] for each in tags], length, ABSENT)

    def apply(self, raw: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Turn sentences (a file, or lists of words) into (batch, notes); the notes hold the `words`."""
        found = read_sentences(raw, self.columns, tagged=False)
        batch: dict[str, Any] = Sentences(
            {"inputs": self.encode(found.words)}, found.words, self.letters
        ).take(slice(None))
        notes = {"words": found.words, "rows": len(found.words)}
        known, why = set(self.names), "the words have no tags"
        if found.tags is not None and all(tag for each in found.tags for tag in each):
            odd = next(
                ((row, tag) for row, each in enumerate(found.tags, 1) for tag in each if tag not in known),
                None,
            )
            if odd is None:
                return {**batch, "targets": self.encode_tags(found.tags, found.origin).long()}, notes
            why = f"sentence {odd[0]} has the tag {odd[1]}, which no training sentence has"
        return batch, {**notes, "targets": why}

    def save(self, folder: Path | str) -> None:
        """Write preparation.json and tokenizer.json into a folder."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        made = self.tokenizer
        held = {"words": list(made.words), "looks": list(made.shapes), "lowercase": made.lowercase}
        write_text(folder / TOKENIZER, json.dumps(held, ensure_ascii=False))
        content = {
            "tags": list(self.names), "length": self.length, "columns": dataclasses.asdict(self.columns),
            "tokenizer_sha256": sha256(folder / TOKENIZER),
            "letters": None if self.letters is None else [list(self.letters.alphabet), self.letters.most],
        }  # fmt: skip
        save_preparation(folder, self.kind, content, {})

    @classmethod
    def from_folder(
        cls, folder: Path, content: Mapping[str, Any], arrays: Mapping[str, numpy.ndarray]
    ) -> TaggedPreparation:
        """Rebuild a preparation from its folder.

        Raises:
            ArtifactError: the tokenizer is missing or was altered.
        """
        path = folder / TOKENIZER
        if not path.is_file() or sha256(path) != content["tokenizer_sha256"]:
            raise ArtifactError(
                f"the tokenizer {path} is missing or was altered",
                fix="restore it from a copy, or train again",
            )
        held = json.loads(path.read_text(encoding="utf-8"))
        tokenizer = WordLooks(held["words"], held["looks"], held.get("lowercase", False))
        spelled = content.get("letters")  # runs of before there were letters have none
        letters = None if spelled is None else Letters(*spelled)
        return cls(
            tokenizer, tuple(content["tags"]), content["length"], Columns(**content["columns"]), letters
        )


class Sentences(Examples):
    """Tagged sentences in memory, with their words beside them.

    Args:
        batch: as for `Examples`, finished by `Finish`.
        words: of each sentence.
        letters: how words are spelled; None for words alone. Each different word is held once.
    """

    def __init__(
        self,
        batch: dict[str, Any],
        words: Sequence[Sequence[str]],
        letters: Letters | None = None,
        table: Any = None,
    ):
        self.words, self.letters = list(words), letters
        if letters is not None and table is None:
            places: dict[str, int] = {"": 0}
            rows = [[places.setdefault(word, len(places)) for word in each] for each in self.words]
            table = letters.table(list(places))
            batch = {**batch, "spelled": _padded(rows, batch["inputs"].shape[1], 0)}
        super().__init__(batch, finish=Finish(table))

    def subset(self, indices: Tensor | Sequence[int]) -> Sentences:
        chosen = torch.as_tensor(indices, dtype=torch.int64).tolist()
        table = self.finish.table  # type: ignore[union-attr]
        return Sentences(
            batches.take(self.batch, chosen), [self.words[place] for place in chosen], self.letters, table
        )


@dataclasses.dataclass
class Finish:
    """Turn small integers into the batch of `Tokens` or `Words` -> `Tags`.

    Args:
        table: the letters of each different word, `(words, most)`; None for words alone.
    """

    table: Tensor | None = None

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        tokens = batch["inputs"].long()
        made = {key: each for key, each in batch.items() if key != "spelled"}
        made["inputs"] = {"tokens": tokens, "mask": tokens != PADDING}
        if self.table is not None:
            made["inputs"]["letters"] = self.table[batch["spelled"].long()]
        return made if "targets" not in batch else {**made, "targets": batch["targets"].long()}


def _padded(rows: Sequence[Sequence[int]], length: int | None, padding: int) -> Tensor:
    length = length or max((len(each) for each in rows), default=1)
    found = numpy.full((len(rows), length), padding, dtype=numpy.int32)
    for place, each in zip(found, rows, strict=True):
        place[: min(len(each), length)] = each[:length]
    return torch.from_numpy(found)
