"""The detector: one map at the stride of its trunk's first stage, for sides of any length."""

from __future__ import annotations

import torch

from neurarium.data.specs import Boxes, Image
from neurarium.networks import CentreDetector


def test_the_map_has_the_stride_of_the_first_stage():
    spec = Boxes(("a", "b", "c"), 50, 70, 5)
    network = CentreDetector.for_data(Image(1, 50, 70), spec, width=8)
    assert network(torch.zeros(1, 1, 50, 70)).shape == (1, 7, 13, 18)
    fine = CentreDetector.for_data(
        Image(1, 50, 70), spec, width=8, trunk_options="blocks=1,1;widths=4,4;stem=small"
    )
    assert fine(torch.zeros(1, 1, 50, 70)).shape == (1, 7, 50, 70)


def test_the_trunk_is_any_network_with_maps_and_nearly_nothing_is_found_at_first():
    torch.manual_seed(0)
    network = CentreDetector(3, 6, trunk="resnet18", width=8).eval()
    outputs = network(torch.randn(1, 3, 64, 64))
    assert outputs.shape == (1, 6, 16, 16)
    assert torch.sigmoid(outputs[:, :2]).mean() < 0.4


def test_a_thing_that_moves_by_a_stride_moves_in_the_map():
    torch.manual_seed(0)
    network = CentreDetector(1, 5, width=8, trunk_options="blocks=1,1;widths=4,8;stem=large").eval()
    images = torch.zeros(2, 1, 64, 64)
    images[0, 0, 24:32, 24:32] = 1.0
    images[1, 0, 24:32, 32:40] = 1.0  # by two cells, which is one of the coarser map
    outputs = network(images)
    torch.testing.assert_close(outputs[0, :, 4:10, 4:10], outputs[1, :, 4:10, 6:12], atol=1e-5, rtol=1e-4)
