"""Images with boxes: a COCO file and a CSV say the same, and damaged lists are refused by name."""

from __future__ import annotations

import json

import numpy
import pytest
import torch
from PIL import Image as Pillow

from neurarium.core.errors import DataError
from neurarium.data import boxes

HEAD = "image,x_min,y_min,x_max,y_max,label\n"


def made(folder, count=10):
    """Images of 20 x 40 with one box, the last with none."""
    (folder / "images").mkdir()
    rows = []
    for number in range(count):
        Pillow.fromarray(numpy.full((20, 40), 9 * number, numpy.uint8)).save(
            folder / "images" / f"{number}.png"
        )
        rows.append((f"{number}.png", 2, 4, 12, 10, "cat" if number % 2 else "dog"))
    lines = [",".join(map(str, row)) for row in rows[:-1]] + [f"{count - 1}.png,,,,,"]
    (folder / "boxes.csv").write_text(HEAD + "\n".join(lines) + "\n")
    held = {
        "images": [{"id": n, "file_name": row[0], "width": 40, "height": 20} for n, row in enumerate(rows)],
        "categories": [{"id": 7, "name": "cat"}, {"id": 9, "name": "dog"}],
        "annotations": [
            {"id": n, "image_id": n, "category_id": 7 if row[5] == "cat" else 9, "bbox": [2, 4, 10, 6]}
            for n, row in enumerate(rows[:-1])
        ],
    }
    (folder / "boxes.json").write_text(json.dumps(held))
    return folder / "images", folder


def test_a_csv_and_a_coco_file_say_the_same(tmp_path):
    images, folder = made(tmp_path)
    one, other = (boxes(images, boxes=folder / name) for name in ("boxes.csv", "boxes.json"))
    assert one.targets == other.targets and one.targets.names == ("cat", "dog")
    assert other.preparation.target.ids == (7, 9) and one.preparation.target.ids == ()
    for key, value in one.train.targets.items():
        assert torch.equal(value, other.train.targets[key])
    together = torch.cat([part.targets["present"].sum(1) for part in one.splits.values()])
    assert sorted(together.tolist()) == [0] + [1] * 9
    first = one.train[0:1]["targets"]
    assert first["boxes"][0, 0].tolist() in ([2.0, 4.0, 12.0, 10.0], [0.0] * 4)


def test_boxes_move_with_their_images(tmp_path):
    images, folder = made(tmp_path)
    data = boxes(images, boxes=folder / "boxes.csv", size=80)
    held = data.train.targets
    found = held["boxes"][held["present"]]
    # twice as large, with a border of 20 above and below
    assert (found == torch.tensor([4.0, 28.0, 24.0, 40.0])).all() and len(found) >= 5


def test_crowds_and_areas_are_told_for_measuring_and_not_learned(tmp_path):
    images, folder = made(tmp_path)
    held = json.loads((folder / "boxes.json").read_text())
    for each in held["annotations"]:
        each["area"] = 33.0
    crowd = {"category_id": 9, "bbox": [20, 0, 20, 20], "iscrowd": 1, "area": 400}
    held["annotations"] += [{**crowd, "id": 100 + n, "image_id": n} for n in range(10)]
    (folder / "crowds.json").write_text(json.dumps(held))
    data = boxes(images, boxes=folder / "crowds.json", size=80)
    targets = data.train.targets
    assert data.targets.most == 2 and int(targets["crowd"].sum()) == len(data.train)
    assert not (targets["crowd"] & targets["present"]).any()
    assert targets["boxes"][targets["crowd"]][0].tolist() == [40.0, 20.0, 80.0, 60.0]
    assert set(targets["areas"][targets["present"]].tolist()) == {33.0}
    assert set(targets["pixel_area"].tolist()) == {0.25}  # twice as large as the pictures
    assert targets["frame"].unique(dim=0).tolist() == [[0.0, 20.0, 80.0, 60.0]]
    cut = boxes(images, boxes=folder / "crowds.json", size=20, aspect="crop").train.targets
    # the middle 20 x 20 of 40 x 20: the boxes from 2 to 12 across keep 2 of 10 columns
    assert cut["areas"][cut["present"]].tolist() == pytest.approx([33.0 / 5] * int(cut["present"].sum()))
    (what,) = [each.choice for each in data.decisions if each.subject == "boxes left out"]
    assert what == 10


def test_images_that_the_list_does_not_name_are_left_out(tmp_path):
    images, folder = made(tmp_path)
    Pillow.fromarray(numpy.zeros((20, 40), numpy.uint8)).save(images / "other.png")
    data = boxes(images, boxes=folder / "boxes.csv")
    assert sum(len(part) for part in data.splits.values()) == 10
    assert [each.choice for each in data.decisions if each.subject == "images left out"] == [1]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("image,x_min,y_min,x_max,label\n", "lacks the column y_max"),
        (HEAD + "0.png,1,2,3,four,cat\n", "line 2 of .* holds no box"),
        (HEAD + "0.png,1,2,3,4,\n", "line 2 of .* has no label"),
        (HEAD + "0.png,1,2,30,99,cat\n", "a box lies outside its image 0.png"),
        (HEAD + "nothing.png,1,2,3,4,cat\n", "names none of the 10 images"),
    ],
)
def test_a_damaged_table_is_refused_with_its_line(tmp_path, text, match):
    images, folder = made(tmp_path)
    (folder / "bad.csv").write_text(text)
    with pytest.raises(DataError, match=match):
        boxes(images, boxes=folder / "bad.csv")


