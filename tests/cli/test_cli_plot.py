"""`neurarium plot`: pictures in three formats."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image


@pytest.mark.parametrize("what", ["activations", "schedules"])
def test_every_plot(what, run_line):
    code, value, _ = run_line("plot", what, "--output", "picture.png")
    assert (code, value["output"]) == (0, "picture.png")
    with Image.open("picture.png") as picture:
        assert picture.width > 800 and len(picture.convert("L").getcolors()) > 20


def test_some_names_and_other_formats(run_line):
    assert run_line("plot", "schedules", "cosine", "one-cycle", "-o", "picture.svg")[0] == 0
    text = Path("picture.svg").read_text()
    assert text.lstrip().startswith("<?xml") and "<path" in text
    code, value, _ = run_line("plot", "schedules", "cosin")
    assert code == 2 and value["error"]["fix"] == "did you mean 'cosine'?"
    code, value, _ = run_line("plot", "activations", "-o", "picture.bmp")
    assert code == 2 and ".png" in value["error"]["expected"] and not Path("picture.bmp").exists()


def test_capsules_of_a_run_and_of_a_run_without(run_line):
    line = (
        "train",
        "digits",
        "--network",
        "efficient-capsnet",
        "--steps",
        "2",
        "--report",
        "none",
        "--out",
        "run",
    )
    sizes = ("--set", "widths=4,4,4,8", "--set", "part_dim=4", "--set", "dim=4")
    assert run_line(*line, *sizes)[0] == 0
    code, value, _ = run_line("plot", "capsules", "run", "--dims", "0,2", "-o", "pose.png")
    assert (code, value["output"]) == (0, "pose.png") and Path("pose.png").stat().st_size > 5000
    code, value, _ = run_line("plot", "capsules", "run", "--dims", "zero")
    assert code == 2 and "0,3,7" in value["error"]["expected"]
    code, value, _ = run_line("plot", "capsules", "run", "--dims", "4")
    assert code == 2 and value["error"]["expected"] == "0 to 3"
