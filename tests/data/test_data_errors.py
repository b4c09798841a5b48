"""Bad input gets a typed error with exit code 2 that names the thing at fault, what was received and what to do."""

from __future__ import annotations

import gzip
import lzma
import struct
import sys
import zipfile
from pathlib import Path

import numpy
import polars
import pytest
from PIL import Image

import neurarium as nr
from neurarium.core.errors import UserError

GOOD = "a,b,label\n" + "".join(f"{n / 7:.3f},{'xyz'[n % 3]},{'no' if n % 2 else 'yes'}\n" for n in range(40))


def text(content: str | bytes, name: str = "rows.csv"):
    """A case that reads a file with this content."""

    def make(folder: Path, **options):
        path = folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return nr.data.table(path, **{"target": "label", **options})

    return make


def table_with(**options):
    return lambda folder: text(GOOD)(folder, **options)


def frame(columns: dict, target: str = "label", **options):
    return lambda folder: nr.data.table(columns, target, **options)


def zipped(content: dict[str, bytes], name: str = "a.zip"):
    """A case that reads a zip archive of these members."""

    def make(folder: Path):
        with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for each, data in content.items():
                archive.writestr(each, data)
        return nr.data.table(folder / name, "label")

    return make


def encrypted(folder: Path):
    """A member whose flag says that it needs a password."""
    path = folder / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("rows.csv", GOOD)
    content = bytearray(path.read_bytes())
    content[6] |= 1
    content[content.find(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(bytes(content))
    return nr.data.table(path, "label")


def cut(ending: str):
    """A case that reads the first half of a file of columns."""

    def make(folder: Path):
        frame = polars.DataFrame({"a": range(500), "label": ["x", "y"] * 250})
        write = {
            ".arrow": frame.write_ipc,
            ".arrows": frame.write_ipc_stream,
            ".parquet": frame.write_parquet,
        }
        path = folder / f"a{ending}"
        write[ending](path)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        return nr.data.table(path, "label")

    return make


def parts(files: dict[str, str]):
    """A case that reads several files by a pattern."""

    def make(folder: Path):
        for name, content in files.items():
            (folder / name).write_text(content)
        return nr.data.table(f"{folder}/*.csv", "label")

    return make


def mixed_parts(folder: Path):
    polars.DataFrame({"x": [1, 2], "label": ["a", "b"]}).write_parquet(folder / "a.parquet")
    polars.DataFrame({"x": ["u", "v"], "label": ["a", "b"]}).write_parquet(folder / "b.parquet")
    return nr.data.table(folder, "label")


def idx(pixels: bytes, labels: bytes = b"\0\0\x08\x01\0\0\0\x02\0\x01"):
    def make(folder: Path):
        (folder / "train-images-idx3-ubyte").write_bytes(pixels)
        (folder / "train-labels-idx1-ubyte").write_bytes(labels)
        return nr.data.images(folder)

    return make


def npz(**arrays):
    def make(folder: Path):
        numpy.savez(folder / "arrays.npz", **arrays)
        return nr.data.images(folder / "arrays.npz")

    return make


def picture_folder(*names: str):
    def make(folder: Path):
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            if name.endswith(".txt"):
                (folder / name).write_text("no image")
            else:
                Image.new("L", (8, 8), 100).save(folder / name)
        return nr.data.images(folder)

    return make


def with_test_file(content: str):
    def make(folder: Path):
        (folder / "test.csv").write_text(content)
        return text(GOOD)(folder, test=folder / "test.csv")

    return make


NUMBERS = [float(n) for n in range(40)]
PIXELS = b"\0\0\x08\x03" + struct.pack(">III", 2, 2, 2) + bytes(8)

CASES = {
    # files
    "missing file": (lambda f: (text(GOOD)(f), nr.data.table(f / "row.csv", "label")), ["there is no file", "rows.csv"]),
    "missing folder": (lambda f: nr.data.table(f / "nowhere" / "a.csv", "label"), ["folder", "does not exist"]),
    "an address": (lambda f: nr.data.table("https://example.org/a.csv", "label"), ["is an address", "download it first"]),
    "a folder for a file": (lambda f: nr.data.table(f, "label"), ["is a folder"]),
    "empty file": (text(""), ["is empty"]),
    "blank file": (text("\n \n\n"), ["is empty"]),
    "header only": (text("a,b,label\n"), ["has a header and no rows", "a, b, label"]),
    "one row": (text("a,b,label\n1,2,3\n"), ["too few rows", "received: 1 row"]),
    "two rows": (text("a,b,label\n1,2,x\n1,3,y\n"), ["too few rows to split", "at least 3 rows", "2 rows"]),
    "a spreadsheet": (zipped({"xl/workbook.xml": b"<x/>"}, "a.xlsx"), ["is an Excel file", "save the sheet as CSV", "read_excel"]),
    "an OpenDocument sheet": (zipped({"content.xml": b"<x/>"}, "a.ods"), ["OpenDocument sheet", "save the sheet as CSV"]),
    "a damaged archive": (text(b"PK\x03\x04" + bytes(50), "a.zip"), ["cut off or damaged", "copy it again"]),
    "an archive without a table": (zipped({"a.png": b"x", "b.png": b"y"}), ["no table in the archive", "a.png, b.png"]),
    "an archive that points outside": (zipped({"../a.csv": GOOD.encode()}), ["points outside", "../a.csv", "pack"]),
    "an archive with an absolute name": (zipped({"/etc/a.csv": GOOD.encode()}), ["points outside", "/etc/a.csv"]),
    "an encrypted archive": (encrypted, ["is encrypted", "rows.csv needs a password", "unpack it"]),
    "an archive in an archive": (zipped({"a.csv.zip": b"PK\x03\x04"}), ["another archive", "unpack the outer one"]),
    "a bomb in an archive": (zipped({"rows.csv": b"a,label\n" + bytes(300 << 20)}), ["unpacks to more than", "200 times"]),
    "a bomb of gzip": (text(gzip.compress(bytes(300 << 20), 1)), ["unpacks to more than", "200 times its own size"]),
    "other headers in an archive": (
        zipped({"a.csv": b"x,label\n1,2\n", "b.csv": b"y,label\n1,2\n"}),
        ["a.zip:b.csv lacks the column 'x'", "a.zip:a.csv: x, label", "y, label"],
    ),
    "xz that is cut off": (text(lzma.compress(GOOD.encode())[:-20]), ["cut off or damaged (xz", "copy it again"]),
    "bzip2 that is damaged": (text(b"BZh91AY&SY" + bytes(40)), ["cut off or damaged (bzip2"]),
    "zstd that is damaged": (text(b"\x28\xb5\x2f\xfd" + bytes(40)), ["cut off or damaged (zstd"]),
    "a cut Arrow file": (cut(".arrow"), ["Arrow file", "damaged or cut off", "write it again"]),
    "a cut Arrow stream": (cut(".arrows"), ["Arrow stream file", "damaged or cut off"]),
    "a cut Parquet file": (cut(".parquet"), ["Parquet file", "damaged or cut off"]),
    "old Feather": (text(b"FEA1" + bytes(40), "a.feather"), ["Feather file of version 1", "to_parquet"]),
    "JSON lines with a broken line": (
        text('{"a": 1, "label": "x"}\n{"a": 2, "label": \n', "a.jsonl"), ["line 2 of", "is no JSON", "one object per line"],
    ),
    "JSON lines of arrays": (text("[1, 2]\n[3, 4]\n", "a.jsonl"), ["line 1 of", "is no object", "array: [1, 2]"]),
    "deep JSON": (text('{"a":' * 40 + "1" + "}" * 40 + "\n", "a.jsonl"), ["line 1 of", "more than 16 deep", "flatten"]),
    "bottomless JSON": (text("[" * 200_000, "a.json"), ["more than 16 deep"]),
    "JSON of one number": (text("3", "a.json"), ["holds no records", "one number"]),
    "cut JSON": (text('[{"a": 1}, {"a"', "a.json"), ["is no JSON", "line 1 column"]),
    "a pattern without a match": (lambda folder: nr.data.table(f"{folder}/*.csv", "y"), ["no file matches", "quote it"]),
    "parts of other columns": (
        parts({"a.csv": "x,label\n1,a\n", "b.csv": "x,label,z\n1,b,3\n"}), ["b.csv has a column 'z'", "x, label, z"],
    ),
    "parts of other values": (mixed_parts, ["column 'x' of", "b.parquet holds text", "numbers", "String beside Int64"]),
    "cut gzip": (text(gzip.compress(GOOD.encode())[:-20], "rows.csv.gz"), ["cut off or damaged"]),
    "damaged parquet": (text(b"PAR1" + bytes(50), "rows.parquet"), ["Parquet", "damaged"]),
    # text
    "wrong encoding": (text("a,label\n1,é\n2,b\n".encode("latin-1")), ["not UTF-8", "line 2", "0xe9", "encoding='cp1252'"]),
    "unknown encoding": (
        lambda f: text("a,label\n1,é\n".encode("latin-1"))(f, encoding="klingon"),
        ["no encoding 'klingon'"],
    ),
    "utf-16 without mark": (text(GOOD.encode("utf-16-le")), ["NUL bytes", "encoding='utf-16-le'"]),
    "NUL bytes": (text(GOOD.replace("yes", "y\0s", 1)), ["NUL bytes", "line 2"]),
    "long row": (text("a,b,label\n1,2,x\n1,2,3,y\n"), ["line 3", "4 fields", "first line has 3", "1,2,3,y"]),
    "short row": (text("a,b,label\n1,2,x\n1\n4,5,y\n"), ["line 3", "1 fields", "first line has 3"]),
    "short row in quotes": (text('a,b,label\n"1\n1",2,x\n"1",2\n4,5,y\n'), ["line 4", "2 fields"]),
    "quote never closed": (text('a,b,label\n1,"x",y\n1,"x,y\n2,z,y\n3,z,y\n'), ["line 3"]),
    "duplicate columns": (text("a,a,label\n1,2,x\n3,4,y\n"), ["same name: 'a'", "columns 1, 2"]),
    "duplicate names given": (
        lambda f: text("1,2,x\n3,4,y\n")(f, columns="a,a,label"),
        ["same name: 'a'"],
    ),
    "too few names": (lambda f: text("1,2,x\n3,4,y\n")(f, columns="a,label"), ["another number of columns", "2 columns", "3 fields"]),
    # target
    "target not found": (table_with(target="lable"), ["there is no column", "did you mean 'label'?"]),
    "no header": (lambda f: text("1,2,x\n3,4,y\n5,6,x\n")(f, target="income"), ["looks like data", "--columns a,b,c"]),
    "target all missing": (text("a,label\n1,?\n2,NA\n3,\n"), ["every value of the target 'label' is missing"]),
    "one class": (text("a,label\n" + "1,x\n" * 20), ["one class only", "'x' in all 20 rows"]),
    "constant quantity": (frame({"a": NUMBERS, "label": [1.5] * 40}), ["constant", "1.5 in all"]),
    "text target": (frame({"a": NUMBERS, "label": [f"t{n}" for n in range(40)]}), ["hardly ever repeats", "40 different"]),
    "number with a typo": (
        frame({"a": NUMBERS, "label": [*(f"{n}.5" for n in range(39)), "12o"]}),
        ["'12o'", "row 40"],
    ),
    "regression on text": (table_with(task="regression"), ["does not hold numbers", "'yes'"]),
    "infinite target": (frame({"a": NUMBERS, "label": [*NUMBERS[:-1], float("inf")]}, task="regression"), ["infinite", "row 40"]),
    "no target given": (table_with(target=()), ["no list of different columns"]),
    "only the target": (lambda f: text("label\nx\ny\nx\ny\n")(f), ["no column beside the target"]),
    # columns
    "infinite number": (frame({"a": [*NUMBERS[:6], float("inf"), *NUMBERS[7:]], "label": list("xy") * 20}), ["column 'a'", "row 7", "inf"]),
    "infinite text": (text(GOOD + "inf,x,no\n"), ["column 'a'", "row 41"]),
    "unknown dropped column": (table_with(drop=("B",)), ["'B'", "did you mean 'b'?"]),
    "unknown kind": (table_with(types={"a": "number"}), ["kind of column", "numeric"]),
    "wrong kind": (table_with(types={"b": "numeric"}), ["column 'b' holds no value of the kind 'numeric'", "x, y, x"]),
    "target dropped": (table_with(drop=("label",)), ["is the target"]),
    "nothing left": (table_with(drop=("a", "b")), ["no column", "left to learn from"]),
    "constants only": (frame({"a": [1.0] * 40, "label": list("xy") * 20}), ["no column", "left to learn from"]),
    "nested columns": (lambda f: nr.data.table(polars.DataFrame({"a": [[{"b": 1}], [{"b": 2}]], "label": ["x", "y"]}), "label"), ["'a'", "List"]),
    "columns of different lengths": (frame({"a": [1, 2, 3], "label": ["x", "y"]}), ["different lengths"]),
    "negative weights": (frame({"a": NUMBERS, "w": [-1.0, *NUMBERS[1:]], "label": list("xy") * 20}, weights="w"), ["'w'", "-1.0 in row 1"]),
    # splits
    "fractions above one": (table_with(validation=0.6, test_fraction=0.6), ["fractions", "below 1"]),
    "unknown way to split": (table_with(split="stratify"), ["way to split", "'stratified'"]),
    "grouped without a group": (table_with(split="grouped"), ["--group"]),
    "too few groups": (frame({"a": NUMBERS, "g": [1, 2] * 20, "label": list("xxyy") * 10}, group="g"), ["too few groups", "at least 3"]),
    "one time": (frame({"a": NUMBERS, "t": [1] * 40, "label": list("xy") * 20}, time="t"), ["empty", "1 different times"]),
    "no time": (frame({"a": NUMBERS, "t": list("uv") * 20, "label": list("xy") * 20}, time="t"), ["'t'", "numbers or dates"]),
    "group and time": (frame({"a": NUMBERS, "t": NUMBERS, "g": NUMBERS, "label": list("xy") * 20}, time="t", group="g"), ["either grouped or by time"]),
    "row in two splits": (table_with(split={"train": range(30), "test": range(29, 40)}), ["in two splits"]),
    "row that is not there": (table_with(split={"train": range(30), "test": [40]}), ["0 to 39", "40"]),
    "test file without the target": (with_test_file("a,b\n1,x\n"), ["no column", "'label'"]),
    "test file without a column": (with_test_file("a,label\n1,yes\n"), ["lacks the column 'b'"]),
    "test file with another label": (with_test_file("a,b,label\n1,x,yes\n2,x,perhaps\n"), ["labels that the training rows do not have", "row 2", "'perhaps'"]),
    "an array of three axes": (lambda f: nr.data.table(numpy.zeros((3, 3, 3)), 0), ["rows and columns", "(3, 3, 3)"]),
    # images
    "missing image folder": (lambda f: nr.data.images(f / "nowhere"), ["there is no file"]),
    "images from memory": (lambda f: nr.data.images(numpy.zeros((3, 8, 8))), ["nr.data.arrays"]),
    "empty image folder": (lambda f: nr.data.images(f), ["no folder of images"]),
    "loose images": (picture_folder("a.png", "b.png"), ["folder per class", "2 files beside"]),
    "one class of images": (picture_folder("cat/1.png", "cat/2.png"), ["one class only", "'cat'"]),
    "no image in the folders": (picture_folder("cat/1.txt", "dog/2.txt"), ["is an image", "cat/1.txt"]),
    "cut idx": (idx(PIXELS[:-1]), ["cut off", "24 bytes", "23 bytes"]),
    "long idx": (idx(PIXELS + b"\0"), ["longer than its header says"]),
    "wrong magic": (idx(b"\1\0\x08\x03" + PIXELS[4:]), ["magic number", "01 00 08 03"]),
    "labels for images": (idx(b"\0\0\x08\x01\0\0\0\x02\0\x01"), ["do not fit together"]),
    "too few labels": (idx(PIXELS, b"\0\0\x08\x01\0\0\0\x01\0"), ["do not fit together"]),
    "labels missing": (lambda f: ((f / "train-images-idx3-ubyte").write_bytes(PIXELS), nr.data.images(f)), ["lacks a file of labels"]),
    "pickled npz": (npz(x_train=numpy.array([{}, {}]), y_train=numpy.zeros(2)), ["pickle", "refused"]),
    "nameless npz": (npz(first=numpy.zeros((4, 8, 8)), second=numpy.zeros(4)), ["does not name its arrays", "x_train"]),
    "no npz": (lambda f: ((f / "a.npz").write_bytes(b"PK\x03\x04 nonsense"), nr.data.images(f / "a.npz")), ["damaged"]),
    # arrays
    "lengths that differ": (lambda f: nr.data.arrays(numpy.zeros((5, 2)), numpy.zeros(4)), ["do not fit together", "(5, 2)", "(4,)"]),
    "array with NaN": (lambda f: nr.data.arrays(numpy.array([[1.0], [numpy.nan], [2.0]]), [0, 1, 0]), ["example 1", "nan"]),
    "array of text": (lambda f: nr.data.arrays(numpy.array([["a"], ["b"]]), [0, 1]), ["no numbers"]),
    "one class of arrays": (lambda f: nr.data.arrays(numpy.random.rand(9, 2), numpy.zeros(9), task="classification"), ["one class only"]),
    # catalogue
    "unknown data set": (lambda f: nr.data.load("mnits"), ["did you mean 'mnist'?"]),
    "unknown option": (lambda f: nr.data.load("iris", fraction=0.1), ["option of data set 'iris'"]),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[name.replace(" ", "-") for name in CASES])
def test_bad_input_gets_a_clear_error(case, tmp_path):
    make, fragments = CASES[case]
    with pytest.raises(UserError) as caught:
        make(tmp_path)
    message = str(caught.value)
    assert caught.value.exit_code == 2
    assert "Traceback" not in message
    assert len(message.splitlines()) >= 2, (
        message
    )  # a problem, and at least one of expected, received, to fix
    for fragment in fragments:
        assert fragment in message, message


@pytest.mark.skipif(sys.platform == "win32", reason="devices are POSIX")
def test_a_device_is_no_table():
    with pytest.raises(UserError, match="no regular file"):
        nr.data.table("/dev/null", "label")
