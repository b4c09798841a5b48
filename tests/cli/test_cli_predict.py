"""`neurarium predict`: raw data in the original format in, classes and values out."""

from __future__ import annotations

import json
from pathlib import Path

import polars
import pytest

from neurarium.cli.main import main


def test_classes_with_probabilities_on_standard_output(trained, capfd):
    lines = (trained / "flowers.csv").read_text().splitlines()
    truth = [line.rpartition(",")[2] for line in lines[1:]]
    Path("new.csv").write_text("\n".join(line.rpartition(",")[0] for line in lines) + "\n")  # no target
    capfd.readouterr()
    assert main(["predict", str(trained / "runs/flowers-1"), "--input", "new.csv"]) == 0
    frame = polars.read_csv(capfd.readouterr().out.encode())
    names = ["probability_lily", "probability_setosa", "probability_virginica"]
    assert frame.columns == ["prediction", *names]
    assert frame.select(names).sum_horizontal().to_list() == pytest.approx([1.0] * 90, abs=1e-6)
    best = [names[row.index(max(row))].removeprefix("probability_") for row in frame.select(names).rows()]
    assert frame["prediction"].to_list() == best
    assert sum(said == true for said, true in zip(best, truth, strict=True)) > 80


@pytest.mark.parametrize("ending", ["csv", "tsv", "parquet", "jsonl", "json"])
def test_values_with_intervals_in_every_format(ending, trained, run_line):
    run = trained / "runs/houses-1"
    code, value, _ = run_line("predict", run, "-i", trained / "houses.csv", "-o", f"out.{ending}")
    assert (code, value["rows"], value["output"]) == (0, 120, f"out.{ending}")
    readers = {
        "csv": polars.read_csv,
        "parquet": polars.read_parquet,
        "jsonl": polars.read_ndjson,
        "json": polars.read_json,
    }
    frame = (
        polars.read_csv("out.tsv", separator="\t") if ending == "tsv" else readers[ending](f"out.{ending}")
    )
    assert frame.columns == value["columns"] == ["prediction", "low", "high"]
    margin = json.loads((run / "intervals.json").read_text())["margins"][0]
    assert (frame["high"] - frame["low"]).to_list() == pytest.approx([2 * margin] * 120, rel=1e-6)
    truth = polars.read_csv(trained / "houses.csv")["price"]
    assert ((frame["low"] <= truth) & (truth <= frame["high"])).mean() > 0.7


def test_json_alone_holds_the_predictions(trained, run_line):
    code, value, _ = run_line("predict", trained / "runs/houses-1", "-i", trained / "houses.csv")
    assert code == 0 and len(value["predictions"]) == 120
    assert set(value["predictions"][0]) == {"prediction", "low", "high"}


def test_columns_of_the_input_are_kept(trained, run_line):
    code, value, _ = run_line(
        "predict", trained / "runs/houses-1", "-i", trained / "houses.csv", "--keep", "age,rooms"
    )
    assert code == 0 and value["columns"] == ["age", "rooms", "prediction", "low", "high"]


def test_categories_and_values_never_seen_are_noted(trained, run_line):
    Path("new.csv").write_text("width,length,color,extra\n1,2,green,a\n1,oops,red,b\n")
    code, value, shown = run_line("predict", trained / "runs/flowers-1", "-i", "new.csv")
    assert code == 0 and value["rows"] == 2
    assert "unseen" in shown and "column length: 1 values are no numbers" in shown


def test_the_same_from_a_saved_run_and_in_python(trained):
    import neurarium as nr

    run = nr.load(trained / "runs/flowers-1")
    frame = nr.studies.predict(run, {"length": [0.0], "width": [2.0], "color": ["red"]})
    again = nr.studies.predict(nr.load(trained / "runs/flowers-1"), polars.read_csv(trained / "flowers.csv"))
    assert frame["prediction"].to_list() == ["setosa"] and again.height == 90


def test_kept_numbers_are_numbers_where_the_format_knows_them_and_codes_stay_text(trained, run_line):
    houses = polars.read_csv(trained / "houses.csv", infer_schema=False)
    new = houses.with_columns(polars.lit("007").alias("code"), polars.lit("2.0").alias("floors"))
    new.write_csv("new.csv")
    line = ("predict", trained / "runs/houses-1", "-i", "new.csv", "--keep", "floors,code", "-o")
    assert run_line(*line, "kept.parquet")[0] == 0 and run_line(*line, "kept.csv")[0] == 0
    kept = polars.read_parquet("kept.parquet")
    assert (kept["floors"].dtype, kept["code"].dtype) == (polars.Float64, polars.String)
    assert set(kept["floors"]) == {2.0}
    assert polars.read_csv("kept.csv", infer_schema=False).row(0)[:2] == ("2.0", "007")
