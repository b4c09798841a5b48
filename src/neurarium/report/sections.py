"""The sections of a report, each a function from a run to HTML. All text from outside is escaped."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from neurarium.data.specs import Classes, Quantity
from neurarium.report import charts
from neurarium.report.confusion import confusion
from neurarium.report.words import duration, in_shell, integer, number, said_of, titled

if TYPE_CHECKING:
    from neurarium.studies.evaluation import EvaluationReport
    from neurarium.training.run import Run

Reports = Mapping[str, "EvaluationReport"]
WATCHED = ("accuracy", "f1_macro", "r2", "rmse")


def title(run: Run) -> str:
    """Return the page's title: the data, and the network."""
    return f"{said_of(run)['data']} · {said_of(run)['network']}"


def head(run: Run, reports: Reports) -> str:
    """What came out, first: the headline metric with its interval, and a few facts."""
    facts = said_of(run)
    top = f"<header><p class=eyebrow>Neurarium run {escape(facts['folder'])}</p><h1>{escape(title(run))}</h1></header>"
    report = reports.get("test") or reports.get("validation")
    tiles = [
        ("examples to learn from", facts["examples"]),
        ("parameters", facts["parameters"]),
        ("epochs", facts["epochs"]),
        ("training took", duration(run.seconds)),
        ("stopped because", run.reason or "not finished"),
        ("weights kept", facts["kept"]),
    ]
    cells = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(str(value))}</dd></div>" for name, value in tiles
    )
    return (
        f"{top}<section class='card hero'><div>{_figure(report)}</div><dl class=tiles>{cells}</dl></section>"
    )


def _figure(report: EvaluationReport | None) -> str:
    if report is None:
        return "<p class=name>not measured</p><p class=said>The data has neither a validation nor a test split.</p>"
    name = report.headline
    value, bounds = report.metrics.get(name, float("nan")), report.intervals.get(name)
    whole = isinstance(report.targets, Classes)
    shown = f"{100 * value:.1f}<small>%</small>" if whole else number(value)
    unit = getattr(report.targets, "unit", "")
    text = f"<p class=name>{escape(titled(name))} on {escape(report.split)}</p><div class=figure>{shown} {escape(unit)}</div>"
    if bounds is not None:
        text += charts.interval(bounds.low, value, bounds.high, whole)
        low, high = (f"{100 * each:.1f} %" if whole else number(each) for each in (bounds.low, bounds.high))
        text += f"<p class=said>95 % interval {low} to {high}, from {integer(report.examples)} {escape(report.split)} examples.</p>"
    return text


def training(run: Run) -> str:
    """The curves over training."""
    rows = run.history
    if len(rows) < 2:
        return ""
    by = "epoch" if len({row["epoch"] for row in rows}) == len(rows) else "step"
    best = run.best.get(by) if run.best else None
    watched = next((name for name in WATCHED if name in rows[-1].get("validation", {})), None)
    pictures = [
        (
            "Loss",
            {
                "train": _series(rows, by, "train", "loss"),
                "validation": _series(rows, by, "validation", "loss"),
            },
        )
    ]
    if watched:
        pictures.append((titled(watched), {"validation": _series(rows, by, "validation", watched)}))
    rates = [(float(row[by]), float(row["rate"])) for row in rows if row.get("rate") is not None]
    if len({rate for _, rate in rates}) > 1:
        pictures.append(("Learning rate", {"rate": rates}))
    cards = []
    for name, series in pictures:
        known = {key: points for key, points in series.items() if points}
        drawn = charts.curves(known, x_label=by, y_label=name, best=best, log=name == "Loss")
        cards.append(f"<div class=card><h3>{escape(name)}</h3>{drawn}</div>")
    three = " three" if len(cards) == 3 else ""
    return f"<h2>How it learned</h2><div class='grid{three}'>{''.join(cards)}</div>"


def _series(rows: list[dict[str, Any]], by: str, part: str, name: str) -> list[tuple[float, float]]:
    found = [(float(row[by]), row.get(part, {}).get(name)) for row in rows]
    return [(x, float(value)) for x, value in found if value is not None]


def outcome(reports: Reports) -> str:
    """What it gets right and wrong: the confusion matrix, the classes, the ROC curve, or predictions against truth."""
    report = reports.get("test") or reports.get("validation")
    if report is None:
        return ""
    cards = []
    if isinstance(report.targets, Classes):
        if report.confusion is not None:
            cards.append(
                f"<div class=card><h3>Confusion matrix</h3>{confusion(report.confusion, report.targets.names)}</div>"
            )
        if "roc" in report.pairs:
            drawn = charts.roc(report.pairs["roc"], report.metrics.get("auc", float("nan")))
            cards.append(f"<div class=card><h3>ROC curve</h3>{drawn}</div>")
        cards.append(f"<div class=card><h3>Classes</h3>{_classes(report)}</div>")
    elif isinstance(report.targets, Quantity):
        for name, pairs in report.pairs.items():
            note = (
                f"<p class='muted eyebrow'>{integer(len(pairs))} of {integer(report.examples)} examples</p>"
            )
            cards.append(
                f"<div class=card><h3>Predicted against true: {escape(name)}</h3>{note}{charts.against_truth(pairs, name)}</div>"
            )
            drawn = charts.residuals(pairs, name)
            cards.append(f"<div class=card><h3>Errors: {escape(name)}</h3>{note}{drawn}</div>")
    return f"<h2>What it gets right and wrong ({escape(report.split)})</h2><div class=grid>{''.join(cards)}</div>"


