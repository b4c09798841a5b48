"""Two overlapping digits, told apart by routing: `python benchmarks/multi_mnist.py`, some five processor minutes.

Efficient-CapsNet learns from images of two digits (`multi-mnist`, 36 x 36 pixels), the two labels and, as in the paper, each
digit by itself: what the capsule of that label has to draw. With `--labels-alone` each present capsule draws by itself too,
and together they make the image. Measured on the test split: whether the two longest capsules are the two labels, and
whether what each draws correlates more with its own digit than with the other.

    python benchmarks/multi_mnist.py --steps 8000 --network capsnet --device cuda --widths ""     # the GPU row
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy
import torch

import neurarium as nr
from neurarium.data.catalogue import fetch
from neurarium.data.catalogue.overlapping import overlaid
from neurarium.report.capsule_plot import parted, plot_capsules
from neurarium.studies.prediction.learner import evaluating

HELD = 0.02  # of the images and of MNIST's training digits, for validation alone


def correlation(one: torch.Tensor, two: torch.Tensor) -> torch.Tensor:
    """Return Pearson's correlation of images `(..., height, width)` over their pixels."""
    one, two = (each.flatten(-2).double() for each in (one, two))
    one, two = (each - each.mean(-1, keepdim=True) for each in (one, two))
    return (one * two).sum(-1) / (one.norm(dim=-1) * two.norm(dim=-1)).clamp(min=1e-12)


def measure(run, data, folder: Path, count: int, split: str = "test") -> dict[str, float]:
    """Return the shares of images with both labels right, and of digits whose drawing is nearer to its own digit."""
    truth = overlaid(folder, split, count, validation=HELD)
    own, other = [], []
    right = 0
    with evaluating(run.method) as device, torch.no_grad():
        for start in range(0, count, 500):
            some = slice(start, min(start + 500, count))
            found = parted(run.network, data.splits[split].take(some)["inputs"].to(device))
            labels, drawn = found.labels.cpu(), found.parts[:, :, 0].cpu()
            classes, parts = torch.from_numpy(truth.classes[some]), torch.from_numpy(truth.parts[some])
            both = (labels.sort(1).values == classes.sort(1).values).all(1)
            right += int(both.sum())
            labels, drawn, classes, parts = labels[both], drawn[both], classes[both], parts[both]
            swap = labels[:, 0] != classes[:, 0]
            drawn[swap] = drawn[swap].flip(1)
            own.append(correlation(drawn, parts))
            other.append(correlation(drawn, parts.flip(1)))
    mine, others = torch.cat(own), torch.cat(other)
    return {
        "both labels right": right / count,
        "nearer to its own digit": float((mine > others).double().mean()),
        "both digits nearer": float((mine > others).all(1).double().mean()),
        "correlation with its own": float(mine.mean()),
        "correlation with the other": float(others.mean()),
        "correlation of the digits themselves": float(
            correlation(*torch.from_numpy(numpy.ascontiguousarray(truth.parts.transpose(1, 0, 2, 3)))).mean()
        ),
    }


def main() -> None:
    """Train, measure, and draw a picture."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--network", default="efficient-capsnet")
    options.add_argument("--widths", default="16,32,32,64")
    options.add_argument("--steps", type=int, default=1000)
    options.add_argument("--batch-size", type=int, default=64)
    options.add_argument("--count", type=int, default=40_000)
    options.add_argument("--test-count", type=int, default=2000)
    options.add_argument("--reconstruction", type=float, default=0.005)
    options.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="options of `train`")
    options.add_argument("--validation-only", action="store_true", help="to choose a recipe: measure there")
    options.add_argument("--labels-alone", action="store_true")
    options.add_argument("--device", default=None)
    options.add_argument("--picture", default=None)
    asked = options.parse_args()
    folder = fetch("mnist")
    data = nr.data.load(
        "multi-mnist",
        count=asked.count,
        test_count=asked.test_count,
        validation=HELD,
        parts=not asked.labels_alone,
    )
    chosen = {"reconstruction": asked.reconstruction} | ({"widths": asked.widths} if asked.widths else {})
    chosen |= dict(each.split("=", 1) for each in asked.set)
    start = time.process_time()
    run = nr.studies.train(
        data, asked.network, options=chosen, steps=asked.steps, batch_size=asked.batch_size, device=asked.device,
        evaluate=False, progress=False,
    )  # fmt: skip
    print(f"{asked.steps} steps of {asked.batch_size}, {time.process_time() - start:.0f} s of the processor")
    split, count = (
        ("validation", round(HELD * asked.count)) if asked.validation_only else ("test", asked.test_count)
    )
    for name, value in measure(run, data, folder, count, split).items():
        print(f"{name}: {value:.4f}")
    if asked.picture:
        with evaluating(run.method) as device:
            images = data.test.take(slice(0, 8))["inputs"].to(device)
            plot_capsules(run.network, images, data.targets, asked.picture)


if __name__ == "__main__":
    main()
