"""A trunk that learned CIFAR-10, carried over to photographs of ants and bees, beside the same network from scratch.

    neurarium train cifar10 --network resnet --set blocks=1,2,2,2 --set widths=16,64,128,256 --set optimizer=sgd \\
        --set learning_rate=0.1 --set weight_decay=0.0005 --set optimizer.nesterov=true --set schedule=one-cycle \\
        --augment standard --epochs 12 --batch-size 128 --precision bfloat16 --out runs/trunk
    python benchmarks/transfer_hymenoptera.py --trunk runs/trunk
    python benchmarks/transfer_hymenoptera.py                     # trains the trunk first: half an hour of one core
    python benchmarks/transfer_hymenoptera.py --trunk-epochs 1 --trunk-count 2000 --size 32 --seeds 1 \\
        --carried epochs=1 --scratch epochs=1                     # small

Any other network of images is carried over in the same way; a ConvNeXt, which learns little from so few photographs, gains most:

    neurarium train cifar10 --network convnext --set blocks=2,2,2 --set widths=32,64,128 --set patch=2 --set optimizer=muon \\
        --set learning_rate=0.02 --set schedule=linear --augment standard --epochs 8 --batch-size 128 --precision bfloat16 --out runs/convnext
    python benchmarks/transfer_hymenoptera.py --trunk runs/convnext --carried epochs=40 learning_rate=0.001 \\
        --scratch epochs=80 learning_rate=0.002

A recipe is chosen by stratified cross-validation inside the 244 photographs for training and validation, each side by itself:

    python benchmarks/transfer_hymenoptera.py --trunk runs/trunk --cross-validate 3 --side carried --carried learning_rate=0.001
    python benchmarks/transfer_hymenoptera.py --trunk runs/trunk --cross-validate 3 --side scratch --scratch epochs=40

Without `--cross-validate`, both sides learn from all of these with every seed, and are measured on the 153 photographs for
testing. The parts that are held (`--freeze`, counted from the inputs) are compared bit by bit with those of the trunk
afterwards, running statistics included. On the command line one such run is

    neurarium train hymenoptera --from runs/trunk --freeze 2 --set size=48 --set learning_rate=0.002 --augment standard --epochs 20
"""

from __future__ import annotations

import argparse
import copy
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import torch

import neurarium as nr
from neurarium.core import batches
from neurarium.data.dataset import Dataset
from neurarium.data.splits import folds
from neurarium.studies.planning.starting_point import network_of
from neurarium.training.freezing import chosen, groups
from neurarium.training.run import Run

SIDES = ("scratch", "carried")
TRUNK = {
    "blocks": (1, 2, 2, 2), "widths": (16, 64, 128, 256), "optimizer": "sgd", "learning_rate": 0.1, "weight_decay": 5e-4,
    "optimizer.nesterov": True, "schedule": "one-cycle",
}  # fmt: skip
RECIPES = {
    "scratch": {"epochs": "20", "learning_rate": "0.004"},
    "carried": {"epochs": "20", "learning_rate": "0.002"},
}


