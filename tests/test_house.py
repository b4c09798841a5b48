"""The order of the house: imports point downward, files and functions stay small, and what never stands in the source.

Every check names the file and the line, so that a failure says what to mend.
"""

from __future__ import annotations

import ast
import functools
import io
import re
import statistics
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "neurarium"
LEVELS = {
    "core": 0,
    **dict.fromkeys(("data", "layers", "losses", "regularizers", "initializers", "metrics"), 1),
    **dict.fromkeys(("quantum", "physics", "privacy"), 1),
    **dict.fromkeys(("networks", "training"), 2),
    "transforms": 3,
    "methods": 4,
    "studies": 5,
    **dict.fromkeys(("report", "cli", "serving", "sklearn", "reproductions"), 6),
}
ROOMS_OF_DATA = (
    "readers",
    "preparation",
    "assembly",
    "sources",
    "catalogue",
)  # raw, fitted, joined, served; by name
BUILDING_BLOCKS = {"layers", "losses", "regularizers", "initializers", "metrics"}
STRANGERS = ({"networks", "training"},)  # of one level, and yet never imported by each other
DOORS = {"__init__", "__main__"}  # the package itself: what it offers is loaded on first use
UNSAFE = {"pickle", "cPickle", "joblib", "dill", "cloudpickle", "shelve", "marshal"}
FILE_LIMIT, FUNCTION_LIMIT, MEDIAN_LIMIT = 500, 60, 180
NOT_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


class File(NamedTuple):
    """One parsed file of the library: where it is, its room, its text and its tree."""

    path: Path
    room: str
    text: str
    tree: ast.Module

    def at(self, node: ast.AST, says: str) -> str:
        return f"{self.path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)} {says}"


def parse(text: str, name: str) -> File:
    """Parse text as the file `name` below the package."""
    path = SOURCE / name
    return File(path, path.relative_to(SOURCE).with_suffix("").parts[0], text, ast.parse(text))


@functools.cache
def library() -> tuple[File, ...]:
    """Return every file of the library, parsed once."""
    names = (path.relative_to(SOURCE) for path in sorted(SOURCE.rglob("*.py")))
    return tuple(parse((SOURCE / name).read_text(encoding="utf-8"), str(name)) for name in names)


def listed(rows: list[str]) -> str:
    return "\n  ".join(("", *rows))


# ------------------------------------------------------------------------------------------------------ imports


def imported(file: File) -> Iterator[tuple[ast.AST, str]]:
    """Yield (node, dotted module) of every import, relative ones resolved, those for type checkers alone left out.

    What a function imports when it is called counts as well: a circle is one, however late it closes. Annotations alone
    may point back, as that of a plot to the study that has a method `plot`.
    """
    for_types = {id(each) for node in ast.walk(file.tree) if _is_for_types(node) for each in _body(node)}
    package = ("neurarium", *file.path.relative_to(SOURCE).parts[:-1])
    for node in ast.walk(file.tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*above, *([node.module] if node.module else [])))
            yield from ((node, f"{module}.{alias.name}") for alias in node.names)


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def _body(node: ast.If) -> Iterator[ast.AST]:
    for statement in node.body:
        yield from ast.walk(statement)


def forbidden(here: str, there: str) -> bool:
    """Tell whether the room `here` may not import the room `there`."""
    if here == there or here in DOORS or there not in LEVELS:
        return False
    if LEVELS[there] > LEVELS[here] or there == "reproductions":
        return True
    return {here, there} in STRANGERS or {here, there} <= BUILDING_BLOCKS


def wrong_imports(file: File) -> list[str]:
    rooms = [(node, name.split(".")[1]) for node, name in imported(file) if name.startswith("neurarium.")]
    return [
        file.at(node, f"{file.room} imports {room}") for node, room in rooms if forbidden(file.room, room)
    ]


def test_imports_point_downward():
    found = [row for file in library() for row in wrong_imports(file)]
    assert not found, listed(found)


