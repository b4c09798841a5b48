"""Build the documents as pages: `python scripts/build_docs.py [FOLDER]`, by default into site/.

Every Markdown document of the repository becomes a page, links between documents become links between pages, the programs
of docs/own are shown whole, and one more page lists all members of the library from their tables.
"""

from __future__ import annotations

import html
import importlib
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import markdown

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "neurarium"
LEFT_OUT = {"build", "dist", "site", "runs", "src", "tests"}
STYLE = """
:root { color-scheme: light dark; --line: #8884; --quiet: #777; --code: #8881 }
body { font: 16px/1.6 system-ui, sans-serif; margin: 0; display: grid; grid-template-columns: 15rem minmax(0, 50rem);
  gap: 3rem; padding: 1.5rem }
nav { font-size: 14px; position: sticky; top: 1.5rem; align-self: start; max-height: 95vh; overflow: auto }
nav a { display: block; color: inherit; text-decoration: none; padding: .1rem 0 } nav a:hover { text-decoration: underline }
nav b { display: block; margin-top: 1rem; color: var(--quiet); font-weight: 600 }
pre, code { font: 14px/1.5 ui-monospace, monospace; background: var(--code); border-radius: 4px } code { padding: .1em .3em }
pre { padding: .8rem 1rem; overflow: auto } pre code { background: none; padding: 0 }
table { border-collapse: collapse; display: block; overflow: auto }
td, th { border-bottom: 1px solid var(--line); padding: .3rem .8rem .3rem 0; text-align: left; vertical-align: top }
h1, h2, h3 { line-height: 1.25; margin-top: 2em } h1 { margin-top: 0 } img { max-width: 100% }
@media (max-width: 60rem) { body { grid-template-columns: minmax(0, 1fr) } nav { position: static; max-height: none } }
"""
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title} · Neurarium</title><link rel="stylesheet" href="{up}style.css"><nav>{navigation}</nav><main>{body}</main></html>
"""


def documents() -> Iterator[Path]:
    """Yield every Markdown document, and the programs that stand as documents."""
    for path in sorted([*ROOT.rglob("*.md"), *(ROOT / "docs").rglob("*.py")]):
        place = path.relative_to(ROOT).parts[0]
        if place not in LEFT_OUT and not place.startswith("."):
            yield path


def page_of(path: Path) -> Path:
    """Return where a document's page is, relative to the site: a README is the index of its folder."""
    name = path.relative_to(ROOT)
    return name.with_name("index.html") if name.name == "README.md" else name.with_suffix(".html")


def title_of(text: str, path: Path) -> str:
    if path.suffix == ".py":
        return path.name
    found = re.search(r"^# +(.+)$", text, flags=re.MULTILINE)
    return re.sub(r"[`*]", "", found[1]) if found else path.stem


def rendered(text: str, path: Path, pages: dict[Path, Path], files: set[Path]) -> str:
    """Return a document's HTML; links to documents become links to their pages, other files are noted in `files`."""
    if path.suffix == ".py":
        return f"<h1>{path.name}</h1><pre><code>{html.escape(text)}</code></pre>"

    def link(found: re.Match[str]) -> str:
        name, hash_, anchor = found[2].partition("#")
        target = (path.parent / name).resolve()
        target = target / "README.md" if target.is_dir() else target
        if not name or target not in pages:
            if target.is_file():
                files.add(target)
            return found[0]
        return f'{found[1]}="{up_from(pages[path])}{pages[target].as_posix()}{hash_}{anchor}"'

    body = markdown.markdown(text, extensions=["tables", "fenced_code", "toc", "sane_lists"])
    return re.sub(r'(href|src)="(?![a-z]+:)([^"]*)"', link, body)


def up_from(page: Path) -> str:
    return "../" * (len(page.parts) - 1)


def members() -> str:
    """Return the list of all members as Markdown, from the tables of the packages. No torch is needed."""
    parts = [
        "# Members",
        "Every name of the library. In Python `neurarium.losses.Huber`, on the command line `huber`.",
    ]
    for init in sorted(SOURCE.rglob("__init__.py")):
        package = ".".join(("neurarium", *init.parent.relative_to(SOURCE).parts))
        table = getattr(importlib.import_module(package), "MEMBERS", {})
        if not table:
            continue
        parts.append(f"## {package}\n\n| name | command line | what | chapter |\n|---|---|---|---|")
        for name, row in table.items():
            shown = f"`{row.name}`" if row.name else ""
            parts[-1] += f"\n| `{name}` | {shown} | {row.summary.replace('|', '/')} | {row.chapter} |"
    return "\n\n".join(parts)


def navigation(titles: dict[Path, str], here: Path) -> str:
    """Return the links to all pages, by folder."""
    rows, folder = [], None
    for page, title in sorted(titles.items(), key=lambda each: (len(each[0].parts), each[0].as_posix())):
        if page.parent != folder and page.parent != Path("."):
            rows.append(f"<b>{page.parent.as_posix()}</b>")
        folder = page.parent
        rows.append(f'<a href="{up_from(here)}{page.as_posix()}">{html.escape(title)}</a>')
    return "".join(rows)


def main(folder: Path) -> None:
    paths = list(documents())
    texts = {path: path.read_text(encoding="utf-8") for path in paths}
    pages = {path: page_of(path) for path in paths}
    files: set[Path] = set()
    bodies = {pages[path]: rendered(texts[path], path, pages, files) for path in paths}
    titles = {pages[path]: title_of(texts[path], path) for path in paths}
    bodies[Path("members.html")] = markdown.markdown(members(), extensions=["tables", "toc"])
    titles[Path("members.html")] = "Members"

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "style.css").write_text(STYLE, encoding="utf-8")
    for page, body in bodies.items():
        target = folder / page
        target.parent.mkdir(parents=True, exist_ok=True)
        links = navigation(titles, page)
        text = PAGE.format(title=html.escape(titles[page]), up=up_from(page), navigation=links, body=body)
        target.write_text(text, encoding="utf-8")
    for path in files:
        target = folder / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    print(f"{len(bodies)} pages: {folder / 'index.html'}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "site"))
