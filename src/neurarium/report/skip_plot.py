"""The plot of gradients by depth, with and without skip connections."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from matplotlib.figure import Figure
from torch.nn.functional import cross_entropy

from neurarium.core.files import write_atomically
from neurarium.networks.images.resnet import ResNet

INK, WITH, WITHOUT, GRID = "#111827", "#2563eb", "#b45309", "#e5e7eb"
DEPTHS = (8, 20, 32, 56, 110)


def first_gradients(depths: Sequence[int] = DEPTHS, *, skip: bool, seed: int = 0) -> list[float]:
    """Return the norm of the loss's gradient in the first convolution, divided by that in the last, at the start.

    The networks are those of He et al. for images of 32x32: 6 n + 2 layers of 16, 32 and 64 channels.

    Args:
        depths: numbers of layers, 6 n + 2 each.
        skip: whether blocks add their input.
        seed: of the weights, the images and their classes.

    Batch normalization keeps activations from vanishing, and lets gradients grow by a factor per layer instead (Yang et al.
    2019, arXiv:1902.08129); skips turn that factor into a sum.

    >>> (with_skips,), (without,) = first_gradients((32,), skip=True), first_gradients((32,), skip=False)
    >>> without > 5 * with_skips
    True
    """
    return [_ratio(depth, skip, seed) for depth in depths]


def _ratio(depth: int, skip: bool, seed: int) -> float:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        blocks = ((depth - 2) // 6,) * 3
        network = ResNet(3, 10, blocks, (16, 32, 64), stem="small", shortcut="padding", skip=skip)
        images, classes = torch.randn(16, 3, 32, 32), torch.randint(0, 10, (16,))
        cross_entropy(network(images), classes).backward()
    weights = [
        p.grad.norm() for name, p in network.named_parameters() if "conv" in name and p.grad is not None
    ]
    return float(weights[0] / weights[-1])


def plot_skips(path: Path | str, depths: Sequence[int] = DEPTHS) -> None:
    """Draw the gradient that reaches the first layer over the depth, with and without skips.

    Args:
        path: where to; PNG, SVG or PDF by its ending.
        depths: numbers of layers, 6 n + 2 each.
    """
    path = Path(path)
    figure = Figure(figsize=(6.4, 4.0), layout="constrained", facecolor="white")
    axes = figure.subplots()
    for skip, color, name in ((True, WITH, "with skips"), (False, WITHOUT, "without")):
        found = first_gradients(depths, skip=skip)
        axes.plot(depths, found, color=color, lw=2.2, marker="o", ms=5)
        axes.annotate(
            name, (depths[-1], found[-1]), (6, 0), textcoords="offset points", color=color, va="center"
        )
    axes.set_yscale("log")
    axes.set(xlabel="layers", xticks=list(depths), xlim=(0, depths[-1] * 1.2))
    axes.set_ylabel("gradient of the first layer / of the last")
    axes.set_title(
        "The gradient of the first layer, by depth", loc="left", fontsize=14, weight="bold", color=INK, pad=12
    )
    axes.grid(color=GRID, lw=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(which="both", length=0, labelcolor="#6b7280")
    axes.spines[:].set_visible(False)
    kind = path.suffix.lstrip(".") or "png"
    write_atomically(path, lambda temporary: figure.savefig(temporary, format=kind, dpi=150))
