"""A Parquet table larger than memory: its peak memory and its speed, beside the same rows held in memory.

    python benchmarks/larger_than_memory.py --gigabytes 6

writes a table by row groups into a temporary folder, trains one epoch of it streamed in a process of its own (whose
peak resident memory is measured), then one epoch of a part of it held in memory; so in turns, `--rounds` times. Medians are
shown, and the medians of the ratios within a round: of the clock, and of the processor, which other work disturbs less.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy
import polars

NUMBERS, ROWS = 20, 131_072  # columns of numbers, rows of a file's row group
ROW_BYTES = 8 * (NUMBERS + 2) + 2


def group(number: int) -> polars.DataFrame:
    """Return one row group: numbers, a category with gaps, a target that depends on some of them."""
    chance = numpy.random.default_rng(number)
    x = chance.standard_normal((ROWS, NUMBERS))
    x[:, ::4] = numpy.exp(x[:, ::4])
    place = chance.integers(0, 40, ROWS)
    y = x[:, 0] + x[:, 1] * x[:, 2] + numpy.sin(place) + 0.3 * chance.standard_normal(ROWS)
    names = numpy.array([f"place {each}" for each in range(40)])
    columns = {f"x{each}": x[:, each] for each in range(NUMBERS)}
    return polars.DataFrame({**columns, "place": names[place], "y": y})


def write(folder: Path, gigabytes: float, parts: int = 8) -> int:
    """Write the table in parts by row groups; return how many groups."""
    groups = max(2, round(gigabytes * 1e9 / (ROWS * ROW_BYTES)))
    folder.mkdir(parents=True, exist_ok=True)
    per_part = -(-groups // parts)
    for part, first in enumerate(range(0, groups, per_part)):
        path = folder / f"part-{part}.parquet"
        frames = (group(each).lazy() for each in range(first, min(first + per_part, groups)))
        _write_part(path, list(frames))
    return groups


def _write_part(path: Path, frames: list[polars.LazyFrame]) -> None:
    polars.concat(frames, rechunk=False).sink_parquet(path, row_group_size=ROWS, compression="lz4")


def train(source: str, stream: bool, network: str, batch_size: int, steps: int | None) -> dict[str, float]:
    """Train one epoch, or some steps, in this process; return the figures."""
    import neurarium as nr
    from neurarium.training.callbacks.callback import Callback

    class Clock(Callback):
        """Notes when the first and the last step ended."""

        times: tuple[tuple[float, float], ...] = ()

        def step(self, loop, metrics):
            self.times = (*self.times[:1], (time.monotonic(), time.process_time()))

    begun = time.monotonic()
    data = nr.data.table(source, "y", stream=stream)
    read = time.monotonic()
    builder = {"mlp": nr.networks.MLP, "tabm": nr.networks.TabM}[network]
    method, clock = nr.methods.Supervised(builder.for_data(data.inputs, data.targets)), Clock()
    started = time.monotonic()
    how = {"steps": steps} if steps else {"epochs": 1}
    run = nr.fit(method, data, batch_size=batch_size, progress=False, callbacks=[clock], **how)
    seen = min(len(data.train), (steps or len(data.train)) * batch_size)
    return {
        "rows": len(data.train),
        "reading_seconds": read - begun,
        "first_step_seconds": clock.times[0][0] - started,
        "rows_per_second": (seen - batch_size) / (clock.times[-1][0] - clock.times[0][0]),
        "rows_per_processor_second": (seen - batch_size) / (clock.times[-1][1] - clock.times[0][1]),
        "r2": run.history[-1]["validation"]["r2"],
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def measured(source: str, stream: bool, network: str, batch_size: int, steps: int | None) -> dict[str, float]:
    """Run `train` in a process of its own."""
    words = [
        sys.executable,
        __file__,
        "--train",
        source,
        "--network",
        network,
        "--batch-size",
        str(batch_size),
    ]
    words += ["--stream"] if stream else []
    words += ["--steps", str(steps)] if steps else []
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gigabytes", type=float, default=6.0)
    parser.add_argument("--network", default="mlp", choices=["mlp", "tabm"])
    parser.add_argument("--batch-size", type=int, default=1024)
    parser.add_argument(
        "--folder", type=Path, help="where the table is written; a temporary folder by default"
    )
    parser.add_argument("--steps", type=int, help="so many steps instead of an epoch")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--train", help=argparse.SUPPRESS)
    parser.add_argument("--stream", action="store_true", help=argparse.SUPPRESS)
    said = parser.parse_args()
    if said.train:
        print(json.dumps(train(said.train, said.stream, said.network, said.batch_size, said.steps)))
        return
    with tempfile.TemporaryDirectory(dir=said.folder) as folder:
        write(Path(folder) / "whole", said.gigabytes)
        size = sum(each.stat().st_size for each in Path(folder).rglob("*.parquet"))
        part = str(sorted((Path(folder) / "whole").iterdir())[0])
        print(f"{size / 1e9:.2f} GB of Parquet; network {said.network}, batches of {said.batch_size}")
        how = (said.network, said.batch_size, said.steps)
        rounds = [
            {
                "whole, streamed": measured(str(Path(folder) / "whole"), True, *how),
                "a part, in memory": measured(part, False, *how),
            }
            for _ in range(said.rounds)
        ]
    for name in rounds[0]:
        each = {key: statistics.median(turn[name][key] for turn in rounds) for key in rounds[0][name]}
        print(
            f"{name:<18} {each['rows']:>11,} rows  read {each['reading_seconds']:6.1f} s  "
            f"first step {each['first_step_seconds']:4.1f} s  {each['rows_per_second']:>9,.0f} rows/s  "
            f"{each['rows_per_processor_second']:>9,.0f} rows/processor s  R2 {each['r2']:.3f}  "
            f"peak {each['peak_bytes'] / 1e9:.2f} GB"
        )
    for key, what in (
        ("rows_per_second", "speed"),
        ("rows_per_processor_second", "speed by the processor's time"),
    ):
        rate = statistics.median(
            turn["whole, streamed"][key] / turn["a part, in memory"][key] for turn in rounds
        )
        print(f"streamed at {rate:.0%} of the {what} in memory")


if __name__ == "__main__":
    main()