def test_every_room_has_a_level():
    rooms = {file.room for file in library()} - DOORS
    assert rooms - set(LEVELS) == set()
    assert {"core", "data", "networks", "training"} <= rooms


def test_the_check_of_imports_finds_what_it_looks_for():
    upward = (
        ("core/a.py", "import neurarium.training.fitting"),
        ("core/a.py", "from neurarium import training"),
        ("losses/a.py", "from neurarium.metrics import Metric"),
        ("losses/a.py", "from ..layers.dropout import Dropout"),
        ("networks/tables/a.py", "from ...training import fit"),
        ("training/a.py", "def f():\n    from neurarium.networks import MLP"),
        ("cli/a.py", "import neurarium.reproductions.lenet"),
    )
    downward = (
        ("cli/a.py", "from neurarium.studies import evaluate"),
        ("losses/a.py", "from .base import Loss"),
        (
            "core/a.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from neurarium.training import Run",
        ),
    )
    assert [len(wrong_imports(parse(text, name))) for name, text in upward] == [1] * len(upward)
    assert [len(wrong_imports(parse(text, name))) for name, text in downward] == [0] * len(downward)


def circles(room: str, files: tuple[File, ...]) -> list[str]:
    """Return the parts of a room (its folders, its files) that import each other, directly or over others."""
    uses: dict[str, set[str]] = {}
    for file in files:
        inside = file.path.relative_to(SOURCE).with_suffix("").parts
        if inside[0] != room or len(inside) < 2 or inside[1] in DOORS:
            continue
        found = (name.split(".") for _, name in imported(file) if name.startswith(f"neurarium.{room}."))
        uses.setdefault(inside[1], set()).update(name[2] for name in found if name[2] != inside[1])
    reached = {part: set(uses[part]) for part in uses}
    for middle in uses:
        for part in uses:
            if middle in reached[part]:
                reached[part] |= reached[middle]
    return sorted(part for part in uses if part in reached[part])


@pytest.mark.parametrize("room", sorted(LEVELS))
def test_the_parts_of_a_room_import_in_one_direction(room: str):
    assert circles(room, library()) == []


def modules(files: tuple[File, ...]) -> dict[str, File]:
    """Return the files by their dotted names; the tables of members, which load on first use, are left out."""
    named = {
        ".".join(("neurarium", *each.path.relative_to(SOURCE).with_suffix("").parts)): each for each in files
    }
    return {name: file for name, file in named.items() if name.rpartition(".")[2] not in DOORS}


def uses(files: tuple[File, ...]) -> dict[str, dict[str, ast.AST]]:
    """Return by module the modules that it imports, each with the node that does."""
    known = modules(files)
    found: dict[str, dict[str, ast.AST]] = {name: {} for name in known}
    for name, file in known.items():
        for node, wanted in imported(file):
            there = wanted if wanted in known else wanted.rpartition(".")[0]
            if there in known and there != name:
                found[name].setdefault(there, node)
    return found


def rounds(files: tuple[File, ...]) -> list[str]:
    """Return the imports, with file and line, by which modules import each other, directly or over others."""
    known, edges = modules(files), uses(files)
    rest = set(edges)
    while loose := {name for name in rest if not rest & edges[name].keys()}:
        rest -= loose  # they use none of the rest: no circle goes through them
    while loose := {name for name in rest if not any(name in edges[other] for other in rest)}:
        rest -= loose  # none of the rest uses them
    return [
        known[here].at(node, f"{here} imports {there}")
        for here in sorted(rest)
        for there, node in edges[here].items()
        if there in rest
    ]


def test_no_modules_import_each_other():
    found = rounds(library())
    assert not found, listed(found)


