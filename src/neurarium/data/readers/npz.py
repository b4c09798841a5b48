"""npz and npy files: named arrays, read without pickle."""

from __future__ import annotations

import struct
import tokenize
import zipfile
import zlib
from pathlib import Path

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
            fix="rename the arrays, or pass them to nr.data.arrays",
        )
    return complete


def inputs_of(path: Path | str) -> numpy.ndarray:
    """Return the array of a file that its name says to be the inputs, else the first.

    Raises:
        DataError: as `read_npz`; or there is no array.
    """
    arrays = read_npz(path)
    if not arrays:
        raise DataError(f"{path} holds no array", expected="at least one")
    named = [each for name, each in arrays.items() if set(name.lower().split("_")) & set(INPUTS)]
    return (named or list(arrays.values()))[0]
