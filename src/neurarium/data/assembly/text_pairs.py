"""Pairs of texts, one read and one written: two parallel files, or two columns of a table."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy

from neurarium.core.errors import DataError, OptionError, unknown
from neurarium.core.files import sha256
from neurarium.data.assembly.rereading import rereadable
from neurarium.data.dataset import Dataset, Decision
from neurarium.data.preparation.text import Kind
from neurarium.data.preparation.text_pairs import Task, fit_text_pairs
from neurarium.data.readers.text_pairs import is_table, middles, pair_frame, partner, read_lines, texts_of
from neurarium.data.splits import random

SHARE = 0.05  # of the pairs, set aside for validation and for test


@dataclasses.dataclass
class Pairs:
    """Texts of both sides in one order, without pairs that lack a side."""

    sources: list[str]
    goals: list[str]
    empty: int = 0

    @classmethod
    def of(cls, sources: Sequence[str], goals: Sequence[str], origin: str) -> Pairs:
        """Leave out pairs of which a side is empty.

        Raises:
            DataError: no pair is left.
        """
        kept = [(a, b) for a, b in zip(sources, goals, strict=True) if a.strip() and b.strip()]
        if not kept:
            raise DataError(
                f"{origin} holds no pair of texts",
                expected="a text on both sides",
                received=f"{len(sources)} empty pairs",
            )
        return cls([a for a, _ in kept], [b for _, b in kept], len(sources) - len(kept))


@rereadable
def text_pairs(
    source: Any,
    *,
    parallel: str | Path | None = None,
    text: str | None = None,
    target: str | None = None,
    columns: str | Sequence[str] | None = None,
    task: Task | None = None,
    validation: Any = SHARE,
    test: Any = None,
    test_fraction: float = SHARE,
    split: str | Mapping[str, Any] | None = None,
    seed: int = 0,
    tokenizer: Kind | None = None,
    vocabulary: int = 8000,
    length: int | None = None,
    written_length: int | None = None,
    shared_vocabulary: bool = True,
    lowercase: bool = False,
    encoding: str | None = None,
    name: str | None = None,
) -> Dataset:
    """Read pairs of texts: of each, one is read and the other is to be written (translation, summarization).

    Args:
        source: a text file with a text per line (packed or not); or a table, frame or dict of columns.
        parallel: the file of the other side, with as many lines.
        text, target: of a table, the column that is read and the one that is written.
        columns: names with commas, for a table without a header.
        task: "translation" or "summarization"; translation where two files are given.
        validation, test: a source of their own, or for validation the share that is set aside. The other side of a file is
            found by the rule that leads from `source` to `parallel`: with train.de and train.en, val.de has val.en.
        test_fraction: the share that is set aside for the test where none is given.
        split, seed: "random", or the rows of each split; the seed of the draw.
        tokenizer: "byte-pair" (needs the extra `text`) or "words"; None takes byte pairs where they can be had.
        vocabulary: tokens at most, of each tokenizer.
        length, written_length: tokens that are read and written, at most; longer texts are cut. None for the longest of the
            training texts, at most 256 (of a summarization 512 and 128).
        shared_vocabulary: one tokenizer for both sides.
        lowercase: read and write in lower case.
        encoding: of the files, where it is not UTF-8.
        name: how reports call the data.

    Returns:
        A dataset of `Tokens` -> `Text`. Pairs of which a side is empty are left out, and counted in the plan.

    Raises:
        DataError: files of different lengths, no such column, no pair.
        OptionError: a table without the names of its columns.

    >>> rows = {"en": ["a cat", "a dog"] * 10, "de": ["eine Katze", "ein Hund"] * 10}
    >>> text_pairs(rows, text="en", target="de", tokenizer="words")
    Dataset(text pairs: Tokens -> Text; train 18, validation 1, test 1)
    """
    side = _Sides(source, parallel, text, target, columns, encoding)
    parts = {"train": side.read(source)}
    decisions: list[Decision] = []
    for key, given in (("validation", validation), ("test", test)):
        if given is not None and not isinstance(given, int | float):
            parts[key] = side.read(given)
    shares = {
        "validation": float(validation) if isinstance(validation, int | float) else 0.0,
        "test": test_fraction if test is None else 0.0,
    }
    rows = _split(len(parts["train"].sources), shares, split, seed)
    taken = {key: _taken(parts["train"], chosen) for key, chosen in rows.items()} | {
        key: pairs for key, pairs in parts.items() if key != "train"
    }
    if set_aside := [key for key in rows if key != "train"]:
        shown = ", ".join(f"{key} {len(rows[key]):,}" for key in set_aside)
        decisions.append(
            Decision("split", f"random: {shown}", "pairs are taken as independent", "--validation, --test")
        )
    if left := {key: pairs.empty for key, pairs in parts.items() if pairs.empty}:
        shown = ", ".join(f"{count:,} of {key}" for key, count in left.items())
        decisions.append(
            Decision("pairs left out", shown, "a side of them is empty", "fill or remove these lines")
        )
    preparation, more = fit_text_pairs(
        taken["train"].sources, taken["train"].goals, names=side.names, task=task or "translation",
        tokenizer=tokenizer, vocabulary=vocabulary, length=length, written_length=written_length,
        shared=shared_vocabulary, lowercase=lowercase,
    )  # fmt: skip
    found = {key: preparation.examples(pairs.sources, pairs.goals) for key, pairs in taken.items()}
    summary = {"pairs": sum(map(len, found.values())), "read": side.names[0], "written": side.names[1],
               "splits": {key: len(each) for key, each in found.items()}}  # fmt: skip
    return Dataset(
        name or _name(source), preparation.inputs, preparation.targets, found["train"], found.get("validation"),
        found.get("test"), preparation=preparation, decisions=[*decisions, *more],
        summary={**summary, **side.hashed(source)}, rows=rows if len(parts) == 1 else None,
    )  # fmt: skip


class _Sides:
    """Where both sides of a source are, and how they are called."""

    def __init__(
        self,
        source: Any,
        parallel: Any,
        text: str | None,
        target: str | None,
        columns: Any,
        encoding: str | None,
    ):
        self.source, self.parallel, self.encoding = (
            source,
            None if parallel is None else Path(parallel),
            encoding,
        )
        named = columns.split(",") if isinstance(columns, str) else columns
        self.columns = None if named is None else tuple(str(each).strip() for each in named)
        if self.parallel is not None:
            if text is not None or target is not None:
                raise OptionError(
                    "parallel files have no columns", received="--parallel with --text or --target",
                    fix="leave out --text and --target; or give one table instead of two files",
                )  # fmt: skip
            self.names = _endings(Path(source), self.parallel)
        elif text is None or target is None:
            raise _untold(source, text, target, self.columns, encoding)
        else:
            self.names = (text, target)

    def read(self, source: Any) -> Pairs:
        """Read the pairs of one source.

        Raises:
            DataError: as many lines on one side as on the other are not there, or no such column.
        """
        if self.parallel is None:
            frame, origin = pair_frame(source, self.columns, self.encoding)
            for each in self.names:
                if each not in frame.columns:
                    raise unknown(f"column in {origin}:", each, frame.columns, error=DataError)
            return Pairs.of(texts_of(frame, self.names[0]), texts_of(frame, self.names[1]), str(origin))
        first = Path(source)
        second = (
            self.parallel if first == Path(self.source) else partner(Path(self.source), self.parallel, first)
        )
        sources, goals = (read_lines(path, self.encoding) for path in (first, second))
        if len(sources) != len(goals):
            raise DataError(
                f"{first} and {second} are not parallel: they have different numbers of lines",
                expected=f"{len(sources):,} lines in both",
                received=f"{len(goals):,} lines in {second.name}",
                fix="line by line one must be the other's translation: export both again; an untranslated text is an empty line",
            )
        return Pairs.of(sources, goals, str(first))

    def hashed(self, source: Any) -> dict[str, str]:
        """Return the hash of the files, so that a run knows whether they are still the same."""
        paths = [Path(each) for each in (source, self.parallel) if isinstance(each, str | Path)]
        return (
            {"sha256": "".join(sha256(each)[:32] for each in paths)}
            if paths and all(map(Path.is_file, paths))
            else {}
        )


def _endings(source: Path, parallel: Path) -> tuple[str, str]:
    """Call both sides by what tells them apart: their endings, or their folders."""
    if source.resolve() == parallel.resolve():
        raise OptionError(
            "a file is no translation of itself", received=f"--parallel {parallel}", fix="name the other side"
        )
    first, second = middles(source.name, parallel.name) if source.name != parallel.name else ("", "")
    own = (first or source.parent.name).strip("._-").split(".")[0]
    other = (second or parallel.parent.name).strip("._-").split(".")[0]
    return (own, other) if own and other and own != other else ("source", "target")


def _split(count: int, shares: Mapping[str, float], split: Any, seed: int) -> dict[str, Any]:
    if isinstance(split, Mapping):
        return {key: numpy.asarray(chosen, dtype=numpy.int64) for key, chosen in split.items() if len(chosen)}
    if split not in (None, "random"):
        raise OptionError(
            "pairs of texts are split at random", expected="random", received=split, fix="leave out --split"
        )
    wanted = {key: share for key, share in shares.items() if share}
    if not wanted:
        return {"train": numpy.arange(count)}
    return {key: chosen for key, chosen in random(count, wanted, seed).items() if len(chosen)}


def _taken(pairs: Pairs, rows: Any) -> Pairs:
    return Pairs([pairs.sources[row] for row in rows], [pairs.goals[row] for row in rows])


def _name(source: Any) -> str:
    if not isinstance(source, str | Path):
        return "text pairs"
    path = Path(source)
    return path.name.split(".")[0] or path.name


def _untold(
    source: Any, text: str | None, target: str | None, columns: Any, encoding: str | None
) -> OptionError:
    """Say what is missing of a table, or of parallel files."""
    if not is_table(source):
        return OptionError(
            "a text file is one side of a pair", expected="the file of the other side", received="no --parallel",
            fix=f"for example: neurarium train {source} --parallel OTHER_FILE",
        )  # fmt: skip
    frame, _ = pair_frame(source, columns, encoding)
    if len(frame.columns) == 2 and not columns and min(len(each.split()) for each in frame.columns) > 2:
        return OptionError(
            "a table of texts needs the names of its columns: its first line looks like a pair of texts, not like names",
            expected="a header line, or the names", received=" | ".join(each[:40] for each in frame.columns),
            fix="for example --columns source,target --text source --target target",
        )  # fmt: skip
    return OptionError(
        "a table of texts needs to be told which column is read and which is written",
        expected=f"two of {', '.join(frame.columns[:40])}",
        received=f"--text {text or '(nothing)'} --target {target or '(nothing)'}",
        fix=f"for example --text {frame.columns[0]} --target {frame.columns[-1]}",
    )
