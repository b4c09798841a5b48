from __future__ import annotations

import dataclasses

from neurarium.data.readers.folders import Folder, digest


def test_the_digest_changes_with_names_sizes_and_labels_alone(tmp_path):
    (tmp_path / "a.png").write_bytes(b"12345")
    paths = [tmp_path / "a.png"]
    folder = Folder(paths, ["cat"], [], [], base=tmp_path)
    first = digest({"train": folder})
    assert len(first) == 64
    (tmp_path / "a.png").write_bytes(b"54321")  # contents are not read
    assert digest({"train": folder}) == first
    assert digest({"test": folder}) != first
    assert digest({"train": dataclasses.replace(folder, labels=["dog"])}) != first
    (tmp_path / "a.png").write_bytes(b"123456")
    assert digest({"train": folder}) != first
