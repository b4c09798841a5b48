"""Masks and boxes from training to pictures: what predict writes lies where the things are."""

from __future__ import annotations

import base64
import csv
import io
import json
import shutil
from contextlib import nullcontext
from types import SimpleNamespace

import numpy
import polars
import pytest
import torch
from PIL import Image as Pillow
from sklearn.datasets import load_digits

from neurarium.core.errors import DataError, OptionError
from neurarium.data import boxes, masks
from neurarium.data.examples import Examples
from neurarium.data.geometry import detected, iou
from neurarium.data.readers.pictures import Rules
from neurarium.data.specs import IGNORED, Mask
from neurarium.report import render
from neurarium.report.scenes import scenes
from neurarium.studies import train
from neurarium.studies.evaluation.study import evaluate
from neurarium.studies.examination import scene_examples
from neurarium.studies.examination.scene_examples import matches
from neurarium.studies.examination.study import examine
from neurarium.studies.prediction.scenes import predict_scenes
from neurarium.studies.prediction.study import predict
from neurarium.training.run import Run


@pytest.fixture(scope="module")
def squares(tmp_path_factory):
    """Dark images of 16 x 16 with one bright square of 6."""
    folder = tmp_path_factory.mktemp("squares")
    chance, rows = numpy.random.default_rng(0), []
    for kind in ("images", "masks"):
        (folder / kind).mkdir()
    for number in range(48):
        top, left = chance.integers(0, 11, 2)
        codes = numpy.zeros((16, 16), numpy.uint8)
        codes[top : top + 6, left : left + 6] = 255
        pixels = (codes * 0.7 + chance.integers(0, 40, codes.shape)).astype(numpy.uint8)
        Pillow.fromarray(pixels).save(folder / "images" / f"{number:02d}.png")
        Pillow.fromarray(codes).save(folder / "masks" / f"{number:02d}.png")
        rows.append((f"{number:02d}.png", left, top, left + 6, top + 6, "square"))
    with open(folder / "boxes.csv", "w", newline="") as file:
        csv.writer(file).writerows([("image", "x_min", "y_min", "x_max", "y_max", "label"), *rows])
    return folder


def set_aside(squares, data, folder):
    """Copy the images and masks of the test split to folders of their own: new data, as it were."""
    names = sorted(each.name for each in (squares / "images").iterdir())
    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True)
        for row in data.rows["test"].tolist():
            shutil.copy(squares / kind / names[row], folder / kind / names[row])
    return folder


def test_masks_from_folders_to_pictures(squares, tmp_path):
    data = masks(squares / "images", masks=squares / "masks", classes=("ground", "square"))
    run = train(
        data,
        "unet",
        options={"width": "4", "depth": "1"},
        epochs=20,
        batch_size=8,
        out=tmp_path / "run",
        progress=False,
    )
    assert run.results["test"]["dice"] > 0.9
    report = run.reports["test"]
    assert (
        report.per_class["square"]["dice"] > 0.85 and report.intervals["dice"].low <= report.metrics["dice"]
    )
    assert sum(map(sum, report.confusion)) == len(data.test) * 256
    loaded = Run.load(tmp_path / "run")
    assert evaluate(loaded, data).metrics["dice"] == pytest.approx(run.results["test"]["dice"])
    aside = set_aside(squares, data, tmp_path / "aside")
    again = evaluate(loaded, aside / "images", masks=aside / "masks")
    assert again.metrics == pytest.approx(run.results["test"], nan_ok=True) and again.examples == len(
        data.test
    )
    for given, match in (({}, "without its targets"), ({"boxes": squares / "boxes.csv"}, "not the targets")):
        with pytest.raises((DataError, OptionError), match=match):
            evaluate(loaded, aside / "images", **given)
    new = tmp_path / "new"
    new.mkdir()
    small = Pillow.open(squares / "images" / "00.png")
    small.resize((32, 32), Pillow.Resampling.NEAREST).save(new / "large.png")
    (new / "broken.png").write_bytes(b"no image")
    frame, notes = predict_scenes(loaded, new, tmp_path / "out")
    found = numpy.asarray(Pillow.open(tmp_path / "out" / "masks" / "large.png"))
    truth = numpy.asarray(Pillow.open(squares / "masks" / "00.png")).repeat(2, 0).repeat(2, 1)
    assert found.shape == (32, 32) and set(numpy.unique(found)) == {0, 255}
    assert (found == truth).mean() > 0.93
    assert Pillow.open(tmp_path / "out" / "overlays" / "large.png").size == (32, 32)
    assert frame["share_square"][0] == pytest.approx((found == 255).mean())
    assert [each["file"].endswith("broken.png") for each in notes["quarantined"]] == [True]
    assert predict(loaded, new)["share_square"].to_list() == frame["share_square"].to_list()
    held = examine(run, data)["scenes"]
    told = [float(each["note"].split()[1].rstrip(";")) for each in held]
    assert numpy.mean(told) == pytest.approx(run.results["test"]["dice"], abs=0.02)
    page = render(run)
    assert len(held) == len(data.test) and page.count('alt="what was found"') == len(held)
    assert "IoU" in page and "What it sees" in page and page.count('class="key color"') == 1
    with pytest.raises(OptionError, match="image files"):
        predict(loaded, numpy.zeros((1, 16, 16)))


