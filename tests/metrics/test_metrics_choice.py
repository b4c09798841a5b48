"""Choice of metrics by targets and by name."""

from __future__ import annotations

import pytest
import torch

from neurarium.core.errors import OptionError
from neurarium.data.specs import Classes, Quantity, Unlabeled
from neurarium.metrics import goal, make_metric, metrics_for
from neurarium.metrics.choice import DEFAULTS


def test_classes_have_these_metrics():
    names = [*metrics_for(Classes(("no", "yes")))]
    assert names == [
        "accuracy", "balanced_accuracy", "f1_macro", "precision_macro", "recall_macro", "auc", "log_loss", "mcc",
        "brier", "ece",
    ]  # fmt: skip
    found = metrics_for(Classes(("no", "yes")))
    found.update(torch.tensor([[0.9, 0.1], [0.3, 0.7]]), torch.tensor([0, 1]))
    assert found.compute()["auc"] == 1.0 and found.compute()["f1_macro"] == 1.0


def test_several_labels_and_quantities_have_theirs():
    labels = metrics_for(Classes(("a", "b", "c"), several=True))
    labels.update(
        torch.tensor([[0.9, 0.2, 0.6], [0.1, 0.8, 0.3]]), torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    )
    assert labels.compute()["accuracy"] == 0.5 and labels.compute()["label_accuracy"] == pytest.approx(5 / 6)
    assert [*metrics_for(Quantity(("price",)))] == ["rmse", "mae", "r2", "median_absolute_error"]
    assert [*metrics_for(Quantity(("price",)), probabilistic=True)][-2:] == ["gaussian_nll", "crps"]
    assert [*metrics_for(Unlabeled())] == []


def test_further_metrics_are_added_once_under_the_name_of_results():
    found = metrics_for(Classes(("a", "b", "c")), "top-2-accuracy", "accuracy", "F1-weighted")
    assert [*found][-2:] == ["top_2_accuracy", "f1_weighted"] and len(found) == 12


@pytest.mark.parametrize("kind", sorted(DEFAULTS))
def test_every_default_can_be_made_and_has_a_direction(kind):
    for name in DEFAULTS[kind]:
        assert make_metric(name).goal == goal(name) in ("max", "min")


@pytest.mark.parametrize(
    ("name", "options"),
    [("f1_macro", {"average": "macro"}), ("top_5_accuracy", {"k": 5}), ("ndcg_at_10", {"k": 10}), ("rmse-pooled", {"average": "pooled"})],
)  # fmt: skip
def test_options_stand_in_names(name, options):
    assert options.items() <= make_metric(name).options().items()


def test_which_way_is_better():
    better = {
        "accuracy": "max",
        "validation/auc": "max",
        "loss": "min",
        "test.loss": "min",
        "generator_loss": "min",
    }
    assert {name: goal(name) for name in better} == better
    assert goal("log_loss") == goal("ece") == goal("crps") == "min"


def test_unknown_names_get_the_nearest_and_curves_have_no_direction():
    with pytest.raises(OptionError, match="did you mean 'accuracy'"):
        make_metric("acuracy")
    with pytest.raises(OptionError, match="better"):
        goal("roc_curve")
    with pytest.raises(OptionError, match="does not take"):
        make_metric("log_loss_macro")
    with pytest.raises(OptionError, match="kind of targets"):
        metrics_for(type("Other", (), {"kind": "clasification"})())
