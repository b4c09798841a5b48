"""What the levels of a detector are for: small digits around, upon and within large ones, with one level and with several.

    python scripts/make_canvases.py MNIST_FOLDER CANVASES --large 1 --train 2000 --validation 200 --test 400
    python benchmarks/detector_levels.py CANVASES                         # some five minutes of one core
    python benchmarks/detector_levels.py CANVASES --epochs 1 --levels 2   # small

The same trunk, recipe, seed and canvases each time; only `pyramid_levels` differs. One level is the finest map, to which the coarser
ones are added. Measured on the test canvases: mean average precision, and the share of the digits of each size that a box
of their class with a score of 0.3 or more overlaps by more than a half.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch

import neurarium as nr
from neurarium.data.geometry import detected, iou
from neurarium.studies.prediction.learner import evaluating

SURE, LARGE = 0.3, 64.0


def recalls(run, data) -> dict[str, float]:
    """Return the share of the small and of the large digits of the test split that are found."""
    found: dict[str, list[float]] = {"small": [], "large": []}
    with evaluating(run.method) as device:
        for start in range(0, len(data.test), 100):
            batch = data.test.take(slice(start, min(start + 100, len(data.test))))
            said = detected(run.method.predict(batch["inputs"].to(device)).cpu(), data.targets)
            there = batch["targets"]
            overlap = iou(there["boxes"][:, :, None], said["boxes"][:, None])
            sure = (said["scores"] >= SURE)[:, None]
            like = (there["labels"][:, :, None] == said["labels"][:, None]) & sure
            hit = (overlap * like).amax(dim=2) > 0.5
            sides = (there["boxes"][..., 2:] - there["boxes"][..., :2]).amax(dim=-1)
            for name, wanted in (("small", sides < LARGE), ("large", sides >= LARGE)):
                found[name] += hit[wanted & there["present"]].double().tolist()
    return {name: sum(values) / max(1, len(values)) for name, values in found.items()}


def main() -> None:
    """Train with each number of levels, and print what is found."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("canvases", type=Path)
    options.add_argument("--levels", default="1,4")
    options.add_argument("--epochs", type=int, default=6)
    options.add_argument("--seed", type=int, default=0)
    asked = options.parse_args()
    data = nr.data.boxes(asked.canvases / "images", boxes=asked.canvases / "boxes.csv")
    for levels in map(int, asked.levels.split(",")):
        began = time.process_time()
        run = nr.studies.train(
            data, "centre-detector", options={"pyramid_levels": levels}, epochs=asked.epochs, batch_size=16, seed=asked.seed,
            progress=False,
        )  # fmt: skip
        test, share = run.results["test"], recalls(run, data)
        count = sum(each.numel() for each in run.network.parameters())
        print(
            f"levels {levels}: test mAP at 0.5 {test['map_50']:.3f}, mAP {test['map']:.3f}; found of the small digits "
            f"{share['small']:.3f}, of the large {share['large']:.3f}; {count:,} weights; "
            f"{time.process_time() - began:.0f} s of the processor",
            flush=True,
        )


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
