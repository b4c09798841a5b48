"""Sentences of tagged words: CoNLL columns, tables of lists, JSON lines."""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars

from neurarium.core.errors import DataError, nearest
from neurarium.data.readers.conll_columns import Layout, cells_of, layout_of, rows_of
from neurarium.data.readers.encodings import require_file, to_utf8
from neurarium.data.readers.frames import TABLES

SUFFIXES = (".conll", ".conllu", ".iob", ".iob2", ".bio")
SENTENCE = re.compile(r"(?i)^sent(ence)?([ _-]?(#|no|nr|number|id|idx|index))?$")
ROWS = 20  # fewer rows of one word may be sentences
PREFIXED = re.compile(r"[BIESLU]-.")


@dataclasses.dataclass(frozen=True)
class Columns:
    """Where words and tags stand.

    Args:
        word, tag: the places of CoNLL columns, the first being 1; where these are 1 and 0 the file decides (`conll_columns`).
        words, tags: the columns of a table, or the keys of JSON lines.
        encoding: of text, where it is not UTF-8.
    """

    word: int = 1
    tag: int = 0
    words: str = "tokens"
    tags: str = "tags"
    encoding: str | None = None


@dataclasses.dataclass
class Sentences:
    """Tagged sentences.

    Args:
        words: of each sentence.
        tags: one per word; None where the source has none.
        origin: how messages call the source.
        content: the bytes, for a hash.
        layout: the columns of a CoNLL file.
    """

    words: list[list[str]]
    tags: list[list[str]] | None
    origin: str
    content: bytes = b""
    layout: Layout | None = None


def read_sentences(source: Any, columns: Columns, *, tagged: bool = True) -> Sentences:
    """Read sentences from a file, or take lists of words.

    Args:
        source: a file in CoNLL columns (a word per line, a blank line between sentences; see `conll_columns`), a table or JSON lines with a list of words and one of tags per row (texts are cut at blanks), a `.txt` file with a
            sentence per line; or a mapping of the two columns, or a list of sentences, each a list of words.
        tagged: whether tags have to be there.

    Raises:
        DataError: no sentence, a word without a tag, as many tags as words in no way, a tag without the prefix that the others
            have; the message names the line, row or sentence.
    """
    if isinstance(source, str | Path):
        path = Path(source)
        require_file(path)
        if path.suffix.lower() in TABLES:
            return _from_table(path, columns, tagged)
        content = path.read_bytes()
        text = to_utf8(content, path, columns.encoding)[0].decode()
        if not tagged and path.suffix.lower() == ".txt":
            found = Sentences([line.split() for line in text.splitlines() if line.strip()], None, str(path))
        else:
            found = _from_conll(text, columns, path, tagged)
        found.content = content
        return _checked(found, tagged)
    if isinstance(source, dict) or hasattr(source, "columns"):
        return _from_table(source, columns, tagged)
    return _checked(Sentences([[str(word) for word in each] for each in source], None, "the sentences"))


def _from_conll(text: str, columns: Columns, path: Path, tagged: bool) -> Sentences:
    layout = layout_of(text, columns.word, columns.tag, path)
    words: list[list[str]] = [[]]
    tags: list[list[str]] = [[]]
    several = True
    for number, fields in rows_of(text, layout):
        if not fields:
            if words[-1]:
                words.append([])
                tags.append([])
            continue
        word, tag = cells_of(fields, number, layout, path, tagged=tagged)
        several = several and tag is not None
        words[-1].append(word)
        tags[-1].append(tag or "")
    kept = [place for place, each in enumerate(words) if each]
    return Sentences(
        [words[place] for place in kept],
        [tags[place] for place in kept] if several else None,
        str(path),
        layout=layout,
    )


def _from_table(source: Any, columns: Columns, tagged: bool) -> Sentences:
    from neurarium.data.readers.delimited import Reading
    from neurarium.data.readers.frames import read_frame

    read = read_frame(source, Reading(encoding=columns.encoding))
    asked = (("--text", columns.words, "words"), ("--target", columns.tags, "tags"))
    for option, name, what in asked[: 2 if tagged else 1]:
        if name not in read.frame.columns:
            others = [each for each in read.frame.columns if each not in (columns.words, columns.tags)]
            near = nearest(name, others) or (others[0] if len(others) == 1 else "COLUMN")
            raise DataError(
                f"there is no column '{name}' in {read.origin}", expected=f"the column of the {what}",
                received=", ".join(read.frame.columns[:20]), fix=f"name it: {option} {near}",
            )  # fmt: skip
    frame = _gathered(read.frame, columns, read.origin, tagged)
    words = [_listed(each) for each in frame.get_column(columns.words).to_list()]
    tags = None
    if columns.tags in frame.columns:
        tags = [_listed(each) for each in frame.get_column(columns.tags).to_list()]
        for row, (said, own) in enumerate(zip(words, tags, strict=True), 1):
            if len(said) != len(own):
                raise DataError(
                    f"row {row} of {read.origin} has another number of tags than words",
                    expected=f"{len(said)} tags, for {' '.join(said[:8])}",
                    received=f"{len(own)}: {' '.join(own[:8])}",
                )
    kept = [place for place, each in enumerate(words) if each]
    content = Path(source).read_bytes() if isinstance(source, str | Path) else b""
    return _checked(
        Sentences(
            [words[place] for place in kept],
            None if tags is None else [tags[place] for place in kept],
            read.origin,
            content,
        ),
        tagged,
    )


