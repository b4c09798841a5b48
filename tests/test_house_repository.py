"""The repository: what its documents name is there, and nothing in it belongs to one machine or one registry."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from neurarium.cli.book import BOOK, chapter
from neurarium.cli.book import content as chapter_content
from neurarium.cli.main import app

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "neurarium"
CHAPTERS = ROOT / "docs" / "chapters"
KEPT = ("Makefile", "LICENSE", "README.md", "pyproject.toml", "constraints.txt", ".ci/run", "SECURITY.md")
# Folders that belong to one machine, not to the project (`/tmp` is everybody's).
MACHINE = re.compile(r"(?<![\w.~}$-])/(?:home|root|Users|opt|mnt|srv|work)/[\w.-]+|[A-Z]:\\Users\\")
HOSTS = ("pypi" + ".org", "python" + "hosted.org", "download.py" + "torch.org/whl", "conda" + ".anaconda.org")


def tracked() -> list[Path]:
    """Return the files that belong to the repository (all text files where there is no git)."""
    done = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0 and done.stdout:
        paths = [ROOT / name for name in done.stdout.split("\0") if name]
    else:
        folders = ("src", "tests", "docs", "benchmarks", "scripts")
        paths = [*ROOT.glob("*.*"), *(path for folder in folders for path in (ROOT / folder).rglob("*"))]
    return [path for path in paths if path.is_file()]


def text_of(path: Path) -> str:
    """Return a file's text, empty for pictures and other bytes."""
    raw = path.read_bytes()
    return "" if b"\0" in raw[:8192] else raw.decode("utf-8", errors="replace")


FILES = tracked()
DOCUMENTS = [path for path in FILES if path.suffix == ".md"]


def listed(rows: list[str]) -> str:
    return "\n  ".join(("", *rows))


def matches(pattern: re.Pattern[str]) -> list[str]:
    found = []
    for path in FILES:
        for number, line in enumerate(text_of(path).splitlines(), 1):
            if path.name != "LICENSE" and pattern.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number} {line.strip()[:120]}")
    return found


def test_the_files_that_a_newcomer_looks_for_are_there():
    assert [name for name in KEPT if not (ROOT / name).is_file()] == []
    assert len(FILES) > 100


def test_no_path_of_one_machine_is_named():
    found = matches(MACHINE)
    assert not found, listed(found)
    assert MACHINE.search("see /" + "home/someone/data") and not MACHINE.search("https://x.org/home/page")


def test_no_registry_is_named():
    found = matches(re.compile("|".join(map(re.escape, HOSTS))))
    assert not found, listed(found)


def test_no_data_set_is_kept_in_the_repository():
    data = {".csv", ".tsv", ".gz", ".zip", ".npz", ".parquet", ".arff", ".pt", ".pth", ".pkl"}
    assert [str(path.relative_to(ROOT)) for path in FILES if path.suffix in data] == []
    large = {
        str(path.relative_to(ROOT)): path.stat().st_size for path in FILES if path.stat().st_size > 1_000_000
    }
    assert large == {}


def test_constraints_pin_every_version_and_no_build_of_one_machine():
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*", line)] == []
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in lines}
    assert {"torch", "numpy", "polars", "scikit-learn", "pytest", "ruff", "mypy", "hypothesis"} <= pinned


# ---------------------------------------------------------------------------------------------------- documents


def links(text: str) -> Iterator[str]:
    """Yield the targets of the links and pictures of a document, code left out."""
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    prose = re.sub(r"`[^`\n]*`", "", prose)
    yield from re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", prose)


def anchors(text: str) -> set[str]:
    """Return the anchors that a document's headings have."""
    titles = re.findall(r"^#+ +(.+?) *$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def named_paths(text: str) -> Iterator[str]:
    """Yield what a document names as a path of the repository: `src/...`, `losses/dice.py`, ..."""
    rooms = {each.name for each in SOURCE.iterdir() if each.is_dir()}
    tops = {"src", "tests", "docs", "benchmarks", "scripts", ".ci"}
    for span in re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL)):
        if re.fullmatch(r"[\w.*-]+(/[\w.*-]+)+/?(::\w+)?", span) and span.split("/")[0] in rooms | tops:
            yield span.split("::")[0]