def test_the_check_of_modules_finds_what_it_looks_for():
    around = (
        ("data/a/x.py", "from neurarium.data.a.y import f"),
        ("data/a/y.py", "x = 1\ndef g():\n    from neurarium.data.a import z"),
        ("data/a/w.py", "from neurarium.data.a.x import f"),
    )
    for_types = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from neurarium.data.a.x import f"
    files = tuple(parse(text, name) for name, text in around)
    assert rounds((*files, parse(for_types, "data/a/z.py"))) == []
    found = rounds((*files, parse("from neurarium.data.a.x import f", "data/a/z.py")))
    assert [row.partition(" ")[0] for row in found] == [
        f"src/neurarium/data/a/{place}" for place in ("x.py:1", "y.py:3", "z.py:1")
    ]


def upward_in_data(file: File) -> list[str]:
    """Return what a file of `data` imports from a later room; the files beside the rooms import none of them."""
    inside = file.path.relative_to(SOURCE).with_suffix("").parts
    if inside[0] != "data" or inside[1] in DOORS or inside[1] == "augmentation":
        return []
    order = dict(zip(ROOMS_OF_DATA, range(len(ROOMS_OF_DATA)), strict=True))
    names = [
        (node, name.split(".")[2]) for node, name in imported(file) if name.startswith("neurarium.data.")
    ]
    late = [(node, room) for node, room in names if order.get(room, -1) > order.get(inside[1], -1)]
    return [file.at(node, f"data/{inside[1]} imports data/{room}") for node, room in late]


def test_readers_know_nothing_of_preparations():
    found = [row for file in library() for row in upward_in_data(file)]
    assert not found, listed(found)


def test_the_check_of_data_finds_what_it_looks_for():
    upward = (
        ("data/readers/a.py", "from neurarium.data.preparation.targets import Labels"),
        ("data/preparation/a.py", "def f():\n    from neurarium.data.assembly.tables import table"),
        ("data/specs.py", "from neurarium.data.readers.wav import read_wav"),
    )
    downward = (
        ("data/assembly/a.py", "from neurarium.data.preparation.targets import Labels"),
        ("data/preparation/a.py", "from neurarium.data.specs import Table"),
    )
    assert [len(upward_in_data(parse(text, name))) for name, text in upward] == [1] * len(upward)
    assert [len(upward_in_data(parse(text, name))) for name, text in downward] == [0] * len(downward)


def test_the_check_of_circles_finds_what_it_looks_for():
    around = (
        ("studies/a/x.py", "from neurarium.studies.b.y import f"),
        ("studies/b/y.py", "import neurarium.studies.c"),
    )
    back = ("studies/c.py", "def g():\n    from neurarium.studies.a.x import f")
    inside = ("studies/a/z.py", "from neurarium.studies.a.x import f")
    files = tuple(parse(text, name) for name, text in (*around, inside))
    assert circles("studies", files) == []
    assert circles("studies", (*files, parse(back[1], back[0]))) == ["a", "b", "c"]


def test_nothing_unsafe_or_unmaintained_is_imported():
    found = []
    for file in library():
        for node, name in imported(file):
            if name.split(".")[0] in UNSAFE or name.startswith("torch.ao."):
                found.append(file.at(node, f"imports {name}"))
    assert not found, listed(found)


def test_packages_load_without_torch():
    packages = sorted(
        ".".join(("neurarium", *path.parent.relative_to(SOURCE).parts))
        for path in SOURCE.rglob("__init__.py")
    )
    heavy = ("torch", "numpy", "polars", "sklearn", "matplotlib", "pydantic")
    code = f"import sys, {', '.join(packages)}; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert len(packages) > 15
    assert done.stdout.strip() == "[]"


# -------------------------------------------------------------------------------------------------------- sizes


