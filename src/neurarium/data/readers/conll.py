"""Sentences of tagged words: CoNLL columns, tables of lists, JSON lines."""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars

from neurarium.core.errors import DataError, nearest
from neurarium.data.readers.encodings import require_file, to_utf8
from neurarium.data.readers.frames import TABLES

SUFFIXES = (".conll", ".conllu", ".iob", ".iob2", ".bio")


@dataclasses.dataclass(frozen=True)
class Columns:
    """Where words and tags stand.

    Args:
        word, tag: the places of CoNLL columns, the first being 1; 0 of `tag` is the last one.
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
    """

    words: list[list[str]]
    tags: list[list[str]] | None
    origin: str
    content: bytes = b""


def read_sentences(source: Any, columns: Columns, *, tagged: bool = True) -> Sentences:
    """Read sentences from a file, or take lists of words.

    Args:
        source: a file in CoNLL columns (a word per line, its tag in the last column, a blank line between sentences), a
            table or JSON lines with a list of words and one of tags per row (texts are cut at blanks), a `.txt` file with a
            sentence per line; or a mapping of the two columns, or a list of sentences, each a list of words.
        tagged: whether tags have to be there.

    Raises:
        DataError: no sentence, a word without a tag, as many tags as words in no way; the message names the line or row.
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
        return _checked(found)
    if isinstance(source, dict) or hasattr(source, "columns"):
        return _from_table(source, columns, tagged)
    return _checked(Sentences([[str(word) for word in each] for each in source], None, "the sentences"))


def _from_conll(text: str, columns: Columns, path: Path, tagged: bool) -> Sentences:
    universal = path.suffix.lower() == ".conllu"
    word = 2 if universal and columns.word == 1 else columns.word
    tag = 4 if universal and columns.tag == 0 else columns.tag
    words: list[list[str]] = [[]]
    tags: list[list[str]] = [[]]
    several: bool | None = None
    for number, fields in _lines(text, universal):
        if not fields:
            if words[-1]:
                words.append([])
                tags.append([])
            continue
        place = len(fields) if tag == 0 else tag
        has_tag = place <= len(fields) and place != word
        if word > len(fields) or (tagged and not has_tag):
            raise DataError(
                f"line {number} of {path} has no tag"
                if word <= len(fields)
                else f"line {number} of {path} is short",
                expected="a word and its tag, with blanks or a tab between them",
                received=" ".join(fields)[:60],
                fix="mend the line; --set word_column=1 --set tag_column=2 say where the two stand",
            )
        several = has_tag if several is None else several and has_tag
        words[-1].append(fields[word - 1])
        tags[-1].append(fields[place - 1] if has_tag else "")
    kept = [place for place, each in enumerate(words) if each]
    return Sentences(
        [words[place] for place in kept], [tags[place] for place in kept] if several else None, str(path)
    )


def _lines(text: str, universal: bool) -> Iterator[tuple[int, list[str]]]:
    """Yield (number, fields); no field ends a sentence. Comments, document marks and compound words are left out."""
    for number, line in enumerate(text.splitlines(), 1):
        fields = line.split("\t") if "\t" in line else line.split()
        fields = [each.strip() for each in fields]
        if fields and fields[0] == "-DOCSTART-":
            continue
        if universal and fields and (line.startswith("#") or not fields[0].isdigit()):
            continue
        yield number, fields if line.strip() else []


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
    words = [_listed(each) for each in read.frame.get_column(columns.words).to_list()]
    tags = None
    if columns.tags in read.frame.columns:
        tags = [_listed(each) for each in read.frame.get_column(columns.tags).to_list()]
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
        )
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


def _checked(found: Sentences) -> Sentences:
    if not found.words:
        raise DataError(
            f"{found.origin} has no sentence",
            expected="a word and its tag per line, a blank line between sentences",
            received="nothing",
        )
    return found


def tag_names(sentences: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return the different tags: `O` first, then by type, `B-` before `I-`.

    >>> tag_names([["B-PER", "I-PER", "O"], ["B-LOC"]])
    ('O', 'B-LOC', 'B-PER', 'I-PER')
    """
    known = {tag for each in sentences for tag in each}
    return tuple(sorted(known, key=lambda tag: (tag != "O", tag[2:] if tag[1:2] == "-" else tag, tag)))