@pytest.mark.slow
def test_boxes_from_a_table_to_pictures(squares, tmp_path):
    data = boxes(squares / "images", boxes=squares / "boxes.csv")
    options = {"trunk_options": "blocks=1,1;widths=8,16;stem=small", "width": "16"}
    run = train(data, options=options, epochs=30, batch_size=8, out=tmp_path / "run", progress=False)
    assert run.results["test"]["map_50"] > 0.9
    assert run.reports["test"].per_class["square"]["boxes"] == len(data.test)
    loaded = Run.load(tmp_path / "run")
    aside = set_aside(squares, data, tmp_path / "aside")
    again = evaluate(loaded, aside / "images", boxes=squares / "boxes.csv")
    assert again.metrics == pytest.approx(run.results["test"], nan_ok=True) and again.examples == len(
        data.test
    )
    other = tmp_path / "other.csv"
    other.write_text((squares / "boxes.csv").read_text().replace("square", "circle"))
    with pytest.raises(DataError, match="class that the training did not have"):
        evaluate(loaded, aside / "images", boxes=other)
    frame, _ = predict_scenes(loaded, squares / "images", tmp_path / "out")
    best = frame.sort("score", descending=True).unique("file", keep="first", maintain_order=True)
    truth = polars.read_csv(squares / "boxes.csv")
    joined = best.with_columns(polars.col("file").str.split("/").list.last().alias("image")).join(
        truth, on="image"
    )
    gaps = [
        (joined[name] - joined[f"{name}_right"]).abs().median()
        for name in ("x_min", "y_min", "x_max", "y_max")
    ]
    assert len(joined) == 48 and max(gaps) < 1.5
    held = json.loads((tmp_path / "out" / "boxes.json").read_text())
    assert len(held["images"]) == 48 and len(held["annotations"]) == len(frame)
    assert Pillow.open(tmp_path / "out" / "pictures" / "00.png").size == (16, 16)
    shown = examine(run, data)["scenes"]
    assert len(shown) == len(data.test)
    notes = [
        [int(word) for word in each["note"].split() if word.isdigit()] for each in shown
    ]  # there, found, missed, wrong
    assert all(there == found + missed == 1 for there, found, missed, _ in notes)
    assert sum(found for _, found, _, _ in notes) > 0.9 * len(shown)
    assert "missed on the left, wrong on the right" in render(run)


def test_found_boxes_take_the_free_thing_of_their_class_that_they_overlap_most():
    real = torch.tensor([[0.0, 0.0, 10.0, 10.0], [0.0, 0.0, 10.0, 8.0], [30.0, 30.0, 40.0, 40.0]])
    said = torch.tensor(
        [[0.0, 0.0, 10.0, 9.8], [0.0, 0.0, 10.0, 9.9], [0.0, 0.0, 10.0, 10.0], [30.0, 30.0, 40.0, 40.0]]
    )
    seen, right = matches(said, torch.tensor([1, 1, 1, 0]), real, torch.tensor([1, 1, 1]))
    assert seen == [True, True, False]  # the third is of another class than what was said there
    assert right == [True, True, False, False]  # no thing is left for the third box


