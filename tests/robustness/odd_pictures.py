"""Odd pictures: every mode, formats, cut off, flipped, bombs, files that are something else."""

from __future__ import annotations

import io
import struct
import zlib

import numpy
from cases import EITHER, READ, REFUSED, Case, cuts, flips, noise
from PIL import Image

FORMATS = {
    "png": "PNG",
    "jpg": "JPEG",
    "gif": "GIF",
    "bmp": "BMP",
    "tif": "TIFF",
    "webp": "WEBP",
    "ppm": "PPM",
}


def picture(
    mode: str = "RGB", kind: str = "PNG", size: tuple[int, int] = (16, 16), **options: object
) -> bytes:
    """Return a small picture as the bytes of a file."""
    values = numpy.arange(size[0] * size[1] * 3, dtype=numpy.uint32).reshape(size[1], size[0], 3) * 5 % 256
    image = Image.fromarray(values.astype(numpy.uint8))
    if mode.startswith("I;16"):
        image = Image.fromarray((values[:, :, 0] * 257).astype(numpy.uint16))
    elif mode == "La":
        image = image.convert("LA").convert("La")
    elif mode != "RGB":
        image = image.convert("L").convert(mode) if mode in ("I", "F", "LA", "PA") else image.convert(mode)
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def pictures() -> list[Case]:
    """Return every odd picture: each lies in a folder of a class, beside good ones."""
    return [*_modes(), *_damaged(), *_crafted(), *_foreign()]


def _case(name: str, file: str, content: bytes, verdict: str = EITHER) -> Case:
    return Case(name, file, content, verdict, ())


def _modes() -> list[Case]:
    turned = Image.Exif()
    turned[0x0112] = 6
    odd = Image.Exif()
    odd[0x0112] = 99
    frames = [Image.new("RGB", (16, 16), color) for color in ("red", "green", "blue")]
    movie = io.BytesIO()
    frames[0].save(movie, "GIF", save_all=True, append_images=frames[1:])
    moving = io.BytesIO()
    frames[0].save(moving, "PNG", save_all=True, append_images=frames[1:])
    return [
        *(_case(f"mode {mode}", "odd.png", picture(mode), READ) for mode in ("1", "L", "P", "RGB", "RGBA", "LA", "I;16")),
        *(_case(f"mode {mode}", "odd.tif", picture(mode, "TIFF"), READ) for mode in ("CMYK", "LAB", "YCbCr", "I;16", "I", "F", "1")),
        *(_case(f"mode {mode}", "odd.jpg", picture(mode, "JPEG"), READ) for mode in ("L", "CMYK", "YCbCr")),
        *(_case(f"format {kind}", f"odd.{ending}", picture("RGB", kind), READ) for ending, kind in FORMATS.items()),
        _case("format JPEG 2000", "odd.jp2", picture("RGB", "JPEG2000")),
        _case("format AVIF", "odd.avif", picture("RGB", "AVIF")),
        _case("format ICO", "odd.ico", picture("RGB", "ICO")),
        _case("transparent", "odd.png", picture("P", transparency=3), READ),
        _case("turned by EXIF", "odd.jpg", picture("RGB", "JPEG", exif=turned.tobytes()), READ),
        _case("turned by nonsense", "odd.jpg", picture("RGB", "JPEG", exif=odd.tobytes()), READ),
        _case("EXIF of noise", "odd.jpg", picture("RGB", "JPEG", exif=b"Exif\0\0" + noise(200, 21)), READ),
        _case("an animation", "odd.gif", movie.getvalue(), READ),
        _case("an animated PNG", "odd.png", moving.getvalue(), READ),
        _case("one pixel", "odd.png", picture(size=(1, 1)), READ),
        _case("a line", "odd.png", picture(size=(3000, 1)), READ),
        _case("a column", "odd.png", picture(size=(1, 3000)), READ),
        _case("the wrong ending", "odd.png", picture("RGB", "JPEG"), READ),
        _case("no ending", "odd", picture(), READ),
        _case("a name with blanks, quotes and markup", "o'd \"d\" <b>.png", picture(), READ),
        _case("a name in other letters", "画像🙂.png", picture(), READ),
    ]  # fmt: skip


def _damaged() -> list[Case]:
    cases = []
    for ending, kind in FORMATS.items():
        whole = picture("RGB", kind, (32, 32))
        cases += [
            _case(f"{kind} {name}", f"odd.{ending}", part) for name, part in cuts(whole, (0.05, 0.5, 0.98))
        ]
        cases += [
            _case(f"{kind} {name}", f"odd.{ending}", part) for name, part in flips(whole, 2, len(kind), 6)
        ]
    return cases


