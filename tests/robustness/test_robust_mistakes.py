"""Mistakes of people: each message as it stands in mistakes.txt, which is there to be read.

Write it again, and look at what changed: NEURARIUM_WRITE_MESSAGES=1 pytest tests/robustness/test_robust_mistakes.py
"""

from __future__ import annotations

import contextlib
import difflib
import io
import os
import re
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy
import pytest
from mistakes import CALLS, LINES
from PIL import Image

from neurarium.cli.command import Command
from neurarium.cli.main import main
from neurarium.core.errors import unknown
from neurarium.core.members import KINDS, table
from neurarium.data.catalogue import ENTRIES

SNAPSHOT = Path(__file__).with_name("mistakes.txt")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with good and bad things to name."""
    folder, before = tmp_path_factory.mktemp("mistakes"), Path.cwd()
    os.chdir(folder)
    head, rows = (
        "id,length,color,one,kind",
        [f"k{n},{n / 10},{'rgb'[n % 3]},5,{'xy'[n % 2]}" for n in range(60)],
    )
    for name, text in {
        "data.csv": "\n".join([head, *rows]) + "\n",
        "other.csv": "\n".join([head, *(row[:-1] + "z" for row in rows)]) + "\n",
        "new.csv": "id,length,color,one\nk1,1.5,r,5\n",
        "lacking.csv": "id,lenght,color,one\nk1,1.5,r,5\n",
        "empty.csv": "",
        "header.csv": head + "\n",
        "c.yaml": "data: data.csv\ntarget: kind\n",
        "broken.yaml": "data: [1",
        "odd.yaml": "data: data.csv\nepohcs: 3\n",
    }.items():
        Path(name).write_text(text)
    Path("full").mkdir()
    Path("full/thesis.tex").write_text("important")
    for kind, classes in (("pictures", "ab"), ("one_class", "a")):
        for each in classes:
            (Path(kind) / each).mkdir(parents=True)
            for number in range(6):
                Image.fromarray(numpy.full((8, 8), 40 * number, numpy.uint8)).save(
                    Path(kind) / each / f"{number}.png"
                )
    words = [
        "train",
        "data.csv",
        "-t",
        "kind",
        "-n",
        "mlp",
        "--set",
        "widths=4",
        "--epochs",
        "1",
        "--quiet",
        "--out",
        "runs/good",
    ]
    assert main(words) == 0
    shutil.copytree("runs/good", "runs/broken")
    Path("runs/broken/weights.safetensors").write_bytes(b"PK\x03\x04")
    shutil.copytree("runs/good", "runs/unfinished")
    for name in ("weights.safetensors", "results.json"):
        Path("runs/unfinished", name).unlink()
    try:
        yield folder
    finally:
        os.chdir(before)


# What grows with every new file is written in short: the rest of the message is what is looked at.
MEMBERS = {kind: list(table(kind)) for kind in KINDS} | {
    "data set": list(ENTRIES),
    "option of a command": list(Command.__annotations__),
}


def said(line: str) -> tuple[int, str]:
    """Type a line; return the exit code and what standard error said."""
    err = io.StringIO()
    with (
        contextlib.redirect_stderr(err),
        contextlib.redirect_stdout(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        code = main(line.split())
    return code, err.getvalue()


def plain(text: str, folder: Path) -> str:
    """Take out what differs from machine to machine, and the lists of members, which grow."""
    for kind, names in MEMBERS.items():
        shown = str(unknown(kind, "", names)).partition("one of ")[2].partition("\n")[0]
        text = text.replace(f"one of {shown}\n", f"one of EVERY {kind.upper()}\n")
    if "expected: network: " in text:
        text = re.sub(r"(\w+: )[a-z_]+(?:, [a-z_]+)+", r"\1ITS OPTIONS", text)
    text = text.replace(str(folder.resolve()), "HERE").replace(str(folder), "HERE")
    text = re.sub(r"[0-9a-f]{12}\.\.\.", "HASH...", text)
    text = re.sub(r"(the device '\w+' cannot be used: ).+", r"\1WHY, AS THIS BUILD OF TORCH SAYS IT", text)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def message_of_line(line: str, folder: Path) -> tuple[int, str]:
    before = sorted(folder.rglob("*"))
    code, text = said(line)
    left = [each for each in sorted(folder.rglob("*")) if each not in before]
    if left:
        text += f"\nleft behind: {left[0].relative_to(folder)}"
        for each in left:
            shutil.rmtree(each, ignore_errors=True) if each.is_dir() else each.unlink(missing_ok=True)
    return code, plain(text[text.find("error: ") :] if "error: " in text else text, folder)


def message_of_call(name: str, folder: Path) -> str:
    try:
        CALLS[name]()
    except Exception as error:  # what it is stands in the snapshot
        return f"{type(error).__name__}: {plain(str(error), folder)}"
    return "nothing was raised"


@pytest.fixture(scope="module")
def messages(place: Path) -> dict[str, tuple[int, str]]:
    found = {f"$ neurarium {line}": message_of_line(line, place) for line in LINES}
    return found | {f">>> {name}": (2, message_of_call(name, place)) for name in CALLS}


def test_there_are_a_hundred_of_them():
    assert len(set(LINES)) == len(LINES) and len(LINES) + len(CALLS) >= 100


def test_every_mistake_is_told_in_one_message(messages):
    wrong = []
    for name, (code, text) in messages.items():
        if (
            code != 2
            or "Traceback" in text
            or text.count("error: ") > 1
            or not text
            or "nothing was raised" in text
        ):
            wrong.append(f"{name}: {code}: {text[:200]}")
        if not (re.search(r"expected: |received: |to fix: ", text) or "did you mean" in text):
            wrong.append(f"{name}: it says neither what is allowed nor what to do: {text[:200]}")
        if max(map(len, text.splitlines()), default=0) > 1500:
            wrong.append(f"{name}: it is too long")
    assert not wrong, "\n".join(wrong)


def test_the_messages_are_those_of_the_snapshot(messages):
    text = "\n\n".join(f"{name}\n{message}" for name, (_, message) in messages.items()) + "\n"
    if os.environ.get("NEURARIUM_WRITE_MESSAGES"):
        SNAPSHOT.write_text(text, encoding="utf-8")
    held = SNAPSHOT.read_text(encoding="utf-8")
    changed = "\n".join(
        difflib.unified_diff(held.splitlines(), text.splitlines(), "mistakes.txt", "now", lineterm="", n=2)
    )
    assert held == text, (
        f"write it again with NEURARIUM_WRITE_MESSAGES=1, and read what changed:\n{changed[:6000]}"
    )
