"""A training step of ResNet-18 on 128 images of 32 x 32, through `train`, beside loops in plain torch.

    python benchmarks/resnet_step.py                    # 8 rounds of one step each: some five minutes on two cores
    python benchmarks/resnet_step.py --rounds 3 --without compiled

The plain network is written here, of torch's modules alone, with torchvision's layers; every way takes its steps with AdamW,
fused, on images of its own memory format. Ours is `nr.studies.train(data, "resnet18")` with all that it does (source, guard,
log) and what it chooses by itself, printed from its plan. The ways take turns step by step: after each of our steps each
other way takes one, so that other work on the machine meets all alike. Before anything is timed, the plain network and ours
must give the same outputs to 1e-5 from the same weights.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

import neurarium as nr
from neurarium.data import Classes, Dataset, Examples, Image
from neurarium.training.callbacks.callback import Callback

BATCH, SIDE, CLASSES, RATE = 128, 32, 10, 1e-3


class Block(nn.Module):
    """Two 3x3 convolutions, and what is added to them."""

    def __init__(self, before: int, width: int, stride: int):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(before, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
        self.downsample = None
        if stride > 1:
            self.downsample = nn.Sequential(
                nn.Conv2d(before, width, 1, stride, bias=False), nn.BatchNorm2d(width)
            )

    def forward(self, x: Tensor) -> Tensor:
        kept = x if self.downsample is None else self.downsample(x)
        x = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)), inplace=True)))
        return functional.relu(x + kept, inplace=True)


class Plain(nn.Module):
    """ResNet-18 with a stem for small images."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64)
        sizes = [(64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2)]
        for number, (before, width, stride) in enumerate(sizes, 1):
            self.add_module(
                f"layer{number}", nn.Sequential(Block(before, width, stride), Block(width, width, 1))
            )
        self.fc = nn.Linear(512, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.bn1(self.conv1(x)), inplace=True)
        for number in range(1, 5):
            x = self.get_submodule(f"layer{number}")(x)
        return self.fc(functional.adaptive_avg_pool2d(x, 1).flatten(1))


def loop(
    inputs: Tensor, targets: Tensor, *, last: bool, bfloat16: bool, compiled: bool
) -> Callable[[], None]:
    """Return a function that takes one step of a loop by hand."""
    torch.manual_seed(0)
    layout = torch.channels_last if last else torch.contiguous_format
    network = Plain().to(memory_format=layout)
    images = inputs.to(memory_format=layout)
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, fused=True)
    if compiled:
        network.compile()

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            outputs = network(images)
        loss = functional.cross_entropy(outputs.float(), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


WAYS = {
    "float32": {"last": False, "bfloat16": False, "compiled": False},
    "float32, channels last": {"last": True, "bfloat16": False, "compiled": False},
    "bfloat16": {"last": False, "bfloat16": True, "compiled": False},
    "bfloat16, channels last": {"last": True, "bfloat16": True, "compiled": False},
    "bfloat16, channels last, compiled": {"last": True, "bfloat16": True, "compiled": True},
}


class Turns(Callback):
    """A callback: after each of our steps every other way takes one, and all are timed."""

    def __init__(self, others: dict[str, Callable[[], None]]):
        self.others = others
        self.times: dict[str, list[tuple[float, float]]] = {"ours": [], **{name: [] for name in others}}

    def start(self, loop: object) -> None:
        self.began = _now()

    def step(self, loop: object, metrics: object) -> None:
        self._note("ours")
        for name, step in self.others.items():
            step()
            self._note(name)

    def _note(self, name: str) -> None:
        now = _now()
        self.times[name].append((now[0] - self.began[0], now[1] - self.began[1]))
        self.began = now


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def equal(inputs: Tensor) -> float:
    """Return the largest difference of the two networks' outputs, from the same weights."""
    plain, own = Plain().eval(), nr.networks.ResNet18(3, CLASSES, stem="small").eval()
    own.load_state_dict(plain.state_dict())
    with torch.no_grad():
        return float((plain(inputs[:8]) - own(inputs[:8])).abs().max())


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=8)
    options.add_argument("--without", default="", help="ways to leave out, by a word of their names")
    asked = options.parse_args()
    chance = torch.Generator().manual_seed(0)
    inputs = torch.randn(BATCH * 4, 3, SIDE, SIDE, generator=chance)
    targets = torch.randint(0, CLASSES, (BATCH * 4,), generator=chance)
    difference = equal(inputs)
    if difference > 1e-5:
        raise SystemExit(f"the networks differ by {difference:.1e}")
    ways = {name: how for name, how in WAYS.items() if not asked.without or asked.without not in name}
    turns = Turns({name: loop(inputs[:BATCH], targets[:BATCH], **how) for name, how in ways.items()})
    data = Dataset(
        "images",
        Image(3, SIDE, SIDE),
        Classes(tuple("0123456789")),
        Examples({"inputs": inputs, "targets": targets}),
    )
    run = nr.studies.train(
        data, "resnet18", options={"optimizer": "adamw", "learning_rate": RATE}, steps=asked.rounds + 1, batch_size=BATCH,
        callbacks=[turns], evaluate=False, progress=False,
    )  # fmt: skip
    print(f"load {os.getloadavg()[0]:.1f}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    for each in run.decisions:
        if each.subject in ("precision", "memory format", "compile"):
            print(f"ours chose {each.subject} {each.choice}: {each.reason}")
    steady = {name: found[1:] for name, found in turns.times.items()}  # the first step warms up, and compiles
    shortest = min(
        steady,
        key=lambda name: statistics.median(work for _, work in steady[name]) if name != "ours" else 1e9,
    )
    print(
        "\n| way | seconds a step | times the best plain | processor s | times | first step, s |\n|---|---|---|---|---|---|"
    )
    for name, found in steady.items():
        walls, works = zip(*found, strict=True)
        ratios = [
            statistics.median(one[k] / other[k] for one, other in zip(found, steady[shortest], strict=True))
            for k in (0, 1)
        ]
        print(
            f"| {name} | {statistics.median(walls):.2f} | {ratios[0]:.2f} | {statistics.median(works):.2f} | {ratios[1]:.2f} "
            f"| {turns.times[name][0][0]:.1f} |"
        )


if __name__ == "__main__":
    main()
