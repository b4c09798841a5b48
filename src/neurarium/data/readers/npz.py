"""npz and npy files: named arrays, read without pickle."""

from __future__ import annotations

import struct
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import IO

import numpy

from neurarium.core.errors import DataError
from neurarium.data.readers.encodings import require_file

# what NumPy and zipfile raise for bytes that lie about themselves
DAMAGE = (
    ValueError, OSError, EOFError, KeyError, NotImplementedError, OverflowError, MemoryError, RecursionError, SyntaxError,
    struct.error, tokenize.TokenError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
INPUTS = ("x", "images", "inputs", "data", "features", "image")
TARGETS = ("y", "labels", "targets", "label", "target", "classes")
SPLITS = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
}
SPLITS |= {"test": "test", "testing": "test"}


def read_npz(path: Path | str) -> dict[str, numpy.ndarray]:
    """Read every array of an npz file (an npy file gives one, called `x`).

    Raises:
        DataError: damaged, no npz file, or an array of Python objects, which only a pickle could hold.
    """
    path = Path(path)
    require_file(path)
    try:
        loaded = numpy.load(path, allow_pickle=False)
        if isinstance(loaded, numpy.ndarray):
            return {"x": loaded}
        with loaded:
            arrays = {name: loaded[name] for name in loaded.files}
            strange = [name for name, array in arrays.items() if not isinstance(array, numpy.ndarray)]
            if strange:  # NumPy gives the bytes of members that are no arrays
                raise ValueError(f"{', '.join(strange[:3])} is no array")
            return arrays
    except DAMAGE as error:
        if "pickle" in str(error).lower() and "object" in str(error).lower():
            raise DataError(
                f"{path} holds an array of Python objects; reading it would execute a pickle, which is refused",
                expected="arrays of numbers or fixed-length text",
                fix="save it with numpy.savez(path, x=array.astype(numpy.float32), ...)",
            ) from error
        raise DataError(
            f"{path} is damaged, or is no npz file: {error}", expected="an npz file", fix="write it again"
        ) from error


def parts(
    arrays: dict[str, numpy.ndarray], path: Path | str
) -> dict[str, tuple[numpy.ndarray, numpy.ndarray]]:
    """Find inputs and targets by name: `x_train`, `y_train`, `X_test`, `images`, `test_labels` ...

    Returns:
        `{"train": (inputs, targets), "test": ...}`; arrays without a split in their name are "train".

    Raises:
        DataError: no such names, or inputs without targets.
    """
    found: dict[str, dict[str, numpy.ndarray]] = {}
    for name, array in arrays.items():
        words = name.lower().replace("-", "_").split("_")
        split = next((SPLITS[word] for word in words if word in SPLITS), "train")
        role = "inputs" if set(words) & set(INPUTS) else "targets" if set(words) & set(TARGETS) else None
        if role and role not in found.setdefault(split, {}):
            found[split][role] = array
    complete = {split: (pair["inputs"], pair["targets"]) for split, pair in found.items() if len(pair) == 2}
    if "train" not in complete:
        raise DataError(
            f"{path} does not name its arrays as inputs and targets",
            expected="x_train, y_train (and x_test, y_test), or images, labels",
            received=", ".join(f"{name} {array.shape}" for name, array in list(arrays.items())[:8])
            or "no arrays",
            fix="write inputs and targets into one file: numpy.savez('data.npz', x=inputs, y=targets)"
            if len(arrays) == 1
            else "rename the arrays, or pass them to nr.data.arrays",
        )
    return complete


def shape_of_inputs(path: Path | str) -> tuple[int, ...] | None:
    """Return the shape of the array of a file that its name says to be the (training) inputs, of which no number is read.

    None where that cannot be told; reading the file says why.
    """
    path = Path(path)
    try:
        if path.suffix.lower() == ".npy":
            with path.open("rb") as held:
                return _header(held)
        with zipfile.ZipFile(path) as packed:
            for name in packed.namelist():
                words = name.removesuffix(".npy").lower().replace("-", "_").split("_")
                if set(words) & set(INPUTS) and all(SPLITS.get(word, "train") == "train" for word in words):
                    with packed.open(name) as member:
                        return _header(member)
    except DAMAGE:
        return None
    return None


def _header(held: IO[bytes]) -> tuple[int, ...]:
    version = numpy.lib.format.read_magic(held)
    read = (
        numpy.lib.format.read_array_header_1_0
        if version == (1, 0)
        else numpy.lib.format.read_array_header_2_0
    )
    return tuple(read(held)[0])


def class_indices(targets: numpy.ndarray) -> numpy.ndarray:
    """Return targets with one number per example where a row of them has a single 1 among zeros (one-hot), else as they are.

    >>> class_indices(numpy.eye(3)).tolist(), class_indices(numpy.array([[1, 1], [0, 1]])).shape
    ([0, 1, 2], (2, 2))
    """
    if targets.ndim != 2 or targets.shape[1] < 2 or targets.dtype.kind not in "biuf":
        return targets
    if not targets.size:
        return targets
    one_hot = (numpy.isin(targets, (0, 1)).all(axis=1) & (targets.sum(axis=1) == 1)).all()
    return targets.argmax(axis=1) if one_hot else targets


def whole(targets: numpy.ndarray) -> bool:
    """Return whether targets are names or whole numbers, and not quantities with a fraction.

    >>> whole(numpy.array([0.0, 99.0])), whole(numpy.array([0.5, 1.0]))
    (True, False)
    """
    if targets.dtype.kind != "f":
        return True
    known = targets[numpy.isfinite(targets)]
    return bool((known == numpy.floor(known)).all())


def inputs_of(path: Path | str) -> numpy.ndarray:
    """Return the array of a file that its name says to be the inputs, else the first.

    Raises:
        DataError: as `read_npz`; or there is no array.
    """
    return pair_of(path)[0]


def pair_of(path: Path | str) -> tuple[numpy.ndarray, numpy.ndarray | None]:
    """Return the inputs of a file and the targets of the same split, None where it has none; else as `inputs_of`."""
    arrays = read_npz(path)
    if not arrays:
        raise DataError(f"{path} holds no array", expected="at least one")
    words = {name: set(name.lower().replace("-", "_").split("_")) for name in arrays}
    named = [name for name in arrays if words[name] & set(INPUTS)]
    inputs = (named or list(arrays))[0]
    split = _split(words[inputs])
    fitting = [
        name
        for name in arrays
        if name != inputs and words[name] & set(TARGETS) and _split(words[name]) == split
    ]
    return arrays[inputs], class_indices(arrays[fitting[0]]) if fitting else None


def _split(words: set[str]) -> str:
    return next((SPLITS[word] for word in sorted(words) if word in SPLITS), "train")
