import numpy
import pytest
import torch
from scipy import stats

from neurarium.core.errors import OptionError, RefusalError, ShapeError
from neurarium.data.augmentation.mixing import cutmix, mixup, with_soft_targets
from neurarium.data.specs import Classes, Quantity
from neurarium.losses import BinaryCrossEntropy, CrossEntropy

THREE = Classes(("a", "b", "c"))


def source(seed=0):
    return torch.Generator().manual_seed(seed)


def test_blends_are_what_the_equation_says():
    inputs, targets = torch.randn(8, 5), torch.arange(8) % 3
    mixed = mixup(inputs, targets, source(), alpha=1.0)
    assert 0 < mixed.share < 1 and sorted(mixed.partners.tolist()) == list(range(8))
    assert torch.allclose(mixed.inputs, mixed.share * inputs + (1 - mixed.share) * inputs[mixed.partners])
    assert torch.equal(mixed.others, targets[mixed.partners])


def test_shares_follow_the_beta_distribution():
    shares = [mixup(torch.zeros(2, 1), torch.zeros(2), source(seed), alpha=0.4).share for seed in range(500)]
    assert stats.kstest(shares, stats.beta(0.4, 0.4).cdf).pvalue > 0.01


def test_the_generator_decides_all():
    images = torch.randn(6, 3, 8, 8)
    state = torch.get_rng_state()
    numbers = numpy.random.get_state()[1].copy()
    for mix in (mixup, cutmix):
        first, again = mix(images, torch.arange(6), source(4)), mix(images, torch.arange(6), source(4))
        other = mix(images, torch.arange(6), source(5))
        assert torch.equal(first.inputs, again.inputs) and first.share == again.share != other.share
    assert torch.equal(torch.get_rng_state(), state) and (numpy.random.get_state()[1] == numbers).all()


@pytest.mark.parametrize("mix", [mixup, cutmix])
def test_soft_targets_give_the_blend_of_two_losses(mix):
    images, targets, logits = torch.randn(6, 3, 8, 8), torch.arange(6) % 3, torch.randn(6, 3)
    mixed, loss = mix(images, targets, source()), CrossEntropy()
    blend = mixed.share * loss.mean(logits, mixed.targets) + (1 - mixed.share) * loss.mean(
        logits, mixed.others
    )
    assert torch.allclose(loss.mean(logits, mixed.soft(THREE)), blend, atol=1e-6)
    mixed, logit, loss = mix(images, targets % 2, source()), torch.randn(6, 1), BinaryCrossEntropy()
    blend = mixed.share * loss.mean(logit, mixed.targets) + (1 - mixed.share) * loss.mean(logit, mixed.others)
    assert torch.allclose(loss.mean(logit, mixed.soft(Classes(("no", "yes")))), blend, atol=1e-6)


def test_quantities_and_labels_are_averaged():
    targets = torch.rand(6, 2)
    mixed = mixup(torch.randn(6, 4), targets, source())
    expected = mixed.share * targets + (1 - mixed.share) * targets[mixed.partners]
    assert torch.allclose(mixed.soft(Quantity(("x", "y"))), expected)
    assert torch.allclose(mixed.soft(Classes(("x", "y"), several=True)), expected)


@pytest.mark.parametrize("shape", [(40,), (16, 24), (8, 8, 8)])
def test_cutmix_counts_its_pixels(shape):
    values = torch.arange(5.0).reshape(5, 1, *[1] * len(shape)).expand(5, 2, *shape)
    for seed in range(20):
        mixed = cutmix(values, torch.arange(5), source(seed))
        for place, partner in enumerate(mixed.partners.tolist()):
            left = (mixed.inputs[place] == place).float().mean().item()
            assert left == pytest.approx(1.0 if partner == place else mixed.share, abs=1e-6)
    assert (values[:, 0] == torch.arange(5.0).reshape(5, *[1] * len(shape))).all()


def test_sample_weights_stay_with_their_targets():
    inputs, targets, logits = torch.randn(6, 4), torch.arange(6) % 3, torch.randn(6, 3)
    batch = {"inputs": inputs, "targets": targets, "weights": torch.tensor([1.0, 2.0, 0.0, 0.5, 3.0, 1.0])}
    mixed = mixup(inputs, targets, source(), alpha=1.0)
    soft, loss = with_soft_targets(batch, mixed, THREE), CrossEntropy()
    total = loss(logits, soft["targets"], soft["weights"]).total
    first = loss(logits, mixed.targets, mixed.share * batch["weights"]).total
    second = loss(logits, mixed.others, (1 - mixed.share) * batch["weights"][mixed.partners]).total
    assert torch.allclose(total, first + second, atol=1e-6)
    del batch["weights"]
    assert torch.equal(with_soft_targets(batch, mixed, THREE)["targets"], mixed.soft(THREE))


def test_what_cannot_be_averaged_is_refused_by_name():
    table = {"numeric": torch.randn(4, 2), "categorical": torch.zeros(4, 1, dtype=torch.int64)}
    with pytest.raises(RefusalError, match="categorical"):
        mixup(table, torch.zeros(4), source())
    with pytest.raises(ShapeError, match="images"):
        cutmix(torch.randn(4, 3), torch.zeros(4), source())
    with pytest.raises(OptionError, match="alpha"):
        mixup(torch.randn(4, 3), torch.zeros(4), source(), alpha=0.0)
