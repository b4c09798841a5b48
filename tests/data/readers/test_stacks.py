import numpy
import pytest
import torch

from neurarium.core.errors import DataError
from neurarium.data.readers.stacks import as_moments, as_stack, as_tensor, kind_of_stack


@pytest.mark.parametrize(
    ("shape", "channels", "stacked"),
    [
        ((8, 9), None, (1, 1, 8, 9)),
        ((5, 8, 9), None, (5, 1, 8, 9)),
        ((8, 9, 3), 3, (1, 3, 8, 9)),
        ((3, 8, 9), 3, (1, 3, 8, 9)),
        ((5, 8, 9), 1, (5, 1, 8, 9)),
        ((5, 3, 8, 9), None, (5, 3, 8, 9)),
        ((5, 8, 9, 3), None, (5, 3, 8, 9)),
        ((5, 8, 9, 4), None, (5, 3, 8, 9)),
        ((5, 8, 9, 1), None, (5, 1, 8, 9)),
    ],
)
def test_layouts(shape, channels, stacked):
    assert tuple(as_stack(numpy.zeros(shape, "u1"), channels=channels).shape) == stacked


def test_channels_last_keep_their_pixels():
    values = numpy.arange(2 * 4 * 5 * 3, dtype=numpy.uint8).reshape(2, 4, 5, 3)
    assert (as_stack(values).numpy() == values.transpose(0, 3, 1, 2)).all()


@pytest.mark.parametrize(
    ("kind", "tensor"),
    [
        ("u1", torch.uint8),
        ("f8", torch.float32),
        ("i4", torch.float32),
        ("u2", torch.float32),
        ("?", torch.float32),
    ],
)
def test_bytes_stay_and_numbers_become_float32(kind, tensor):
    assert as_tensor(numpy.ones((2, 2), kind)).dtype == tensor


def test_five_axes_are_no_images():
    with pytest.raises(DataError, match=r"received: shape \(1, 1, 1, 1, 1\)"):
        as_stack(numpy.zeros((1, 1, 1, 1, 1)))


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        ((9, 40), "array"),
        ((9, 1, 128), "series"),
        ((9, 12, 1000), "series"),
        ((9, 128, 9), "series"),
        ((9, 28, 28), "image"),
        ((9, 32, 100), "image"),
        ((9, 3, 8, 8), "image"),
        ((9, 8, 8, 4), "image"),
        ((9, 64, 64, 12), "image"),
        ((9, 12, 64, 64), "image"),
        ((9, 12, 14, 16), "volume"),
        ((9, 28, 28, 28), "volume"),
        ((9, 1, 8, 9, 7), "volume"),
    ],
)
def test_the_shape_says_what_examples_are(shape, kind):
    assert kind_of_stack(shape)[0] == kind


@pytest.mark.parametrize("shape", [(9,), (9, 1, 2, 3, 4, 5)])
def test_other_numbers_of_axes_are_refused(shape):
    with pytest.raises(DataError, match="not hold examples"):
        kind_of_stack(shape)


def test_many_channels_at_the_end_are_moved_to_the_front():
    pixels = numpy.random.default_rng(0).random((2, 64, 48, 12)).astype(numpy.float32)
    assert torch.equal(as_stack(pixels), torch.from_numpy(pixels).permute(0, 3, 1, 2))


def test_series_have_their_channels_on_the_short_side_or_where_their_number_says():
    values = numpy.arange(2 * 3 * 9).reshape(2, 3, 9)
    assert as_moments(values).shape == (2, 9, 3)
    assert (as_moments(values)[1, 4] == values[1, :, 4]).all()
    assert as_moments(values, channels=9).shape == (2, 3, 9)
    assert as_moments(values[0], channels=3).shape == (1, 9, 3)  # one series alone
    with pytest.raises(DataError, match="series"):
        as_moments(values[..., None])
