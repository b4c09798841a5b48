"""The plot of learning-rate schedules over the progress of training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurarium.core.errors import unknown
from neurarium.core.files import write_atomically
from neurarium.training.schedules import SCHEDULES, schedule

INK, CURVE, GRID = "#111827", "#2563eb", "#e5e7eb"
COLUMNS = 4
NOTES = {"plateau": "falls when validation stops improving"}


def plot_schedules(names: Sequence[str] | None, path: Path | str, *, warmup: float = 0.0) -> None:
    """Draw schedules in a grid: the factor of the base rate over the share of training.

    Args:
        names: command-line names; None for all.
        path: where to; PNG, SVG or PDF by its ending.
        warmup: share of training with a rising rate before each.

    Raises:
        OptionError: an unknown name.
    """
    path, chosen = Path(path), list(names) if names else list(SCHEDULES)
    for name in chosen:
        if name not in SCHEDULES:
            raise unknown("schedule", name, SCHEDULES)
    columns = min(COLUMNS, len(chosen))
    rows = math.ceil(len(chosen) / columns)
    figure = Figure(figsize=(2.9 * columns, 2.2 * rows + 0.75), layout="constrained", facecolor="white")
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.12)  # type: ignore[union-attr, call-arg]
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for panel, name in zip(axes.flat, chosen, strict=False):
        _draw(panel, name, warmup)
    for panel in axes.flat[len(chosen) :]:
        panel.set_visible(False)
    figure.suptitle("Learning-rate schedules", x=0.012, ha="left", fontsize=16, weight="bold", color=INK)
    kind = path.suffix.lstrip(".") or "png"
    write_atomically(path, lambda temporary: figure.savefig(temporary, format=kind, dpi=150))


def curve(name: str, points: int = 400, *, warmup: float = 0.0) -> tuple[list[float], list[float]]:
    """Return shares of training from 0 to 1 and the factors there.

    >>> curve("linear", 3)
    ([0.0, 0.5, 1.0], [1.0, 0.5, 0.0])
    """
    factor = schedule(name, warmup=warmup)
    shares = [number / (points - 1) for number in range(points)]
    return shares, [factor(share) for share in shares]


def _draw(axes: Axes, name: str, warmup: float) -> None:
    shares, factors = curve(name, warmup=warmup)
    axes.fill_between(shares, factors, color=CURVE, alpha=0.08, lw=0)
    axes.plot(shares, factors, color=CURVE, lw=2.2, solid_capstyle="round")
    axes.set(xlim=(0, 1), ylim=(0, 1.08), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
    axes.set_title(name, loc="left", fontsize=11, weight="bold", color=INK, pad=16 if name in NOTES else 6)
    axes.text(
        0, 1.03, NOTES.get(name, ""), transform=axes.transAxes, fontsize=7.6, color="#4b5563", va="bottom"
    )
    axes.grid(color=GRID, lw=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, labelsize=8, labelcolor="#6b7280")
    axes.spines[:].set_visible(False)