def chunk(kind: bytes, content: bytes, *, checksum: int | None = None) -> bytes:
    """Return a chunk of a PNG file."""
    check = zlib.crc32(kind + content) if checksum is None else checksum
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)


def png(
    width: int, height: int, *chunks: bytes, depth: int = 8, color: int = 0, pixels: bytes | None = None
) -> bytes:
    """Return a PNG file made by hand."""
    rows = b"".join(b"\0" + bytes(width) for _ in range(height)) if pixels is None else pixels
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n"
        + head
        + b"".join(chunks)
        + chunk(b"IDAT", zlib.compress(rows, 9))
        + chunk(b"IEND", b"")
    )


def _crafted() -> list[Case]:
    many = b"".join(chunk(b"tEXt", b"k%d\0v" % n) for n in range(3000))
    bomb = chunk(b"zTXt", b"k\0\0" + zlib.compress(b"A" * 70_000_000, 9))
    return [
        _case("a picture of no width", "odd.png", png(0, 8, pixels=b""), REFUSED),
        _case("a picture of 4 billion pixels a side", "odd.png", png(2**31 - 1, 2**31 - 1, pixels=b"\0"), REFUSED),
        _case("a picture of 30,000 pixels a side", "odd.png", png(30_000, 30_000, pixels=b"\0"), REFUSED),
        _case("a text chunk that unpacks to 70 MB", "odd.png", png(8, 8, bomb)),
        _case("3,000 text chunks", "odd.png", png(8, 8, many)),
        _case("a wrong checksum", "odd.png", png(8, 8, chunk(b"pHYs", bytes(9), checksum=1))),
        _case("pixels that are missing", "odd.png", png(8, 8, pixels=b"\0\0\0")),
        _case("more pixels than there is room for", "odd.png", png(8, 8, pixels=bytes(100_000)), READ),
        _case("an unknown kind of color", "odd.png", png(8, 8, color=5), REFUSED),
        _case("a depth of 3 bits", "odd.png", png(8, 8, depth=3), REFUSED),
        _case("a palette that is missing", "odd.png", png(8, 8, color=3)),
        _case("a BMP of negative width", "odd.bmp", _bmp(-8, 8), REFUSED),
        _case("a BMP of 2 billion rows", "odd.bmp", _bmp(8, 2**31 - 1), REFUSED),
        _case("a GIF without a frame", "odd.gif", b"GIF89a\x10\0\x10\0\0\0\0;"),
        _case("a TIFF that points to itself", "odd.tif", b"II*\0\x08\0\0\0\0\0\x08\0\0\0", REFUSED),
        _case("a TIFF with 65,535 tags", "odd.tif", b"II*\0\x08\0\0\0\xff\xff" + noise(2000, 22), REFUSED),
        _case("a PPM of 99,999,999 pixels a side", "odd.ppm", b"P6 99999999 99999999 255 ", REFUSED),
        _case("a PPM whose numbers never end", "odd.ppm", b"P6 " + b"1" * 100_000, REFUSED),
    ]  # fmt: skip


def _bmp(width: int, height: int) -> bytes:
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + 192, 0, 0, 54) + head + bytes(192)


def _foreign() -> list[Case]:
    return [
        _case("empty", "odd.png", b"", REFUSED),
        _case("text", "odd.png", b"hello", REFUSED),
        _case("a web page", "odd.jpg", b"<!DOCTYPE html><title>404</title>", REFUSED),
        _case("noise", "odd.png", noise(3000, 23), REFUSED),
        _case("the magic of PNG alone", "odd.png", b"\x89PNG\r\n\x1a\n", REFUSED),
        _case("the magic of JPEG alone", "odd.jpg", b"\xff\xd8\xff", REFUSED),
        _case("an SVG", "odd.svg", b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>', REFUSED),
        _case("a PostScript program", "odd.eps", POSTSCRIPT, REFUSED),
        _case("a PostScript program, named as a picture", "odd.png", POSTSCRIPT, REFUSED),
        _case("a PDF", "odd.pdf", b"%PDF-1.7\n", REFUSED),
        _case("a pickle", "odd.png", b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94\x93\x94.", REFUSED),
    ]  # fmt: skip


POSTSCRIPT = (
    b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 16 16\n%%EndComments\n"
    b"(/tmp/robustness-was-here) (w) file closefile\n0 0 16 16 rectfill\nshowpage\n%%EOF\n"
)
