import pytest
import torch

from neurarium.core.errors import OptionError
from neurarium.data.specs import Classes, Quantity, Unlabeled
from neurarium.losses import BinaryCrossEntropy, CrossEntropy, MeanSquaredError, loss_for

TWO, THREE = Classes(("no", "yes")), Classes(("a", "b", "c"))
LABELS, PRICE = Classes(("a", "b", "c"), several=True), Quantity(("price",), (3.0,), (2.0,))


def test_defaults():
    assert type(loss_for(TWO)) is BinaryCrossEntropy
    assert type(loss_for(THREE)) is CrossEntropy
    assert type(loss_for(LABELS)) is BinaryCrossEntropy
    assert type(loss_for(PRICE)) is MeanSquaredError


@pytest.mark.parametrize("name", ["binary-cross-entropy", "cross-entropy", "hinge", "focal", "kl-divergence"])
def test_one_logit_of_two_classes(name):
    wrong, right = torch.tensor([[-3.0], [3.0]]), torch.tensor([[3.0], [-3.0]])
    loss = loss_for(TWO, name)
    assert loss.mean(right, torch.tensor([1, 0])) < 0.1 < loss.mean(wrong, torch.tensor([1, 0]))


@pytest.mark.parametrize("name", ["hinge", "focal", "binary-cross-entropy"])
def test_several_labels(name):
    loss = loss_for(LABELS, name)
    assert loss.elementwise(torch.randn(5, 3), torch.randint(2, (5, 3)).float()).shape == (5,)


def test_class_weights_reach_the_loss():
    assert loss_for(TWO, class_weights="1,3").class_weights == (1.0, 3.0)
    assert loss_for(THREE, class_weights=(1, 2, 3)).class_weights == (1.0, 2.0, 3.0)
    assert loss_for(LABELS, class_weights=(1, 2, 3)).positive_weights == (1.0, 2.0, 3.0)
    with pytest.raises(OptionError, match="2 numbers"):
        loss_for(TWO, class_weights=(1, 2, 3))


def test_poisson_knows_how_counts_were_standardized():
    loss = loss_for(PRICE, "poisson-nll")
    assert torch.allclose(loss.point(torch.tensor([[0.0]])), torch.tensor([[-1.0]]))


def test_outputs_per_target():
    assert [
        loss_for(PRICE, name).outputs_per_target
        for name in ("huber", "gaussian-nll", "student-t-nll", "quantile")
    ] == [1, 2, 3, 3]


@pytest.mark.parametrize(
    ("targets", "name", "message"),
    [
        (PRICE, "hinge", "quantities"),
        (THREE, "huber", "3 classes"),
        (THREE, "binary-cross-entropy", "cross-entropy"),
        (LABELS, "cross-entropy", "binary-cross-entropy"),
        (THREE, "ctc", "cross-entropy"),
        (THREE, "triplet", "methods of its own"),
        (THREE, "cross-entropie", "did you mean"),
        (Unlabeled(), None, "Unlabeled"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(targets, name, message):
    with pytest.raises(OptionError, match=message):
        loss_for(targets, name)
