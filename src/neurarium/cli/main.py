"""The command line `neurarium`: its verbs, and what becomes of every error."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from typing import Annotated

import typer

from neurarium.cli import (
    chapters,
    check,
    compare,
    completion,
    cross_validate,
    datasets,
    deciding,
    evaluate,
    failures,
    generate,
    looking,
    plot,
    predict,
    report,
    runs,
    serve,
    train,
    translate,
)
from neurarium.cli.arguments import GroupedCommand
from neurarium.cli.output import Output

app = typer.Typer(
    name="neurarium",
    help="All of deep learning under one roof: any network, any way of learning, on your own data.",
    epilog="Begin with: neurarium train digits",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("train", cls=GroupedCommand)(train.train)
app.command("check", cls=GroupedCommand)(check.check)
app.command("evaluate")(evaluate.evaluate)
app.command("predict")(predict.predict)
app.command("generate")(generate.generate)
app.command("translate")(translate.translate)
app.command("report")(report.report)
app.command("serve")(serve.serve)
app.command("compare")(compare.compare)
app.command("calibrate")(deciding.calibrate)
app.command("thresholds")(deciding.thresholds)
app.command("cross-validate", cls=GroupedCommand)(cross_validate.cross_validate)
app.command("learning-rate", cls=GroupedCommand)(looking.learning_rate)
app.command("signal", cls=GroupedCommand)(looking.signal)
app.command("profile", cls=GroupedCommand)(looking.profile)
app.add_typer(datasets.app, name="datasets")
app.command("chapters")(chapters.chapters)
app.add_typer(runs.app, name="runs")
app.add_typer(plot.app, name="plot")


def _version(wanted: bool) -> None:
    if wanted:
        from neurarium import __version__

        print(f"neurarium {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """All of deep learning under one roof: any network, any way of learning, on your own data."""


def _plain_warning(message: Warning | str, category: type[Warning], *place: object) -> str:
    """A remark for a person has no file and line; what others warn of keeps them."""
    if category.__module__.startswith("neurarium."):
        return f"note: {message}\n"
    return f"{place[0]}:{place[1]}: {category.__name__}: {message}\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code.

    0: done. 1: a failure of ours. 2: a mistake of the user, told in one message. 130: interrupted. 143: ended by SIGTERM.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    Output.finished = False
    completion.mend_words()
    usual, warnings.formatwarning = warnings.formatwarning, _plain_warning  # type: ignore[assignment]
    console = sys.stdout, sys.stderr
    try:
        code = app(args=arguments, prog_name="neurarium", standalone_mode=False)
    except BaseException as error:
        sys.stdout, sys.stderr = console  # typer puts others there where a pipe broke
        error = failures.itself(error)
        if failures.unread(error):  # `neurarium runs | head`: what reads has read enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        return failures.told(error, arguments)
    finally:
        warnings.formatwarning = usual
    if code == failures.INTERRUPTED and not Output.finished:  # typer has caught the KeyboardInterrupt
        return failures.told(KeyboardInterrupt(), arguments)
    return code if isinstance(code, int) else 0
