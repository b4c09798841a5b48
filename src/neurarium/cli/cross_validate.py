"""`neurarium cross-validate`: every example predicted by a model that has not seen it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neurarium.cli import arguments as a
from neurarium.cli import completion
from neurarium.cli.command import Command, seconds
from neurarium.cli.early_checks import settled
from neurarium.cli.folders import reserved
from neurarium.cli.output import Output, escape, table
from neurarium.cli.reading import read
from neurarium.cli.shared_options import options_of_train
from neurarium.core.files import write_json
from neurarium.report.words import number

if TYPE_CHECKING:
    from neurarium.data.dataset import Dataset
    from neurarium.studies.comparison.cross_validation import CrossValidation

Folds = Annotated[int, typer.Option("--folds", metavar="N", help="How many.", rich_help_panel=a.SPLITS)]
How = Annotated[
    str | None,
    typer.Option(
        "--how",
        metavar="WAY",
        help="How folds are cut: stratified (classes), random (quantities), grouped, time.",
        show_default=False,
        autocompletion=completion.choices("stratified", "random", "grouped", "time"),
        rich_help_panel=a.SPLITS,
    ),
]


@options_of_train(
    a.DATA,
    a.SPLITS,
    a.NETWORK,
    a.TIME,
    a.MACHINE,
    without=("augment", "keep", "compile", "rematerialize", "shard", "buckets"),
)
def cross_validate(
    command: Command,
    folds: Folds = 5,
    how: How = None,
    out: a.Out = None,
    as_json: a.Json = False,
    quiet: a.Quiet = False,
    debug: a.Debug = False,
) -> None:
    """Train one model per fold, and predict each example by the model that has not seen it.

    The test split stays untouched. Example: neurarium cross-validate adult.csv --target income --folds 10
    """
    output = Output(as_json, quiet)
    command = settled(command, "neurarium cross-validate digits")
    with reserved(out, f"{Path(str(command.data)).stem}-folds") as folder:
        found = _validated(command, read(command, None, output), folds, how, folder, output)
        path = folder / "predictions.csv"
        from neurarium.cli.tables import write_table

        write_table(found.frame(), path)
        write_json(
            folder / "cross-validation.json",
            {"format_version": 1, "command": command.given(), **found.to_json()},
        )
    _show(found, folder, output)
    shown = [name for name in found.report.intervals if name in found.folds[0]]
    output.finish(
        {
            "folder": folder,
            "predictions": path,
            "how": found.how,
            "examples": len(found.rows),
            "folds": found.folds,
            "metrics": found.report.metrics,
            "intervals": {name: [each.low, each.high] for name, each in found.report.intervals.items()},
            "means": {
                name: {
                    "mean": each.estimate,
                    "low": each.low,
                    "high": each.high,
                    "deviation": found.deviation(name),
                }
                for name, each in ((name, found.interval(name)) for name in shown)
            },
        }
    )


def _validated(
    command: Command, dataset: Dataset, folds: int, how: str | None, folder: Path, output: Output
) -> Any:
    from neurarium.studies.comparison.cross_validation import cross_validate as validate
    from neurarium.studies.planning.source_kinds import kind_of
    from neurarium.studies.training import untrained

    names = ("epochs", "steps", "batch_size", "device")
    parts: dict[str, Any] = {
        "network": command.network,
        "method": command.method,
        "options": command.set,
        "precision": command.precision,
        "ensemble": command.ensemble or 1,
        "reader": kind_of(command.data or "", command.given())[1],
        "seed": command.seed or 0,
        **{name: getattr(command, name) for name in names},
    }
    _, given, _ = untrained(dataset, **parts)
    more = {"patience": command.patience, "monitor": command.monitor, "workers": command.workers}
    if type(dataset.targets).__name__ == "Horizon":
        return _rolled(parts, dataset, folds, how, folder, {**given, **_said(more)}, command, output)
    return validate(
        lambda data: untrained(data, **parts)[0],
        dataset,
        folds=folds,
        how=how,
        seed=command.seed or 0,
        out=folder,
        progress=False if output.quiet else "auto",
        time_limit=seconds(command.time_limit),
        **{**given, **_said(more)},
    )


def _said(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _rolled(
    parts: dict[str, Any], dataset: Dataset, folds: int, how: str | None, folder: Path, fitting: dict[str, Any],
    command: Command, output: Output,
) -> Any:  # fmt: skip
    """Series are cut by their time alone: forecasts from several moments."""
    from neurarium.core.errors import OptionError
    from neurarium.studies.comparison.rolling_origin import roll_origin
    from neurarium.studies.training import untrained

    if how not in (None, "time"):
        raise OptionError(
            f"series cannot be cut '{how}': a forecast would be trained on what comes after it",
            expected="time", received=f"--how {how}", fix="leave out --how",
        )  # fmt: skip
    return roll_origin(
        lambda data: untrained(data, **parts)[0], dataset, folds=folds, seed=command.seed or 0, out=folder,
        progress=False if output.quiet else "auto", time_limit=seconds(command.time_limit), **fitting,
    )  # fmt: skip


def _show(found: CrossValidation, folder: Path, output: Output) -> None:
    report = found.report
    output.say(
        f"\n[bold]{escape(report.name)}[/]  {len(found.folds)} folds, {found.how}; {len(found.rows):,} examples"
    )
    shown = table("", "all together", "95 % interval", "mean of folds", "± 95 %", right=(1, 3, 4))
    for name, interval in report.intervals.items():
        if name in found.folds[0]:
            mean, bold = found.interval(name), "[bold]" if name == report.headline else ""
            shown.add_row(
                f"{bold}{name}",
                f"{bold}{number(interval.estimate)}",
                f"{number(interval.low)} to {number(interval.high)}",
                number(mean.estimate),
                number(mean.high - mean.estimate),
            )
    output.say(shown)
    values = "  ".join(number(each.get(report.headline)) for each in found.folds)
    output.say(f"[dim]{report.headline} by fold[/]  {values}")
    output.say(f"[dim]predictions[/]  {escape(folder / 'predictions.csv')}")
