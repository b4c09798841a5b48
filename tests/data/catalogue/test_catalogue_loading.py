"""Public sets load with their published splits; those that need files are skipped where there are none."""

from __future__ import annotations

import numpy
import pytest
import torch

import neurarium as nr
from neurarium.core.errors import OptionError
from neurarium.data.catalogue.entries import ENTRIES
from neurarium.data.catalogue.fetching import status
from neurarium.data.specs import Image, Quantity, Table


def local(name: str):
    if status(name) != "local":
        pytest.skip(f"{name} is not in NEURARIUM_DATA")


def load(name: str, **options):
    local(name)
    return nr.data.load(name, **options)


def sizes(dataset) -> list[int]:
    return [len(part) for part in dataset.splits.values()]


@pytest.mark.parametrize(
    ("name", "expected", "classes"),
    [
        ("digits", [1257, 270, 270], 10),
        ("iris", [106, 22, 22], 3),
        ("wine", [124, 27, 27], 3),
        ("breast-cancer", [399, 85, 85], 2),
        ("diabetes", [310, 66, 66], 0),
    ],
)
def test_embedded_sets(name, expected, classes):
    dataset = nr.data.load(name)
    assert sizes(dataset) == expected
    assert len(getattr(dataset.targets, "names", ())) == (classes or 1)
    assert dataset.name == name
    assert dataset.summary["licence"] == ENTRIES[name].licence
    again = nr.data.load(name)
    assert torch.equal(dataset.test.targets, again.test.targets)


def test_the_split_of_digits_is_fixed():
    """The figure for digits is stated for this split: it must never move."""
    dataset = nr.data.load("digits")
    assert dataset.inputs == Image(1, 8, 8)
    assert dataset.rows["test"][:8].tolist() == DIGITS_TEST_ROWS
    assert torch.bincount(dataset.test.targets).tolist() == [27, 27, 27, 28, 27, 27, 27, 27, 26, 27]


DIGITS_TEST_ROWS = [2, 5, 8, 30, 31, 43, 47, 82]


def test_mnist_as_published():
    dataset = load("mnist")
    assert sizes(dataset) == [51000, 9000, 10000]
    assert dataset.inputs == Image(1, 28, 28)
    assert dataset.test.targets[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    raw = torch.cat([part.batch["inputs"] for part in (dataset.train, dataset.validation)])
    assert float(raw.float().mean()) / 255 == pytest.approx(0.1307, abs=1e-4)
    inputs = dataset.train.take(slice(0, 51000, 10))["inputs"]
    assert float(inputs.mean()) == pytest.approx(0, abs=0.01)


def test_fashion_mnist_as_published():
    dataset = load("fashion-mnist")
    assert dataset.targets.names[9] == "boot"
    assert torch.bincount(dataset.test.targets).tolist() == [1000] * 10
    assert dataset.test.targets[:5].tolist() == [9, 2, 1, 1, 6]


def test_adult_as_published():
    dataset = load("adult")
    assert sizes(dataset) == [27677, 4884, 16281]
    assert dataset.targets.names == ("<=50K", ">50K")
    assert torch.bincount(dataset.test.targets).tolist() == [12435, 3846]
    assert isinstance(dataset.inputs, Table)
    assert (len(dataset.inputs.numeric), len(dataset.inputs.categorical)) == (6, 8)
    assert dataset.summary["missing"] == {"workclass": 1836, "occupation": 1843, "native-country": 583}


def test_california_housing_as_shipped():
    dataset = load("california-housing")
    assert sizes(dataset) == [14448, 3096, 3096]
    assert isinstance(dataset.targets, Quantity)
    assert "total_bedrooms is missing" in dataset.inputs.numeric
    assert dataset.inputs.categorical == ("ocean_proximity",)
    assert float(dataset.targets.original(dataset.test.targets).max()) == pytest.approx(500001, abs=0.1)


@pytest.mark.parametrize(
    ("name", "rows", "columns", "splits"),
    [("boston", 506, 13, 20), ("concrete", 1030, 8, 20), ("energy", 768, 8, 20), ("kin8nm", 8192, 8, 20),
     ("naval", 11934, 14, 20), ("power", 9568, 4, 20), ("protein", 45730, 9, 5), ("wine-red", 1599, 11, 20),
     ("yacht", 308, 6, 20)],
)  # fmt: skip
def test_uci_sets_have_their_published_splits(name, rows, columns, splits):
    dataset = load(f"uci-{name}", split=splits - 1)
    assert sum(sizes(dataset)) == rows
    assert len(dataset.test) == pytest.approx(rows / 10, abs=1)
    assert len(dataset.inputs.numeric) == columns  # naval: two of sixteen are constant
    numbers = dataset.train.inputs["numeric"]
    assert numbers.mean(dim=0).abs().max() < 1e-4
    assert numbers.std(dim=0, correction=0) == pytest.approx(torch.ones(columns), abs=1e-3)
    if name == "yacht":
        other = load("uci-yacht", split=0)
        assert set(other.rows["test"]) != set(dataset.rows["test"])
        with pytest.raises(OptionError, match="0 to 19"):
            load("uci-yacht", split=20)
        held = load("uci-yacht", split=0, validation=0.1)
        assert set(held.rows["test"]) == set(other.rows["test"])
        assert len(held.validation) == 28


def test_uci_rows_are_those_of_the_published_index():
    dataset = load("uci-concrete", split=0)
    assert {87, 751} <= set(dataset.rows["test"].tolist())


def test_usps_as_published():
    dataset = load("usps")
    assert sizes(dataset) == [6197, 1094, 2007]
    assert torch.bincount(dataset.test.targets).tolist() == [359, 264, 198, 166, 200, 160, 170, 147, 166, 177]


@pytest.mark.slow
def test_hymenoptera_with_its_broken_file(tmp_path, monkeypatch):
    monkeypatch.setenv("NEURARIUM_CACHE", str(tmp_path))
    dataset = load("hymenoptera", size=32)
    assert dataset.inputs == Image(3, 32, 32)
    assert sum(sizes(dataset)) + len(dataset.summary["quarantined"]) == 398
    assert len(dataset.test) == 153
    assert dataset.targets.names == ("ants", "bees")


@pytest.mark.slow
def test_cifar10_says_that_jpeg_is_lossy(tmp_path, monkeypatch):
    monkeypatch.setenv("NEURARIUM_CACHE", str(tmp_path))
    dataset = load("cifar10")
    assert sizes(dataset) == [45000, 5000, 10000]
    assert torch.bincount(dataset.test.targets).tolist() == [1000] * 10
    assert "lossy" in dataset.decisions[0].reason
    again = load("cifar10")
    assert numpy.array_equal(again.test.batch["inputs"].numpy(), dataset.test.batch["inputs"].numpy())
