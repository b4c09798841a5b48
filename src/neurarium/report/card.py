"""The card of a run: its facts on one page of Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import neurarium
from neurarium.report.words import duration, integer, number, said_of, unmeasured

if TYPE_CHECKING:
    from neurarium.training.run import Run


def card(run: Run, *, command: str | None = None) -> str:
    """Return the card: what it is, what it learned from, how well it does, what to mind, how to use it."""
    from neurarium.studies.evaluation.report import reports_of

    facts, reports = said_of(run), reports_of(run)
    lines = [f"# {facts['network']} on {facts['data']}", ""]
    lines += [f"- Task: {_task(run)}", f"- Network: {facts['network']}, {facts['parameters']} parameters"]
    lines += [
        f"- Learned from {facts['examples']} examples in {facts['epochs']} epochs, {duration(run.seconds)}; {run.reason}"
    ]
    lines += [
        f"- {key.capitalize()}: {run.summary[key]}"
        for key in ("licence", "citation", "sha256")
        if run.summary.get(key)
    ]
    lines += [f"- Made with neurarium {neurarium.__version__}", "", "## Measured", ""]
    if reports:
        lines += [f"| | {' | '.join(reports)} |", "|---|" + "---:|" * len(reports)]
        for name in next(iter(reports.values())).metrics:
            lines.append(f"| {name} | {' | '.join(_measured(report, name) for report in reports.values())} |")
    else:
        lines.append(f"Nothing. {unmeasured(run)}")
    lines += ["", "## Mind", "", *_cautions(run, reports), "", "## Use", ""]
    use = [command] if command else []
    if run.folder is not None:
        language = getattr(run.targets, "kind", "") == "language"
        use.append(
            f'neurarium generate {run.folder} --prompt "..."'
            if language
            else f"neurarium predict {run.folder} --input FILE"
        )
    return "\n".join([*lines, *(f"    {line}" for line in use), ""])


def _task(run: Run) -> str:
    names = getattr(run.targets, "names", ())
    if getattr(run.targets, "kind", "") == "classification":
        shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
        return (
            f"classification of {getattr(run.targets, 'column', 'class')} into {len(names)} classes ({shown})"
        )
    if getattr(run.targets, "kind", "") == "language":
        return f"language model: the next of {run.targets.vocabulary:,} tokens"  # type: ignore[union-attr]
    what = {
        "segmentation": "the class of each pixel",
        "detection": "boxes around things",
        "tagging": "the tag of each word",
        "frames": "what the next step holds",
    }
    if (kind := getattr(run.targets, "kind", "")) in what:
        return f"{kind}: {what[kind]}, of {len(names)} classes ({', '.join(names[:12])})"
    if kind == "forecast":
        return f"forecast of the next {run.targets.length} steps of {', '.join(names[:12])}"  # type: ignore[union-attr]
    return f"regression of {', '.join(names)}" if names else "without targets"


def _measured(report: Any, name: str) -> str:
    value, bounds = number(report.metrics.get(name)), report.intervals.get(name)
    return f"{value} [{number(bounds.low)}, {number(bounds.high)}]" if bounds else value


def _cautions(run: Run, reports: Any) -> list[str]:
    lines = [
        "- The validation split picked the weights, so its metrics flatter; the test split was touched once."
    ]
    if "test" not in reports:
        lines = ["- There was no test split: no metric here is of data that training did not see."]
    rare = (
        [
            name
            for name, row in next(reversed(reports.values())).per_class.items()
            if row.get("examples", 10) < 10
        ]
        if reports
        else []
    )
    if rare:
        lines.append(f"- Fewer than 10 examples measure {', '.join(rare[:8])}: their figures say little.")
    if run.intervals is not None:
        share = f"{run.intervals.level:.0%} intervals are calibrated on {integer(run.intervals.calibration)} validation examples"
        lines.append(f"- The {share}, which also picked the weights: a little less than that share holds.")
    lines.append("- Data of another origin than the training data is not covered by these figures.")
    return lines
