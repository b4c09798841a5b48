"""`neurarium compare`: is one run better than another, or was it chance?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neurarium.cli import arguments as a
from neurarium.cli import completion
from neurarium.cli.folders import find_run
from neurarium.cli.output import Output, escape, table
from neurarium.core.errors import OptionError
from neurarium.report.words import duration, number

if TYPE_CHECKING:
    from neurarium.studies.comparison.several import RunComparison

Runs = Annotated[
    list[str],
    typer.Argument(metavar="RUN RUN...", help="Two runs or more.", autocompletion=completion.runs),
]
Page = Annotated[
    Path | None,
    typer.Option("--out", "-o", metavar="FILE", help="Write the comparison as one page.", show_default=False),
]
Metric = Annotated[
    str | None,
    typer.Option(
        "--metric", metavar="METRIC", help="What the tests are about; accuracy or rmse.", show_default=False
    ),
]
SplitName = Annotated[
    str,
    typer.Option(
        "--split",
        metavar="SPLIT",
        help="Of the training data.",
        autocompletion=completion.choices("validation", "test"),
    ),
]
Input = Annotated[
    Path | None,
    typer.Option(
        "--input", "-i", metavar="FILE", help="Other data with targets, for all.", show_default=False
    ),
]


def compare(
    runs: Runs,
    metric: Metric = None,
    split: SplitName = "test",
    input: Input = None,
    out: Page = None,
    as_json: a.Json = False,
    quiet: a.Quiet = False,
    debug: a.Debug = False,
) -> None:
    """Compare runs on the same examples: paired tests, intervals, what differs, where they part.

    Example: neurarium compare runs/adult-1 runs/adult-2 --out comparison.html
    """
    if len(runs) < 2:
        raise OptionError("one run alone cannot be compared", expected="two runs or more", received=runs[0])
    if out is not None and out.suffix.lower() not in (".html", ".htm"):
        raise OptionError("a comparison is written as a page", expected="FILE.html", received=f"--out {out}")
    folders = [find_run(run) for run in runs]
    twice = next((each for place, each in enumerate(folders) if each in folders[:place]), None)
    if twice is not None:
        raise OptionError(f"{twice} is named twice", fix="name each run once")
    from neurarium.studies.comparison.several import compare_several
    from neurarium.training.run import Run

    output = Output(as_json, quiet)
    loaded = [Run.load(folder) for folder in folders]
    found = compare_several(loaded, input, split="new data" if input else split, metric=metric)
    _show(found, output)
    if out is not None:
        from neurarium.report.comparison_page import write_comparison
        from neurarium.studies.comparison.several import pictures_of

        held = [each for part in found.disagreements for key in ("first", "second") for each in part[key]]
        places = sorted({each["place"] for each in held})
        write_comparison(
            found, out, pictures=pictures_of(loaded[0], places, split) if input is None else None
        )
        output.say(f"[dim]page[/] {escape(out)}")
    else:
        output.say(
            f"[dim]as a page:[/] neurarium compare {escape(' '.join(map(str, folders)))} --out comparison.html"
        )
    output.finish({**found.to_json(), "output": out})


def _show(found: RunComparison, output: Output) -> None:
    output.say(
        f"\n[bold]{escape(found.reports[0].name)}[/]  {found.split}, the same {found.examples:,} examples"
    )
    shown = table(
        "run", found.metric, "95 % interval", "network", "parameters", "time", right=(1, 4, 5), whole=(0,)
    )
    for name, facts, report in zip(found.names, found.facts, found.reports, strict=True):
        interval = report.intervals.get(found.metric)
        between = f"{number(interval.low)} to {number(interval.high)}" if interval else ""
        shown.add_row(
            f"[bold]{escape(name)}[/]",
            number(report.metrics[found.metric]),
            between,
            escape(facts["network"]),
            f"{facts['parameters']:,}",
            duration(facts["seconds"]),
        )
    output.say(shown)
    tests = table("pair", "difference", "95 % interval", "p", "verdict", right=(1, 3))
    for place, (pair, p) in enumerate(zip(found.pairs, found.corrected, strict=True)):
        difference, better = pair.difference, found.better(place)
        verdict = f"[bold]{escape(better)} is better[/]" if better else "no difference shown"
        between = f"{difference.low:+.4f} to {difference.high:+.4f}"
        tests.add_row(
            escape(" − ".join(pair.names)), f"{difference.estimate:+.4f}", between, f"{p:.2g}", verdict
        )
    output.say(tests)
    if len(found.pairs) > 1:
        output.say("[dim]p-values are corrected for their number (Holm)[/]")
    parted = table("only it is right", "examples", right=(1,))
    for part in found.disagreements:
        if part["both_wrong"] is not None:
            one, two = part["names"]
            parted.add_row(escape(f"{one}, not {two}"), f"{part['first_count']:,}")
            parted.add_row(escape(f"{two}, not {one}"), f"{part['second_count']:,}")
    if parted.row_count and len(found.names) < 4:
        output.say(parted)
    if found.differences:
        changed = table("differs", *map(escape, found.names), title="")
        for name, values in list(found.differences.items())[:20]:
            changed.add_row(escape(name), *(escape("–" if value is None else value) for value in values))
        output.say(changed)
        if len(found.differences) > 20:
            output.say(f"[dim]and {len(found.differences) - 20} more, on the page[/]")