def _gathered(frame: polars.DataFrame, columns: Columns, origin: str, tagged: bool) -> polars.DataFrame:
    """Gather a table of a word per row into a sentence per row, by the column that numbers the sentences.

    That column may say it in the first row of each sentence alone. Tables of other shapes stay.

    Raises:
        DataError: a word per row, and no column that says where a sentence ends.
    """
    words = frame.get_column(columns.words)
    single = words.dtype == polars.String and not words.str.contains(r"\s|^\[").fill_null(False).any()
    if not single or frame.height < ROWS:
        return frame
    numbered = next((name for name in frame.columns if SENTENCE.match(name)), None)
    if numbered is None:
        if not tagged:
            return frame
        raise DataError(
            f"{origin} holds a word per row, and no column says where a sentence ends",
            expected="a column 'sentence' with its number or name, or the words of a sentence in one cell",
            received=", ".join(frame.columns[:20]), fix="rename the column that numbers the sentences to 'sentence'",
        )  # fmt: skip
    names = [each for each in (columns.words, columns.tags) if each in frame.columns]
    place = frame.get_column(numbered).forward_fill().rle_id().alias("sentence")
    return (
        frame.select(names)
        .with_columns(place)
        .filter(words.is_not_null())
        .group_by("sentence", maintain_order=True)
        .agg(names)
    )


def _listed(value: Any) -> list[str]:
    """A list of words as it stands; a text cut at blanks, or read as a list where it is written as one."""
    if value is None:
        return []
    if isinstance(value, str):
        text = value.strip()
        if text.startswith("[") and text.endswith("]"):
            if not re.search(r"""['"]\s+['"]""", text):  # NumPy writes its arrays without commas
                with contextlib.suppress(ValueError, SyntaxError):
                    return [
                        str(each) for each in ast.literal_eval(text)
                    ]  # JSON's lists and Python's; it runs nothing
            quotes = text[1:-1].replace("'", " ").replace('"', " ")
            return [each for each in quotes.replace(",", " ").split() if each]
        return text.split()
    if isinstance(value, polars.Series):
        value = value.to_list()
    return [str(each) for each in value]


def _checked(found: Sentences, tagged: bool = False) -> Sentences:
    if not found.words:
        raise DataError(
            f"{found.origin} has no sentence",
            expected="a word and its tag per line, a blank line between sentences",
            received="nothing",
        )
    if tagged and found.tags is not None and marks_spans(found.tags):
        for place, (words, tags) in enumerate(zip(found.words, found.tags, strict=True), 1):
            odd = next(
                (number for number, tag in enumerate(tags) if tag != "O" and not PREFIXED.match(tag)), None
            )
            if odd is not None:
                raise DataError(
                    f"sentence {place} of {found.origin} has a tag without the prefix that the others have",
                    expected="O, or a prefix such as B- or I- and a type, as B-person", received=f"{words[odd]} {tags[odd]}",
                    fix="mend the tag; --set tag_column= where tags of another kind were meant",
                )  # fmt: skip
    return found


def marks_spans(tags: Sequence[Sequence[str]]) -> bool:
    """Return whether tags mark spans: `O`, and prefixes such as `B-`.

    >>> marks_spans([["O", "B-PER"]]), marks_spans([["DET", "NOUN"]])
    (True, False)
    """
    known = {tag for each in tags for tag in each}
    return "O" in known and any(tag.startswith(("B-", "I-")) for tag in known)


def tag_names(sentences: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return the different tags: `O` first, then by type, `B-` before `I-`.

    >>> tag_names([["B-PER", "I-PER", "O"], ["B-LOC"]])
    ('O', 'B-LOC', 'B-PER', 'I-PER')
    """
    known = {tag for each in sentences for tag in each}
    return tuple(sorted(known, key=lambda tag: (tag != "O", tag[2:] if tag[1:2] == "-" else tag, tag)))
