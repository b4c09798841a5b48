"""CoNLL columns: a word per line, a blank line between sentences; which column is the word and which its tag."""

from __future__ import annotations

import collections
import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

from neurarium.core.errors import DataError
from neurarium.core.wording import counted

NUMBER = re.compile(r"\d+(?:[-.]\d+)?$")  # of a word; 1-2 is a compound, 1.1 an empty node of CoNLL-U
UNIVERSAL = ("number", "word", "lemma", "UPOS", "XPOS", "features", "head", "relation", "enhanced", "other")
SAMPLE = 200  # lines that say how many columns there are
DOCUMENT = "-DOCSTART-"


@dataclasses.dataclass(frozen=True)
class Layout:
    """Where words and tags stand in a file.

    Args:
        word, tag: the places of the columns, the first being 1.
        count: how many columns there are.
        numbered: the first column counts the words.
        named: the tag's column was named by the user; longer lines are then as good.
        told: why, for the plan.
    """

    word: int
    tag: int
    count: int
    numbered: bool
    named: bool
    told: str


def layout_of(text: str, word: int, tag: int, path: Path) -> Layout:
    """Return the columns of a text.

    Where nothing is said: the word is the first column, or the second where the first counts the words; the tag is the
    last, of CoNLL-U's ten columns the fourth.

    Args:
        word, tag: what was asked for; 1 and 0 are nothing.
        path: how messages call the text.

    >>> layout_of("1\\tDogs\\tdog\\tNOUN\\n", 1, 0, Path("a.txt")).word
    2
    """
    lines = [line for line in text.split("\n") if line.strip()]
    plain = [line for line in lines if not line.startswith("#")] or [line for line in lines if "\t" in line]
    sample = [each for each in map(_fields, plain[:SAMPLE]) if each[0] != DOCUMENT]
    count = collections.Counter(map(len, sample)).most_common(1)[0][0] if sample else 0
    numbers = [each[0] for each in sample]
    numbered = count > 2 and all(map(NUMBER.match, numbers)) and numbers[0] in ("0", "1", "1-2")
    universal = path.suffix.lower() == ".conllu" or (numbered and count == len(UNIVERSAL))
    numbered = numbered or universal
    found = 2 if word == 1 and numbered else word
    place = tag or (4 if universal else count)
    parts = [f"{counted(count, 'column')}"]
    if universal:
        parts.append(f"CoNLL-U, the {_nth(place)} being {UNIVERSAL[place - 1] if place <= 10 else 'another'}")
    elif numbered:
        parts.append("the first counts the words")
    parts.append(
        "as given" if tag else "a word's tag is the last" if not universal else "tags are parts of speech"
    )
    return Layout(found, place, count, numbered, bool(tag), "; ".join(parts))


def rows_of(text: str, layout: Layout) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, columns); none of them ends a sentence.

    Comments, marks of documents, and of numbered words compounds and empty nodes are left out. A line is a comment where it
    begins with # before the first word of a sentence and has another number of columns than words, or is `# key = value`.

    >>> list(rows_of("# text = Go\\nGo V\\n\\n", layout_of("Go V\\n", 1, 0, Path("a.conll"))))
    [(2, ['Go', 'V']), (3, []), (4, [])]
    """
    inside = False
    for number, line in enumerate(text.split("\n"), 1):
        fields = _fields(line)
        if not line.strip() or fields[0] == DOCUMENT:
            inside = False
            yield number, []
            continue
        if line.startswith("#") and not inside and (len(fields) != layout.count or " = " in line):
            continue
        if layout.numbered and "\t" not in line and line.startswith("#"):
            continue  # CoNLL-U has tabs
        inside = True
        if layout.numbered and not fields[0].isdigit() and NUMBER.match(fields[0]):
            continue
        yield number, fields


def cells_of(
    fields: list[str], number: int, layout: Layout, path: Path, *, tagged: bool
) -> tuple[str, str | None]:
    """Return the word and the tag of a line; None where it has no tag and needs none.

    Raises:
        DataError: no word, no tag, or another number of columns.
    """
    has_tag = layout.tag <= len(fields) and layout.tag != layout.word and bool(fields[layout.tag - 1])
    odd = len(fields) != layout.count and not layout.named
    if layout.word <= len(fields) and fields[layout.word - 1] and (not tagged or (has_tag and not odd)):
        return fields[layout.word - 1], fields[layout.tag - 1] if has_tag else None
    received = " ".join(fields)[:60]
    if tagged and layout.count == 1:
        raise DataError(
            f"{path} has one column, and no tags",
            expected="a word and its tag per line, with blanks or a tab between them", received=received,
            fix="write each word's tag behind it; to tag such a file by a trained run: neurarium predict RUN --input",
        )  # fmt: skip
    if len(fields) < max(layout.word, layout.tag if tagged else 0):
        problem = "has no tag" if layout.word <= len(fields) else "is short"
    elif not fields[layout.word - 1]:
        problem = "has a tag and no word"
    elif not has_tag:
        problem = "has no tag"
    else:
        problem = f"has {counted(len(fields), 'column')}, where others have {layout.count}"
    raise DataError(
        f"line {number} of {path} {problem}",
        expected=f"{layout.count} columns, the word being the {_nth(layout.word)} and its tag the {_nth(layout.tag)}, with "
        "blanks or a tab between them", received=received,
        fix="mend the line; --set word_column=1 --set tag_column=2 say where the two stand",
    )  # fmt: skip


def _fields(line: str) -> list[str]:
    return [each.strip() for each in line.split("\t")] if "\t" in line else line.split() or [""]


def _nth(place: int) -> str:
    return {1: "first", 2: "second", 3: "third", 4: "fourth"}.get(place, f"{place}th")
