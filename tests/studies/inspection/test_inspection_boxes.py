"""Planted faults of boxes: each is found with its numbers, and a list without any gives no warning."""

from __future__ import annotations

import json
from typing import Any

import numpy
import pytest
from inspection_helpers import kinds
from PIL import Image as Pillow

import neurarium as nr
from neurarium.core.errors import DataError
from neurarium.studies.inspection.result import Inspection

HIGH, WIDE = 48, 64
Row = tuple[Any, ...]


@pytest.fixture
def rows(tmp_path) -> list[Row]:
    """Write 60 images, and return two boxes for each."""
    (tmp_path / "images").mkdir()
    found: list[Row] = []
    for number in range(60):
        chance = numpy.random.default_rng(number)
        pixels = chance.integers(0, 256, (6, 8, 3), dtype=numpy.uint8).repeat(8, 0).repeat(8, 1)
        Pillow.fromarray(pixels).save(tmp_path / "images" / f"{number:02d}.png")
        left, top = int(chance.integers(0, 20)), int(chance.integers(0, 20))
        found.append((f"{number:02d}.png", left, top, left + 12, top + 10, "ant"))
        found.append((f"{number:02d}.png", left + 20, top + 4, left + 34, top + 16, "bee"))
    return found


@pytest.fixture
def check(tmp_path):
    """Return `check(rows) -> Inspection`, which writes the rows as a CSV first."""

    def check(lines_of: list[Row], **options: Any) -> Inspection:
        lines = ["image,x_min,y_min,x_max,y_max,label", *(",".join(map(str, row)) for row in lines_of)]
        (tmp_path / "boxes.csv").write_text("\n".join(lines) + "\n")
        given = {"boxes": str(tmp_path / "boxes.csv"), "timing": False, **options}
        return nr.studies.check_data(tmp_path / "images", **given)

    return check


def test_boxes_without_faults_give_no_warning_and_are_counted(rows, check):
    found = check(rows, options={"size": 64})
    assert kinds(found) == []
    assert found.facts["splits"] == {"train": 42, "validation": 9, "test": 9}
    assert found.facts["boxes"] == {"boxes": 120, "images": 60, "bare": 0, "most": 2, "median": 2.0}
    assert found.facts["target"]["classes"]["train"] == {"ant": 42, "bee": 42}


def test_entries_that_hold_no_box_are_all_named(rows, check):
    rows[0] = ("00.png", 30, 4, 10, 20, "ant")
    rows[3] = ("01.png", "x", 4, 10, 20, "ant")
    rows[5] = ("02.png", 3, 4, 10, 20, "")
    rows[7] = ("03.png", 5, 5, 5, 20, "bee")
    found = check(rows)
    each = found.of("no box")[0]
    assert (each.severity, each.numbers) == ("error", {"entries": 3})
    assert [f"line {line}" in seen for line, seen in zip((2, 5, 7), each.where, strict=True)] == [True] * 3
    assert (found.of("no area")[0].where, found.of("training")[0].severity) == (("line 9",), "error")
    assert found.facts["boxes"]["boxes"] == 116  # the others are looked at all the same


def test_boxes_outside_and_another_order_of_the_numbers(rows, check):
    assert check([*rows, ("00.png", 40, 10, WIDE + 0.5, 30, "ant")]).of("outside")[0].severity == "note"
    one = check([*rows, ("00.png", 40, 10, WIDE + 9, 30, "ant")]).of("outside")[0]
    assert (one.severity, one.numbers) == ("error", {"boxes": 1, "far": 1, "of": 121})
    assert "another order" not in one.seen
    tall = [(name, 2 * x, 2 * y, 2 * right, 2 * low, label) for name, x, y, right, low, label in rows]
    assert "left, top, width, height" in check(tall).of("outside")[0].seen


def test_shares_of_the_sides_are_no_pixels(rows, check):
    small = [(n, x / WIDE, y / HIGH, r / WIDE, b / HIGH, label) for n, x, y, r, b, label in rows]
    found = check(small)
    assert found.of("units")[0].numbers == {"boxes": 120}
    assert not found.of("outside")


