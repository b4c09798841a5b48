"""Readers of the tables in the catalogue."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy

from neurarium.core.errors import OptionError
from neurarium.data.assembly.tables import table
from neurarium.data.dataset import Dataset
from neurarium.data.preparation.numeric import Scaling

ADULT = (
    "age,workclass,fnlwgt,education,education-num,marital-status,occupation,relationship,race,sex,capital-gain,"
    "capital-loss,hours-per-week,native-country,income"
)


def adult(*, folder: Path, validation: float = 0.15, scaling: Scaling = "quantile", seed: int = 0) -> Dataset:
    """Census income with the published test file."""
    test = folder / "adult-test.csv"
    return table(
        folder / "adult-train.csv",
        "income",
        columns=ADULT,
        test=test,
        validation=validation,
        scaling=scaling,
        seed=seed,
    )


def california_housing(
    *,
    folder: Path,
    validation: float = 0.15,
    test_fraction: float = 0.15,
    scaling: Scaling = "quantile",
    seed: int = 0,
) -> Dataset:
    """Values of houses; the file has no split of its own."""
    path = folder / "housing.csv"
    return table(
        path,
        "median_house_value",
        validation=validation,
        test_fraction=test_fraction,
        scaling=scaling,
        seed=seed,
    )


def uci(*, folder: Path, folder_name: str, split: int = 0, validation: float = 0.0, seed: int = 0) -> Dataset:
    """One of the nine sets, standardized, with one of its published splits."""
    place = f"UCI_Datasets/{folder_name}/data"
    archive = folder / "UCI_Datasets.tar.gz"
    names = ["data.txt", "index_features.txt", "index_target.txt", "n_splits.txt"]
    rows = [f"index_train_{split}.txt", f"index_test_{split}.txt"]
    if (folder / place / "data.txt").is_file():
        read = {name: folder / place / name for name in names}
        count = int(numpy.loadtxt(read["n_splits.txt"]))
        _require_split(split, count)
        numbers = {name: numpy.loadtxt(folder / place / name) for name in (*names, *rows)}
    else:
        with tarfile.open(archive) as packed:
            members = {each.name: each for each in packed.getmembers()}
            count = int(numpy.loadtxt(_stream(packed, members[f"{place}/n_splits.txt"])))
            _require_split(split, count)
            numbers = {
                each: numpy.loadtxt(_stream(packed, members[f"{place}/{each}"])) for each in (*names, *rows)
            }
    data, features = numbers["data.txt"], numbers["index_features.txt"].astype(int)
    columns = {f"x{number}": data[:, column] for number, column in enumerate(features, start=1)}
    columns["y"] = data[:, int(numbers["index_target.txt"])]
    train, test = (numbers[name].astype(int) for name in rows)
    held = round(len(train) * validation)
    order = numpy.random.default_rng(seed).permutation(train) if held else train
    parts = {"train": order[held:], "test": test} | ({"validation": order[:held]} if held else {})
    types = {name: "numeric" for name in columns if name != "y"}
    return table(columns, "y", split=parts, task="regression", scaling="standard", types=types)


def _stream(packed: tarfile.TarFile, member: tarfile.TarInfo) -> io.BytesIO:
    stream = packed.extractfile(member)
    return io.BytesIO(stream.read() if stream else b"")


def _require_split(split: int, count: int) -> None:
    if not 0 <= split < count:
        raise OptionError("there is no such published split", expected=f"0 to {count - 1}", received=split)
