"""Preparation of a text for language models: one long line of tokens, cut into windows."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy
import torch

from neurarium.core.errors import ArtifactError, DataError, require, unknown
from neurarium.core.files import sha256, write_text
from neurarium.core.hub import is_hub_id
from neurarium.data.dataset import Decision
from neurarium.data.preparation.characters import Characters
from neurarium.data.preparation.exact_byte_pair import ExactBytePair
from neurarium.data.preparation.published_tokenizer import PublishedTokenizer, published_tokenizer
from neurarium.data.preparation.special_tokens import PADDING, UNKNOWN
from neurarium.data.preparation.storage import save_preparation
from neurarium.data.preparation.text import Words
from neurarium.data.preparation.word_piece import WordPiece
from neurarium.data.specs import NextToken, Tokens
from neurarium.data.token_windows import TokenWindows

LanguageKind = str  # a name of `KINDS`, or where a published tokenizer is
KINDS: dict[str, Any] = {
    "characters": Characters,
    "byte-pair": ExactBytePair,
    "word-piece": WordPiece,
    "words": Words,
}
EXACT = ("characters", "byte-pair", "published")  # the original text comes back
END = PADDING  # between texts; padding is never predicted, so that its index is free (GPT-2 does so too)
PART = 1 << 18  # characters that are cut into tokens at once
SMALL, ALPHABET = 5_000_000, 512  # characters of a text, and different ones, up to which they are the tokens
FILE = "tokenizer.json"


@dataclasses.dataclass
class LanguagePreparation:
    """Texts to tokens, the end of each marked where there are several.

    Args:
        tokenizer: trained on the training text.
        length: tokens of a window: what the network sees at once.
        kind: of the tokenizer, a name of `KINDS`.
        ends: whether texts end with a token of their own: learned where the training text was several.
        column: of a table, which holds the texts.
        opened: whether a text begins with the special tokens of a published tokenizer, as its network was trained.
    """

    tokenizer: Any
    length: int
    kind: str
    ends: bool = False
    column: str | None = None
    opened: bool = False

    @property
    def inputs(self) -> Tokens:
        """The spec of a window."""
        return Tokens(self.tokenizer.size, self.length, self.end)

    @property
    def targets(self) -> NextToken:
        """The spec of what follows each of its tokens."""
        return NextToken(self.tokenizer.size, self.length)

    @property
    def end(self) -> int:
        """The index of the end of a text; a published tokenizer has one of its own."""
        if self.kind != "published":
            return END
        return self.tokenizer.padding if self.tokenizer.end is None else self.tokenizer.end

    @property
    def unknown(self) -> int:
        """The index of what the training text does not hold; published tokenizers know every text."""
        return -1 if self.kind == "published" else UNKNOWN

    @property
    def barred(self) -> list[int]:
        """The indices that are never written: they are no text, or never learned."""
        unwritten = [self.unknown] if self.unknown >= 0 else []
        return unwritten if self.ends else [*unwritten, self.end]

    @property
    def exact(self) -> bool:
        """Whether decoded tokens are the original text."""
        return self.kind in EXACT

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a text."""
        return [code for part in parts_of(text) for code in self.tokenizer.places(part)[0]]

    def decode(self, tokens: Sequence[int]) -> str:
        """Spell tokens; the end of a text is a blank line."""
        found: list[str] = []
        start = 0
        for place, code in enumerate([*tokens, self.end]):
            if code == self.end:
                found.append(self.tokenizer.decode(tokens[start:place]))
                start = place + 1
        return "\n\n".join(found)

    def windows_of(self, texts: Sequence[str], *, ends: bool | None = None) -> TokenWindows:
        """Turn texts into windows, one behind the other, their ends marked unless `ends` is False, and their beginnings
        where the preparation is `opened`.

        Raises:
            DataError: fewer than two tokens: there is none to predict.
        """
        tokens: list[Any] = []
        characters: list[Any] = []
        sizes: list[Any] = []
        opening = numpy.asarray(self.tokenizer.prefix if self.opened else [], dtype=numpy.int32)
        for text in texts:
            tokens.append(opening)  # it stands for nothing of the text
            characters.append(numpy.zeros(len(opening), dtype=numpy.int64))
            sizes.append(numpy.zeros(len(opening), dtype=numpy.int64))
            for part in parts_of(text):
                codes, places = self.tokenizer.places(part)
                tokens.append(numpy.asarray(codes, dtype=numpy.int32))
                spans = numpy.diff(numpy.asarray([*places, len(part)], dtype=numpy.int64))
                characters.append(spans)
                sizes.append(_bytes_of(part, places))
            if self.ends if ends is None else ends:
                tokens.append(numpy.full(1, self.end, dtype=numpy.int32))
                characters.append(numpy.zeros(1, dtype=numpy.int64))
                sizes.append(numpy.zeros(1, dtype=numpy.int64))
        joined = [numpy.concatenate(each) if each else numpy.zeros(0) for each in (tokens, characters, sizes)]
        if len(joined[0]) < 2:
            raise DataError(
                "the text is too short to predict a token from another",
                expected="2 tokens or more",
                received=len(joined[0]),
            )
        held = [torch.from_numpy(each) for each in joined]
        return TokenWindows(held[0].to(torch.int32), self.length, held[1], held[2])

    def unseen(self, texts: Sequence[str]) -> int:
        """Return how many tokens of texts are unknown."""
        return sum(self.encode(text).count(self.unknown) for text in texts)

    def apply(self, raw: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Turn raw texts (a path, a text in a list, a column of texts) into windows with the tokens that follow; no end of
        a text is among them.

        `notes["scored"]` are the texts; `notes["windows"]` how many windows each has, in their order.
        """
        from neurarium.data.readers.language import raw_texts

        texts = raw_texts(raw, self.column)
        batches = [self.windows_of([text], ends=False).take(slice(None)) for text in texts]
        if not batches:
            raise DataError("there is no text", expected="one text or more", received="none")
        joined = {
            "inputs": {"tokens": torch.cat([each["inputs"]["tokens"] for each in batches])},
            "targets": torch.cat([each["targets"] for each in batches]),
            "spans": torch.cat([each["spans"] for each in batches]),
        }
        unseen = self.unseen(texts)
        notes: dict[str, Any] = {"scored": texts, "windows": [len(each["targets"]) for each in batches]}
        return joined, {**notes, "unseen": {"text": f"{unseen:,} tokens"} if unseen else {}}

    def save(self, folder: Path) -> None:
        """Write the preparation."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / FILE, self.tokenizer.to_text())
        content = {
            "tokenizer": self.kind, "tokenizer_sha256": sha256(folder / FILE), "length": self.length, "ends": self.ends,
            "column": self.column,
        }  # fmt: skip
        save_preparation(folder, "language", content, {})

    @classmethod
    def from_folder(
        cls, folder: Path, held: Mapping[str, Any], arrays: Mapping[str, Any]
    ) -> LanguagePreparation:
        """Read what `save` wrote.

        Raises:
            ArtifactError: the tokenizer is missing or altered.
        """
        path = folder / FILE
        if not path.is_file() or sha256(path) != held["tokenizer_sha256"]:
            raise ArtifactError(
                f"the tokenizer {path} is missing or was altered",
                fix="restore it from a copy, or train again",
            )
        tokenizer = {**KINDS, "published": PublishedTokenizer}[held["tokenizer"]].from_text(
            path.read_text(encoding="utf-8")
        )
        return cls(tokenizer, int(held["length"]), held["tokenizer"], bool(held["ends"]), held.get("column"))


def fit_language(
    texts: Sequence[str], *, kind: LanguageKind | None = None, vocabulary: int = 8000, length: int, ends: bool
) -> tuple[LanguagePreparation, list[Decision]]:
    """Train a tokenizer on the training text.

    Args:
        texts: of the training split.
        kind: a name, or a folder with a published tokenizer or its hub id; None takes characters for small texts and byte
            pairs for large ones.
        vocabulary: tokens at most.
        length: tokens of a window.
        ends: whether the ends of texts are marked.

    Raises:
        OptionError: no such tokenizer.
        MissingDependencyError: byte pairs or word pieces were asked for without the extra `text`.
    """
    if kind is not None and kind not in KINDS:
        if not Path(kind).exists() and not is_hub_id(kind):
            fix = "or name a folder with a tokenizer.json, or a hub id OWNER/NAME"
            raise unknown("tokenizer", kind, KINDS, fix=fix)
        made = LanguagePreparation(published_tokenizer(kind), length, "published", ends)
        shown = f"published, of {Path(kind).name}, {made.tokenizer.size:,} tokens"
        return made, [Decision("tokenizer", shown, "given", "--set tokenizer=")]
    chosen, reason = (kind, "given") if kind else _kind(texts)
    pieces = (part for text in texts for part in parts_of(text))
    tokenizer = KINDS[chosen].train(pieces, vocabulary, lowercase=False)
    return LanguagePreparation(tokenizer, length, chosen, ends), [
        Decision("tokenizer", f"{chosen}, {tokenizer.size:,} tokens", reason, "--set tokenizer=")
    ]


def parts_of(text: str) -> Iterator[str]:
    """Yield a text in parts that are cut into tokens at once, each up to the end of a line where there is one.

    >>> "".join(parts_of("a\\n" * 300_000)) == "a\\n" * 300_000
    True
    """
    start = 0
    while start < len(text):
        stop = min(start + PART, len(text))
        if stop < len(text):
            stop = text.rfind("\n", start, stop) + 1 or stop
        yield text[start:stop]
        start = stop


def _kind(texts: Sequence[str]) -> tuple[str, str]:
    count = sum(map(len, texts))
    alphabet = len(set().union(*texts)) if count <= SMALL else 0
    if count <= SMALL and alphabet <= ALPHABET:
        return (
            "characters",
            f"{count:,} characters, {alphabet} different ones: few enough to learn what they spell",
        )
    try:
        require("tokenizers", extra="text")
    except Exception:
        return "characters", 'byte pairs need an extra: pip install "neurarium[text]"'
    return "byte-pair", "a long text: pieces of words say more per token, and the text comes back as it was"


def _bytes_of(text: str, places: Sequence[int]) -> Any:
    """How many bytes of UTF-8 each token stands for that begins at such a character."""
    codes = numpy.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=numpy.uint32)
    sizes = 1 + (codes > 0x7F).astype(numpy.int64) + (codes > 0x7FF) + (codes > 0xFFFF)
    total = numpy.concatenate([[0], numpy.cumsum(sizes)])
    return numpy.diff(total[numpy.asarray([*places, len(text)], dtype=numpy.int64)])
