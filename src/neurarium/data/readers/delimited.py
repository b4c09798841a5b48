"""Delimited text (CSV, TSV and their relatives) as a frame of strings; ragged rows are named by line."""

from __future__ import annotations

import collections
import csv
import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy
import polars

from neurarium.core.errors import DataError
from neurarium.data.dataset import Decision
from neurarium.data.readers.encodings import to_utf8
from neurarium.data.readers.sniffing import BLANKS, SAMPLE, Dialect, looks_like_data, reader, rows, sniff
from neurarium.data.readers.values import MISSING


class NoRows(DataError):
    """A table of a header alone: nothing by itself, no harm among other parts."""


@dataclasses.dataclass(frozen=True)
class Reading:
    """How a table is read; what is None is found out.

    Args:
        columns: names, for a source without a header.
        separator: one character, or "blanks" for runs of spaces and tabs.
        quote: the quote character.
        encoding: of the text, where it is not UTF-8.
        missing: what stands for a missing value, upper or lower case.
        skip: lines to leave out at the top of the file.
        broken: a line that cannot be read as a row: "refuse" names it and stops, "quarantine" leaves it out and lists it.
    """

    columns: tuple[str, ...] | None = None
    separator: str | None = None
    quote: str | None = None
    encoding: str | None = None
    missing: tuple[str, ...] = MISSING
    skip: int = 0
    broken: str = "refuse"

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Reading:
        columns = value["columns"]
        return cls(**{**value, "columns": columns and tuple(columns), "missing": tuple(value["missing"])})


@dataclasses.dataclass
class Read:
    """A table as read: strings as they stand, typed columns as they are.

    Args:
        frame: the rows.
        origin: how messages call it.
        header: whether the names came from the source itself.
        suspicious_header: the header looks like a row of data.
        decisions: what was found out.
        facts: for the summary.
    """

    frame: polars.DataFrame
    origin: str
    header: bool = True
    suspicious_header: bool = False
    decisions: list[Decision] = dataclasses.field(default_factory=list)
    facts: dict[str, Any] = dataclasses.field(default_factory=dict)


def read_delimited(
    path: Path | str, content: bytes, reading: Reading, *, like: Sequence[Sequence[str]] = ()
) -> Read:
    """Read a text table.

    Args:
        path: how messages call the file.
        content: its bytes, unpacked.
        reading: how.
        like: lists of names, one of which a file without a header takes (a test file beside a training file).

    Raises:
        DataError: whatever keeps the file from being a table of at least one row.
    """
    if not content.strip():
        raise DataError(
            f"the file {path} is empty", expected="a header line and rows", received=f"{len(content)} bytes"
        )
    content, encoding = to_utf8(content, path, reading.encoding)
    content = _top(content, reading.skip)
    sample = max(4 * SAMPLE, content.find(b"\n", content.find(b"\n") + 1))  # two lines at least, however long
    text = content[:sample].decode("utf-8", errors="ignore")
    dialect = sniff(text, separator=reading.separator, quote=reading.quote)
    lines = rows(text, dialect)
    if not lines:
        raise DataError(
            f"the file {path} is empty", expected="a header line and rows", received="blank lines"
        )
    first = lines[0]
    names, header = _names(first, reading, like, path)
    quarantined: list[dict[str, Any]] | None = [] if reading.broken == "quarantine" else None
    frame = _frame(content, dialect, header, names, path, reading.skip, quarantined)
    blank = frame.select(polars.all_horizontal(polars.all().is_null())).to_series()
    frame = frame.filter(~blank) if blank.any() else frame
    if frame.height == 0:
        raise NoRows(
            f"the file {path} has a header and no rows",
            expected="at least one row",
            received=", ".join(names[:8]),
        )
    suspicious = header and looks_like_data(first)
    decisions = _decisions(reading, dialect, encoding, suspicious)
    facts = {"blank_lines": int(blank.sum()), "encoding": encoding, "separator": _shown(dialect)}
    facts |= {"quarantined": quarantined} if quarantined else {}
    return Read(frame, str(path), header, suspicious, decisions, facts)


