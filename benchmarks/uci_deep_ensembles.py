"""Deep ensembles of five networks of 1 x 50 units on the UCI regression sets, over their published splits.

Lakshminarayanan et al., 2017, arXiv:1612.01474, table 1. The learning rate, the number of steps and the weight decay are
chosen for each set on validation parts of the training rows of the first two splits; then every split is trained on all
its training rows and its test rows are looked at once.

    python benchmarks/uci_deep_ensembles.py concrete energy yacht power --splits 20
"""

from __future__ import annotations

import argparse
import itertools
import math

import numpy
import torch

import neurarium as nr
from neurarium.layers.ensemble import gaussian_moments

PUBLISHED = {  # (RMSE, its deviation, NLL, its deviation), table 1
    "boston": (3.28, 1.00, 2.41, 0.25),
    "concrete": (6.03, 0.58, 3.06, 0.18),
    "energy": (2.09, 0.29, 1.38, 0.22),
    "kin8nm": (0.09, 0.00, -1.20, 0.02),
    "power": (4.11, 0.17, 2.79, 0.04),
    "yacht": (1.58, 0.48, 1.18, 0.21),
}
GRID = {"learning_rate": (0.003, 0.01), "steps": (1000, 4000), "weight_decay": (0.0, 1e-2)}


def train(data, *, learning_rate: float, steps: int, weight_decay: float, seed: int):
    """Train five networks at once, each by its own Gaussian likelihood."""
    torch.manual_seed(seed)
    options = {"widths": (50,), "activation": "relu", "embedding": "none", "distribution": "gaussian"}
    network = nr.networks.Ensemble.for_data(data.inputs, data.targets, size=5, **options)
    method = nr.methods.Supervised(
        network,
        loss="gaussian-nll",
        optimizer="adamw",
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        schedule="cosine",
    )
    nr.fit(method, data, steps=steps, batch_size=100, keep="last", seed=seed, progress=False, validation=())
    return method


@torch.no_grad()
def measure(method, data, split) -> tuple[float, float]:
    """Return RMSE and negative log-likelihood per row, in the units of the data."""
    outputs = method.network.eval()(split.inputs)
    mean, variance = gaussian_moments(outputs.double())
    scale = data.targets.scale[0]
    error = data.targets.original(mean) - data.targets.original(split.targets)
    variance = variance * scale**2
    likelihood = 0.5 * (torch.log(2 * math.pi * variance) + error.square() / variance)
    return float(error.square().mean().sqrt()), float(likelihood.mean())


def chosen(name: str) -> dict[str, float]:
    """Choose the options by the likelihood of validation parts of the first two splits' training rows."""
    scores: dict[tuple, float] = {}
    for split in range(2):
        data = nr.data.load(f"uci-{name}", split=split, validation=0.2)
        for values in itertools.product(*GRID.values()):
            method = train(data, seed=split, **dict(zip(GRID, values, strict=True)))
            scores[values] = scores.get(values, 0.0) + measure(method, data, data.validation)[1]
    best = min(scores, key=scores.get)
    return dict(zip(GRID, best, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", default=["concrete", "energy", "yacht", "power"])
    parser.add_argument("--splits", type=int, default=20)
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # the networks are tiny: a second thread only waits
    for name in arguments.names:
        options = chosen(name)
        rows = []
        for split in range(arguments.splits):
            data = nr.data.load(f"uci-{name}", split=split)
            rows.append(measure(train(data, seed=split, **options), data, data.test))
        table = numpy.array(rows)
        mean, error = table.mean(0), table.std(0, ddof=1) / math.sqrt(len(table))
        paper = PUBLISHED[name]
        print(
            f"{name:9} RMSE {mean[0]:.2f} +- {error[0]:.2f} (paper {paper[0]:.2f})   "
            f"NLL {mean[1]:.2f} +- {error[1]:.2f} (paper {paper[2]:.2f})   {options}",
            flush=True,
        )


if __name__ == "__main__":
    main()
