"""The plot of capsules: what each number of a capsule draws, or which part of an image each capsule explains."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor

from neurarium.core.errors import OptionError, RefusalError
from neurarium.core.files import write_atomically
from neurarium.data.specs import Classes, Spec

REACH, STEP = 0.25, 0.05
INK, SOFT = "#111827", "#6b7280"
SHOWN = 8  # images of several labels in a picture
COLORS = torch.tensor([[0.98, 0.25, 0.30], [0.10, 0.75, 0.95], [0.95, 0.80, 0.10], [0.45, 0.85, 0.35]])


def plot_capsules(
    network: Any, images: Tensor, targets: Spec | None, path: Path | str, *, dims: Sequence[int] | None = None
) -> None:
    """Draw a grid: a row per number of the longest capsule, varied in steps of 0.05 from -0.25 to 0.25 and drawn again.

    With several labels a column per image instead: the image, what its capsules draw together in colors, and each by itself.

    Args:
        network: one of capsules.
        images: prepared images `(count, channels, height, width)`; of one label the first alone is used.
        targets: their spec.
        path: where to; PNG, SVG or PDF by its ending.
        dims: which numbers of the capsule; None for all.

    Raises:
        RefusalError: a network without capsules, or that predicts no classes.
        OptionError: a number that the capsule does not have.
    """
    if not hasattr(network, "unit_reconstruction"):
        raise RefusalError(
            f"{type(network).__name__} has no capsules",
            expected="a run of capsnet or efficient-capsnet",
            fix="neurarium train mnist --network efficient-capsnet",
        )
    if not isinstance(targets, Classes):
        raise RefusalError(
            "capsules are plotted by class", expected="Classes", received=type(targets).__name__
        )
    with torch.no_grad():
        figure = (
            _parts(network, images, targets)
            if targets.several
            else _poses(network, images[:1], targets, dims)
        )
    path = Path(path)
    kind = path.suffix.lstrip(".") or "png"
    write_atomically(path, lambda temporary: figure.savefig(temporary, format=kind, dpi=110))


def varied(network: Any, image: Tensor, dims: Sequence[int] | None = None) -> tuple[Tensor, int, Tensor]:
    """Return what is drawn as one number of the longest capsule moves.

    Args:
        network: one of capsules.
        image: `(1, channels, height, width)`.
        dims: which numbers; None for all.

    Returns:
        Images from 0 to 1 `(dims, steps, channels, height, width)`, the class of the capsule, the steps.

    >>> from neurarium.networks import EfficientCapsNet
    >>> drawn, kind, steps = varied(EfficientCapsNet(1, 28, 28, 10).eval(), torch.zeros(1, 1, 28, 28), dims=(0, 3))
    >>> drawn.shape, len(steps)
    (torch.Size([2, 11, 1, 28, 28]), 11)
    """
    capsules = network.capsules(image)
    kind = int(torch.linalg.vector_norm(capsules, dim=-1).argmax())
    size = capsules.shape[-1]
    chosen = list(range(size) if dims is None else dims)
    if not chosen or min(chosen) < 0 or max(chosen) >= size:
        raise OptionError("the capsule has no such number", expected=f"0 to {size - 1}", received=chosen)
    count = round(2 * REACH / STEP) + 1
    steps = torch.linspace(-REACH, REACH, count, device=capsules.device, dtype=capsules.dtype)
    moved = capsules.repeat(len(chosen) * count, 1, 1).unflatten(0, (len(chosen), count))
    for row, dim in enumerate(chosen):
        moved[row, :, kind, dim] += steps
    kinds = torch.full((len(chosen) * count,), kind, device=capsules.device)
    return network.unit_reconstruction(moved.flatten(0, 1), kinds).unflatten(0, moved.shape[:2]), kind, steps


def _poses(network: Any, image: Tensor, targets: Classes, dims: Sequence[int] | None) -> Figure:
    drawn, kind, steps = varied(network, image, dims)
    rows, columns = drawn.shape[:2]
    names = [str(each) for each in (range(rows) if dims is None else dims)]
    cell = 0.62
    figure = Figure(figsize=(cell * (columns + 2.9), cell * rows + 1.0), facecolor="white")
    axes = figure.subplots(rows, columns + 1, squeeze=False)
    figure.subplots_adjust(
        left=0.075, right=0.99, bottom=0.03, top=1 - 0.72 / (cell * rows + 1.0), wspace=0.06, hspace=0.06
    )
    own = _unit(network, image)[0]
    for row in range(rows):
        for column, panel in enumerate(axes[row]):
            _blank(panel)
            if column:
                panel.imshow(_shown(drawn[row, column - 1]), cmap="gray", vmin=0, vmax=1)
            elif row == 0:
                panel.imshow(_shown(own), cmap="gray", vmin=0, vmax=1)
                panel.set_title("image", fontsize=9, color=SOFT, pad=3)
        axes[row][0].set_ylabel(
            f"{names[row]}", rotation=0, ha="right", va="center", fontsize=9, color=SOFT, labelpad=6
        )
    for column, step in enumerate(steps.tolist()):
        axes[0][column + 1].set_title(
            f"{step:+.2f}" if abs(step) > 1e-6 else "0", fontsize=9, color=SOFT, pad=3
        )
    title = f"Capsule '{targets.names[kind]}': a row for each of its numbers, changed by the step above and drawn again"
    figure.suptitle(title, x=0.012, y=0.985, ha="left", va="top", fontsize=12, weight="bold", color=INK)
    return figure


@dataclasses.dataclass(frozen=True)
class Parted:
    """What the longest capsules of images draw, one by one.

    Args:
        labels: `(count, parts)` the classes of the longest capsules, the longest first.
        lengths: `(count, parts)`.
        parts: `(count, parts, channels, height, width)` from 0 to 1.
    """

    labels: Tensor
    lengths: Tensor
    parts: Tensor


def parted(network: Any, images: Tensor, count: int = 2) -> Parted:
    """Return what the `count` longest capsules of each image draw by themselves: the image, segmented by routing.

    >>> from neurarium.networks import EfficientCapsNet
    >>> parted(EfficientCapsNet(1, 36, 36, 10).eval(), torch.zeros(3, 1, 36, 36)).parts.shape
    torch.Size([3, 2, 1, 36, 36])
    """
    capsules = network.capsules(images)
    lengths, labels = torch.linalg.vector_norm(capsules, dim=-1).topk(count, dim=-1)
    each = capsules.repeat_interleave(count, dim=0)
    parts = network.unit_reconstruction(each, labels.flatten())
    return Parted(labels, lengths, parts.unflatten(0, (len(images), count)))


def _parts(network: Any, images: Tensor, targets: Classes) -> Figure:
    images = images[:SHOWN]
    found = parted(network, images)
    rows = ("image", "drawn together", "longest", "second")
    figure = Figure(figsize=(1.25 * len(images) + 1.3, 1.38 * len(rows) + 0.75), facecolor="white")
    axes = figure.subplots(len(rows), len(images), squeeze=False)
    figure.subplots_adjust(left=0.115, right=0.99, bottom=0.02, top=0.91, wspace=0.06, hspace=0.24)
    unit = _unit(network, images)
    for column in range(len(images)):
        parts = found.parts[column].mean(dim=1)  # (2, height, width)
        together = (parts[:, None] * COLORS[:2, :, None, None].to(parts)).sum(0).clamp(max=1)
        pictures = [unit[column], together, *(part[None] for part in parts)]
        for row, (panel, picture) in enumerate(zip(axes[:, column], pictures, strict=True)):
            _blank(panel)
            panel.imshow(_shown(picture), cmap="gray", vmin=0, vmax=1)
            if row >= 2:
                label, length = found.labels[column, row - 2], found.lengths[column, row - 2]
                panel.set_title(
                    f"{targets.names[int(label)]}  ({float(length):.2f})", fontsize=8.5, color=SOFT, pad=2
                )
            if column == 0:
                panel.set_ylabel(
                    rows[row], rotation=0, ha="right", va="center", fontsize=9, color=SOFT, labelpad=6
                )
                if row >= 2:  # a chip of the color that it has in the picture of both
                    chip = tuple(COLORS[row - 2].tolist())
                    panel.text(
                        -0.12, 0.34, "■", transform=panel.transAxes, ha="right", va="center", color=chip
                    )
    title = "What the two longest capsules of each image draw (and how long they are)"
    figure.suptitle(title, x=0.012, y=0.985, ha="left", va="top", fontsize=12, weight="bold", color=INK)
    return figure


def _unit(network: Any, images: Tensor) -> Tensor:
    low, high = network.decoder.low, network.decoder.high
    return ((images - low) / (high - low)).clamp(0, 1)


def _shown(image: Tensor) -> Any:
    """Turn `(channels, height, width)` into what matplotlib draws: grey or color."""
    return (image[0] if len(image) != 3 else image.permute(1, 2, 0)).cpu().float().numpy()


def _blank(panel: Any) -> None:
    panel.set(xticks=[], yticks=[])
    panel.spines[:].set_visible(False)
