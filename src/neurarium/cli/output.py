"""Output: tables for a person, one JSON object for a program."""

from __future__ import annotations

import json
import math
import os
import shutil
import sys
import textwrap
from collections.abc import Mapping
from typing import Any


class Output:
    """Where a command writes its results.

    Args:
        as_json: end standard output with one JSON object.
        quiet: no words for a person.
    """

    finished = False  # whether the command has told its result

    def __init__(self, as_json: bool = False, quiet: bool = False):
        self.first = first_process()
        self.as_json, self.quiet = as_json, quiet or not self.first
        self._console: Any = None

    @property
    def console(self) -> Any:
        if self._console is None:
            from rich.console import Console

            self._console = Console(highlight=False, soft_wrap=True)
        return self._console

    def say(self, *things: Any) -> None:
        """Print for a person: text (with rich's markup) or rich tables."""
        if not self.quiet:
            self.console.print(*things)

    def note(self, text: str) -> None:
        """Print a remark on standard error."""
        if not self.quiet:
            print(text, file=sys.stderr, flush=True)

    def told(self, **facts: str) -> None:
        """Print facts on standard error, a name before each; a terminal has long ones in several lines, beside the name."""
        for name, text in facts.items():
            self.note(f"{name:<10}" + beside(text, 10))

    def finish(self, value: Mapping[str, Any]) -> None:
        """Write the JSON object, as the last line."""
        Output.finished = True
        if self.as_json and self.first:
            sys.stdout.flush()
            print(json.dumps(finite(dict(value)), ensure_ascii=False), flush=True)


def beside(text: str, indent: int) -> str:
    """Break a text into lines that fit a terminal, all but the first indented; elsewhere it stays one line.

    >>> beside("a fact", 10)
    'a fact'
    """
    if not sys.stderr.isatty():
        return text
    room = max(shutil.get_terminal_size().columns - indent - 1, 30)
    return f"\n{'':<{indent}}".join(textwrap.wrap(text, room, break_on_hyphens=False))


def first_process() -> bool:
    """Return whether this is the one of several processes (of torchrun) that speaks."""
    return "WORLD_SIZE" not in os.environ or os.environ.get("RANK", "0") == "0"


def finite(value: Any) -> Any:
    """Make a value one that JSON holds: what is no number becomes null, paths become text."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set):
        return [finite(each) for each in value]
    if value is None or isinstance(value, bool | int | str):
        return value
    return str(value)


def table(
    *columns: str, title: str | None = None, right: tuple[int, ...] = (), whole: tuple[int, ...] = ()
) -> Any:
    """Return a rich table in the one style of the command line; columns in `right` hold numbers, those in `whole` are
    never cut."""
    from rich import box
    from rich.table import Table

    made = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold", pad_edge=False)
    for number, name in enumerate(columns):
        overflow: Any = "fold" if number in whole else "ellipsis"
        made.add_column(
            name, justify="right" if number in right else "left", no_wrap=number in whole, overflow=overflow
        )
    return made


def escape(text: object) -> str:
    """Keep rich from reading a text's brackets as markup."""
    from rich.markup import escape as escaped

    return escaped(str(text))
