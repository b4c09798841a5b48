"""Fitting: masks and boxes go where Pillow brings the pixels, and come back."""

from __future__ import annotations

import numpy
import pytest
from PIL import Image as Pillow

from neurarium.data.readers.fitting import fit_of
from neurarium.data.readers.pictures import Rules, decode


@pytest.mark.parametrize("aspect", ["crop", "letterbox", "stretch"])
@pytest.mark.parametrize("shape", [(40, 90), (90, 40), (33, 33), (64, 48)])
def test_masks_and_boxes_lie_where_the_pixels_lie(tmp_path, aspect, shape):
    height, width = shape
    codes = numpy.zeros(shape, numpy.uint8)
    codes[height // 3 : 2 * height // 3, width // 3 : 2 * width // 3] = 1
    Pillow.fromarray(codes * 255).save(tmp_path / "a.png")
    fit = fit_of(width, height, (32, 48), aspect)
    moved = fit.mask(codes, 0)
    pixels = decode(tmp_path / "a.png", 1, (32, 48), Rules(aspect=aspect, background="black"))[0]
    assert moved.shape == (32, 48) and moved.any()
    sure = (pixels > 250) | (pixels < 5)  # between them the bilinear filter is neither
    assert ((pixels > 127) == (moved == 1))[sure].mean() > 0.985
    box = numpy.array([[width // 3, height // 3, 2 * width // 3, 2 * height // 3]], dtype=float)
    left, top, right, bottom = fit.boxes(box)[0]
    rows, columns = numpy.flatnonzero(moved.any(1)), numpy.flatnonzero(moved.any(0))
    assert abs(rows[0] - top) <= 1 and abs(rows[-1] + 1 - bottom) <= 1
    assert abs(columns[0] - left) <= 1 and abs(columns[-1] + 1 - right) <= 1


@pytest.mark.parametrize("aspect", ["letterbox", "stretch"])
def test_what_was_not_cut_off_comes_back(aspect):
    chance = numpy.random.default_rng(0)
    codes = chance.integers(0, 3, (20, 30)).astype(numpy.uint8)
    fit = fit_of(30, 20, (80, 80), aspect)
    numpy.testing.assert_array_equal(fit.back_mask(fit.mask(codes, 255), 255), codes)
    box = numpy.array([[1.0, 2.0, 29.0, 18.0]])
    numpy.testing.assert_allclose(fit.back_boxes(fit.boxes(box)), box)


def test_what_was_cut_off_is_filled():
    fit = fit_of(60, 20, (20, 20), "crop")
    back = fit.back_mask(numpy.ones((20, 20), numpy.uint8), 255)
    assert (back[:, 20:40] == 1).all() and (back[:, :20] == 255).all() and (back[:, 40:] == 255).all()
