import numpy
import pytest
import torch

import neurarium as nr
from neurarium.core.errors import DataError
from neurarium.data.specs import Array, Image

RNG = numpy.random.default_rng(0)


def test_numbers_are_standardized_by_the_training_examples():
    inputs = RNG.normal(3, 2, size=(200, 4, 5)).astype(numpy.float32)
    dataset = nr.data.arrays(inputs, RNG.normal(size=200))
    assert dataset.inputs == Array((4, 5))
    train = inputs[dataset.rows["train"]].astype(float)
    expected = (inputs[dataset.rows["test"]] - train.mean(axis=0)) / train.std(axis=0)
    assert dataset.test.inputs.numpy() == pytest.approx(expected, abs=1e-5)


def test_prepared_numbers_are_left_alone():
    inputs = RNG.normal(size=(60, 3)).astype(numpy.float32)
    dataset = nr.data.arrays(torch.from_numpy(inputs), torch.arange(60) % 3, standardize=False)
    assert torch.equal(
        dataset.train.inputs, torch.from_numpy(inputs)[torch.from_numpy(dataset.rows["train"])]
    )


def test_bytes_are_images_kept_as_bytes():
    pixels = RNG.integers(0, 256, (100, 6, 6, 3), dtype=numpy.uint8)
    dataset = nr.data.arrays(pixels, numpy.arange(100) % 2)
    assert dataset.inputs == Image(3, 6, 6)
    assert dataset.train.batch["inputs"].dtype == torch.uint8
    train = pixels[dataset.rows["train"]].astype(float)
    expected = (train - train.mean(axis=(0, 1, 2))) / train.std(axis=(0, 1, 2))
    assert dataset.train.inputs.numpy() == pytest.approx(expected.transpose(0, 3, 1, 2), abs=1e-5)
    assert dataset.train.batch["inputs"].dtype == torch.uint8


@pytest.mark.parametrize("shape", [(30, 3, 8, 8), (30, 8, 8, 1)])
def test_floats_of_four_axes_are_images(shape):
    inputs = RNG.random(shape)
    dataset = nr.data.arrays(inputs, numpy.arange(30) % 2)
    assert isinstance(dataset.inputs, Image)
    before = dataset.train.batch["inputs"].clone()
    dataset.train.take([0, 1, 2])
    assert torch.equal(before, dataset.train.batch["inputs"])
    assert nr.data.arrays(inputs, numpy.arange(30) % 2, kind="array").inputs == Array(shape[1:])


def test_given_splits_and_names():
    pixels = RNG.integers(0, 9, (40, 4, 4), dtype=numpy.uint8)
    labels = numpy.arange(40) % 2
    pairs = {"test": (pixels[:10], labels[:10]), "validation": (pixels[10:15], labels[10:15])}
    dataset = nr.data.arrays(pixels[15:], labels[15:], **pairs, classes=("cat", "dog"))
    assert [len(part) for part in dataset.splits.values()] == [25, 5, 10]
    assert dataset.targets.names == ("cat", "dog")
    assert dataset.test.targets.tolist() == labels[:10].tolist()
    assert dataset.summary["classes"] == {"cat": 12, "dog": 13}


def test_labels_may_be_words_and_quantities_several():
    inputs = RNG.normal(size=(60, 3))
    assert nr.data.arrays(inputs, numpy.array(["a", "b", "c"] * 20)).targets.names == ("a", "b", "c")
    several = nr.data.arrays(inputs, RNG.normal(size=(60, 2)))
    assert several.targets.outputs == 2
    assert several.train.targets.mean(dim=0).tolist() == pytest.approx([0, 0], abs=1e-6)


def test_names_that_do_not_fit_are_refused():
    with pytest.raises(DataError, match="names of classes"):
        nr.data.arrays(RNG.normal(size=(30, 2)), numpy.arange(30) % 3, classes=("a", "b"))


def test_a_test_label_that_training_lacks_is_refused():
    inputs = RNG.normal(size=(30, 2))
    with pytest.raises(DataError, match="target 1 is missing, or of a class"):
        nr.data.arrays(inputs, numpy.arange(30) % 2, test=(inputs[:2], numpy.array([0, 7])))
