"""Baselines: their figures are those of scikit-learn run by hand, on the same examples."""

from __future__ import annotations

import numpy
import pytest
import torch

import neurarium as nr
from neurarium.core.errors import RefusalError
from neurarium.data.dataset import Dataset
from neurarium.data.examples import Examples
from neurarium.data.specs import Array, Classes, Image, Unlabeled
from neurarium.studies.comparison.baselines import resampled


def _parts(data):
    train, test = (data.splits[name].take(slice(None)) for name in ("train", "test"))
    return (
        train["inputs"]["numeric"].numpy(),
        train["targets"].numpy(),
        test["inputs"]["numeric"].numpy(),
        test["targets"],
    )


def test_values_equal_scikit_learn_run_by_hand():
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import accuracy_score, log_loss

    data = nr.data.load("wine")
    x, y, new, truth = _parts(data)
    naive, linear, boosting = nr.studies.fit_baselines(data, resamples=0)
    for found, model in (
        (linear, LogisticRegression(max_iter=200)),
        (boosting, HistGradientBoostingClassifier(random_state=0)),
    ):
        shares = model.fit(x, y).predict_proba(new)
        assert found.report.metrics["accuracy"] == pytest.approx(accuracy_score(truth, shares.argmax(1)))
        assert found.report.metrics["log_loss"] == pytest.approx(log_loss(truth, shares), rel=1e-6)
    assert naive.report.metrics["accuracy"] == pytest.approx(
        (truth == numpy.bincount(y).argmax()).double().mean()
    )


def test_quantities_equal_scikit_learn_run_by_hand():
    from sklearn.linear_model import Ridge

    data = nr.data.load("diabetes")
    x, y, new, truth = _parts(data)
    naive, linear = nr.studies.fit_baselines(data, kinds=("naive", "linear"), resamples=0)
    truth = data.targets.original(truth).numpy()
    raw = data.targets.original(torch.from_numpy(y)).numpy()
    said = Ridge().fit(x, raw).predict(new).reshape(-1, 1)
    assert linear.report.metrics["rmse"] == pytest.approx(float(numpy.sqrt(((said - truth) ** 2).mean())))
    assert naive.report.metrics["rmse"] == pytest.approx(
        float(numpy.sqrt(((raw.mean() - truth) ** 2).mean()))
    )
    assert (
        naive.name == "always saying the mean"
        and naive.report.metrics["r2"] < 0.01 < linear.report.metrics["r2"]
    )


def test_categories_beat_their_codes_where_codes_have_no_order():
    names = [f"n{k}" for k in range(12)]
    chance = numpy.random.default_rng(0)
    drawn = chance.integers(0, 12, 1200)
    frame = {"name": [names[k] for k in drawn], "noise": chance.normal(size=1200), "t": drawn % 2}
    found = nr.studies.fit_baselines(nr.data.table(frame, "t"), resamples=0)
    assert [each.report.metrics["accuracy"] for each in found[1:]] == [1.0, 1.0]


def test_the_difference_is_paired_and_both_are_told():
    data = nr.data.load("iris")
    run = nr.studies.train(data, "mlp", epochs=15, progress=False)
    for each in nr.studies.fit_baselines(data, run):
        estimate, low, high = each.difference
        assert estimate == pytest.approx(run.results["test"]["accuracy"] - each.report.metrics["accuracy"])
        assert low <= estimate <= high
        assert each.report.metrics["accuracy"] in each.report.intervals["accuracy"]
        assert set(each.report.metrics) == set(run.results["test"]) - {"loss"}


def test_resamples_are_those_of_the_bootstrap():
    chance = torch.Generator().manual_seed(0)
    truth = torch.randint(0, 3, (90,), generator=chance)
    first, second = (torch.rand(90, 3, generator=chance) for _ in range(2))
    values = resampled("accuracy", [first, second], truth, None, resamples=300, seed=5)
    bounds = nr.metrics.bootstrap("accuracy", first, truth, resamples=300, seed=5)
    assert values.shape == (2, 301) and values[0, 0] == pytest.approx(bounds.estimate)
    assert numpy.quantile(values[0, 1:], [0.025, 0.975]) == pytest.approx([bounds.low, bounds.high])


def test_many_classes_get_fewer_rounds_and_large_data_a_sample():
    chance = numpy.random.default_rng(0)
    kinds = numpy.arange(400) % 40
    frame = {"x": kinds + 0.1 * chance.normal(size=400), "t": [f"k{k}" for k in kinds]}
    data = nr.data.table(frame, "t")
    (found,) = nr.studies.fit_baselines(data, kinds=("boosting",), most=200, resamples=0)
    assert "10 rounds instead of 100" in found.note and "a sample of 200 of 280" in found.note


