"""Make the canvases: MNIST's digits scattered on dark pictures of 128 x 128, with boxes and with masks.

Digits of MNIST's training images make the training and validation canvases, those of its test images the test canvases;
all chance comes from one seed. With --large N the first N digits of a canvas are some 80 to 100 pixels high and the others a
quarter of that: they may lie within its strokes. What is written:

    images/{train,validation,test}/00000.png    the canvases, grey
    masks/{train,validation,test}/00000.png     0 where nothing is, 255 on a digit (ink above 64)
    digits/{train,validation,test}/00000.png    0 where nothing is, 1 to 10 on the digits 0 to 9
    boxes.csv                                   image, x_min, y_min, x_max, y_max, label: the upright box around the ink
    boxes.json                                  the same as COCO annotations

    python scripts/make_canvases.py MNIST_FOLDER OUT [--train 4000 --validation 500 --test 1000 --seed 0 --large 0]
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path

import numpy
from PIL import Image

from neurarium.data.readers.idx import read_idx

SIDE, INK = 128, 64
USUAL, SMALL, LARGE = (28, 57), (28, 37), (112, 129)  # sides of drawings; the digit fills some three quarters


def canvas(
    digits: numpy.ndarray, labels: numpy.ndarray, chance: numpy.random.Generator, large: int = 0
) -> tuple[numpy.ndarray, numpy.ndarray, list[tuple[int, int, int, int, int]]]:
    """Return (pixels, class of each pixel, boxes): one to six digits, each 20 to 44 pixels high, that hardly touch.

    With `large` digits among them these are 80 to 100 pixels high, and the others 20 to 28.
    """
    pixels = numpy.zeros((SIDE, SIDE), numpy.uint8)
    classes = numpy.zeros((SIDE, SIDE), numpy.uint8)
    boxes: list[tuple[int, int, int, int, int]] = []
    for place in range(int(chance.integers(1, 7))):
        number = int(chance.integers(len(digits)))
        side = int(chance.integers(*(USUAL if not large else LARGE if place < large else SMALL)))
        drawn = numpy.asarray(Image.fromarray(digits[number]).resize((side, side), Image.Resampling.BILINEAR))
        rows, columns = numpy.flatnonzero((drawn > INK).any(1)), numpy.flatnonzero((drawn > INK).any(0))
        drawn = drawn[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        height, width = drawn.shape
        for _ in range(20):  # places that are taken are tried again elsewhere
            top, left = int(chance.integers(SIDE - height + 1)), int(chance.integers(SIDE - width + 1))
            if not classes[top : top + height, left : left + width].any():
                break
        else:
            continue
        ink = drawn > INK
        pixels[top : top + height, left : left + width] = numpy.maximum(
            pixels[top : top + height, left : left + width], drawn
        )
        classes[top : top + height, left : left + width][ink] = labels[number] + 1
        boxes.append((left, top, left + width, top + height, int(labels[number])))
    noise = chance.integers(0, 24, pixels.shape)
    return (pixels.astype(int) + noise).clip(0, 255).astype(numpy.uint8), classes, boxes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("mnist", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--train", type=int, default=4000)
    parser.add_argument("--validation", type=int, default=500)
    parser.add_argument("--test", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--large", type=int, default=0, help="large digits per canvas; the others are small")
    asked = parser.parse_args()

    def read(start: str) -> tuple[numpy.ndarray, numpy.ndarray]:
        pictures, labels = (
            next(p for p in sorted(asked.mnist.rglob(f"{start}-{what}*")) if p.is_file())
            for what in ("images", "labels")
        )
        return read_idx(pictures), read_idx(labels)

    sources = {"train": read("train"), "test": read("t10k")}
    rows: list[tuple[str, int, int, int, int, int]] = []
    sizes: list[str] = []
    for place, split in enumerate(("train", "validation", "test")):
        digits, labels = sources["test" if split == "test" else "train"]
        if split != "test":  # the last ten thousand training digits are for validation alone
            digits, labels = (
                each[:-10000] if split == "train" else each[-10000:] for each in (digits, labels)
            )
        chance = numpy.random.default_rng([asked.seed, place])
        for kind in ("images", "masks", "digits"):
            (asked.out / kind / split).mkdir(parents=True, exist_ok=True)
        for number in range(getattr(asked, split)):
            pixels, classes, boxes = canvas(digits, labels, chance, asked.large)
            name = f"{split}/{number:05d}.png"
            Image.fromarray(pixels).save(asked.out / "images" / name)
            Image.fromarray(numpy.where(classes > 0, 255, 0).astype(numpy.uint8)).save(
                asked.out / "masks" / name
            )
            Image.fromarray(classes).save(asked.out / "digits" / name)
            sizes.append(name)
            rows += [(name, *box) for box in boxes]
    with open(asked.out / "boxes.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "x_min", "y_min", "x_max", "y_max", "label"])
        writer.writerows(rows)
    images = [{"id": n, "file_name": name, "width": SIDE, "height": SIDE} for n, name in enumerate(sizes)]
    ids = {name: n for n, name in enumerate(sizes)}
    notes = [
        {
            "id": n,
            "image_id": ids[name],
            "category_id": label + 1,
            "bbox": [left, top, right - left, bottom - top],
        }
        for n, (name, left, top, right, bottom, label) in enumerate(rows)
    ]
    kinds = [{"id": digit + 1, "name": str(digit)} for digit in range(10)]
    (asked.out / "boxes.json").write_text(
        json.dumps({"images": images, "annotations": notes, "categories": kinds})
    )
    print(f"{len(sizes):,} canvases, {len(rows):,} digits in {asked.out}")


if __name__ == "__main__":
    main()
