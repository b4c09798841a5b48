"""The plot of capsules: numbers move what is drawn, parts are those of the longest capsules."""

from __future__ import annotations

import pytest
import torch
from PIL import Image as Picture

from neurarium.core.errors import OptionError, RefusalError
from neurarium.data.specs import Classes
from neurarium.networks import MLP, EfficientCapsNet
from neurarium.report.capsule_plot import parted, plot_capsules, varied

NETWORK = EfficientCapsNet(1, 20, 20, 10, widths=(4, 6, 6, 8), part_dim=4, dim=5).eval()
IMAGES = torch.randn(3, 1, 20, 20, generator=torch.Generator().manual_seed(0))
NAMES = tuple("0123456789")


def test_one_number_moves_in_steps_of_a_twentieth():
    with torch.no_grad():
        drawn, kind, steps = varied(NETWORK, IMAGES[:1])
        capsules = NETWORK.capsules(IMAGES[:1])
        assert drawn.shape == (5, 11, 1, 20, 20) and kind == int(capsules.norm(dim=-1).argmax())
        torch.testing.assert_close(steps, torch.linspace(-0.25, 0.25, 11))
        for dim in range(5):  # the middle is the capsule as it is; elsewhere one number is another
            torch.testing.assert_close(drawn[dim, 5], NETWORK.unit_reconstruction(capsules)[0])
        capsules[0, kind, 3] += 0.15
        torch.testing.assert_close(
            drawn[3, 8], NETWORK.unit_reconstruction(capsules, torch.tensor([kind]))[0]
        )
    assert (drawn[3, 8] - drawn[3, 5]).abs().max() > 1e-3


def test_parts_are_those_of_the_longest():
    with torch.no_grad():
        found, capsules = parted(NETWORK, IMAGES), NETWORK.capsules(IMAGES)
        order = capsules.norm(dim=-1).argsort(1, descending=True)
        assert torch.equal(found.labels, order[:, :2])
        torch.testing.assert_close(found.parts[:, 1], NETWORK.unit_reconstruction(capsules, order[:, 1]))


@pytest.mark.parametrize("several", [False, True])
def test_both_pictures(tmp_path, several):
    path = tmp_path / "capsules.png"
    plot_capsules(NETWORK, IMAGES, Classes(NAMES, several=several), path)
    with Picture.open(path) as picture:
        assert picture.width > 400 and len(picture.convert("L").getcolors()) > 20


def test_mistakes_are_told(tmp_path):
    with pytest.raises(RefusalError, match="no capsules"):
        plot_capsules(MLP(4, 2), IMAGES, Classes(NAMES), tmp_path / "none.png")
    with pytest.raises(OptionError, match="no such number"):
        plot_capsules(NETWORK, IMAGES, Classes(NAMES), tmp_path / "none.png", dims=(9,))
    assert not (tmp_path / "none.png").exists()
