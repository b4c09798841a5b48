"""Decoding: a folder of JPEGs, read by `nr.data.images`, beside plain Pillow; later epochs beside tensors in memory.

    python benchmarks/image_decoding.py                    # 10,000 JPEGs of 256 x 256
    python benchmarks/image_decoding.py --count 2000       # fewer

The photographs are cut at random places out of those of hymenoptera (NEURARIUM_DATA), or made of smooth noise where that
set is not there, and written into a temporary folder, two classes. All readers are given the same processors; rounds are
interleaved, and medians are shown.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import itertools
import os
import statistics
import tempfile
import time
from pathlib import Path

import numpy
import torch
from PIL import Image

import neurarium as nr
from neurarium.data.examples import Examples
from neurarium.data.sources import Minibatches

SIDE = (
    128  # what our reader makes of images of 256 pixels when asked for size=128; the plain loops do the same
)


def photographs(folder: Path, count: int) -> list[Path]:
    """Write `count` JPEGs of 256 x 256 into two folders."""
    source = os.environ.get("NEURARIUM_DATA")
    sheets = _hymenoptera() if source and (Path(source) / "hymenoptera").is_dir() else _noise()
    random = numpy.random.default_rng(0)
    paths = []
    for number in range(count):
        sheet = sheets[number % len(sheets)]
        left, top = (int(random.integers(0, size - 256 + 1)) for size in sheet.size)
        path = folder / ("a", "b")[number % 2] / f"{number:06}.jpg"
        path.parent.mkdir(exist_ok=True)
        sheet.crop((left, top, left + 256, top + 256)).save(path, quality=90)
        paths.append(path)
    return paths


def _hymenoptera() -> list[Image.Image]:
    import zipfile

    archive = zipfile.ZipFile(Path(os.environ["NEURARIUM_DATA"]) / "hymenoptera" / "hymenoptera_data.zip")
    names = sorted(each for each in archive.namelist() if each.endswith(".jpg"))[:60]
    sheets = [Image.open(archive.open(name)).convert("RGB") for name in names]
    return [each for each in sheets if min(each.size) >= 256]


def _noise() -> list[Image.Image]:
    random = numpy.random.default_rng(0)
    small = [random.integers(0, 256, (24, 24, 3), dtype=numpy.uint8) for _ in range(20)]
    return [Image.fromarray(each).resize((400, 400), Image.Resampling.BICUBIC) for each in small]


def plain(path: Path) -> numpy.ndarray:
    """What a loop by hand does with a file: open, convert, resize."""
    with Image.open(path) as image:
        return numpy.asarray(image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR))


def one_after_another(paths: list[Path]) -> None:
    for path in paths:
        plain(path)


def in_threads(paths: list[Path]) -> None:
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(plain, paths):
            pass


def in_processes(paths: list[Path]) -> None:
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(plain, paths, chunksize=64):
            pass


def seconds(work) -> float:
    return measured(work)[0]


def measured(work) -> tuple[float, float]:
    """Return the seconds that passed, and those that processors worked for it, children included."""
    start, before = time.perf_counter(), os.times()
    work()
    took, after = time.perf_counter() - start, os.times()
    return took, sum(after[:4]) - sum(before[:4])


def loading(folder: Path, paths: list[Path], rounds: int) -> None:
    """Time reading a folder once."""
    count, cache = len(paths), itertools.count()

    def ours(storage: str) -> None:
        os.environ["NEURARIUM_CACHE"] = str(folder.parent / f"cache{next(cache)}")  # each time from the files
        nr.data.images(folder, size=SIDE, storage=storage)

    ways = {
        "plain Pillow, one thread": lambda: one_after_another(paths),
        "plain Pillow, threads": lambda: in_threads(paths),
        "plain Pillow, processes": lambda: in_processes(paths),
        "nr.data.images, storage=memory": lambda: ours("memory"),
        "nr.data.images, storage=disk": lambda: ours("disk"),
        "nr.data.images, storage=files": lambda: ours("files"),
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, work in ways.items():
            times[name].append(measured(work))
    base = times["plain Pillow, threads"]
    print(
        f"\n| first epoch, {count:,} files | images/s | of plain Pillow in threads | processor ms per image | of it |"
    )
    print("|---|---|---|---|---|")
    for name, found in times.items():
        speed, work = (
            statistics.median(b[k] / t[k] for b, t in zip(base, found, strict=True)) for k in (0, 1)
        )
        wall, busy = (statistics.median(each) for each in zip(*found, strict=True))
        print(f"| {name} | {count / wall:,.0f} | {speed:.2f} | {1000 * busy / count:.2f} | {work:.2f} |")


def epochs(folder: Path, rounds: int) -> None:
    """Time an epoch of batches after the first, with a step of a small convolution and without."""
    os.environ["NEURARIUM_CACHE"] = str(folder.parent / "cache")
    held = {where: nr.data.images(folder, size=SIDE, storage=where) for where in ("memory", "disk", "files")}
    tensors = Examples(
        {"inputs": held["memory"].train.take(slice(None))["inputs"], "targets": held["memory"].train.targets}
    )
    splits = {
        "float tensors in memory": tensors,
        **{f"storage={where}": each.train for where, each in held.items()},
    }
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 16, 3, 2), torch.nn.ReLU(), torch.nn.Conv2d(16, 32, 3, 2), torch.nn.ReLU(),
        torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(32, 1),
    )  # fmt: skip

    def batches(split) -> None:
        for _ in Minibatches(split, 64, seed=0):
            pass

    def steps(split) -> None:
        for batch in Minibatches(split, 64, seed=0):
            network(batch["inputs"]).sum().backward()

    times: dict[str, list[tuple[float, float]]] = {name: [] for name in splits}
    for _ in range(rounds):
        for name, split in splits.items():
            times[name].append((seconds(lambda s=split: batches(s)), seconds(lambda s=split: steps(s))))
    base = times["float tensors in memory"]
    print(
        f"\n| a later epoch, {len(tensors):,} images | batches alone, images/s | with a small CNN's step | of tensors |"
    )
    print("|---|---|---|---|")
    for name, found in times.items():
        alone, learned = (len(tensors) / statistics.median(each) for each in zip(*found, strict=True))
        share = statistics.median(b[1] / t[1] for b, t in zip(base, found, strict=True))
        print(f"| {name} | {alone:,.0f} | {learned:,.0f} | {share:.2f} |")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    print(
        f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}, torch {torch.__version__}, {torch.get_num_threads()} threads"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "photographs"
        folder.mkdir()
        paths = photographs(folder, given.count)
        loading(folder, paths, given.rounds)
        epochs(folder, given.rounds)


if __name__ == "__main__":
    main()
