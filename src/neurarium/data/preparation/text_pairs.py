"""Preparation of pairs of texts: one is read, the other is written; a tokenizer for each, or one for both."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy
import torch
from torch import Tensor

from neurarium.core import batches
from neurarium.core.errors import ArtifactError, DataError, unknown
from neurarium.data.dataset import Decision
from neurarium.data.examples import Examples
from neurarium.data.preparation.special_tokens import UNKNOWN
from neurarium.data.preparation.storage import save_preparation
from neurarium.data.preparation.text import PADDING, Kind, TextPreparation, fit_text
from neurarium.data.readers.text_pairs import is_table, pair_frame, read_lines, texts_of
from neurarium.data.specs import Text, Tokens

Task = Literal["translation", "summarization"]
LONGEST = {"translation": (256, 256), "summarization": (512, 128)}  # tokens read and written, at most


@dataclasses.dataclass
class TextPairPreparation:
    """Texts that are read and texts that are written, as token indices.

    The written side has two tokens more than its tokenizer: `begin` and `end`, behind the others.

    Args:
        source, goal: names of the columns of both sides (for parallel files their endings).
        read, written: how each side becomes indices; with `shared` both have one tokenizer.
        task: "translation" or "summarization".
        shared: whether the tokenizer is the same.
        lowercase: whether texts are read and written in lower case.
    """

    source: str
    goal: str
    read: TextPreparation
    written: TextPreparation
    task: Task = "translation"
    shared: bool = False
    lowercase: bool = False

    @property
    def begin(self) -> int:
        """The token that stands before a written text."""
        return self.written.tokenizer.size

    @property
    def inputs(self) -> Tokens:
        """The spec of a text that is read."""
        return Tokens(self.read.tokenizer.size + 2 * self.shared, self.read.length, PADDING)

    @property
    def targets(self) -> Text:
        """The spec of a text that is written."""
        size = self.written.tokenizer.size
        return Text(size + 2, self.written.length, PADDING, size, size + 1, self.task, self.shared)

    @property
    def sources(self) -> list[str]:
        """The raw columns that the inputs are made of."""
        return [self.source]

    def encode(self, texts: Sequence[str | None]) -> Tensor:
        """Return the tokens of texts that are written, `(texts, length)` int32: each with its end, then padding."""
        found = numpy.full((len(texts), self.written.length), PADDING, dtype=numpy.int32)
        encoded = self.written.tokenizer.encode([text or "" for text in texts])
        for row, indices in zip(found, encoded, strict=True):
            kept = [*indices[: self.written.length - 1], self.begin + 1]
            row[: len(kept)] = kept
        return torch.from_numpy(found)

    def decode(self, tokens: Tensor) -> list[str]:
        """Spell written tokens `(texts, length)` up to their ends."""
        return [self.written.tokenizer.decode(row) for row in self.rows(tokens)]

    def rows(self, tokens: Tensor) -> list[list[int]]:
        """Return the indices of each text without begin, end and padding."""
        found = []
        for row in tokens.tolist():
            row = row[: row.index(self.begin + 1)] if self.begin + 1 in row else row
            found.append([each for each in row if each not in (PADDING, self.begin)])
        return found

    def pieces(self, tokens: Tensor) -> list[list[str]]:
        """Return the text of each written token, by text."""
        return [[self.written.tokenizer.decode([each]) or "·" for each in row] for row in self.rows(tokens)]

    def batch(
        self, sources: Sequence[str | None], goals: Sequence[str | None] | None = None
    ) -> dict[str, Any]:
        """Return texts as small tensors, which `finish` turns into inputs and targets."""
        made: dict[str, Any] = {"inputs": {"tokens": self.read.encode(sources)}}
        return made if goals is None else {**made, "targets": self.encode(goals)}

    def examples(self, sources: Sequence[str], goals: Sequence[str]) -> TextExamples:
        """Return pairs as a split; it keeps the raw texts, which decoded ones are compared with."""
        return TextExamples(self.batch(sources, goals), sources, goals, finish=Finish(self.begin))

    def apply(self, raw: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Turn raw texts into (batch, notes).

        Args:
            raw: a text file with a text per line (packed or not), a list of texts, or a table, frame or dict of columns that
                holds the column that is read, and perhaps the other.

        Returns:
            The batch; `targets` are in it where the other column is there. Notes: `texts` ((sources, goals or None)), how many
            were `cut`, and how many hold an `unknown` token.

        Raises:
            DataError: no such column, or no text.
        """
        sources, goals = self._texts(raw)
        if not sources:
            raise DataError("there is no text", expected="a text per line or row", received="none")
        encoded = self.read.tokenizer.encode([text or "" for text in sources])
        notes: dict[str, Any] = {"texts": (sources, goals), "rows": len(sources)}
        if cut := sum(len(each) > self.read.length for each in encoded):
            notes["cut"] = cut
        if self.read.tokenizer.kind != "published" and (unseen := sum(UNKNOWN in each for each in encoded)):
            notes["unknown"] = unseen
        return Finish(self.begin)(self.batch(sources, goals)), notes

    def _texts(self, raw: Any) -> tuple[list[str], list[str] | None]:
        if isinstance(raw, str | os.PathLike) and not is_table(raw):
            return read_lines(Path(raw)), None
        if isinstance(raw, Sequence) and all(isinstance(each, str) for each in raw):
            return list(raw), None
        frame, origin = pair_frame(raw)
        if self.source not in frame.columns:
            if frame.width == 1:
                return texts_of(frame, frame.columns[0]), None
            raise unknown(f"column of texts in {origin}:", self.source, frame.columns, error=DataError)
        return texts_of(frame, self.source), (
            texts_of(frame, self.goal) if self.goal in frame.columns else None
        )

    def save(self, folder: Path | str) -> None:
        """Write preparation.json and the tokenizers into a folder."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        held = {"read": self.read.save(folder / "tokenizer.json")}
        name = "tokenizer.json" if self.shared else "tokenizer-2.json"
        held["written"] = self.written.save(folder / name)
        more: dict[str, Any] = {"source": self.source, "goal": self.goal, "task": self.task}
        more |= {"shared": self.shared, "lowercase": self.lowercase}
        save_preparation(folder, "text-pairs", {**more, **held}, {})

    @classmethod
    def from_folder(
        cls, folder: Path, content: Mapping[str, Any], arrays: Mapping[str, numpy.ndarray] | None = None
    ) -> TextPairPreparation:
        """Rebuild a preparation from its folder."""
        if content["task"] not in LONGEST:
            raise ArtifactError(f"{folder} names no task of texts", received=content["task"])
        read, written = (TextPreparation.load(folder, content[side]) for side in ("read", "written"))
        how = (content["task"], bool(content["shared"]), bool(content["lowercase"]))
        return cls(content["source"], content["goal"], read, written, *how)


class TextExamples(Examples):
    """Pairs of texts in memory, with the raw texts beside them.

    Args:
        batch, finish: as for `Examples`.
        sources, goals: the raw texts of both sides.
    """

    def __init__(
        self, batch: dict[str, Any], sources: Sequence[str], goals: Sequence[str], *, finish: Any = None
    ):
        super().__init__(batch, finish=finish)
        self.sources, self.goals = list(sources), list(goals)

    @property
    def full(self) -> int:
        """How many places the longest of both texts can have together."""
        return self.batch["inputs"]["tokens"].shape[1] + self.batch["targets"].shape[1]

    @property
    def lengths(self) -> Tensor:
        """How many tokens both texts of each pair have together, `(pairs,)`: pairs of like lengths waste no padding."""
        counts = [
            (each != PADDING).sum(dim=1) for each in (self.batch["inputs"]["tokens"], self.batch["targets"])
        ]
        return torch.stack(counts).sum(dim=0)

    def subset(self, indices: Tensor | Sequence[int]) -> TextExamples:
        chosen = torch.as_tensor(indices, dtype=torch.int64).tolist()
        taken = [[texts[place] for place in chosen] for texts in (self.sources, self.goals)]
        return TextExamples(batches.take(self.batch, chosen), *taken, finish=self.finish)


class Finish:
    """Turns indices into inputs and targets: masks, the text before each token, and no more padding than a batch needs."""

    def __init__(self, begin: int):
        self.begin = begin

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        tokens = _cut(batch["inputs"]["tokens"])
        inputs = {"tokens": tokens, "mask": tokens != PADDING}
        if "targets" not in batch:
            return {**batch, "inputs": inputs}
        targets = _cut(batch["targets"])
        first = torch.full_like(targets[:, :1], self.begin)
        inputs["decoder_mask"] = targets != PADDING
        inputs["decoder_tokens"] = torch.cat([first, targets[:, :-1]], dim=1)
        return {**batch, "inputs": inputs, "targets": targets}


def _cut(tokens: Tensor) -> Tensor:
    """Return int64 tokens without the places that are padding in every text; one place stays."""
    used = (tokens != PADDING).any(dim=0)
    return tokens[:, : max(1, int(used.sum()))].to(torch.int64)


def fit_text_pairs(
    sources: Sequence[str],
    goals: Sequence[str],
    *,
    names: tuple[str, str],
    task: Task,
    tokenizer: Kind | None,
    vocabulary: int,
    length: int | None,
    written_length: int | None,
    shared: bool,
    lowercase: bool,
) -> tuple[TextPairPreparation, list[Decision]]:
    """Train tokenizers on the training pairs, and choose the lengths.

    Args:
        sources, goals: training texts.
        names: how both sides are called.
        shared: one tokenizer for both sides.
        The others are as for `readers.text_pairs`.

    Raises:
        DataError: a side without any text.
    """
    options: dict[str, Any] = {"kind": tokenizer, "vocabulary": vocabulary, "lowercase": lowercase}
    if shared:
        fitted, decisions = fit_text([*sources, *goals], name=" and ".join(names), **options)
        tokenizers, decisions = (fitted.tokenizer, fitted.tokenizer), decisions[:1]
    else:
        pairs = [
            fit_text(each, name=name, **options) for name, each in zip(names, (sources, goals), strict=True)
        ]
        tokenizers = (pairs[0][0].tokenizer, pairs[1][0].tokenizer)
        decisions = [each[1][0] for each in pairs]
    sides = []
    for side, (name, texts, asked) in enumerate(
        zip(names, (sources, goals), (length, written_length), strict=True)
    ):
        sizes = [len(each) + side for each in tokenizers[side].encode(list(texts))]
        chosen = asked or max(2, min(max(sizes), LONGEST[task][side]))
        cut = sum(size > chosen for size in sizes)
        why = "given" if asked else f"the longest training text, {LONGEST[task][side]} at most"
        why += f"; {cut:,} longer training texts are cut" if cut else ""
        override = f"--set {'written_length' if side else 'length'}="
        decisions.append(Decision(f"length of {name}", f"{chosen} tokens", why, override))
        sides.append(TextPreparation(tokenizers[side], chosen))
    return TextPairPreparation(names[0], names[1], sides[0], sides[1], task, shared, lowercase), decisions
