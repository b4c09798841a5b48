"""Folders of images: a folder per class, with or without folders for training, validation and test around them."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars

from neurarium.core.errors import DataError
from neurarium.core.wording import counted
from neurarium.data.readers.encodings import missing_path
from neurarium.data.readers.pictures import SUFFIXES, Header, files, header, quietly, shown

SPLITS = {
    "train": "train", "training": "train",
    "val": "validation", "valid": "validation", "validation": "validation", "dev": "validation",
    "test": "test", "testing": "test",
}  # fmt: skip
LOOKED_AT = 1000  # heads; of more files, these at equal distances: opening each one twice would cost a tenth


@dataclasses.dataclass
class Folder:
    """Image files and what is known of them before they are decoded.

    Args:
        paths: the files.
        labels: the class of each: the name of its folder; empty where `frame` says the targets.
        headers: the heads that were looked at.
        quarantined: name and reason of every file that was left out.
        base: names in reports are relative to it.
        deep: files of more than 8 bits among those looked at.
        empty: folders of classes without any image.
        frame: the columns to predict, a row per file.
    """

    paths: list[Path]
    labels: list[str]
    headers: list[Header]
    quarantined: list[dict[str, str]]
    base: Path = Path()
    deep: list[Path] = dataclasses.field(default_factory=list)
    empty: list[str] = dataclasses.field(default_factory=list)
    frame: polars.DataFrame | None = None

    def name(self, path: Path) -> str:
        """Return how reports call a file."""
        return (path.relative_to(self.base) if self.base in path.parents else path).as_posix()

    def broken(self) -> list[dict[str, str]]:
        """Return those left out that should have been images by their names."""
        return [each for each in self.quarantined if Path(each["file"]).suffix.lower() in SUFFIXES]


def digest(found: Mapping[str, Folder]) -> str:
    """Return a hash of names, sizes and labels: what tells whether the data has changed, without reading it again.

    Args:
        found: the files of each part.
    """
    summed = hashlib.sha256()
    for key, folder in sorted(found.items()):
        for place, path in enumerate(folder.paths):
            label: Any = folder.labels[place] if folder.labels else ""
            if not folder.labels and folder.frame is not None:
                label = folder.frame.row(place)
            summed.update(f"{key}\0{folder.name(path)}\0{path.stat().st_size}\0{label}\n".encode())
    return summed.hexdigest()


@dataclasses.dataclass(frozen=True)
class FileNames:
    """How reports call the file of each example of a split.

    Args:
        folder: the files.
        places: of the examples among them.
    """

    folder: Folder
    places: Any

    def __call__(self, place: int) -> str:
        return self.folder.name(self.path(place))

    def path(self, place: int) -> Path:
        """Return the file of an example."""
        return self.folder.paths[int(self.places[place])]


def split_folders(root: Path) -> dict[str, Path]:
    """Return the folders of the splits by name (`train`, `validation`, `test`); none for classes only.

    Raises:
        DataError: no such folder, or folders for testing without one for training.
    """
    if not root.exists():
        raise missing_path(root)
    if not root.is_dir():
        raise DataError(f"{root} is a file", expected="a folder of images", received="a file")
    found = {
        SPLITS[each.name.lower()]: each
        for each in sorted(root.iterdir())
        if each.is_dir() and each.name.lower() in SPLITS
    }
    if (len(found) == 1 and "train" in found) or len(found) > 1:
        if "train" not in found:
            raise DataError(
                f"{root} has no folder for training", expected="a folder 'train'", received=", ".join(found)
            )
        return found
    return {}


def inner_folder(root: Path) -> Path:
    """Pass through folders that hold nothing but one folder, as archives make them, down to splits or classes."""
    while True:
        inside = [each for each in sorted(root.iterdir()) if shown(each.name)]
        folders = [each for each in inside if each.is_dir()]
        if len(folders) != 1 or any(each.suffix.lower() in SUFFIXES for each in inside):
            return root
        deeper = [each for each in folders[0].iterdir() if each.is_dir() and shown(each.name)]
        if not deeper or folders[0].name.lower() in SPLITS:
            return root
        root = folders[0]


def read_folder(root: Path, base: Path) -> Folder:
    """Find the images below the class folders of `root`, and look at the heads of (at most a thousand of) them.

    The class of an image is the first folder below `root` on the way to it, however deep it lies.

    Raises:
        DataError: no class folders, or no image in them.
    """
    classes = [each for each in sorted(root.iterdir()) if each.is_dir() and shown(each.name)]
    pairs = [(path, folder.name) for folder in classes for path in files(folder)]
    found = inspected([path for path, _ in pairs], base)
    names = dict(pairs)
    found.labels = [names[path] for path in found.paths]
    found.empty = [folder.name for folder in classes if folder.name not in set(found.labels)]
    if not found.paths:
        loose = [each for each in sorted(root.iterdir()) if each.is_file() and shown(each.name)]
        tables = [each.name for each in loose if each.suffix.lower() in (".csv", ".tsv", ".parquet")]
        raise DataError(
            f"there is no folder of images in {root}" if not classes else f"no file below {root} is an image",
            expected="a folder per class, with png, jpg or other images in it",
            received=f"{counted(len(classes), 'folder')}, {counted(len(loose), 'file')} beside"
            + "".join(f"; {each['file']}: {each['reason']}" for each in found.quarantined[:3]),
            fix=_instead(root, loose, tables),
        )
    return found


def _instead(root: Path, loose: Sequence[Path], tables: Sequence[str]) -> str:
    """Say what may have been meant by a folder without folders of images."""
    if tables:
        return f"where {tables[0]} says the labels: neurarium train {root / tables[0]} --image COLUMN --target COLUMN"
    texts = sum(each.suffix.lower() == ".txt" for each in loose)
    if texts and texts == len(loose):
        return (
            f"texts to go on with: neurarium train {root} --task language-model; "
            "texts of classes: put those of each class into a folder named as the class"
        )
    return "put the images of each class into a folder named as the class"


def inspected(paths: Sequence[Path], base: Path) -> Folder:
    """Look at the heads of files: of all up to a thousand, else of a thousand and of every file with an odd suffix."""
    found = Folder([], [], [], [], base)
    stride = max(1, -(-len(paths) // LOOKED_AT))
    with quietly():
        for place, path in enumerate(paths):
            if place % stride and path.suffix.lower() in SUFFIXES:
                found.paths.append(path)
                continue
            head = header(path)
            if isinstance(head, str):
                found.quarantined.append({"file": found.name(path), "reason": head})
                continue
            found.paths.append(path)
            found.headers.append(head)
            if head.mode.startswith("I") or head.mode == "F":
                found.deep.append(path)
    return found
