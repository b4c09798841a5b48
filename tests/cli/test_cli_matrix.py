"""Every kind of data with every verb: each works, or is refused by name with exit code 2."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import polars
import pytest
from PIL import Image

from neurarium.cli.main import main
from neurarium.data.readers.wav import write_wav

QUICK = ("--epochs", "1", "--quiet")
SMALL = ("--network", "mlp", "-s", "widths=8")
NOTE = ("--text", "note", "-s", "tokenizer=words")
# How each kind is read, and the network that learns it.
KINDS: dict[str, tuple[str, ...]] = {
    "binary": ("table.csv", "--target", "ill", "-s", "drop=grade,cost,days,tags,photo,note"),
    "multi": ("table.csv", "--target", "grade", "-s", "drop=ill,cost,days,tags,photo,note"),
    "regression": ("table.csv", "--target", "cost", "-s", "drop=ill,grade,days,tags,photo,note"),
    "quantities": ("table.csv", "--target", "cost,days", "-s", "drop=ill,grade,tags,photo,note"),
    "several": ("table.csv", "--target", "grade,cost", "-s", "drop=ill,days,tags,photo,note"),
    "labels": ("table.csv", "--target", "tags", "-s", "drop=ill,grade,cost,days,photo,note"),
    "text": ("table.csv", "--target", "ill", "-s", "drop=grade,cost,days,tags,photo", *NOTE),
    "language": ("book.txt", "-s", "context=8"),
    "pictures": ("table.csv", "--target", "ill", "-s", "drop=grade,cost,days,tags,note"),
    "paths": ("table.csv", "--image", "photo", "--target", "ill"),
    "folder": ("pets",),
    "streamed": (
        "table.parquet", "--target", "ill", "-s", "stream=true", "-s", "drop=grade,cost,days,tags,photo,note",
    ),
    "npz": ("vectors.npz",),
    "catalogue": ("iris",),
    "series": ("waves.ts", "--validation", "0.2"),
    "rocket": ("waves.ts", "--validation", "0.2"),
    "sounds": ("tones",),
    "spoken": ("recordings.csv", "--sound", "path", "--target", "said", "--task", "transcription"),
    "heard": ("recordings.csv", "--sound", "path", "--target", "kind"),
    "tagged": ("words.conll", "--task", "tagging"),
    "forecast": ("load.csv", "--time", "day", "--target", "load", "--horizon", "4", "-s", "lookback=12"),
    "translated": ("pairs.csv", "--text", "said", "--target", "meant", "--task", "translation"),
}  # fmt: skip
NETWORKS: dict[str, tuple[str, ...]] = {
    "text": ("-s", "width=8"),
    "language": ("-s", "width=8", "-s", "blocks=1", "-s", "heads=2"),
    "pictures": ("-s", "width=8"),
    "paths": ("--network", "cnn", "-s", "widths=4"),
    "folder": ("--network", "cnn", "-s", "widths=4"),
    "series": ("--network", "inception-time", "-s", "filters=4", "-s", "depth=1"),
    "rocket": ("--network", "minirocket", "-s", "size=84"),
    "sounds": ("-s", "widths=4,4"),
    "spoken": ("-s", "widths=4,4", "-s", "width=4"),
    "heard": ("--network", "gru", "-s", "width=4"),
    "tagged": ("-s", "width=8"),
    "forecast": ("--network", "dlinear"),
    "translated": ("-s", "width=8", "-s", "heads=2", "-s", "blocks=1"),
}


def line(kind: str) -> list[str]:
    """The data and the network of a kind."""
    return [*KINDS[kind], *NETWORKS.get(kind, SMALL)]


NEW = {
    "folder": "pets",
    "paths": "pets",
    "npz": "vectors.npz",
    "streamed": "table.parquet",
    "catalogue": "iris.csv",
    "language": "book.txt",
    "series": "waves.ts",
    "rocket": "waves.ts",
    "sounds": "tones",
    "spoken": "recordings.csv",
    "heard": "tones",
    "tagged": "words.conll",
    "forecast": "load.csv",
    "translated": "pairs.csv",
}
VERBS: dict[str, Callable[[str], list[str]]] = {
    "check": lambda kind: ["check", *KINDS[kind]],
    "evaluate": lambda kind: ["evaluate", f"runs/{kind}"],
    "predict": lambda kind: [
        "predict", f"runs/{kind}", "--input", NEW.get(kind, "table.csv"), "--output", f"{kind}.csv",
    ],
    "report": lambda kind: ["report", f"runs/{kind}"],
    "compare": lambda kind: ["compare", f"runs/{kind}", f"runs/{kind}-2", "--out", f"{kind}.html"],
    "profile": lambda kind: ["profile", f"runs/{kind}", "--examples", "4"],
    "signal": lambda kind: ["signal", f"runs/{kind}"],
    "runs": lambda kind: ["runs", "show", f"runs/{kind}"],
    "config": lambda kind: ["train", "--config", f"runs/{kind}/config.yaml", "--out", f"again/{kind}", "--quiet"],
    "from": lambda kind: ["train", *line(kind), *QUICK, "--from", f"runs/{kind}", "--out", f"from/{kind}"],
    "cross-validate": lambda kind: [
        "cross-validate", *line(kind), "--folds", "2", *QUICK, "--out", f"folds/{kind}",
    ],
    "learning-rate": lambda kind: ["learning-rate", *line(kind), "--output", f"{kind}.png"],
    "calibrate": lambda kind: ["calibrate", f"runs/{kind}"],
    "thresholds": lambda kind: ["thresholds", f"runs/{kind}"],
    "resume": lambda kind: ["train", "--resume", f"runs/{kind}", "--epochs", "2", "--quiet"],
}  # fmt: skip
WITHOUT_CLASSES = ("regression", "quantities", "several", "tagged", "forecast", "translated")
REFUSED = {(kind, verb) for kind in WITHOUT_CLASSES for verb in ("calibrate", "thresholds")} | {
    ("streamed", "cross-validate"),
    *(("spoken", verb) for verb in ("calibrate", "thresholds")),
    *(("language", verb) for verb in ("calibrate", "thresholds", "cross-validate")),
}
DEFAULT = ("several", "text", "language", "spoken")  # the newest ways; the others run with the slow tests
HEAVY = ("cross-validate", "learning-rate", "check", "compare")


def _write(folder: Path, rows: int = 60) -> None:
    chance = numpy.random.default_rng(0)
    age, place = chance.integers(18, 80, rows), chance.choice(["Paris", "Rome", "Oslo"], rows)
    ill = (age > 50) ^ (chance.random(rows) < 0.1)
    words = numpy.where(ill, "a dull and weary day", "a bright and merry day")
    photos = []
    for row in range(rows):
        name = f"pets/{'dark' if ill[row] else 'light'}/{row}.png"
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = chance.integers(0, 120, (8, 8, 3), dtype=numpy.uint8) + (0 if ill[row] else 120)
        Image.fromarray(pixels.astype(numpy.uint8)).save(path)
        photos.append(name)
    tags = [
        ";".join(["old"] * int(a > 50) + ["roman"] * int(p == "Rome")) or "none"
        for a, p in zip(age, place, strict=True)
    ]
    frame = polars.DataFrame({
        "age": age, "place": place, "ill": numpy.where(ill, "yes", "no"),
        "grade": numpy.where(age < 35, "low", numpy.where(age < 60, "mid", "high")),
        "cost": (3.0 * age + chance.normal(0, 8, rows)).round(2), "days": (age / 10 + chance.normal(0, 1, rows)).round(2),
        "tags": tags, "photo": photos, "note": [f"{text} number {row}" for row, text in enumerate(words)],
    })  # fmt: skip
    (folder / "book.txt").write_text("To be, or not to be, that is the question.\n" * 20)
    frame.write_csv(folder / "table.csv")
    frame.write_parquet(folder / "table.parquet")
    inputs = chance.normal(size=(rows, 4)).astype(numpy.float32)
    numpy.savez(folder / "vectors.npz", inputs=inputs, targets=(inputs[:, 0] > 0).astype(numpy.int64))
    _write_series(folder, chance)
    _write_sounds(folder, chance)
    _write_sequences(folder, chance)
    from sklearn.datasets import load_iris

    polars.from_pandas(load_iris(as_frame=True).data).write_csv(folder / "iris.csv")


def _write_sounds(folder: Path, chance: numpy.random.Generator, rows: int = 40) -> None:
    """Tones of two pitches, in a folder each and in a table that says them twice."""
    lines = ["path,said,kind"]
    for row in range(rows):
        kind = ("low", "high")[row % 2]
        wave = 0.3 * numpy.sin((0.2, 0.9)[row % 2] * numpy.arange(1200 + 10 * row)) + 0.05 * chance.normal(
            size=1200 + 10 * row
        )
        path = folder / "tones" / kind / f"{row}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(write_wav(wave, 8000))
        lines.append(f"tones/{kind}/{row}.wav,{kind} {kind[0] * (1 + row % 3)},{kind}")
    (folder / "recordings.csv").write_text("\n".join(lines) + "\n")


def _write_series(folder: Path, chance: numpy.random.Generator, rows: int = 40) -> None:
    """Waves of two kinds in the .ts format."""
    lines = [
        "@problemName waves",
        "@timeStamps false",
        "@univariate true",
        "@classLabel true slow fast",
        "@data",
    ]
    for row in range(rows):
        speed = (0.2, 0.6)[row % 2]
        values = numpy.sin(speed * numpy.arange(30) + chance.random()) + 0.1 * chance.normal(size=30)
        lines.append(",".join(f"{value:.3f}" for value in values) + f":{('slow', 'fast')[row % 2]}")
    (folder / "waves.ts").write_text("\n".join(lines))


def _write_sequences(folder: Path, chance: numpy.random.Generator) -> None:
    """Tagged sentences, pairs of texts, and a daily load."""
    words = "Anna B-PER\nsings O\nin O\nOslo B-LOC\n\nRain O\nin O\nRome B-LOC\n\n"
    (folder / "words.conll").write_text(words * 20)
    said = [f"one {row % 7} two {row % 5}" for row in range(60)]
    meant = [f"eins {row % 7} zwei {row % 5}" for row in range(60)]
    polars.DataFrame({"said": said, "meant": meant}).write_csv(folder / "pairs.csv")
    days = (numpy.datetime64("2024-01-01") + numpy.arange(200)).astype(str)
    load = 10 + numpy.sin(numpy.arange(200) * 2 * numpy.pi / 7) + 0.1 * chance.normal(size=200)
    polars.DataFrame({"day": days, "load": load}).write_csv(folder / "load.csv")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return `trained(kind) -> folder`, which holds two runs of that kind."""
    folder = tmp_path_factory.mktemp("matrix")
    _write(folder)
    known: set[str] = set()

    def train(kind: str) -> Path:
        before = Path.cwd()
        os.chdir(folder)
        try:
            for number in ("", "-2") if kind not in known else ():
                seed = ("--seed", "1") if number else ()
                words = ["train", *line(kind), *QUICK, *seed, "--out", f"runs/{kind}{number}"]
                assert main(words) == 0, words
        finally:
            os.chdir(before)
        known.add(kind)
        return folder

    return train


