"""`neurarium check`: text, JSON, page, exit codes."""

from __future__ import annotations

import html.parser
import re

import numpy
import polars
import pytest
from PIL import Image

from neurarium.cli.main import main


@pytest.fixture
def faulty(tmp_path):
    """Write a table with a constant column and one that is the target, and return its path."""
    chance = numpy.random.default_rng(0)
    kind = numpy.where(chance.random(200) < 0.5, "oak", "elm")
    frame = {"size": chance.normal(5, 1, 200).round(3), "made": [3] * 200, "code": kind, "kind": kind}
    polars.DataFrame({**frame, "<b>&": chance.normal(0, 1, 200)}).write_csv(tmp_path / "trees.csv")
    return tmp_path / "trees.csv"


def test_json_holds_findings_and_facts(faulty, run_line):
    code, value, _ = run_line("check", faulty, "--target", "kind", "--no-timing")
    assert code == 0
    assert value["counts"] == {"error": 1, "warning": 1, "note": 0}
    assert [(each["kind"], each["subject"]) for each in value["findings"]] == [
        ("leak", "column code"), ("constant", "column made"),
    ]  # fmt: skip
    assert value["findings"][0]["action"].startswith("--set drop=code")
    assert value["facts"]["splits"] == {"train": 140, "validation": 30, "test": 30}
    assert sum(value["facts"]["columns"][0]["histogram"]["counts"]["train"]) == 140


def test_the_advice_of_a_finding_mends_it(faulty, run_line):
    _, value, _ = run_line("check", faulty, "-t", "kind", "--no-timing", "--set", "drop=code,made")
    assert value["findings"] == []


def test_strict_exits_with_1_for_errors_and_warnings_alone(faulty, run_line):
    assert run_line("check", faulty, "-t", "kind", "--no-timing", "--strict")[0] == 1
    assert run_line("check", "iris", "--no-timing", "--strict")[0] == 0


@pytest.mark.parametrize("width", [80, 120])
def test_text_fits_the_terminal(faulty, width, capfd, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    assert main(["check", str(faulty), "-t", "kind"]) == 0
    text = capfd.readouterr().out
    assert "1 error, 1 warning, 0 notes" in text
    assert "it alone predicts the target" in text
    assert "-> --set drop=code" in text
    assert max(len(line) for line in text.splitlines() if "checked in" not in line) <= width
    assert re.search(r"training .*the default network \(tabm, [\d,]+ parameters\)", text)


class _Page(html.parser.HTMLParser):
    """Collects what stands on a page, and what it would load."""

    def __init__(self, content: str):
        super().__init__()
        self.tags: list[str] = []
        self.loads: list[str] = []
        self.said = ""
        self.feed(content)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.loads += [f"{tag} {name}={value}" for name, value in attrs if name in ("src", "href", "onclick")]

    def handle_data(self, data):
        self.said += data


def test_the_page_stands_alone_and_escapes_names(faulty, tmp_path, run_line):
    place = tmp_path / "check.html"
    _, value, _ = run_line("check", faulty, "-t", "kind", "--no-timing", "--out", place)
    content = place.read_text(encoding="utf-8")
    page = _Page(content)
    assert value["page"] == str(place)
    assert page.loads == []
    assert "script" not in page.tags
    assert page.tags.count("article") == 2
    assert page.tags.count("svg") == 3  # the columns of numbers
    assert "<b>&" in page.said
    assert "Do not train on it yet" in page.said
    assert page.tags.count("rect") == 24 + 24 + 1


def test_without_a_target_it_says_how_to_give_one(faulty, capfd):
    assert main(["check", str(faulty)]) == 0
    assert "--target COLUMN" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["check"], "there is nothing to check"),
        (["check", "iriss"], "did you mean 'iris'?"),
        (["check", "iris", "--rows", "3"], "expected: 100 or more"),
        (["check", "iris", "--target", "species"], "comes with its target"),
    ],
)
def test_mistakes_exit_with_2_and_a_message(words, said, capfd):
    assert main(words) == 2
    assert said in capfd.readouterr().err


def test_whatever_train_reads_check_reads_too():
    from inspect import signature

    from neurarium.cli.check import check
    from neurarium.studies.planning.reading import ASKED

    assert set(ASKED) <= set(signature(check).parameters)


def test_images_with_masks_and_with_boxes_are_checked(tmp_path, run_line):
    chance = numpy.random.default_rng(0)
    for kind in ("images", "masks"):
        (tmp_path / kind).mkdir()
    lines = ["image,x_min,y_min,x_max,y_max,label"]
    for number in range(20):
        pixels = chance.integers(0, 256, (40, 40), numpy.uint8)
        Image.fromarray(pixels).save(tmp_path / "images" / f"{number}.png")
        if number:
            Image.fromarray((pixels > 127).astype(numpy.uint8)).save(tmp_path / "masks" / f"{number}.png")
        lines += [f"{number}.png,2,2,20,20,leaf", f"{number}.png,2,2,{20 if number else 90},20,leaf"]
    (tmp_path / "boxes.csv").write_text("\n".join(lines))
    images, masks, boxes = (tmp_path / name for name in ("images", "masks", "boxes.csv"))
    page = tmp_path / "page.html"
    code, value, _ = run_line("check", images, "--masks", masks, "--no-timing", "--out", page)
    assert code == 0
    assert {each["kind"] for each in value["findings"] if each["severity"] == "error"} == {
        "missing masks",
        "training",
    }
    assert "0.png" in page.read_text() and value["facts"]["masks"]["looked_at"] == 19
    code, value, _ = run_line("check", images, "--boxes", boxes, "--no-timing", "--strict")
    assert code == 1
    numbers = {each["kind"]: each["numbers"] for each in value["findings"]}
    assert numbers["outside"] == {"boxes": 1, "far": 1, "of": 40}
    assert numbers["duplicates"] == {"boxes": 19, "of": 40}