def exists(name: str) -> bool:
    places = (ROOT, SOURCE, ROOT / "src")
    return any((place / name).exists() or ("*" in name and any(place.glob(name))) for place in places)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path):
    text, found = text_of(path), []
    for target in links(text):
        name, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        place = path if not name else path.parent / name
        if not place.exists() or (anchor and place.suffix == ".md" and anchor not in anchors(text_of(place))):
            found.append(f"{path.relative_to(ROOT)} links to {target}")
    assert not found, listed(found)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_paths_that_documents_name_are_there(path):
    found = [name for name in named_paths(text_of(path)) if not exists(name)]
    assert not found, listed([f"{path.relative_to(ROOT)} names {name}" for name in found])


def test_the_checks_of_documents_find_what_they_look_for():
    text = "# A title\n[a](b.md) and `src/x.py`, `losses/none.py`, `a/b`\n```\n[c](d)\n```\n"
    assert list(links(text)) == ["b.md"]
    assert anchors("# How to add a network, a method\n") == {"how-to-add-a-network-a-method"}
    assert list(named_paths(text)) == ["src/x.py", "losses/none.py"]
    assert not exists("losses/none.py") and exists("core/errors.py") and exists("src/neurarium/core/*.py")


# ----------------------------------------------------------------------------------------------------- commands


def commands(text: str) -> Iterator[list[str]]:
    """Yield the words of every command line `neurarium VERB ...` that stands in the code of a document."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    lines += re.findall(r"^ {4}(.+)$", text, flags=re.MULTILINE)
    lines += re.findall(r"`([^`\n]+)`", text)
    for line in lines:
        found = re.match(r"(?:\$ )?neurarium +([^#|;]*)", line)
        if found:
            yield found[1].split()


def wrong_command(words: list[str]) -> str:
    """Return what is wrong with the words after `neurarium`: a verb or an option that is not there."""
    command: Any = typer.main.get_command(app)
    while words and hasattr(command, "commands") and not words[0].startswith("-"):
        if words[0].isupper():  # `neurarium VERB --help`
            return ""
        if words[0] not in command.commands:
            return "" if command.invoke_without_command else f"no verb '{words[0]}'"
        command, words = command.commands[words[0]], words[1:]
    known = {
        "--help",
        "-h",
        *(name for each in command.params for name in (*each.opts, *each.secondary_opts)),
    }
    wrong = [word for word in words if re.match(r"--?[a-z]", word) and word.split("=")[0] not in known]
    return f"no option {wrong[0]}" if wrong else ""


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_that_documents_name_are_there(path):
    found = [
        f"neurarium {' '.join(words)}: {wrong_command(words)}"
        for words in commands(text_of(path))
        if wrong_command(words)
    ]
    assert not found, listed(found)


def test_the_check_of_commands_finds_what_it_looks_for():
    text = "`neurarium trian x` and\n\n    neurarium train x --taget y\n\n```sh\nneurarium datasets fetch mnist --json # why\n```"
    assert [wrong_command(words) for words in commands(text)] == ["", "no option --taget", "no verb 'trian'"]


# ----------------------------------------------------------------------------------------------------- chapters


def test_chapters_carry_the_number_and_title_that_the_book_gives():
    files = sorted(CHAPTERS.glob("*.md"))
    numbers = {number for chapter in BOOK for number in chapter.numbers}
    assert len(BOOK) == 33
    for path in files:
        number = path.name.split("-")[0]
        assert number in numbers, f"{path.name}: the name begins with the number of a chapter"
        first = path.read_text(encoding="utf-8").splitlines()[0]
        assert first.startswith(f"# {number} "), f"{path.name} begins with '{first}'"
        content = chapter_content(chapter(number))
        assert str(path) in content["documents"], f"`neurarium chapters {number}` does not show {path.name}"
        assert content["members"], f"nothing is built of chapter {number}, yet it has a document"
