"""`neurarium plot`: pictures of what is otherwise a formula."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neurarium.cli import arguments as a
from neurarium.cli.folders import find_run
from neurarium.cli.output import Output
from neurarium.core.errors import OptionError, unknown

app = typer.Typer(
    help="Plot activations, learning-rate schedules, what skips do, or what the capsules of a run draw.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
FORMATS = (".png", ".svg", ".pdf")
OutputFile = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="A .png, .svg or .pdf file.", show_default=False),
]
Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NAME]...", help="Some of them; all by default.", show_default=False),
]


@app.command()
def activations(
    names: Names = None,
    output: OutputFile = None,
    as_json: a.Json = False,
    quiet: a.Quiet = False,
    debug: a.Debug = False,
) -> None:
    """Plot each activation with its derivative."""
    from neurarium.report.activation_plot import plot_activations

    path = _checked(output, "activations.png")
    plot_activations(names or None, path)
    _told("activations", path, Output(as_json, quiet))


@app.command()
def schedules(
    names: Names = None,
    output: OutputFile = None,
    as_json: a.Json = False,
    quiet: a.Quiet = False,
    debug: a.Debug = False,
) -> None:
    """Plot each learning-rate schedule over the progress of training."""
    from neurarium.report.schedule_plot import plot_schedules

    path = _checked(output, "schedules.png")
    plot_schedules(names or None, path)
    _told("schedules", path, Output(as_json, quiet))


@app.command()
def skips(
    output: OutputFile = None, as_json: a.Json = False, quiet: a.Quiet = False, debug: a.Debug = False
) -> None:
    """Plot the gradient that reaches the first layer over the depth, with and without skip connections."""
    from neurarium.report.skip_plot import plot_skips

    path = _checked(output, "skips.png")
    plot_skips(path)
    _told("skips", path, Output(as_json, quiet))


@app.command()
def capsules(
    run: a.RunName,
    input: Annotated[
        Path | None,
        typer.Option(
            "--input",
            "-i",
            metavar="FILE",
            help="An image; by default the first of the test split.",
            show_default=False,
        ),
    ] = None,
    dims: Annotated[
        str | None,
        typer.Option(metavar="N,N", help="Which numbers of the capsule; all by default.", show_default=False),
    ] = None,
    output: OutputFile = None,
    as_json: a.Json = False,
    quiet: a.Quiet = False,
    debug: a.Debug = False,
) -> None:
    """Plot what each number of an image's capsule does to the image; of several labels, which part each capsule draws.

    Example: neurarium plot capsules runs/mnist-1 --output pose.png
    """
    from neurarium.report.capsule_plot import SHOWN, plot_capsules
    from neurarium.studies.prediction.learner import evaluating, learner_of
    from neurarium.studies.prediction.seen import examples_for
    from neurarium.training.run import Run

    path = _checked(output, "capsules.png")
    trained = Run.load(find_run(run))
    method = learner_of(trained)
    if input is None:
        images = examples_for(trained, None, "test")[2].take(slice(0, SHOWN))["inputs"]
    else:
        images = trained.preparation.apply(input)[0]["inputs"]
    with evaluating(method) as device:
        targets = getattr(method, "targets", None)
        plot_capsules(method.deployed, images.to(device), targets, path, dims=_numbers(dims))
    _told("capsules", path, Output(as_json, quiet))


def _numbers(text: str | None) -> list[int] | None:
    if text is None:
        return None
    try:
        return [int(each) for each in text.split(",")]
    except ValueError:
        raise OptionError(
            "these are no numbers of a capsule", expected="such as 0,3,7", received=text
        ) from None


def _checked(output: Path | None, usual: str) -> Path:
    path = output or Path(usual)
    if path.suffix.lower() not in FORMATS:
        raise unknown("format of a picture", path.suffix or path.name, FORMATS)
    return path


def _told(what: str, path: Path, output: Output) -> None:
    output.say(f"{what} in {path}")
    output.finish({"plot": what, "output": path})
