"""Broken runs: a good run folder, and five hundred ways in which a file of it can be wrong, by accident or on purpose."""

from __future__ import annotations

import copy
import hashlib
import json
import random
import shutil
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

Change = Callable[[Path], None]
MARK = "/tmp/robustness-was-here"
PICKLE = (
    b"\x80\x04\x8c\x08builtins\x94\x8c\x04open\x94\x93\x94\x8c"
    + bytes([len(MARK)])
    + MARK.encode()
    + b"\x94\x8c\x01w\x94\x86\x94R\x94."
)
FILES = (
    "config.yaml", "plan.json", "results.json", "metrics.jsonl", "weights.safetensors", "intervals.json",
    "preparation/preparation.json", "preparation/preparation.safetensors", "checkpoints/*",
)  # fmt: skip
EVIL_BUILDERS = (
    "os:system", "posix:system", "subprocess:Popen", "subprocess:run", "builtins:eval", "builtins:exec", "builtins:open",
    "builtins:__import__", "importlib:import_module", "antigravity:fly", "this:s", "idlelib.idle:x", "test.__main__:main",
    "pip.__main__:main", "runpy:run_path", "code:interact", "pty:spawn", "shutil:rmtree", "webbrowser:open", "pickle:loads",
    "torch:load", "torch.hub:load", "torch.jit:load", "torch.fx:GraphModule", "torch.package:PackageImporter",
    "torch.distributed.nn:RemoteModule", "torch.utils.cpp_extension:load_inline", "torch.nn.modules.module:os.system",
    "neurarium.core.files:os.system", "neurarium.core.files:shutil.rmtree", "neurarium.core.files:write_text",
    "neurarium.training.run:Run.remove", "neurarium.cli.main:main", "neurarium.core.recipe:build", "numpy:load",
    "numpy.f2py:compile", "polars:read_csv", "yaml:unsafe_load", "torch.nn:Module.register_forward_hook", "evil:make",
    "copy.evil:make", "runs.evil:make", "", ":", "a", "..evil:x", "neurarium:", "torch.nn:", "torch.nn:Nothing",
    "torch.nn:Linear.__init__.__globals__", "torch.nn:Linear.__subclasses__", "torch.nn:modules.linear.torch.load",
)  # fmt: skip


def reseal(folder: Path) -> None:
    """Make the hashes of a run right again, as somebody would who changes it on purpose."""
    try:
        stored, head = folder / "preparation/preparation.safetensors", folder / "preparation/preparation.json"
        content = json.loads(head.read_text())
        content["sha256"] = _sha(stored)
        head.write_text(json.dumps(content))
    except (ValueError, OSError, TypeError, KeyError, RecursionError):
        pass
    try:
        held = json.loads((folder / "results.json").read_text())
        held["weights_sha256"] = _sha(folder / "weights.safetensors")
        for name in held["files_sha256"]:
            if (folder / name).is_file():  # a device has no end
                held["files_sha256"][name] = _sha(folder / name)
        (folder / "results.json").write_text(json.dumps(held))
    except (ValueError, OSError, TypeError, KeyError, RecursionError):
        pass


def _sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def mutations(good: Path) -> list[tuple[str, Change]]:
    """Return (name, what to do to a copy of the good run), the same ones each time."""
    files = [path for pattern in FILES for path in sorted(good.glob(pattern))]
    found: list[tuple[str, Change]] = []
    for path in files:
        name = path.relative_to(good).as_posix()
        found += [(f"{name} {what}", change) for what, change in _bytes(path.read_bytes(), name)]
    found += [(f"{what}, resealed", _sealed(change)) for what, change in _contents(good)]
    found += [(f"{what}, resealed", _sealed(change)) for what, change in _weights(good)]
    found += list(_strange(good))
    return found


def _sealed(change: Change) -> Change:
    def both(folder: Path) -> None:
        change(folder)
        reseal(folder)

    return both