def test_doubled_boxes_and_two_labels_of_one_place(rows, check):
    name, left, top, right, low, label = rows[0]
    found = check([*rows, (name, left, top, right, low, label), (*rows[3][:5], "ant")])
    assert found.of("duplicates", "boxes")[0].numbers == {"boxes": 1, "of": 122}
    assert "bee and ant" in found.of("conflicting labels")[0].seen
    apart = check([*rows, (name, left, top, right, low - 2, label)])  # an overlap of 0.8 may be two things
    assert not apart.of("duplicates", "boxes")


def test_boxes_that_training_would_not_see(rows, check):
    found = check([*rows, *(("00.png", 40, 40, 43, 47, "bee") for _ in range(1))])
    assert found.of("tiny")[0].numbers == {"boxes": 1, "of": 121}
    shrunk = check(rows, options={"size": 16}).of("tiny")[0]  # a quarter: 12 x 10 are 3 x 2.5
    assert (shrunk.severity, shrunk.numbers["boxes"]) == ("warning", 120)


def test_boxes_of_whole_images(rows, check):
    found = check([*rows, *((f"{place:02d}.png", 0, 0, WIDE, HIGH, "ant") for place in range(3))])
    assert found.of("whole images")[0].numbers == {"boxes": 3}


def test_images_without_boxes_and_without_a_line(rows, check):
    bare = [
        *rows[:40],
        *((f"{place:02d}.png", "", "", "", "", "") for place in range(20, 57)),
        ("lost.png", *rows[0][1:]),
    ]
    found = check(bare)
    each = found.of("no boxes")[0]
    assert (each.severity, each.numbers) == ("warning", {"images": 37, "of": 57})
    assert found.of("unlisted images")[0].where == ("57.png", "58.png", "59.png")
    assert found.of("missing images")[0].where == ("lost.png",)


def test_classes_of_few_boxes_and_two_spellings(rows, check):
    found = check([*rows, *((f"{place:02d}.png", 40, 20, 60, 40, "Bee.") for place in range(4))])
    assert found.of("spellings")[0].seen.endswith("'Bee.' = 'bee'")
    assert found.of("rare classes")[0].numbers["classes"] == 1


def test_images_that_were_resized_after_their_boxes(rows, check, tmp_path):
    names = sorted({row[0] for row in rows})
    held = {
        "images": [{"id": n, "file_name": name, "width": WIDE * (2 if n else 1), "height": HIGH}
                   for n, name in enumerate(names)],
        "categories": [{"id": 1, "name": "ant"}],
        "annotations": [{"id": n, "image_id": n, "category_id": 1, "bbox": [2, 3, 20, 10], "iscrowd": int(n == 5)}
                        for n in range(len(names))] + [{"id": 99, "image_id": 99, "category_id": 1, "bbox": [1, 1, 9, 9]}],
    }  # fmt: skip
    (tmp_path / "boxes.json").write_text(json.dumps(held))
    found = check(rows, boxes=str(tmp_path / "boxes.json"))
    assert found.of("image sizes")[0].numbers == {"images": 59}
    assert found.of("crowd")[0].where == ("annotation 5",)
    assert found.of("no box")[0].numbers == {"entries": 1}


def test_the_same_image_twice_is_told(rows, check, tmp_path):
    (tmp_path / "images" / "98.png").write_bytes((tmp_path / "images" / "07.png").read_bytes())
    found = check([*rows, ("98.png", *rows[14][1:])])
    assert [each.kind for each in found.findings if each.kind.startswith("duplicates")]


def test_all_boxes_are_counted_where_few_images_are_looked_at(rows, check):
    found = check([*rows, ("00.png", 40, 10, WIDE + 9, 30, "ant")], rows=10)
    assert found.facts["images"]["looked_at"] == 10
    assert found.facts["boxes"]["boxes"] == 121


def test_a_list_that_is_not_there_is_a_mistake_of_the_command(rows, check):
    with pytest.raises(DataError, match="none"):
        check(rows, boxes="none.csv")
