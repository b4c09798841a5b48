"""Images: a folder per class, a table of paths, idx files or an npz file as a `Dataset`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy
import polars
import torch

from neurarium.core import batches
from neurarium.core.errors import DataError, OptionError
from neurarium.data.assembly.arrays import StackKind, collected
from neurarium.data.assembly.looks import choose_looks
from neurarium.data.assembly.on_demand import MappedExamples, PictureExamples, ReadPicture, counted
from neurarium.data.assembly.partition import How, partition
from neurarium.data.assembly.quarantine import left_out, named
from neurarium.data.assembly.rereading import rereadable
from neurarium.data.assembly.stacked import stacked, stacks_of
from neurarium.data.dataset import Dataset, Decision
from neurarium.data.examples import Examples, FileExamples
from neurarium.data.preparation.images import ImagePreparation
from neurarium.data.preparation.statistics import histogram_moments, moments
from neurarium.data.preparation.target_recognition import recognise_target
from neurarium.data.preparation.targets import Labels, match
from neurarium.data.readers.encodings import missing_path
from neurarium.data.readers.folders import FileNames, Folder, digest, inner_folder, read_folder, split_folders
from neurarium.data.readers.image_archives import is_archive, unpacked
from neurarium.data.readers.listing import read_listing
from neurarium.data.readers.pictures import Rules
from neurarium.data.readers.pixels import Pixels, Storage, choose_storage, in_memory, on_disk
from neurarium.data.specs import Image


@rereadable
def images(
    source: Any,
    *,
    image: str | None = None,
    target: str | Sequence[str] | None = None,
    folder: str | Path | None = None,
    task: Literal["classification", "regression"] | None = None,
    test: Any = None,
    validation: float | Any = 0.15,
    test_fraction: float = 0.15,
    split: str | Mapping[str, Sequence[int]] | None = None,
    size: int | tuple[int, int] | None = None,
    channels: int | None = None,
    aspect: Literal["crop", "letterbox", "stretch"] = "crop",
    background: Literal["white", "grey", "black"] = "white",
    levels: tuple[float, float] | None = None,
    classes: Sequence[str] | None = None,
    kind: StackKind | None = None,
    storage: Storage = "auto",
    memory: int | None = None,
    seed: int = 0,
    name: str | None = None,
) -> Dataset:
    """Read labeled images, split them, and prepare them by what the training images show.

    Args:
        source: a folder with a folder per class (inside `train`, `validation`, `test` where there are such), a zip or
            tar file of such, a table of paths (with `image` and `target`), a folder with idx files as MNIST has them,
            an npz file with `x_train, y_train, x_test, y_test` or `images, labels`: images, volumes
            `(examples, depth, height, width)` or with channels first or last, rows of numbers.
        image: the column of a table that names the image files.
        target: the column to predict, or several columns of quantities.
        folder: where the files of the table are; by default beside it.
        task: "classification" or "regression", where the target could be either.
        test: a folder or table of test images; without it, and without a test part in the source, `test_fraction` is
            set aside.
        validation: the fraction of the training images that validate, or a folder or table of them.
        test_fraction: the fraction that tests, where there is no test part.
        split: "stratified", "random", or the rows of each split.
        size: (height, width), or one number for both; by default images of one size are kept up to 256 pixels, others
            become squares with the median of the shorter sides, at most 128.
        channels: 1 (grey) or 3 (color); by default grey where every image is.
        aspect: the way to another shape: "crop" cuts the middle out, "letterbox" adds a border, "stretch" distorts.
        background: what shows behind transparent pixels, and as the border: "white", "grey", "black".
        levels: the values of 16-bit and float images that become 0 and 255; by default found from the images.
        classes: names of the classes 0, 1, 2, ... of idx and npz files.
        kind: of idx and npz files, "image", "volume" or "array"; by default what the shape says
            (`readers.stacks.kind_of_stack`).
        storage: "memory", "disk" (decoded once into the cache), "files" (decoded when taken); "auto" takes the first
            where they fit.
        memory: bytes that decoded images may take in memory; None for a quarter of what is free.
        seed: decides the split.
        name: how reports call the dataset.

    Returns:
        A dataset of `Image` -> `Classes` or `Quantity`; of `Array` for volumes. Files that cannot be read are listed with their reasons in
        `dataset.summary["quarantined"]`.

    Raises:
        DataError: no images, one class, more broken files than whole ones, a damaged file of arrays.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     pixels, labels = numpy.zeros((40, 8, 8), numpy.uint8), numpy.arange(40) % 2
    ...     numpy.savez(Path(folder) / "dots.npz", images=pixels, labels=labels)
    ...     images(Path(folder) / "dots.npz")
    Dataset(dots: Image -> Classes; train 28, validation 6, test 6)
    """
    if not isinstance(source, str | os.PathLike):
        raise DataError(
            "images are read from a path", expected="a folder, or an npz file", received=type(source).__name__,
            fix="for arrays in memory use nr.data.arrays(inputs, targets)",
        )  # fmt: skip
    path = Path(source)
    if not path.exists():
        raise missing_path(path)
    called = name or path.name.rpartition(".")[0] or path.name
    if is_archive(path):
        path = unpacked(path)
    columns = _columns(path, image, target, task, folder)
    stacks = stacks_of(path, kind) if image is None else None
    if stacks:
        return stacked(
            stacks, kind, task, classes=classes, name=called, validation=validation, test=test,
            test_fraction=test_fraction, split=split, seed=seed,
        )  # fmt: skip
    found = _found(path, image, columns, folder, {"validation": validation, "test": test})
    fraction = float(validation) if isinstance(validation, int | float) and "validation" not in found else 0.0
    how = How(fraction, 0.0 if "test" in found else test_fraction, split, None, None, seed)
    dataset = _from_files(
        called,
        found,
        columns,
        task,
        how,
        lambda: choose_looks(found, size, channels, Rules(aspect, background, levels)),
        (storage, memory),
    )
    if isinstance(dataset.preparation, ImagePreparation):
        dataset.preparation.column = image
    return dataset


def _columns(
    path: Path, image: str | None, target: str | Sequence[str] | None, task: str | None, folder: Any
) -> tuple[str, ...]:
    if image is None and target is not None:
        raise OptionError("a folder of images has no columns: the folders are the classes", received=f"target {target}",
                          fix="leave out --target; for a table of paths give --image COLUMN too")  # fmt: skip
    if image is None and folder is not None:
        raise OptionError("--folder says where the images of a table are", received=f"--folder {folder}",
                          fix="give --image COLUMN too: the column that names them")  # fmt: skip
    if image is None and task is not None and path.suffix.lower() not in (".npz", ".npy"):
        raise OptionError("a folder of images has classes, and nothing else", received=f"task {task}",
                          fix="leave out --task; a table of paths may hold quantities")  # fmt: skip
    if image is None:
        return ()
    if path.is_dir():
        raise OptionError(f"--image names a column of a table, and {path} is a folder", received=image,
                          fix="leave out --image, or name the table: neurarium train labels.csv --image COLUMN")  # fmt: skip
    if target is None:
        raise OptionError("a table of images needs to be told which column to predict", received="no target",
                          fix="give --target COLUMN")  # fmt: skip
    return tuple(each.strip() for each in target.split(",")) if isinstance(target, str) else tuple(target)


def _found(
    path: Path,
    image: str | None,
    columns: tuple[str, ...],
    folder: str | Path | None,
    given: Mapping[str, Any],
) -> dict[str, Folder]:
    """Find the files of each part."""
    others = {key: Path(each) for key, each in given.items() if isinstance(each, str | os.PathLike)}
    for each in others.values():
        if not each.exists():
            raise missing_path(each)
    if image is not None:
        sources = {"train": path, **others}
        where = Path(folder) if folder is not None else None
        return {
            key: _classed(read_folder(each, each.parent), columns)
            if each.is_dir()
            else read_listing(each, image, columns, where)
            for key, each in sources.items()
        }
    root = inner_folder(path)
    sources = {"train": root, **split_folders(root), **others}
    return {
        key: read_folder(each, path if path in each.parents else each.parent) for key, each in sources.items()
    }


def _classed(found: Folder, columns: tuple[str, ...]) -> Folder:
    found.frame = polars.DataFrame({columns[0]: found.labels})
    return found


def _from_files(
    name: str,
    found: dict[str, Folder],
    columns: tuple[str, ...],
    task: Literal["classification", "regression"] | None,
    how: How,
    looks: Any,
    kept: tuple[Storage, int | None],
) -> Dataset:
    _require_several(found["train"])
    plan, encoded, decisions = _targets(found, columns, task)
    spec, rules, more = looks()
    usable = {key: numpy.flatnonzero(_known(values, plan)) for key, values in encoded.items()}
    rows, split = partition(polars.DataFrame(), encoded["train"], usable["train"], plan, how)
    parts = {**rows, **{key: usable[key] for key in found if key != "train"}}
    need = sum(len(folder.paths) for folder in found.values()) * spec.channels * spec.height * spec.width
    where, called, reason = choose_storage(need, *kept)
    held, histogram = _decoded(found, spec, rules, where, rows["train"])
    _quarantine(found, {key: each if isinstance(each, dict) else each.failed for key, each in held.items()})
    parts = {key: _good(part, held[key if key in held else "train"]) for key, part in parts.items()}
    rows = {key: parts[key] for key in rows}
    if not len(rows["train"]):
        raise DataError("no training image can be decoded", received=named(found["train"].quarantined))
    if not isinstance(plan, Labels):
        plan = plan.fitted(encoded["train"][rows["train"]])
    mean, scale = _moments(held["train"], histogram, rows["train"])
    preparation = ImagePreparation(spec, mean, scale, plan, rules=rules)
    splits = {
        key: _examples(preparation, found[source], held[source], encoded[source], part)
        for key, part in parts.items()
        for source in (key if key in found else "train",)
    }
    everything = numpy.sort(numpy.concatenate(list(rows.values())))
    dataset = collected(name, preparation, splits, encoded["train"][everything], rows)
    dataset.files = {
        key: FileNames(found[key if key in found else "train"], part) for key, part in parts.items()
    }
    storage = Decision("storage", called, reason, "--set storage=, --set memory=")
    dataset.decisions = [*decisions, *more, *split, storage, *_left_out(found)]
    dataset.summary["quarantined"] = [each for folder in found.values() for each in folder.quarantined]
    dataset.summary["sha256"] = digest(found)
    return dataset


def _targets(
    found: Mapping[str, Folder],
    columns: tuple[str, ...],
    task: Literal["classification", "regression"] | None,
) -> tuple[Any, dict[str, numpy.ndarray], list[Decision]]:
    """Return what is predicted, the encoded targets of each part, and the decision."""
    if not columns:
        plan = _labels(found)
        codes = {
            key: numpy.array([plan.names.index(match(each, plan.names) or each) for each in folder.labels])
            for key, folder in found.items()
        }
        reason = "each folder of images is a class, with all that lies in it"
        return (
            plan,
            codes,
            [Decision("classes", len(plan.names), reason, "--image, --target: a table of labels")],
        )
    frames = {key: folder.frame for key, folder in found.items() if folder.frame is not None}
    target: Any
    target, decision = recognise_target(frames["train"], columns, task)
    encoded = {}
    for key, frame in frames.items():
        encoded[key] = target.encode(frame)[0]
        if isinstance(target, Labels) and (encoded[key] == -2).any():
            odd = frame.get_column(columns[0])[int(numpy.flatnonzero(encoded[key] == -2)[0])]
            raise DataError(
                f"the {key} images have a class that the training images do not have",
                expected=", ".join(target.names[:20]),
                received=odd,
            )
    return target, encoded, [decision]


def _known(values: numpy.ndarray, plan: Any) -> numpy.ndarray:
    return values >= 0 if isinstance(plan, Labels) else numpy.isfinite(values).all(axis=1)


def _labels(found: Mapping[str, Folder]) -> Labels:
    names = tuple(sorted(set(found["train"].labels)))
    if len(names) < 2:
        raise DataError(
            "the images are of one class only",
            expected="a folder per class, two at least",
            received=f"one folder with images: '{names[0]}'",
            fix="add a folder with images of another class",
        )
    plan = Labels("class", names)
    for key, folder in found.items():
        for label in sorted(set(folder.labels)):
            if match(label, names) is None:
                raise DataError(
                    f"the {key} images have a class that the training images do not have",
                    expected=", ".join(names[:20]),
                    received=label,
                )
    return plan


def _decoded(
    found: Mapping[str, Folder], spec: Image, rules: Rules, where: str, training: numpy.ndarray
) -> tuple[dict[str, Any], numpy.ndarray | None]:
    """Decode every file once; return the pixels of each part (or what failed), and the histogram where none are kept."""
    if where == "files":
        counts = {
            key: counted(folder.paths, spec, rules, training.tolist() if key == "train" else ())
            for key, folder in found.items()
        }
        return {key: failed for key, (failed, _) in counts.items()}, counts["train"][1]
    keep = on_disk if where == "disk" else in_memory
    return {key: keep(folder.paths, spec, rules) for key, folder in found.items()}, None


def _moments(
    held: Any, histogram: numpy.ndarray | None, training: numpy.ndarray
) -> tuple[numpy.ndarray, numpy.ndarray]:
    if histogram is not None:
        return histogram_moments(histogram)
    return moments(torch.from_numpy(held.array), training, (0, 2, 3))


def _good(part: numpy.ndarray, held: Any) -> numpy.ndarray:
    failed = held if isinstance(held, dict) else held.failed
    return part[~numpy.isin(part, list(failed))]


def _examples(
    preparation: ImagePreparation, folder: Folder, held: Any, encoded: numpy.ndarray, part: numpy.ndarray
) -> Examples | FileExamples:
    finish, targets = preparation.finish(), preparation.target.tensor(encoded)
    if not isinstance(held, Pixels):
        read = ReadPicture(folder.paths, targets, preparation.spec, preparation.rules)
        return PictureExamples(read, part.tolist(), finish)
    rows = torch.from_numpy(part)
    if held.path is not None:
        return MappedExamples(held.path, part, batches.take(targets, rows), finish)
    taken = torch.from_numpy(held.array).index_select(0, rows)
    return Examples({"inputs": taken, "targets": batches.take(targets, rows)}, finish=finish)


def _require_several(folder: Folder) -> None:
    """Refuse folders of classes that cannot be learned.

    Raises:
        DataError: no more images than classes: none could be learned from one and recognized in another.
    """
    if folder.frame is not None or len(folder.labels) > (count := len({*folder.labels, *folder.empty})):
        return
    images, names = len(folder.labels), sorted({*folder.labels, *folder.empty})
    raise DataError(
        "there are more classes than images"
        if count > images
        else "there are as many classes as images, one for each",
        expected="several images of each class, in a folder of its name",
        received=f"{count} folders ({', '.join(names[:5])}{', ...' if count > 5 else ''}), {images} images",
        fix="add images, or move those of one class into one folder; where a table holds the labels, name it and --image COLUMN",
    )


def _quarantine(found: Mapping[str, Folder], failed: Mapping[str, Mapping[int, str]]) -> None:
    """Note what could not be decoded.

    Raises:
        DataError: more than half of the images are broken: something else is wrong.
    """
    good = broken = 0
    for key, folder in found.items():
        folder.quarantined += [
            {"file": folder.name(folder.paths[place]), "reason": why} for place, why in failed[key].items()
        ]
        good += len(folder.paths) - len(failed[key])
        broken += len(folder.broken())
    if broken > good:
        every = [each for folder in found.values() for each in folder.broken()]
        raise DataError(
            f"more than half of the images are broken: {broken:,} of {broken + good:,}",
            expected="image files that can be decoded",
            received=named(every),
            fix="copy them again, or remove those that are no images",
        )


def _left_out(found: Mapping[str, Folder]) -> list[Decision]:
    decisions = left_out([each for folder in found.values() for each in folder.quarantined])
    empty = found["train"].empty
    if empty:
        shown = ", ".join(empty[:5]) + (", ..." if len(empty) > 5 else "")
        decisions.append(
            Decision("empty classes", f"without {shown}", "no image is in these folders", "add images")
        )
    return decisions
