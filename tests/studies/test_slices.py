"""Slices and worst errors: found where they were planted, with honest p-values; inputs as they stood in the source."""

from __future__ import annotations

import base64
import io

import numpy
import polars
import pytest
import torch

import neurarium as nr
from neurarium.report.findings import errors
from neurarium.studies.examination.mistakes import errors_among
from neurarium.studies.examination.slices import slices_of
from neurarium.studies.prediction.raw_columns import raw_columns
from neurarium.studies.prediction.seen import Seen


@pytest.fixture(scope="module")
def planted():
    """Predictions that are wrong for a tenth of all, and for six in ten where place = south and age is below 40."""
    chance = numpy.random.default_rng(0)
    age, place = chance.integers(18, 80, 2000), chance.choice(["north", "south", "west"], size=2000)
    hard = (age < 40) & (place == "south")
    frame = polars.DataFrame({"age": age, "place": place, "t": chance.integers(0, 2, 2000)})
    data = nr.data.table(frame, "t", validation=0, test_fraction=0.5)
    rows = data.rows["test"]
    wrong = chance.random(len(rows)) < numpy.where(hard[rows], 0.6, 0.1)
    truth = data.test.targets
    said = torch.where(torch.from_numpy(wrong), 1 - truth, truth)
    return data, Seen(torch.nn.functional.one_hot(said, 2).double(), truth, None, None), frame, wrong


def test_the_planted_pair_is_found_first(planted):
    data, seen, _, wrong = planted
    found = slices_of(seen, data.targets, data.test.inputs, data.preparation, split="test")
    assert found.measure == "error rate" and found.overall == pytest.approx(wrong.mean())
    worst = found.worst[0]
    assert "place = south" in worst.name and "age 18 to below" in worst.name
    assert worst.value > 0.5 and worst.low < worst.value < worst.high and worst.p_value < 1e-6
    assert all(each.examples >= found.least == 20 for each in found.worst)


def test_without_a_pattern_little_is_significant(planted):
    data, seen, _, _ = planted
    chance = numpy.random.default_rng(5)
    wrong = torch.from_numpy(chance.random(len(seen.targets)) < 0.2)
    said = torch.where(wrong, 1 - seen.targets, seen.targets)
    calm = Seen(torch.nn.functional.one_hot(said, 2).double(), seen.targets, None, None)
    found = slices_of(calm, data.targets, data.test.inputs, data.preparation, split="test")
    assert found.tried > 8 and all(each.p_value > 0.05 for each in found.worst)


def test_raw_values_are_those_of_the_source(planted):
    data, _, frame, _ = planted
    rows = data.rows["test"]
    columns = {
        each.name: each.values(data.test.inputs) for each in raw_columns(data.preparation, data.test.inputs)
    }
    held = frame["age"].to_numpy()[rows]
    inside = (held >= frame["age"].to_numpy()[data.rows["train"]].min()) & (
        held <= frame["age"].to_numpy()[data.rows["train"]].max()
    )
    assert (columns["age"][inside] == held[inside]).all()
    assert (columns["place"] == frame["place"].to_numpy()[rows]).all()


def test_worst_errors_show_their_inputs(planted):
    data, seen, frame, wrong = planted
    found = errors_among(seen, data.targets, data.test, data.preparation, told=data.told("test"), count=5)
    assert len(found) == 5 and found[0].sure == 1.0
    for each in found:
        assert wrong[each.place] and each.truth != each.said
        row = frame.row(int(data.rows["test"][each.place]), named=True)
        assert each.values["place"] == row["place"] and each.note.startswith("row ")
    page = errors({"errors": [each.to_json() for each in found]})
    assert "highest loss" in page and "characters" not in page


def test_worst_errors_of_images_are_pictures():
    import PIL.Image

    data = nr.data.load("digits")
    run = nr.studies.train(data, "mlp", options={"widths": "8"}, epochs=1, progress=False)
    found = nr.studies.worst_errors(run, count=3)
    sizes = [each.size for each in found]
    assert sizes == sorted(sizes, reverse=True) and len(found) == 3
    raw = base64.b64decode(found[0].picture.partition(",")[2])
    pixels = numpy.asarray(PIL.Image.open(io.BytesIO(raw))).astype(float)
    held = data.test.take([found[0].place])["inputs"][0, 0].numpy()
    assert pixels.shape == (8, 8) and numpy.corrcoef(pixels.ravel(), held.ravel())[0, 1] > 0.999


def test_quantities_are_measured_by_their_absolute_error():
    run = nr.studies.train(nr.data.load("diabetes"), "mlp", epochs=2, progress=False)
    page = errors({"errors": [each.to_json() for each in nr.studies.worst_errors(run, count=2)]})
    assert "The largest errors." in page and "loss" not in page
    found = nr.studies.worst_slices(run, least=10)
    seen = nr.studies.evaluate(run)
    assert found.measure == "mean absolute error" and found.overall == pytest.approx(
        seen.metrics["mae"], rel=1e-5
    )
    assert all(each.value > found.overall for each in found.worst)
