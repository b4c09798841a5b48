"""`neurarium report`: write the page of a run again, and compute what it shows where asked to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neurarium.cli import arguments as a
from neurarium.cli.command import Command
from neurarium.cli.folders import find_run
from neurarium.cli.output import Output, escape
from neurarium.core.errors import unknown

Extent = Annotated[
    str | None,
    typer.Option(
        "--extent",
        metavar="EXTENT",
        help="Compute anew, from the data of the training: quick (a few seconds) or full.",
        show_default=False,
    ),
]
Browse = Annotated[bool, typer.Option("--open", help="Open the page in the browser.")]
File = Annotated[
    Path | None,
    typer.Option(
        "--out", "-o", metavar="FILE", help="Where to write; RUN/report.html by default.", show_default=False
    ),
]


def report(
    run: a.RunName,
    extent: Extent = None,
    browse: Browse = False,
    out: File = None,
    as_json: a.Json = False,
    quiet: a.Quiet = False,
    debug: a.Debug = False,
) -> None:
    """Write the report of a run again from its folder.

    Example: neurarium report runs/adult-1 --extent full --open
    """
    if extent is not None and extent not in ("quick", "full"):
        raise unknown("extent", extent, ("quick", "full"))
    from neurarium.core.files import write_text
    from neurarium.report import render
    from neurarium.studies.examination.study import examination_of, examine
    from neurarium.training.run import Run

    output = Output(as_json, quiet)
    trained = Run.load(find_run(run))
    if extent is not None:
        examine(trained, extent=extent)  # type: ignore[arg-type]
    line = Command.from_mapping(trained.config, trained.folder or run).line() if trained.config else None
    path = out or trained.folder / "report.html"  # type: ignore[operator]
    write_text(path, render(trained, command=line))
    output.say(f"[dim]report  [/]{escape(str(path))}")
    if not examination_of(trained):
        output.note(f"baselines, slices and errors are not in it yet: neurarium report {run} --extent quick")
    if browse:
        import webbrowser

        webbrowser.open(path.resolve().as_uri())
    output.finish(
        {"run": trained.folder, "report": path, "left_out": examination_of(trained).get("left_out", {})}
    )
