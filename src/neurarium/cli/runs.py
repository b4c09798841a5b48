"""`neurarium runs`: list, show and remove runs. Reads their JSON and YAML alone: no torch is loaded."""

from __future__ import annotations

import glob
import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from neurarium.cli import arguments as a
from neurarium.cli import completion
from neurarium.cli.folders import RUNS, find_run, run_names
from neurarium.cli.output import Output, escape, table
from neurarium.core.errors import ArtifactError, UserError
from neurarium.core.files import natural, read_yaml
from neurarium.core.members import table as members
from neurarium.report.words import duration, in_shell, number

app = typer.Typer(help="List, show and remove runs.", invoke_without_command=True, rich_markup_mode=None)
Folder = Annotated[Path, typer.Option("--folder", metavar="FOLDER", help="Where the runs are.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
RunNames = Annotated[
    list[str],
    typer.Argument(
        metavar="RUN...",
        help="Folders of runs, their names below runs/, or patterns in quotes.",
        autocompletion=completion.runs,
    ),
]
HEADLINES = (
    "span_f1", "accuracy", "dice", "map_50", "bleu", "mase", "character_error_rate", "frame_nll", "perplexity", "rmse", "loss",
)  # fmt: skip


@app.callback()
def runs(
    context: typer.Context, folder: Folder = Path(RUNS), as_json: a.Json = False, debug: a.Debug = False
) -> None:
    """List the runs, show one, or remove some.

    Example: neurarium runs show digits-1
    """
    if context.invoked_subcommand is None:
        listing(folder, Output(as_json))


@app.command("list")
def list_(folder: Folder = Path(RUNS), as_json: a.Json = False, debug: a.Debug = False) -> None:
    """List the runs of a folder."""
    listing(folder, Output(as_json))


@app.command()
def show(run: a.RunName, as_json: a.Json = False, quiet: a.Quiet = False, debug: a.Debug = False) -> None:
    """Show one run: its command, its metrics, its plan."""
    output = Output(as_json, quiet)
    held = facts(find_run(run))
    plan = _read(Path(held["run"]) / "plan.json").get("decisions", [])
    if not output.quiet:
        _show(held, plan, output)
    output.finish({**held, "plan": plan})


@app.command()
def remove(
    runs: RunNames, yes: Yes = False, as_json: a.Json = False, quiet: a.Quiet = False, debug: a.Debug = False
) -> None:
    """Delete the folders of runs; asks first.

    Example: neurarium runs remove adult-1 "digits-*"
    """
    output, folders = Output(as_json, quiet), named(runs)
    shown = str(folders[0]) if len(folders) == 1 else f"{len(folders)} runs: {', '.join(map(str, folders))},"
    if not yes and not typer.confirm(
        f"Delete {shown} with all that is in {'it' if len(folders) == 1 else 'them'}?"
    ):
        raise UserError("nothing was deleted", fix="answer y, or give --yes")
    for folder in folders:
        try:
            shutil.rmtree(folder)
        except OSError as error:
            raise UserError(
                f"{folder} cannot be deleted: {error.strerror}", fix="check its permissions"
            ) from error
        output.say(f"deleted {folder}")
    output.finish({"removed": folders})


def named(names: Sequence[str]) -> list[Path]:
    """Return the folders of runs by their names, paths or patterns (`digits-*`), each once; nothing else is taken.

    Raises:
        ArtifactError: there is no such run, no run fits a pattern, or a folder is none.
    """
    found: list[Path] = []
    for name in names:
        if not re.search(r"[*?\[]", name):
            folder = find_run(name)
            if not (folder / "config.yaml").is_file():
                raise ArtifactError(
                    f"{folder} is not a run",
                    expected="a folder with config.yaml",
                    fix="remove it by other means",
                )
            found.append(folder)
            continue
        fitting = [Path(each) for root in ("", f"{RUNS}/") for each in glob.glob(root + name)]
        kept = [each for each in fitting if (each / "config.yaml").is_file()]
        if not kept:
            raise ArtifactError(
                f"no run fits '{name}'", expected="the names of runs", received=name,
                fix="`neurarium runs` lists the runs that are there",
            )  # fmt: skip
        found += sorted(kept, key=natural)
    return list(dict.fromkeys(found))


def listing(folder: Path, output: Output) -> None:
    """List what is there."""
    found = [facts(folder / name) for name in run_names(folder)]
    if not found:
        output.say(f"There are no runs in {folder}/ yet. Begin with: [bold]neurarium train digits[/]")
    else:
        shown = table(
            "run", "network", "measured", "", "time", "ended", right=(3, 4), title="Runs", whole=(0,)
        )
        for row in found:
            split = next((each for each in ("test", "validation") if each in row["metrics"]), "")
            took = duration(row["seconds"]) if row["seconds"] else ""
            ended = row["ended"] or ("damaged" if row["damaged"] else "not finished")
            name, value = _headline(row["metrics"].get(split, {}))
            measured = f"{split} {name}" if name else ""
            shown.add_row(
                f"[bold]{escape(row['run'])}[/]", row["network"] or "?", measured, value, took, escape(ended)
            )
        output.say(shown)
    output.finish({"runs": found})


def facts(folder: Path) -> dict[str, Any]:
    """Return what a run's folder says of itself; what cannot be read is left out, and `damaged` says so."""
    held: dict[str, Any] = {"run": str(folder), "damaged": None}
    config: Any = {}
    try:
        config = read_yaml(folder / "config.yaml")
        if not isinstance(config, dict) or not isinstance(config.get("command") or {}, dict):
            raise ArtifactError("config.yaml holds no mapping")
    except ArtifactError as error:
        held["damaged"], config = str(error).splitlines()[0], {}
    command = config.get("command") or {}
    results = _read(folder / "results.json")
    held["damaged"] = held["damaged"] or results.get("damaged")
    held |= {
        "data": command.get("data"),
        "network": command.get("network") or _network(config),
        "command": command,
        "metrics": results.get("metrics", {}),
        "seconds": results.get("seconds"),
        "ended": results.get("ended"),
    }
    return held


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        return held if isinstance(held, dict) else {"damaged": f"{path.name} is damaged"}
    except (OSError, ValueError, RecursionError):
        return {"damaged": f"{path.name} is damaged"}


def _headline(metrics: dict[str, Any]) -> tuple[str, str]:
    name = next((each for each in HEADLINES if metrics.get(each) is not None), "")
    return name, number(metrics[name]) if name else ""


def _network(config: dict[str, Any]) -> str | None:
    """The name of a network on the command line, by what builds it."""
    builder = str((config.get("network") or {}).get("builder", "")).rpartition(":")[2]
    return (
        {attribute: name for name, (attribute, _) in members("network").items()}.get(builder)
        or builder
        or None
    )


def _show(held: dict[str, Any], plan: list[dict[str, Any]], output: Output) -> None:
    from neurarium.cli.command import Command

    output.say(f"\n[bold]{escape(held['run'])}[/]  {escape(held['ended'] or 'not finished')}")
    if held["damaged"]:
        output.say(f"[red]damaged:[/] {escape(held['damaged'])}")
    if held["command"]:
        output.say(f"[dim]command[/] {escape(Command.from_mapping(held['command'], held['run']).line())}")
    splits = list(held["metrics"])
    if splits:
        shown = table("", *splits, right=tuple(range(1, len(splits) + 1)))
        for name in held["metrics"][splits[-1]]:
            shown.add_row(name, *(number(held["metrics"][split].get(name)) for split in splits))
        output.say(shown)
    if plan:
        rows = table("decided", "choice", "reason", "override", title="Plan")
        for row in plan:
            texts = [str(row[key]) for key in ("subject", "choice", "reason")]
            rows.add_row(*map(escape, texts), escape(in_shell(str(row["override"]))))
        output.say(rows)
