"""Entry: what is known of one public data set."""

from __future__ import annotations

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class File:
    """One file of a data set.

    Args:
        name: its name in the folder of the set.
        addresses: where it can be downloaded, in order of preference; none where that needs a login or a person.
        sha256, md5: of the file as published.
        contents: of what is inside: for gzip the MD5 of the unpacked bytes, for zip and tar `hashing.contents`. Where
            it agrees the file is right, however it was packed.
    """

    name: str
    addresses: tuple[str, ...] = ()
    sha256: str = ""
    md5: str = ""
    contents: str = ""


@dataclasses.dataclass(frozen=True)
class Variant:
    """One form in which a data set comes: all files are needed.

    Args:
        files: what must lie in the folder.
        read: `module:function` below this package, called with the folder and the options of the user.
        tree: SHA-256 over the names and hashes of all files, where they have none of their own.
        note: what a person must know of this form.
    """

    files: tuple[File, ...]
    read: str
    tree: str = ""
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Entry:
    """One public data set.

    Args:
        name: in kebab-case.
        summary: one line: how many of what.
        task: "classification", "regression", "language" or "transcription".
        licence, citation: as stated by its publisher.
        home: its page.
        folder: the folder's name below NEURARIUM_DATA, and in the cache; empty for a set that is embedded.
        variants: its forms, the one to download first.
        options: passed to the reader.
    """

    name: str
    summary: str
    task: str
    licence: str
    citation: str
    home: str
    folder: str
    variants: tuple[Variant, ...]
    options: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def embedded(self) -> bool:
        return not self.folder

    def to_json(self) -> dict[str, Any]:
        return {
            **{
                field: getattr(self, field)
                for field in ("name", "summary", "task", "licence", "citation", "home")
            },
            "files": [file.name for file in self.variants[0].files],
            "addresses": [file.addresses[0] for file in self.variants[0].files if file.addresses],
            "embedded": self.embedded,
        }
