"""Preparation of texts: a tokenizer trained on training rows, lengths cut at a percentile, indices with padding."""

from __future__ import annotations

import collections
import dataclasses
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

import numpy
import torch
from torch import Tensor

from neurarium.core.errors import ArtifactError, DataError, MissingDependencyError, require, unknown
from neurarium.core.files import sha256, write_text
from neurarium.core.hub import is_hub_id
from neurarium.data.dataset import Decision
from neurarium.data.preparation.characters import Characters
from neurarium.data.preparation.packaged import SPECIAL, Packaged
from neurarium.data.preparation.published_tokenizer import PublishedTokenizer, published_tokenizer
from neurarium.data.preparation.special_tokens import PADDING, UNKNOWN
from neurarium.data.preparation.word_piece import WordPiece
from neurarium.data.specs import Tokens

VOCABULARY = 8000
PERCENTILE, LONGEST = 95, 256
WHOLE, PASS = 2048, 20_000_000  # the most tokens of a text that is read whole, and of all of them in a pass
SAMPLE = 100_000  # texts that a tokenizer is trained on, at most
WORD = re.compile(r"\w+|[^\w\s]")
Truncation = Literal["head", "tail", "head-tail"]
TRUNCATIONS = get_args(Truncation)
Kind = str  # a name of `KINDS`, or where a published tokenizer is


class Tokenizer(Protocol):
    """Texts to indices: 0 is padding, 1 an unknown token."""

    kind: str

    @property
    def size(self) -> int: ...

    def encode(self, texts: Sequence[str]) -> list[list[int]]: ...

    def pieces(self, text: str) -> list[str]: ...

    def decode(self, indices: Sequence[int]) -> str: ...

    def to_text(self) -> str: ...


class Words:
    """Words and punctuation, the frequent ones; needs no further package.

    Args:
        words: those with indices 2, 3, ...
        lowercase: whether texts are read in lower case.

    >>> Words.train(["A cat.", "a dog!"], 10).encode(["a cat?"])
    [[2, 5, 1]]
    """

    kind = "words"

    def __init__(self, words: Sequence[str], lowercase: bool = True):
        self.words, self.lowercase = tuple(words), lowercase
        self._codes = {word: code for code, word in enumerate(self.words, start=2)}

    @classmethod
    def train(cls, texts: Iterable[str], vocabulary: int, lowercase: bool = True) -> Words:
        """Take the most frequent words; of equally frequent ones those first in the alphabet."""
        empty = cls((), lowercase)
        counts = collections.Counter(word for text in texts for word in empty.pieces(text))
        ordered = sorted(counts, key=lambda word: (-counts[word], word))
        return cls(ordered[: max(vocabulary - 2, 0)], lowercase)

    @classmethod
    def from_text(cls, text: str) -> Words:
        held = json.loads(text)
        return cls(held["words"], held.get("lowercase", True))

    @property
    def size(self) -> int:
        return 2 + len(self.words)

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        return [[self._codes.get(word, UNKNOWN) for word in self.pieces(text)] for text in texts]

    def pieces(self, text: str) -> list[str]:
        """Return the piece of the text that each index of `encode` stands for."""
        return WORD.findall(text.lower() if self.lowercase else text)

    def places(self, text: str) -> tuple[list[int], list[int]]:
        """Return the indices, and at which character of the text each begins; for words that keep their case."""
        return self.encode([text])[0], [found.start() for found in WORD.finditer(text)]

    def decode(self, indices: Sequence[int]) -> str:
        """Spell indices; an unknown word is `…`."""
        return " ".join(self.words[code - 2] if code > UNKNOWN else "…" for code in indices)

    def to_text(self) -> str:
        held = {"kind": self.kind, "lowercase": self.lowercase, "words": list(self.words)}
        return json.dumps(held, ensure_ascii=False)


