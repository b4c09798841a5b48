"""Words: numbers, times and the few facts of a run, as a person reads them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurarium.training.run import Run

TITLES = {
    "auc": "AUC",
    "f1": "F1",
    "mcc": "MCC",
    "ece": "ECE",
    "mse": "MSE",
    "rmse": "RMSE",
    "mae": "MAE",
    "mase": "MASE",
    "smape": "sMAPE",
    "crps": "CRPS",
    "nll": "NLL",
    "iou": "IoU",
    "map": "mAP",
    "map_50": "mAP at 0.5",
    "map_75": "mAP at 0.75",
    "map_small": "mAP of small things",
    "map_medium": "mAP of medium things",
    "map_large": "mAP of large things",
    "mar_100": "Mean recall at 100",
    "r2": "R²",
    "bleu": "BLEU",
    "rouge_1": "ROUGE-1",
    "rouge_2": "ROUGE-2",
    "rouge_l": "ROUGE-L",
}


def titled(name: str) -> str:
    """Write a metric's name for a heading.

    >>> titled("f1_macro"), titled("log_loss"), titled("frame_nll"), titled("rouge_l")
    ('F1 macro', 'Log loss', 'Frame NLL', 'ROUGE-L')
    """
    if name in TITLES:
        return TITLES[name]
    words = name.replace("_", " ").split(" ")
    said = [TITLES.get(each, each) for each in words]
    head = said[0] if words[0] in TITLES else said[0][:1].upper() + said[0][1:]
    return " ".join([head, *said[1:]])


FLAGS = ("task", "split", "split_seed", "group", "time", "target", "columns", "test", "validation")


def in_shell(text: str) -> str:
    """Write options of Python as those of the shell, in a text that names some.

    >>> in_shell("split=, seed="), in_shell("encoding='latin-1' reads this file"), in_shell("--set widths=8")
    ('--split, --split-seed', '--set encoding=latin-1 reads this file', '--set widths=8')
    """

    text = re.sub(r"types=\{'([^']*)': '?(\w+)'?\}", r"--set types=\1:\2", text)
    text = re.sub(r"drop=\('([^']*)',\)", r"--set drop=\1", text)

    def shelled(found: re.Match[str]) -> str:
        name, value = found[1], found[2].strip("'\"")
        name = {"seed": "split_seed", "test_fraction": "test"}.get(name, name)
        flag = name in FLAGS
        return f"--{name.replace('_', '-')} {value}".rstrip() if flag else f"--set {name}={value}"

    return re.sub(
        r"(?<!--set )(?<![-\w.=(])(?:set )?([a-z_]+)=('[^']*'|\"[^\"]*\"|[\d.]+|(?=[,;]|$))(?![\w(])",
        shelled,
        text,
    )


def number(value: float | None) -> str:
    """Write a number with the digits that count.

    >>> number(0.98765), number(48219.3), number(12.3456), number(None)
    ('0.9877', '48,219', '12.35', '–')
    """
    if value is None or not math.isfinite(value):
        return "–"
    if abs(value) >= 10_000:
        return f"{value:,.0f}"
    return f"{value:,.4f}" if abs(value) < 10 else f"{value:,.2f}"


def plain(value: float | None) -> str:
    """Write a value of a column: whole numbers without a point.

    >>> plain(17.0), plain(2.5), plain(1484705.0)
    ('17', '2.5', '1,484,705')
    """
    if value is None or not math.isfinite(value):
        return "–"
    if value == round(value):
        return f"{value:,.0f}"
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:,.5g}"


def integer(value: float) -> str:
    """Write a count: 16281 as 16,281."""
    return f"{value:,.0f}"


def duration(seconds: float) -> str:
    """Write a time.

    >>> duration(4.23), duration(75), duration(4000)
    ('4.2 s', '1 min 15 s', '1 h 6 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} min {int(seconds % 60)} s"
    return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60)} min"


def lengths(seconds: Mapping[str, float]) -> str:
    """Write how long recordings are: the shortest, the longest, all of them.

    >>> lengths({"shortest": 0.143, "longest": 2.2829, "total": 1312.4})
    '0.14 to 2.28 s, 21 min 52 s in all'
    """
    low, high = seconds["shortest"], seconds["longest"]
    span = f"{low:.2f} to {high:.2f} s" if high < 60 else f"{duration(low)} to {duration(high)}"
    return span + (f", {duration(seconds['total'])} in all" if "total" in seconds else "")


def unmeasured(run: Run) -> str:
    """Say why a run has no figures: it was interrupted before, or there is nothing to measure on."""
    splits = run.summary.get("splits") or {}
    if not any(splits.get(name) for name in ("validation", "test")):
        return "The data has neither a validation nor a test split."
    where = run.folder if run.folder is not None else "RUN"
    return f"The training ended before anything was measured: neurarium evaluate {where}"


def said_of(run: Run) -> dict[str, str]:
    """Return the few facts that stand at the top of every account of a run."""
    plan = {each.subject: str(each.choice) for each in run.decisions}
    splits = run.summary.get("splits") or {}
    count = splits.get("train") or (len(run.data.train) if run.data is not None else None)
    names = {report.name for report in run.reports.values()}
    data = (
        run.data.name
        if run.data is not None
        else next(iter(names), "") or str(run.config.get("data", "data"))
    )
    best, last = run.best or {}, run.history[-1] if run.history else {}
    kept = plan.get("weights held", "last")
    return {
        "data": data,
        "network": plan.get("network") or type(run.network).__name__,
        "parameters": plan.get("parameters")
        or integer(sum(each.numel() for each in run.network.parameters())),
        "examples": integer(count) if count else "–",
        "epochs": _passes(last) if last else "–",
        "kept": f"best, {_moment(best)}" if kept == "best" and best.get("epoch") is not None else kept,
        "folder": run.folder.name if run.folder is not None else "in memory",
    }


def _passes(row: Mapping[str, Any]) -> str:
    """How often the data was seen: epochs, or steps of a training that saw less than all of it."""
    return str(row["epoch"]) if row["epoch"] or "step" not in row else f"less than one: {row['step']:,} steps"


def _moment(row: Mapping[str, Any]) -> str:
    return f"epoch {row['epoch']}" if row["epoch"] or "step" not in row else f"step {row['step']:,}"
