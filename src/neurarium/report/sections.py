"""The sections of a report on the data, the training, the plan and how to do it again. All text from outside is escaped."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from neurarium.core.wording import counted
from neurarium.data.specs import NextToken
from neurarium.report import charts
from neurarium.report.parts import Html, card, grid, section, table
from neurarium.report.words import in_shell, integer, lengths, plain, titled

if TYPE_CHECKING:
    from neurarium.training.run import Run

WATCHED = (
    "bits_per_character",
    "token_accuracy",
    "character_error_rate",
    "span_f1",
    "dice",
    "map_50",
    "accuracy",
    "f1_macro",
    "r2",
    "rmse",
)
QUARANTINED = 50


def training(run: Run) -> str:
    """The curves over training."""
    rows = run.history
    if len(rows) < 2:
        return ""
    by = "epoch" if len({row["epoch"] for row in rows}) == len(rows) else "step"
    best = run.best.get(by) if run.best else None
    watched = next((name for name in WATCHED if name in rows[-1].get("validation", {})), None)
    losses = {split: _series(rows, by, split, "loss") for split in ("train", "validation")}
    pictures = [("Loss", losses)]
    if watched:
        pictures.append((titled(watched), {"validation": _series(rows, by, "validation", watched)}))
    rates = [(float(row[by]), float(row["rate"])) for row in rows if row.get("rate") is not None]
    if len({rate for _, rate in rates}) > 1:
        pictures.append(("Learning rate", {"rate": rates}))
    cards = []
    for name, series in pictures:
        known = {key: points for key, points in series.items() if points}
        drawn = charts.curves(known, x_label=by, y_label=name, best=best, log=name == "Loss")
        if drawn:
            cards.append(card(name, drawn))
    held = f"<div class='grid three'>{''.join(cards)}</div>" if len(cards) == 3 else grid(*cards)
    return section("training", "How it learned", held)


def _series(rows: list[dict[str, Any]], by: str, part: str, name: str) -> list[tuple[float, float]]:
    found = [(float(row[by]), row.get(part, {}).get(name)) for row in rows]
    return [(x, float(value)) for x, value in found if value is not None]


def data(run: Run, found: Mapping[str, Any]) -> str:
    """What it learned from: splits, classes, columns with their ranges, gaps, files that could not be read."""
    summary = dict(run.summary)
    cards = []
    classes, missing = summary.pop("classes", None), summary.pop("missing", None)
    quarantined = summary.pop("quarantined", None)
    splits = summary.pop("splits", None) or (
        {} if run.data is None else {k: len(v) for k, v in run.data.splits.items()}
    )
    splits = {name: splits[name] for name in ("train", "validation", "test") if name in splits} | dict(splits)
    columns = found.get("columns")
    if columns:
        summary.pop("kinds", None)
    facts = [_fact(str(k), v) for k, v in summary.items() if v]
    shown = charts.shares(splits) if splits else ""
    if isinstance(classes, Mapping) and classes:
        shown += "<h3 class=second>Classes</h3>" + charts.shares(classes, 20 if len(classes) <= 20 else 8)
    if shown:
        cards.append(
            card("Splits" if splits else "Classes", shown.removeprefix("<h3 class=second>Classes</h3>"))
        )
    if facts:
        cards.append(card("Facts", table(["fact", "value"], facts, "facts of the data", class_="facts")))
    if columns:
        cards.append(
            card(
                "Columns",
                _columns(columns),
                "Of the training split, as the network's preparation reads it.",
                wide=True,
            )
        )
    elif isinstance(missing, Mapping) and missing:
        cards.append(card("Missing values", charts.shares(missing)))
    if quarantined:
        cards.append(_quarantined(quarantined))
    return section("data", "The data", grid(*cards))


def _fact(name: str, value: Any) -> list[str]:
    """One fact of the data as a person reads it."""
    if name == "seconds" and isinstance(value, Mapping) and {"shortest", "longest"} <= set(value):
        return ["lengths", lengths(value)]
    if name == "rates" and isinstance(value, Mapping):
        known = [f"{int(rate):,} ({counted(count, 'recording')})" for rate, count in value.items()]
        return ["samples per second", ", ".join(known[:4]) + (", ..." if len(known) > 4 else "")]
    return [name.replace("_", " "), _plain(value)]


def _columns(columns: list[Mapping[str, Any]], most: int = 60) -> str:
    rows = []
    for each in columns[:most]:
        gaps = f"{each['missing']:.1%}" if each.get("missing") else "–"
        if each.get("top"):
            held = ", ".join(f"{name} {share:.0%}" for name, share in each["top"][:3])
            more = each["different"] - 3
            told: Any = held + (f", {more} more" if more > 0 else "")
            drawn: Any = ""
        elif each.get("quartiles"):
            low, middle, high = each.get("said") or [plain(each["quartiles"][place]) for place in (0, 2, 4)]
            told = f"{low} to {high}, median {middle}"
            drawn = Html(charts.spark(each["histogram"]))
        else:
            told, drawn = "–", ""
        rows.append([each["name"], each["kind"], gaps, told, drawn])
    more = f"<p class=note>and {len(columns) - most} more columns</p>" if len(columns) > most else ""
    return (
        table(
            ["column", "kind", "missing", "values", "distribution"],
            rows,
            "columns of the data",
            right=(2,),
            class_="columns",
        )
        + more
    )


def _quarantined(held: Any) -> str:
    listed = list(held) if isinstance(held, list | tuple) else [held]
    rows = []
    for each in listed[:QUARANTINED]:
        if isinstance(each, Mapping):
            rows.append([str(each.get("file", each.get("path", "?"))), str(each.get("reason", ""))])
        else:
            rows.append([str(each), ""])
    note = f"{integer(len(listed))} could not be read, and were left out."
    if len(listed) > QUARANTINED:
        note += f" The first {QUARANTINED} of them:"
    return card(
        "Files left out",
        table(["file", "why"], rows, "files that could not be read", class_="plan"),
        note,
        wide=True,
    )


def _plain(value: Any, most: int = 12) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {_plain(each)}" for key, each in list(value.items())[:most])
    if isinstance(value, list | tuple):
        shown = ", ".join(_plain(each) for each in value[:most])
        return shown + (f", ... ({len(value)} in all)" if len(value) > most else "")
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def plan(run: Run) -> str:
    """Every automatic decision, its reason, and the option that overrides it."""
    rows: list[list[Any]] = []
    for each in run.decisions:
        override = Html(f"<code>{escape(in_shell(str(each.override)))}</code>") if each.override else ""
        rows.append([str(each.subject), _choice(each.choice), str(each.reason), override])
    if not rows:
        return ""
    made = table(["decided", "choice", "why", "to override"], rows, "decisions", class_="plan")
    return section(
        "plan",
        "What was decided for you",
        f"<div class=card>{made}</div>",
        "Every choice has an option that overrides it.",
    )


def _choice(choice: Any) -> str:
    return ", ".join(map(str, choice)) if isinstance(choice, list | tuple) else str(choice)


def rerun(run: Run, command: str | None) -> str:
    """How to do it again, and what it was done with."""
    import torch

    import neurarium

    lines = [command] if command else []
    if run.folder is not None:
        lines += [
            f"neurarium train --config {run.folder / 'config.yaml'}",
            f'neurarium generate {run.folder} --prompt "..."'
            if isinstance(run.targets, NextToken)
            else f"neurarium predict {run.folder} --input FILE",
            f"neurarium report {run.folder} --extent full",
        ]
    shown = "".join(f"<pre tabindex=0>{escape(line)}</pre>" for line in dict.fromkeys(lines))
    held = run._held.get("environment") or {}  # of the training, where the page is written again elsewhere
    rows = [
        ["neurarium", str(run._held.get("neurarium") or neurarium.__version__)],
        ["torch", str(held.get("torch") or torch.__version__)],
        ["python", str(held.get("python") or platform.python_version())],
        ["system", f"{platform.system()} {platform.machine()}"],
        ["device", str(next((each.device for each in run.network.parameters()), "cpu"))],
        ["threads", str(torch.get_num_threads())],
    ]
    environment = card("Environment", table(["part", "version"], rows, "environment", class_="facts"))
    again = card("Again", shown or "<p class=muted>This run was made from Python.</p>")
    return section("again", "Do it again", grid(again, environment))
