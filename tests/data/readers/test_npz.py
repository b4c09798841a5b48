import numpy
import pytest

from neurarium.core.errors import DataError
from neurarium.data.readers.npz import class_indices, pair_of, parts, read_npz, shape_of_inputs


@pytest.mark.parametrize(
    "names",
    [
        ("x_train", "y_train", "x_test", "y_test"),
        ("X_train", "Y_train", "X_test", "Y_test"),
        ("train_images", "train_labels", "test_images", "test_labels"),
        ("images", "labels", "test_inputs", "test_targets"),
    ],
)
def test_arrays_are_found_by_name(tmp_path, names):
    values = [numpy.full(3, number) for number in range(4)]
    numpy.savez(tmp_path / "a.npz", **dict(zip(names, values, strict=True)), author=numpy.array(["me"]))
    found = parts(read_npz(tmp_path / "a.npz"), "a.npz")
    assert [each[0] for pair in (found["train"], found["test"]) for each in pair] == [0, 1, 2, 3]


def test_a_single_array_file(tmp_path):
    numpy.save(tmp_path / "a.npy", numpy.arange(3))
    assert read_npz(tmp_path / "a.npy")["x"].tolist() == [0, 1, 2]


def test_inputs_without_targets_are_refused():
    with pytest.raises(DataError, match="does not name its arrays"):
        parts({"x_train": numpy.zeros(3)}, "a.npz")


def test_no_pickle_is_executed(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("a pickle was executed",))

    numpy.savez(tmp_path / "a.npz", x=numpy.array([Bomb()], dtype=object), y=numpy.zeros(1))
    numpy.save(tmp_path / "b.npy", numpy.array([Bomb()], dtype=object))
    for name in ("a.npz", "b.npy"):
        with pytest.raises(DataError, match="refused"):
            read_npz(tmp_path / name)


def test_the_shape_of_inputs_is_read_without_their_numbers(tmp_path):
    numpy.savez(tmp_path / "a.npz", test_x=numpy.zeros((3, 7)), y=numpy.zeros(5), x=numpy.zeros((5, 7)))
    assert shape_of_inputs(tmp_path / "a.npz") == (5, 7)
    numpy.save(tmp_path / "a.npy", numpy.zeros((4, 2, 9)))
    assert shape_of_inputs(tmp_path / "a.npy") == (4, 2, 9)
    (tmp_path / "b.npz").write_bytes(b"PK nonsense")
    assert shape_of_inputs(tmp_path / "b.npz") is None


def test_the_targets_of_a_pair_are_those_of_its_split(tmp_path):
    numpy.savez(tmp_path / "a.npz", y_train=numpy.zeros(2), x_test=numpy.ones(3), y_test=numpy.arange(3))
    inputs, targets = pair_of(tmp_path / "a.npz")
    assert inputs.tolist() == [1, 1, 1] and targets.tolist() == [0, 1, 2]
    numpy.save(tmp_path / "a.npy", numpy.arange(3))
    assert pair_of(tmp_path / "a.npy")[1] is None


def test_one_hot_targets_are_classes():
    assert class_indices(numpy.eye(4)[[2, 0, 3]]).tolist() == [2, 0, 3]
    for other in (
        numpy.array([[1, 1], [0, 1]]),
        numpy.array([[0.5, 0.5]]),
        numpy.zeros((2, 3)),
        numpy.ones((3, 1)),
    ):
        assert class_indices(other) is other