def test_a_damaged_coco_file_is_refused(tmp_path):
    images, folder = made(tmp_path)
    held = json.loads((folder / "boxes.json").read_text())
    held["annotations"][2]["category_id"] = 99
    (folder / "bad.json").write_text(json.dumps(held))
    with pytest.raises(
        DataError, match=r"annotation 2 of .* the category_id 99, which is none of its categories"
    ):
        boxes(images, boxes=folder / "bad.json")
    (folder / "bad.json").write_text("[]")
    with pytest.raises(DataError, match="no COCO file"):
        boxes(images, boxes=folder / "bad.json")


def test_images_that_the_list_names_and_that_are_not_there_are_told(tmp_path):
    images, folder = made(tmp_path)
    (images / "4.png").unlink()
    data = boxes(images, boxes=folder / "boxes.json")
    told = [each for each in data.decisions if each.subject == "images missing"]
    assert [(each.choice, each.reason) for each in told] == [
        (1, "boxes.json names images that are not in images: 4.png")
    ]


def test_lists_without_annotations_and_lists_of_empty_images_say_what_to_do(tmp_path):
    images, folder = made(tmp_path)
    held = json.loads((folder / "boxes.json").read_text())
    (folder / "bad.json").write_text(json.dumps({**held, "annotations": []}))
    with pytest.raises(DataError, match="no training image has a box") as caught:
        boxes(images, boxes=folder / "bad.json")
    assert "training images, all of them empty" in str(caught.value) and "to fix" in str(caught.value)
    del held["annotations"]
    (folder / "bad.json").write_text(json.dumps(held))
    with pytest.raises(DataError, match="images, categories; no list annotations"):
        boxes(images, boxes=folder / "bad.json")


@pytest.mark.parametrize("row", ["20,3,2,22", "2,22,20,3", "nan,3,20,22"])
def test_exchanged_sides_are_refused_with_their_line_and_boxes_without_area_are_left_out(tmp_path, row):
    for number in range(8):
        Pillow.fromarray(numpy.zeros((24, 24), numpy.uint8)).save(tmp_path / f"{number}.png")
    rows = [f"{number}.png,2,3,20,22,a" for number in range(8)]
    head = "image,x_min,y_min,x_max,y_max,label"
    listing = tmp_path / "boxes.csv"
    listing.write_text("\n".join([head, *rows, f"1.png,{row},a"]))
    with pytest.raises(DataError, match=r"line 10 of .*boxes.csv holds no box"):
        boxes(tmp_path, boxes=listing)
    listing.write_text("\n".join([head, *rows, "1.png,5,5,5,9,a"]))
    held = {each.subject: each.choice for each in boxes(tmp_path, boxes=listing).decisions}
    assert held["boxes left out"] == 1


def test_boxes_as_shares_of_their_image_are_refused(tmp_path):
    images, folder = made(tmp_path)
    lines = [f"{number}.png,0.1,0.2,0.5,1.0,cat" for number in range(10)]
    (folder / "shares.csv").write_text(HEAD + "\n".join(lines))
    with pytest.raises(DataError, match="shares of the image") as caught:
        boxes(images, boxes=folder / "shares.csv")
    assert "multiply x by the width" in str(caught.value)


def test_other_usual_names_of_columns_are_taken(tmp_path):
    images, folder = made(tmp_path)
    text = (folder / "boxes.csv").read_text()
    (folder / "voc.csv").write_text("filename,xmin,ymin,xmax,ymax,class\n" + text.partition("\n")[2])
    one, other = (boxes(images, boxes=folder / name) for name in ("boxes.csv", "voc.csv"))
    assert one.targets == other.targets
    assert torch.equal(one.train.targets["boxes"], other.train.targets["boxes"])


def test_a_table_of_corners_and_sizes_is_told_how_to_become_one_of_sides(tmp_path):
    images, folder = made(tmp_path)
    (folder / "sizes.csv").write_text("image,x,y,width,height,label\n0.png,1,1,3,3,cat\n")
    with pytest.raises(DataError, match="lacks the columns x_min") as caught:
        boxes(images, boxes=folder / "sizes.csv")
    assert "x_max = x + width" in str(caught.value)


def test_boxes_that_vanish_or_become_tiny_are_counted_in_the_plan(tmp_path):
    images, folder = made(tmp_path)
    text = (folder / "boxes.csv").read_text() + "".join(f"{number}.png,1,1,2,2,cat\n" for number in range(9))
    (folder / "more.csv").write_text(text)
    told = {each.subject: each for each in boxes(images, boxes=folder / "more.csv").decisions}
    assert told["tiny boxes"].choice == 9 and "boxes lost" not in told  # a side of one pixel
    small = boxes(images, boxes=folder / "more.csv", size=16)  # 0.4 of a pixel
    told = {each.subject: each for each in small.decisions}
    assert told["boxes lost"].choice == 9 and "--set size=" in told["boxes lost"].override
    assert sum(int(part.targets["present"].sum()) for part in small.splits.values()) == 9
    (folder / "dots.csv").write_text(HEAD + "".join(f"{number}.png,1,1,2,2,cat\n" for number in range(10)))
    with pytest.raises(DataError, match="no training box is left"):
        boxes(images, boxes=folder / "dots.csv", size=16)
