"""Scenes: images in folders and what is marked in them, as files; whether a training could read all of it or not."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from neurarium.data.assembly.dense import found_images, image_folder
from neurarium.data.dataset import Dataset
from neurarium.data.readers.boxes import named_images, read_boxes
from neurarium.data.readers.encodings import missing_path
from neurarium.data.readers.folders import Folder
from neurarium.studies.inspection.pictures import Pictures, of_folders, places_of

What = Literal["masks", "boxes"]


class Placed(NamedTuple):
    """An image: its file, its name in reports, the part (folder) it is in, the split it was drawn for."""

    path: Path
    name: str
    part: str
    split: str


@dataclasses.dataclass
class Scenes:
    """Images and the masks or the list of boxes that stand beside them.

    Args:
        what: masks or boxes.
        root: the folder of images.
        beside: the folder of masks, or the list.
        folders: the images of each part: folders train, validation and test, or all of them as `train`.
        places: of each part, the split of each of its images; where training cannot read the data, that is the part.
        pictures: the images, decoded once.
        dataset: as training reads it; None where it refuses.
        options: of the reader.
        unlisted: images that a list of boxes does not name, where training left them out.
    """

    what: What
    root: Path
    beside: Path
    folders: dict[str, Folder]
    places: dict[str, list[str]]
    pictures: Pictures
    dataset: Dataset | None
    options: Mapping[str, Any]
    unlisted: list[str] = dataclasses.field(default_factory=list)

    @property
    def images(self) -> list[Placed]:
        """All images, and where they stand."""
        return [
            Placed(path, folder.name(path), part, split)
            for part, folder in self.folders.items()
            for path, split in zip(folder.paths, self.places[part], strict=True)
        ]


def asked_for(source: Any, asked: Mapping[str, Any]) -> What | None:
    """Return what is marked in the images of a source: its reader says it, or the options of the command."""
    if isinstance(source, Dataset):
        reader = getattr(source.rereading, "reader", None)
        name = getattr(reader, "__name__", "")
        return "masks" if name == "masks" else "boxes" if name == "boxes" else None
    return next((what for what in ("masks", "boxes") if asked.get(what) is not None), None)  # type: ignore[return-value]


def scenes_of(
    source: Any, what: What, asked: Mapping[str, Any], dataset: Dataset | None, most: int
) -> Scenes:
    """Find the files of images with masks or boxes, and look at the images.

    Args:
        source: the folder of images, or a dataset that was read from one.
        what: masks or boxes.
        asked: the options of the reader, where the source is a folder.
        dataset: as training reads it; None where it refuses.
        most: how many images are decoded.

    Raises:
        DataError: no such folder or list, or no image.
    """
    reread = dataset.rereading if dataset is not None else None
    if reread is not None:
        source, asked = reread.source[0] if reread.source else reread.options["source"], reread.options
    root, beside = image_folder(source, what), Path(asked[what])
    if not beside.exists():
        raise missing_path(beside)
    found = found_images(root)
    ordered: Sequence[str] = ("train", "validation", "test")
    folders = {part: found[part] for part in ordered if part in found}
    unlisted: list[str] = []
    if what == "boxes" and dataset is not None:
        # training takes the images that the list names: its rows count those alone
        every = {folder.name(path) for folder in folders.values() for path in folder.paths}
        named_images(folders, root, read_boxes(beside), beside)
        every -= {folder.name(path) for folder in folders.values() for path in folder.paths}
        unlisted = sorted(every)
    places = {
        part: places_of(dataset, part, len(folder.paths))
        if dataset is not None
        else [part] * len(folder.paths)
        for part, folder in folders.items()
    }
    way = "folders" if len(folders) > 1 else "given"
    if dataset is not None:
        way = next((str(each.choice) for each in dataset.decisions if each.subject == "split"), way)
    name = dataset.name if dataset is not None else root.name
    pictures = of_folders(name, folders, places, most, way)
    return Scenes(what, root, beside, folders, places, pictures, dataset, asked, unlisted)
