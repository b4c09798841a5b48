"""What must be quick loads nothing heavy: help, version, chapters, runs, completion."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("torch", "polars", "numpy", "matplotlib", "sklearn", "pandas", "scipy")
CODE = f"""
import sys
from neurarium.cli.main import main
try:
    code = main()
except SystemExit as end:  # completion ends the process itself
    code = end.code
print([name for name in {HEAVY!r} if name in sys.modules], code, file=sys.stderr)
"""
LINES = (
    "--help",
    "--version",
    "train --help",
    "chapters",
    "chapters 03 --json",
    "runs",
    "runs --json",
    "datasets",
    "datasets --json",
)


def loaded(words: list[str], cwd: Path, **environment: str) -> tuple[str, str]:
    done = subprocess.run(
        [sys.executable, "-c", CODE, *words],
        capture_output=True, text=True, cwd=cwd, env={**os.environ, **environment}, check=True,
    )  # fmt: skip
    return done.stdout, done.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize("line", LINES)
def test_nothing_heavy_is_loaded(line: str, tmp_path: Path):
    out, last = loaded(line.split(), tmp_path)
    assert last == "[] 0"
    assert len(out) > 10


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("neurarium tr", "train"),
        ("neurarium train dig", "digits"),
        ("neurarium train digits --network ml", "mlp"),
        ("neurarium train digits --method su", "supervised"),
        ("neurarium train digits --split st", "stratified"),
        ("neurarium train digits --epo", "--epochs"),
        ("neurarium datasets fetch mni", "mnist"),
        ("neurarium plot sch", "schedules"),
        ("neurarium chapters 1", "13"),
        ("neurarium predict runs/a", "runs/a-1"),
        ("neurarium predict a-", "a-1"),
        ("neurarium train digits --network mlp --set wid", "widths="),
        ("neurarium train digits --network mlp --set learning_r", "learning_rate="),
        ("neurarium train digits --network cnn --set initia", "initializer="),
        ("neurarium train digits --set activation = sw", "swiglu"),
        ("neurarium train digits --set widths = 8 --set schedule = cosi", "cosine"),
        ("neurarium train some.csv --target inc", "income"),
    ],
)
def test_completion_knows_the_names_without_torch(typed: str, offered: str, tmp_path: Path):
    (tmp_path / "runs/a-1").mkdir(parents=True)
    (tmp_path / "runs/a-1/config.yaml").write_text("{}")
    (tmp_path / "some.csv").write_text("age;income;work\n1;2;3\n")
    words = {"COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split()) - 1)}
    out, last = loaded([], tmp_path, _NEURARIUM_COMPLETE="complete_bash", **words)
    assert offered in out.split()
    assert last.startswith("[]")


def test_completion_of_zsh_fish_and_powershell(tmp_path: Path):
    """Each shell hands over its words in its own way, and wants the whole word back."""
    line = "neurarium train digits --network mlp --set schedule=cos"
    environment = {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    environment["_TYPER_COMPLETE_WORD_TO_COMPLETE"] = "schedule=cos"
    for shell in ("zsh", "fish", "powershell"):
        out, last = loaded([], tmp_path, _NEURARIUM_COMPLETE=f"complete_{shell}", **environment)
        assert "schedule=cosine" in out and "constant" not in out, shell
        assert last.startswith("[]")


def test_the_scripts_of_the_shells_are_shown(tmp_path: Path):
    for shell, words in (
        ("bash", "complete -o default -F"),
        ("zsh", "#compdef neurarium"),
        ("fish", "complete --command neurarium"),
    ):
        out, _ = loaded(
            ["--show-completion", shell], tmp_path, _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1"
        )
        assert words in out and "_NEURARIUM_COMPLETE" in out


def test_bash_itself_completes_a_setting(tmp_path: Path):
    """In a real bash, whose words end at `=`."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash")
    script, _ = loaded(
        ["--show-completion", "bash"], tmp_path, _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1"
    )
    (tmp_path / "neurarium").write_text(f'#!/bin/sh\nexec {sys.executable} -m neurarium "$@"\n')
    (tmp_path / "neurarium").chmod(0o755)
    code = (
        script
        + """
COMP_WORDS=(neurarium train digits --network mlp --set schedule = cosi); COMP_CWORD=8
_neurarium_completion neurarium; echo "${COMPREPLY[@]}"
"""
    )
    done = subprocess.run(
        [bash, "--norc", "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
    )
    assert done.stdout.split() == ["cosine", "cosine-logarithm"], done.stderr


def test_what_only_predicts_does_not_load_the_compiler_of_torch(tmp_path: Path):
    """torch imports it with the first optimizer, and for a dispatch mode of ours: more than a second for nothing."""
    code = """
import sys
import neurarium as nr
iris = nr.data.load("iris")
if sys.argv[1] == "train":
    nr.fit(nr.methods.Supervised(nr.networks.MLP.for_data(iris.inputs, iris.targets)), iris, epochs=1, out="run", progress=False)
else:
    nr.studies.predict(nr.load("run"), {name: [5.0] for name in nr.load("run").preparation.sources})
    assert nr.load("run").network is not None
print("torch._dynamo" in sys.modules)
"""
    said = [
        subprocess.run(
            [sys.executable, "-c", code, what], capture_output=True, text=True, cwd=tmp_path, check=True
        ).stdout.split()[-1]
        for what in ("train", "predict")
    ]
    assert said == ["True", "False"]
