"""Routing of all capsules at once beside a loop over capsules: `python benchmarks/capsule_routing.py`, under two minutes.

The sizes of CapsNet on MNIST: 1,152 parts of 8 numbers, 10 wholes of 16, 3 iterations. `wholes` loops over the wholes alone, with all parts
of a batch together; `capsules` loops over the parts too, as procedure 1 of the paper is written. Rounds are interleaved, medians
shown.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch

from neurarium.layers.capsules import DynamicRouting, squash


def by_wholes(layer: DynamicRouting, parts: torch.Tensor) -> torch.Tensor:
    """Route whole by whole."""
    votes = [torch.einsum("bip,ipd->bid", parts, layer.weight[j]) for j in range(layer.wholes)]
    logits = [torch.zeros_like(vote[..., 0]) for vote in votes]
    for turn in range(layer.iterations):
        shares = torch.softmax(torch.stack(logits, dim=1), dim=1)
        found = []
        for j, vote in enumerate(votes):
            found.append(squash((shares[:, j, :, None] * vote).sum(1)))
            if turn < layer.iterations - 1:
                logits[j] = logits[j] + (vote * found[j][:, None]).sum(-1)
    return torch.stack(found, dim=1)


def by_capsules(layer: DynamicRouting, parts: torch.Tensor) -> torch.Tensor:
    """Route part by part and whole by whole."""
    pairs = [(i, j) for i in range(layer.parts) for j in range(layer.wholes)]
    votes = {(i, j): parts[:, i] @ layer.weight[j, i] for i, j in pairs}
    logits = torch.zeros(len(parts), layer.wholes, layer.parts)
    for turn in range(layer.iterations):
        shares = torch.softmax(logits, dim=1)
        sums = [torch.zeros(len(parts), layer.whole_dim) for _ in range(layer.wholes)]
        for i, j in pairs:
            sums[j] = sums[j] + shares[:, j, i, None] * votes[i, j]
        found = [squash(each) for each in sums]
        if turn < layer.iterations - 1:
            agreed = [
                torch.stack([(votes[i, j] * found[j]).sum(-1) for i in range(layer.parts)], 1)
                for j in range(layer.wholes)
            ]
            logits = logits + torch.stack(agreed, dim=1)
    return torch.stack(found, dim=1)


def clock(work, parts: torch.Tensor, learn: bool) -> tuple[float, float]:
    """Return seconds on the wall and of the processor of one call, with its gradient where asked."""
    wall, processor = time.perf_counter(), time.process_time()
    with torch.set_grad_enabled(learn):
        result = work(parts)
        if learn:
            result.square().sum().backward()
    return time.perf_counter() - wall, time.process_time() - processor


def main() -> None:
    """Print one line per size."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--batches", type=int, nargs="+", default=[1, 16])
    options.add_argument("--parts", type=int, default=1152)
    options.add_argument("--loop", choices=("wholes", "capsules"), nargs="+", default=["wholes", "capsules"])
    asked = options.parse_args()
    torch.manual_seed(0)
    layer = DynamicRouting(asked.parts, 8, 10, 16)
    loops = {"wholes": by_wholes, "capsules": by_capsules}
    print(
        f"torch {torch.__version__}, {torch.get_num_threads()} threads, {asked.parts} parts, {asked.rounds} rounds"
    )
    for batch in asked.batches:
        parts = squash(torch.randn(batch, asked.parts, 8))
        for name in asked.loop:
            loop = loops[name]
            with torch.no_grad():
                gap = float((layer(parts) - loop(layer, parts)).abs().max())
            for learn in (False, True):
                ours, theirs = [], []
                for _ in range(asked.rounds):
                    ours.append(clock(layer, parts, learn))
                    theirs.append(clock(lambda given, loop=loop: loop(layer, given), parts, learn))
                wall, processor = (
                    [statistics.median(each[k] for each in rows) for rows in (ours, theirs)] for k in (0, 1)
                )
                print(
                    f"batch {batch:>3}, loop over {name:<8}, {'with gradient' if learn else 'forward':<13}: "
                    f"{1e3 * wall[0]:.1f} ms, loop {1e3 * wall[1]:.1f} ms, {wall[1] / wall[0]:.1f} times; "
                    f"processor {processor[1] / processor[0]:.1f} times; largest difference {gap:.1e}"
                )


if __name__ == "__main__":
    main()
