"""The README keeps its word: its programs and its command lines run as they stand there."""

from __future__ import annotations

import contextlib
import json
import random
import re
import shlex
import socket
import subprocess
import sys
import time
import urllib.request
import wave
from pathlib import Path

import numpy
import polars
import pytest
from PIL import Image

from neurarium.cli import book
from neurarium.cli.main import main
from neurarium.core.members import table

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, flags=re.DOTALL)


def commands() -> list[list[str]]:
    """Return the command lines of the README without their comments, as lists of words."""
    lines = "\n".join(blocks("sh")).splitlines()
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("neurarium ")]


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """A folder with what the README's reader has: a table, new rows, photos."""
    monkeypatch.chdir(tmp_path)
    chance = random.Random(0)
    rows = ["age,work,hours,income"]
    for _ in range(300):
        age, hours = chance.randint(17, 80), chance.choice(["", *range(10, 60)])
        rows.append(
            f"{age},{chance.choice(['private', 'state', '?'])},{hours},{'>50K' if age > 45 else '<=50K'}"
        )
    Path("adult.csv").write_text("\n".join(rows) + "\n")
    Path("new.csv").write_text("age,work,hours\n70,private,40\n20,nowhere,\n")
    words = (("fine", "good", "great"), ("bad", "poor", "dull"))
    lines = [
        f"a {chance.choice(words[number % 2])} film number {number} to see,{'pn'[number % 2]}"
        for number in range(80)
    ]
    Path("reviews.csv").write_text("\n".join(["review,sentiment", *lines]) + "\n")
    Path("book.txt").write_text("It was the best of times, it was the worst of times.\n" * 60)
    said = [f"one {number % 7} two {number % 5}" for number in range(60)]
    Path("train.en").write_text("\n".join(said) + "\n")
    Path("train.de").write_text(
        "\n".join(each.replace("one", "eins").replace("two", "zwei") for each in said) + "\n"
    )
    hours = numpy.datetime64("2024-01-01T00:00") + 60 * numpy.arange(900)
    load = 10 + numpy.sin(numpy.arange(900) * numpy.pi / 12)
    polars.DataFrame({"date": hours.astype(str), "load": load}).write_csv("load.csv")
    for pitch, name in ((300, "low"), (900, "high")):
        (tmp_path / "recordings" / name).mkdir(parents=True)
        for number in range(12):
            wave_of(tmp_path / "recordings" / name / f"{number}.wav", pitch + 5 * number)
    Path("parts").mkdir()
    table_of = polars.read_csv("adult.csv", null_values="")
    for number in range(2):
        table_of.slice(150 * number, 150).write_parquet(f"parts/{number}.parquet")
    source = numpy.random.default_rng(0)
    for shade, name in ((60, "dark"), (190, "light")):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(20):
            pixels = source.integers(shade - 50, shade + 50, (12, 12, 3), dtype=numpy.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{number}.png")
    return tmp_path


def wave_of(path: Path, pitch: float, rate: int = 8000) -> None:
    """Write a third of a second of a tone."""
    tone = 0.3 * numpy.sin(2 * numpy.pi * pitch * numpy.arange(rate // 3) / rate)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((tone * 32767).astype("<i2").tobytes())


def served(words):
    """Start a server as a process of its own, ask for its health, and end it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen([sys.executable, "-m", "neurarium", *words, "--port", str(port)])
    try:
        for _ in range(600):
            assert server.poll() is None
            with (
                contextlib.suppress(OSError),
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health") as answer,
            ):
                return {"status": json.load(answer)["status"]}
            time.sleep(0.1)
        raise AssertionError("the server does not answer")
    finally:
        server.terminate()
        server.wait(30)


def test_the_command_lines_run(workplace, capsys):
    assert len(commands()) >= 6
    for words in commands():
        # A short training is enough here; what the defaults reach is measured elsewhere.
        if words[0] == "serve":
            assert served(words) == {"status": "ok"}
            continue
        short = [*words, "--epochs", "2"] if words[0] == "train" and "--epochs" not in words else words
        assert main(short) == 0, (words, capsys.readouterr())
    written = (workplace / "predictions.csv").read_text().splitlines()
    assert len(written) == 3
    assert "prediction" in written[0]
    assert (workplace / "runs" / "adult" / "report.html").stat().st_size > 10_000
    assert (workplace / "runs" / "photos" / "weights.safetensors").is_file()


def test_the_programs_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    space: dict = {"__name__": "__main__"}
    programs = blocks("python")
    assert len(programs) == 2
    for program in programs:
        exec(compile(program, "README.md", "exec", dont_inherit=True), space)
    assert space["run"].best["validation"]["accuracy"] > 0.9
    assert "accuracy" in capsys.readouterr().out


def test_the_picture_is_there():
    with Image.open(ROOT / "docs" / "images" / "report.png") as picture:
        assert picture.width >= 1000
    assert "docs/images/report.png" in TEXT


def test_the_targets_of_make_that_are_named_are_there():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for document in ("README.md", "CONTRIBUTING.md", "docs/README.md"):
        named = set(
            re.findall(
                r"(?:^|`)make ([a-z-]+)", (ROOT / document).read_text(encoding="utf-8"), flags=re.MULTILINE
            )
        )
        there = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
        assert named - there == set(), document


def test_the_numbers_of_members_are_right():
    for kind in ("loss", "activation", "metric"):
        plural = "losses" if kind == "loss" else f"{kind}s"
        told = re.findall(rf"\b(\d+) {plural}\b", TEXT)
        assert told == [str(len(table(kind)))], plural


def test_what_the_readme_calls_built_is_built():
    """A chapter counts as built when it has members and a document; the table of the README says no more, and no less."""
    told = {
        number
        for row in re.findall(r"^\| (\d[\dab, ]+)[^|]*\| (?:\*\*built|begun)", TEXT, flags=re.MULTILINE)
        for number in re.findall(r"\d\d[ab]?", row)
    }
    told |= {number[:2] for number in told}
    built = set()
    for chapter in book.BOOK:
        content = book.content(chapter)
        if content["members"] and content["documents"]:
            built |= set(chapter.numbers)
    assert told == built