class BytePair(Packaged):
    """Byte-pair encoding (arXiv:1508.07909) on bytes, by the package `tokenizers`: no text has an unknown token.

    Args:
        content: a `tokenizer.json`.

    Raises:
        MissingDependencyError: the extra `text` is not installed.
        ArtifactError: the content is no tokenizer.
    """

    kind = "byte-pair"

    @classmethod
    def train(cls, texts: Iterable[str], vocabulary: int, lowercase: bool = True) -> BytePair:
        """Learn merges from texts, in lower case or as they are."""
        package = require("tokenizers", extra="text")
        made = package.Tokenizer(package.models.BPE(unk_token=None))
        rules = [package.normalizers.NFKC(), *([package.normalizers.Lowercase()] if lowercase else [])]
        made.normalizer = package.normalizers.Sequence(rules)
        made.pre_tokenizer = package.pre_tokenizers.ByteLevel(add_prefix_space=True)
        made.decoder = package.decoders.ByteLevel()
        trainer = package.trainers.BpeTrainer(
            vocab_size=vocabulary,
            min_frequency=2,
            special_tokens=list(SPECIAL),
            initial_alphabet=sorted(package.pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        )
        made.train_from_iterator(texts, trainer)
        return cls(made.to_str())


KINDS: dict[str, Any] = {
    "byte-pair": BytePair,
    "word-piece": WordPiece,
    "words": Words,
    "characters": Characters,
}
HELD: dict[str, Any] = {**KINDS, "published": PublishedTokenizer}


@dataclasses.dataclass
class TextPreparation:
    """Texts to token indices of one length.

    Args:
        tokenizer: trained on training rows.
        length: tokens per text; longer texts are cut, shorter ones padded.
        truncate: what is kept of a longer text: its "head", its "tail", or "head-tail", half of each.
    """

    tokenizer: Tokenizer
    length: int
    truncate: str = "head"

    @property
    def inputs(self) -> Tokens:
        """The spec of one prepared text."""
        return Tokens(self.tokenizer.size, self.length, self.padding)

    @property
    def padding(self) -> int:
        """The index that fills short texts; a published tokenizer has one of its own."""
        return getattr(self.tokenizer, "padding", PADDING)

    def encode(self, texts: Sequence[str | None]) -> Tensor:
        """Return indices `(texts, length)` int32; a missing text is all padding."""
        found = numpy.full((len(texts), self.length), self.padding, dtype=numpy.int32)
        encoded = self.tokenizer.encode([text or "" for text in texts])
        for row, text, indices in zip(found, texts, encoded, strict=True):
            if text:
                kept = (
                    indices
                    if len(indices) <= self.length
                    else [indices[each] for each in self.kept(len(indices))]
                )
                row[: len(kept)] = kept
        return torch.from_numpy(found)

    def kept(self, count: int) -> list[int]:
        """Return which of `count` tokens of a text are read; the special tokens around it always are.

        Sun et al. 2019, arXiv:1905.05583, section 5.3.1.

        >>> [TextPreparation(Words(()), 5, rule).kept(9) for rule in TRUNCATIONS]
        [[0, 1, 2, 3, 4], [4, 5, 6, 7, 8], [0, 1, 2, 7, 8]]
        """
        if count <= self.length:
            return list(range(count))
        before, behind = (len(getattr(self.tokenizer, side, ())) for side in ("prefix", "suffix"))
        behind = min(behind, self.length)
        before = min(before, self.length - behind)
        room, end = self.length - before - behind, count - behind
        first = {"head": room, "tail": 0, "head-tail": room - room // 2}[self.truncate]
        return [*range(before + first), *range(end - (room - first), count)]

    def decode(self, tokens: Tensor) -> list[str]:
        """Spell tokens `(texts, length)`, in lower case and cut at the length; a missing text is empty."""
        rows = tokens.tolist()
        return [self.tokenizer.decode([each for each in row if each != self.padding]) for row in rows]

    def batch(self, tokens: Tensor) -> dict[str, Tensor]:
        """Turn indices into the batch of a `Tokens` spec."""
        return {"tokens": tokens.to(torch.int64), "mask": tokens != self.padding}

    def save(self, path: Path) -> dict[str, Any]:
        """Write the tokenizer to a file; return what else is to be remembered."""
        write_text(path, self.tokenizer.to_text())
        return {
            "file": path.name, "sha256": sha256(path), "kind": self.tokenizer.kind, "length": self.length,
            "truncate": self.truncate,
        }  # fmt: skip

    @classmethod
    def load(cls, folder: Path, held: dict[str, Any]) -> TextPreparation:
        """Read what `save` wrote.

        Raises:
            ArtifactError: the file is missing or altered.
        """
        path = folder / Path(held["file"]).name
        if not path.is_file() or sha256(path) != held["sha256"]:
            raise ArtifactError(
                f"the tokenizer {path} is missing or was altered",
                fix="restore it from a copy, or train again",
            )
        tokenizer = HELD[held["kind"]].from_text(path.read_text(encoding="utf-8"))
        return cls(tokenizer, int(held["length"]), held.get("truncate", "head"))


def fit_text(
    texts: Sequence[str | None],
    *,
    kind: Kind | None = None,
    vocabulary: int = VOCABULARY,
    length: int | None = None,
    truncate: str | None = None,
    whole: bool = False,
    name: str = "text",
    lowercase: bool = True,
) -> tuple[TextPreparation, list[Decision]]:
    """Train a tokenizer on training texts and choose the length.

    Args:
        texts: of the training rows.
        kind: "byte-pair" or "word-piece" (both need the extra `text`), "words" or "characters"; a folder with a published
            tokenizer, or its hub id; None takes byte pairs where they can be had.
        vocabulary: tokens at most.
        length: tokens per text; None for the 95th percentile of the training texts, at most 256.
        truncate: what is kept of longer texts, "head", "tail" or "head-tail" (half of each); None for the last.
        whole: texts are all there is: without a given length they may have 2,048 tokens, as long as a pass over all of them
            reads no more than 20 million.
        name: of the column, for messages.
        lowercase: whether texts are read in lower case; texts that are written keep their case.

    Raises:
        DataError: no text at all.
        OptionError: no such tokenizer, no such truncation.
        MissingDependencyError: byte pairs were asked for without the extra.
    """
    if truncate is not None and truncate not in TRUNCATIONS:
        raise unknown("truncation", truncate, TRUNCATIONS)
    known = [text for text in texts if text]
    if not known:
        raise DataError(f"the text column '{name}' is empty in the training rows", fix=f"drop=('{name}',)")
    tokenizer, chosen, reason = _tokenizer(known, kind, vocabulary, lowercase)
    sizes = [len(each) for each in tokenizer.encode(known[:: max(1, len(known) // 10_000)])]
    most = _most(tokenizer, len(texts), whole)
    needed = max(1, int(numpy.percentile(sizes, PERCENTILE)))
    preparation = TextPreparation(tokenizer, length or min(most, needed), truncate or "head-tail")
    why = "given" if length else f"the {PERCENTILE}th percentile of the training texts, {most} at most"
    if not length and needed > most:
        why += f"; {needed} tokens would hold {PERCENTILE} % of them whole"
    cut = sum(size > preparation.length for size in sizes) / len(sizes)
    decisions = [
        Decision(f"tokenizer of {name}", f"{chosen}, {tokenizer.size:,} tokens", reason, "--set tokenizer="),
        Decision(f"length of {name}", f"{preparation.length} tokens", why, "--set length="),
    ]
    if empty := len(texts) - len(known):
        shown, kept = f"{empty:,} of {len(texts):,} training rows", "kept: all of such a text is padding"
        decisions.append(Decision(f"empty texts of {name}", shown, kept, "leave the rows out of the table"))
    return preparation, [*decisions, *_truncation(preparation, cut, truncate, name)]


def _truncation(preparation: TextPreparation, cut: float, given: str | None, name: str) -> list[Decision]:
    """Say what is kept of the share `cut` of texts that are longer."""
    if not cut:
        return []
    reason = (
        "given" if given else "of reviews, beginning and end say more than either alone (arXiv:1905.05583)"
    )
    shown = f"{preparation.truncate} of the {max(cut, 0.001):.1%} of texts that are longer"
    return [Decision(f"truncation of {name}", shown, reason, "--set truncate=head|tail|head-tail")]


def _most(tokenizer: Any, count: int, whole: bool) -> int:
    """Return how many tokens a text has at most where no length is given."""
    published = getattr(tokenizer, "longest", None)  # attention costs the square of it
    if published is not None or not whole:
        return min(LONGEST, published or LONGEST)
    return max(LONGEST, min(WHOLE, PASS // count))


def _tokenizer(
    known: Sequence[str], kind: Kind | None, vocabulary: int, lowercase: bool
) -> tuple[Tokenizer, str, str]:
    """Return a tokenizer, trained or read, how it is called and why."""
    if kind is not None and kind not in KINDS:
        if not Path(kind).exists() and not is_hub_id(kind):
            fix = "or name a folder with a tokenizer.json, or a hub id OWNER/NAME"
            raise unknown("tokenizer", kind, KINDS, fix=fix)
        return published_tokenizer(kind), f"published, of {Path(kind).name}", "given"
    chosen, reason = (kind, "given") if kind else _kind()
    step = -(-len(known) // SAMPLE)
    return KINDS[chosen].train(known[::step], vocabulary, lowercase), chosen, reason


def _kind() -> tuple[str, str]:
    try:
        require("tokenizers", extra="text")
    except MissingDependencyError:
        return "words", 'byte pairs need an extra: pip install "neurarium[text]"'
    return "byte-pair", "pieces of words leave nothing unknown"
