import numpy
import pytest
from PIL import Image

from neurarium.data.readers.pictures import Header, decode, decode_all, files, header


def test_pixels_are_exact_in_lossless_files(tmp_path):
    pixels = numpy.random.default_rng(0).integers(0, 256, (6, 5, 3), dtype=numpy.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert (decode(tmp_path / "a.png", 3, None) == pixels.transpose(2, 0, 1)).all()
    Image.fromarray(pixels[..., 0]).save(tmp_path / "b.png")
    assert (decode(tmp_path / "b.png", 1, None) == pixels[None, ..., 0]).all()
    assert header(tmp_path / "a.png") == Header(5, 6, False)
    assert header(tmp_path / "b.png") == Header(5, 6, True)


def test_the_middle_is_cut_out_and_resized(tmp_path):
    pixels = numpy.zeros((20, 60, 3), dtype=numpy.uint8)
    pixels[:, 20:40] = (10, 200, 30)
    pixels[:, :20] = 255
    Image.fromarray(pixels).save(tmp_path / "a.png")
    found = decode(tmp_path / "a.png", 3, (10, 10))
    assert found.shape == (3, 10, 10)
    assert (found == numpy.array([10, 200, 30])[:, None, None]).all()


def test_the_orientation_of_a_camera_is_applied(tmp_path):
    image = Image.fromarray(numpy.array([[0, 255], [0, 255], [0, 255]], dtype=numpy.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to see it upright
    image.save(tmp_path / "a.png", exif=exif)
    assert header(tmp_path / "a.png") == Header(3, 2, True)
    assert decode(tmp_path / "a.png", 1, None).tolist() == [[[0, 0, 0], [255, 255, 255]]]


def test_transparency_shows_white_and_palettes_show_colors(tmp_path):
    clear = Image.new("RGBA", (2, 2), (0, 0, 0, 0))
    clear.save(tmp_path / "a.png")
    assert decode(tmp_path / "a.png", 3, None).min() == 255
    assert decode(tmp_path / "a.png", 1, None).min() == 255
    Image.new("RGB", (2, 2), (255, 0, 0)).quantize(4).save(tmp_path / "b.png")
    assert decode(tmp_path / "b.png", 3, None)[:, 0, 0].tolist() == [255, 0, 0]


def test_deep_grey_keeps_its_upper_byte(tmp_path):
    Image.fromarray(numpy.array([[0, 257 * 100, 65535]], dtype=numpy.uint16)).save(tmp_path / "a.png")
    assert decode(tmp_path / "a.png", 1, None).tolist() == [[[0, 100, 255]]]
    assert decode(tmp_path / "a.png", 3, None).shape == (3, 1, 3)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [("a.png", b"", "empty"), ("b.jpg", b"no image", "not an image"), ("c.png", None, "truncated")],
)
def test_what_cannot_be_read_says_why(tmp_path, name, content, reason):
    path = tmp_path / name
    if content is None:
        Image.fromarray(numpy.random.default_rng(0).integers(0, 256, (64, 64), dtype=numpy.uint8)).save(path)
        content = path.read_bytes()[:900]
    path.write_bytes(content)
    found = decode(path, 1, None)
    assert isinstance(found, str)
    assert reason in found
    assert str(tmp_path) not in found


def test_many_are_decoded_in_order(tmp_path):
    paths = []
    for number in range(40):
        paths.append(tmp_path / f"{number}.png")
        Image.new("L", (3, 3), number).save(paths[-1])
    assert [int(each[0, 0, 0]) for each in decode_all(paths, 1, None)] == list(range(40))


def test_files_of_file_managers_are_not_there(tmp_path):
    for name in ("b.png", "a.png", ".hidden", "Thumbs.db", "deep/c.png", "__MACOSX/d.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [path.name for path in files(tmp_path)] == ["a.png", "b.png", "c.png"]


def test_a_large_jpeg_is_reduced_while_it_is_decoded_and_hardly_differs(tmp_path):
    coarse = numpy.random.default_rng(0).integers(0, 256, (12, 12, 3), dtype=numpy.uint8)
    large = Image.fromarray(coarse).resize((256, 256), Image.Resampling.BICUBIC)
    large.save(tmp_path / "a.jpg", quality=95)
    for side in (128, 100, 32):
        expected = numpy.asarray(large.resize((side, side), Image.Resampling.LANCZOS)).transpose(2, 0, 1)
        found = decode(tmp_path / "a.jpg", 3, (side, side))
        assert found.shape == (3, side, side)
        assert numpy.abs(found.astype(int) - expected).mean() < 3
