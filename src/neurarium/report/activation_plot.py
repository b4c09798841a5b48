"""The plot of activations, each with its derivative."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from neurarium.core.errors import unknown
from neurarium.core.files import write_atomically
from neurarium.core.members import table
from neurarium.layers.activations.choice import activation

INK, CURVE, SLOPE, GRID = "#111827", "#2563eb", "#ea580c", "#e5e7eb"
REACH, LOW, HIGH = 4.0, -2.0, 3.2

# What is drawn of an activation that takes several numbers, as a function of one.
NOTES = {
    "softmax": "first of the two numbers x, 0",
    "glu": "gate b = x on a = 1",
    "geglu": "gate b = x on a = 1",
    "swiglu": "gate b = x on a = 1",
    "maxout": "of the pieces x and -x/2",
}


def plot_activations(names: Sequence[str] | None, path: Path | str) -> None:
    """Draw activations and their derivatives (by autograd) in a grid.

    Args:
        names: command-line names; None for all.
        path: where to; PNG, SVG or PDF by its ending.

    Raises:
        OptionError: an unknown name.
    """
    known, path = table("activation"), Path(path)
    chosen = list(names) if names else list(known)
    for name in chosen:
        if name not in known:
            raise unknown("activation", name, known)
    columns = _columns(len(chosen))
    rows = math.ceil(len(chosen) / columns)
    figure = Figure(figsize=(2.9 * columns, 2.65 * rows + 0.75), layout="constrained", facecolor="white")
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.12)  # type: ignore[union-attr, call-arg]
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for panel, name in zip(axes.flat, chosen, strict=False):
        _draw(panel, name, known[name][1].summary)
    for panel in axes.flat[len(chosen) :]:
        panel.set_visible(False)
    lines, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(lines[::-1], labels[::-1], loc="outside upper right", ncols=2, frameon=False, fontsize=11)
    figure.suptitle("Activations", x=0.012, ha="left", fontsize=16, weight="bold", color=INK)
    kind = path.suffix.lstrip(".") or "png"
    write_atomically(path, lambda temporary: figure.savefig(temporary, format=kind, dpi=150))


def curve(name: str, points: Tensor) -> tuple[Tensor, Tensor]:
    """Return an activation and its derivative at the points, both `(points,)`.

    >>> values, slopes = curve("sigmoid", torch.zeros(1))
    >>> values.item(), slopes.item()
    (0.5, 0.25)
    """
    x = points.detach().clone().requires_grad_(True)
    inputs = {
        "softmax": torch.stack([x, torch.zeros_like(x)], dim=-1),
        "maxout": torch.stack([x, -0.5 * x], dim=-1),
    } | dict.fromkeys(("glu", "geglu", "swiglu"), torch.stack([torch.ones_like(x), x], dim=-1))
    given = inputs.get(name, x)
    values = activation(name)(given)
    values = values if values.ndim == 1 else values[:, 0]
    (slopes,) = torch.autograd.grad(values.sum(), x)
    return values.detach(), slopes


def _columns(count: int) -> int:
    """Return how many columns leave the fewest panels empty."""
    return (
        count if count <= 4 else min((4, 5, 6, 7), key=lambda columns: (-count % columns, abs(columns - 5)))
    )


def _draw(axes: Axes, name: str, formula: str) -> None:
    points = torch.linspace(-REACH, REACH, 801)
    values, slopes = curve(name, points)
    jumps = torch.cat([slopes.diff().abs() > 0.05, torch.zeros(1, dtype=torch.bool)])
    broken = torch.where(jumps, torch.nan, slopes)
    axes.axhline(0, color=INK, lw=0.6, alpha=0.55)
    axes.axvline(0, color=INK, lw=0.6, alpha=0.55)
    axes.fill_between(points, values, color=CURVE, alpha=0.07, lw=0)
    axes.plot(points, broken, color=SLOPE, lw=1.4, ls=(0, (4, 1.6)), label="derivative")
    axes.plot(points, values, color=CURVE, lw=2.2, solid_capstyle="round", label="activation")
    axes.set(xlim=(-REACH, REACH), ylim=(LOW, HIGH), xticks=[-4, -2, 0, 2, 4], yticks=[-1, 0, 1, 2, 3])
    axes.set_title(name, loc="left", fontsize=11, weight="bold", color=INK, pad=16)
    note = NOTES.get(name) or formula
    axes.text(0, 1.03, note, transform=axes.transAxes, fontsize=7.6, color="#4b5563", va="bottom")
    axes.grid(color=GRID, lw=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, labelsize=8, labelcolor="#6b7280")
    axes.spines[:].set_visible(False)
