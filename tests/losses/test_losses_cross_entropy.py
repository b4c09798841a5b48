import pytest
import torch
from sklearn.metrics import log_loss
from torch.nn import functional

from neurarium.core.errors import OptionError, ShapeError
from neurarium.losses import BinaryCrossEntropy, CrossEntropy

WEIGHTS = (1.0, 0.2, 3.0, 1.5)


def logits_and_targets(*shape):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(*shape, 4, generator=generator, dtype=torch.float64).requires_grad_()
    return logits, torch.randint(4, shape, generator=generator)


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("ignored", [None, 2])
def test_indices_agree_with_torch(weights, smoothing, ignored):
    logits, targets = logits_and_targets(20)
    ours = CrossEntropy(weights, smoothing, ignored).mean(logits, targets)
    theirs = functional.cross_entropy(
        logits,
        targets,
        weight=None if weights is None else torch.tensor(weights, dtype=torch.float64),
        label_smoothing=smoothing,
        ignore_index=-100 if ignored is None else ignored,
    )
    assert torch.allclose(ours, theirs, rtol=0, atol=1e-10)
    gradients = [torch.autograd.grad(each, logits, retain_graph=True)[0] for each in (ours, theirs)]
    assert torch.allclose(*gradients, rtol=0, atol=1e-10)


def test_agrees_with_scikit_learn():
    logits, targets = logits_and_targets(20)
    weights = torch.rand(20)
    expected = log_loss(targets, logits.detach().softmax(1), sample_weight=weights, labels=range(4))
    assert abs(CrossEntropy().mean(logits, targets, weights).item() - expected) < 1e-10


@pytest.mark.parametrize("options", [{}, {"class_weights": WEIGHTS, "label_smoothing": 0.1}])
def test_a_one_hot_distribution_is_its_index(options):
    logits, targets = logits_and_targets(20)
    loss = CrossEntropy(**options)
    by_index, by_share = loss(logits, targets), loss(logits, functional.one_hot(targets, 4).double())
    assert torch.allclose(by_index.total, by_share.total)
    assert float(by_index.weight) == pytest.approx(float(by_share.weight))


def test_images_have_their_classes_on_axis_one():
    logits, targets = logits_and_targets(3, 5, 2)
    image = logits.movedim(-1, 1)
    assert torch.allclose(
        CrossEntropy(class_axis=1).mean(image, targets), functional.cross_entropy(image, targets)
    )
    assert torch.allclose(CrossEntropy().mean(logits, targets), functional.cross_entropy(image, targets))


def test_one_logit_is_two_classes():
    logits = torch.randn(9, 1)
    targets = torch.randint(2, (9,))
    assert torch.allclose(CrossEntropy().mean(logits, targets), BinaryCrossEntropy().mean(logits, targets))


def test_an_index_that_is_no_class_is_named():
    logits, targets = logits_and_targets(5)
    targets[1] = -100
    for loss in (CrossEntropy(), CrossEntropy(WEIGHTS)):
        with pytest.raises(ShapeError, match="no class index"):
            loss(logits, targets)
    with pytest.raises(ShapeError, match="class weights"):
        CrossEntropy((1.0, 2.0))(logits, targets.clamp(min=0))
    with pytest.raises(OptionError, match="smoothing"):
        CrossEntropy(label_smoothing=1.5)


def test_maps_over_tasks():
    weight, inputs, targets = torch.randn(2, 4, 3), torch.randn(2, 5, 3), torch.randint(4, (2, 5))
    loss = CrossEntropy()
    mapped = torch.func.vmap(torch.func.grad(lambda w, x, y: loss.mean(x @ w.T, y)))(weight, inputs, targets)
    single = torch.func.grad(lambda w: functional.cross_entropy(inputs[1] @ w.T, targets[1]))(weight[1])
    assert torch.allclose(mapped[1], single, atol=1e-6)
