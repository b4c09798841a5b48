"""Tables of predictions: their beginning in a terminal, all of it, to every digit, anywhere else."""

from __future__ import annotations

import io
import sys

import polars
from rich.console import Console
from tests_cli import write_flowers

from neurarium.cli.main import main
from neurarium.cli.tables import SHOWN, preview


class Terminal(io.StringIO):
    def isatty(self):
        return True


def drawn(frame: polars.DataFrame, width: int = 80) -> list[str]:
    console = Console(width=width, file=io.StringIO())
    console.print(preview(frame))
    return console.file.getvalue().splitlines()


def test_numbers_are_rounded_and_files_named_by_what_tells_them_apart():
    frame = polars.DataFrame(
        {"file": ["/a/b/c/x.png", "/a/b/y.png"], "prediction": ["[x]", "y"], "p": [1 / 3, 0.0]}
    )
    rows = [line.split() for line in drawn(frame) if ".png" in line]
    assert rows == [["c/x.png", "[x]", "0.3333"], ["y.png", "y", "0.0000"]]


def test_of_many_probabilities_the_highest_is_shown():
    names = [f"probability_{n}" for n in range(10)]
    frame = polars.DataFrame({"prediction": ["3"]} | {name: [n / 100] for n, name in enumerate(names)})
    lines = drawn(frame)
    assert "highest probability" in lines[1] and "probability_" not in lines[1] and "0.0900" in lines[3]
    few = frame.select("prediction", *names[:4])
    assert drawn(few, 120)[1].split() == ["prediction", *names[:4]]


def test_a_terminal_gets_the_beginning_and_a_pipe_everything(tmp_path, capfd, monkeypatch, run_line):
    write_flowers(tmp_path / "flowers.csv")
    run_line(
        "train", "flowers.csv", "--target", "species", "--network", "mlp", "--epochs", 1, "--report", "none"
    )
    rows = polars.read_csv(tmp_path / "flowers.csv").height
    capfd.readouterr()
    assert main(["predict", "flowers-1", "--input", "flowers.csv"]) == 0
    whole = capfd.readouterr().out.splitlines()
    assert len(whole) == rows + 1 > SHOWN and len(whole[1].split(",")[1]) > 8
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    assert main(["predict", "flowers-1", "--input", "flowers.csv"]) == 0
    assert f"the first {SHOWN} of {rows:,}; --output FILE.csv writes them all" in screen.getvalue()
