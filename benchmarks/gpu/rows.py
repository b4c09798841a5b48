"""Published figures that need a GPU: each row is one command, its figure, and what was asked for.

    python benchmarks/gpu/rows.py                       # every row, on CUDA
    python benchmarks/gpu/rows.py resnet-20 nanogpt     # some of them
    python benchmarks/gpu/rows.py --small               # a few steps of each on the processor: that the commands run

A row trains by `neurarium train`, the test split is looked at once, and what comes out stands beside what was published. Rows are
printed as a table; `--small` says nothing of the figures.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple


class Row(NamedTuple):
    """One figure.

    Args:
        command: words after `neurarium train`.
        length: how long it trains there; left out where it runs small.
        small: what makes the network small enough for a few steps on a processor.
        figure: where it stands in what `train --json` prints.
        wanted: what was asked for, in words.
        better: "less" or "more".
        bound: the number that was asked for.
    """

    command: str
    length: str
    small: str
    figure: tuple[str, str]
    wanted: str
    better: str
    bound: float


ROWS = {
    "capsnet": Row(
        "mnist --network capsnet --augment crop --batch-size 128",
        "--epochs 50",
        "",
        ("test", "error"),
        "error of at most 0.36 % (paper 0.25, public reruns 0.30 to 0.36)",
        "less",
        0.0036,
    ),
    "resnet-20": Row(
        "cifar10 --network resnet20 --augment crop,flip --batch-size 128 --set optimizer=sgd --set optimizer.momentum=0.9 "
        "--set learning_rate=0.1 --set weight_decay=0.0001 --set schedule=step --set schedule.drops=0.5,0.75",
        "--epochs 164",
        "",
        ("test", "error"),
        "error 8.75 % on the original images (arXiv:1512.03385, table 6)",
        "less",
        0.0875,
    ),
    "nanogpt": Row(
        "tiny-shakespeare --network decoder --set context=256 --set width=384 --set blocks=6 --set heads=6 --set bias=false "
        "--set dropout=0.2 --set learning_rate=0.001 --set warmup=0.02 --batch-size 64",
        "--steps 5000",
        "--set width=96 --set blocks=2",
        ("validation", "loss"),
        "validation loss 1.47 (nanoGPT's README)",
        "less",
        1.47,
    ),
    "multi30k": Row(
        "multi30k --set vocabulary=10000 --set width=256 --set blocks=4 --set heads=4 --set dropout=0.3 --set average=0.999 "
        "--set loss.label_smoothing=0.1 --batch-size 128",
        "--epochs 40",
        "--set width=64 --set blocks=1",
        ("test", "bleu"),
        "BLEU of at least 38 on test2016 (small transformers publish 41.0)",
        "more",
        38.0,
    ),
}


def without(command: str, replaced: str) -> list[str]:
    """Return the words of a command without the options `--set NAME=...` that are said again."""
    names = {word.split("=")[0] for word in shlex.split(replaced) if "=" in word}
    words = shlex.split(command)
    again = [
        place
        for place, word in enumerate(words)
        if words[place - 1] == "--set" and word.split("=")[0] in names
    ]
    return [word for place, word in enumerate(words) if place not in again and place + 1 not in again]


def run(name: str, row: Row, small: bool, folder: Path) -> str:
    """Train a row; return a line of the table."""
    how = f"--steps 3 --device cpu {row.small}" if small else f"{row.length} --device cuda"
    words = [
        *without(row.command, row.small if small else ""),
        *shlex.split(how),
        "--out",
        str(folder / name),
        "--report",
        "none",
    ]
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "neurarium", "train", *words, "--json"], capture_output=True, text=True
    )
    if done.returncode:
        return f"| {name} | failed: {done.stderr.strip().splitlines()[-1]} | {row.wanted} | |"
    metrics = json.loads(done.stdout.splitlines()[-1])["metrics"]
    split, figure = row.figure
    value = 1 - metrics[split]["accuracy"] if figure == "error" else metrics[split][figure]
    reached = value <= row.bound if row.better == "less" else value >= row.bound
    said = "small" if small else "reached" if reached else "not reached"
    return (
        f"| {name} | {split} {figure} {value:.4f}: {said} | {row.wanted} | {time.monotonic() - begun:.0f} s |"
    )


def main() -> None:
    """Run the rows and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="*", default=list(ROWS), help=f"of {', '.join(ROWS)}")
    parser.add_argument("--small", action="store_true", help="a few steps of each on the processor")
    asked = parser.parse_args()
    if strange := [name for name in asked.rows if name not in ROWS]:
        parser.error(f"no row {', '.join(strange)}; there are {', '.join(ROWS)}")
    print("| row | figure | asked for | time |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name in asked.rows:
            print(run(name, ROWS[name], asked.small, Path(folder)), flush=True)


if __name__ == "__main__":
    main()