def _write(name: str, content: bytes) -> Change:
    return lambda folder: (folder / name).write_bytes(content) and None  # type: ignore[func-returns-value]


def _bytes(content: bytes, name: str) -> Iterator[tuple[str, Change]]:
    """Any file: gone, empty, cut off, flipped, with and without right hashes."""
    chance = random.Random(name)
    yield "gone", lambda folder: (folder / name).unlink()
    yield "empty", _write(name, b"")
    yield "a pickle", _write(name, PICKLE)
    yield "a pickle, resealed", _sealed(_write(name, PICKLE))
    yield "noise, resealed", _sealed(_write(name, chance.randbytes(400)))
    yield "twice", _write(name, content * 2)
    yield "zeros", _sealed(_write(name, bytes(len(content))))
    for share in (0.02, 0.5, 0.9, 0.99):
        yield f"cut off after {share:.0%}", _write(name, content[: int(share * len(content))])
        yield (
            f"cut off after {share:.0%}, resealed",
            _sealed(_write(name, content[: int(share * len(content))])),
        )
    for number in range(12):
        changed = bytearray(content)
        for _ in range(1 + number % 3):
            changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
        yield f"flipped {number}", (_sealed if number % 2 else _as_is)(_write(name, bytes(changed)))


def _as_is(change: Change) -> Change:
    return change


def _contents(good: Path) -> Iterator[tuple[str, Change]]:
    """JSON and YAML whose values are wrong: each leaf in turn by a value of another kind, and a few by hand."""
    chance = random.Random(0)
    odd: list[Any] = [
        None,
        -1,
        10**12,
        float("nan"),
        1e400,
        "x" * 100,
        [],
        {},
        True,
        [[[]]],
        "../../etc/passwd",
        10**30,
    ]
    for name in (
        "config.yaml",
        "preparation/preparation.json",
        "results.json",
        "intervals.json",
        "plan.json",
    ):
        if not (good / name).is_file():
            continue
        held = yaml.safe_load((good / name).read_text())
        places = list(_leaves(held))
        for number, place in enumerate(chance.sample(places, min(len(places), 26))):
            value = odd[number % len(odd)]
            yield f"{name}: {'.'.join(map(str, place))} is {str(value)[:20]}", _set(name, place, value)
    for builder in EVIL_BUILDERS:
        yield f"the network is built by {builder!r}", _set("config.yaml", ("network", "builder"), builder)
    for builder in EVIL_BUILDERS[:8]:
        yield f"the method is {builder!r}", _set("config.yaml", ("method",), builder)
        nested = {"builder": builder, "options": {"command": f"touch {MARK}"}}
        yield (
            f"an option is built by {builder!r}",
            _set("config.yaml", ("network", "options", "widths"), nested),
        )
        yield (
            f"an option is a partial of {builder!r}",
            _set("config.yaml", ("method_options", "loss"), {**nested, "partial": True}),
        )
    for size in (0, -3, 10**6, 10**9, 10**15, 10**30):
        yield f"a width of {size}", _set("config.yaml", ("network", "options", "widths"), [size])
        yield f"{size} features", _set("config.yaml", ("network", "options", "features"), size)
    yield "20,000 layers", _set("config.yaml", ("network", "options", "widths"), [1] * 20_000)
    for size in (-1, 0, 10**12):
        yield f"a cardinality of {size}", _set("config.yaml", ("network", "options", "cardinalities"), [size])
    for name in (
        "../../../etc/passwd",
        "/etc/passwd",
        "/dev/zero",
        "..",
        "",
        "checkpoints",
        "\0",
        "a" * 5000,
    ):
        yield f"results.json names {name[:20]!r}", _set("results.json", ("files_sha256",), {name: "0" * 64})
    yield (
        "the preparation reads from elsewhere",
        _set("preparation/preparation.json", ("columns",), ["../../etc/passwd"]),
    )


