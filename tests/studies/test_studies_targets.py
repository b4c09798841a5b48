"""Several targets, and several labels per row: from a table to a trained run, its predictions, and back from its folder."""

import numpy
import polars
import pytest
import torch
from sklearn.datasets import load_digits

import neurarium as nr
from neurarium.studies.evaluation.report import EvaluationReport

LABELS = {"even": (0, 2, 4, 6, 8), "small": (0, 1, 2, 3, 4), "round": (0, 6, 8, 9)}


@pytest.fixture(scope="module")
def digits():
    inputs, digit = load_digits(return_X_y=True)
    inputs, digit = inputs[:600], digit[:600]
    frame = polars.DataFrame({f"p{n}": inputs[:, n] for n in range(64)})
    ink = polars.Series("ink", inputs.sum(axis=1) + 0.5)
    flags = [polars.Series(name, numpy.isin(digit, among).astype(int)) for name, among in LABELS.items()]
    sets = [";".join(name for name, among in LABELS.items() if each in among) for each in digit]
    kind = polars.Series("kind", [f"d{each}" for each in digit])
    return frame.with_columns(ink, kind, *flags, polars.Series("labels", sets))


def trained(table, target, out=None, **options):
    data = nr.data.table(table, target, **options)
    return data, nr.studies.train(data, "mlp", options={"widths": "64"}, epochs=12, progress=False, out=out)


@pytest.fixture(scope="module")
def both(digits, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "both"
    return (*trained(digits, ("kind", "ink"), folder, drop=("labels", *LABELS)), folder)


def test_a_class_and_a_quantity_are_learned_together(both):
    _, run, _ = both
    found = run.results["test"]
    assert found["kind: accuracy"] > 0.7
    assert found["ink: r2"] > 0.7
    assert found["loss"] > 0
    report = run.reports["test"]
    assert report.headline == "kind: accuracy"
    assert report.intervals["ink: rmse"].low < found["ink: rmse"] < report.intervals["ink: rmse"].high
    assert len(report.parts["kind"].confusion) == 10
    assert EvaluationReport.from_json(report.to_json()).parts["ink"].metrics == report.parts["ink"].metrics
    assert "kind:" in str(report)


def test_the_folder_predicts_what_memory_predicted(both, digits):
    _, run, folder = both
    again = nr.load(folder) if hasattr(nr, "load") else nr.Run.load(folder)
    rows = digits.head(20)
    here, there = (nr.studies.predict(each, rows) for each in (run, again))
    assert here.equals(there)
    assert here.columns[:2] == ["kind_prediction", "kind_probability_d0"]
    assert here.columns[-3:] == ["ink_prediction", "ink_low", "ink_high"]
    assert (here["kind_prediction"] == rows["kind"]).mean() > 0.7
    assert ((here["ink_low"] < here["ink_prediction"]) & (here["ink_prediction"] < here["ink_high"])).all()
    assert numpy.allclose(here.select("^kind_probability_.*$").sum_horizontal(), 1)


@pytest.mark.parametrize("network", ["tabm", "ft-transformer"])
def test_other_networks_take_several_targets(digits, network):
    data = nr.data.table(digits.select("p20", "p28", "p36", "kind", "ink"), ("kind", "ink"))
    run = nr.studies.train(data, network, steps=3, progress=False)
    assert run.results["test"]["kind: accuracy"] >= 0
    inputs = data.test[:]["inputs"]
    with torch.no_grad():
        outputs = run.network(inputs)
        if network == "tabm":  # the combined prediction is that of the parts, combined each in its way
            members = run.network.members(inputs)
            assert torch.allclose(outputs[:, 10], members[:, :, 10].mean(dim=1), atol=1e-5)
            shares = members[:, :, :10].softmax(dim=-1).mean(dim=1)
            assert torch.allclose(outputs[:, :10].softmax(dim=-1), shares, atol=1e-5)
    assert outputs.shape == (len(data.test), 11)


def test_two_quantities_are_measured_each_in_its_unit(digits):
    small = digits.select("p20", "p28", "p36", "ink").with_columns((polars.col("ink") * 1000).alias("grains"))
    data = nr.data.table(small, ("ink", "grains"))
    found = nr.studies.train(data, "mlp", options={"widths": "8"}, epochs=2, progress=False).results["test"]
    assert found["grains: r2"] == pytest.approx(found["ink: r2"], abs=0.2)
    assert found["grains: rmse"] > 300 * found["ink: rmse"]


@pytest.mark.parametrize("how", ["cells", "columns"])
def test_several_labels_per_row(digits, how):
    if how == "cells":
        data, run = trained(digits, "labels", drop=("kind", "ink", *LABELS))
    else:
        data, run = trained(digits, tuple(LABELS), drop=("kind", "ink", "labels"), task="labels")
    assert data.targets.several
    assert set(data.targets.names) == set(LABELS)
    found, classes = run.results["test"], run.reports["test"].per_class
    assert found["f1_macro"] > 0.85
    assert found["f1_micro"] > 0.85
    assert found["accuracy"] < found["label_accuracy"]  # all labels right, each label right
    assert all(0.9 < classes[name]["auc"] <= 1 for name in LABELS)
    thresholds = [run.reports["validation"].per_class[name]["threshold"] for name in LABELS]
    assert all(0 < each < 1 for each in thresholds)
    assert any(each.subject == "thresholds" for each in run.decisions)
    said = nr.studies.predict(run, digits.head(10))
    for row in said.iter_rows(named=True):
        above = [name for name in data.targets.names if row[f"probability_{name}"] > 0.5]
        assert row["prediction"] == ", ".join(above)
