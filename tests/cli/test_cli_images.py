"""Images from the command line: odd ones are read by rule, what does not fit is told with what to do; COCO end to end."""

from __future__ import annotations

import json
from pathlib import Path

import numpy
import pytest
from PIL import Image as Pillow
from safetensors.torch import save_file

from neurarium.cli.main import main
from neurarium.networks import ResNet20

QUICK = ("--epochs", "1", "--quiet", "--report", "none")


def picture(number: int, size: tuple[int, int] = (12, 16)) -> numpy.ndarray:
    """Grey pixels whose right half is bright."""
    pixels = numpy.full(size, 20 + number, numpy.uint8)
    pixels[:, size[1] // 2 :] = 200
    return pixels


def write_scans(count: int = 10) -> None:
    """Write scans/N.png and masks/N.png."""
    for kind in ("scans", "masks"):
        Path(kind).mkdir()
    for number in range(count):
        Pillow.fromarray(picture(number)).save(f"scans/{number}.png")
        Pillow.fromarray((picture(number) == 200).astype(numpy.uint8) * 255).save(f"masks/{number}.png")


def write_classes(count: int = 12, classes: int = 2, channels: int = 3) -> None:
    """Write pets/CLASS/N.png, brighter ones in later classes."""
    chance = numpy.random.default_rng(0)
    for number in range(count):
        place = Path("pets") / f"class{number % classes}"
        place.mkdir(parents=True, exist_ok=True)
        shape = (12, 16, channels) if channels > 1 else (12, 16)
        low = 150 * (number % classes) // classes
        Pillow.fromarray(chance.integers(low, low + 100, shape, dtype=numpy.uint8)).save(
            place / f"{number}.png"
        )


def plan_of(run: str) -> dict[str, str]:
    found = json.loads((Path(run) / "plan.json").read_text())["decisions"]
    return {each["subject"]: f"{each['choice']}: {each['reason']}" for each in found}


def small_mask() -> None:
    Pillow.fromarray(numpy.zeros((5, 5), numpy.uint8)).save("masks/3.png")


def third_value() -> None:
    codes = numpy.asarray(Pillow.open("masks/3.png")).copy()
    codes[0, 0] = 77
    Pillow.fromarray(codes).save("masks/3.png")


@pytest.mark.parametrize(
    ("spoil", "more", "words"),
    [
        (small_mask, (), ["3.png has another size than its image", "16 x 12", "5 x 5", "export the mask at the size"]),
        (lambda: Path("masks/3.png").unlink(), (), ["1 of 10 images have no mask", "3.png", "add their masks"]),
        (third_value, ("-s", "classes=left,right"), ["names of classes do not fit", "0, 77, 255", "left, right"]),
    ],
)  # fmt: skip
def test_masks_that_do_not_fit_are_told(run_line, spoil, more, words):
    write_scans()
    spoil()
    code, _, said = run_line("train", "scans", "--masks", "masks", *more, *QUICK)
    assert code == 2 and all(word in said for word in words), said
    assert "Traceback" not in said and not Path("runs").exists()


@pytest.mark.slow  # all architectures are built, without memory
def test_weights_of_another_architecture_are_told_with_the_one_they_fit(run_line):
    write_classes()
    state = {name: value.contiguous() for name, value in ResNet20(3, 7).state_dict().items()}
    save_file(state, "weights.safetensors")
    code, _, said = run_line(
        "train", "pets", "--network", "resnet18", "--weights", "weights.safetensors", *QUICK
    )
    assert (
        code == 2
        and "not weights of ResNet18" in said
        and "conv1.weight is [16, 3, 3, 3], not [64, 3, 3, 3]" in said
    )
    assert "they are those of: --network resnet20" in said
    kept = {name: value for name, value in state.items() if not name.startswith("layer3.2")}
    save_file({**kept, "layer9.weight": state["fc.bias"].clone()}, "changed.safetensors")
    code, _, said = run_line(
        "train", "pets", "--network", "resnet18", "--weights", "changed.safetensors", *QUICK
    )
    assert code == 2 and "the nearest, which 87% of the names and shapes fit: --network resnet20" in said


@pytest.mark.parametrize(
    ("count", "words"), [(4, "as many classes as images"), (3, "more classes than images")]
)
def test_more_classes_than_images(run_line, count, words):
    write_classes(count, classes=4)
    for number in range(4):
        (Path("pets") / f"class{number}").mkdir(exist_ok=True)
    code, _, said = run_line("train", "pets", *QUICK)
    assert (
        code == 2 and words in said and f"4 folders (class0, class1, class2, class3), {count} images" in said
    )
    assert "add images" in said


def test_odd_images_are_read_by_rules_that_the_plan_says(run_line):
    write_classes(24)
    upright = numpy.zeros((12, 16, 3), numpy.uint8)
    turned = Pillow.Exif()
    turned[0x0112] = 6
    place = Path("pets/class0")
    Pillow.fromarray(upright).convert("CMYK").save(place / "press.jpg")
    Pillow.fromarray(upright.transpose(1, 0, 2)).save(place / "turned.jpg", exif=turned)
    frames = [Pillow.fromarray(upright + 40 * number) for number in range(3)]
    frames[0].save(place / "moves.gif", save_all=True, append_images=frames[1:])
    Pillow.fromarray(numpy.full((12, 16), 40_000, numpy.uint16)).save(place / "deep.png")
    Pillow.fromarray(numpy.dstack([upright, upright[..., :1]])).save(place / "clear.png")
    code, _, said = run_line("train", "pets", "--out", "run", *QUICK)
    assert code == 0, said
    plan = " ".join(f"{subject} {text}" for subject, text in plan_of("run").items())
    for word in ("CMYK", "16", "the first picture", "turned upright", "transparent"):
        assert word in plan, (word, plan)
    assert "quarantine" not in plan_of("run")


def test_files_that_cannot_be_read_are_told_before_the_training(capfd):
    write_classes(24)
    Path("pets/class0/notes.txt").write_text("no image")
    Path("pets/class1/empty.png").touch()
    assert main(["train", "pets", "--epochs", "1", "--report", "none"]) == 0
    told = next(line for line in capfd.readouterr().err.splitlines() if line.startswith("left out"))
    assert told.startswith(
        "left out  2 files that cannot be read: pets/class0/notes.txt ("
    ) and told.endswith(", ...")


def write_boxes(count: int = 24) -> None:
    """Write photos/N.png with one bright rectangle each, and coco.json."""
    Path("photos").mkdir()
    chance, images, found = numpy.random.default_rng(0), [], []
    for number in range(count):
        left, top = chance.integers(0, 20, 2).tolist()
        wide = 20 if number % 2 else 10
        pixels = numpy.zeros((40, 48), numpy.uint8)
        pixels[top : top + 12, left : left + wide] = 255
        Pillow.fromarray(pixels).save(f"photos/{number}.png")
        images.append({"id": number, "file_name": f"{number}.png", "width": 48, "height": 40})
        found.append(
            {
                "id": number,
                "image_id": number,
                "category_id": 5 + number % 2,
                "bbox": [left, top, wide, 12],
                "area": 12 * wide,
            }
        )
    kinds = [{"id": 5, "name": "short"}, {"id": 6, "name": "long"}]
    Path("coco.json").write_text(json.dumps({"images": images, "annotations": found, "categories": kinds}))


def test_a_coco_file_from_training_to_prediction(run_line):
    write_boxes()
    network = ("-s", "trunk_options=blocks=1,1;widths=8,16", "-s", "width=8")
    code, told, said = run_line("train", "photos", "--boxes", "coco.json", "--out", "run", *network, *QUICK)
    assert code == 0, said
    assert 0 <= told["metrics"]["test"]["map_50"] <= 1
    code, told, said = run_line("evaluate", "run")
    assert code == 0 and "map" in said
    code, told, said = run_line("predict", "run", "--input", "photos", "--out", "found")
    assert code == 0, said
    held = json.loads(Path("found/boxes.json").read_text())
    # the ids of the user's own file, by label; the images are numbered where no list says their ids
    assert held["categories"] == [{"id": 6, "name": "long"}, {"id": 5, "name": "short"}]
    assert sorted(each["id"] for each in held["images"]) == list(range(1, 25))
    listed = json.loads(Path("coco.json").read_text())
    for image in listed["images"]:
        image["id"] += 500
    Path("own.json").write_text(json.dumps({**listed, "annotations": []}))
    code, _, said = run_line("predict", "run", "-i", "photos", "--out", "found", "--boxes", "own.json")
    assert code == 0, said
    wanted = {each["file_name"]: each["id"] for each in listed["images"]}
    held = json.loads(Path("found/boxes.json").read_text())
    assert {each["file_name"]: each["id"] for each in held["images"]} == wanted
    results = json.loads(
        Path("found/detections.json").read_text()
    )  # what loadRes of pycocotools reads: a list
    assert len(results) == len(held["annotations"]) and all(
        set(each) == {"image_id", "category_id", "bbox", "score"} for each in results
    )
    assert {each["image_id"] for each in results} <= set(wanted.values())
    assert {each["category_id"] for each in results} <= {5, 6}
    code, _, said = run_line("predict", "run", "--input", "photos", "--boxes", "own.json")
    assert code == 2 and "add --out FOLDER" in said
    code, told, said = run_line("evaluate", "run", "--input", "photos", "--boxes", "coco.json")
    assert code == 0 and told["examples"] == 24 and "map_50" in told["metrics"], said
    code, _, said = run_line("evaluate", "run", "--boxes", "coco.json")
    assert code == 2 and "--input FOLDER" in said


def test_volumes_of_an_npz_file_are_learned_by_convolutions_in_three_dimensions(run_line):
    """A bright bar along one of two axes of a noisy volume, anywhere in it: channels last in the file."""
    chance = numpy.random.default_rng(0)
    volumes = chance.normal(0, 0.3, (160, 8, 8, 8, 1)).astype(numpy.float32)
    classes = numpy.arange(160) % 2
    for volume, kind in zip(volumes, classes, strict=True):
        one, two = chance.integers(0, 8, 2)
        volume[(slice(None), one, two) if kind else (one, slice(None), two)] += 2.0
    numpy.savez("volumes.npz", x=volumes, y=classes)
    options = ("--set", "widths=8,16", "--set", "learning_rate=0.01", "--out", "run", *QUICK[2:])
    code, _, said = run_line("train", "volumes.npz", *options, "--epochs", "12")
    assert code == 0, said
    plan = {
        each["subject"]: each["choice"] for each in json.loads(Path("run/plan.json").read_text())["decisions"]
    }
    assert plan["network"] == "cnn" and plan["kind of inputs"] == "volume"
    assert json.loads(Path("run/results.json").read_text())["metrics"]["test"]["accuracy"] > 0.85
    code, told, said = run_line("predict", "run", "--input", "volumes.npz")
    assert code == 0 and len(told["predictions"]) == 160, (told, said)
    code, told, said = run_line(
        "evaluate", "run", "--input", "volumes.npz"
    )  # its targets stand beside its inputs
    assert code == 0 and told["metrics"]["accuracy"] > 0.85, said