def _leaves(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if place:
        yield place
    for key, each in parts:
        yield from _leaves(each, (*place, key))


def _set(name: str, place: tuple[Any, ...], value: Any) -> Change:
    def change(folder: Path) -> None:
        held = yaml.safe_load((folder / name).read_text())
        part = held
        for key in place[:-1]:
            part = part[key]
        part[place[-1]] = copy.deepcopy(value)
        text = yaml.safe_dump(held) if name.endswith("yaml") else json.dumps(held)
        (folder / name).write_text(text)

    return change


def safetensors(head: Any, body: bytes = b"", length: int | None = None) -> bytes:
    """Return a safetensors file by hand."""
    packed = head if isinstance(head, bytes) else json.dumps(head).encode()
    return struct.pack("<Q", len(packed) if length is None else length) + packed + body


def _weights(good: Path) -> Iterator[tuple[str, Change]]:
    """Safetensors files whose heads lie."""
    content = (good / "weights.safetensors").read_bytes()
    size = int.from_bytes(content[:8], "little")
    head, body = json.loads(content[8 : 8 + size]), content[8 + size :]
    names = [name for name in head if name != "__metadata__"]
    first = names[0]

    def other(**fields: Any) -> bytes:
        return safetensors({**head, first: {**head[first], **fields}}, body)

    lies = {
        "a head of 2^63 bytes": safetensors(head, body, 2**63),
        "a head of 2^64 - 1 bytes": safetensors(head, body, 2**64 - 1),
        "a head of 99 MB": safetensors(head, body, 99_000_000),
        "a head longer than the file": safetensors(head, body, len(content)),
        "a head of no length": safetensors(head, body, 0),
        "a head of one byte": safetensors(head, body, 1),
        "a head that is a list": safetensors([], body),
        "a head that nests": safetensors(b"[" * 100_000, body),
        "a head with objects that nest": safetensors(b'{"a":' * 100_000, body),
        "no tensors": safetensors({}),
        "one tensor fewer": safetensors({k: v for k, v in head.items() if k != first}, body),
        "a tensor more": safetensors({**head, "more": head[first]}, body),
        "another name": safetensors({("x" if k == first else k): v for k, v in head.items()}, body),
        "a name that is a path": safetensors({("../../x" if k == first else k): v for k, v in head.items()}, body),
        "a shape too large": other(shape=[10**9, 10**9]),
        "a shape beyond int64": other(shape=[2**63, 2**63]),
        "a negative shape": other(shape=[-1, 4]),
        "a shape of nothing": other(shape=[]),
        "a shape of text": other(shape="abc"),
        "a shape of fractions": other(shape=[1.5, 2]),
        "a type that is none": other(dtype="F99"),
        "another type": other(dtype="I32"),
        "bytes as the type": other(dtype="U8"),
        "offsets beyond the file": other(data_offsets=[0, 10**12]),
        "offsets that are negative": other(data_offsets=[-8, 8]),
        "offsets the wrong way round": other(data_offsets=[64, 0]),
        "offsets that overlap": safetensors({**head, first: {**head[first], "data_offsets": head[names[-1]]["data_offsets"]}}, body),
        "aliases that are no mapping": safetensors({**head, "__metadata__": {"aliases": "[1]"}}, body),
        "aliases of nothing": safetensors({**head, "__metadata__": {"aliases": '{"a": "b"}'}}, body),
        "aliases of lists": safetensors({**head, "__metadata__": {"aliases": '{"a": [1]}'}}, body),
        "aliases that nest": safetensors({**head, "__metadata__": {"aliases": "[" * 50_000}}, body),
        "metadata of numbers": safetensors({**head, "__metadata__": {"format": 1}}, body),
        "a zip archive, as torch.save writes": b"PK\x03\x04" + content,
        "weights of NaN": content[: 8 + size] + b"\xff\xff\xff\x7f" * (len(body) // 4),
        "infinite weights": content[: 8 + size] + b"\0\0\x80\x7f" * (len(body) // 4),
    }  # fmt: skip
    for what, changed in lies.items():
        yield f"weights: {what}", _write("weights.safetensors", changed)
        if "NaN" not in what and "infinite" not in what:
            yield f"preparation: {what}", _write("preparation/preparation.safetensors", changed)


def _strange(good: Path) -> Iterator[tuple[str, Change]]:
    """YAML and JSON that unfold, nest or build objects; links; folders where files should be."""
    plain = (good / "config.yaml").read_text()
    laughs = "\n".join(["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)])
    texts = {
        "a YAML that laughs a billion times": f"{plain}\n{laughs}\n",
        "a command that laughs a billion times": plain.replace("command:", f"{laughs}\ncommand: *a59\nolder:", 1),
        "a YAML that holds itself": f"{plain}\nself: &self [*self]\n",
        "a YAML that makes an object": f"{plain}\nx: !!python/object/apply:os.system ['touch {MARK}']\n",
        "a YAML that makes a new object": f"{plain}\nx: !!python/object/new:builtins.open ['{MARK}', 'w']\n",
        "a YAML that names a module": f"{plain}\nx: !!python/module:antigravity\n",
        "a YAML that names a function": f"{plain}\nx: !!python/name:os.system\n",
        "a YAML of two documents": f"{plain}\n---\n{plain}",
        "a YAML that nests": "[" * 20_000,
        "a YAML that nests in blocks": "\n".join(" " * n + "a:" for n in range(1200)),
        "a YAML with a number of 10,000 digits": f"{plain}\nx: {'9' * 10_000}\n",
        "a YAML with a date that is none": f"{plain}\nx: 2024-99-99\n",
        "a YAML with a key that is a list": f"{plain}\n? [1, 2]\n: 3\n",
        "a YAML from the future": plain.replace("format_version: 1", "format_version: 99"),
        "a YAML whose version is text": plain.replace("format_version: 1", "format_version: one"),
        "a YAML whose version is a list": plain.replace("format_version: 1", "format_version: [1]"),
        "a YAML that is a list": "- 1\n- 2\n",
        "a YAML that is text": "hello",
        "a YAML with tabs": plain.replace("  ", "\t"),
        "a YAML with controls": plain + "\x07\x00",
    }  # fmt: skip
    for what, text in texts.items():
        yield what, _sealed(_write("config.yaml", text.encode()))
    for name in ("results.json", "plan.json", "preparation/preparation.json", "intervals.json"):
        for what, text in {
            "nests": "[" * 200_000, "nests in objects": '{"a":' * 200_000, "is a number": "5", "is null": "null",
            "is a list": "[]", "has a number of 10,000 digits": '{"a": ' + "9" * 10_000 + "}", "has NaN": '{"metrics": NaN}',
            "has a key twice": '{"metrics": {}, "metrics": 3}', "is a single surrogate": '"\\ud800"',
        }.items():  # fmt: skip
            yield f"{name} {what}", _write(name, text.encode())
    yield "metrics.jsonl nests", _write("metrics.jsonl", b"[" * 200_000)
    yield "a module beside the weights", _sealed(_module)
    for name in ("config.yaml", "weights.safetensors", "preparation/preparation.json", "plan.json"):
        yield f"{name} is a folder", _folder(name)
        yield f"{name} points to itself", _link(name, name.rpartition("/")[2])
        yield f"{name} points to a device", _link(name, "/dev/null")
        yield f"{name} points to a file of the system", _link(name, "/etc/passwd")
    yield "no preparation", lambda folder: shutil.rmtree(folder / "preparation")
    yield "an empty checkpoint is the newest", _write("checkpoints/step-9999999999.safetensors", b"")


def _module(folder: Path) -> None:
    (folder / "evil.py").write_text(f"open({MARK!r}, 'w')\n")
    _set("config.yaml", ("network", "builder"), f"{folder.name}.evil:make")(folder)


def _folder(name: str) -> Change:
    def change(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).mkdir()

    return change


def _link(name: str, target: str) -> Change:
    def change(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).symlink_to(target)

    return change
