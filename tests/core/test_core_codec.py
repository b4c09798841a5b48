"""The codec: whatever goes in comes out, bit by bit; what is damaged is refused in one way."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from neurarium.core.codec import from_bytes, load_tensors, load_tree, save_tensors, save_tree, to_bytes
from neurarium.core.errors import ArtifactError, UserError

TYPES = (
    torch.float32,
    torch.float64,
    torch.float16,
    torch.bfloat16,
    torch.int64,
    torch.int32,
    torch.uint8,
    torch.bool,
    torch.complex64,
    torch.complex128,
)


@some.composite
def tensors(draw) -> torch.Tensor:
    """Draw a tensor of any type and shape, some of them empty, of no axis, transposed, or lazily conjugated."""
    shape = draw(some.lists(some.integers(0, 3), max_size=3))
    values = torch.randn(shape, generator=torch.Generator().manual_seed(draw(some.integers(0, 999)))) * 50
    kind = draw(some.sampled_from(TYPES))
    tensor = torch.complex(values, -values).to(kind) if kind.is_complex else values.to(kind)
    if draw(some.booleans()):
        tensor = tensor.T if tensor.ndim == 2 else tensor.conj()
    return tensor


PLAIN = some.none() | some.booleans() | some.integers() | some.floats() | some.text()
KEYS = some.text() | some.integers()
TREES = some.recursive(
    PLAIN | tensors(),
    lambda inner: (
        some.lists(inner, max_size=3)
        | some.tuples(inner, inner)
        | some.just(())
        | some.dictionaries(KEYS, inner, max_size=3)
    ),
    max_leaves=8,
)


def same(one: object, other: object) -> bool:
    """Tell whether two trees are the same: types too, NaN equal to NaN, 0.0 apart from -0.0."""
    if type(one) is not type(other):
        return False
    if isinstance(one, torch.Tensor):
        alike = one.shape == other.shape and one.dtype == other.dtype
        return alike and torch.equal(torch.nan_to_num(one.resolve_conj()), torch.nan_to_num(other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float):
        return math.copysign(1, one) == math.copysign(1, other) and (
            one == other or (one != one and other != other)
        )
    return one == other


@given(TREES)
@settings(max_examples=150, deadline=None)
def test_trees_come_back_as_they_were(tree):
    assert same(tree, from_bytes(to_bytes(tree)))


@given(tree=TREES)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_files_hold_what_bytes_hold(tree, tmp_path):
    save_tree(tmp_path / "tree", tree)
    assert same(tree, load_tree(tmp_path / "tree"))


def test_shared_tensors_are_written_once_and_stay_shared(tmp_path):
    weight = torch.randn(100, 100)
    save_tree(tmp_path / "tied", {"a": weight, "b": [weight], "c": weight.clone()})
    assert (tmp_path / "tied").stat().st_size < 2.1 * weight.numel() * 4
    loaded = load_tree(tmp_path / "tied")
    assert loaded["a"] is loaded["b"][0] and loaded["a"] is not loaded["c"]


def test_lazy_views_of_one_storage_are_not_taken_for_each_other():
    numbers = torch.complex(torch.ones(2), torch.ones(2))
    loaded = from_bytes(
        to_bytes({"plain": numbers, "conjugate": numbers.conj(), "negative": numbers.conj().imag})
    )
    assert loaded["plain"].imag.tolist() == [1, 1]
    assert loaded["conjugate"].imag.tolist() == [-1, -1]
    assert loaded["negative"].tolist() == [-1, -1]


def test_saving_is_a_copy(tmp_path):
    """A tensor that goes on changing, or holds a larger storage, is saved as it is now and no larger."""
    large = torch.zeros(100_000)
    data = to_bytes({"row": large[:3]})
    large.add_(1)
    assert len(data) < 1000 and from_bytes(data)["row"].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("tree", "place"),
    [
        ({"a": [1, {2}]}, r"state.a.1 holds a set"),
        ({"a": {"b": object()}}, r"state.a.b holds a object"),
        ({1.5: 2}, r"state has a key of type float"),
        ({True: 2}, r"state has a key of type bool"),
    ],
)
def test_what_is_no_state_is_named_with_its_place(tree, place):
    with pytest.raises(TypeError, match=place):
        to_bytes(tree)


# --------------------------------------------------------------------------------------------- damaged files

SAMPLE = {"weights": torch.arange(50.0), "more": [1, "two", None, (3.5, float("inf"))], "tied": torch.ones(3)}


@given(data=some.data())
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_file_is_refused_or_keeps_its_shape(data, tmp_path):
    """Truncated or with a byte changed: an ArtifactError, or (bytes of numbers) other numbers in the same tree."""
    held = bytearray(to_bytes(SAMPLE))
    if data.draw(some.booleans()):
        held = held[: data.draw(some.integers(0, len(held) - 1))]
    else:
        held[data.draw(some.integers(0, len(held) - 1))] ^= data.draw(some.integers(1, 255))
    (tmp_path / "file").write_bytes(held)
    try:
        loaded = load_tree(tmp_path / "file")
    except ArtifactError:
        return
    assert loaded["more"] == SAMPLE["more"]
    assert loaded["weights"].shape == (50,) and loaded["tied"].shape == (3,)


@given(data=some.data())
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_weights_are_refused_or_keep_their_shapes(data, tmp_path):
    weight = torch.ones(4)
    save_tensors(tmp_path / "file", {"a": weight, "b": weight, "c": torch.zeros(2, 3)}, {"format": "pt"})
    held = bytearray((tmp_path / "file").read_bytes())
    held[data.draw(some.integers(0, len(held) - 1))] ^= data.draw(some.integers(1, 255))
    (tmp_path / "file").write_bytes(held)
    try:
        loaded = load_tensors(tmp_path / "file")
    except ArtifactError:
        return
    assert all(isinstance(each, torch.Tensor) for each in loaded.values())


@pytest.mark.parametrize("load", [load_tree, load_tensors])
@pytest.mark.parametrize("content", [b"", b"\x80\x04.", b"PK\x03\x04", b"\xff" * 100, b'{"a": 1}'])
def test_other_formats_are_refused(load, content, tmp_path):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ArtifactError):
        load(tmp_path / "file")
    with pytest.raises(ArtifactError, match="is missing"):
        load(tmp_path / "nothing")


def test_a_file_of_another_tool_or_of_the_future_says_so(tmp_path, monkeypatch):
    save_tensors(tmp_path / "plain", {"a": torch.ones(2)})
    with pytest.raises(ArtifactError, match="not a state file of neurarium"):
        load_tree(tmp_path / "plain")
    monkeypatch.setattr("neurarium.core.codec.FORMAT_VERSION", 99)
    save_tree(tmp_path / "future", {})
    monkeypatch.undo()
    with pytest.raises(ArtifactError, match="newer version"):
        load_tree(tmp_path / "future")


def test_plain_weights_are_read_by_safetensors_itself(tmp_path):
    from safetensors.torch import load_file

    weight = torch.randn(3, 4)
    save_tensors(tmp_path / "file", {"a": weight, "b": weight, "turned": weight.T}, {"format": "pt"})
    theirs, ours = load_file(tmp_path / "file"), load_tensors(tmp_path / "file")
    assert set(theirs) == {"a", "turned"} and torch.equal(theirs["turned"], weight.T)
    assert ours["b"] is ours["a"] and torch.equal(ours["a"], weight)


def test_the_same_weights_are_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        save_tensors(tmp_path / name, {"a": torch.ones(3), "b": torch.zeros(2)}, {"format": "pt"})
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


# ------------------------------------------------------------------------------------------------- a full disk


def test_a_file_that_finds_no_room_leaves_the_old_one(tmp_path):
    """The operating system itself refuses: one clear message, the old file whole, no part left behind."""
    pytest.importorskip("resource", reason="limits on the size of files are POSIX")
    save_tree(tmp_path / "state", {"old": torch.ones(2)})
    code = f"""
import resource, signal, torch
from neurarium.core.codec import save_tree
from neurarium.core.errors import UserError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    save_tree({str(tmp_path / "state")!r}, {{"new": torch.randn(100_000)}})
except UserError as error:
    print("told:", error)
"""
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert "told: cannot write" in found.stdout and "larger than is allowed" in found.stdout
    assert [path.name for path in Path(tmp_path).iterdir()] == ["state"]
    assert load_tree(tmp_path / "state")["old"].tolist() == [1, 1]


def test_a_full_disk_is_told_as_such(tmp_path, monkeypatch):
    from safetensors import SafetensorError

    def full(*args, **kwargs):
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr("neurarium.core.codec.save_file", full)
    for save in (save_tree, save_tensors):
        with pytest.raises(UserError, match="the disk is full"):
            save(tmp_path / "state", {"new": torch.ones(2)})
    assert list(tmp_path.iterdir()) == []


def test_no_tensor_at_all_is_written_and_read(tmp_path):
    save_tensors(tmp_path / "none.safetensors", {})
    assert load_tensors(tmp_path / "none.safetensors") == {}
