"""The figures of docs/chapters/08-measuring.md: `python benchmarks/measuring.py`. Digits alone, no download, under a minute.

What is measured: the processor time of bootstrap intervals; temperature scaling (fitted on the validation part, measured on
the test part), conformal sets (200 random halves of both parts: one calibrates, the other measures) and a paired comparison
of small networks on handwritten digits.
"""

from __future__ import annotations

import time

import torch

import neurarium as nr
from neurarium.metrics import (
    Accuracy,
    ExpectedCalibrationError,
    LogLoss,
    bootstrap,
    bootstrap_set,
    metrics_for,
)
from neurarium.studies import calibrate_sets, compare, fit_temperature, set_coverage
from neurarium.studies.prediction.seen import predictions_of


def clock(what: str, work, repeats: int = 3) -> None:
    """Print the least processor time of several calls, on one thread."""
    least = min(_seconds(work) for _ in range(repeats))
    print(f"{what}: {least:.2f} s")


def _seconds(work) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def intervals() -> None:
    """Time 1,000 resamples of 10,000 examples."""
    source = torch.Generator().manual_seed(0)
    scores = torch.softmax(torch.randn(10_000, 10, generator=source), 1)
    classes = torch.randint(0, 10, (10_000,), generator=source)
    values, truth = torch.randn(2, 10_000, 1, generator=source)
    clock("bootstrap accuracy, 10,000 x 1,000", lambda: bootstrap("accuracy", scores, classes))
    clock("bootstrap rmse, 10,000 x 1,000", lambda: bootstrap("rmse", values, truth))
    two = torch.softmax(torch.randn(10_000, 2, generator=source), 1)
    clock("bootstrap auc of two classes", lambda: bootstrap("auc", two, classes % 2))
    clock(
        "bootstrap all ten metrics of ten classes",
        lambda: bootstrap_set(metrics_for(_Classes()), scores, classes),
        1,
    )


class _Classes:
    kind = "classification"


def trained(seed: int, data, width: int):
    """Train a network long enough to become too sure of itself."""
    torch.manual_seed(seed)
    network = nr.networks.MLP.for_data(data.inputs, data.targets, widths=(width, width))
    run = nr.fit(nr.methods.Supervised(network), data, epochs=60, batch_size=128, seed=seed, progress=False)
    return run.method


def logits(method, split) -> tuple[torch.Tensor, torch.Tensor]:
    """Return log-probabilities (logits up to a constant) and targets."""
    seen = predictions_of(method, split)
    return seen.predictions.double().clamp(min=1e-30).log(), seen.targets


def halves(one, two, how: str, times: int = 200) -> tuple[float, float]:
    """Return mean coverage and size over random halves: one half calibrates, the other is covered."""
    scores, targets = torch.softmax(torch.cat([one[0], two[0]]), 1), torch.cat([one[1], two[1]])
    shares, sizes = [], []
    for turn in range(times):
        order = torch.randperm(len(targets), generator=torch.Generator().manual_seed(turn))
        held, fresh = order.split(len(order) // 2)[:2]
        sets = calibrate_sets(scores[held], targets[held], level=0.9, how=how, seed=turn)
        found = set_coverage(sets.sets(scores[fresh], seed=times + turn, allow_empty=True), targets[fresh])
        shares.append(found.share.estimate)
        sizes.append(found.size)
    return sum(shares) / times, sum(sizes) / times


def digits(seeds: int = 5) -> None:
    """Calibrate, make conformal sets, and compare two networks."""
    data = nr.data.load("digits")
    rows = []
    for seed in range(seeds):
        method = trained(seed, data, 8)
        held, fresh = logits(method, data.validation), logits(method, data.test)
        found = fit_temperature(*held)
        before, after = torch.softmax(fresh[0], 1), found.probabilities(fresh[0])
        row = {"temperature": found.temperature}
        for name, scores in (("before", before), ("after", after)):
            row[f"accuracy {name}"] = Accuracy().value(scores, fresh[1])
            row[f"log-loss {name}"] = LogLoss().value(scores, fresh[1])
            row[f"calibration error {name}"] = ExpectedCalibrationError().value(scores, fresh[1])
        for how in ("lac", "aps"):
            row[f"{how} coverage of 0.90"], row[f"{how} mean size"] = halves(held, fresh, how)
        rows.append(row)
    for name in rows[0]:
        values = torch.tensor([row[name] for row in rows], dtype=torch.float64)
        print(f"{name}: {values.mean():.4f} +- {values.std():.4f} ({seeds} seeds)")
    wide, narrow = (
        predictions_of(trained(0, data, 128), data.test),
        predictions_of(trained(0, data, 8), data.test),
    )
    print(compare(wide.predictions, narrow.predictions, wide.targets, names=("2 x 128", "2 x 8")))


if __name__ == "__main__":
    torch.set_num_threads(1)
    intervals()
    digits()
