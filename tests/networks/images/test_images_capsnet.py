"""CapsNet and Efficient-CapsNet: sizes of the papers, lengths as outputs, masks, reconstruction."""

from __future__ import annotations

import pytest
import torch

from neurarium.core.errors import OptionError, RefusalError, ShapeError
from neurarium.data.specs import Classes, Image, Quantity
from neurarium.networks import CapsNet, EfficientCapsNet

DIGITS = Classes(tuple("0123456789"))
SMALL = {"widths": (4, 6, 6, 8), "part_dim": 4, "dim": 5}


def count(network, without=""):
    return sum(
        each.numel()
        for name, each in network.named_parameters()
        if not (without and name.startswith(without))
    )


def test_weights_are_as_many_as_in_the_papers():
    with torch.device("meta"):
        large = CapsNet.for_data(Image(1, 28, 28), DIGITS)
        lean = EfficientCapsNet.for_data(Image(1, 28, 28), DIGITS)
    assert (count(large), count(large, "decoder")) == (8_215_568, 6_804_224)  # 8.2 and 6.8 million
    assert count(lean, "decoder") == 161_824 and large.feature_dim == 1152 * 8


@pytest.mark.parametrize("builder", [CapsNet, EfficientCapsNet])
@pytest.mark.parametrize("side", [5, 17, 18, 33])
def test_images_of_any_small_size(builder, side):
    options = SMALL if builder is EfficientCapsNet else {"filters": 4, "types": 2}
    network = builder.for_data(Image(3, side, side + 1), DIGITS, **options).eval()
    images = torch.randn(2, 3, side, side + 1)
    capsules = network.capsules(images)
    assert network(images).shape == (2, 10) and network.features(images).shape == (2, network.feature_dim)
    assert network.reconstruct(capsules).shape == images.shape
    with pytest.raises(ShapeError, match="do not fit"):
        network(torch.zeros(2, 3, side + 4, side + 4))


def test_probabilities_come_from_lengths():
    images = torch.randn(6, 1, 20, 20)
    for targets in (DIGITS, Classes(("no", "yes")), Classes(("a", "b", "c"), several=True)):
        network = EfficientCapsNet.for_data(Image(1, 20, 20), targets, **SMALL).eval()
        lengths = network.capsules(images).norm(dim=-1)
        odds = lengths / (1 - lengths)
        expected = lengths if targets.several else odds / odds.sum(1, keepdim=True)
        assert lengths.shape == (6, len(targets.names)) and network(images).shape == (6, targets.outputs)
        torch.testing.assert_close(targets.probabilities(network(images)), expected, atol=1e-5, rtol=1e-4)


def test_what_is_drawn_hangs_on_the_chosen_capsule_alone():
    network = EfficientCapsNet.for_data(Image(1, 20, 20), DIGITS, **SMALL).eval()
    capsules = network.capsules(torch.randn(3, 1, 20, 20))
    chosen = torch.tensor([4, 0, 7])
    drawn = network.unit_reconstruction(capsules, chosen)
    noise = torch.randn_like(capsules)
    noise[torch.arange(3), chosen] = 0
    assert torch.equal(network.unit_reconstruction(capsules + noise, chosen), drawn)
    longest = capsules.norm(dim=-1).argmax(1)
    assert torch.equal(network.unit_reconstruction(capsules), network.unit_reconstruction(capsules, longest))
    assert not torch.equal(network.unit_reconstruction(capsules, (chosen + 1) % 10), drawn)


def test_several_labels_draw_together_one_minus_what_none_draws():
    network = EfficientCapsNet.for_data(Image(1, 20, 20), DIGITS, **SMALL).eval()
    capsules = network.capsules(torch.randn(2, 1, 20, 20))
    marks = torch.zeros(2, 10)
    marks[0, [2, 5]] = 1  # and nothing in the second image
    two, five = (network.unit_reconstruction(capsules[:1], torch.tensor([each])) for each in (2, 5))
    drawn = network.unit_reconstruction(capsules, marks)
    torch.testing.assert_close(drawn[:1], 1 - (1 - two) * (1 - five))
    assert not drawn[1].any()


def test_the_range_is_that_of_the_images():
    network = EfficientCapsNet.for_data(Image(2, 20, 20), DIGITS, **SMALL).eval()
    images = torch.randn(50, 2, 20, 20)
    network.decoder.set_range(images)
    drawn = network.reconstruct(50 * torch.randn(40, 10, 5))
    low, high = images.amin((0, 2, 3)), images.amax((0, 2, 3))
    assert (drawn.amin((0, 2, 3)) >= low - 1e-6).all() and (drawn.amax((0, 2, 3)) <= high + 1e-6).all()


def test_quantities_are_read_from_vectors():
    network = CapsNet.for_data(Image(1, 20, 20), Quantity(("x", "y")), filters=4, types=2).eval()
    assert network.capsules(torch.randn(3, 1, 20, 20)).shape == (3, 2, 16)
    assert network(torch.randn(3, 1, 20, 20)).shape == (3, 2)


def test_mistakes_are_told():
    with pytest.raises(ShapeError, match="small images"):
        CapsNet.for_data(Image(3, 224, 224), DIGITS)
    with pytest.raises(OptionError, match="follows from the data"):
        CapsNet.for_data(Image(1, 28, 28), DIGITS, image_width=3)
    with pytest.raises(OptionError, match="primary capsules"):
        EfficientCapsNet(1, 28, 28, 10, widths=(4, 4, 4, 9))
    with pytest.raises(OptionError, match="read"):
        CapsNet(1, 28, 28, 10, filters=2, types=1, readout="size")
    network = EfficientCapsNet.for_data(Image(1, 20, 20), DIGITS, **SMALL)
    network.head = torch.nn.Linear(network.feature_dim, 3)
    with pytest.raises(RefusalError, match="no capsules"):
        network.capsules(torch.zeros(1, 1, 20, 20))
