import numpy
import pytest

from neurarium.core.errors import DataError
from neurarium.data.readers.npz import parts, read_npz


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
