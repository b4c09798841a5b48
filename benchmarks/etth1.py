"""ETTh1: the tables of Zeng et al. (arXiv:2205.13504), Nie et al. (arXiv:2211.14730), Liu et al. (arXiv:2310.06625), trained again.

    python benchmarks/etth1.py --networks dlinear --horizons 96,192,336,720 --seeds 0,1,2 --out etth1.jsonl
    python benchmarks/etth1.py --table etth1.jsonl
    python benchmarks/etth1.py --networks i-transformer --horizons 96,192      # look-back 96; its scripts take --set width=512 above
    python benchmarks/etth1.py --plain --horizons 720     # DLinear's program written again in plain torch: both of its starts

All 7 columns, look-back 336 (iTransformer: 96), standardized by the 12 months that train; 4 months validate and pick the epoch, 4 months test, on every window.
The papers' loaders leave the last incomplete batch of the test part out (of 32 windows, PatchTST's of 128): all is printed both
ways.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

import numpy
import torch

import neurarium as nr
from neurarium.data.catalogue import fetch
from neurarium.data.specs import Horizon
from neurarium.studies.evaluation.forecasting import forecast_report

# MSE and MAE as printed, by horizon.
PRINTED = {
    "repeat-last": {96: (1.295, 0.713), 192: (1.325, 0.733), 336: (1.323, 0.744), 720: (1.339, 0.756)},
    "dlinear": {96: (0.375, 0.399), 192: (0.405, 0.416), 336: (0.439, 0.443), 720: (0.472, 0.490)},
    "nlinear": {96: (0.374, 0.394), 192: (0.408, 0.415), 336: (0.429, 0.427), 720: (0.440, 0.453)},
    "patch-tst": {96: (0.375, 0.399), 192: (0.414, 0.421), 336: (0.431, 0.436), 720: (0.449, 0.466)},
    "i-transformer": {96: (0.386, 0.405), 192: (0.441, 0.436), 336: (0.487, 0.458), 720: (0.503, 0.491)},
}
LOOKBACKS = {"i-transformer": 96}  # of all others 336
HALVED = {"schedule": "step", "schedule.drops": tuple(n / 10 for n in range(2, 10)), "schedule.factor": 0.5}
# The authors' 100 epochs at 0.9 per epoch from the fifth on: after 40 the rate is 2 % of what it was.
SLOWLY = {"schedule": "step", "schedule.drops": tuple(n / 40 for n in range(4, 40)), "schedule.factor": 0.9}
PUBLISHED: dict[str, dict[str, Any]] = {
    "dlinear": {
        "options": {"optimizer": "adam", "learning_rate": 5e-3, **HALVED},
        "epochs": 10,
        "batch_size": 32,
        "patience": 3,
    },
    "nlinear": {
        "options": {"optimizer": "adam", "learning_rate": 5e-3, **HALVED},
        "epochs": 10,
        "batch_size": 32,
        "patience": 3,
    },
    "patch-tst": {
        "options": {"optimizer": "adam", "learning_rate": 1e-4, **SLOWLY},
        "epochs": 40,
        "batch_size": 128,
        "patience": 8,
    },
    "i-transformer": {
        "options": {"optimizer": "adam", "learning_rate": 1e-4, "width": 256, **HALVED},
        "epochs": 10,
        "batch_size": 32,
        "patience": 3,
    },
    "default": {"options": {}},
}


def trained(network: str, horizon: int, seed: int, data: Any, more: dict[str, Any]) -> dict[str, Any]:
    """Train one, and measure it on validation and test."""
    given = {**PUBLISHED.get(network, {"options": {}}), **more}
    begun = time.perf_counter()
    run = nr.studies.train(
        data, None if network == "default" else network, seed=seed, progress=False, evaluate=False, **given
    )
    took = time.perf_counter() - begun
    size = PUBLISHED.get(network, {}).get("batch_size", 32)
    parts = {
        "validation": data.validation, "test": data.test,
        "cut": data.test.subset(torch.arange(len(data.test) // size * size)),
    }  # fmt: skip
    found = {
        name: forecast_report(run.method, part, data.targets, name="etth1", split=name, resamples=0).metrics
        for name, part in parts.items()
    }
    return {
        "network": network, "horizon": horizon, "seed": seed, "seconds": round(took, 1), "epochs": run.history[-1]["epoch"],
        "validation": found["validation"]["mse"], "mse": found["test"]["mse"], "mae": found["test"]["mae"],
        "cut": found["cut"]["mse"], "cut mae": found["cut"]["mae"],
    }  # fmt: skip


def plain(horizon: int, seed: int, lookback: int, start: str) -> dict[str, Any]:
    """DLinear as its authors' program trains it, in plain torch on the bare numbers; nothing of ours but the file.

    Adam at 0.005, halved after each epoch from the second on; 10 epochs of batches of 32 in random order, the last
    incomplete one left out in training and in validation; patience 3. `start`: "flat" (1 / lookback, their first
    versions), or "random" (torch's, their last one).
    """
    begun = time.perf_counter()
    torch.manual_seed(seed)
    cuts = _plain_windows(lookback + horizon, lookback)
    maps = [torch.nn.Linear(lookback, horizon) for _ in range(2)]
    if start == "flat":
        for each in maps:
            torch.nn.init.constant_(each.weight, 1 / lookback)
    parameters = [part for each in maps for part in each.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=5e-3)

    def error(windows: torch.Tensor) -> torch.Tensor:  # of windows (batch, channels, steps)
        seen = windows[..., :lookback]
        trend = torch.nn.functional.avg_pool1d(
            torch.nn.functional.pad(seen, (12, 12), mode="replicate"), 25, stride=1
        )
        return maps[0](seen - trend) + maps[1](trend) - windows[..., lookback:]

    def measured(part: torch.Tensor, last: bool) -> tuple[float, float]:
        with torch.no_grad():
            errors = [error(each) for each in part.split(32) if last or len(each) == 32]
        count = sum(each.numel() for each in errors)
        return sum(float(e.square().sum()) for e in errors) / count, sum(
            float(e.abs().sum()) for e in errors
        ) / count

    best, bad, kept = float("inf"), 0, [each.detach().clone() for each in parameters]
    for epoch in range(1, 11):
        order = torch.randperm(len(cuts["train"]))
        for batch in order[: len(order) // 32 * 32].split(32):
            optimizer.zero_grad()
            error(cuts["train"][batch]).square().mean().backward()
            optimizer.step()
        optimizer.param_groups[0]["lr"] = 5e-3 * 0.5 ** (epoch - 1)
        validation = measured(cuts["validation"], last=False)[0]
        if validation <= best:
            best, bad, kept = validation, 0, [each.detach().clone() for each in parameters]
        elif (bad := bad + 1) == 3:
            break
    for own, each in zip(parameters, kept, strict=True):
        own.data.copy_(each)
    mse, mae = measured(cuts["test"], last=True)
    return {
        "network": f"dlinear plain {start}", "horizon": horizon, "seed": seed, "seconds": round(time.perf_counter() - begun, 1),
        "epochs": epoch, "validation": best, "mse": mse, "mae": mae,
    }  # fmt: skip


def _plain_windows(length: int, lookback: int) -> dict[str, torch.Tensor]:
    """All windows of the three parts of ETTh1, `(windows, channels, steps)`, read without our readers."""
    table = numpy.loadtxt(fetch("etth1") / "ETTh1.csv", delimiter=",", skiprows=1, usecols=range(1, 8))
    month = 30 * 24
    table = (table - table[: 12 * month].mean(axis=0)) / table[: 12 * month].std(axis=0)
    values = torch.from_numpy(table).float()
    ends = {"train": (lookback, 12), "validation": (12 * month, 16), "test": (16 * month, 20)}
    return {
        name: values[first - lookback : last * month].unfold(0, length, 1)
        for name, (first, last) in ends.items()
    }


def options_of(network: str, given: list[str]) -> dict[str, Any]:
    """The published options and those of the command line; another schedule takes nothing of the published one."""
    said = dict(each.split("=", 1) for each in given)
    usual = PUBLISHED.get(network, {}).get("options", {})
    kept = {k: v for k, v in usual.items() if "schedule" not in said or not k.startswith("schedule")}
    return {**kept, **said}


def repeat_last(horizon: int, data: Any, batch: int = 32) -> dict[str, Any]:
    """The last value over and over: on all windows, and without the last incomplete batch, as it was printed."""
    whole = data.test.take(slice(None))
    error = (whole["targets"] - whole["inputs"]["series"][:, -1:]).double()
    kept = error[: len(error) // batch * batch]
    found = {
        "mse": error.square().mean(),
        "mae": error.abs().mean(),
        "cut": kept.square().mean(),
        "cut mae": kept.abs().mean(),
    }
    return {
        "network": "repeat-last",
        "horizon": horizon,
        **{name: float(value) for name, value in found.items()},
    }


def show(rows: list[dict[str, Any]]) -> None:
    """Print the table: mean and standard deviation over seeds, beside what was printed."""
    print(
        f"{'network':<24} {'horizon':>7} {'MSE':>7} {'±':>6} {'printed':>8} {'MAE':>7} {'printed':>8} {'seeds':>6} {'s':>7}"
    )
    for name, horizon in sorted({(row["network"], row["horizon"]) for row in rows}):
        own = [row for row in rows if (row["network"], row["horizon"]) == (name, horizon)]
        mse, mae = ([row[key] for row in own] for key in ("mse", "mae"))
        printed = PRINTED.get(name.partition(" ")[0], {}).get(horizon, ("", ""))
        spread = f"{statistics.stdev(mse):.3f}" if len(own) > 1 else ""
        took = statistics.fmean(row.get("seconds", 0) for row in own)
        print(f"{name:<24} {horizon:>7} {statistics.fmean(mse):>7.3f} {spread:>6} {printed[0]:>8} {statistics.fmean(mae):>7.3f} "
              f"{printed[1]:>8} {len(own):>6} {took:>7.0f}")  # fmt: skip
        if "cut" in own[0]:
            mse, mae = ([row[key] for row in own if key in row] for key in ("cut", "cut mae"))
            print(
                f"{'  last batch left out':<24} {horizon:>7} {statistics.fmean(mse):>7.3f} {'':>6} {printed[0]:>8} "
                f"{statistics.fmean(mae):>7.3f} {printed[1]:>8}"
            )


def keep(rows: list[dict[str, Any]], row: dict[str, Any], out: Path | None) -> None:
    """Add a row to the others, to what is printed, and to the file."""
    rows.append(row)
    print(json.dumps(row), flush=True)
    if out:
        with out.open("a") as stream:
            stream.write(json.dumps(row) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--networks", default="dlinear")
    parser.add_argument("--horizons", default="96,192,336,720")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--lookback", type=int, help="in place of the published one")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="options of the training"
    )
    parser.add_argument(
        "--plain", action="store_true", help="DLinear's own program, written again in plain torch"
    )
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--label", default="", help="what the rows are called beside the network's name")
    parser.add_argument("--out", type=Path, help="a file that gets a JSON line per run")
    parser.add_argument("--table", type=Path, help="print the table of such a file, and train nothing")
    said = parser.parse_args()
    if said.table:
        show([json.loads(line) for line in said.table.read_text().splitlines()])
        return
    rows = []
    more = {
        name: value for name, value in (("epochs", said.epochs), ("batch_size", said.batch_size)) if value
    }
    for seed in said.seeds.split(","):
        for horizon in map(int, said.horizons.split(",")):
            if said.plain:
                for start in ("flat", "random"):
                    keep(rows, plain(horizon, int(seed), said.lookback or 336, start), said.out)
                continue
            for network in said.networks.split(","):
                lookback = said.lookback or LOOKBACKS.get(network, 336)
                data = nr.data.load("etth1", horizon=horizon, lookback=lookback)
                assert isinstance(data.targets, Horizon)
                if network == "repeat-last":
                    row = repeat_last(horizon, data)
                else:
                    options = options_of(network, said.set)
                    row = trained(network, horizon, int(seed), data, {**more, "options": options})
                row["network"] = f"{row['network']} {said.label}".strip()
                keep(rows, row, said.out)
    show(rows)


if __name__ == "__main__":
    torch.set_num_threads(int(__import__("os").environ.get("OMP_NUM_THREADS", "2")))
    main()
