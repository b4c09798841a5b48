"""Leakage sentinels: with shuffled labels every path scores at chance; what is prepared has seen training rows alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy
import polars
import pytest
import torch
from leaks import PATHS, examples, frame
from scipy.stats import binom

import neurarium as nr
from neurarium.data.dataset import Dataset
from neurarium.studies.planning.reading import read_data

CASES = [("csv", 6), ("npz", 6), *(pytest.param(name, None, marks=pytest.mark.slow) for name in PATHS)]


def accuracy(run: Any, split: str) -> tuple[float, int]:
    report = run.reports[split]
    return report.metrics["accuracy"], report.examples


def at_chance(right: float, count: int, share: float = 0.5) -> bool:
    """Tell whether an accuracy lies in the 99.9 % interval of guessing."""
    low, high = binom.ppf([0.0005, 0.9995], count, share)
    return bool(low <= round(right * count) <= high)


def train(dataset: Dataset, epochs: int | None = None) -> Any:
    """Train as the command line does where nothing is said; `epochs` shortens it."""
    return nr.studies.train(dataset, epochs=epochs, progress=False)


@pytest.mark.parametrize(("name", "epochs"), CASES)
def test_shuffled_labels_give_chance_and_true_ones_do_not(name: str, epochs: int | None, tmp_path: Path):
    scores = {}
    for shuffled in (True, False):
        folder = tmp_path / str(shuffled)
        folder.mkdir()
        source, options = PATHS[name](folder, shuffled)
        run = train(read_data(source, **options), epochs)
        scores[shuffled] = {split: accuracy(run, split) for split in ("validation", "test")}
    # the validation split picks the best weights, so that its own figure is the best of several: the test is the sentinel
    assert at_chance(*scores[True]["test"]), scores
    assert scores[True]["validation"][0] < 0.72, scores
    for split, (right, count) in scores[False].items():
        assert right > 0.9 and not at_chance(right, count), (split, scores)


@pytest.mark.parametrize("shuffled", [True, False])
def test_cross_validation(shuffled: bool):
    values, labels = examples(shuffled)
    data = nr.data.arrays(values.astype(numpy.float32), labels)

    def method(dataset: Dataset) -> Any:
        network = nr.networks.MLP.for_data(dataset.inputs, dataset.targets, widths=(16,))
        return nr.methods.Supervised(network, learning_rate=0.01)

    found = nr.studies.cross_validate(method, data, folds=3, epochs=4, resamples=0, progress=False)
    right, count = found.report.metrics["accuracy"], len(found.rows)
    assert at_chance(right, count) if shuffled else right > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("name", ["iris", "wine", "digits"])
def test_the_catalogue(name: str):
    data = nr.data.load(name)
    generator = torch.Generator().manual_seed(0)
    for part in data.splits.values():
        part.targets[:] = part.targets[torch.randperm(len(part), generator=generator)]
    run = train(data)
    right, count = accuracy(run, "test")
    shares = torch.bincount(data.test.targets).double() / len(data.test)
    assert at_chance(right, count, float(shares.max())) or right < float(shares.max()), (right, count)


def poisoned(table: polars.DataFrame, rows: list[int]) -> polars.DataFrame:
    """Put values and categories into some rows that no other row has."""
    here = polars.Series(numpy.isin(numpy.arange(table.height), rows))
    return table.with_columns(
        *(polars.when(here).then(1e9).otherwise(polars.col(f"x{n}")).alias(f"x{n}") for n in range(8)),
        polars.when(here).then(polars.lit("poison")).otherwise(polars.col("color")).alias("color"),
    )


@pytest.mark.parametrize("scaling", ["quantile", "standard"])
def test_a_preparation_is_fitted_on_training_rows_alone(scaling: str, tmp_path: Path):
    table = frame(False).drop("group", "time")
    clean = nr.data.table(table, target="kind", scaling=scaling)
    rows = [int(row) for split in ("validation", "test") for row in clean.rows[split]]
    spoiled = nr.data.table(poisoned(table, rows), target="kind", scaling=scaling)
    assert all((clean.rows[split] == spoiled.rows[split]).all() for split in clean.rows)
    for number, dataset in enumerate((clean, spoiled)):
        dataset.preparation.save(tmp_path / str(number))
    for name in ("preparation.json", "preparation.safetensors"):
        assert (tmp_path / "0" / name).read_bytes() == (tmp_path / "1" / name).read_bytes()
    assert not torch.equal(clean.test[:]["inputs"]["numeric"], spoiled.test[:]["inputs"]["numeric"])
    weights = []
    for dataset in (clean, spoiled):
        torch.manual_seed(0)
        network = nr.networks.MLP.for_data(dataset.inputs, dataset.targets, widths=(8,))
        nr.fit(nr.methods.Supervised(network), dataset, epochs=2, keep="last", progress=False)
        weights.append(network.state_dict())
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_images_are_standardized_by_training_images_alone():
    chance = numpy.random.default_rng(0)
    pixels, labels = chance.integers(0, 100, (100, 8, 8)).astype(numpy.uint8), numpy.arange(100) % 2
    clean = nr.data.arrays(pixels, labels)
    spoiled = pixels.copy()
    spoiled[[int(row) for split in ("validation", "test") for row in clean.rows[split]]] = 255
    other = nr.data.arrays(spoiled, labels)
    assert (clean.preparation.mean == other.preparation.mean).all()
    assert (clean.preparation.scale == other.preparation.scale).all()
    assert torch.equal(clean.train[:]["inputs"], other.train[:]["inputs"])


def test_the_sentinel_would_see_a_leak():
    """A column that holds the label is a leak: the sentinel is no test if it passes here."""
    table = frame(True).drop("group", "time")
    leaking = table.with_columns((polars.col("kind") == "yes").cast(polars.Float64).alias("x0"))
    run = train(nr.data.table(leaking, target="kind"), 6)
    assert not at_chance(*accuracy(run, "test"))