def test_several_labels_and_wide_inputs():
    chance = torch.Generator().manual_seed(0)
    x = torch.randn(200, 4, generator=chance)
    y = (x[:, :3] > 0).float()
    parts = [Examples({"inputs": x[a:b], "targets": y[a:b]}) for a, b in ((0, 150), (150, 200))]
    data = Dataset("labels", Array((4,)), Classes(("a", "b", "c"), several=True), parts[0], None, parts[1])
    found = nr.studies.fit_baselines(data, resamples=0)
    assert found[0].report.metrics["label_accuracy"] < 0.7 < 0.9 < found[1].report.metrics["label_accuracy"]
    wide = Examples({"inputs": torch.zeros(4, 3, 64, 64), "targets": torch.tensor([0, 1, 0, 1])})
    large = Dataset("large", Array((3, 64, 64)), Classes(("a", "b")), wide, None, wide)
    naive, linear, boosting = nr.studies.fit_baselines(large, resamples=0)
    assert naive.report is not None and linear.report is None and "12,288 numbers" in boosting.note


def test_other_targets_are_refused():
    part = Examples({"inputs": torch.zeros(4, 3)})
    with pytest.raises(RefusalError, match="no baselines for Unlabeled"):
        nr.studies.fit_baselines(Dataset("x", Array((3,)), Unlabeled(), part, None, part))


def test_large_images_become_means_of_patches():
    """Bright above or below: linear in the means, at 64 x 64 as at 16 x 16."""
    chance = torch.Generator().manual_seed(0)
    pixels = 0.3 * torch.randn(160, 3, 64, 64, generator=chance)
    targets = torch.arange(160) % 2
    pixels[targets == 0, :, :32] += 0.5
    pixels[targets == 1, :, 32:] += 0.5
    parts = [Examples({"inputs": pixels[a:b], "targets": targets[a:b]}) for a, b in ((0, 120), (120, 160))]
    data = Dataset("large", Image(3, 64, 64), Classes(("above", "below")), parts[0], None, parts[1])
    _, linear, boosting = nr.studies.fit_baselines(data, resamples=0)
    assert linear.report.metrics["accuracy"] == 1.0 and "of 18 x 18 mean colors" in boosting.note


def test_texts_are_read_by_tf_idf_as_scikit_learn_reads_words():
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    words = {"p": ("fine", "warm", "great"), "n": ("dull", "cold", "poor")}
    kinds = ["pn"[number % 2] for number in range(90)]
    said = [f"a {words[kind][number % 3]} film of {number % 7} parts" for number, kind in enumerate(kinds)]
    frame = {"said": said, "kind": kinds}
    data = nr.data.table(frame, "kind", types={"said": "text"}, tokenizer="words", validation=0.0)
    _, linear, boosting = nr.studies.fit_baselines(data, resamples=0)
    assert linear.report.metrics["accuracy"] == 1.0 and "tf-idf" in linear.note
    assert boosting.report is None and "texts alone" in boosting.note
    rows = data.rows
    reader = TfidfVectorizer(token_pattern=r"\S+")
    model = LogisticRegression(max_iter=200).fit(
        reader.fit_transform([said[row] for row in rows["train"]]), [kinds[row] for row in rows["train"]]
    )
    shares = model.predict_proba(reader.transform([said[row] for row in rows["test"]]))
    truth = [list(model.classes_).index(kinds[row]) for row in rows["test"]]
    expected = -numpy.log(shares[numpy.arange(len(truth)), truth]).mean()
    assert linear.report.metrics["log_loss"] == pytest.approx(expected, rel=1e-3)


def test_texts_beside_numbers_are_read_together():
    kinds = [number % 4 for number in range(120)]
    frame = {
        "said": [("yes", "no")[kind % 2] for kind in kinds],
        "size": [float(kind // 2) for kind in kinds],
        "kind": [str(kind) for kind in kinds],
    }
    data = nr.data.table(frame, "kind", types={"said": "text", "size": "numeric"}, tokenizer="words")
    _, linear, boosting = nr.studies.fit_baselines(data, resamples=0)
    assert linear.report.metrics["accuracy"] == 1.0
    assert boosting.report.metrics["accuracy"] < 0.7 and "without said" in boosting.note
