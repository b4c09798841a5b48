"""Runs and tables that the tests of the command line share."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests_cli import write_flowers, write_houses

from neurarium.cli.main import main


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has a working folder of its own."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run_line(capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, dict[str, Any], str]]:
    """Return `run_line(*words) -> (exit code, the JSON object, all that was printed)`.

    A SIGTERM that no test has sent (`timeout 300 pytest ...`) ends the run of the tests: training has caught it.
    """

    def run(*words: object, terminated: bool = False) -> tuple[int, dict[str, Any], str]:
        capfd.readouterr()
        code = main([*map(str, words), "--json"])
        out, err = capfd.readouterr()
        if code == 128 + signal.SIGTERM and not terminated:
            pytest.exit(f"SIGTERM came while this ran: {' '.join(map(str, words))}", returncode=code)
        return code, json.loads(out.strip().splitlines()[-1]), out + err

    return run


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with flowers.csv, houses.csv and one run of each: runs/flowers-1, runs/houses-1."""
    folder = tmp_path_factory.mktemp("trained")
    before = Path.cwd()
    os.chdir(folder)
    try:
        write_flowers(folder / "flowers.csv")
        write_houses(folder / "houses.csv")
        quick = [
            "--network",
            "mlp",
            "--set",
            "widths=16",
            "-s",
            "learning_rate=0.02",
            "--epochs",
            "30",
            "--quiet",
        ]
        assert main(["train", "flowers.csv", "--target", "species", *quick]) == 0
        assert main(["train", "houses.csv", "--target", "price", *quick]) == 0
    finally:
        os.chdir(before)
    return folder