@functools.cache
def code_lines(file: File) -> set[int]:
    """Return the numbers of the lines that hold code: no blank line, comment or docstring."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(file.text).readline):
        if token.type not in NOT_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(file.tree):
        if isinstance(
            node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        ) and _documented(node):
            lines -= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    return lines


def _documented(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return ast.get_docstring(node, clean=False) is not None


def functions(file: File) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(file.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_files_stay_small():
    sizes = {str(file.path.relative_to(ROOT)): len(code_lines(file)) for file in library()}
    found = [f"{name} has {size} lines of code" for name, size in sizes.items() if size > FILE_LIMIT]
    assert not found, listed(found)
    modules = [size for name, size in sizes.items() if not name.endswith("__init__.py")]
    assert statistics.median(modules) < MEDIAN_LIMIT


def test_functions_stay_small():
    found = []
    for file in library():
        lines = code_lines(file)
        for node in functions(file):
            size = len(lines & set(range(node.lineno, (node.end_lineno or 0) + 1)))
            if size > FUNCTION_LIMIT:
                found.append(file.at(node, f"{node.name} has {size} lines of code"))
    assert not found, listed(found)


def test_test_files_have_names_of_their_own():
    """Two of one name cannot be collected together."""
    places: dict[str, list[Path]] = {}
    for path in sorted((ROOT / "tests").rglob("*.py")):
        places.setdefault(path.name, []).append(path.relative_to(ROOT))
    twice = {name: found for name, found in places.items() if len(found) > 1}
    assert not {name for name in twice if name not in ("conftest.py", "__init__.py")}, twice


def test_lines_of_code_leave_out_words():
    text = '"""Doc\nstring."""\n\n# why\ndef f(x):\n    """Doc."""\n    return [\n        x,\n    ]\n'
    assert sorted(code_lines(parse(text, "core/a.py"))) == [5, 7, 8, 9]


# --------------------------------------------------------------------------------------- what never stands there


def suspects(file: File) -> list[str]:
    """Return what no file of the library may hold."""
    abstract = {id(each) for node in functions(file) if _is_abstract(node) for each in ast.walk(node)}
    found = []
    for node in ast.walk(file.tree):
        says = _suspect(node)
        if says and not (says.startswith("NotImplementedError") and id(node) in abstract):
            found.append(file.at(node, says))
    for number, line in enumerate(file.text.splitlines(), 1):
        if re.search(r"#.*\b(TODO|FIXME|XXX|HACK)\b", line):
            found.append(f"{file.path.relative_to(ROOT)}:{number} {line.strip()}")
    return found


def _suspect(node: ast.AST) -> str:
    if isinstance(node, ast.Assert):
        return "assert: a user's mistake gets a typed error of core/errors"
    if isinstance(node, ast.Raise) and node.exc is not None and "NotImplementedError" in ast.dump(node.exc):
        return "NotImplementedError: refuse by name, with the reason"
    if isinstance(node, ast.ExceptHandler) and all(isinstance(each, ast.Pass) for each in node.body):
        return "a failure is swallowed"
    if isinstance(node, ast.Call):
        arguments = {each.arg: getattr(each.value, "value", None) for each in node.keywords}
        if ast.unparse(node.func) == "torch.load" and arguments.get("weights_only") is not True:
            return "torch.load without weights_only=True"
        if arguments.get("allow_pickle") is True:
            return "allow_pickle=True"
    return ""


def _is_abstract(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any("abstractmethod" in ast.unparse(each) for each in node.decorator_list)


def test_nothing_stands_in_the_source_that_should_not():
    found = [row for file in library() for row in suspects(file)]
    assert not found, listed(found)


def test_the_check_of_the_source_finds_what_it_looks_for():
    wrong = (
        "assert x > 0",
        "raise NotImplementedError('later')",
        "try:\n    f()\nexcept OSError:\n    pass",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "numpy.load(path, allow_pickle=True)",
        "x = 1  # TODO: later",
    )
    right = (
        "from abc import abstractmethod\n@abstractmethod\ndef f():\n    raise NotImplementedError",
        "torch.load(path, weights_only=True)",
        "numpy.load(path, allow_pickle=False)",
    )
    assert [len(suspects(parse(text, "core/a.py"))) for text in wrong] == [1] * len(wrong)
    assert [len(suspects(parse(text, "core/a.py"))) for text in right] == [0] * len(right)
