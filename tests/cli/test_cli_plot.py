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
