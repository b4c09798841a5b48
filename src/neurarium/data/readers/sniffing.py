"""Sniffing: the separator, the quote and the header of a text table, from its first lines."""

from __future__ import annotations

import collections
import csv
import dataclasses
import io
import re
from collections.abc import Sequence
from typing import Any

from neurarium.core.errors import OptionError

SEPARATORS = (",", "\t", ";", "|")
BLANKS = "blanks"
SAMPLE = 1 << 16
csv.field_size_limit(
    1 << 30
)  # Python's own limit, 131,072 characters, is there for programs that trust no file


@dataclasses.dataclass(frozen=True)
class Dialect:
    """How a text table is written: `separator` is one character, or "blanks" for runs of spaces and tabs."""

    separator: str
    quote: str | None


def sniff(text: str, *, separator: str | None = None, quote: str | None = None) -> Dialect:
    """Find the dialect of a text table.

    The separator is the one that cuts most of the first lines into the same number of fields, two at least; of
    several, the one that cuts the first line so too, then the one that leaves decimal commas whole, then the one with
    more fields. Blanks are tried last.

    Args:
        text: the beginning of the file.
        separator, quote: given ones are kept; an empty quote stands for none.

    >>> sniff("a;b\\n1,5;2\\n2,5;3\\n")
    Dialect(separator=';', quote='"')
    """
    for what, given in (("separator", separator), ("quote", quote)):
        if given and given != BLANKS and (len(given) > 1 or given in "\r\n" or given == '"' == separator):
            raise OptionError(
                f"the {what} is no {what}",
                expected="one character"
                + (f', or "{BLANKS}" for runs of spaces and tabs' if what == "separator" else ""),
                received=repr(given),
                fix=f"leave it out, and it is found out; or for example {what}=';'"
                if what == "separator"
                else "leave it out",
            )
    sample = _sample(text)
    found = separator or _separator(sample)
    if found == BLANKS:
        return Dialect(BLANKS, None)
    return Dialect(found, _quote(sample, found) if quote is None else quote or None)


def rows(text: str, dialect: Dialect) -> list[list[str]]:
    """Cut lines into stripped fields; empty lines give no row.

    >>> rows("1, 'a, b'\\n", Dialect(",", "'"))
    [['1', 'a, b']]
    """
    if dialect.separator == BLANKS:
        return [line.split() for line in text.splitlines() if line.strip()]
    return [[field.strip() for field in row] for row in reader(text, dialect) if row]


def reader(text: str, dialect: Dialect) -> Any:
    """Return a `csv.reader` for the dialect."""
    return csv.reader(
        io.StringIO(text, newline=""),
        delimiter=dialect.separator,
        quotechar=dialect.quote or '"',
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        skipinitialspace=True,
    )


def looks_like_data(row: Sequence[str]) -> bool:
    """Say whether a first line is evidently a row of data: some fields are numbers, or missing.

    >>> looks_like_data(["39", "State-gov"]), looks_like_data(["age", "workclass"])
    (True, False)
    """
    return any(re.fullmatch(r"[+-]?(\d+([.,]\d*)?|\.\d+)([eE][+-]?\d+)?", field.strip()) for field in row)


def _sample(text: str) -> str:
    if len(text) <= SAMPLE:
        return text
    end = text.rfind("\n", 0, SAMPLE)
    return text[: end + 1] if end > 0 else text[:SAMPLE]


def _separator(sample: str) -> str:
    best, chosen = (0.0, False, False, 0), ","
    for candidate in (*SEPARATORS, BLANKS):
        dialect = Dialect(candidate, _quote(sample, candidate) if candidate != BLANKS else None)
        cut = rows(sample, dialect)[:200]
        counts = collections.Counter(len(row) for row in cut)
        if not counts:
            continue
        fields, lines = max(counts.items(), key=lambda item: (item[1], item[0]))
        agreement = round(lines / sum(counts.values()), 1)
        rank = (agreement, len(cut[0]) == fields, _decimal_commas(cut, candidate), fields)
        if fields >= 2 and rank > best and (candidate != BLANKS or best[0] < 0.9):
            best, chosen = rank, candidate
    return chosen


def _decimal_commas(cut: Sequence[Sequence[str]], separator: str) -> bool:
    """Say whether commas stand within numbers: `1,5;2,25` is two numbers, not `1`, `5;2` and `25`."""
    return separator in ";\t" and any(re.fullmatch(r"[+-]?\d+,\d+", field) for row in cut for field in row)


def _quote(sample: str, separator: str) -> str:
    """The double quote, unless only single ones stand right after a separator with their partner before the next."""
    cut = re.escape(separator)
    for quote in ('"', "'"):
        pattern = rf"(?:^|{cut})[ ]*{quote}[^{quote}]*{quote}[ ]*(?:{cut}|\r?$)"
        if re.search(pattern, sample, flags=re.MULTILINE):
            return quote
    return '"'
