"""`neurarium datasets`: the catalogue of public data sets."""

from __future__ import annotations

from typing import Annotated

import typer

from neurarium.cli import arguments as a
from neurarium.cli import completion
from neurarium.cli.output import Output, table

app = typer.Typer(help="List and fetch public data sets.", invoke_without_command=True, rich_markup_mode=None)
Name = Annotated[
    str, typer.Argument(metavar="NAME", help="A name of the list.", autocompletion=completion.names_of_data)
]


@app.callback()
def datasets(context: typer.Context, as_json: a.Json = False, debug: a.Debug = False) -> None:
    """List the public data sets, or fetch one.

    Example: neurarium datasets fetch mnist
    """
    if context.invoked_subcommand is not None:
        return
    from neurarium.data.catalogue.entries import ENTRIES
    from neurarium.data.catalogue.fetching import status

    output = Output(as_json)
    rows = [{**entry.to_json(), "status": status(name)} for name, entry in ENTRIES.items()]
    shown = table("name", "what", "task", "where", title="Data sets")
    for row in rows:
        shown.add_row(f"[bold]{row['name']}[/]", row["summary"], row["task"], row["status"])
    output.say(shown)
    output.say(
        "[dim]train on one:[/] neurarium train digits   [dim]fetch one:[/] neurarium datasets fetch mnist"
    )
    output.finish({"datasets": rows})


@app.command()
def fetch(name: Name, as_json: a.Json = False, quiet: a.Quiet = False, debug: a.Debug = False) -> None:
    """Find the files of a data set, or download them; every hash is checked."""
    from neurarium.data.catalogue import fetching
    from neurarium.data.catalogue.entries import entry

    output = Output(as_json, quiet)
    found = fetching.fetch(name, log=output.note)
    place = "embedded: it comes with scikit-learn" if found is None else str(found)
    output.say(f"[bold]{name}[/]  {place}")
    output.say(f"[dim]licence[/] {entry(name).licence}")
    output.finish({"dataset": name, "folder": found, "licence": entry(name).licence})
