"""Completion: what the shell offers after a TAB. Names come from tables and files; nothing heavy is imported."""

from __future__ import annotations

import ast
import csv
import gzip
import importlib.util
import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import typer

from neurarium.cli.folders import RUNS, run_names

Offers = Iterable[tuple[str, str] | str]
TABLES = (".csv", ".tsv", ".txt", ".data", ".csv.gz", ".tsv.gz")
KEY = "_NEURARIUM_KEY"
# options whose value is the name of a member of a kind
NAMED = ("activation", "optimizer", "schedule", "loss", "initializer", "regularizer")


def starting(offers: Offers, incomplete: str) -> list[tuple[str, str] | str]:
    """Return the offers that begin like what was typed.

    >>> starting(["mlp", ("mixer", "an MLP of patches"), "cnn"], "m")
    ['mlp', ('mixer', 'an MLP of patches')]
    """
    return [each for each in offers if (each if isinstance(each, str) else each[0]).startswith(incomplete)]


def choices(*names: str) -> Callable[[str], Offers]:
    """Return the completion of an option with a few values."""
    return lambda incomplete: starting(names, incomplete)


def named(kind: str) -> Callable[[str], Offers]:
    """Return the completion of an option that names a member of a kind."""

    def complete(incomplete: str) -> Offers:
        from neurarium.core.members import table

        return starting([(name, row.summary) for name, (_, row) in table(kind).items()], incomplete)

    return complete


def names_of_data(incomplete: str) -> Offers:
    """Offer the data sets of the catalogue."""
    from neurarium.data.catalogue.entries import ENTRIES

    return starting([(name, entry.summary) for name, entry in ENTRIES.items()], incomplete)


def data(incomplete: str) -> Offers:
    """Offer the data sets of the catalogue, and files and folders beside."""
    known = list(names_of_data(incomplete))
    if _in_bash():  # it completes folders better itself, where nothing is offered
        return [*known, *(each for each in _paths(incomplete) if known and not each.endswith("/"))]
    return [*known, *_paths(incomplete)]


def runs(incomplete: str) -> Offers:
    """Offer the runs, by path or by name."""
    names = run_names()
    found = starting([str(Path(RUNS) / name) for name in names], incomplete)
    return found or starting(names, incomplete) or ([] if _in_bash() else _paths(incomplete))


def data_or_run(incomplete: str) -> Offers:
    """Offer runs, data sets, files and folders."""
    names = run_names()
    return [*starting([str(Path(RUNS) / name) for name in names], incomplete), *data(incomplete)]


def columns(context: typer.Context, incomplete: str) -> Offers:
    """Offer the columns of the table that stands before it on the line."""
    source = context.params.get("data") or next(iter(context.args), "")
    path = Path(str(source))
    if not path.name.lower().endswith(TABLES) or not path.is_file():
        return []
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
        line = stream.readline(65_536).decode(errors="replace")
    separator = max(",;\t|", key=line.count)
    return starting([each.strip() for each in next(csv.reader([line], delimiter=separator), [])], incomplete)


def _paths(incomplete: str) -> list[str]:
    """Offer files and folders that begin like what was typed; hidden ones where a dot was."""
    folder, _, start = incomplete.rpartition("/")
    place = Path(f"{folder}/" if folder or incomplete.startswith("/") else ".")
    if not place.is_dir() or not os.access(place, os.R_OK):
        return []
    head = f"{folder}/" if folder or incomplete.startswith("/") else ""
    found = [
        f"{head}{each.name}{'/' if each.is_dir() else ''}"
        for each in place.iterdir()
        if each.name.startswith(start) and (start or not each.name.startswith("."))
    ]
    return sorted(found)[:200]


# ------------------------------------------------------------------------------------------------- --set


def settings(context: typer.Context, incomplete: str) -> Offers:
    """Offer `key=` for every option of the network, the method and the descent; the names of a kind after `loss=`."""
    if os.environ.get(KEY):  # bash wants what follows the mark
        return _values(os.environ[KEY], incomplete)
    from neurarium.studies.planning.owners import usual_method

    key, mark, value = incomplete.partition("=")
    if mark:
        return [(f"{key}={name}", text) for name, text in _values(key, value)]
    network = context.params.get("network")
    method = context.params.get("method") or usual_method(network)
    return starting(_options(network, method), incomplete)


def _values(key: str, incomplete: str) -> list[tuple[str, str]]:
    from neurarium.core.members import table

    kind = key.rpartition(".")[2]
    rows = table(kind).items() if kind in NAMED else ()
    return [(name, row.summary) for name, (_, row) in rows if name.startswith(incomplete)]


