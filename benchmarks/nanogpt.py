"""nanoGPT's training of tiny-shakespeare on a processor, written in plain torch, beside ours.

    python benchmarks/nanogpt.py same                      # the same weights and batches through both: logits, losses, steps
    python benchmarks/nanogpt.py train --seeds 0 1 2       # the plain loop: some 2 minutes a seed on one thread
    python benchmarks/nanogpt.py train --windows epochs    # the plain loop on windows that do not overlap within an epoch

Windows of 64 characters in batches of 12, 4 blocks, 4 heads, width 128, no dropout, no biases, the head tied to the embedding; weights
from N(0, 0.02^2), those that end a branch divided by sqrt(8); AdamW with betas 0.9 and 0.99, decay 0.1 on matrices alone, gradients
clipped to 1, a rate that rises to 1e-3 in 100 steps and falls by a cosine to 1e-4 at step 2,000; the first 90 % of the characters are
learned from. nanoGPT draws each window anew (`--windows random`).

Two losses are printed of the weights after the last step: over all of the validation text in windows that do not overlap, and as
nanoGPT estimates it, over 20 batches of 12 windows drawn at random. The spread of such estimates is printed too, over 50 of them.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from neurarium.data.sources import TokenBatches
from neurarium.data.token_windows import TokenWindows
from neurarium.networks import Decoder
from neurarium.training.context import Context
from neurarium.training.descent import Descent
from transformer import Plain, same_weights

LENGTH, BATCH, STEPS, WARM, MOST, LEAST = 64, 12, 2000, 100, 1e-3, 1e-4
SIZE = {"context": LENGTH, "width": 128, "blocks": 4, "heads": 4, "bias": False}
Windows = Iterator[tuple[Tensor, Tensor]]


def text() -> tuple[Tensor, Tensor, int]:
    """Return the characters that are learned from, those held out, and how many different ones there are."""
    held = Path(os.environ["NEURARIUM_DATA"], "tiny_shakespeare", "input.txt").read_text(encoding="utf-8")
    places = {each: place for place, each in enumerate(sorted(set(held)))}
    codes = torch.tensor([places[each] for each in held])
    cut = int(0.9 * len(codes))
    return codes[:cut], codes[cut:], len(places)


def drawn(codes: Tensor, chance: torch.Generator) -> Windows:
    """Yield batches of windows that begin anywhere."""
    while True:
        starts = torch.randint(len(codes) - LENGTH, (BATCH, 1), generator=chance)
        windows = codes[starts + torch.arange(LENGTH + 1)]
        yield windows[:, :-1], windows[:, 1:]


def read(codes: Tensor, seed: int) -> Windows:
    """Yield the batches that `neurarium train` takes."""
    source = TokenBatches(TokenWindows(codes.int(), LENGTH), BATCH, seed=seed)
    while True:
        for batch in source:
            yield batch["inputs"]["tokens"], batch["targets"]


def start(vocabulary: int) -> Plain:
    """Return the network as nanoGPT starts it."""
    network = Plain(vocabulary, **SIZE)
    for name, parameter in network.named_parameters():
        if parameter.ndim > 1:
            last = name.endswith(("out.weight", "fall.weight"))
            torch.nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * SIZE["blocks"]) if last else 0.02)
    return network


def rate(step: int) -> float:
    """The learning rate of a step."""
    if step < WARM:
        return MOST * (step + 1) / (WARM + 1)
    return LEAST + 0.5 * (1 + math.cos(math.pi * (step - WARM) / (STEPS - WARM))) * (MOST - LEAST)


def optimizer_of(network: torch.nn.Module) -> torch.optim.AdamW:
    parameters = list(network.parameters())
    groups = [
        {"params": [each for each in parameters if each.ndim > 1], "weight_decay": 0.1},
        {"params": [each for each in parameters if each.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=MOST, betas=(0.9, 0.99))


def loss(network: Callable[[Tensor], Tensor], inputs: Tensor, targets: Tensor) -> Tensor:
    return functional.cross_entropy(network(inputs).flatten(0, 1), targets.flatten())


def plain_step(
    network: Plain, optimizer: torch.optim.AdamW, rate: float, batch: tuple[Tensor, Tensor]
) -> float:
    for group in optimizer.param_groups:
        group["lr"] = rate
    found = loss(network, *batch)
    optimizer.zero_grad(set_to_none=True)
    found.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimizer.step()
    return float(found.detach())


@torch.no_grad()
def whole(network: Plain, codes: Tensor) -> float:
    """The loss over all of a text, in windows that do not overlap; its last characters are a shorter window."""
    total, count = 0.0, len(codes) - 1
    for first in range(0, count, 256 * LENGTH):
        inputs, targets = (
            codes[first : min(first + 256 * LENGTH, count)],
            codes[first + 1 : first + 1 + 256 * LENGTH],
        )
        full = len(inputs) // LENGTH * LENGTH
        for part in (slice(0, full), slice(full, None)):
            if len(inputs[part]):
                shaped = (each[part].view(-1, min(LENGTH, len(each[part]))) for each in (inputs, targets))
                total += float(loss(network, *shaped)) * len(inputs[part])
    return total / count


@torch.no_grad()
def estimate(network: Plain, windows: Windows) -> float:
    """The loss as nanoGPT estimates it."""
    return statistics.mean(float(loss(network, *next(windows))) for _ in range(20))


def train(seed: int, way: str, steps: int) -> tuple[float, float]:
    training, held, vocabulary = text()
    torch.manual_seed(seed)
    chance = torch.Generator().manual_seed(seed)
    network = start(vocabulary)
    optimizer = optimizer_of(network)
    batches = drawn(training, chance) if way == "random" else read(training, seed)
    began = time.perf_counter()
    for step in range(steps):
        plain_step(network, optimizer, rate(step), next(batches))
    took = time.perf_counter() - began
    network.eval()
    found = whole(network, held)
    sampled = [estimate(network, drawn(held, chance)) for _ in range(50)]
    print(
        f"seed {seed}, windows {way}: validation loss {found:.4f} over all, {sampled[0]:.4f} as nanoGPT estimates it "
        f"(50 estimates: {min(sampled):.4f} to {max(sampled):.4f}, deviation {statistics.stdev(sampled):.4f}), "
        f"training {whole(network, training[: len(held)]):.4f}; {took:.0f} s",
        flush=True,
    )
    return found, sampled[0]


def same(steps: int) -> None:
    """Print how far the plain network and ours are apart: logits, then the losses of steps on the same batches at our rates."""
    training, _, vocabulary = text()
    torch.manual_seed(0)
    ours, plain = Decoder(vocabulary, **SIZE), Plain(vocabulary, **SIZE)
    same_weights(plain, ours)
    batches = drawn(training, torch.Generator().manual_seed(0))
    inputs, _ = next(batches)
    with torch.no_grad():
        print(f"logits differ by {float((plain(inputs) - ours({'tokens': inputs})).abs().max()):.2e} at most")
    descent = Descent(
        ours, optimizer="adamw", learning_rate=MOST, weight_decay=0.1, clip_norm=1.0, schedule="cosine",
        warmup=WARM / STEPS, schedule_options={"floor": LEAST / MOST}, optimizer_options={"betas": (0.9, 0.99)},
    )  # fmt: skip
    descent.begin(Context(steps=STEPS))
    optimizer, apart, rates = optimizer_of(plain), 0.0, 0.0

    def ours_loss(batch: tuple[Tensor, Tensor]) -> tuple[Tensor, int]:
        found = functional.cross_entropy(
            ours({"tokens": batch[0]}).flatten(0, 1), batch[1].flatten(), reduction="sum"
        )
        return found, batch[1].numel()

    for step in range(steps):
        batch = next(batches)
        found = float(descent(ours_loss, batch)["loss"])
        apart = max(apart, abs(plain_step(plain, optimizer, descent.rate, batch) - found))
        rates = max(rates, abs(descent.rate - rate(step)))
        if step + 1 in (1, 10, 30, 100, 300, steps):
            print(
                f"after {step + 1} steps at the same rates: losses differ by {apart:.2e} at most; nanoGPT's rates differ by "
                f"{rates:.2e}",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["same", "train"])
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--windows", choices=["random", "epochs"], default="random")
    parser.add_argument("--steps", type=int, default=STEPS)
    chosen = parser.parse_args()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    if chosen.what == "same":
        return same(min(chosen.steps, 300))
    found = [train(seed, chosen.windows, chosen.steps) for seed in chosen.seeds]
    print(f"mean over {len(found)} seeds: {statistics.mean(f for f, _ in found):.4f} over all of the text, "
          f"{statistics.mean(s for _, s in found):.4f} estimated")  # fmt: skip


if __name__ == "__main__":
    main()
