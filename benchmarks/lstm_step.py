"""A training step of an LSTM (512 units, 128 steps, 32 sequences) beside plain torch; the scan of minGRU beside a loop.

    python benchmarks/lstm_step.py                # 9 rounds of each way: some two minutes on two cores
    python benchmarks/lstm_step.py --rounds 3 --width 64

Plain torch is `nn.LSTM` and the mean over steps; ours is `layers.Recurrent`. Both take forward, backward and a step of fused
AdamW, in float32, with weights and inputs in bfloat16, and by autocast over float32 weights, as `--precision bfloat16` trains. The
ways take turns, so that other work on the machine meets all alike; medians are shown, of the clock and of the processor. Before anything is timed both must give the same states to 1e-5 from the same weights.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from neurarium.layers import Recurrent
from neurarium.layers.recurrent_variants import MinimalDirection


def stepper(
    network: Callable[[Tensor], Tensor], parameters: list[Tensor], inputs: Tensor
) -> Callable[[], None]:
    """Return one training step towards a state of zeros."""
    optimizer = torch.optim.AdamW(parameters, lr=1e-4, fused=True)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        network(inputs).mean(dim=1).square().sum().backward()
        optimizer.step()

    return step


def same(width: int, inputs: Tensor) -> tuple[nn.LSTM, Recurrent]:
    """Return torch's layer and ours with the same weights.

    Raises:
        SystemExit: their states differ.
    """
    torch.manual_seed(0)
    plain, ours = nn.LSTM(width, width, batch_first=True), Recurrent(width, width, "lstm")
    direction = ours.forwards[0]
    with torch.no_grad():
        for name, part in (("ih", direction.input), ("hh", direction.recurrent)):
            getattr(plain, f"weight_{name}_l0").copy_(part.weight)
            getattr(plain, f"bias_{name}_l0").copy_(part.bias)
        mask = torch.ones(inputs.shape[:2], dtype=torch.bool)
        apart = float((plain(inputs)[0] - ours(inputs, mask)).abs().max())
    if apart > 1e-5:
        raise SystemExit(f"the states differ by {apart}")
    return plain, ours


def ways(width: int, length: int, batch: int) -> dict[str, Callable[[], object]]:
    """Return the steps by name."""
    found: dict[str, Callable[[], object]] = {}
    mask = torch.ones(batch, length, dtype=torch.bool)
    for kind in (torch.float32, torch.bfloat16):
        inputs = torch.randn(batch, length, width)
        plain, ours = same(width, inputs)
        plain, ours, inputs = plain.to(kind), ours.to(kind), inputs.to(kind)
        name = str(kind).removeprefix("torch.")

        def of_torch(x: Tensor, layer: nn.LSTM = plain) -> Tensor:
            return layer(x)[0]

        def of_ours(x: Tensor, layer: Recurrent = ours) -> Tensor:
            return layer(x, mask)

        found[f"nn.LSTM, {name}"] = stepper(of_torch, list(plain.parameters()), inputs)
        found[f"ours, {name}"] = stepper(of_ours, list(ours.parameters()), inputs)
    plain, ours = same(width, inputs := torch.randn(batch, length, width))

    def by_torch(x: Tensor, layer: nn.LSTM = plain) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return layer(x)[0]

    def by_ours(x: Tensor, layer: Recurrent = ours) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return layer(x, mask)

    found["nn.LSTM, autocast"] = stepper(by_torch, list(plain.parameters()), inputs)
    found["ours, autocast"] = stepper(by_ours, list(ours.parameters()), inputs)
    minimal = MinimalDirection(width, width, "min-gru")
    inputs = torch.randn(batch, length, width)
    found["min-gru, scan"] = stepper(minimal, list(minimal.parameters()), inputs)

    def looped(x: Tensor) -> Tensor:
        keep, take = minimal.gates(x)
        state, states = torch.zeros_like(take[:, 0]), []
        for step in range(take.shape[1]):
            state = keep[:, step] * state + take[:, step]
            states.append(state)
        return torch.stack(states, dim=1)

    found["min-gru, loop"] = stepper(looped, list(minimal.parameters()), inputs)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, value in (("rounds", 9), ("width", 512), ("length", 128), ("batch", 32)):
        parser.add_argument(f"--{name}", type=int, default=value)
    asked = parser.parse_args()
    steps = ways(asked.width, asked.length, asked.batch)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in steps}
    for turn in range(asked.rounds + 1):
        for name, step in steps.items():
            begun = time.perf_counter(), time.process_time()
            step()
            if turn:  # the first of each does not count
                times[name].append((time.perf_counter() - begun[0], time.process_time() - begun[1]))
    least = {
        name: [statistics.median(each) for each in zip(*found, strict=True)] for name, found in times.items()
    }
    for name, (wall, work) in least.items():
        print(f"{name:<20} {1000 * wall:9.1f} ms  processor {1000 * work:9.1f} ms")
    pairs = [(f"ours, {kind}", f"nn.LSTM, {kind}") for kind in ("float32", "bfloat16", "autocast")]
    pairs += [("ours, autocast", "ours, float32"), ("min-gru, scan", "min-gru, loop")]
    for one, other in pairs:
        ratios = [
            statistics.median(a[kind] / b[kind] for a, b in zip(times[one], times[other], strict=True))
            for kind in (0, 1)
        ]
        print(f"{one} / {other}: {ratios[0]:.3f}  processor {ratios[1]:.3f}")


if __name__ == "__main__":
    main()
