"""Loading an artifact never unpickles and never runs what is in the file: an audit hook watches in a process of its own.

Watched are `pickle.find_class` (each unpickling of an object), `exec` and `compile` of code that does not come from an
installed module, new processes, network connections, files written or removed, and imports of what nobody installed.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

import neurarium as nr
from neurarium.core.codec import save_tensors, save_tree

WATCH = """
import json, pickle, sys
import neurarium as nr
from neurarium.core.codec import load_tensors, load_tree
from neurarium.core.errors import UserError
from neurarium.data.preparation.loading import load_preparation

FORBIDDEN = ("pickle.find_class", "marshal.loads", "os.system", "os.exec", "os.posix_spawn", "subprocess.Popen",
             "socket.connect", "shutil.rmtree", "os.mkdir", "os.remove", "os.rename")
KNOWN = {"neurarium", "torch", "numpy", "polars", "safetensors", "sklearn", "scipy", "yaml", "PIL", "_yaml"}
seen, watching = [], False

def hook(event, arguments):
    if not watching:
        return
    if event in FORBIDDEN:
        seen.append(f"{event} {arguments!r}"[:300])
    if event in ("exec", "compile"):
        name = str(getattr(arguments[0], "co_filename", arguments[-1]))
        installed = "site-packages" in name or "neurarium" in name or name.startswith((sys.base_prefix, "<frozen"))
        if not installed and name != "<string>":  # dataclasses and named tuples make their methods so
            seen.append(f"{event} of {name}")
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        seen.append(f"open for writing {arguments!r}")
    if event == "import":
        top = arguments[0].partition(".")[0]
        if top not in sys.stdlib_module_names and top not in KNOWN and top not in sys.modules:
            seen.append(f"import of {arguments[0]}")

def run(path):
    found = nr.load(path)
    return found.network, found.history, found.decisions, found.preparation

def unpickle(path):
    with open(path, "rb") as stream:
        return pickle.load(stream)

LOAD = {"run": run, "tensors": load_tensors, "tree": load_tree, "preparation": load_preparation, "control": unpickle}
run(sys.argv[1])  # what a run needs is imported once, before anybody watches
sys.addaudithook(hook)
results = []
for what, path in json.loads(sys.argv[2]):
    seen, watching, told = [], True, "loaded"
    try:
        LOAD[what](path)
    except UserError as error:
        told = f"refused: {error}"
    watching = False
    results.append({"told": told, "seen": seen})
print(json.dumps(results))
"""


class Bomb:
    """Unpickled, it makes a folder: proof that code ran."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def sound(folder: Path) -> dict[str, tuple[str, Path]]:
    """Write a run with all kinds of artifacts."""
    run, wine = folder / "run", nr.data.load("wine")
    network = nr.networks.MLP.for_data(wine.inputs, wine.targets, widths=(8,))
    nr.fit(nr.methods.Supervised(network), wine, epochs=1, progress=False, out=run)
    return {
        "run": ("run", run),
        "weights": ("tensors", run / "weights.safetensors"),
        "checkpoint": ("tree", sorted((run / "checkpoints").iterdir())[-1]),
        "preparation": ("preparation", run / "preparation"),
    }


def forged(folder: Path, run: Path) -> dict[str, tuple[str, Path]]:
    """Write what a stranger might send: pickles under our names, and a run that asks for objects."""
    bomb, made = Bomb(folder / "exploded"), {}
    (folder / "pickle.safetensors").write_bytes(pickle.dumps(bomb))
    torch.save({"weight": torch.ones(2), "bomb": bomb}, folder / "torch.safetensors")
    with zipfile.ZipFile(folder / "zip.safetensors", "w") as archive:
        archive.writestr("data.pkl", pickle.dumps(bomb))
    for name in ("pickle", "torch", "zip"):
        made[f"{name} as weights"] = ("tensors", folder / f"{name}.safetensors")
        made[f"{name} as checkpoint"] = ("tree", folder / f"{name}.safetensors")
    for name in ("pickled run", "tagged run"):
        shutil.copytree(run, folder / name)
        made[name] = ("run", folder / name)
    (folder / "pickled run" / "weights.safetensors").write_bytes(pickle.dumps(bomb))
    (folder / "pickled run" / "results.json").unlink()
    config = folder / "tagged run" / "config.yaml"
    config.write_text(config.read_text() + f"\nextra: !!python/object/apply:os.mkdir ['{bomb.path}']\n")
    return made


SOUND = ("run", "weights", "checkpoint", "preparation")
FORGED = (
    *(f"{name} as {role}" for name in ("pickle", "torch", "zip") for role in ("weights", "checkpoint")),
    "pickled run",
    "tagged run",
)


@pytest.fixture(scope="module")
def watched(tmp_path_factory) -> dict[str, dict[str, Any]]:
    """Load all artifacts in one fresh process; return what it said of each, and what the hook saw."""
    folder = tmp_path_factory.mktemp("artifacts")
    cases = sound(folder)
    cases.update(forged(folder, folder / "run"))
    exploded = folder / "exploded"
    (folder / "control").write_bytes(pickle.dumps(Bomb(folder / "control exploded")))
    cases["control"] = ("control", folder / "control")
    orders = json.dumps([[what, str(path)] for what, path in cases.values()])
    command = [sys.executable, "-c", WATCH, str(folder / "run"), orders]
    found = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert found.returncode == 0, found.stderr[-3000:]
    results = dict(zip(cases, json.loads(found.stdout.strip().splitlines()[-1]), strict=True))
    return {
        **results,
        "exploded": {"forged": exploded.exists(), "control": (folder / "control exploded").exists()},
    }


@pytest.mark.parametrize("name", SOUND)
def test_it_is_loaded_without_running_a_file(name, watched):
    assert watched[name] == {"told": "loaded", "seen": []}


@pytest.mark.parametrize("name", FORGED)
def test_what_would_run_is_refused_unopened(name, watched):
    assert watched[name]["told"].startswith("refused") and watched[name]["seen"] == []
    assert not watched["exploded"]["forged"]


def test_the_hook_sees_what_it_looks_for(watched):
    """A watchman who sleeps finds nothing either: the same hook, and a loader that unpickles."""
    assert any(each.startswith("pickle.find_class") for each in watched["control"]["seen"])
    assert any(each.startswith("os.mkdir") for each in watched["control"]["seen"])
    assert watched["exploded"]["control"]


def test_what_is_saved_holds_no_pickle(tmp_path):
    save_tree(tmp_path / "tree", {"a": torch.ones(2), "b": ["text", 1.5]})
    save_tensors(tmp_path / "tensors", {"a": torch.ones(2)})
    for path in tmp_path.iterdir():
        content = path.read_bytes()
        assert b"\x80\x02" not in content[:200] and b"PK\x03\x04" not in content
