"""A trunk that learned CIFAR-10, carried over to photographs of ants and bees, beside the same network from scratch.

    neurarium train cifar10 --network resnet --set blocks=1,1,1,1 --set widths=32,64,128,256 --augment standard \\
        --epochs 12 --batch-size 128 --out runs/trunk
    python benchmarks/transfer_hymenoptera.py --trunk runs/trunk
    python benchmarks/transfer_hymenoptera.py                     # trains the trunk first: half an hour of one core
    python benchmarks/transfer_hymenoptera.py --trunk-epochs 1 --trunk-count 2000 --epochs 1 --seeds 1 --size 32   # small
    python benchmarks/transfer_hymenoptera.py --trunk runs/trunk --validation-only --rate 0.001   # to choose a recipe

Both sides get the same images (32 pixels a side, as the trunk's), seeds, augmentation, epochs and rate. The rate of what is
carried over was chosen on validation photographs; nothing was chosen by looking at the test images. The
parts that are held (`--freeze`, counted from the inputs) are compared bit by bit with those of the trunk afterwards, running
statistics included. On the command line one such run is

    neurarium train hymenoptera --from runs/trunk --freeze 2 --set size=32 --set learning_rate=0.004 --augment standard --epochs 20
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch

import neurarium as nr
from neurarium.studies.planning.starting_point import network_of
from neurarium.training.freezing import chosen, groups
from neurarium.training.run import Run

SIDES = ("scratch", "carried")


def trunk(folder: Path, epochs: int, count: int | None) -> Run:
    """Train a small residual network on CIFAR-10 into a folder, and read it from there."""
    data = nr.data.load("cifar10")
    if count:
        data.train = data.train.subset(range(0, len(data.train), len(data.train) // count))
    shape = {"blocks": (1, 1, 1, 1), "widths": (32, 64, 128, 256)}
    nr.studies.train(
        data, "resnet", options=shape, epochs=epochs, batch_size=128, augment="standard", out=folder, progress=False
    )  # fmt: skip
    return Run.load(folder)


def held(network: torch.nn.Module, freeze: int) -> dict[str, torch.Tensor]:
    """Return the weights and statistics of the parts that are held."""
    together = groups(network)
    names = [each for part in chosen(network, freeze) for each in together.get(part, [part])]
    return {
        name: value.clone()
        for name, value in network.state_dict().items()
        if any(name.startswith(f"{each}.") for each in names)
    }


def main() -> None:
    """Train both sides with every seed, and print what they reach."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--trunk", type=Path, default=None, help="the folder of a run on CIFAR-10")
    options.add_argument("--trunk-epochs", type=int, default=12)
    options.add_argument("--trunk-count", type=int, default=None)
    options.add_argument("--size", type=int, default=32)
    options.add_argument("--epochs", type=int, default=20)
    options.add_argument("--seeds", type=int, default=5)
    options.add_argument("--freeze", type=int, default=2)
    options.add_argument("--rate", type=float, default=4e-3, help="of what is carried over")
    options.add_argument("--scratch-rate", type=float, default=4e-3)
    options.add_argument("--side", choices=("both", "scratch", "carried"), default="both")
    options.add_argument("--validation-only", action="store_true")
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        start = (
            Run.load(asked.trunk)
            if asked.trunk
            else trunk(Path(temporary) / "trunk", asked.trunk_epochs, asked.trunk_count)
        )
        split = "test" if "test" in start.results else "validation"
        reached = start.results[split]["accuracy"]
        print(f"the trunk's {split} accuracy on CIFAR-10 (recompressed JPEG): {reached:.4f}")
        data = nr.data.load("hymenoptera", size=asked.size)
        before = held(start.network, asked.freeze)
        reached = {
            side: reach(side, start, data, before, asked) for side in SIDES if asked.side in ("both", side)
        }
        summarize(reached, asked)


def reach(side: str, start: Run, data, before: dict[str, torch.Tensor], asked) -> list[dict[str, float]]:
    """Train one side with every seed, and return its accuracy on each split."""
    name, shape = network_of(start)
    rows = []
    for seed in range(asked.seeds):
        began = time.process_time()
        shared = {
            "epochs": asked.epochs, "batch_size": 32, "augment": "standard", "keep": "last", "progress": False, "seed": seed,
        }  # fmt: skip
        if side == "scratch":
            options = {**shape, "learning_rate": asked.scratch_rate}
            run = nr.studies.train(data, name, options=options, **shared)
        else:
            options = {"learning_rate": asked.rate}
            run = nr.studies.train(data, start=start, freeze=asked.freeze, options=options, **shared)
            after = run.network.state_dict()
            if not all(torch.equal(after[key], value) for key, value in before.items()):
                raise SystemExit("a held part has moved")
        rows.append({split: run.results[split]["accuracy"] for split in ("validation", "test")})
        shown = "" if asked.validation_only else f", test {rows[-1]['test']:.4f}"
        kept = f"; {len(before)} held tensors bitwise unchanged" if side == "carried" else ""
        print(
            f"{side}, seed {seed}: validation {rows[-1]['validation']:.4f}{shown}{kept}; "
            f"{time.process_time() - began:.0f} s of the processor",
            flush=True,
        )
    return rows


def summarize(reached: dict[str, list[dict[str, float]]], asked) -> None:
    """Print the means, and what is gained."""
    for side, rows in reached.items():
        for split in ("validation",) if asked.validation_only else ("validation", "test"):
            print(f"{side}: mean {split} accuracy {statistics.mean(row[split] for row in rows):.4f}")
    if asked.validation_only or len(reached) < 2:
        return
    gains = [
        two["test"] - one["test"] for one, two in zip(reached["scratch"], reached["carried"], strict=True)
    ]
    spread = statistics.stdev(gains) / len(gains) ** 0.5 if len(gains) > 1 else float("nan")
    print(
        f"gain: {100 * statistics.mean(gains):+.1f} points, standard error {100 * spread:.1f}, {len(gains)} seeds"
    )


if __name__ == "__main__":
    main()
