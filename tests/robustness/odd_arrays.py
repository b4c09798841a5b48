"""Odd arrays: idx files with wrong magic or lengths, npz files with pickles, lies, wrong shapes, archives that are none."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
from typing import Any

import numpy
from cases import EITHER, READ, REFUSED, Case, cuts, flips, noise

PIXELS = (numpy.arange(40 * 6 * 6) * 7 % 256).astype(numpy.uint8).reshape(40, 6, 6)
LABELS = (numpy.arange(40) % 2).astype(numpy.uint8)


def idx(array: numpy.ndarray, kind: int = 0x08) -> bytes:
    """Return an array of bytes as an idx file."""
    return bytes([0, 0, kind, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def idx_files() -> list[Case]:
    """Return odd files of images, or of labels, for a folder whose other idx file is good."""
    good, packed = idx(PIXELS), gzip.compress(idx(PIXELS), mtime=0)
    pixels, labels = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"

    def case(name: str, content: bytes, verdict: str = REFUSED, file: str = pixels) -> Case:
        return Case(name, file, content, verdict, ())

    return [
        case("nothing is odd", good, READ),
        case("gzip", packed, READ),
        *(case(name, part) for name, part in cuts(good, (0.0, 0.001, 0.002, 0.01, 0.5, 0.999))),
        *(case(f"gzip {name}", part) for name, part in cuts(packed, (0.05, 0.5, 0.99))),
        *(case(f"gzip {name}", part, EITHER) for name, part in flips(packed, 5, 31)),
        *(case(f"the head, {name}", part + good[16:], EITHER) for name, part in flips(good[:16], 8, 32, 2)),
        case("wrong magic", b"\x01\x02\x03\x04" + good[4:]),
        case("no axes", b"\0\0\x08\0" + good[4:]),
        case("255 axes", b"\0\0\x08\xff" + good[4:]),
        case("255 axes of no length", b"\0\0\x08\xff" + bytes(4 * 255)),
        case("40 axes of one", b"\0\0\x08\x28" + struct.pack(">40I", *[1] * 40) + b"\0"),
        case("an unknown type", b"\0\0\x0a\x03" + good[4:]),
        case("lengths beyond the file", b"\0\0\x08\x03" + b"\xff" * 12 + good[16:]),
        case("lengths whose product is beyond int64", b"\0\0\x08\x04" + b"\xff" * 16),
        case("a byte too many", good + b"\0"),
        case("no images", idx(PIXELS[:0])),
        case("images of no size", idx(PIXELS[:, :0])),
        case("labels where images should be", idx(LABELS)),
        case("one image fewer than labels", idx(PIXELS[:-1])),
        case("a pickle", b"\x80\x04\x8c\x02os\x94."),
        case("a gzip bomb", gzip.compress(b"\0\0\x08\x03" + b"\xff" * 12 + bytes(30_000_000), mtime=0)),
        case("an idx file of floats with NaN", idx(numpy.full((40, 6, 6), numpy.nan, ">f4"), 0x0D)),
        case("labels of two axes", idx(LABELS[:, None]), REFUSED, labels),
        case("labels of one class", idx(LABELS * 0), REFUSED, labels),
        case("labels of no length", idx(LABELS[:0]), REFUSED, labels),
        case("labels that are fractions", idx((LABELS + 0.5).astype(">f4"), 0x0D), EITHER, labels),
        case("labels that are NaN", idx(numpy.full(40, numpy.nan, ">f4"), 0x0D), REFUSED, labels),
        case("negative labels", idx(-LABELS.astype(">i4"), 0x0C), EITHER, labels),
        case("256 labels", idx(numpy.arange(40, dtype=numpy.uint8) * 6), EITHER, labels),
    ]  # fmt: skip


def npz(**arrays: Any) -> bytes:
    """Return arrays as an npz file."""
    stream = io.BytesIO()
    numpy.savez(stream, **arrays)
    return stream.getvalue()


def archive(**members: bytes) -> bytes:
    """Return a zip archive of npy members."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(zipfile.ZipInfo(f"{name}.npy"), content, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def npy(head: str, content: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    """Return an npy file with a head written by hand."""
    packed = head.encode() + b"\n"
    return b"\x93NUMPY" + version + struct.pack("<H", len(packed)) + packed + content


def plain(array: numpy.ndarray, *, allow_pickle: bool = False) -> bytes:
    """Return an array as an npy file."""
    stream = io.BytesIO()
    numpy.save(stream, array, allow_pickle=allow_pickle)
    return stream.getvalue()


class Evil:
    """What a pickle can do."""

    def __reduce__(self) -> tuple[Any, tuple[str, str]]:
        return open, ("/tmp/robustness-was-here", "w")


def npz_files() -> list[Case]:
    """Return odd npz and npy files."""
    good = npz(images=PIXELS, labels=LABELS)
    labels = plain(LABELS)
    objects = numpy.array([Evil()] * 40, dtype=object)

    def case(name: str, content: bytes, verdict: str = REFUSED, file: str = "data.npz") -> Case:
        return Case(name, file, content, verdict, ())

    def lying(name: str, head: str, content: bytes = b"") -> Case:
        return case(name, archive(images=npy(head, content), labels=labels))

    def named(name: str, verdict: str = REFUSED, /, **arrays: Any) -> Case:
        return case(name, npz(**arrays), verdict)

    return [
        case("nothing is odd", good, READ),
        *(case(name, part) for name, part in cuts(good, (0.0, 0.01, 0.3, 0.9, 0.99))),
        *(case(name, part, EITHER) for name, part in flips(good, 8, 41)),
        *(case(f"the end, {name}", good[:-150] + part, EITHER) for name, part in flips(good[-150:], 6, 42)),
        case("noise", noise(900, 43)),
        case("text", b"hello"),
        case("empty", b""),
        case("a pickle", b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94\x93\x94."),
        case("a pickle named npy", b"\x80\x04\x8c\x02os\x94.", REFUSED, "data.npy"),
        case("an archive of nothing", archive()),
        case("members that are no arrays", archive(images=b"hello", labels=b"world")),
        case("a member that is missing", archive(labels=labels)),
        case("pickled images", archive(images=plain(objects, allow_pickle=True), labels=labels)),
        case("pickled labels", archive(images=plain(PIXELS), labels=plain(objects, allow_pickle=True))),
        case("a pickled array alone", plain(objects, allow_pickle=True), REFUSED, "data.npy"),
        case("one array alone", plain(PIXELS), REFUSED, "data.npy"),
        case("an array cut off", plain(PIXELS)[:300], REFUSED, "data.npy"),
        lying("a shape beyond memory", "{'descr': '|u1', 'fortran_order': False, 'shape': (1099511627776, 1024)}"),
        lying("a shape beyond int64", "{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999, 9)}"),
        lying("a negative shape", "{'descr': '|u1', 'fortran_order': False, 'shape': (-1, 6)}"),
        lying("a shape that is text", "{'descr': '|u1', 'fortran_order': False, 'shape': 'abc'}"),
        lying("a head that calls a function", "__import__('os').system('touch /tmp/robustness-was-here')"),
        lying("a head that nests", "(" * 5000),
        lying("a head with a key too many", "{'descr': '|u1', 'fortran_order': False, 'shape': (), 'x': 1}"),
        lying("a type that is none", "{'descr': 'nonsense', 'fortran_order': False, 'shape': (1,)}", b"0"),
        lying("more than the file holds", "{'descr': '|u1', 'fortran_order': False, 'shape': (40, 6, 6)}", b"0"),
        case("a version from the future", archive(images=npy("{}", version=b"\x09\x00"), labels=labels)),
        case("a bomb of zeros", archive(images=npy("{'descr': '|u1', 'fortran_order': False, 'shape': (1,)}", bytes(40_000_000)), labels=labels)),
        named("images of another length than labels", images=PIXELS[:-1], labels=LABELS),
        named("no axes", images=numpy.float32(1), labels=numpy.float32(1)),
        named("one axis", images=LABELS, labels=LABELS),
        named("two axes", EITHER, images=PIXELS[:, 0], labels=LABELS),
        named("five axes", EITHER, images=PIXELS[:, None, None], labels=LABELS),
        named("nine channels", EITHER, images=numpy.zeros((40, 9, 6, 6), numpy.uint8), labels=LABELS),
        named("no images", images=PIXELS[:0], labels=LABELS[:0]),
        named("one image", images=PIXELS[:1], labels=LABELS[:1]),
        named("images of no size", images=PIXELS[:, :0], labels=LABELS),
        named("images of text", images=PIXELS.astype(str), labels=LABELS),
        named("images of dates", images=PIXELS.astype("datetime64[s]"), labels=LABELS),
        named("complex images", images=PIXELS.astype(complex), labels=LABELS),
        named("structured images", images=numpy.zeros(40, [("a", "f4")]), labels=LABELS),
        named("images of NaN", images=PIXELS * numpy.float32("nan"), labels=LABELS),
        named("infinite images", images=PIXELS + numpy.float32("inf"), labels=LABELS),
        named("images of 1e300", EITHER, images=PIXELS * 1e300, labels=LABELS),
        named("images of half precision", READ, images=(PIXELS / 255).astype(numpy.float16), labels=LABELS),
        named("constant images", EITHER, images=PIXELS * 0, labels=LABELS),
        named("the other order of bytes", READ, images=PIXELS.astype(">i4"), labels=LABELS.astype(">i8")),
        named("labels of one class", images=PIXELS, labels=LABELS * 0),
        named("labels of text", READ, images=PIXELS, labels=numpy.array(["a", "b"] * 20)),
        named("labels of bytes", EITHER, images=PIXELS, labels=numpy.array([b"a", b"b"] * 20)),
        named("labels of NaN", images=PIXELS, labels=LABELS * numpy.nan),
        named("labels of two axes", EITHER, images=PIXELS, labels=numpy.eye(2)[LABELS]),
        named("labels of no axis", images=PIXELS, labels=numpy.int64(1)),
        named("a test part with another shape", x_train=PIXELS, y_train=LABELS, x_test=PIXELS[:, :3], y_test=LABELS),
        named("a test part with another class", x_train=PIXELS, y_train=LABELS, x_test=PIXELS, y_test=LABELS + 5),
        named("a test part without labels", EITHER, x_train=PIXELS, y_train=LABELS, x_test=PIXELS),
        named("names of nothing known", first=PIXELS, second=LABELS),
    ]  # fmt: skip
