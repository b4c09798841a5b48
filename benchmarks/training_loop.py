"""One epoch of `fit` on an MLP beside loops written by hand and the peers' trainers: `python benchmarks/training_loop.py`.

MLP 784-256-10, 60,000 x 784 float32 in memory (MNIST where NEURARIUM_DATA holds it, else random numbers), batches of 128,
Adam at 1e-3, two threads. Rounds are interleaved; the table has the median, and the median of the ratios to the loop with
index slices in the same round. Before anything is timed, `fit` and the loop with slices train one epoch from the same weights
in the same order, and must end with weights equal to 1e-5; the manual loop is compared after 20 steps.

slices    the loop people write: shuffled index slices, autograd, fused Adam.
manual    forward and backward written out into preallocated buffers, fused Adam: no autograd, no module.
ours      `nr.fit`, with all that it does: guard of loss and gradients, log, resumable source.

The peers are asked for the same: the same network, batch size, Adam (fused where they pass it on), one epoch, no validation,
no checkpoint, no progress. They shuffle by themselves, so that their weights cannot be compared; their training loss is
printed. A peer that is not installed is left out by name.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parent))

import neurarium as nr
from neurarium.core.seeds import generator
from neurarium.data import Array, Classes, Dataset, Examples

BATCH, RATE = 128, 1e-3
Epoch = Callable[[nn.Sequential, Tensor, Tensor, int], None]


def data(rows: int) -> tuple[Tensor, Tensor, str]:
    """Return inputs `(rows, 784)`, targets `(rows,)`, and what they are."""
    if "NEURARIUM_DATA" in os.environ:
        images = nr.data.load("mnist", validation=0.0).train
        taken = images.take(slice(0, rows))
        inputs = taken["inputs"].reshape(len(taken["inputs"]), -1).contiguous()
        return inputs, taken["targets"].contiguous(), "MNIST"
    chance = torch.Generator().manual_seed(0)
    inputs = torch.randn(rows, 784, generator=chance)
    return inputs, (inputs[:, :10] * 2).argmax(1), "random numbers"


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))


def order(count: int, seed: int) -> Tensor:
    """The order of `fit`'s first epoch."""
    return torch.randperm(count, generator=generator(seed, "order", 0))


