"""`neurarium check`: what a careful person looks at in data before anything is trained on it."""

from __future__ import annotations

import time as clock
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neurarium.cli import arguments as a
from neurarium.cli.command import pairs
from neurarium.cli.output import Output, escape, table
from neurarium.core.errors import OptionError
from neurarium.report.check_words import (
    cost_line,
    drift_line,
    headline,
    image_rows,
    listed,
    other_rows,
    values_of,
)
from neurarium.report.words import duration

if TYPE_CHECKING:
    from neurarium.studies.inspection.result import Inspection

COLORS = {"error": "bold red", "warning": "yellow", "note": "dim"}
MOST_COLUMNS, MOST_NOTES, MOST_CLASSES = 40, 20, 24
TAKEN = 50  # places on a line that the other cells of the table of columns take
Page = Annotated[
    Path | None,
    typer.Option(
        "--out", "--output", "-o", metavar="PAGE.html", help="Write all of it as one page.", show_default=False,
        rich_help_panel=a.OUT,
    ),
]  # fmt: skip
Rows = Annotated[
    int,
    typer.Option(
        "--rows", metavar="N", help="Look at so many rows or images where all would take too long.",
        rich_help_panel="Checks",
    ),
]  # fmt: skip
Timing = Annotated[
    bool,
    typer.Option(
        "--timing/--no-timing", help="Take a few training steps, to estimate time and memory.",
        rich_help_panel="Checks",
    ),
]  # fmt: skip
Strict = Annotated[
    bool,
    typer.Option(
        "--strict", help="Exit with 1 where an error or a warning was found.", rich_help_panel="Checks"
    ),
]


def check(
    data: a.Data = None,
    target: a.Target = None,
    image: a.ImageColumn = None,
    text: a.TextColumns = None,
    sound: a.SoundColumn = None,
    folder: a.ImageFolder = None,
    masks: a.Masks = None,
    boxes: a.Boxes = None,
    horizon: a.HorizonSteps = None,
    series: a.SeriesColumn = None,
    past: a.Past = None,
    future: a.Future = None,
    parallel: a.Parallel = None,
    columns: a.Columns = None,
    task: a.Task = None,
    test: a.Test = None,
    validation: a.Validation = None,
    split: a.Split = None,
    group: a.Group = None,
    time: a.Time = None,
    split_seed: a.SplitSeed = None,
    set: a.Set = None,
    rows: Rows = 20_000,
    timing: Timing = True,
    strict: Strict = False,
    out: Page = None,
    as_json: a.Json = False,
    quiet: a.Quiet = False,
    debug: a.Debug = False,
) -> None:
    """Check data before training: types, gaps, leaks, duplicates, imbalance, drift, broken files, time and memory.

    Example: neurarium check adult.csv --target income --out check.html
    """
    said = dict(locals())
    output = Output(as_json, quiet)
    if data is None:
        raise OptionError(
            "there is nothing to check", expected="DATA", fix="for example: neurarium check adult"
        )
    if rows < 100:
        raise OptionError("too few rows to say anything", expected="100 or more", received=f"--rows {rows}")
    from neurarium.studies.inspection.study import check_data
    from neurarium.studies.planning.reading import ASKED

    asked = {name: said[name] for name in ASKED if name != "target" and name in said}
    begun = clock.monotonic()
    found = check_data(data, target, **asked, options=pairs(set), rows=rows, timing=timing)
    if not output.quiet:
        _show(found, output, target)
    if out is not None:
        from neurarium.report.check_page import write_check

        write_check(found, out)
    took = clock.monotonic() - begun
    place = f"  [dim]page[/] {escape(out)}" if out is not None else ""
    output.say(f"[dim]checked in {duration(took)}[/]{place}")
    output.finish({**found.to_json(), "page": out, "seconds": round(took, 3)})
    if strict and found.grave:
        raise typer.Exit(1)