def _decisions(reading: Reading, dialect: Dialect, encoding: str, suspicious: bool) -> list[Decision]:
    found = []
    if not reading.separator:
        reason = "it cuts the first lines into equally many fields"
        found.append(Decision("separator", _shown(dialect), reason, "--set separator="))
    if suspicious:
        reason = "the first line is taken as names, though it holds numbers like a row of data"
        found.append(Decision("header", "the first line", reason, "--columns"))
    if encoding != "utf-8":
        found.append(Decision("encoding", encoding, "given, or from the byte order mark", "--set encoding="))
    return found


def _shown(dialect: Dialect) -> str:
    return {"\t": "tab"}.get(dialect.separator, dialect.separator)


def _top(content: bytes, skip: int) -> bytes:
    """Drop lines at the top, and turn the line ends of old Macs into newlines."""
    for _ in range(skip):
        content = content.partition(b"\n")[2]
    if b"\r" in content and b"\n" not in content:
        content = content.replace(b"\r", b"\n")
    return content


def _names(
    first: list[str], reading: Reading, like: Sequence[Sequence[str]], path: Path | str
) -> tuple[list[str], bool]:
    """Return (names, whether the first line is a header).

    Names given, and names of a companion file, stand in for a header that is not there; a first line that repeats
    some of them is a header all the same.
    """
    alternatives = [reading.columns, *like] if reading.columns else list(like)
    data = looks_like_data(first)
    common = set(first) & {name for names in alternatives for name in names}
    named = len(common) > len(first) / 2 or (common and not data)
    if not alternatives or named or not (data or reading.columns):
        return checked_names(first, path), True
    for names in alternatives:
        if len(names) == len(first):
            return checked_names(names, path), False
    raise DataError(
        f"{path} has another number of columns than there are names",
        expected=" or ".join(f"{len(names)} columns" for names in alternatives)
        + f": {', '.join(alternatives[0][:20])}",
        received=f"{len(first)} fields in its first line: {', '.join(first[:20])}",
        fix="give one name per column with --columns a,b,c",
    )


def checked_names(names: Sequence[Any], origin: Any) -> list[str]:
    """Return column names as stripped text, numbered where they are empty.

    Raises:
        DataError: two columns have one name.
    """
    cleaned = [str(name).strip() or f"unnamed {number}" for number, name in enumerate(names, start=1)]
    patterns = [name for name in cleaned if name.startswith("^") and name.endswith("$")]
    if patterns:
        raise DataError(
            f"a column of {origin} is called like a pattern: '{patterns[0]}'",
            expected="a name that does not begin with ^ and end with $",
            received=patterns[0],
            fix="rename the column",
        )
    doubled = sorted(name for name, count in collections.Counter(cleaned).items() if count > 1)
    if doubled:
        places = [str(number) for number, name in enumerate(cleaned, start=1) if name == doubled[0]]
        hint = (
            "the first line looks like data: give names with --columns a,b,c"
            if looks_like_data(cleaned)
            else None
        )
        raise DataError(
            f"two columns of {origin} have the same name: '{doubled[0]}'",
            expected="different names",
            received=f"columns {', '.join(places[:8])}{', ...' * (len(places) > 8)} are called '{doubled[0]}'",
            fix=hint or "rename one of them in the file",
        )
    return cleaned


