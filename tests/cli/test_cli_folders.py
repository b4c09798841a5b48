"""Folders of runs: taken by one alone, given back on errors."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from neurarium.cli.folders import find_run, reserved
from neurarium.core.errors import ArtifactError, UserError


def test_numbers_are_taken_once_by_many_at_a_time():
    taken = []

    def take() -> None:
        with reserved(None, "data/My data.csv.gz") as path:
            taken.append(path.name)

    threads = [threading.Thread(target=take) for _ in range(16)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(taken) == sorted(f"My-data-{n}" for n in range(1, 17))


def test_an_error_gives_everything_back_but_what_was_there():
    Path("mine").mkdir()
    for out in (None, Path("new/deep/run"), Path("mine")):
        with pytest.raises(ZeroDivisionError), reserved(out, "a") as path:  # noqa: PT012
            (path / "config.yaml").write_text("half")
            (path / "preparation").mkdir()
            1 / 0  # noqa: B018
    assert [each.name for each in Path().iterdir()] == ["mine"] and not list(Path("mine").iterdir())


def test_a_checkpoint_is_kept():
    with pytest.raises(ZeroDivisionError), reserved(None, "a") as path:  # noqa: PT012
        (path / "checkpoints").mkdir()
        (path / "checkpoints" / "step-0000000001.safetensors").touch()
        1 / 0  # noqa: B018
    assert Path("runs/a-1/checkpoints").is_dir()


def test_full_folders_and_files_are_refused():
    Path("full").mkdir()
    Path("full/a").touch()
    with pytest.raises(UserError, match="not empty"), reserved(Path("full"), "a"):
        pass
    with pytest.raises(UserError, match="is a file"), reserved(Path("full/a"), "a"):
        pass
    with pytest.raises(UserError, match="a file"), reserved(Path("full/a/b"), "a"):
        pass


def test_runs_are_found_by_path_and_by_name():
    Path("runs/digits-1").mkdir(parents=True)
    Path("runs/digits-1/config.yaml").touch()
    assert find_run("digits-1") == find_run("runs/digits-1") == Path("runs/digits-1")
    with pytest.raises(ArtifactError, match="did you mean runs/digits-1"):
        find_run("digit-1")