def _show(found: Inspection, output: Output, target: str | None) -> None:
    output.say(f"\n[bold]{escape(found.name)}[/]  {escape(headline(found))}\n")
    if found.kind == "table":
        output.say(_columns(found, output.console.width))
        if found.facts.get("leakage"):
            output.say("[dim]alone: how well it predicts the target by itself, from 0 (chance) to 1[/]\n")
        if not found.facts.get("target") and target is None:
            output.say("[dim]--target COLUMN checks leaks, balance and the splits too[/]\n")
    if found.kind == "images":
        output.say(_images(found))
    if found.facts.get("target", {}).get("classes"):
        output.say(_classes(found))
    lines = (
        [("drift", drift_line(found.facts["drift"]))] if found.facts.get("drift", {}).get("looked_at") else []
    )
    lines += other_rows(found.facts)
    if "cost" in found.facts and "refused" not in found.facts["cost"]:
        lines.append(("training", cost_line(found.facts["cost"])))
    if lines:
        output.say(_lines(lines))
    _findings(found, output)


def _lines(rows: list[tuple[str, str]]) -> Any:
    made = table("", "", whole=(0,))
    made.show_header = False
    for name, value in rows:
        made.add_row(f"[dim]{name}[/]", escape(value))
    return made


def _columns(found: Inspection, width: int) -> Any:
    scores = {each["column"]: each["score"] for each in found.facts.get("leakage", [])}
    head = ["column", "kind", "missing", "different", *(["alone"] if scores else []), "values"]
    made = table(*head, right=(2, 3, *([4] if scores else [])), whole=(1, 2, 3, *([4] if scores else [])))
    listed = found.facts["columns"][:MOST_COLUMNS]
    name = min(max((len(each["name"]) for each in listed), default=6), max(6, width // 4))
    made.columns[0].width = name
    room = max(8, width - name - (TAKEN if scores else TAKEN - 8))
    for each in listed:
        missing = f"{each['missing'] / max(1, each['rows']):.1%}" if each["missing"] else ""
        score = [f"{scores[each['name']]:.2f}" if each["name"] in scores else ""] if scores else []
        values = values_of(each)
        values = values if len(values) <= room else values[: room - 1] + "…"
        made.add_row(
            escape(each["name"]), each["kind"], missing, f"{each['different']:,}", *score, escape(values)
        )
    left = len(found.facts["columns"]) - MOST_COLUMNS
    if left > 0:
        made.add_row(f"and {left} more", *[""] * (len(head) - 1))
    return made


def _classes(found: Inspection) -> Any:
    counts = found.facts["target"]["classes"]
    splits = list(counts)
    made = table("class", *splits, right=tuple(range(1, len(splits) + 1)))
    names = list(dict.fromkeys(name for each in counts.values() for name in each))
    for name in names[:MOST_CLASSES]:
        cells = []
        for split in splits:
            total = sum(counts[split].values()) or 1
            cells.append(f"{counts[split].get(name, 0):,} ({counts[split].get(name, 0) / total:.1%})")
        made.add_row(escape(name), *cells)
    if len(names) > MOST_CLASSES:
        made.add_row(f"and {len(names) - MOST_CLASSES} more", *[""] * len(splits))
    return made


def _images(found: Inspection) -> Any:
    made = table("images", "")
    for name, value in image_rows(found.facts["images"]):
        made.add_row(name, escape(value))
    return made


def _findings(found: Inspection, output: Output) -> None:
    counts = ", ".join(f"{count} {name}{'s' if count != 1 else ''}" for name, count in found.counts.items())
    if not found.findings:
        output.say("[bold]nothing was found that is wrong[/]\n")
        return
    output.say(f"[bold]{counts}[/]")
    made = table("", "", whole=(0,))
    made.show_header = False
    shown = 0
    for each in found.findings:
        if each.severity == "note" and shown >= MOST_NOTES:
            continue
        shown += each.severity == "note"
        color = COLORS[each.severity]
        body = f"[bold]{escape(each.subject)}[/]  {escape(each.kind)}\n{escape(each.seen)}"
        if each.severity != "note":
            body += f"\n[dim]{escape(each.matters)}[/]"
            where = f"\n[dim]where: {escape(_where(each.where))}[/]" if each.where else ""
            body += where + f"\n-> {escape(each.action)}" if each.action else where
        made.add_row(f"[{color}]{each.severity}[/]", body)
    output.say(made)
    left = found.counts["note"] - MOST_NOTES
    if left > 0:
        output.say(f"[dim]and {left} more notes: --json or --out PAGE.html shows all[/]")


def _where(where: tuple[Any, ...]) -> str:
    rows = all(isinstance(each, int) for each in where)
    return ("rows " if rows else "") + listed(where)
