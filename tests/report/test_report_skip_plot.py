"""What skips are for, as numbers: without them the gradient of the first layer grows by a factor with each layer."""

import math

from neurarium.report import plot_skips
from neurarium.report.skip_plot import first_gradients


def test_without_skips_the_gradient_grows_by_a_factor_with_depth():
    depths = (8, 20, 32)
    with_skips, without = (first_gradients(depths, skip=skip) for skip in (True, False))
    growth = [math.log(each[2] / each[0]) / (depths[2] - depths[0]) for each in (with_skips, without)]
    assert growth[1] > 2 * growth[0] > 0
    assert without[2] > 5 * with_skips[2]


def test_the_picture_is_written(tmp_path):
    plot_skips(tmp_path / "skips.png", (8, 14))
    assert (tmp_path / "skips.png").read_bytes()[:4] == b"\x89PNG"
