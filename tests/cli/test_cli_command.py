"""The command as the shell and as YAML say it."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurarium.cli.command import Command, pairs, seconds
from neurarium.core.errors import ArtifactError, OptionError

words = st.text(st.characters(exclude_categories=("C",)), min_size=1).filter(
    lambda text: text.strip() == text
)


@given(
    data=words,
    target=st.none() | words,
    epochs=st.none() | st.integers(1, 99),
    values=st.dictionaries(st.from_regex(r"[a-z_]{1,9}", fullmatch=True), words),
)
def test_the_line_says_what_the_command_holds(data, target, epochs, values):
    command = Command(data=data, target=target, epochs=epochs, set=values, compile=True)
    found = shlex.split(command.line())
    assert found[:3] == ["neurarium", "train", data] and "--compile" in found
    sets = [
        found[place + 1]
        for place, word in enumerate(found[3:-1], 3)
        if word == "--set" and "=" in found[place + 1]
    ]
    assert all(f"{key}={value}" in sets for key, value in values.items())
    assert Command.from_mapping(command.given(), "x") == command


def test_what_is_given_comes_before_what_is_read():
    before = Command(data="a.csv", epochs=5, set={"widths": "8", "dropout": "0.1"})
    both = Command(epochs=9, set={"dropout": "0.5"}).over(before)
    assert (both.data, both.epochs, both.set) == ("a.csv", 9, {"widths": "8", "dropout": "0.5"})


def test_a_file_of_ones_own(tmp_path: Path):
    path = tmp_path / "mine.yaml"
    path.write_text("data: digits\nepochs: 3\nbatch-size: 16\nfrom: runs/a-1\nset:\n  widths: [8, 8]\n")
    command = Command.from_file(path)
    assert (command.data, command.epochs, command.batch_size, command.start) == ("digits", 3, 16, "runs/a-1")
    assert command.set == {"widths": [8, 8]}
    path.write_text("data: digits\nepohcs: 3\n")
    with pytest.raises(OptionError, match="did you mean 'epochs'"):
        Command.from_file(path)
    path.write_text("data: digits\nepochs: many\n")
    with pytest.raises(OptionError, match="'epochs'"):
        Command.from_file(path)
    for content in ("", "- a\n", "format_version: 1\ncommand: {}\n"):
        path.write_text(content)
        with pytest.raises(OptionError, match="holds no command"):
            Command.from_file(path)
    with pytest.raises(ArtifactError, match="no file"):
        Command.from_file(tmp_path / "none.yaml")


def test_pairs_and_times():
    assert pairs(["learning-rate=1e-3", "a=b=c"]) == {"learning_rate": "1e-3", "a": "b=c"}
    for wrong in (["a"], ["=1"], ["a=1", "a=2"]):
        with pytest.raises(OptionError):
            pairs(wrong)
    assert [seconds(text) for text in ("45", "45s", "2m", "1.5h", "1h1m1s", 30)] == [
        45,
        45,
        120,
        5400,
        3661,
        30,
    ]
    for wrong in ("soon", "0", "", "-5", "1.2.3"):
        with pytest.raises(OptionError, match="no time"):
            seconds(wrong)