def nested_digits(folder, count=72):
    """Canvases of 64 x 64: a dim digit 44 pixels high, and a bright one 11 pixels high in its middle. One class."""
    digits = load_digits().images
    chance, rows = numpy.random.default_rng(0), []
    (folder / "images").mkdir(parents=True)
    for number in range(count):
        canvas = chance.integers(0, 20, (64, 64)).astype(numpy.uint8)
        centre = chance.integers(26, 39, 2)
        for side, bright in ((44, 110), (11, 255)):
            pixels = digits[chance.integers(len(digits))] * (bright / 16)
            drawn = numpy.asarray(Pillow.fromarray(pixels.astype(numpy.uint8)).resize((side, side)))
            top, left = numpy.clip(centre - side // 2, 0, 64 - side)
            part = canvas[top : top + side, left : left + side]
            part[:] = numpy.where(side == 11, drawn, numpy.maximum(part, drawn))
            rows.append((f"{number:02d}.png", left, top, left + side, top + side, "digit"))
        Pillow.fromarray(canvas).save(folder / "images" / f"{number:02d}.png")
    with open(folder / "boxes.csv", "w", newline="") as file:
        csv.writer(file).writerows([("image", "x_min", "y_min", "x_max", "y_max", "label"), *rows])
    return boxes(folder / "images", boxes=folder / "boxes.csv")


@pytest.mark.slow
def test_several_levels_find_the_large_digit_around_a_small_one_which_one_level_misses(tmp_path):
    data, found = nested_digits(tmp_path), {}
    for levels in (1, 2):
        options = {
            "trunk_options": "blocks=1,1;widths=12,24;stem=large", "width": "16", "loss.span": "4",
            "pyramid_levels": str(levels), "learning_rate": "0.005",
        }  # fmt: skip
        run = train(data, options=options, epochs=24, batch_size=8, progress=False)
        batch = data.test.take(slice(None))
        with torch.no_grad():
            said = detected(run.network.eval()(batch["inputs"]), data.targets)
        overlap = (
            iou(batch["targets"]["boxes"][:, :, None], said["boxes"][:, None])
            * (said["scores"] > 0.3)[:, None]
        )
        hit = overlap.amax(dim=2) > 0.5
        large = (batch["targets"]["boxes"][..., 2] - batch["targets"]["boxes"][..., 0]) > 30
        found[levels] = [float(hit[kind].double().mean()) for kind in (large, ~large)]
    assert found[2][0] > 0.8 and found[2][1] > 0.8  # large, small
    assert found[1][0] < 0.3 < 0.8 < found[1][1]


@pytest.mark.parametrize(("side", "shown"), [(90, 360), (1000, 800)])
def test_pictures_of_masks_have_the_size_of_their_file(monkeypatch, tmp_path, side, shown):
    """A wide photograph that the network reads as 8 x 8 with a border above and below: half of it is found."""
    pixels = numpy.full((side // 2, side, 3), 60, numpy.uint8)
    pixels[:, -1] = 255  # a line of one pixel, which nothing of 8 x 8 can show
    Pillow.fromarray(pixels).save(tmp_path / "wide.png")
    truth = torch.full((1, 8, 8), IGNORED)
    truth[:, 2:6] = 0
    outputs = torch.zeros(1, 2, 8, 8)
    outputs[:, 1, :, :4] = 1.0  # a thing in the left half
    monkeypatch.setattr(scene_examples, "evaluating", lambda method: nullcontext("cpu"))
    method = SimpleNamespace(targets=Mask(("ground", "thing"), 8, 8), predict=lambda inputs: outputs)
    examples = Examples({"inputs": torch.zeros(1, 3, 8, 8), "targets": truth})
    preparation = SimpleNamespace(mean=[0.0], scale=[1.0], rules=Rules("letterbox"))
    (row,) = scene_examples.scene_examples(
        method, examples, preparation, files=lambda place: tmp_path / "wide.png"
    )
    picture = numpy.asarray(Pillow.open(io.BytesIO(base64.b64decode(row["found"].partition(",")[2]))))
    assert picture.shape == (shown // 2, shown, 3)
    colored = numpy.abs(picture[shown // 4, :, 0].astype(int) - picture[shown // 4, :, 2]) > 20
    assert colored[: shown // 2 - 9].all() and not colored[shown // 2 + 9 :].any()
    if side < 800:
        assert picture[:, -1].min() == 255 and picture[:, -9].max() < 100
    gone = scene_examples.scene_examples(
        method, examples, preparation, files=lambda place: tmp_path / "no.png"
    )
    assert Pillow.open(io.BytesIO(base64.b64decode(gone[0]["found"].partition(",")[2]))).width == 384


def test_the_picture_of_a_mask_is_without_its_border_and_under_its_name(monkeypatch):
    """A wide photograph in a square: what is found in the border is no part of it."""
    spec = Mask(("ground", "thing"), 8, 8)
    truth = torch.full((1, 8, 8), IGNORED)
    truth[:, 2:6] = 0
    outputs = torch.zeros(1, 2, 8, 8)
    outputs[:, 1] = 1.0  # a thing everywhere
    monkeypatch.setattr(scene_examples, "evaluating", lambda method: nullcontext("cpu"))
    method = SimpleNamespace(targets=spec, predict=lambda inputs: outputs)
    examples = Examples({"inputs": torch.zeros(1, 1, 8, 8), "targets": truth})
    preparation = SimpleNamespace(mean=[0.0], scale=[1.0])
    (row,) = scene_examples.scene_examples(method, examples, preparation, told=lambda place: "wide.png")
    for key, color in (("truth", 0), ("found", 1)):
        picture = Pillow.open(io.BytesIO(base64.b64decode(row[key].partition(",")[2])))
        assert picture.width == 2 * picture.height
        assert (numpy.asarray(picture).max() > 0) == bool(color)
    assert "<b>wide.png</b>: Dice 0.000; 0.0% of the pixels right" in scenes({"scenes": [row]}, spec)
