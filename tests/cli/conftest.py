"""Runs and tables that the tests of the command line share."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest

from neurarium.cli.main import main


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has a working folder of its own."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run_line(capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, dict[str, Any], str]]:
    """Return `run_line(*words) -> (exit code, the JSON object, all that was printed)`."""

    def run(*words: object) -> tuple[int, dict[str, Any], str]:
        capfd.readouterr()
        code = main([*map(str, words), "--json"])
        out, err = capfd.readouterr()
        return code, json.loads(out.strip().splitlines()[-1]), out + err

    return run


def write_flowers(path: Path, rows: int = 90) -> Path:
    """Write a table of two measures, a color and three species that the measures tell apart."""
    chance = numpy.random.default_rng(0)
    lines = ["length,width,color,species"]
    for number in range(rows):
        kind = number % 3
        length, width = chance.normal([kind, 2 - kind], 0.2)
        color = ("red", "blue")[number % 2] if number % 11 else "?"
        lines.append(f"{length:.3f},{width:.3f},{color},{('setosa', 'virginica', 'lily')[kind]}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_houses(path: Path, rows: int = 120) -> Path:
    """Write a table of a quantity that is linear in two columns, with noise."""
    chance = numpy.random.default_rng(1)
    rooms, age = chance.uniform(1, 6, rows), chance.uniform(0, 50, rows)
    price = 1000 * rooms - 20 * age + chance.normal(0, 50, rows)
    lines = ["rooms,age,price", *(f"{r:.2f},{a:.1f},{p:.2f}" for r, a, p in zip(rooms, age, price, strict=True))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a folder with flowers.csv, houses.csv and one run of each: runs/flowers-1, runs/houses-1."""
    folder = tmp_path_factory.mktemp("trained")
    before = Path.cwd()
    os.chdir(folder)
    try:
        write_flowers(folder / "flowers.csv")
        write_houses(folder / "houses.csv")
        quick = ["--network", "mlp", "--set", "widths=16", "--epochs", "30", "--quiet"]
        assert main(["train", "flowers.csv", "--target", "species", *quick]) == 0
        assert main(["train", "houses.csv", "--target", "price", *quick]) == 0
    finally:
        os.chdir(before)
    yield folder