def trunk(folder: Path, epochs: int, count: int | None) -> Run:
    """Train a small residual network on CIFAR-10 into a folder, and read it from there."""
    data = nr.data.load("cifar10")
    if count:
        data.train = data.train.subset(range(0, len(data.train), len(data.train) // count))
    nr.studies.train(
        data, "resnet", options=TRUNK, epochs=epochs, batch_size=128, augment="standard", out=folder, progress=False
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


def pooled(data: Dataset) -> Dataset:
    """Return the data with its validation photographs among those that are learned from."""
    whole = copy.copy(data)
    whole.train = type(data.train)(
        batches.concatenate([data.train.batch, data.validation.batch]), finish=data.train.finish
    )
    whole.validation, whole.rows = None, {}
    return whole


def folded(data: Dataset, parts: int, repeat: int) -> Iterator[Dataset]:
    """Yield the data once per fold: the fold as validation, the others to learn from, and no test photograph."""
    labels = data.train.targets.numpy()
    for fold in folds(len(labels), parts, repeat, labels=labels):
        part = copy.copy(data)
        part.train, part.validation = (
            data.train.subset(torch.as_tensor(fold[name])) for name in ("train", "test")
        )
        part.test = None
        yield part


def learn(side: str, data: Dataset, start: Run, asked: argparse.Namespace, seed: int) -> Run:
    """Train one side once; what is held may not have moved."""
    options = {**RECIPES[side], **dict(each.split("=", 1) for each in getattr(asked, side))}
    shared = {
        "epochs": int(options.pop("epochs")), "batch_size": int(options.pop("batch_size", 32)), "seed": seed,
        "augment": options.pop("augment", asked.augment), "keep": "last", "progress": False,
    }  # fmt: skip
    if side == "scratch":
        name, shape = network_of(start)
        return nr.studies.train(data, name, options={**shape, **options}, **shared)
    run = nr.studies.train(data, start=start, freeze=asked.freeze, options=options, **shared)
    after = run.network.state_dict()
    before = held(start.network, asked.freeze)
    if not all(torch.equal(after[key], value) for key, value in before.items()):
        raise SystemExit("a held part has moved")
    return run


def cross_validate(side: str, data: Dataset, start: Run, asked: argparse.Namespace) -> None:
    """Print the accuracy of one side on photographs that it did not learn from, over all folds and repeats."""
    began, right, losses = time.process_time(), [], []
    for repeat in range(asked.repeats):
        for part in folded(data, asked.cross_validate, repeat):
            found = learn(side, part, start, asked, repeat).results["validation"]
            right.append((found["accuracy"], len(part.validation)))
            losses.append(found["loss"])
    count = sum(size for _, size in right)
    accuracy = sum(share * size for share, size in right) / count
    spread = statistics.stdev(share for share, _ in right) / len(right) ** 0.5
    print(
        f"{side}, {asked.cross_validate} folds, {asked.repeats} times: accuracy {accuracy:.4f}, standard error over the folds "
        f"{spread:.4f}; loss {statistics.mean(losses):.3f}; {time.process_time() - began:.0f} s of the processor",
        flush=True,
    )


def measure(side: str, data: Dataset, start: Run, asked: argparse.Namespace) -> list[float]:
    """Train one side with every seed, and return its accuracy on the test photographs."""
    reached = []
    kept = f"; {len(held(start.network, asked.freeze))} held tensors bitwise unchanged"
    for seed in range(asked.seeds):
        began = time.process_time()
        reached.append(learn(side, data, start, asked, seed).results["test"]["accuracy"])
        print(
            f"{side}, seed {seed}: test {reached[-1]:.4f}{kept if side == 'carried' else ''}; "
            f"{time.process_time() - began:.0f} s of the processor",
            flush=True,
        )
    print(f"{side}: mean test accuracy {statistics.mean(reached):.4f}", flush=True)
    return reached


def summarize(scratch: list[float], carried: list[float]) -> None:
    """Print what is gained."""
    gains = [two - one for one, two in zip(scratch, carried, strict=True)]
    spread = statistics.stdev(gains) / len(gains) ** 0.5 if len(gains) > 1 else float("nan")
    print(
        f"gain: {100 * statistics.mean(gains):+.1f} points, standard error {100 * spread:.1f}, {len(gains)} seeds"
    )


def options() -> argparse.ArgumentParser:
    """Return what may be asked for."""
    made = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    made.add_argument("--trunk", type=Path, default=None, help="the folder of a run on CIFAR-10")
    made.add_argument("--trunk-epochs", type=int, default=12)
    made.add_argument("--trunk-count", type=int, default=None)
    made.add_argument("--size", type=int, default=48)
    made.add_argument("--augment", default="standard")
    made.add_argument("--freeze", type=int, default=2)
    made.add_argument("--seeds", type=int, default=5)
    made.add_argument("--side", choices=("both", *SIDES), default="both")
    for side in SIDES:
        made.add_argument(
            f"--{side}", nargs="*", default=[], metavar="NAME=VALUE",
            help=f"options of this side beside {RECIPES[side]}, as of --set; epochs, batch_size and augment too",
        )  # fmt: skip
    made.add_argument(
        "--cross-validate", type=int, default=None, metavar="FOLDS", help="choose, and test nothing"
    )
    made.add_argument(
        "--repeats", type=int, default=1, help="of the cross-validation, with other folds and seeds"
    )
    return made


def main() -> None:
    """Cross-validate what is asked for, or train both sides with every seed, and print what they reach."""
    asked = options().parse_args()
    sides = [side for side in SIDES if asked.side in ("both", side)]
    with tempfile.TemporaryDirectory() as temporary:
        start = (
            Run.load(asked.trunk)
            if asked.trunk
            else trunk(Path(temporary) / "trunk", asked.trunk_epochs, asked.trunk_count)
        )
        split = "test" if "test" in start.results else "validation"
        reached = start.results[split]["accuracy"]
        print(f"the trunk's {split} accuracy on CIFAR-10 (recompressed JPEG): {reached:.4f}", flush=True)
        data = pooled(nr.data.load("hymenoptera", size=asked.size))
        if asked.cross_validate:
            for side in sides:
                cross_validate(side, data, start, asked)
            return
        found = {side: measure(side, data, start, asked) for side in sides}
        if len(found) == len(SIDES):
            summarize(**found)


if __name__ == "__main__":
    main()
