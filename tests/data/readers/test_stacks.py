import numpy
import pytest
import torch

from neurarium.core.errors import DataError
from neurarium.data.readers.stacks import as_stack, as_tensor


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
