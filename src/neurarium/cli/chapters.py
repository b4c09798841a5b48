"""`neurarium chapters`: the 33 chapters of the book, and what of each is built."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from neurarium.cli import arguments as a
from neurarium.cli.output import Output, escape, table


def _numbers(incomplete: str) -> list[tuple[str, str]]:
    from neurarium.cli.book import BOOK

    return [(each.number, each.title) for each in BOOK if each.number.startswith(incomplete)]


Number = Annotated[
    str | None,
    typer.Argument(
        metavar="[N]",
        help="Show one chapter: its text and its parts.",
        autocompletion=_numbers,
        show_default=False,
    ),
]


def chapters(
    number: Number = None, as_json: a.Json = False, quiet: a.Quiet = False, debug: a.Debug = False
) -> None:
    """List the chapters with what is built, or show one.

    Example: neurarium chapters 03
    """
    from neurarium.cli import book

    output = Output(as_json, quiet)
    if number is not None:
        held = book.content(book.chapter(number))
        _show(held, output)
        output.finish(held)
        return
    every = [book.content(each) for each in book.BOOK]
    shown = table("", "chapter", "parts", "document", right=(2,), title="The 33 chapters")
    for held in every:
        parts = str(len(held["members"])) if held["members"] else "[dim]–[/]"
        path = "\n".join(Path(each).name for each in held["documents"]) or "[dim]–[/]"
        shown.add_row(held["number"], f"[bold]{held['title']}[/]: {held['idea']}", parts, path)
    output.say(shown)
    output.say("[dim]one of them:[/] neurarium chapters 03")
    others = book.from_packages()
    if others:
        output.say(_parts(others, "From installed packages"))
    output.finish({"chapters": every, "packages": others})


def _show(held: dict[str, Any], output: Output) -> None:
    if output.quiet:
        return
    from rich.markdown import Markdown

    for path in held["documents"]:
        output.say(Markdown(Path(path).read_text(encoding="utf-8")))
    if not held["documents"]:
        output.say(
            f"\n[bold]{held['number']} {held['title']}[/]: {held['idea']}\nThis chapter is not written yet."
        )
    if held["members"]:
        output.say(_parts(held["members"], "Parts"))


def _parts(members: list[dict[str, str]], title: str) -> Any:
    shown = table("kind", "name", "what", title=title, whole=(1,))
    for row in members:
        shown.add_row(row["kind"], f"[bold]{escape(row['name'])}[/]", escape(row["summary"]))
    return shown