def _cells() -> list[Any]:
    cells = []
    for kind in KINDS:
        for verb in VERBS:
            slow = kind not in DEFAULT or verb in HEAVY
            cells.append(pytest.param(kind, verb, marks=pytest.mark.slow if slow else ()))
    return cells


@pytest.mark.parametrize(("kind", "verb"), _cells())
def test_each_verb_works_or_refuses(
    kind: str,
    verb: str,
    trained: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(trained(kind))
    capfd.readouterr()
    code = main([*VERBS[verb](kind), "--json"])
    out, err = capfd.readouterr()
    found = json.loads(out.strip().splitlines()[-1])
    assert "Traceback" not in out + err
    if (kind, verb) in REFUSED:
        assert code == 2
        assert found["error"]["fix"], "a refusal says what to do"
    else:
        assert code == 0, err


def test_the_report_of_several_targets_shows_each(trained: Callable[[str], Path]) -> None:
    page = (trained("several") / "runs" / "several" / "report.html").read_text(encoding="utf-8")
    for part in (
        "grade: What it gets right",
        "cost: What it gets right",
        "grade: Worst errors",
        "cost: What it looks at",
    ):
        assert f"{part}" in page, part
    assert page.count("this network</th>") == 2, "the baselines of each"
    assert 'id="errors-1"' in page
    assert 'id="errors-2"' in page


def test_a_text_is_a_column_of_importance_and_of_worst_errors(trained: Callable[[str], Path]) -> None:
    folder = trained("text") / "runs" / "text"
    found = json.loads((folder / "evaluation" / "report.json").read_text(encoding="utf-8"))
    assert set(found["importance"]["columns"]) == {"age", "place", "note"}
    assert [each["kind"] for each in found["columns"] if each["name"] == "note"] == ["text"]
    assert all("day" in each["values"]["note"] for each in found.get("errors", []))


def test_predictions_of_several_targets_have_a_column_each(
    trained: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(trained("several"))
    assert main(["predict", "runs/several", "--input", "table.csv", "--output", "both.csv", "--quiet"]) == 0
    found = polars.read_csv("both.csv")
    assert found.height == 60
    assert {"grade_prediction", "cost_prediction", "cost_low", "cost_high"} <= set(found.columns)
    assert (found["cost_low"] <= found["cost_high"]).all()
