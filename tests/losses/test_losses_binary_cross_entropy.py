import pytest
import torch
from sklearn.metrics import log_loss
from torch.nn import functional

from neurarium.core.errors import OptionError
from neurarium.losses import BinaryCrossEntropy

BCE = functional.binary_cross_entropy_with_logits


def logits_and_targets(*shape):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(*shape, generator=generator, dtype=torch.float64)
    return logits, torch.randint(2, shape, generator=generator)


def test_agrees_with_torch_and_scikit_learn():
    logits, targets = logits_and_targets(12)
    for outputs in (logits, logits[:, None]):
        ours = BinaryCrossEntropy().mean(outputs, targets)
        assert torch.allclose(ours, BCE(logits, targets.double()), rtol=0, atol=1e-10)
        assert abs(ours.item() - log_loss(targets, torch.sigmoid(logits))) < 1e-10


def test_labels_and_their_positive_weights_agree_with_torch():
    logits, targets = logits_and_targets(12, 3)
    weights = (1.0, 2.5, 0.5)
    ours = BinaryCrossEntropy(positive_weights=weights).mean(logits, targets)
    expected = BCE(logits, targets.double(), pos_weight=torch.tensor(weights, dtype=torch.float64))
    assert torch.allclose(ours, expected, rtol=0, atol=1e-10)


def test_class_weights_agree_with_scikit_learn():
    logits, targets = logits_and_targets(12)
    ours = BinaryCrossEntropy(class_weights=(0.5, 3.0)).mean(logits, targets)
    weights = torch.where(targets == 1, 3.0, 0.5)
    assert abs(ours.item() - log_loss(targets, torch.sigmoid(logits), sample_weight=weights)) < 1e-10


def test_label_smoothing_is_that_of_two_classes():
    logits, targets = logits_and_targets(12)
    two = torch.stack([torch.zeros_like(logits), logits], dim=1)
    expected = functional.cross_entropy(two, targets, label_smoothing=0.2)
    assert torch.allclose(
        BinaryCrossEntropy(label_smoothing=0.2).mean(logits, targets), expected, rtol=0, atol=1e-10
    )


def test_ignored_labels_count_nothing():
    logits, targets = logits_and_targets(6, 2)
    targets[2, 0] = targets[3] = -1
    total, weight = BinaryCrossEntropy(ignore_index=-1)(logits, targets)
    kept = targets != -1
    assert torch.allclose(total / weight, BCE(logits[kept], targets[kept].double()), rtol=0, atol=1e-10)


def test_wrong_weights_are_refused():
    for weights in ((1.0,), (1.0, -1.0), (0.0, 0.0)):
        with pytest.raises(OptionError, match="weights"):
            BinaryCrossEntropy(class_weights=weights)
