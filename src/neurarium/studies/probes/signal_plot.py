"""The plot of a signal report."""

from __future__ import annotations

import math
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurarium.core.files import write_atomically

if TYPE_CHECKING:
    from neurarium.studies.probes.signal import SignalReport

BLUE, ORANGE, GREY, RED = "#2563eb", "#ea580c", "#6b7280", "#dc2626"
LABEL: dict[str, Any] = {"rotation": 90, "ha": "center", "va": "top", "fontsize": 7, "color": RED}


def plot_signal(report: SignalReport, path: Path | str) -> None:
    """Draw the standard deviation of activations and of gradients by layer, on logarithmic axes."""
    path = Path(path)
    names = [layer.name or layer.kind for layer in report.layers]
    figure = Figure(
        figsize=(min(max(7.0, 0.25 * len(names) + 2), 14.0), 5.8), layout="constrained", facecolor="white"
    )
    upper, lower = figure.subplots(2, 1, sharex=True)
    weighted = [place for place, layer in enumerate(report.layers) if layer.weighted]
    forward = [_deviation(layer.variance) for layer in report.layers]
    backward = [_deviation(layer.gradient_variance) for layer in report.layers]
    _panel(upper, forward, weighted, BLUE, "activations", report.forward_growth)
    _panel(lower, backward, weighted, ORANGE, "gradients", report.backward_growth)
    for place, layer in enumerate(report.layers):
        share = max(layer.dead, layer.identical) / max(layer.units, 1)
        if share > 0.5:
            upper.axvspan(place - 0.5, place + 0.5, color=RED, alpha=0.2 * share, lw=0)
            upper.text(
                place,
                0.98,
                "identical" if layer.identical else "dead",
                transform=upper.get_xaxis_transform(),
                **LABEL,
            )
    verdict = "healthy" if report.healthy else ", ".join(finding.kind for finding in report.findings)
    title = textwrap.fill(f"Signal at the start: {verdict}", width=int(figure.get_figwidth() * 9))
    figure.suptitle(title, x=0.01, ha="left", fontsize=12, weight="bold")
    every = max(1, math.ceil(len(names) / 40))
    lower.set_xlabel("layer, in the order of the forward pass", fontsize=9)
    lower.set_xlim(-0.7, len(names) - 0.3)
    upper.legend(frameon=False, fontsize=8, loc="lower left", ncols=2)
    lower.set_xticks(range(0, len(names), every), names[::every], rotation=60, ha="right", fontsize=8)
    kind = path.suffix.lstrip(".") or "png"
    write_atomically(path, lambda temporary: figure.savefig(temporary, format=kind, dpi=150))


def _deviation(variance: float | None) -> float:
    return math.sqrt(variance) if variance and math.isfinite(variance) else math.nan


def _panel(
    axes: Axes, values: list[float], weighted: list[int], color: str, what: str, growth: float
) -> None:
    places = range(len(values))
    axes.plot(places, values, "-", color=color, lw=1.2, alpha=0.5)
    axes.plot(places, values, "o", color=color, ms=3.5, mfc="white", label="layer")
    axes.plot(
        weighted, [values[place] for place in weighted], "o", color=color, ms=5.5, label="layer of weights"
    )
    axes.axhline(1, color=GREY, lw=0.8, ls=":")
    drawn = [value for value in values if value > 0]
    axes.set_yscale("log")
    axes.set_ylim(min([*drawn, 0.1]) / 2, max([*drawn, 10.0]) * 2)
    axes.set_ylabel(f"standard deviation\nof {what}", fontsize=9)
    way = "forward" if what == "activations" else "backward"
    axes.set_title(
        f"{what}: x {growth:.3g} per layer of weights, {way}", loc="left", fontsize=10, color=color
    )
    axes.grid(axis="y", color="#e5e7eb", lw=0.6)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.minorticks_off()
