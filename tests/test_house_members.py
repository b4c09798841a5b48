"""The members: every row of every table resolves, is documented, is tested, and is found by its name."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest

from neurarium.core.errors import OptionError
from neurarium.core.members import KINDS, Member, find, table

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "neurarium"
TESTS = ROOT / "tests"


class Row(NamedTuple):
    """One row of one package's table."""

    package: ModuleType
    attribute: str
    member: Member

    @property
    def folder(self) -> Path:
        return Path(str(self.package.__file__)).parent

    @property
    def value(self) -> Any:
        """The member itself, from its own file: a module of the same name cannot stand in for it."""
        module = importlib.import_module(f"{self.package.__name__}.{self.member.module}")
        return getattr(module, self.attribute)

    def __str__(self) -> str:
        return f"{self.package.__name__}.{self.attribute}"


def rows() -> list[Row]:
    """Return every row of every package of the library."""
    found = []
    for path in sorted(SOURCE.rglob("__init__.py")):
        package = importlib.import_module(".".join(("neurarium", *path.parent.relative_to(SOURCE).parts)))
        members = getattr(package, "MEMBERS", {})
        found += [Row(package, attribute, member) for attribute, member in members.items()]
    return found


def assert_none(found: list[str]) -> None:
    assert not found, "\n  ".join(("", *found))


ROWS = rows()
NAMED = [row for row in ROWS if row.member.name]


@pytest.mark.parametrize("package", sorted({row.package.__name__ for row in ROWS}))
def test_members_resolve_to_their_own_file(package):
    mine = [row for row in ROWS if row.package.__name__ == package]
    for row in mine:
        assert (row.folder / f"{row.member.module.replace('.', '/')}.py").is_file(), f"{row}: no such file"
        assert getattr(row.package, row.attribute) is row.value, f"{row} is not what its file defines"
    assert sorted(row.attribute for row in mine) == dir(mine[0].package)


def test_no_member_is_called_like_a_module_beside_it():
    """A lazily loaded function and a module of one name shadow each other: which one is seen depends on the order."""
    beside = {row: {each.stem for each in row.folder.iterdir() if each.suffix in ("", ".py")} for row in ROWS}
    assert_none([str(row) for row in ROWS if row.attribute in beside[row]])


def test_members_are_documented():
    missing = [str(row) for row in ROWS if not inspect.getdoc(row.value)]
    assert_none(missing)


def test_named_members_show_an_example_or_their_equation():
    shown = re.compile(r">>> |\.\. math::|\S = \S")
    missing = [str(row) for row in NAMED if not shown.search(inspect.getdoc(row.value) or "")]
    assert_none(missing)


def test_named_members_have_a_summary_and_their_name_is_in_kebab_case():
    kebab = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
    assert_none([str(row) for row in NAMED if not row.member.summary])
    assert_none([str(row) for row in NAMED if not kebab.fullmatch(row.member.name)])
    assert [
        str(row) for row in ROWS if row.member.chapter and not re.fullmatch(r"\d\d[ab]?", row.member.chapter)
    ] == []


def test_members_are_tested():
    """By name in a test of their room, or by a suite of their kind that goes over the whole table."""
    texts: dict[str, str] = {}
    for path in TESTS.rglob("test_*.py"):
        room = path.relative_to(TESTS).parts[0]
        texts[room] = texts.get(room, "") + path.read_text(encoding="utf-8")

    def tested(row: Row) -> bool:
        text = texts.get(row.folder.relative_to(SOURCE).parts[0], "")
        kinds = [kind for kind, package in KINDS.items() if package == row.package.__name__]
        if any(re.search(rf"table\(['\"]{kind}['\"]\)", text) for kind in kinds) and row.member.name:
            return True
        names = {row.attribute, *([row.member.name] if row.member.name else [])}
        return any(re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text) for name in names)

    assert_none([str(row) for row in NAMED if not tested(row)])


def test_names_are_found_and_misspelt_names_get_the_nearest():
    for kind in KINDS:
        for name, (attribute, member) in table(kind).items():
            if isinstance(member, Member) and member.module:
                assert find(kind, name).__name__ == attribute
    with pytest.raises(OptionError, match="did you mean 'mlp'"):
        find("network", "mpl")


def test_files_and_folders_of_a_package_are_reachable_though_not_listed():
    import neurarium

    assert neurarium.training.callbacks.Callback.__name__ == "Callback"
    assert neurarium.data.augmentation.Crop.__name__ == "Crop"
    assert neurarium.studies.evaluation.study.evaluate is neurarium.studies.evaluate
    assert "evaluation" not in dir(neurarium.studies)
    with pytest.raises(AttributeError, match="has no attribute 'nothing_of_this_name'"):
        _ = neurarium.training.nothing_of_this_name