def _classes(report: EvaluationReport, most: int = 40) -> str:
    rows = []
    for name, row in list(report.per_class.items())[:most]:
        values = "".join(f"<td class=number>{number(row[key])}</td>" for key in ("precision", "recall", "f1"))
        rows.append(f"<tr><th>{escape(name)}</th>{values}<td class=number>{row['examples']:,.0f}</td></tr>")
    heads = "".join(f"<th class=number>{name}</th>" for name in ("precision", "recall", "F1", "examples"))
    more = len(report.per_class) - most
    rest = f"<p class=muted>and {more} more</p>" if more > 0 else ""
    return f"<div class=scroll><table><thead><tr><th>class</th>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>{rest}"


def metrics(reports: Reports) -> str:
    """All metrics of all splits, with intervals."""
    if not reports:
        return ""
    heads = "".join(
        f"<th class=number>{escape(split)}<br>{integer(report.examples)} examples</th>"
        for split, report in reports.items()
    )
    last = list(reports.values())[-1]
    rows = []
    for name in last.metrics:
        cells = "".join(_cell(report, name) for report in reports.values())
        rows.append(
            f"<tr{' class=head' if name == last.headline else ''}><th>{escape(titled(name))}</th>{cells}</tr>"
        )
    body = f"<table><thead><tr><th></th>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    note = (
        "In small print: 95 % intervals by bootstrap over the examples of the split. They hold the chance in the choice of "
        "examples, not in training."
    )
    return f"<h2>Metrics</h2><div class=card><div class=scroll>{body}</div><p class='muted eyebrow foot'>{note}</p></div>"


def _cell(report: EvaluationReport, name: str) -> str:
    bounds = report.intervals.get(name)
    shown = f"<small>{number(bounds.low)} to {number(bounds.high)}</small>" if bounds else ""
    return f"<td class=number>{number(report.metrics.get(name))}{shown}</td>"


def plan(run: Run) -> str:
    """Every automatic decision, its reason, and the option that overrides it."""
    rows = []
    for each in run.decisions:
        override = f"<code>{escape(in_shell(str(each.override)))}</code>" if each.override else ""
        cells = f"<td>{escape(str(each.subject))}</td><td>{escape(_choice(each.choice))}</td><td class=muted>{escape(str(each.reason))}</td>"
        rows.append(f"<tr>{cells}<td>{override}</td></tr>")
    if not rows:
        return ""
    heads = "<tr><th>decided</th><th>choice</th><th>why</th><th>to override</th></tr>"
    table = f"<table class=plan><thead>{heads}</thead><tbody>{''.join(rows)}</tbody></table>"
    return f"<h2>The plan: what was decided for you</h2><div class=card>{table}</div>"


def _choice(choice: Any) -> str:
    return ", ".join(map(str, choice)) if isinstance(choice, list | tuple) else str(choice)


def data(run: Run) -> str:
    """What it learned from."""
    summary = dict(run.summary)
    cards = []
    classes = summary.pop("classes", None)
    missing = summary.pop("missing", None)
    splits = summary.pop("splits", None) or (
        {} if run.data is None else {k: len(v) for k, v in run.data.splits.items()}
    )
    if splits:
        cards.append(f"<div class=card><h3>Splits</h3>{charts.shares(splits)}</div>")
    if classes:
        cards.append(f"<div class=card><h3>Classes</h3>{charts.shares(classes)}</div>")
    if missing:
        cards.append(f"<div class=card><h3>Missing values</h3>{charts.shares(missing)}</div>")
    rows = "".join(
        f"<tr><th>{escape(str(k).replace('_', ' '))}</th><td>{escape(_plain(v))}</td></tr>"
        for k, v in summary.items()
        if v
    )
    if rows:
        cards.append(f"<div class=card><h3>Facts</h3><table class=facts><tbody>{rows}</tbody></table></div>")
    return f"<h2>The data</h2><div class=grid>{''.join(cards)}</div>" if cards else ""


def _plain(value: Any, most: int = 12) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {_plain(each)}" for key, each in list(value.items())[:most])
    if isinstance(value, list | tuple):
        shown = ", ".join(_plain(each) for each in value[:most])
        return shown + (f", ... ({len(value)} in all)" if len(value) > most else "")
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def rerun(run: Run, command: str | None) -> str:
    """How to do it again, and what it was done with."""
    import torch

    import neurarium

    lines = [command] if command else []
    if run.folder is not None:
        lines += [
            f"neurarium train --config {run.folder / 'config.yaml'}",
            f"neurarium predict {run.folder} --input FILE",
        ]
    shown = "".join(f"<pre>{escape(line)}</pre>" for line in dict.fromkeys(lines))
    rows = {
        "neurarium": neurarium.__version__,
        "torch": str(torch.__version__),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "device": str(next((each.device for each in run.network.parameters()), "cpu")),
        "threads": str(torch.get_num_threads()),
    }
    cells = "".join(f"<tr><th>{name}</th><td>{escape(value)}</td></tr>" for name, value in rows.items())
    environment = (
        f"<div class=card><h3>Environment</h3><table class=facts><tbody>{cells}</tbody></table></div>"
    )
    again = (
        f"<div class=card><h3>Again</h3>{shown or '<p class=muted>This run was made from Python.</p>'}</div>"
    )
    return f"<h2>Do it again</h2><div class=grid>{again}{environment}</div><footer>Written by Neurarium {neurarium.__version__}.</footer>"
