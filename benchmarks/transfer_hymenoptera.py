"""A trunk that learned CIFAR-10, carried over to photographs of ants and bees, beside the same network from scratch.

    neurarium train cifar10 --network resnet20 --augment standard --epochs 8 --batch-size 128 --out runs/trunk
    python benchmarks/transfer_hymenoptera.py --trunk runs/trunk
    python benchmarks/transfer_hymenoptera.py                     # trains the trunk first: 20 minutes of one core
    python benchmarks/transfer_hymenoptera.py --trunk-epochs 1 --trunk-count 2000 --epochs 1 --seeds 1 --size 32   # small

Both sides get the same images, seeds, augmentation, epochs, and recipe; nothing was chosen by looking at the test images. The
parts that are held (`--freeze`, counted from the inputs) are compared bit by bit with those of the trunk afterwards, running
statistics included. On the command line one such run is

    neurarium train hymenoptera --from runs/trunk --freeze 2 --set size=64 --augment standard --epochs 30
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch

import neurarium as nr
from neurarium.training.freezing import chosen, groups
from neurarium.training.run import Run


def trunk(folder: Path, epochs: int, count: int | None) -> Run:
    """Train ResNet-20 on CIFAR-10 into a folder, and read it from there."""
    data = nr.data.load("cifar10")
    if count:
        data.train = data.train.subset(range(0, len(data.train), len(data.train) // count))
    nr.studies.train(
        data, "resnet20", epochs=epochs, batch_size=128, augment="standard", out=folder, progress=False
    )
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
    options.add_argument("--trunk-epochs", type=int, default=8)
    options.add_argument("--trunk-count", type=int, default=None)
    options.add_argument("--size", type=int, default=64)
    options.add_argument("--epochs", type=int, default=30)
    options.add_argument("--seeds", type=int, default=5)
    options.add_argument("--freeze", type=int, default=2)
    options.add_argument("--rate", type=float, default=4e-3)
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
        shared = {
            "options": {"learning_rate": asked.rate}, "epochs": asked.epochs, "batch_size": 32, "augment": "standard",
            "keep": "last", "progress": False,
        }  # fmt: skip
        before, rows = held(start.network, asked.freeze), []
        for seed in range(asked.seeds):
            began = time.process_time()
            scratch = nr.studies.train(data, "resnet20", seed=seed, **shared)
            carried = nr.studies.train(data, start=start, freeze=asked.freeze, seed=seed, **shared)
            same = all(
                torch.equal(carried.network.state_dict()[name], value) for name, value in before.items()
            )
            if not same:
                raise SystemExit("a held part has moved")
            rows.append(
                [
                    run.results[split]["accuracy"]
                    for split in ("validation", "test")
                    for run in (scratch, carried)
                ]
            )
            print(
                f"seed {seed}: validation {rows[-1][0]:.4f} from scratch, {rows[-1][1]:.4f} carried over; "
                f"test {rows[-1][2]:.4f}, {rows[-1][3]:.4f}; {len(before)} held tensors bitwise unchanged; "
                f"{time.process_time() - began:.0f} s of the processor",
                flush=True,
            )
        gains = [row[3] - row[2] for row in rows]
        spread = statistics.stdev(gains) / len(gains) ** 0.5 if len(gains) > 1 else float("nan")
        print(f"test accuracy from scratch: {statistics.mean(row[2] for row in rows):.4f}")
        print(f"test accuracy carried over: {statistics.mean(row[3] for row in rows):.4f}")
        print(
            f"gain: {100 * statistics.mean(gains):+.1f} points, standard error {100 * spread:.1f}, {len(gains)} seeds"
        )


if __name__ == "__main__":
    main()
