"""The table of chapters against the tables of members and the documents."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from neurarium.cli.book import BOOK, PLACES, chapter, documents, members
from neurarium.core.members import KINDS, table

DOCUMENTS = PLACES[1]


def test_there_are_33_chapters():
    assert len(BOOK) == 33
    assert [each.number for each in BOOK] == [f"{number:02}" for number in range(33)]


def test_every_member_is_in_a_chapter_of_the_book():
    numbers = {name for each in BOOK for name in each.numbers}
    for kind in KINDS:
        for name, (_, row) in table(kind).items():
            assert row.chapter in numbers, f"the {kind} '{name}' is in no chapter ({row.chapter!r})"


def test_every_document_is_found_and_begins_with_its_number():
    if not DOCUMENTS.is_dir():
        pytest.skip("the documents are not beside the package")
    found = {path for each in BOOK for path in documents(each)}
    for path in DOCUMENTS.glob("*.md"):
        assert path in found, f"{path.name} is the document of no chapter"
        number, _, _ = path.name.partition("-")
        assert re.match(rf"# 0*{number.lstrip('0') or '0'}\b", path.read_text(encoding="utf-8")), path.name


def test_parts_are_listed_with_kind_and_name():
    found = {(each["kind"], each["name"]) for each in members(chapter("01"))}
    assert {("network", "mlp"), ("network", "tabm")} <= found
    assert {each["kind"] for each in members(chapter("05"))} >= {"initializer"}


def test_the_command(run_line):
    code, value, shown = run_line("chapters")
    assert (
        code == 0
        and len(value["chapters"]) == 33
        and "Initialization" in shown
        and value["chapters"][5]["number"] == "05"
    )
    code, value, shown = run_line("chapters", "4")
    assert value["number"] == "04" and any(each["name"] == "gelu" for each in value["members"])
    assert "gelu" in shown
    code, value, _ = run_line("chapters", "40")
    assert code == 2 and "no chapter '40'" in value["error"]["problem"]


def test_a_written_chapter_is_shown(run_line):
    written = next((each for each in BOOK if documents(each)), None)
    if written is None:
        pytest.skip("no document is beside the package")
    _, value, shown = run_line("chapters", written.number)
    assert all(Path(path).is_file() for path in value["documents"]) and len(shown) > 500