def slices(net: nn.Sequential, inputs: Tensor, targets: Tensor, seed: int) -> None:
    optimizer = torch.optim.Adam(net.parameters(), lr=RATE, fused=True)
    shuffled = order(len(inputs), seed)
    for start in range(0, len(inputs), BATCH):
        chosen = shuffled[start : start + BATCH]
        loss = nn.functional.cross_entropy(net(inputs[chosen]), targets[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def manual(net: nn.Sequential, inputs: Tensor, targets: Tensor, seed: int) -> None:
    """The derivative of the cross-entropy by its logits is (softmax - one-hot) / batch; the rest is the chain rule."""
    first, second = net[0], net[2]
    weights = [first.weight.data, first.bias.data, second.weight.data, second.bias.data]
    for parameter in net.parameters():
        parameter.grad = torch.empty_like(parameter)
    optimizer = torch.optim.Adam(net.parameters(), lr=RATE, fused=True)
    gradients = [parameter.grad for parameter in net.parameters()]
    shuffled = order(len(inputs), seed)
    buffers = {}
    with torch.no_grad():
        for start in range(0, len(inputs), BATCH):
            chosen = shuffled[start : start + BATCH]
            size = len(chosen)
            if size not in buffers:
                shapes = ((size, 784), (size, 256), (size, 10), (size, 256))
                buffers[size] = [torch.empty(shape) for shape in shapes], torch.arange(size)
            (x, hidden, scores, back), places = buffers[size]
            torch.index_select(inputs, 0, chosen, out=x)
            torch.addmm(weights[1], x, weights[0].t(), out=hidden).clamp_(min=0)
            torch.addmm(weights[3], hidden, weights[2].t(), out=scores)
            torch.softmax(scores, dim=1, out=scores)
            scores[places, targets[chosen]] -= 1
            scores.div_(size)
            torch.mm(scores.t(), hidden, out=gradients[2])
            torch.sum(scores, 0, out=gradients[3])
            torch.mm(scores, weights[2], out=back).mul_(hidden > 0)
            torch.mm(back.t(), x, out=gradients[0])
            torch.sum(back, 0, out=gradients[1])
            optimizer.step()


def ours(net: nn.Sequential, inputs: Tensor, targets: Tensor, seed: int) -> None:
    examples = Examples({"inputs": inputs, "targets": targets})
    dataset = Dataset("rows", Array((784,)), Classes(tuple("0123456789")), examples)
    method = nr.methods.Supervised(net, optimizer="adam", learning_rate=RATE)
    nr.fit(method, dataset, epochs=1, batch_size=BATCH, seed=seed, progress=False)


def equal(inputs: Tensor, targets: Tensor) -> None:
    """Train with each of the three, and compare the weights: the largest difference of `fit` after an epoch, the root mean
    square of the manual loop's after 20 steps (it sums in another order, and Adam divides gradients near 0 by themselves).
    """
    for name, epoch, rows in (("ours", ours, len(inputs)), ("manual", manual, 20 * BATCH)):
        ends = []
        for each in (slices, epoch):
            net = network()
            each(net, inputs[:rows], targets[:rows], 7)
            ends.append(nn.utils.parameters_to_vector(net.parameters()).detach())
        difference = ends[1] - ends[0]
        off = float(difference.abs().max() if name == "ours" else difference.square().mean().sqrt())
        print(f"  {name}: weights differ by {off:.1e} after {-(-rows // BATCH)} steps")
        if off > (1e-5 if name == "ours" else 1e-6):
            raise SystemExit(f"{name} does not compute the same as the loop with slices")


def measure(contestants: dict[str, Epoch], inputs: Tensor, targets: Tensor, rounds: int) -> None:
    """Time interleaved rounds, each in another order, and print the table."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    losses = {}
    names = list(contestants)
    for number in range(rounds + 1):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            net = network()
            began = time.perf_counter()
            contestants[name](net, inputs, targets, number)
            taken = time.perf_counter() - began
            if number:  # the first round warms up
                times[name].append(taken)
            with torch.no_grad():
                losses[name] = float(nn.functional.cross_entropy(net(inputs[:10_000]), targets[:10_000]))
        print(f"  round {number} of {rounds}", file=sys.stderr)
    print("\n| one epoch | seconds | times the slices | loss after it |\n|---|---|---|---|")
    for name in sorted(names, key=lambda each: statistics.median(times[each])):
        ratios = [mine / loop for mine, loop in zip(times[name], times["slices"], strict=True)]
        median, ratio = statistics.median(times[name]), statistics.median(ratios)
        print(f"| {name} | {median:.3f} | {ratio:.2f} | {losses[name]:.3f} |")


def main() -> None:
    reader = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    reader.add_argument("--rounds", type=int, default=9)
    reader.add_argument("--rows", type=int, default=60_000)
    reader.add_argument("--threads", type=int, default=2)
    reader.add_argument("--only", nargs="*", help="names of contestants; all that are installed by default")
    given = reader.parse_args()
    torch.set_num_threads(given.threads)
    inputs, targets, what = data(given.rows)
    print(
        f"torch {torch.__version__}, {given.threads} threads, {len(inputs):,} x 784 {what}, batches of {BATCH}"
    )
    equal(inputs, targets)
    from training_loop_peers import installed

    contestants: dict[str, Epoch] = {"slices": slices, "manual": manual, "ours": ours, **installed()}
    if given.only:
        contestants = {name: contestants[name] for name in dict.fromkeys(["slices", *given.only])}
    measure(contestants, inputs, targets, given.rounds)


if __name__ == "__main__":
    main()
