"""Pictures as they are looked at: every file or array decoded once, to the few numbers that are compared."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy
from PIL import Image as Pillow
from PIL import ImageOps

from neurarium.data.dataset import Dataset
from neurarium.data.readers.folders import Folder, inner_folder, read_folder, split_folders
from neurarium.data.readers.listing import read_listing
from neurarium.data.readers.pictures import formats, quietly
from neurarium.data.readers.stacks import as_stack

TURNED = (5, 6, 7, 8)  # these orientations exchange the sides
HASH, THUMB = 8, 16  # sides of the hash and of the picture that is compared
DRAFT = 256  # JPEG files are decoded no finer than they are looked at


@dataclasses.dataclass(frozen=True)
class Picture:
    """What is kept of an image.

    Args:
        name: its file, or its place among the images of its split.
        split, label: where it stands.
        height, width: in pixels, as it is shown.
        mode, form: how its file holds it; empty for arrays.
        frames: pictures of an animation.
        turned: its camera was held sideways, or upside down (EXIF).
        digest: of its bytes.
        hash: 64 bits, each whether a place is darker than the one to its right (dHash).
        thumb: `(16, 16)` grey, bytes.
        mean, deviation: per channel, 0 to 255.
        flat: all pixels are equal.
    """

    name: str
    split: str
    label: str
    height: int
    width: int
    mode: str
    form: str
    frames: int
    turned: bool
    digest: bytes
    hash: int
    thumb: numpy.ndarray
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    flat: bool


@dataclasses.dataclass
class Pictures:
    """The images of a dataset.

    Args:
        name: how they are called.
        seen: those that could be decoded.
        broken: name and reason of each that could not.
        counts: for each split, how many images each class has, whether looked at or not.
        looked_at: how many were looked at, and of how many.
        way: how the splits were made.
    """

    name: str
    seen: list[Picture]
    broken: list[dict[str, str]]
    counts: dict[str, dict[str, int]]
    looked_at: tuple[int, int]
    way: str

    @property
    def files(self) -> bool:
        """Whether the images are files, and not arrays."""
        return any(each.mode for each in self.seen)


def of_dataset(dataset: Dataset, most: int) -> Pictures | None:
    """Look at the images a dataset was read from; None where they are of no kind that is known here."""
    reread = dataset.rereading
    if reread is None:
        return None
    source = reread.source[0] if reread.source else None
    way = next((str(each.choice) for each in dataset.decisions if each.subject == "split"), "given")
    if isinstance(source, str | os.PathLike):
        folders = _folders(Path(source), reread.options)
        if folders is not None:
            return _of_folders(dataset, folders, most, way)
    return _of_stacks(dataset, most, way)


def _folders(path: Path, options: Mapping[str, Any]) -> dict[str, Folder] | None:
    """Find the files of each part; None for arrays and archives."""
    given = {key: options.get(key) for key in ("validation", "test")}
    others = {key: Path(each) for key, each in given.items() if isinstance(each, str | os.PathLike)}
    if path.is_dir():
        if any("idx" in each.name.lower() and "ubyte" in each.name.lower() for each in path.iterdir()):
            return None
        root = inner_folder(path)
        sources = {"train": root, **split_folders(root), **others}
        return {key: read_folder(each, path if path in each.parents else each.parent)
                for key, each in sources.items()}  # fmt: skip
    if options.get("image"):
        target = options.get("target") or ""
        columns = [each.strip() for each in target.split(",")] if isinstance(target, str) else list(target)
        where = options.get("folder")
        return {key: read_listing(each, options["image"], columns, Path(where) if where else None)
                for key, each in {"train": path, **others}.items()}  # fmt: skip
    return None


def _of_folders(dataset: Dataset, folders: dict[str, Folder], most: int, way: str) -> Pictures:
    names = getattr(dataset.targets, "names", ())
    for folder in folders.values():
        folder.labels = folder.labels or _labels(folder, names)
    places = {split: places_of(dataset, split, len(folder.paths)) for split, folder in folders.items()}
    return of_folders(dataset.name, folders, places, most, way)


def of_folders(
    name: str, folders: Mapping[str, Folder], places: Mapping[str, Sequence[str]], most: int, way: str
) -> Pictures:
    """Look at the images of folders.

    Args:
        name: how they are called.
        folders: by part; their `labels` say the class of each image, empty for none.
        places: of each part, the split of each of its images.
        most: how many are decoded.
        way: how the splits were made.
    """
    jobs: list[tuple[Path, str, str, str]] = []
    broken: list[dict[str, str]] = []
    total = sum(len(folder.paths) for folder in folders.values())
    for part, folder in folders.items():
        broken += folder.quarantined
        labels = folder.labels or [""] * len(folder.paths)
        for path, label, split in zip(folder.paths, labels, places[part], strict=True):
            jobs.append((path, folder.name(path), label, split))
    chosen = sorted(jobs, key=lambda job: hashlib.blake2b(job[1].encode()).digest())[:most]
    chosen.sort(key=lambda job: job[1])
    seen = []
    for job, found in zip(chosen, _decoded(chosen), strict=True):
        if isinstance(found, str):
            broken.append({"file": job[1], "reason": found})
        else:
            seen.append(found)
    counts: dict[str, dict[str, int]] = {}
    for _, _, label, split in jobs:
        counts.setdefault(split, {}).setdefault(label, 0)
        counts[split][label] += 1
    unique = {each["file"]: each for each in broken}
    return Pictures(name, seen, list(unique.values()), counts, (len(chosen), total), way)


def _labels(folder: Folder, names: Sequence[str]) -> list[str]:
    """Labels of a listing: one column of classes, else none."""
    if folder.frame is None or folder.frame.width != 1 or not names:
        return [""] * len(folder.paths)
    return [str(each) for each in folder.frame.to_series().to_list()]


def places_of(dataset: Dataset, part: str, count: int) -> list[str]:
    """Return the split of each file of a part: the training folder is cut, the others are whole."""
    if part != "train":
        return [part] * count
    places = ["train"] * count
    rows = {key: numpy.asarray(each) for key, each in dataset.rows.items()}
    for key in ("validation", "test"):
        if key in rows and len(rows[key]) and rows[key].max() < count and _apart(rows, key):
            for place in rows[key]:
                places[int(place)] = key
    return places


def _apart(rows: Mapping[str, numpy.ndarray], key: str) -> bool:
    """Say whether rows are counted in the same source as the training rows."""
    return not numpy.isin(rows[key], rows["train"]).any()


def _decoded(jobs: Sequence[tuple[Path, str, str, str]]) -> Iterator[Picture | str]:
    with quietly(), concurrent.futures.ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        yield from pool.map(lambda job: look(job[0], job[1], job[3], job[2]), jobs)


def look(path: Path, name: str, split: str, label: str) -> Picture | str:
    """Decode an image file once, and keep what is compared; or say why that cannot be done."""
    try:
        content = path.read_bytes()
        with Pillow.open(path, formats=formats()) as opened:
            mode, form = opened.mode, opened.format or ""
            frames = int(getattr(opened, "n_frames", 1))
            orientation = opened.getexif().get(0x0112, 1)
            width, height = opened.size[::-1] if orientation in TURNED else opened.size
            if form == "JPEG" and mode in ("L", "RGB"):
                opened.draft(mode, (DRAFT, DRAFT))
            opened.load()
            pixels = _pixels(ImageOps.exif_transpose(opened))
    except (
        Exception
    ) as error:  # Pillow's plugins raise anything on bytes that are none of their format; it is reported
        if not path.exists() or not path.stat().st_size:
            return "the file is empty"
        unknown = isinstance(error, Pillow.UnidentifiedImageError)
        return "not an image" if unknown else str(error).replace(str(path), path.name) or type(error).__name__
    digest = hashlib.blake2b(content, digest_size=16).digest()
    return _picture(
        pixels, name, split, label, height, width, mode, form, frames, orientation not in (0, 1), digest
    )


def _pixels(image: Pillow.Image) -> numpy.ndarray:
    """Return bytes `(channels, height, width)`, one channel for grey and three for colors."""
    if image.mode.startswith("I") or image.mode == "F":
        values = numpy.asarray(image).astype(numpy.float64)
        low, high = float(values.min()), float(values.max())
        scaled = (values - low) * (255 / (high - low)) if high > low else numpy.zeros_like(values)
        return scaled.round().astype(numpy.uint8)[None]
    if image.mode in ("P", "PA", "LA", "La", "RGBA", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Pillow.alpha_composite(Pillow.new("RGBA", image.size, "white"), image)
    image = image.convert("L" if image.mode in ("1", "L") else "RGB")
    pixels = numpy.asarray(image, dtype=numpy.uint8)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def _picture(
    pixels: numpy.ndarray, name: str, split: str, label: str, height: int, width: int, mode: str, form: str,
    frames: int, turned: bool, digest: bytes,
) -> Picture:  # fmt: skip
    grey = pixels.mean(axis=0).round().astype(numpy.uint8) if len(pixels) > 1 else pixels[0]
    small = Pillow.fromarray(grey)
    thumb = numpy.asarray(small.resize((THUMB, THUMB), Pillow.Resampling.BOX))
    flat = bool((pixels.reshape(len(pixels), -1) == pixels.reshape(len(pixels), -1)[:, :1]).all())
    mean = tuple(round(float(each.mean()), 2) for each in pixels)
    deviation = tuple(round(float(each.std()), 2) for each in pixels)
    return Picture(
        name, split, label, height, width, mode, form, frames, turned, digest, difference_hash(small), thumb, mean,
        deviation, flat,
    )  # fmt: skip


def difference_hash(grey: Pillow.Image) -> int:
    """Return 64 bits: whether each of 8 x 8 places is darker than the one to its right.

    Scaling, brightness and compression change few of them; other pictures share about half.

    >>> difference_hash(Pillow.fromarray(numpy.tile(numpy.arange(90, dtype=numpy.uint8), (80, 1)))) == 2**64 - 1
    True
    """
    small = numpy.asarray(grey.resize((HASH + 1, HASH), Pillow.Resampling.BOX), dtype=numpy.int16)
    bits = (small[:, 1:] > small[:, :-1]).ravel()
    return int.from_bytes(numpy.packbits(bits).tobytes(), "big")


def _of_stacks(dataset: Dataset, most: int, way: str) -> Pictures | None:
    """Images that are arrays, as the source holds them; where it holds files of arrays, as they were read.

    All are compared byte by byte; of more than `most`, those with an equal one and a share of the others are looked at.
    """
    names = list(getattr(dataset.targets, "names", ()))
    total = sum(len(split) for split in dataset.splits.values())
    counts: dict[str, dict[str, int]] = {}
    stacks: dict[str, tuple[numpy.ndarray, list[str], list[bytes]]] = {}
    for split, examples in dataset.splits.items():
        held = getattr(examples, "batch", None)
        if held is None or not hasattr(held.get("inputs"), "ndim"):
            return None
        stack, codes = as_stack(held["inputs"]).numpy(), numpy.asarray(examples.targets)
        labels = [names[int(code)] for code in codes] if names and codes.ndim == 1 else [""] * len(codes)
        counts[split] = {name: 0 for name in names} | dict(Counter(labels))
        stacks[split] = (
            stack,
            labels,
            [hashlib.blake2b(each.tobytes(), digest_size=16).digest() for each in stack],
        )
    times = Counter(digest for _, _, digests in stacks.values() for digest in digests)
    limit = int(min(1.0, most / max(1, total)) * 2**32)
    kept = {each for each, count in times.items() if count > 1 or int.from_bytes(each[:4], "big") < limit}
    seen: list[Picture] = []
    for split, (stack, labels, digests) in stacks.items():
        rows = dataset.rows.get(split)
        places = rows if rows is not None and len(rows) == len(labels) else range(len(labels))
        seen += _arrays(stack, labels, digests, split, places, kept)
    return Pictures(dataset.name, seen, [], counts, (len(seen), total), way)


def _arrays(
    stack: numpy.ndarray,
    labels: Sequence[str],
    digests: Sequence[bytes],
    split: str,
    rows: Any,
    kept: set[bytes],
) -> Iterator[Picture]:
    low, scale = 0.0, 1.0
    if stack.dtype != numpy.uint8:
        low = float(stack.min())
        scale = 255 / max(float(stack.max()) - low, 1e-12)
    height, width = stack.shape[2:]
    for place, digest in enumerate(digests):
        if digest in kept:
            pixels = stack[place]
            if stack.dtype != numpy.uint8:
                pixels = ((pixels - low) * scale).round().astype(numpy.uint8)
            name = f"{split} image {int(rows[place]) + 1}"
            yield _picture(pixels, name, split, labels[place], height, width, "", "", 1, False, digest)
