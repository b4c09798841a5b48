"""What must be quick loads nothing heavy: help, version, chapters, runs, completion."""

from __future__ import annotations

import os
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
    ],
)
def test_completion_knows_the_names_without_torch(typed: str, offered: str, tmp_path: Path):
    (tmp_path / "runs/a-1").mkdir(parents=True)
    (tmp_path / "runs/a-1/config.yaml").write_text("{}")
    words = {"COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split()) - 1)}
    out, last = loaded([], tmp_path, _NEURARIUM_COMPLETE="complete_bash", **words)
    assert offered in out.split()
    assert last.startswith("[]")
