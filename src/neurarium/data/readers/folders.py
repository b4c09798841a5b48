"""Folders of images: a folder per class, with or without folders for training, validation and test around them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from neurarium.core.errors import DataError
from neurarium.data.readers.encodings import missing_path
from neurarium.data.readers.pictures import Header, files, header, quietly

SPLITS = {
    "train": "train", "training": "train",
    "val": "validation", "valid": "validation", "validation": "validation", "dev": "validation",
    "test": "test", "testing": "test",
}  # fmt: skip


@dataclasses.dataclass
class Folder:
    """What lies in a folder of images.

    Args:
        paths: image files whose head can be read.
        labels: the class of each: the name of its folder.
        headers: the head of each.
        quarantined: name and reason of every other file.
    """

    paths: list[Path]
    labels: list[str]
    headers: list[Header]
    quarantined: list[dict[str, str]]


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


def read_folder(root: Path, base: Path) -> Folder:
    """Look at the head of every file below the class folders of `root`; names in reports are relative to `base`.

    Raises:
        DataError: no class folders, one only, or no image in them.
    """
    classes = [each for each in sorted(root.iterdir()) if each.is_dir() and not each.name.startswith(".")]
    found = Folder([], [], [], [])
    with quietly():
        for folder in classes:
            for path in files(folder):
                head = header(path)
                if isinstance(head, Header):
                    found.paths.append(path)
                    found.labels.append(folder.name)
                    found.headers.append(head)
                else:
                    found.quarantined.append({"file": path.relative_to(base).as_posix(), "reason": head})
    if not found.paths:
        loose = len(files(root)) - len(found.quarantined)
        raise DataError(
            f"there is no folder of images in {root}" if not classes else f"no file below {root} is an image",
            expected="a folder per class, with png, jpg or other images in it",
            received=f"{len(classes)} folders, {loose} files beside them"
            + "".join(f"; {each['file']}: {each['reason']}" for each in found.quarantined[:3]),
            fix="put the images of each class into a folder named as the class",
        )
    return found