def _options(network: str | None, method: str) -> Iterator[tuple[str, str]]:
    from neurarium.core.members import address, table
    from neurarium.studies.planning.owners import HIDDEN, NESTED

    parts = {
        "network": address("network", network) if network in table("network") else "",
        "method": address("method", method) if method in table("method") else "",
        "descent": "neurarium.training.descent:Descent",
        "initialization": "neurarium.initializers.initialization:initialize",
    }
    seen: set[str] = set()
    for owner, place in parts.items():
        for name, text in options_of(place).items() if place else ():
            shown = "initializer" if owner == "initialization" and name == "rule" else name
            if name not in HIDDEN.get(owner, ()) and shown not in seen:
                seen.add(shown)
                yield f"{shown}=", text.replace("`", "")
    for prefix in NESTED:
        yield f"{prefix}.", f"an option of the {prefix}"


def options_of(place: str) -> dict[str, str]:
    """Return the options of a class or a function by `package.module:name`, read from its source: nothing is imported.

    The text is that of the docstring's `Args`, else the annotation.

    >>> list(options_of("neurarium.networks.mlp:MLP"))[:3]
    ['features', 'outputs', 'widths']
    """
    module, _, name = place.partition(":")
    tree = _parsed(module)
    node = next((each for each in tree.body if getattr(each, "name", None) == name), None) if tree else None
    if isinstance(node, ast.FunctionDef):
        return _described(node, ast.get_docstring(node))
    if not isinstance(node, ast.ClassDef):
        return {}
    start = next((each for each in node.body if getattr(each, "name", None) == "__init__"), None)
    if isinstance(start, ast.FunctionDef):
        return _described(start, ast.get_docstring(node))
    for base in node.bases:  # a constructor of its ancestors
        found = options_of(_imported(tree, module, ast.unparse(base)))
        if found:
            return found
    return {}


def _parsed(module: str) -> ast.Module | None:
    """Parse the source of a module; its packages are located, not imported."""
    top, *rest = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
        for folder in (spec.submodule_search_locations or []) if spec is not None else []:
            for path in (Path(folder, *rest).with_suffix(".py"), Path(folder, *rest, "__init__.py")):
                if rest and path.is_file():
                    return ast.parse(path.read_text(encoding="utf-8"))
    except (ImportError, ValueError, SyntaxError, OSError):
        return None
    return None


def _imported(tree: ast.Module | None, module: str, name: str) -> str:
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.ImportFrom) and name in [alias.asname or alias.name for alias in node.names]:
            return f"{node.module}:{name}"
    return f"{module}:{name}"


def _described(node: ast.FunctionDef, documentation: str | None) -> dict[str, str]:
    told: dict[str, str] = {}
    section = re.search(r"Args:\n((?:[ ]+.*\n?|\n)*)", f"{documentation or ''}\n")
    for line in re.findall(r"^ {4}(\w[\w, ]*): (.+)$", section[1] if section else "", flags=re.M):
        told |= {name.strip(): line[1].rstrip(".;") for name in line[0].split(",")}
    arguments = [each for each in (*node.args.args, *node.args.kwonlyargs) if each.arg not in ("self", "cls")]
    return {
        each.arg: told.get(each.arg) or (ast.unparse(each.annotation) if each.annotation else "")
        for each in arguments
    }


# ------------------------------------------------------------------------------------------- the shell's words


def mend_words() -> None:
    """Join again what bash has taken apart: `=` ends a word for it, so `--set activation=re` comes as three words.

    It puts in the rest of a word alone: the key goes into an environment variable, where `settings` finds it.
    """
    words, place = os.environ.get("COMP_WORDS"), os.environ.get("COMP_CWORD", "")
    if not _in_bash() or words is None or not place.isdigit():
        return
    parts = words.split("\n" if "\n" in words else " ")[: int(place) + 1]
    joined: list[str] = []
    for number, part in enumerate(parts):
        if len(joined) > 1 and (part == "=" or parts[number - 1] == "="):
            joined[-1] += part
        else:
            joined.append(part)
    key, mark, value = joined[-1].partition("=") if joined else ("", "", "")
    if mark and not key.startswith("-"):
        os.environ[KEY] = key
        joined[-1] = value
    os.environ["COMP_WORDS"], os.environ["COMP_CWORD"] = "\n".join(joined), str(len(joined) - 1)


def _in_bash() -> bool:
    return os.environ.get("_NEURARIUM_COMPLETE") == "complete_bash"
