"""Series from the shell: train, predict, evaluate, report and check on .ts pairs, wide and long tables."""

from __future__ import annotations

import csv
import json

import numpy
import polars
import pytest

from neurarium.cli.main import main


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A .ts pair, the same series as a wide and as a long table: slow and fast waves."""
    folder = tmp_path_factory.mktemp("series")
    chance = numpy.random.default_rng(0)
    kinds = numpy.arange(60) % 2
    times = numpy.arange(24)
    values = numpy.sin(times * (0.4 + 0.6 * kinds[:, None]) + chance.uniform(0, 6, (60, 1)))
    values += 0.1 * chance.normal(size=values.shape)
    labels = numpy.array(["slow", "fast"])[kinds]
    for name, rows in (("W_TRAIN.ts", slice(0, 40)), ("W_TEST.ts", slice(40, 60))):
        lines = [
            f"{','.join(map(str, row))}:{label}"
            for row, label in zip(values[rows], labels[rows], strict=True)
        ]
        (folder / name).write_text("@classLabel true slow fast\n@data\n" + "\n".join(lines))
    polars.DataFrame({"kind": labels} | {f"t{time}": values[:, time] for time in times}).write_csv(
        folder / "wide.csv"
    )
    polars.DataFrame(
        {
            "id": numpy.repeat(numpy.arange(60), 24), "hour": numpy.tile(times, 60), "x": values.ravel(),
            "kind": numpy.repeat(labels, 24),
        }
    ).write_csv(folder / "long.csv")  # fmt: skip
    return folder


def run(capsys, *words):
    code = main([str(word) for word in words])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_a_pair_of_ts_files_from_training_to_report(files, tmp_path, capsys):
    code, out, _ = run(capsys, "train", files / "W_TRAIN.ts", "--out", tmp_path / "run", "--json", "-q")
    assert code == 0
    found = json.loads(out.splitlines()[-1] if out.splitlines()[-1].startswith("{") else out)
    assert found["metrics"]["test"]["accuracy"] == 1.0
    code, out, _ = run(capsys, "predict", tmp_path / "run", "--input", files / "W_TEST.ts")
    rows = list(csv.DictReader(out.splitlines()))
    assert code == 0 and [row["prediction"] for row in rows[:4]] == ["slow", "fast"] * 2 and len(rows) == 20
    code, out, _ = run(capsys, "evaluate", tmp_path / "run", "--input", files / "W_TEST.ts", "--json", "-q")
    assert code == 0 and '"accuracy": 1' in out
    page = (tmp_path / "run" / "report.html").read_text()
    assert "minirocket" in page and "ridge penalty" in page
    code, out, _ = run(capsys, "check", files / "W_TRAIN.ts", "--no-timing")
    assert code == 0 and "40" in out and "slow" in out


@pytest.mark.parametrize("network", ["cnn", "lstm", "transformer", "inception-time"])
def test_other_networks_learn_from_series(files, tmp_path, capsys, network):
    small = {"cnn": "widths=8,8", "lstm": "width=8", "transformer": "width=16", "inception-time": "filters=4"}
    code, out, err = run(
        capsys, "train", files, "--network", network, "--set", small[network], "--epochs", 2, "--validation", 0.2,
        "--out", tmp_path / "run", "--report", "none", "--json", "-q",
    )  # fmt: skip
    assert code == 0, err
    assert set(json.loads(out)["metrics"]) == {"validation", "test"}
    assert run(capsys, "predict", tmp_path / "run", "--input", files / "W_TEST.ts")[0] == 0


def test_wide_and_long_tables_are_the_same_series(files, tmp_path, capsys):
    wide = ("train", files / "wide.csv", "--target", "kind", "--task", "series")
    long = ("train", files / "long.csv", "--target", "kind", "--series", "id", "--time", "hour")
    figures = []
    for number, words in enumerate((wide, long)):
        folder = tmp_path / str(number)
        code, out, err = run(capsys, *words, "--out", folder, "--report", "none", "--json", "-q")
        assert code == 0, err
        figures.append(json.loads(out)["metrics"]["test"]["log_loss"])
        code, out, _ = run(capsys, "predict", folder, "--input", words[1])
        assert code == 0 and len(out.splitlines()) == 61
    assert figures[0] == pytest.approx(figures[1], rel=1e-4)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["{}/wide.csv", "--task", "series"], "which column holds the labels"),
        (["{}/W_TRAIN.ts", "--target", "kind"], "leave out --target"),
        (["{}/W_TRAIN.ts", "--group", "kind"], "is for tables"),
        (
            ["{}/wide.csv", "--target", "kind", "--task", "series", "--set", "learning_rate=1"],
            "does not descend",
        ),
        (["{}/cut.ts"], "no whole series"),
    ],
)
def test_mistakes_exit_with_2_and_say_what_to_do(files, capsys, words, told):
    whole = (files / "W_TRAIN.ts").read_text()
    (files / "cut.ts").write_text(whole[: len(whole) // 2].rpartition(":")[0])
    code, _, err = run(capsys, "train", *(word.format(files) for word in words))
    assert code == 2 and told in err and "Traceback" not in err