def _frame(
    content: bytes,
    dialect: Dialect,
    header: bool,
    names: list[str],
    path: Path | str,
    skip: int,
    quarantined: list[dict[str, Any]] | None,
) -> polars.DataFrame:
    """The fast way; where it fails or may have hidden a short row, the exact and slow way decides."""
    separator = dialect.separator
    if separator == BLANKS:
        content, separator = (
            re.sub(rb"[ \t]+", b"\t", re.sub(rb"(?m)^[ \t]+|[ \t]+(?=\r?$)", b"", content)),
            "\t",
        )
    quote = dialect.quote
    spaced = quote and re.search(re.escape(separator).encode() + rb"[ \t]+" + quote.encode(), content)
    unclosed = quote and content.count(quote.encode()) % 2
    if not spaced and not unclosed and len(separator.encode()) == 1:
        try:
            frame = polars.read_csv(
                content,
                has_header=False,
                skip_rows=0,
                separator=separator,
                quote_char=quote,
                infer_schema=False,
                raise_if_empty=False,
            )
        except polars.exceptions.PolarsError:
            frame = None
        if frame is not None and frame.width == len(names):
            frame = frame.rename(dict(zip(frame.columns, names, strict=True)))
            body = _without_header(frame) if header else frame
            if not body.get_column(names[-1]).null_count() or _even(content, separator, quote, len(names)):
                return body
    return _exact(content.decode(), Dialect(separator, quote), header, names, path, skip, quarantined)


def _even(content: bytes, separator: str, quote: str | None, width: int) -> bool:
    """Say whether every line that is not blank holds `width` fields (short rows are read as missing values)."""
    data = numpy.frombuffer(content + b"\n", dtype=numpy.uint8)
    ends, cuts = data == ord("\n"), data == ord(separator)
    if quote:
        outside = ~numpy.logical_xor.accumulate(data == ord(quote))
        ends, cuts = ends & outside, cuts & outside
    stops = numpy.flatnonzero(ends)
    fields = numpy.diff(numpy.searchsorted(numpy.flatnonzero(cuts), stops), prepend=0) + 1
    lengths = numpy.diff(stops, prepend=-1) - 1
    blank = (lengths == 0) | ((lengths == 1) & (data[stops - 1] == ord("\r")))
    return bool(((fields == width) | blank).all())


def _without_header(frame: polars.DataFrame) -> polars.DataFrame:
    """Drop the first line that holds anything: the header."""
    filled = frame.select(polars.any_horizontal(polars.all().is_not_null())).to_series()
    return frame.slice(int(filled.arg_max() or 0) + 1)


def _exact(
    text: str,
    dialect: Dialect,
    header: bool,
    names: list[str],
    path: Path | str,
    skip: int,
    quarantined: list[dict[str, Any]] | None,
) -> polars.DataFrame:
    """Read row by row; the first row of another width is named, or all of them are left out and listed."""
    parsed, found, previous = reader(text, dialect), [], 0
    try:
        for row in parsed:
            line, previous = previous + 1, parsed.line_num
            if not row or (len(row) == 1 and not row[0].strip() and len(names) > 1):
                continue
            if len(row) == len(names):
                found.append(row)
            elif quarantined is None:
                raise _ragged(row, names, path, line + skip, dialect)
            else:
                reason = f"{len(row)} fields where the first line has {len(names)}"
                quarantined.append({"file": str(path), "row": line + skip, "reason": reason})
    except csv.Error as error:
        raise DataError(
            f"{path} cannot be cut into fields at line {parsed.line_num + skip}: {error}",
            fix="look for a quote that is opened and never closed",
        ) from error
    columns = list(zip(*found[1 if header else 0 :], strict=True)) or [()] * len(names)
    return polars.DataFrame(
        {
            name: polars.Series(column, dtype=polars.String)
            for name, column in zip(names, columns, strict=True)
        }
    ).with_columns(polars.all().replace("", None))


def _ragged(row: list[str], names: list[str], path: Path | str, line: int, dialect: Dialect) -> DataError:
    shown = dialect.separator.join(row)
    return DataError(
        f"line {line} of {path} has {len(row)} fields where the first line has {len(names)}",
        expected=f"{len(names)} fields separated by {dialect.separator!r}",
        received=shown if len(shown) <= 120 else shown[:117] + "...",
        fix="mend that line, quote the field that holds the separator, or leave such lines out with broken='quarantine'",
    )
